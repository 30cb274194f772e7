//! One call, as the simulated Twilio remembers it.
//!
//! A call only moves forward, and a final step is its last.

use std::sync::Arc;
use std::time::Duration;

use ringfence_core::call::CallStatus;
use ringfence_core::ids::CallSid;
use ringfence_core::time::Timestamp;
use tokio::time::Instant;

use super::request::{Form, Order, query_of, value};
use super::twiml::Twiml;

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Orders everything that this Twilio saw or did, also within one instant.
    pub tick: u64,
    pub instant: Instant,
    pub at: Timestamp,
}

/// What the client wrote into the query of its callback URL, as given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// `b`
    pub business: Option<String>,
    /// `c`
    pub call: Option<String>,
    /// `l`
    pub lead: Option<String>,
    /// `r`
    pub run: Option<String>,
    /// `i`
    pub index: Option<String>,
}

impl Tag {
    /// Reads the parameters of a create; well-formed or not, they may name a callback.
    pub(super) fn of(form: &[(String, String)]) -> Self {
        let url = value(form, "StatusCallback").or_else(|| value(form, "Url"));
        let query: Form = url.map_or_else(Vec::new, query_of);
        let own = |name: &str| value(&query, name).map(str::to_owned);
        Self {
            business: own("b"),
            call: own("c"),
            lead: own("l"),
            run: own("r"),
            index: own("i"),
        }
    }
}

/// A status and when the call reached it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) status: CallStatus,
    pub(super) mark: Mark,
}

pub(super) struct Call {
    pub(super) sid: CallSid,
    pub(super) order: Order,
    pub(super) tag: Arc<Tag>,
    /// From acceptance to the end, as planned; `None` for ever.
    pub(super) planned: Option<Duration>,
    /// Seeds the faults of its callbacks; `None` if they must all be faithful.
    pub(super) hazard_seed: Option<u64>,
    /// `SequenceNumber` of the next callback.
    pub(super) sequence: u32,
    pub(super) twiml: Twiml,
    pub(super) final_sent: Option<Mark>,
    /// In order, never empty.
    steps: Vec<Step>,
}

impl Call {
    /// A call that was accepted just now.
    pub(super) fn accepted(
        sid: CallSid,
        order: Order,
        tag: Arc<Tag>,
        planned: Option<Duration>,
        mark: Mark,
    ) -> Self {
        let steps = vec![Step {
            status: CallStatus::Queued,
            mark,
        }];
        Self {
            sid,
            order,
            tag,
            planned,
            hazard_seed: None,
            sequence: 0,
            twiml: Twiml::NotAsked,
            final_sent: None,
            steps,
        }
    }

    /// Moves on; false if the call was over already.
    pub(super) fn advance(&mut self, status: CallStatus, mark: Mark) -> bool {
        if self.is_over() {
            return false;
        }
        self.steps.push(Step { status, mark });
        true
    }

    pub(super) fn is_over(&self) -> bool {
        self.status().outcome().is_some()
    }

    pub(super) fn status(&self) -> CallStatus {
        self.steps[self.steps.len() - 1].status
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            call: self,
            steps: &self.steps,
        }
    }

    /// The call as it was at `instant`; `None` before it was accepted.
    pub(super) fn view_at(&self, instant: Instant) -> Option<View<'_>> {
        let passed = self
            .steps
            .partition_point(|step| step.mark.instant <= instant);
        (passed > 0).then(|| View {
            call: self,
            steps: &self.steps[..passed],
        })
    }
}

/// A call at some point of its life.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) call: &'a Call,
    /// Never empty.
    steps: &'a [Step],
}

impl View<'_> {
    pub(super) fn status(&self) -> CallStatus {
        self.last().status
    }

    /// The status in the REST API, which does not tell a dialled call from a queued one.
    pub(super) fn rest_status(&self) -> CallStatus {
        match self.status() {
            CallStatus::Initiated => CallStatus::Queued,
            status => status,
        }
    }

    pub(super) fn reached(&self, status: CallStatus) -> Option<Mark> {
        self.steps
            .iter()
            .find(|step| step.status == status)
            .map(|step| step.mark)
    }

    pub(super) fn accepted(&self) -> Mark {
        self.steps[0].mark
    }

    pub(super) fn updated(&self) -> Mark {
        self.last().mark
    }

    pub(super) fn ended(&self) -> Option<Mark> {
        let last = self.last();
        last.status.outcome().map(|_| last.mark)
    }

    /// Seconds from answer to end in the call's own time, which runs at `speed`.
    pub(super) fn talk_seconds(&self, speed: f64) -> Option<u64> {
        let (ended, answered) = (self.ended()?, self.reached(CallStatus::InProgress)?);
        let talked = ended.instant.saturating_duration_since(answered.instant);
        let own = Duration::try_from_secs_f64(talked.as_secs_f64() * speed);
        own.ok()
            .map(|own| own.saturating_add(Duration::from_millis(500)).as_secs())
    }

    fn last(&self) -> Step {
        self.steps[self.steps.len() - 1]
    }
}
