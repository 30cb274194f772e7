//! The state of a business: everything that decides whether a call may be placed.
//!
//! It is stored as one item and changed by one conditional write at a time, so a
//! slot cannot be won twice. Leases are counted by identity: removing one that is
//! gone removes nothing, so no duplicate can free a slot that another call holds.

use std::collections::BTreeMap;

use crate::call::{Job, Outcome};
use crate::caps::{Caps, Day, Destinations};
use crate::ids::{CallId, RosterId, RunId};
use crate::phone::PhoneNumber;
use crate::time::Timestamp;
use crate::timing::Timing;

/// The limit of a business, the calls that hold its slots, and where its runs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// How many slots the business has. Lowering it cuts no call; it drains.
    pub limit: u32,
    /// Who holds a slot. Nothing else does.
    pub active: BTreeMap<CallId, Lease>,
    /// The runs that are not over, or over but not yet filed in their run record.
    pub runs: BTreeMap<RunId, Run>,
    /// The number that the next run gets.
    pub next_run: u32,
    /// Set while the carrier asks us to slow down.
    pub pause: Option<Pause>,
    /// The numbers that calls come from, the present one last. Earlier ones stay while a
    /// call that may have been placed from them is live, so that it can be asked about.
    pub caller_ids: Vec<PhoneNumber>,
    /// Where its leads may be.
    pub destinations: Destinations,
    /// Goes up with each addition to the do-not-call list, after it; 0 while nothing was ever
    /// added. So a claim that was decided on an older list is refused.
    pub do_not_call_rev: u32,
    pub caps: Caps,
    /// The day whose calls are counted. It outlives a cap that is taken away, so that one
    /// which comes back the same day finds the calls that were made.
    pub day: Option<Box<Day>>,
}

/// The right of one call to its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub job: Job,
    /// The number being called: no second call of this business goes to it meanwhile.
    pub to: PhoneNumber,
    /// The fence: nobody asks the carrier for this call after this instant.
    pub dial_by: Timestamp,
    /// When to ask the carrier about the call, if nothing is heard until then.
    pub ask_at: Timestamp,
    /// How many times running the carrier did not know the call.
    pub missing: u32,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The pages that hold its leads in dial order.
    pub roster: RosterId,
    /// How many leads it has.
    pub total: u32,
    /// How many of its calls may be live at once; as many as the limit, whatever that
    /// becomes, where nobody said otherwise. The limit holds besides.
    pub concurrency: Option<u32>,
    /// The first position of the roster that was never taken.
    pub next: u32,
    /// Positions before `next` that wait again: the carrier asked us to slow down, or
    /// their number was in a call. First in, first out.
    pub returned: Vec<u32>,
    pub completed: u32,
    pub failed: u32,
    pub canceled: u32,
    /// How many slots it was given, counted from the least served run at its start.
    pub served: u32,
    pub phase: Phase,
    pub created_at: Timestamp,
    /// When its last lead reached its outcome.
    pub over_at: Option<Timestamp>,
    /// What went wrong with the run as a whole, in words for a person.
    pub last_error: Option<String>,
}

/// What a run is doing with the leads that it has not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// They are waiting for slots.
    Running,
    /// Somebody stopped the run; they are canceled. Live calls go on to their end.
    Stopped,
    /// Somebody stopped the run and wants its live calls ended too.
    HangingUp,
    /// Our configuration was refused by the carrier; they are canceled.
    Failed,
}

/// What a run looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Leads are waiting or being called.
    Running,
    /// Stopped, with calls still live.
    Stopping,
    /// Stopped and over.
    Stopped,
    /// Every lead has its outcome.
    Completed,
    /// Given up; [`Run::last_error`] says why.
    Failed,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Completed,
        Self::Failed,
    ];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// The carrier asked us to slow down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// No run claims a slot before this instant.
    pub until: Timestamp,
    /// How many times in a row; each doubles the next pause.
    pub step: u32,
}

/// How a run stands: at every read the five counts add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub queued: u32,
    pub in_progress: u32,
    pub completed: u32,
    pub failed: u32,
    pub canceled: u32,
}

impl State {
    /// A business that has not called anybody yet.
    pub const fn new(limit: u32) -> Self {
        Self {
            limit,
            active: BTreeMap::new(),
            runs: BTreeMap::new(),
            next_run: 1,
            pause: None,
            caller_ids: Vec::new(),
            destinations: Destinations::Any,
            do_not_call_rev: 0,
            caps: Caps::WIDEST,
            day: None,
        }
    }

    /// The number that calls come from, once one is configured.
    pub fn caller_id(&self) -> Option<&PhoneNumber> {
        self.caller_ids.last()
    }

    /// How many slots are taken.
    pub fn slots_in_use(&self) -> u32 {
        u32::try_from(self.active.len()).expect("a business has at most hundreds of slots")
    }

    /// How many slots are free. None while a lowered limit drains.
    pub fn slots_free(&self) -> u32 {
        self.limit.saturating_sub(self.slots_in_use())
    }

