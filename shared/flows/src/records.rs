//! What the ledger remembers besides the state: nothing here decides anything.

use std::collections::BTreeMap;

use ringfence_core::call::{CallStatus, Job, Outcome};
use ringfence_core::caps::Country;
use ringfence_core::ids::{CallId, CallSid, LeadId, ListId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Counts, RunStatus};
use ringfence_core::time::Timestamp;

/// A lead as far as a call needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    pub id: LeadId,
    pub name: String,
    pub phone: Option<PhoneNumber>,
    /// Where the number is, if anybody knows.
    pub country: Option<Country>,
    /// The further columns of the list that it came from.
    pub variables: BTreeMap<String, String>,
}

/// A call, or a job that ended without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    pub call: CallId,
    /// Unknown only while nothing but a report without them has been recorded.
    pub job: Option<Job>,
    pub lead: Option<LeadId>,
    pub lead_name: Option<String>,
    pub to: Option<PhoneNumber>,
    /// When the do-not-call list was last looked at for this call.
    pub checked_at: Option<Timestamp>,
    pub sid: Option<CallSid>,
    pub progress: Progress,
    pub ended_at: Option<Timestamp>,
    pub duration_seconds: Option<u32>,
    /// Why there was no call, or why it failed, as a stable word.
    pub error: Option<String>,
}

impl CallRecord {
    /// True of an end that nobody could confirm. While the call still has its lease, that
    /// was recorded by a decision that lost to a newer one, and proves nothing.
    pub fn is_unconfirmed(&self) -> bool {
        self.error.as_deref() == Some(UNCONFIRMED)
    }
}

/// The error of a call that nobody could confirm: the carrier does not know it, and it
/// is not dialled again.
pub(crate) const UNCONFIRMED: &str = "unconfirmed";

/// How far a recorded call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The carrier was asked, and gave no clear answer.
    Unknown,
    /// The carrier has it; its last word.
    Live(CallStatus),
    /// It is over; the carrier's last word, if the carrier ever had it.
    Over(Outcome, Option<CallStatus>),
}

/// A change of a call record. Each sets its own fields only, so any order gives the same record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallNote {
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
    /// Who is called, where it is at hand.
    pub who: Option<Callee>,
    /// When the do-not-call list was last looked at for this call, where that is at hand.
    pub checked_at: Option<Timestamp>,
    pub sid: Option<CallSid>,
    pub news: News,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// The lead's.
    pub name: String,
    pub to: PhoneNumber,
}

/// What a note adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The carrier was asked, and gave no clear answer.
    Unknown,
    /// The call is live. Never undoes an end.
    Live(CallStatus),
    /// The call is over. The first end that the carrier or its refusal confirms stands.
    Over {
        outcome: Outcome,
        status: Option<CallStatus>,
        at: Timestamp,
        duration_seconds: Option<u32>,
        error: Option<String>,
    },
}

impl News {
    /// True of an end that nobody could confirm: it gives way to one that somebody can.
    pub fn is_unconfirmed(&self) -> bool {
        match self {
            Self::Over { error, .. } => error.as_deref() == Some(UNCONFIRMED),
            Self::Unknown | Self::Live(_) => false,
        }
    }
}

/// A run as its record tells it, for lists and after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    pub run: RunId,
    pub total: u32,
    pub concurrency: u32,
    pub roster: RosterId,
    pub list: Option<ListId>,
    pub created_at: Timestamp,
    /// The id of the key that started it.
    pub created_by: String,
    /// Set once the run is over.
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    pub status: RunStatus,
    pub counts: Counts,
    pub at: Timestamp,
    pub last_error: Option<String>,
}
