//! The carrier as flows see it.
//!
//! A request that was given up may still make a call: at most [`LATE_MS`] after its worker
//! stopped waiting. The fence rests on such a bound, and on lists being at most
//! [`STALE_MS`] behind.

use std::time::Duration;

use ringfence_core::ids::CallSid;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::carrier::{Asked, Carrier, Found, Placed, Refusal, Sighting};
use ringfence_flows::claim::Claim;
use ringfence_flows::world::Office;

use super::{Request, Truth, call_of, sid_of};
use crate::faults::Fault;
use crate::sim::Act;
use crate::world::{SimWorld, millis, number_of};

/// How long after its worker gave up a request may still make a call.
pub(super) const LATE_MS: u64 = 10_000;
/// How far behind an answer to a question may be.
pub(super) const STALE_MS: u64 = 10_000;

/// What becomes of a request: when it arrives, and when and what the worker hears.
struct Fate {
    arrives_in: u64,
    answers_in: u64,
    makes_call: bool,
    answer: Option<Placed>,
}

impl SimWorld {
    fn fate(&self) -> Fate {
        let (sim, kernel) = (&self.sim, &self.sim.kernel);
        let http_timeout = millis(Timing::CLOUD.http_timeout);
        let arrives_in = kernel.between(5, 200);
        let fate = |answers_in, makes_call, answer| Fate {
            arrives_in,
            answers_in,
            makes_call,
            answer,
        };
        let soon = arrives_in + kernel.between(5, 900);
        let is_storm = sim.truth.borrow().is_storm(kernel.now());
        if sim.strikes(Fault::TooManyRequests) || is_storm && kernel.in_10k(8_000) {
            let asked = Duration::from_secs(kernel.between(1, 20));
            let retry_after = kernel.in_10k(5_000).then_some(asked);
            fate(soon, false, Some(Placed::NotProcessed { retry_after }))
        } else if sim.strikes(Fault::ConnectFails) {
            let refused = Placed::NotProcessed { retry_after: None };
            fate(soon, false, Some(refused))
        } else if sim.strikes(Fault::RefusesLead) {
            let reason = "the number is invalid";
            let refusal = Refusal::Lead {
                code: 21_211,
                reason,
            };
            fate(soon, false, Some(Placed::Refused(refusal)))
        } else if sim.strikes(Fault::RefusesConfiguration) {
            let reason = "the caller id is not ours";
            let refusal = Refusal::Configuration {
                code: 21_210,
                reason,
            };
            fate(soon, false, Some(Placed::Refused(refusal)))
        } else if sim.strikes(Fault::ServerError) {
            fate(soon, kernel.in_10k(5_000), Some(Placed::Unknown))
        } else if sim.strikes(Fault::AcceptedTimeout) {
            fate(http_timeout, true, Some(Placed::Unknown))
        } else if sim.strikes(Fault::AcceptedLate) {
            let arrives_in = http_timeout + sim.late(0, LATE_MS);
            Fate {
                arrives_in,
                ..fate(http_timeout, true, Some(Placed::Unknown))
            }
        } else {
            fate(soon, true, None)
        }
    }

    /// What the carrier knew `behind` milliseconds ago.
    fn behind(&self) -> u64 {
        if self.sim.strikes(Fault::Stale) {
            self.sim.late(0, STALE_MS)
        } else {
            0
        }
    }

    async fn question(&self) -> bool {
        let kernel = &self.sim.kernel;
        self.hop(kernel.between(20, 300)).await;
        self.sim.strikes(Fault::AskFails)
    }
}

impl Truth {
    fn is_storm(&self, now: u64) -> bool {
        let is_in = |&(from, to): &(u64, u64)| from <= now && now < to;
        self.storms.iter().any(is_in)
    }

    fn sighting(&self, place: usize, at: u64) -> Option<Sighting> {
        let call = &self.calls[place];
        if call.accepted_at > at {
            return None;
        }
        let created = call.accepted_at.saturating_add_signed(self.skew) / 1_000 * 1_000;
        let status = call.status_at(at);
        let is_over = status.outcome().is_some();
        Some(Sighting {
            sid: sid_of(place),
            status: Some(status),
            created_at: Some(Timestamp::from_millis(created)),
            duration_seconds: if is_over {
                call.duration_seconds()
            } else {
                None
            },
        })
    }
}