    /// True while the sweep has to look at this business.
    pub fn has_work(&self) -> bool {
        !self.active.is_empty() || !self.runs.is_empty()
    }

    /// How many calls of a run hold a slot.
    pub fn in_progress(&self, run: RunId) -> u32 {
        let leases = self
            .active
            .values()
            .filter(|lease| lease.job.run() == Some(run));
        u32::try_from(leases.count()).expect("a business has at most hundreds of slots")
    }

    /// How many calls of each run hold a slot, of the runs that have any.
    pub(crate) fn live_by_run(&self) -> BTreeMap<RunId, u32> {
        let mut live = BTreeMap::new();
        for run in self.active.values().filter_map(|lease| lease.job.run()) {
            *live.entry(run).or_insert(0) += 1;
        }
        live
    }

    /// True while a call of this business to this number holds a slot.
    pub fn is_in_call(&self, number: &PhoneNumber) -> bool {
        self.active.values().any(|lease| lease.to == *number)
    }

    /// The leases without news for too long. Whether the carrier's *I do not know it* counts
    /// yet is decided when it is applied.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = (CallId, &Lease)> {
        self.active
            .iter()
            .filter_map(move |(&call, lease)| lease.ask_at.has_passed(now).then_some((call, lease)))
    }

    /// The calls for which nobody can dial any more, so that the carrier's answer about them counts.
    pub fn fenced_off(
        &self,
        now: Timestamp,
        timing: &Timing,
    ) -> impl Iterator<Item = (CallId, &Lease)> {
        self.active.iter().filter_map(move |(&call, lease)| {
            lease.is_fenced_off(now, timing).then_some((call, lease))
        })
    }

    /// The counts and status of a run, if it is not filed yet.
    pub fn run_view(&self, id: RunId) -> Option<(&Run, Counts, RunStatus)> {
        let run = self.runs.get(&id)?;
        let in_progress = self.in_progress(id);
        Some((run, run.counts(in_progress), run.status(in_progress)))
    }

    /// Panics if the books do not balance: a bug of ours, found before it is stored.
    pub fn assert_balanced(&self) {
        if let Some(imbalance) = self.imbalance() {
            panic!("{imbalance}");
        }
    }

    /// What is wrong with the books, if they do not balance.
    pub fn imbalance(&self) -> Option<String> {
        let live = self.live_by_run();
        for (&id, run) in &self.runs {
            if run.next > run.total {
                return Some(format!("run {id} must not pass its roster's end"));
            }
            if run.counts(live.get(&id).copied().unwrap_or(0)).total() != run.total {
                return Some(format!("run {id} must account for every lead"));
            }
        }
        let left = live.keys().find(|id| !self.runs.contains_key(id))?;
        Some(format!("run {left} must stay while a call of it is live"))
    }
}

impl Lease {
    /// True once nobody can dial for it any more: the window is over, and so is the life
    /// of every worker that may have been in it.
    pub fn is_fenced_off(&self, now: Timestamp, timing: &Timing) -> bool {
        self.dial_by
            .after(timing.function_timeout)
            .after(timing.margin)
            .has_passed(now)
    }
}

impl Counts {
    /// The sum, which is the run's total.
    pub const fn total(&self) -> u32 {
        self.queued + self.in_progress + self.completed + self.failed + self.canceled
    }
}

impl Run {
    /// How many leads wait for a slot.
    pub fn queued(&self) -> u32 {
        let again = u32::try_from(self.returned.len()).expect("bounded by the roster");
        self.total - self.next + again
    }

    /// The counts, given how many calls of the run hold a slot.
    pub fn counts(&self, in_progress: u32) -> Counts {
        Counts {
            queued: self.queued(),
            in_progress,
            completed: self.completed,
            failed: self.failed,
            canceled: self.canceled,
        }
    }

    /// How many of its calls may be live at once under a business's limit.
    pub fn concurrency(&self, limit: u32) -> u32 {
        self.concurrency.unwrap_or(limit)
    }

    /// The status, given how many calls of the run hold a slot.
    pub fn status(&self, in_progress: u32) -> RunStatus {
        match self.phase {
            Phase::Running if self.queued() + in_progress > 0 => RunStatus::Running,
            Phase::Running => RunStatus::Completed,
            Phase::Stopped | Phase::HangingUp if in_progress > 0 => RunStatus::Stopping,
            Phase::Stopped | Phase::HangingUp => RunStatus::Stopped,
            Phase::Failed => RunStatus::Failed,
        }
    }

    /// Counts a job that has ended.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Canceled => self.canceled += 1,
        }
    }

    /// Cancels every lead that was not called and says how many those were.
    pub(crate) fn cancel_queued(&mut self, phase: Phase) -> u32 {
        let queued = self.queued();
        self.next = self.total;
        self.returned.clear();
        self.canceled += queued;
        self.phase = phase;
        queued
    }
}

#[cfg(test)]
pub(crate) mod tests;
