//! A business at work: its state, a clock that tests turn, and a book of its leads.
//!
//! It does with a decision what the flows do, and nothing more: it stores the state
//! only if the decision says that it changed, and looks up what the decision wants.

use std::time::Duration;

use uuid::Uuid;

use crate::call::{Job, Outcome};
use crate::fill::{Barred, Candidate, Candidates, Fact, Filled, fill};
use crate::ids::{CallId, LeadId, RosterId, RunId};
use crate::phone::PhoneNumber;
use crate::start::{DirectLead, NewRun, StartedCalls, StartedRun, start_calls, start_run};
use crate::state::State;
use crate::stop::{LiveCalls, StoppedRun, set_limit, stop};
use crate::time::Timestamp;
use crate::timing::Timing;

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// How often a decision may ask for more leads before it must be content: once for each
/// lead that can be put aside, and a few doublings for those that are barred.
const LOOK_UPS_MAX: usize = 24;

pub(crate) struct Desk {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    /// The leads that differ from [`usual`].
    pub(crate) book: Candidates,
    minted: u64,
}

impl Desk {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            state: State::new(limit),
            now: START,
            book: Candidates::new(),
            minted: 0,
        }
    }

    /// Starts a run of `total` leads.
    #[track_caller]
    pub(crate) fn run(&mut self, total: u32, concurrency: Option<u32>) -> RunId {
        let new = NewRun {
            roster: RosterId::new(Uuid::from_u128(u128::from(self.state.next_run))),
            total,
            concurrency,
        };
        match start_run(self.state.clone(), new, self.now) {
            StartedRun::Started { state, run, .. } => {
                self.state = state;
                run
            }
            StartedRun::BadConcurrency { limit } => panic!("concurrency over {limit}"),
            StartedRun::TooManyRuns { most } => panic!("more than {most} runs"),
            StartedRun::TooManyLeads { most } => panic!("more than {most} leads"),
        }
    }

    /// Calls lead `id` at once, at the number that has its number.
    #[track_caller]
    pub(crate) fn direct(&mut self, id: u32) {
        let asked = DirectLead {
            lead: lead(id),
            to: Ok(number(id)),
            country: None,
        };
        let (state, now) = (self.state.clone(), self.now);
        let started = start_calls(state, &[asked], &mut self.mint(), now, &Timing::CLOUD);
        match started {
            StartedCalls::Decided { state, .. } => self.state = state,
            StartedCalls::SlotsBusy { active, limit, .. } => panic!("{active} of {limit} taken"),
            StartedCalls::DailyCap { left, .. } => panic!("{left} left today"),
        }
    }

    #[track_caller]
    pub(crate) fn stop(&mut self, id: u32, live_calls: LiveCalls) {
        self.state = match stop(self.state.clone(), run(id), live_calls, self.now) {
            StoppedRun::Stopped { state, .. } | StoppedRun::AlreadyOver { state, .. } => state,
            StoppedRun::NotHere => panic!("no run {id}"),
        };
    }

    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.state = set_limit(self.state.clone(), limit);
    }

    /// Decides until nothing is left to look up, and stores the last decision.
    #[track_caller]
    pub(crate) fn fill(&mut self, facts: &[Fact]) -> Filled {
        let mut known = Candidates::new();
        for _ in 0..LOOK_UPS_MAX {
            let filled = self.decide(facts, &known);
            if filled.wanted.is_empty() {
                if filled.is_changed {
                    self.state.clone_from(&filled.state);
                }
                return filled;
            }
            for (run, index) in filled.wanted {
                known.insert((run, index), self.lead_at(run, index));
            }
        }
        panic!("a decision must be content after {LOOK_UPS_MAX} look-ups");
    }

    /// Decides once with what is known, and stores nothing.
    pub(crate) fn decide(&mut self, facts: &[Fact], known: &Candidates) -> Filled {
        let (state, now) = (self.state.clone(), self.now);
        fill(state, facts, known, &mut self.mint(), now, &Timing::CLOUD)
    }

    /// Ends the calls of these jobs, all answered, in one decision.
    #[track_caller]
    pub(crate) fn end(&mut self, jobs: &str) -> Filled {
        let facts = Vec::from_iter(jobs.split_whitespace().map(|job| Fact::Ended {
            call: self.call(job),
            outcome: Outcome::Completed,
        }));
        self.fill(&facts)
    }

    /// The call of a job that holds a slot.
    #[track_caller]
    pub(crate) fn call(&self, job: &str) -> CallId {
        let job = parse_job(job);
        let mut calls = self.state.active.iter();
        let (call, _) = calls
            .find(|(_, lease)| lease.job == job)
            .unwrap_or_else(|| panic!("{job:?} holds no slot"));
        *call
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    pub(crate) fn lead_at(&self, run: RunId, index: u32) -> Candidate {
        let written = self.book.get(&(run, index));
        written.cloned().unwrap_or_else(|| usual(run, index))
    }

    /// Writes down that a lead of a run cannot be called.
    pub(crate) fn bar(&mut self, id: u32, index: u32) {
        let barred = Candidate::Barred {
            lead: lead(1),
            reason: Barred::NoPhone,
        };
        self.book.insert((run(id), index), barred);
    }

    /// Writes down that a lead of a run has number `n`.
    pub(crate) fn share(&mut self, id: u32, index: u32, n: u32) {
        let shared = Candidate::Callable {
            lead: lead(1),
            to: number(n),
            country: None,
        };
        self.book.insert((run(id), index), shared);
    }

    pub(crate) fn mint(&mut self) -> impl FnMut() -> CallId {
        let now = self.now;
        let minted = &mut self.minted;
        move || {
            *minted += 1;
            call_minted(now, *minted)
        }
    }
}

/// A lead with a number that no other has.
fn usual(run: RunId, index: u32) -> Candidate {
    let n = run.get() * 100_000 + index;
    Candidate::Callable {
        lead: lead(n),
        to: number(n),
        country: None,
    }
}

/// The `n`th call id, minted at `at`.
pub(crate) fn call_minted(at: Timestamp, n: u64) -> CallId {
    let bits = u128::from(at.as_millis()) << 80 | 7 << 76 | 2 << 62 | u128::from(n);
    CallId::new(Uuid::from_u128(bits))
}

pub(crate) fn number(n: u32) -> PhoneNumber {
    format!("+9725{n:08}").parse().unwrap()
}

pub(crate) fn lead(id: u32) -> LeadId {
    LeadId::new(id).unwrap()
}

pub(crate) fn run(id: u32) -> RunId {
    RunId::new(id).unwrap()
}

/// Reads what [`super::words::job`] writes.
pub(crate) fn parse_job(text: &str) -> Job {
    match (text.strip_prefix('d'), text.split_once('/')) {
        (Some(lead), _) => Job::Direct {
            lead: lead.parse().unwrap(),
        },
        (None, Some((run, index))) => Job::OfRun {
            run: run.parse().unwrap(),
            index: index.parse().unwrap(),
        },
        (None, None) => panic!("{text} is no job"),
    }
}
