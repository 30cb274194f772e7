//! What clients were told, against what one worker with a pencil could have told them.
//!
//! A run only moves on: so an answer must say at least what every answer said that was
//! given before its question was asked.

use ringfence_core::ids::{CallId, LeadId, RunId};
use ringfence_core::state::{Counts, RunStatus};
use ringfence_flows::start::{DirectAnswer, DirectOutcome, StartAnswer, StartRequest};
use ringfence_flows::stop::StopAnswer;

use super::Judge;
use crate::carrier::Truth;

/// What was known when a question was asked.
pub struct Asked {
    facts: RunFacts,
}

/// What clients know of a run.
#[derive(Clone, Default)]
pub struct RunFacts {
    /// Some start has told its number.
    is_told: bool,
    total: u32,
    completed: u32,
    failed: u32,
    canceled: u32,
    is_stopped: bool,
    /// How it ended, once all is over.
    end: Option<(RunStatus, Counts)>,
}

/// What somebody was told of a run.
#[derive(Debug)]
pub struct Told {
    pub status: RunStatus,
    pub counts: Counts,
    pub total: u32,
}

/// What a request to start has been answered.
#[derive(Clone, Default)]
pub struct Request {
    /// The highest run that anybody was told of when it was first sent.
    floor: Option<u32>,
    run: Option<RunId>,
    calls: Option<Vec<(LeadId, Option<CallId>)>>,
}

/// A question to start something.
pub struct AskedStart {
    request: u64,
}

impl Judge {
    /// Somebody asks for a start.
    pub fn ask_start(&mut self, b: usize, request: u64) -> AskedStart {
        let highest = self.books[b].highest_run;
        let facts = self.requests.entry(request).or_default();
        facts.floor.get_or_insert(highest);
        AskedStart { request }
    }

    /// Somebody asks about a run.
    pub fn ask_run(&mut self, b: usize, run: RunId) -> Asked {
        let facts = self.runs.get(&(b, run)).cloned().unwrap_or_default();
        Asked { facts }
    }

    /// A start has its answer.
    pub fn told_start(
        &mut self,
        truth: &Truth,
        b: usize,
        asked: &AskedStart,
        request: &StartRequest,
        answer: &StartAnswer,
    ) {
        match answer {
            StartAnswer::Run { run, total, .. } => {
                self.told_run(b, asked, request, *run, *total);
            }
            StartAnswer::Calls(calls) | StartAnswer::CallsAgain(calls) => {
                self.told_calls(truth, b, asked, request, calls);
            }
            StartAnswer::KeyReused => {
                self.fail("history", format!("b{b}: a key was said to be another's"));
            }
            StartAnswer::SlotsBusy { .. }
            | StartAnswer::LeadsMissing(_)
            | StartAnswer::NoCallerId
            | StartAnswer::BadConcurrency { .. }
            | StartAnswer::NoPublicHost { .. }
            | StartAnswer::TooManyRuns { .. } => {
                // Nothing was started, so nothing may have been.
                let facts = self.requests.get(&asked.request);
                let has_begun =
                    facts.is_some_and(|facts| facts.run.is_some() || facts.calls.is_some());
                if has_begun && request.key.is_some() {
                    let words = format!("b{b} request {} was answered anew", asked.request);
                    self.fail("history", words);
                }
            }
        }
    }

    fn told_run(
        &mut self,
        b: usize,
        asked: &AskedStart,
        request: &StartRequest,
        run: RunId,
        total: u32,
    ) {
        let number = asked.request;
        let has_key = request.key.is_some();
        let facts = self.requests.entry(number).or_default();
        let known = facts.run.replace(run);
        let is_same = known.is_none_or(|known| known == run) && facts.calls.is_none();
        let is_in_order = run.get() > facts.floor.unwrap_or(0);
        if has_key && !is_same {
            self.fail("history", format!("b{b} request {number} has two answers"));
        } else if known.is_none() && !is_in_order {
            self.fail(
                "history",
                format!("b{b} run {run} was numbered out of order"),
            );
        }
        let highest = &mut self.books[b].highest_run;
        *highest = run.get().max(*highest);
        let facts = self.runs.entry((b, run)).or_default();
        let is_first = !facts.is_told;
        facts.is_told = true;
        facts.total = total;
        if !is_first && known != Some(run) {
            self.fail("history", format!("b{b} run {run} answers two requests"));
        }
    }

