//! How calls come to be, end, and are reported.

use std::rc::Rc;

use ringfence_core::call::{CallStatus, Report};
use ringfence_core::ids::CallId;
use ringfence_core::time::Timestamp;

use super::{Callback, TrueCall, Truth, sid_of};
use crate::faults::Fault;
use crate::kernel::Kernel;
use crate::sim::{Act, Season, Sim};

impl Sim {
    /// A request reaches the carrier; if it makes a call, the judge looks at it.
    pub fn arrive(&self, number: usize) {
        let mut truth = self.truth.borrow_mut();
        if !truth.requests[number].makes_call {
            return;
        }
        let call = self.plan(&truth, number);
        let place = truth.calls.len();
        truth.requests[number].accepted = Some(place);
        self.tell("accepted", place as u64, || {
            let (b, job, id) = (call.b, call.job, call.call);
            format!("b{b} {job:?} call {id} to {:?}", call.to)
        });
        let ms = call.over_at - self.kernel.now();
        self.kernel.after(ms, Act::End(place));
        let numbers = (call.from.clone(), call.to.clone());
        truth.between.entry(numbers).or_default().push(place);
        let is_told_more = self.season.get() == Season::Probe && self.kernel.in_10k(3_000);
        if is_told_more || self.strikes(Fault::MoreCallbacks) {
            for status in [CallStatus::Initiated, CallStatus::Ringing] {
                self.report(place, status);
            }
        }
        if self.strikes(Fault::CallbackForged) {
            let forged = Callback {
                call: place,
                status: CallStatus::Completed,
                is_signed: false,
                tries: 0,
            };
            let ms = self.kernel.between(10, 60_000);
            self.kernel.after(ms, Act::Callback(forged));
        }
        truth.calls.push(call);
        truth.live.push(place);
        let mut judge = self.judge.borrow_mut();
        judge.accepted(self, &truth, place);
    }

    /// A call that is to be, as it will go if nobody ends it.
    fn plan(&self, truth: &Truth, number: usize) -> TrueCall {
        let order = &truth.requests[number].order;
        let kernel = &self.kernel;
        let now = kernel.now();
        let wait = if self.strikes(Fault::QueuedAtCarrier) {
            kernel.between(1_000, 120_000)
        } else {
            kernel.between(10, 800)
        };
        let dialled_at = now + wait;
        let (answered_at, over_at, ending) = match kernel.between(0, 9) {
            0 => (u64::MAX, dialled_at + 150, CallStatus::Failed),
            1 => (u64::MAX, dialled_at + 1_500, CallStatus::Busy),
            2 => (u64::MAX, dialled_at + 30_000, CallStatus::NoAnswer),
            _ => {
                let answered_at = dialled_at + kernel.between(200, 20_000);
                let talks = talk_ms(kernel, self.season.get(), self.faults.long_calls);
                (answered_at, answered_at + talks, CallStatus::Completed)
            }
        };
        TrueCall {
            b: crate::world::number_of(&order.business),
            call: order.call,
            job: order.job,
            lead: order.lead,
            from: order.from.clone(),
            to: order.to.clone(),
            accepted_at: now,
            dialled_at,
            answered_at,
            over_at,
            ending,
            is_over: false,
        }
    }

    /// A call comes to its own end.
    pub fn end_call(&self, place: usize) {
        let mut truth = self.truth.borrow_mut();
        if truth.calls[place].is_over {
            return;
        }
        truth.finish(place);
        let call = &truth.calls[place];
        let (b, ending) = (call.b, call.ending);
        self.tell("over", place as u64, || {
            format!("b{b} call {} {}", call.call, ending.as_str())
        });
        self.report(place, ending);
    }

    /// Somebody asks the carrier to end a call. One that was not dialled yet ends without
    /// a callback.
    pub fn hang_up(&self, place: usize) {
        let mut truth = self.truth.borrow_mut();
        let now = self.kernel.now();
        let call = &mut truth.calls[place];
        if call.is_over {
            return;
        }
        let is_dialled = now >= call.dialled_at;
        call.over_at = now;
        call.ending = if now >= call.answered_at {
            CallStatus::Completed
        } else {
            CallStatus::Canceled
        };
        let ending = call.ending;
        truth.finish(place);
        self.tell("hung up", place as u64, || ending.as_str().to_owned());
        if is_dialled {
            self.report(place, ending);
        }
    }

    /// Sends a callback on its way.
    fn report(&self, call: usize, status: CallStatus) {
        if self.strikes(Fault::CallbackLost) {
            self.tell("lost", call as u64, || "a callback".to_owned());
            return;
        }
        let most = if self.strikes(Fault::CallbackLate) {
            90_000
        } else {
            900
        };
        let times = if self.strikes(Fault::CallbackTwice) {
            2
        } else {
            1
        };
        for _ in 0..times {
            let callback = Callback {
                call,
                status,
                is_signed: true,
                tries: 0,
            };
            let ms = self.kernel.between(20, most);
            self.kernel.after(ms, Act::Callback(callback));
        }
    }

    /// Sends the callback of a live call that was answered, once more or late.
    pub fn remind(&self, call: CallId) {
        let truth = self.truth.borrow();
        let now = self.kernel.now();
        let is_it = |&&place: &&usize| {
            let known = &truth.calls[place];
            known.call == call && known.status_at(now) == CallStatus::InProgress
        };
        if let Some(&call) = truth.live.iter().find(is_it) {
            let callback = Callback {
                call,
                status: CallStatus::InProgress,
                is_signed: true,
                tries: 0,
            };
            let ms = self.kernel.between(500, 5_000);
            self.kernel.after(ms, Act::Callback(callback));
        }
    }

    /// The webhook: turns away what is not signed, and hands the rest on; where that
    /// fails, the carrier tries a few times again.
    pub fn hear(self: &Rc<Self>, callback: Callback) {
        let Callback {
            call,
            status,
            is_signed,
            tries,
        } = callback;
        if !is_signed {
            self.tell("forged", call as u64, || "turned away".to_owned());
            return;
        }
        if self.strikes(Fault::SendLoss) {
            if tries < 2 {
                let again = Callback {
                    call,
                    status,
                    is_signed,
                    tries: tries + 1,
                };
                self.kernel.after(3_000, Act::Callback(again));
            }
            return;
        }
        let (b, report) = {
            let truth = self.truth.borrow();
            let known = &truth.calls[call];
            let at = self.kernel.now().saturating_add_signed(truth.skew);
            let report = Report {
                call: known.call,
                job: known.job,
                lead: known.lead,
                sid: sid_of(call),
                status,
                at: Timestamp::from_millis(at),
                duration_seconds: known.duration_seconds(),
            };
            (known.b, report)
        };
        self.tell("reported", call as u64, || {
            format!("b{b} call {} {}", report.call, status.as_str())
        });
        self.enqueue(b, Some(report), 0);
    }
}

impl Truth {
    fn finish(&mut self, place: usize) {
        self.calls[place].is_over = true;
        self.live.retain(|&live| live != place);
    }
}

/// Most calls are short, `long` in ten thousand are long; in the calm none is, so that
/// stories end.
fn talk_ms(kernel: &Kernel, season: Season, long: u32) -> u64 {
    let is_long = season == Season::Storm && kernel.in_10k(long);
    if is_long {
        kernel.between(60_000, 1_500_000)
    } else {
        kernel.between(100, 25_000)
    }
}
