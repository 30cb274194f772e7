//! The carrier, and the truth: which calls exist, and when each began and ended.

mod life;
mod port;

use std::collections::BTreeMap;

use ringfence_core::call::{CallStatus, Job};
use ringfence_core::ids::{CallId, CallSid, LeadId};
use ringfence_core::phone::PhoneNumber;
use ringfence_flows::carrier::{Order, Placed};

/// Everything that the carrier knows.
#[derive(Default)]
pub struct Truth {
    pub calls: Vec<TrueCall>,
    /// The numbers of those that are not over.
    pub live: Vec<usize>,
    pub requests: Vec<Request>,
    /// The calls between two numbers, oldest first.
    between: BTreeMap<(PhoneNumber, PhoneNumber), Vec<usize>>,
    /// How far the carrier's clock is ahead of the true time, or behind it.
    pub skew: i64,
    /// When the carrier is overloaded, from and to.
    pub storms: Vec<(u64, u64)>,
}

/// A call that exists.
pub struct TrueCall {
    pub b: usize,
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
    pub from: PhoneNumber,
    pub to: PhoneNumber,
    pub accepted_at: u64,
    pub dialled_at: u64,
    pub answered_at: u64,
    /// When it ends, or has ended.
    pub over_at: u64,
    pub ending: CallStatus,
    pub is_over: bool,
}

/// A request for a call that has left a worker.
pub struct Request {
    pub order: Order,
    /// Whether it makes a call when it arrives.
    pub makes_call: bool,
    /// What the worker is told, unless it is that the call exists.
    pub answer: Option<Placed>,
    pub accepted: Option<usize>,
}

/// A message of the carrier, or of somebody who pretends to be it.
pub struct Callback {
    pub call: usize,
    pub status: CallStatus,
    pub is_signed: bool,
    pub tries: u32,
}

/// The carrier's name for its call of this number.
pub fn sid_of(call: usize) -> CallSid {
    let sid = format!("CA{:032x}", call + 1).parse();
    sid.expect("CA and 32 hex digits")
}

/// The number of the call that has this name.
pub fn call_of(sid: &CallSid) -> usize {
    let number = usize::from_str_radix(&sid.as_str()[18..], 16);
    number.expect("every SID here is a number") - 1
}

impl TrueCall {
    /// The carrier's word for where the call was at an instant.
    pub fn status_at(&self, at: u64) -> CallStatus {
        if self.is_over && at >= self.over_at {
            self.ending
        } else if at < self.dialled_at {
            CallStatus::Queued
        } else if at < self.answered_at {
            CallStatus::Ringing
        } else {
            CallStatus::InProgress
        }
    }

    /// Seconds from answer to end, once it is over.
    pub fn duration_seconds(&self) -> Option<u32> {
        let talked = self.over_at.saturating_sub(self.answered_at);
        let is_known = self.is_over && self.ending == CallStatus::Completed;
        is_known.then(|| u32::try_from(talked / 1_000).expect("calls are short"))
    }
}