    fn told_calls(
        &mut self,
        truth: &Truth,
        b: usize,
        asked: &AskedStart,
        request: &StartRequest,
        calls: &[DirectAnswer],
    ) {
        let number = asked.request;
        let mine: Vec<_> = calls.iter().map(|call| (call.lead, call.call)).collect();
        let has_calls = mine.iter().any(|(_, call)| call.is_some());
        let facts = self.requests.entry(number).or_default();
        // Where no call was claimed nothing is remembered, and the next try is another.
        if has_calls {
            let known = facts.calls.replace(mine.clone());
            let is_same = known.is_none_or(|known| known == mine) && facts.run.is_none();
            if request.key.is_some() && !is_same {
                self.fail("history", format!("b{b} request {number} has two answers"));
            }
        }
        for answer in calls {
            let exists = |call: &CallId| truth.calls.iter().any(|known| known.call == *call);
            let (is_wrong, lead) = match (&answer.outcome, &answer.call) {
                (DirectOutcome::Initiated(_), Some(call)) => (!exists(call), answer.lead),
                (DirectOutcome::Initiated(_), None) => (true, answer.lead),
                (DirectOutcome::LeadFailed(_) | DirectOutcome::CarrierFailed(_), Some(call)) => {
                    (exists(call), answer.lead)
                }
                (_, _) => (false, answer.lead),
            };
            if is_wrong {
                let outcome = &answer.outcome;
                self.fail("history", format!("b{b} lead {lead} was told {outcome:?}"));
            }
        }
    }

    /// A stop has its answer.
    pub fn told_stop(&mut self, b: usize, run: RunId, asked: &Asked, answer: &StopAnswer) {
        let before = &asked.facts;
        let facts = self.runs.entry((b, run)).or_default();
        let is_wrong = match answer {
            StopAnswer::Stopped { canceled, .. } => {
                facts.canceled = facts.canceled.max(*canceled);
                facts.is_stopped = true;
                before.is_stopped || before.end.is_some()
            }
            StopAnswer::AlreadyOver { status, .. } => {
                facts.is_stopped = true;
                *status == RunStatus::Running
            }
            StopAnswer::NotFound => before.is_told,
        };
        if is_wrong {
            self.fail(
                "history",
                format!("b{b} run {run}: a stop was told {answer:?}"),
            );
        }
    }

    /// Somebody was told how a run stands.
    pub fn told_status(&mut self, b: usize, run: RunId, asked: &Asked, told: Option<Told>) {
        let before = &asked.facts;
        let Some(Told {
            status,
            counts,
            total,
        }) = told
        else {
            if before.is_told {
                self.fail("history", format!("b{b} run {run} was not found"));
            }
            return;
        };
        if counts.total() != total || before.is_told && total != before.total {
            self.fail("counts", format!("b{b} run {run}: {counts:?} of {total}"));
        }
        let has_gone_back = counts.completed < before.completed
            || counts.failed < before.failed
            || counts.canceled < before.canceled;
        let is_revived = before.is_stopped && (counts.queued > 0 || status == RunStatus::Running);
        let has_changed = before.end.is_some_and(|end| end != (status, counts));
        if has_gone_back || is_revived || has_changed {
            self.fail("history", format!("b{b} run {run}: {status:?} {counts:?}"));
        }
        let facts = self.runs.entry((b, run)).or_default();
        facts.completed = facts.completed.max(counts.completed);
        facts.failed = facts.failed.max(counts.failed);
        facts.canceled = facts.canceled.max(counts.canceled);
        let is_over = counts.queued + counts.in_progress == 0;
        if is_over {
            facts.end = Some((status, counts));
        }
    }

    /// Whether somebody was told that a run is stopped.
    pub(super) fn is_stopped(&self, b: usize, run: RunId) -> bool {
        self.runs
            .get(&(b, run))
            .is_some_and(|facts| facts.is_stopped)
    }

    /// Whether a run is one of the probes.
    pub(super) fn is_probe(&self, b: usize, run: RunId) -> bool {
        let is_it = |(&number, request): (&u64, &Request)| {
            number >= 1_000_000 + 10 * b as u64
                && number < 1_000_000 + 10 * b as u64 + 10
                && request.run == Some(run)
        };
        self.requests.range(1_000_000..).any(is_it)
    }
}
