//! What clients were told, against what one worker with a pencil could have told them.
//!
//! A run only moves on: so an answer must say at least what every answer said that was
//! given before its question was asked.

use ringfence_core::ids::{CallId, LeadId, RunId};
use ringfence_core::state::{Counts, RunStatus};
use ringfence_flows::start::{DirectAnswer, DirectOutcome, Leads, StartAnswer, StartRequest};
use ringfence_flows::stop::StopAnswer;

use super::Judge;
use super::keys::Day;
use crate::carrier::Truth;
use crate::ledger::Store;

/// What was known when a question was asked.
pub struct Asked {
    facts: RunFacts,
}

/// What clients know of a run.
#[derive(Clone, Default)]
pub struct RunFacts {
    /// Some start has told its number.
    is_told: bool,
    /// The request that started it.
    request: u64,
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
    /// What it has started, before and after its key's day.
    started: [Began; 2],
}

/// What a request has started.
#[derive(Clone, Default, PartialEq, Eq)]
struct Began {
    run: Option<RunId>,
    calls: Option<Vec<(LeadId, Option<CallId>)>>,
}

/// A question to start something.
pub struct AskedStart {
    pub(super) b: usize,
    pub(super) request: u64,
    pub(super) key: Option<String>,
    pub(super) at: u64,
    /// Whose the key was known to be, before and after its day.
    pub(super) holders: [Option<u64>; 2],
    /// Whether the request was known to have started something when this was asked, on
    /// the first day of its key and on the second.
    had_begun: [bool; 2],
}

/// How many leads a start is for.
fn total(leads: &Leads) -> u32 {
    match leads {
        Leads::Ids(ids) => u32::try_from(ids.len()).expect("leads are few"),
        Leads::List { total, .. } => *total,
    }
}

impl Judge {
    /// Somebody asks for a start.
    pub fn ask_start(&mut self, b: usize, request: u64, key: Option<&str>, at: u64) -> AskedStart {
        let highest = self.books[b].highest_run;
        let facts = self.requests.entry(request).or_default();
        facts.floor.get_or_insert(highest);
        let mut asked = AskedStart {
            b,
            request,
            key: key.map(str::to_owned),
            at,
            holders: [None; 2],
            had_begun: facts
                .started
                .each_ref()
                .map(|began| *began != Began::default()),
        };
        self.send_key(&mut asked);
        asked
    }

    /// Somebody asks about a run.
    pub fn ask_run(&mut self, b: usize, run: RunId) -> Asked {
        let facts = self.runs.get(&(b, run)).cloned().unwrap_or_default();
        Asked { facts }
    }

    /// A start has its answer.
    pub fn told_start(
        &mut self,
        store: &Store,
        truth: &Truth,
        asked: &AskedStart,
        request: &StartRequest,
        answer: &StartAnswer,
    ) {
        let b = asked.b;
        match answer {
            StartAnswer::Run { run, total, .. } => {
                self.told_run(asked, *run, *total);
            }
            StartAnswer::Calls(calls) | StartAnswer::CallsAgain(calls) => {
                self.told_calls(truth, asked, calls);
            }
            StartAnswer::KeyReused => self.key_is_others(asked),
            StartAnswer::LeadsMissing(leads)
                if leads
                    .iter()
                    .any(|lead| store.shelves[b].leads.contains_key(lead)) =>
            {
                self.fail(
                    "history",
                    format!("b{b}: {leads:?} were said to be missing"),
                );
            }
            StartAnswer::SlotsBusy { .. }
            | StartAnswer::LeadsMissing(_)
            | StartAnswer::NoSuchBusiness
            | StartAnswer::NoCallerId
            | StartAnswer::BadConcurrency { .. }
            | StartAnswer::NoPublicHost { .. }
            | StartAnswer::TooManyRuns { .. }
            | StartAnswer::TooManyLeads { .. }
            | StartAnswer::DailyCap { .. } => {
                if !matches!(answer, StartAnswer::NoPublicHost { run: Some(_) }) {
                    self.check_nothing_began(b, store, &request.asked_by);
                }
                if let StartAnswer::DailyCap { left, .. } = answer
                    && *left >= total(&request.leads)
                {
                    let words = format!("b{b} was refused with {left} calls left of its day");
                    self.fail("day", words);
                }
                // Nothing was started, so nothing may have been; except that a slow answer
                // may be of before, unless it is what was started that is in the way.
                let is_of_before = match answer {
                    StartAnswer::BadConcurrency { .. }
                    | StartAnswer::LeadsMissing(_)
                    | StartAnswer::NoCallerId => !asked.had_begun.contains(&true),
                    _ => false,
                };
                let has_begun = !is_of_before
                    && self
                        .began(asked)
                        .is_some_and(|began| *began != Began::default());
                self.key_is_free(asked);
                if has_begun && request.key.is_some() {
                    let words = format!("b{b} request {} was answered anew", asked.request);
                    self.fail("history", words);
                }
            }
        }
    }

    fn told_run(&mut self, asked: &AskedStart, run: RunId, total: u32) {
        let (b, number) = (asked.b, asked.request);
        self.hold_key(asked);
        let known = self.began(asked).and_then(|began| began.run.replace(run));
        let has_calls = self.began(asked).is_some_and(|began| began.calls.is_some());
        let is_same = known.is_none_or(|known| known == run) && !has_calls;
        let facts = &self.requests[&number];
        let is_in_order = run.get() > facts.floor.unwrap_or(0);
        let is_old = self.day(asked) == Day::Second && facts.started[0].run == Some(run);
        if asked.key.is_some() && !is_same {
            self.fail("history", format!("b{b} request {number} has two answers"));
        } else if is_old {
            self.fail("history", format!("b{b} request {number} outlived its day"));
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
        let owner = std::mem::replace(&mut facts.request, number);
        let is_owners = is_first || owner == number && (asked.key.is_some() || known == Some(run));
        if !is_owners {
            self.fail("history", format!("b{b} run {run} answers two requests"));
        }
    }

    fn told_calls(&mut self, truth: &Truth, asked: &AskedStart, calls: &[DirectAnswer]) {
        let (b, number) = (asked.b, asked.request);
        let mine: Vec<_> = calls.iter().map(|call| (call.lead, call.call)).collect();
        let has_calls = mine.iter().any(|(_, call)| call.is_some());
        // Where no call was claimed nothing is remembered, and the next try is another.
        if has_calls {
            self.hold_key(asked);
            let is_old = self.day(asked) == Day::Second
                && self.requests[&number].started[0].calls.as_ref() == Some(&mine);
            let is_same = self.began(asked).is_none_or(|began| {
                let known = began.calls.replace(mine.clone());
                known.is_none_or(|known| known == mine) && began.run.is_none()
            });
            if asked.key.is_some() && (!is_same || is_old) {
                self.fail("history", format!("b{b} request {number} has two answers"));
            }
        } else {
            self.key_is_free(asked);
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

    /// What a request has started, in the day of its key in which it was asked and answered.
    fn began(&mut self, asked: &AskedStart) -> Option<&mut Began> {
        let day = match self.day(asked) {
            Day::First => 0,
            Day::Second => 1,
            Day::Between => return None,
        };
        let request = self.requests.get_mut(&asked.request)?;
        Some(&mut request.started[day])
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
                && request.started[0].run == Some(run)
        };
        self.requests.range(1_000_000..).any(is_it)
    }
}
