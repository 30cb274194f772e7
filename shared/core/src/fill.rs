//! Applies what became known of the calls of a business, and gives its free slots away.
//!
//! One decision, one write: the slot of a call that ended passes to the next lead in
//! the same change, so no code anywhere releases a slot and none can forget to.

mod apply;
mod claims;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::{Job, Outcome};
use crate::caps::Country;
use crate::ids::{CallId, LeadId, RunId};
use crate::phone::PhoneNumber;
use crate::state::{Lease, State};
use crate::time::Timestamp;
use crate::timing::Timing;

use self::apply::apply;
use self::claims::Filling;
pub(crate) use self::claims::lease;

/// Something that happened, in the past tense. Applying it twice changes nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The carrier said that the call is over.
    Ended { call: CallId, outcome: Outcome },
    /// The carrier refused the call for a reason that is about this lead: it does not exist.
    LeadRefused { call: CallId },
    /// The carrier refused the call for a reason that would refuse every other too.
    ConfigurationRefused { call: CallId, error: String },
    /// The carrier did not process the request, or never got it: the lead may be called later.
    NotProcessed {
        call: CallId,
        retry_after: Option<Duration>,
    },
    /// The carrier was asked, and the call is live.
    StillLive { call: CallId },
    /// The carrier was asked at `asked_at`, and does not know the call.
    NotFound { call: CallId, asked_at: Timestamp },
    /// The carrier was asked, and gave no usable answer.
    Undecided { call: CallId },
    /// The final counts of a run that is over stand in its run record.
    Filed { run: RunId },
}

/// Why a fact changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// The call holds no slot: it never did, or an earlier fact has freed it.
    NotLeased,
    /// Somebody may still dial for the call, or it was missed a moment ago already.
    TooEarly,
    /// The run is not over, or is filed already.
    NotOver,
}

/// What is known of a lead that could be next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// It can be called.
    Callable {
        lead: LeadId,
        to: PhoneNumber,
        /// Where the number is, if anybody knows.
        country: Option<Country>,
    },
    /// It cannot, whenever it is tried.
    Barred { lead: LeadId, reason: Barred },
}

/// Why a lead cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// It has no phone number.
    NoPhone,
    /// It was deleted after the run was started.
    Deleted,
    /// Its number is on the business's do-not-call list.
    DoNotCall,
    /// Its number is in a country that the business may not call.
    Destination,
}

impl Barred {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPhone => "no_phone",
            Self::Deleted => "lead_deleted",
            Self::DoNotCall => "do_not_call",
            Self::Destination => "destination_not_allowed",
        }
    }
}

/// The candidates that have been looked up, by run and position.
pub type Candidates = BTreeMap<(RunId, u32), Candidate>;

/// A slot that this decision gives to a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub call: CallId,
    pub lease: Lease,
    pub lead: LeadId,
}

/// A lead that this decision counts as failed without a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
    pub reason: Barred,
}

/// A decision: what to store, and what to do once it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Filled {
    pub state: State,
    /// False when storing `state` would change nothing, but perhaps who is put aside for
    /// the moment, which the next decision finds out again.
    pub is_changed: bool,
    /// To be placed, each once.
    pub claims: Vec<Claimed>,
    /// To be recorded.
    pub skipped: Vec<Skipped>,
    /// Calls that the carrier never knew: counted as failed, to be recorded.
    pub lost: Vec<(CallId, Lease)>,
    /// The facts that changed nothing, and why.
    pub ignored: Vec<(Fact, Nothing)>,
    /// Positions to look up before deciding again: a slot is free for them.
    pub wanted: Vec<(RunId, u32)>,
    /// The decision stopped at its bound; there is more to decide at once.
    pub has_more: bool,
}

/// Applies `facts` to `state`, then claims the free slots for the leads in `candidates`.
///
/// `mint` gives a fresh call id at each call, minted at `now`.
pub fn fill(
    mut state: State,
    facts: &[Fact],
    candidates: &Candidates,
    mint: &mut dyn FnMut() -> CallId,
    now: Timestamp,
    timing: &Timing,
) -> Filled {
    let mut is_changed = false;
    let mut ignored = Vec::new();
    let mut lost = Vec::new();
    for fact in facts {
        match apply(&mut state, fact, &mut lost, now, timing) {
            Ok(()) => is_changed = true,
            Err(why) => ignored.push((fact.clone(), why)),
        }
    }
    let mut filling = Filling::default();
    let has_more = filling.claim_free_slots(&mut state, candidates, mint, now, timing);
    let Filling {
        claims,
        skipped,
        wanted,
    } = filling;
    is_changed |= !claims.is_empty() || !skipped.is_empty();
    is_changed |= close_runs(&mut state, now);
    state.assert_balanced();
    Filled {
        state,
        is_changed,
        claims,
        skipped,
        lost,
        ignored,
        wanted,
        has_more,
    }
}

/// True if whoever looks at this business without any news has something to do: a slot to
/// give away, a run to close or to file, a call to end or to ask about.
///
/// What cannot be told without its leads counts as something to do. The day must have
/// begun already.
pub fn needs_look(state: &State, now: Timestamp) -> bool {
    if state.overdue(now).next().is_some()
        || state.to_hang_up().next().is_some()
        || state.runs.values().any(|run| run.over_at.is_some())
    {
        return true;
    }
    let mut nobody = || -> CallId { unreachable!("nobody is called who was not looked up") };
    let timing = &Timing::CLOUD;
    let filled = fill(
        state.clone(),
        &[],
        &Candidates::new(),
        &mut nobody,
        now,
        timing,
    );
    filled.is_changed || filled.has_more || !filled.wanted.is_empty()
}

/// Notes the end of every run whose last lead has its outcome; true if there was one.
pub(crate) fn close_runs(state: &mut State, now: Timestamp) -> bool {
    let live = state.live_by_run();
    let mut has_closed = false;
    for (id, run) in &mut state.runs {
        let is_over = run.queued() == 0 && !live.contains_key(id);
        if is_over && run.over_at.is_none() {
            run.over_at = Some(now);
            has_closed = true;
        }
    }
    has_closed
}

#[cfg(test)]
mod tests;
