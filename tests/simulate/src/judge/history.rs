//! What clients were told: each answer for itself, and what requests have started. Whether
//! one order explains all that was told of a run is looked for in `order`.

use ringfence_core::ids::{CallId, LeadId, RunId};
use ringfence_core::state::{Counts, RunStatus};
use ringfence_flows::start::{DirectAnswer, DirectOutcome, Leads, StartAnswer, StartRequest};
use ringfence_flows::stop::StopAnswer;

use super::Judge;
use super::keys::Day;
use super::order::{Deed, Heard};
use crate::carrier::Truth;
use crate::ledger::Store;
use crate::world::SimWorld;

/// A question about a run.
pub struct Asked {
    /// When it was asked.
    at: u64,
    /// Where a question that may change the run is kept until its answer is heard.
    place: Option<usize>,
}

/// What clients know of a run.
#[derive(Clone, Default)]
pub struct RunFacts {
    /// Some start has told its number.
    is_told: bool,
    /// The request that started it.
    request: u64,
    is_stopped: bool,
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
    /// The instant among all questions and answers.
    instant: u64,
    /// How many of the business's states there had been.
    states: usize,
    /// Whose the key was known to be, before and after its day.
    pub(super) holders: [Option<u64>; 2],
    /// Whether the request was known to have started something when this was asked, on
    /// the first day of its key and on the second.
    had_begun: [bool; 2],
    /// Whoever was asked may stand still between its last look and its answer.
    is_frozen: bool,
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
    pub fn ask_start(
        &mut self,
        b: usize,
        request: u64,
        key: Option<&str>,
        world: &SimWorld,
    ) -> AskedStart {
        let instant = self.instant();
        let states = self.books[b].states.len();
        let highest = self.books[b].highest_run;
        let facts = self.requests.entry(request).or_default();
        facts.floor.get_or_insert(highest);
        let mut asked = AskedStart {
            b,
            request,
            key: key.map(str::to_owned),
            at: world.sim.kernel.now(),
            instant,
            states,
            holders: [None; 2],
            had_begun: facts
                .started
                .each_ref()
                .map(|began| *began != Began::default()),
            is_frozen: world.is_frozen,
        };
        self.send_key(&mut asked);
        asked
    }

    /// Somebody asks how a run stands.
    pub fn ask_run(&mut self) -> Asked {
        let at = self.instant();
        Asked { at, place: None }
    }

    /// Somebody asks for a stop.
    pub fn ask_stop(&mut self, b: usize, run: RunId) -> Asked {
        let at = self.instant();
        let place = Some(self.ask_stop_at(b, run, at));
        Asked { at, place }
    }

    /// Notes a stop that may do its work from now on, and says where.
    fn ask_stop_at(&mut self, b: usize, run: RunId, at: u64) -> usize {
        let deeds = self.told_of_runs.entry((b, run)).or_default();
        deeds.push(Deed {
            asked: at,
            answered: u64::MAX,
            heard: Heard::NothingOfStop,
        });
        deeds.len() - 1
    }

    fn heard(&mut self, b: usize, run: RunId, asked: &Asked, heard: Heard) {
        let deed = Deed {
            asked: asked.at,
            answered: self.instant(),
            heard,
        };
        let deeds = self.told_of_runs.entry((b, run)).or_default();
        match asked.place {
            Some(place) => deeds[place] = deed,
            None => deeds.push(deed),
        }
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
                if !self.was_so(asked, request, answer) {
                    self.fail("history", format!("b{b} was never so: {answer:?}"));
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
                    | StartAnswer::NoCallerId => !self.had_begun(asked),
                    _ => asked.is_frozen && !self.had_begun(asked),
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

    /// Whether the reason of a refusal held at some instant between question and answer.
    fn was_so(&self, asked: &AskedStart, request: &StartRequest, answer: &StartAnswer) -> bool {
        // The one that was in force when it was asked, and whatever came since.
        let mut states = self.books[asked.b].states[asked.states - 1..].iter();
        match *answer {
            StartAnswer::SlotsBusy { active, limit, .. } => {
                states.any(|state| state.slots_in_use == active && state.limit == limit)
            }
            StartAnswer::BadConcurrency { limit } => {
                request.concurrency.is_some_and(|wish| wish > limit)
                    && states.any(|state| state.limit == limit)
            }
            StartAnswer::TooManyRuns { most } => states.any(|state| state.runs >= most as usize),
            StartAnswer::NoCallerId => states.any(|state| !state.has_caller_id),
            _ => true,
        }
    }

    fn told_run(&mut self, asked: &AskedStart, run: RunId, total: u32) {
        let (b, number) = (asked.b, asked.request);
        let question = Asked {
            at: asked.instant,
            place: None,
        };
        self.heard(b, run, &question, Heard::Started { total });
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
        let day = self.day(asked).number()?;
        let request = self.requests.get_mut(&asked.request)?;
        Some(&mut request.started[day])
    }

    /// Whether the request was known, when this was asked, to have started something in the
    /// day in which it was.
    fn had_begun(&self, asked: &AskedStart) -> bool {
        let day = self.day(asked).number();
        day.is_some_and(|day| asked.had_begun[day])
    }

    /// A stop has its answer.
    pub fn told_stop(&mut self, b: usize, run: RunId, asked: &Asked, answer: &StopAnswer) {
        let heard = match *answer {
            StopAnswer::Stopped {
                canceled,
                in_progress,
            } => Heard::Stopped {
                canceled,
                in_progress,
            },
            StopAnswer::AlreadyOver {
                status,
                in_progress,
            } => Heard::AlreadyOver {
                status,
                in_progress,
            },
            StopAnswer::NotFound => Heard::Missing,
        };
        self.heard(b, run, asked, heard);
        // It may be its own write, whose answer was lost, that it found.
        if matches!(heard, Heard::AlreadyOver { .. }) {
            self.ask_stop_at(b, run, asked.at);
        }
        if heard != Heard::Missing {
            self.runs.entry((b, run)).or_default().is_stopped = true;
        }
    }

    /// Somebody was told how a run stands.
    pub fn told_status(&mut self, b: usize, run: RunId, asked: &Asked, told: Option<Told>) {
        let Some(Told {
            status,
            counts,
            total,
        }) = told
        else {
            return self.heard(b, run, asked, Heard::Missing);
        };
        if counts.total() != total {
            self.fail("counts", format!("b{b} run {run}: {counts:?} of {total}"));
        }
        self.heard(b, run, asked, Heard::Stands { status, counts });
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
