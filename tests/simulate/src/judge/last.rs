//! The last look, when all is over: every lead has exactly one outcome, and it is the true one.

use std::collections::BTreeMap;

use ringfence_core::call::{CallStatus, Job, Outcome};
use ringfence_core::ids::RunId;
use ringfence_core::state::RunStatus;
use ringfence_flows::records::{Progress, RunEnd};

use super::{ClaimFacts, Judge};
use crate::carrier::Truth;
use crate::ledger::{Shelf, Store};

impl Judge {
    /// Compares what the records say with what happened.
    pub fn look_back(&mut self, store: &Store, truth: &Truth) {
        let is_lost = |claim: &ClaimFacts| !claim.is_used && !self.fallen.contains(&claim.worker);
        let mut claims = self.claims.iter();
        if let Some((call, claim)) = claims.find(|(_, claim)| is_lost(claim)) {
            let worker = claim.worker;
            self.fail(
                "lost",
                format!("worker {worker} won a slot, and never placed {call}"),
            );
        }
        for (b, shelf) in store.shelves.iter().enumerate() {
            self.look_back_at(b, shelf, store, truth);
        }
    }

    /// In a run that nobody stopped, whoever could be called had a slot.
    fn look_for_passed_over(&mut self, b: usize, run: RunId, shelf: &Shelf, store: &Store) {
        let record = &shelf.runs[&run];
        let is_completed = |end: &RunEnd| end.status == RunStatus::Completed;
        if !record.end.as_ref().is_some_and(is_completed) {
            return;
        }
        for (index, lead) in (0..).zip(store.roster(record.roster)) {
            if self.is_free(b, shelf, lead) && !self.claimed.contains(&(b, run, index)) {
                let words = format!("b{b} run {run} passed over lead {lead}");
                self.fail("outcome", words);
            }
        }
    }

    fn look_back_at(&mut self, b: usize, shelf: &Shelf, store: &Store, truth: &Truth) {
        let mut completed: BTreeMap<RunId, u32> = BTreeMap::new();
        let mut canceled: BTreeMap<RunId, u32> = BTreeMap::new();
        for call in truth.calls.iter().filter(|call| call.b == b) {
            if let Some(row) = shelf.calls.get(&call.call)
                && let Progress::Over(outcome, _) = row.record.progress
                && Some(outcome) != call.ending.outcome()
            {
                let words = format!("b{b} call {}: {outcome:?}", call.call);
                self.fail("outcome", words);
            }
            let Job::OfRun { run, .. } = call.job else {
                continue;
            };
            match call.ending.outcome() {
                Some(Outcome::Completed) => *completed.entry(run).or_default() += 1,
                Some(Outcome::Canceled) => *canceled.entry(run).or_default() += 1,
                Some(Outcome::Failed) | None => {}
            }
            if call.ending == CallStatus::Queued {
                self.fail("outcome", format!("b{b} call {} has no end", call.call));
            }
        }
        self.look_for_barred(b, shelf);
        for (id, row) in &shelf.calls {
            let is_completed = matches!(row.record.progress, Progress::Over(Outcome::Completed, _));
            if is_completed && !truth.calls.iter().any(|call| call.call == *id) {
                let job = row.record.job;
                self.fail(
                    "outcome",
                    format!("b{b} {job:?} call {id} never was, and completed"),
                );
            }
        }
        for (&run, record) in &shelf.runs {
            self.look_for_passed_over(b, run, shelf, store);
            let Some(end) = &record.end else {
                self.fail("liveness", format!("b{b} run {run} was never filed"));
                continue;
            };
            let counts = end.counts;
            let is_over = counts.queued + counts.in_progress == 0;
            if !is_over || counts.total() != record.total {
                let total = record.total;
                self.fail("counts", format!("b{b} run {run}: {counts:?} of {total}"));
            }
            let true_completed = completed.get(&run).copied().unwrap_or(0);
            let true_canceled = canceled.get(&run).copied().unwrap_or(0);
            let has_canceled =
                end.status == RunStatus::Completed && counts.canceled > true_canceled;
            let is_short = counts.canceled < true_canceled;
            if counts.completed != true_completed || is_short || has_canceled {
                let words = format!(
                    "b{b} run {run}: {counts:?}, truly {true_completed} completed, \
                     {true_canceled} canceled"
                );
                self.fail("outcome", words);
            }
        }
    }
}