impl Carrier for SimWorld {
    async fn place(&self, claim: Claim) -> Placed {
        self.sim.judge.borrow_mut().is_placing(claim.order().call);
        let has_passed = claim.order().dial_by.has_passed(Office::now(self));
        if has_passed {
            let words = format!("call {} was dialled after its window", claim.order().call);
            self.sim.judge.borrow_mut().fail("fence", words);
        }
        if !self.is_frozen && self.sim.strikes(Fault::PauseBeforeDial) {
            let mut most = millis(Timing::CLOUD.function_timeout);
            if self.sim.faults.rate(Fault::KilledLate) > 0 {
                most += millis(Timing::CLOUD.margin);
            }
            self.stand_still(self.sim.late(15_000, most));
            if self.sim.faults.is_at_edges {
                self.sim.doubt(number_of(&claim.order().business));
            }
        }
        // Whoever stands still here sends the request when it goes on, or is killed before.
        // The fence rests on that: of a worker that nobody kills, the request leaves in the
        // very instant in which its dial window was looked at, and it may stop anywhere else.
        if !self.is_frozen {
            self.hop(self.sim.kernel.between(1, 5)).await;
        }
        let order = claim.order().clone();
        self.check_own(&order.business);
        let Fate {
            arrives_in,
            answers_in,
            makes_call,
            answer,
        } = self.fate();
        let number = {
            let mut truth = self.sim.truth.borrow_mut();
            truth.requests.push(Request {
                order,
                makes_call,
                answer,
                accepted: None,
            });
            truth.requests.len() - 1
        };
        self.sim.kernel.after(arrives_in, Act::Arrive(number));
        self.hop(answers_in).await;
        let truth = self.sim.truth.borrow();
        let request = &truth.requests[number];
        let answer = request.answer.clone().or_else(|| {
            let accepted = request.accepted?;
            Some(Placed::Accepted(sid_of(accepted)))
        });
        self.sim.tell("answer", number as u64, || {
            format!("call {}: {answer:?}", request.order.call)
        });
        answer.expect("a request arrives before it is answered")
    }

    async fn ask(&self, sid: &CallSid) -> Asked {
        let is_failing = self.question().await;
        let asked = if is_failing {
            Asked::Undecided
        } else {
            let at = self.sim.kernel.now() - self.behind();
            let known = self.sim.truth.borrow().sighting(call_of(sid), at);
            known.map_or(Asked::NotFound, Asked::Known)
        };
        self.sim
            .tell("asked", call_of(sid) as u64, || format!("{asked:?}"));
        self.hop(self.sim.kernel.between(10, 200)).await;
        asked
    }

    async fn find(&self, from: &PhoneNumber, to: &PhoneNumber, since: Timestamp) -> Found {
        let found = if self.question().await {
            Found::Undecided
        } else {
            let at = self.sim.kernel.now() - self.behind();
            let truth = self.sim.truth.borrow();
            let numbers = (from.clone(), to.clone());
            let calls = truth.between.get(&numbers).into_iter().flatten();
            let seen = calls.filter_map(|&place| truth.sighting(place, at));
            let since = since.as_millis() / 1_000;
            let is_meant = |seen: &Sighting| {
                let is_over = seen.status.is_some_and(|status| status.outcome().is_some());
                let is_old = seen
                    .created_at
                    .is_some_and(|at| at.as_millis() / 1_000 < since);
                !(is_over && is_old)
            };
            Found::Calls(seen.filter(is_meant).collect())
        };
        self.sim.tell("found", 0, || format!("{to:?}: {found:?}"));
        self.hop(self.sim.kernel.between(10, 200)).await;
        found
    }

    async fn end(&self, sid: &CallSid) -> Asked {
        let is_failing = self.question().await;
        let place = call_of(sid);
        if is_failing && self.sim.kernel.in_10k(5_000) {
            return Asked::Undecided;
        }
        self.sim.hang_up(place);
        let now = self.sim.kernel.now();
        let known = self.sim.truth.borrow().sighting(place, now);
        self.hop(self.sim.kernel.between(10, 200)).await;
        if is_failing {
            return Asked::Undecided;
        }
        known.map_or(Asked::NotFound, Asked::Known)
    }
}
