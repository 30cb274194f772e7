//! What the flows need of whoever places calls.

use std::fmt;
use std::future::{self, Future};
use std::time::Duration;

use ringfence_core::call::{CallStatus, Job};
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;

use crate::claim::Claim;

/// Places calls, and knows what became of them.
pub trait Carrier {
    /// What is to be said in this call, where that is sent along with the request rather
    /// than asked for once somebody has answered.
    ///
    /// It may take a while, so the fence is checked after it.
    fn script(&self, _claim: &Claim) -> impl Future<Output = Option<Script>> {
        future::ready(None)
    }

    /// Asks for one call, using the claim up. Never retries: the second request would be
    /// a second call.
    ///
    /// The caller has checked the fence ([`Order::dial_by`]) immediately before.
    fn place(&self, claim: Claim) -> impl Future<Output = Placed>;

    /// Asks what became of a call whose SID is known.
    fn ask(&self, sid: &CallSid) -> impl Future<Output = Asked>;

    /// Asks for the calls between two numbers that were created at `since` or later,
    /// and for every live one whenever it was created.
    ///
    /// The answer is eventually consistent: a call that is missing from it may exist.
    fn find(
        &self,
        from: &PhoneNumber,
        to: &PhoneNumber,
        since: Timestamp,
    ) -> impl Future<Output = Found>;

    /// Ends a call: hangs up a live one, cancels one that is still queued at the carrier.
    fn end(&self, sid: &CallSid) -> impl Future<Output = Asked>;
}

/// What is said in a call, in the carrier's language. It may name the person called.
#[derive(Clone, PartialEq, Eq)]
pub struct Script(String);

impl Script {
    /// Takes what the carrier can read.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the carrier alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script(..)")
    }
}

/// One call to be placed, with all that the carrier must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub business: BusinessId,
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
    pub from: PhoneNumber,
    pub to: PhoneNumber,
    /// The fence: after this no request may leave any more.
    pub dial_by: Timestamp,
    /// How long the phone may ring.
    pub ring_seconds_max: u32,
    /// How long the call may last.
    pub call_seconds_max: u32,
}

/// What a request for a call led to. There are three outcomes, never two.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Placed {
    /// The call exists and has this SID.
    Accepted(CallSid),
    /// The call does not exist and never will.
    Refused(Refusal),
    /// The request was not processed, or provably never sent: the call does not
    /// exist, and asking again later is safe.
    NotProcessed { retry_after: Option<Duration> },
    /// A phone may be ringing. Keep the slot and never dial again; a report or
    /// settlement will tell.
    Unknown,
}

/// Why the carrier refused a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// About this lead: its number is invalid, or may not be called. Others may go on.
    Lead { code: u32, reason: &'static str },
    /// About our account, caller id or webhook address: every further call would be refused too.
    Configuration { code: u32, reason: &'static str },
}

/// What the carrier knows of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Asked {
    /// It knows the call. Its word may be a little old, but a final status never changes.
    Known(Sighting),
    /// It does not know the call, or not yet.
    NotFound,
    /// No usable answer. Nothing may be concluded.
    Undecided,
}

/// The calls between two numbers that the carrier knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Found {
    Calls(Vec<Sighting>),
    /// No usable answer. Nothing may be concluded.
    Undecided,
}

/// One call as the carrier describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub sid: CallSid,
    /// `None` for a word that we do not know, which is never final.
    pub status: Option<CallStatus>,
    /// When the carrier took the request, by its clock, to the second.
    pub created_at: Option<Timestamp>,
    /// Seconds from answer to end, once the call is over.
    pub duration_seconds: Option<u32>,
}
