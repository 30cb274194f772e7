//! The last look, when all is over: every lead has exactly one outcome, and it is the true one.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_core::call::{Job, Outcome};
use ringfence_core::ids::{CallId, RunId};
use ringfence_core::state::{Counts, RunStatus};
use ringfence_flows::records::{CallRecord, Progress, RunEnd, RunRecord};

use super::outcomes::{Fate, Tally};
use super::{ClaimFacts, Judge};
use crate::carrier::TrueCall;
use crate::faults::{Fault, Faults};
use crate::ledger::{Shelf, Store};
use crate::sim::Sim;

impl Judge {
    /// Compares what the records say with what happened.
    pub fn look_back(&mut self, sim: &Sim) {
        let is_lost = |claim: &ClaimFacts| !claim.is_used && !self.fallen.contains(&claim.worker);
        let mut claims = self.claims.iter();
        if let Some((call, claim)) = claims.find(|(_, claim)| is_lost(claim)) {
            let worker = claim.worker;
            self.fail(
                "lost",
                format!("worker {worker} won a slot, and never placed {call}"),
            );
        }
        let store = sim.store.borrow();
        for (b, shelf) in store.shelves.iter().enumerate() {
            self.look_back_at(b, shelf, &store, sim);
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

    fn look_back_at(&mut self, b: usize, shelf: &Shelf, store: &Store, sim: &Sim) {
        let truth = sim.truth.borrow();
        self.look_for_barred(b, shelf);
        let mut direct = self.direct.keys();
        if let Some((_, call)) =
            direct.find(|(of, call)| *of == b && !shelf.calls.contains_key(call))
        {
            let words = format!("b{b} direct call {call} has no record");
            self.fail("outcome", words);
        }
        let calls = truth.calls.iter().filter(|call| call.b == b);
        let mut known = BTreeSet::new();
        for call in calls {
            known.insert(call.call);
            self.look_back_at_call(b, shelf, call);
        }
        let are_frozen = sim.faults.rate(Fault::Frozen) > 0;
        let rows = shelf.calls.values().map(|row| &row.record);
        let is_valid = |row: &&CallRecord| !(are_frozen && self.is_left_over(b, row));
        let rows: Vec<&CallRecord> = rows.filter(is_valid).collect();
        for row in rows.iter().filter(|row| !known.contains(&row.call)) {
            self.look_back_at_no_call(b, row);
        }
        // The last one counts, where a lead was given back.
        let rows: BTreeMap<Job, &CallRecord> = rows
            .into_iter()
            .filter_map(|row| Some((row.job?, row)))
            .collect();
        for (&run, record) in &shelf.runs {
            self.look_for_passed_over(b, run, shelf, store);
            self.look_back_at_run(b, run, record, &rows, &sim.faults);
        }
    }

    /// True of the record of a decision to give a call up that lost its commit to a worker
    /// which gave the lead back. That worker has outlived the fence: the promise holds
    /// without the assumption that somebody kills it, and such a record does not.
    fn is_left_over(&self, b: usize, record: &CallRecord) -> bool {
        let fate = record.job.and_then(|job| self.fate_of(b, job, record.call));
        let was_given_up = fate
            .is_some_and(|fate| fate.call == Some(record.call) && fate.outcome == Outcome::Failed);
        record.is_unconfirmed() && !was_given_up
    }

    fn fate_of(&self, b: usize, job: Job, call: CallId) -> Option<&Fate> {
        match job {
            Job::OfRun { run, index } => self.fates.get(&(b, run, index)),
            Job::Direct { .. } => self.direct.get(&(b, call)),
        }
    }

    /// What the carrier took is counted and recorded as it ended.
    fn look_back_at_call(&mut self, b: usize, shelf: &Shelf, call: &TrueCall) {
        let id = call.call;
        let Some(outcome) = call.ending.outcome() else {
            return self.fail("outcome", format!("b{b} call {id} has no end"));
        };
        let fate = self.fate_of(b, call.job, id);
        let is_counted = fate.is_some_and(|fate| fate.outcome == outcome && fate.call == Some(id));
        if !is_counted {
            let words = format!("b{b} call {id} ended as {fate:?}, truly {outcome:?}");
            self.fail("outcome", words);
        }
        let progress = shelf.calls.get(&id).map(|row| row.record.progress);
        let is_true = matches!(progress, Some(Progress::Over(told, _)) if told == outcome);
        if !is_true {
            let words = format!("b{b} call {id} is recorded as {progress:?}, truly {outcome:?}");
            self.fail("outcome", words);
        }
    }

    /// What is recorded without a call is a lead that has failed, for a reason.
    fn look_back_at_no_call(&mut self, b: usize, record: &CallRecord) {
        let id = record.call;
        let fate = record.job.and_then(|job| self.fate_of(b, job, id));
        let is_its_own = fate.is_some_and(|fate| fate.call.is_none_or(|call| call == id));
        let outcome = fate.filter(|_| is_its_own).map(|fate| fate.outcome);
        let is_failed = matches!(record.progress, Progress::Over(Outcome::Failed, _));
        let is_true = is_failed && outcome == Some(Outcome::Failed) && record.error.is_some();
        if !is_true || record.sid.is_some() {
            let (job, progress) = (record.job, record.progress);
            let words = format!("b{b} {job:?} {id} never was a call: {progress:?}, {fate:?}");
            self.fail("outcome", words);
        }
    }

    /// Each lead of a run has one outcome, and the counts are their sums.
    fn look_back_at_run(
        &mut self,
        b: usize,
        run: RunId,
        record: &RunRecord,
        rows: &BTreeMap<Job, &CallRecord>,
        faults: &Faults,
    ) {
        let Some(end) = &record.end else {
            return self.fail("liveness", format!("b{b} run {run} was never filed"));
        };
        let lost_answers = [Fault::WriteAppliedTimeout, Fault::WriteLate];
        let may_lose_answers = lost_answers.iter().any(|&fault| faults.rate(fault) > 0);
        let mut tally = Tally::default();
        if self.begun.contains(&(b, run)) {
            for index in 0..record.total {
                let Some(&fate) = self.fates.get(&(b, run, index)) else {
                    let words = format!("b{b} run {run} position {index} has no outcome");
                    return self.fail("outcome", words);
                };
                tally.count(fate.outcome);
                let row = rows.get(&Job::OfRun { run, index }).copied();
                let shown = shown(end.status, row);
                // Who was passed over is recorded once that is counted: the reason is lost
                // if the worker dies in between, or never hears that it was its own write.
                let is_lost = may_lose_answers || self.fallen.contains(&fate.worker);
                let may_lack_row = fate.call.is_none() && is_lost;
                let is_wrong = shown != Some(fate.outcome) && !(row.is_none() && may_lack_row);
                let lacks_row = row.is_none() && fate.outcome != Outcome::Canceled && !may_lack_row;
                if is_wrong || lacks_row {
                    let words =
                        format!("b{b} run {run} position {index} shows {shown:?}: {fate:?}");
                    self.fail("outcome", words);
                }
            }
        } else {
            tally.canceled = record.total;
        }
        let Counts {
            queued,
            in_progress,
            completed,
            failed,
            canceled,
        } = end.counts;
        let counted = Tally {
            completed,
            failed,
            canceled,
        };
        if counted != tally || queued + in_progress > 0 {
            let words = format!("b{b} run {run}: {:?}, truly {tally:?}", end.counts);
            self.fail("outcome", words);
        }
    }
}

/// What `functions/status` shows of a lead whose run is over.
fn shown(status: RunStatus, row: Option<&CallRecord>) -> Option<Outcome> {
    match (row.map(|row| row.progress), status) {
        (Some(Progress::Over(outcome, _)), _) => Some(outcome),
        (Some(Progress::Unknown | Progress::Live(_)), _) | (None, RunStatus::Completed) => {
            Some(Outcome::Failed)
        }
        (None, RunStatus::Stopping | RunStatus::Stopped | RunStatus::Failed) => {
            Some(Outcome::Canceled)
        }
        (None, RunStatus::Running) => None,
    }
}
