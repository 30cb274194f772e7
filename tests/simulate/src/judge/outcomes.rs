//! What became of every lead of a run, and of every direct call: exactly one outcome.
//!
//! The writes of the state say when a lead stops waiting and when a call loses its slot;
//! which outcome that must be, the carrier knows.

use std::collections::BTreeSet;

use ringfence_core::call::{Job, Outcome};
use ringfence_core::ids::{CallId, RunId};
use ringfence_core::state::{Lease, Phase, Run, State};
use ringfence_flows::carrier::Placed;
use ringfence_flows::records::CallRecord;

use super::Judge;
use crate::carrier::Truth;
use crate::kernel::TaskId;
use crate::ledger::Shelf;
use crate::world::Who;

/// How a lead of a run, or a direct call, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) outcome: Outcome,
    /// The claim that it had last; none if it was passed over, or canceled while it waited.
    pub(super) call: Option<CallId>,
    /// Who has counted it.
    pub(super) worker: TaskId,
}

/// How often each outcome was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) completed: u32,
    pub(super) failed: u32,
    pub(super) canceled: u32,
}

impl Tally {
    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Canceled => self.canceled += 1,
        }
    }

    fn of(run: &Run) -> Self {
        Self {
            completed: run.completed,
            failed: run.failed,
            canceled: run.canceled,
        }
    }
}

impl Judge {
    /// A state was replaced: each count of a run has moved by the leads that have ended.
    pub fn moved_on(&mut self, truth: &Truth, b: usize, old: &State, shelf: &Shelf, who: Who) {
        let new = &shelf.stored.state;
        let worker = who.worker;
        let is_over = |(call, _): &(&CallId, &Lease)| !new.active.contains_key(*call);
        let ended: Vec<(CallId, &Lease)> = old
            .active
            .iter()
            .filter(is_over)
            .map(|(&call, lease)| (call, lease))
            .collect();
        for &(call, lease) in &ended {
            if let Job::Direct { .. } = lease.job {
                let fate = Fate {
                    outcome: true_outcome(truth, call).unwrap_or(Outcome::Failed),
                    call: Some(call),
                    worker,
                };
                self.direct.insert((b, call), fate);
            }
        }
        for (&id, run) in &old.runs {
            let Some(after) = new.runs.get(&id) else {
                continue;
            };
            let mut tally = Tally::of(run);
            for (index, outcome, call) in fates(truth, shelf, id, [run, after], &ended) {
                tally.count(outcome);
                let fate = Fate {
                    outcome,
                    call,
                    worker,
                };
                if let Some(first) = self.fates.insert((b, id, index), fate) {
                    let words = format!("b{b} run {id} position {index}: {first:?}, then {fate:?}");
                    self.fail("outcome", words);
                }
            }
            let counted = Tally::of(after);
            if tally != counted {
                let words = format!("b{b} run {id} counts {counted:?}, truly {tally:?}");
                self.fail("outcome", words);
            }
        }
    }
}

/// Which leads of a run have reached their outcome by a write, and which it must be.
fn fates(
    truth: &Truth,
    shelf: &Shelf,
    id: RunId,
    [run, after]: [&Run; 2],
    ended: &[(CallId, &Lease)],
) -> Vec<(u32, Outcome, Option<CallId>)> {
    let new = &shelf.stored.state;
    let claimed: BTreeSet<u32> = new
        .active
        .values()
        .filter_map(|lease| index_in(id, lease))
        .collect();
    let is_out = |index: u32| !waits(after, index) && !claimed.contains(&index);
    let mut fates = Vec::new();
    for &(call, lease) in ended {
        let Some(index) = index_in(id, lease) else {
            continue;
        };
        let outcome = match true_outcome(truth, call) {
            Some(outcome) => outcome,
            None if !is_out(index) => continue,
            None => outcome_without_call(truth, shelf, call, after.phase),
        };
        fates.push((index, outcome, Some(call)));
    }
    if run.next == after.next && run.returned == after.returned {
        return fates;
    }
    // Who waited, and was never called: counted as failed while the run goes on, or
    // canceled with all others.
    let outcome = match after.phase {
        Phase::Running => Outcome::Failed,
        Phase::Stopped | Phase::HangingUp | Phase::Failed => Outcome::Canceled,
    };
    let waited = (run.next..run.total).chain(run.returned.iter().copied());
    let passed = waited.filter(|&index| is_out(index));
    fates.extend(passed.map(|index| (index, outcome, None)));
    fates
}

fn index_in(run: RunId, lease: &Lease) -> Option<u32> {
    match lease.job {
        Job::OfRun { run: of, index } => (of == run).then_some(index),
        Job::Direct { .. } => None,
    }
}

fn waits(run: &Run, index: u32) -> bool {
    index >= run.next || run.returned.contains(&index)
}

/// How a call ended that the carrier took.
pub(super) fn true_outcome(truth: &Truth, call: CallId) -> Option<Outcome> {
    let known = truth.calls.iter().rev().find(|known| known.call == call)?;
    known.ending.outcome()
}

/// The outcome of a lead that lost its slot and does not wait again, although the carrier
/// knows of no call: refused or never confirmed, it has failed; given back to a run that
/// is not running any more, it is canceled.
fn outcome_without_call(truth: &Truth, shelf: &Shelf, call: CallId, phase: Phase) -> Outcome {
    let mut requests = truth.requests.iter().rev();
    let request = requests.find(|request| request.order.call == call);
    let was_taken = match request.and_then(|request| request.answer.as_ref()) {
        Some(Placed::NotProcessed { .. }) => false,
        Some(Placed::Accepted(_) | Placed::Refused(_) | Placed::Unknown) => true,
        // No request has left, or its answer was to be that the call exists.
        None => request.is_some(),
    };
    let row = shelf.calls.get(&call);
    let is_given_up = row.is_some_and(|row| CallRecord::is_unconfirmed(&row.record));
    if phase == Phase::Running || was_taken || is_given_up {
        Outcome::Failed
    } else {
        Outcome::Canceled
    }
}
