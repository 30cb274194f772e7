//! What the flows need of the stored record, one small port for each kind of need.
//!
//! Every method takes the business first, so that nothing of another can be read or written,
//! but for those of rosters: a roster's id is random, and only its business's records hold it.

use std::collections::BTreeSet;
use std::future::Future;

use anyhow::Result;
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;

use crate::records::{CallNote, CallRecord, Lead, RunEnd, RunRecord};

/// All that flows need of the stored record.
pub trait Ports: States + Rosters + DoNotCall + Calls + Runs + Starts {}

impl<L: States + Rosters + DoNotCall + Calls + Runs + Starts> Ports for L {}

/// The state of a business, and the one write that changes it.
pub trait States {
    /// Reads the state as of now (a consistent read), or `None` if there is no such business.
    fn load(&self, business: &BusinessId) -> impl Future<Output = Result<Option<Stored>>>;

    /// Reads the state as it is or was a moment ago (an eventually consistent read, which
    /// costs half), or `None` if there is none, as of now.
    ///
    /// Good enough to commit from, since the commit is refused if the state is newer. Whoever
    /// commits nothing has to [`load`](Self::load) before concluding anything.
    fn glance(&self, business: &BusinessId) -> impl Future<Output = Result<Option<Stored>>>;

    /// Replaces `from` by `to`, or leaves everything as it is.
    ///
    /// `claimed` are the calls that `to` adds: if a write that seemed to fail did reach
    /// the store, they are how it is recognised.
    ///
    /// # Errors
    ///
    /// Only when it could not be found out whether the write was applied. If it was,
    /// nobody dials for its claims, and settlement counts them as failed.
    fn commit(
        &self,
        business: &BusinessId,
        from: &Stored,
        to: &State,
        claimed: &[CallId],
    ) -> impl Future<Output = Result<Commit>>;
}

/// A state as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub state: State,
    /// Goes up by one with each write.
    pub rev: u64,
}

/// Whether a conditional write was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    Applied,
    /// Somebody else was first. Decide again on this newer state.
    Stale(Stored),
}

/// Who is next: the immutable rosters, and the leads themselves.
pub trait Rosters {
    /// The leads at these positions of a roster, in the order asked for.
    fn roster_leads(
        &self,
        roster: RosterId,
        positions: &[u32],
    ) -> impl Future<Output = Result<Vec<LeadId>>>;

    /// Stores a new roster. Safe to repeat.
    fn put_roster(&self, roster: RosterId, leads: &[LeadId]) -> impl Future<Output = Result<()>>;

    /// The leads of these ids that exist, in no particular order.
    fn leads(
        &self,
        business: &BusinessId,
        ids: &[LeadId],
    ) -> impl Future<Output = Result<Vec<Lead>>>;

    /// Those of these ids that do not exist.
    fn missing_leads(
        &self,
        business: &BusinessId,
        ids: &[LeadId],
    ) -> impl Future<Output = Result<Vec<LeadId>>>;
}

/// Whom a business must not call.
pub trait DoNotCall {
    /// Those of these numbers that are on the list, as of now (consistent reads).
    ///
    /// What was added before the state's `do_not_call_rev` went up is among them.
    fn listed(
        &self,
        business: &BusinessId,
        numbers: &[PhoneNumber],
    ) -> impl Future<Output = Result<BTreeSet<PhoneNumber>>>;
}

/// The call records.
pub trait Calls {
    /// Adds to a call record, creating it if need be. Safe to repeat, in any order.
    fn note(&self, business: &BusinessId, note: &CallNote) -> impl Future<Output = Result<()>>;

    /// The records of these calls that exist, in no particular order.
    fn calls(
        &self,
        business: &BusinessId,
        calls: &[CallId],
    ) -> impl Future<Output = Result<Vec<CallRecord>>>;

    /// The recorded calls that were claimed at `since` or later and have a SID, with it.
    fn sids_since(
        &self,
        business: &BusinessId,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(CallId, CallSid)>>>;
}

/// The run records.
pub trait Runs {
    /// Reads a run's record (a consistent read).
    fn run(
        &self,
        business: &BusinessId,
        run: RunId,
    ) -> impl Future<Output = Result<Option<RunRecord>>>;

    /// Writes how a run ended. Safe to repeat: the end of a run never changes.
    fn file_run(
        &self,
        business: &BusinessId,
        run: RunId,
        end: &RunEnd,
    ) -> impl Future<Output = Result<()>>;

    /// Takes the right to settle by hand, at most once in each minute.
    /// Otherwise says when it is free again.
    fn take_cleanup_turn(
        &self,
        business: &BusinessId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Turn>>;
}

/// Whether something that is allowed once in a while may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Turn {
    Taken,
    NotBefore(Timestamp),
}

/// The starts: a state change together with what must be remembered of it, or neither.
pub trait Starts {
    /// Reads what a request key has started already, unless that is over a day ago.
    fn started(
        &self,
        business: &BusinessId,
        key: &RequestKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Started>>>;

    /// Replaces `from` by `to`, and stores the run record and the request key with it,
    /// all or nothing.
    ///
    /// # Errors
    ///
    /// Only when it could not be found out whether the write was applied.
    fn commit_start(
        &self,
        business: &BusinessId,
        from: &Stored,
        to: &State,
        start: &Start,
    ) -> impl Future<Output = Result<StartCommit>>;
}

/// A client's `Idempotency-Key`, and a digest of the request that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    pub key: String,
    pub request_digest: [u8; 32],
}

/// What is stored together with the state when something is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub run: Option<RunRecord>,
    pub key: Option<RequestKey>,
    pub what: What,
    pub now: Timestamp,
}

/// What a request started, from which its answer can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A run.
    Run { run: RunId },
    /// Direct calls, one for each lead of the request that got a slot.
    Calls(Vec<(LeadId, CallId)>),
}

/// What a request key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub request_digest: [u8; 32],
    pub what: What,
}

/// Whether a start was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StartCommit {
    Applied,
    /// Somebody else changed the state first. Decide again on this newer one.
    Stale(Stored),
    /// The same request key has started something already.
    KeyUsed(Started),
}
