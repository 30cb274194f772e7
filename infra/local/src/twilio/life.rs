//! Leads a call through its life, as planned, unless somebody ends it before.

use std::time::Duration;

use ringfence_core::call::CallStatus;
use ringfence_core::ids::CallSid;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::SimTwilio;
use super::call::Mark;
use super::callback;
use super::plan::Plan;
use super::request::CallScript;
use super::script::{Ending, Queue};
use super::twiml::{self, Twiml};

/// How long Twilio takes to say that an application error has occurred.
const APOLOGY: Duration = Duration::from_secs(2);

/// A callback on its way; ends when its first copy is dealt with.
pub(super) type OnItsWay = JoinHandle<()>;

impl SimTwilio {
    /// Lives an accepted call to its end; returns once its final callback is dealt with.
    pub(super) async fn live(self, sid: CallSid, accepted: Mark, plan: Plan) {
        let Queue::Waits(wait) = plan.queue else {
            return;
        };
        let dialled = accepted.instant + wait;
        sleep_until(dialled).await;
        if self.advance(&sid, CallStatus::Initiated).is_none() {
            return;
        }
        let connected = dialled + plan.dial;
        sleep_until(connected).await;
        let ending = match plan.ending {
            Ending::Busy => CallStatus::Busy,
            Ending::Fails => CallStatus::Failed,
            Ending::NoAnswer | Ending::Talks(_) => {
                if self.advance(&sid, CallStatus::Ringing).is_none() {
                    return;
                }
                let rung_out = connected + plan.ring;
                sleep_until(rung_out).await;
                match plan.ending {
                    Ending::Talks(talk) => {
                        if self.talk(&sid, rung_out, talk).await.is_none() {
                            return;
                        }
                        CallStatus::Completed
                    }
                    Ending::NoAnswer | Ending::Busy | Ending::Fails => CallStatus::NoAnswer,
                }
            }
        };
        if let Some(on_its_way) = self.advance(&sid, ending) {
            // It fails only if the runtime is shutting down.
            _ = on_its_way.await;
        }
    }

    /// Moves a call on and reports it; `None` if the call was over already.
    pub(super) fn advance(&self, sid: &CallSid, status: CallStatus) -> Option<OnItsWay> {
        let callback = {
            let mut world = self.world();
            let mark = world.mark();
            if !world.call_mut(sid)?.advance(status, mark) {
                return None;
            }
            callback::due(&mut world, sid, status)
        };
        let twilio = self.clone();
        Some(tokio::spawn(async move {
            if let Some(callback) = callback {
                twilio.deliver(callback).await;
            }
        }))
    }

    /// Answers the call and does as it is told; `None` if the call was over already.
    async fn talk(&self, sid: &CallSid, answered: Instant, talk: Duration) -> Option<()> {
        self.advance(sid, CallStatus::InProgress)?;
        let script = self.world().call(sid)?.order.script.clone();
        let twiml = match script {
            CallScript::Application => Twiml::NotAsked,
            CallScript::Inline(text) => twiml::judge_text(&text),
            CallScript::Fetched(webhook) => match self.fetch_twiml(&webhook, sid).await {
                Some(response) => twiml::judge(&response),
                None => Twiml::Unreachable,
            },
        };
        self.world().call_mut(sid)?.twiml = twiml;
        let lasts = match twiml {
            Twiml::Speaks | Twiml::NotAsked => talk,
            Twiml::HangsUp => Duration::ZERO,
            Twiml::Invalid | Twiml::Unreachable => talk.min(APOLOGY),
        };
        sleep_until(answered + lasts).await;
        Some(())
    }
}
