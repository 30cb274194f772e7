//! What a ledger answered, so that two answers can be compared.

use std::collections::BTreeSet;

use ringfence_core::ids::{CallId, CallSid, LeadId};
use ringfence_core::phone::PhoneNumber;
use ringfence_flows::ledger::{Commit, StartCommit, Started, Stored, Turn};
use ringfence_flows::records::{CallRecord, Lead, RunRecord};
use ringfence_ledger::Additions;

/// An answer to a [`crate::request::Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Done,
    Stored(Option<Stored>),
    Commit(Commit),
    StartCommit(StartCommit),
    Started(Option<Started>),
    LeadIds(Vec<LeadId>),
    Leads(Vec<Lead>),
    Calls(Vec<CallRecord>),
    Sids(Vec<(CallId, CallSid)>),
    Run(Option<RunRecord>),
    Turn(Turn),
    Numbers(BTreeSet<PhoneNumber>),
    Additions(Additions),
    /// Whether a number was taken off the list.
    Lifted(bool),
    /// How many leads were deleted.
    Deleted(u32),
    Refused(Refused),
    /// An error that no request here should meet: a difference, whoever agrees.
    Broken(String),
}

/// The errors that a request may meet where nothing fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// The store says that there is no room for the leases.
    NoRoom,
    /// The change itself goes beyond the limit.
    BeyondLimit,
    /// The run's number is taken, and the state does not say so.
    RunTaken,
    /// The run has no record that an end could be written to.
    NoRun,
    /// The roster has no such page, or the page no such place.
    NoPosition,
    /// A call is said to be live with a status that ends it.
    FinalIsNotLive,
}

/// How each refusal is told from the others: its words, and what it is.
const WORDS: [(&str, Refused); 7] = [
    ("refused for want of room", Refused::NoRoom),
    ("must not add leases beyond the limit", Refused::BeyondLimit),
    (
        "failed to commit a start, or not yet applied",
        Refused::RunTaken,
    ),
    ("a run without a record cannot be filed", Refused::NoRun),
    ("a roster page is missing", Refused::NoPosition),
    (
        "a position is beyond the end of its roster",
        Refused::NoPosition,
    ),
    (
        "a call with a final status is not live",
        Refused::FinalIsNotLive,
    ),
];

impl Answer {
    /// Reads an error by its words; those of the store itself differ from one to the next.
    pub fn of_error(error: &anyhow::Error) -> Self {
        let words = format!("{error:#}");
        let known = WORDS.into_iter().find(|(known, _)| words.contains(known));
        match known {
            Some((_, refused)) => Self::Refused(refused),
            None => Self::Broken(words),
        }
    }
}
