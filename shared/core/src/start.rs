//! Starts runs and direct calls.

use crate::call::Job;
use crate::caps::Country;
use crate::fill::{Barred, Claimed, lease};
use crate::ids::{CallId, LeadId, RosterId, RunId};
use crate::phone::PhoneNumber;
use crate::state::{Phase, Run, State};
use crate::time::Timestamp;
use crate::timing::Timing;

/// A run that somebody asks for. Its pages are stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRun {
    pub roster: RosterId,
    pub total: u32,
    /// How many calls at once; the business's limit unless given.
    pub concurrency: Option<u32>,
}

/// Whether the run was started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StartedRun {
    /// The run is in the state and waits for slots.
    Started {
        state: State,
        run: RunId,
        concurrency: u32,
    },
    /// The concurrency is not within 1 and the limit.
    BadConcurrency { limit: u32 },
    /// The business has as many runs under way as its state can carry.
    TooManyRuns { most: u32 },
    /// The business may not start runs of so many leads.
    TooManyLeads { most: u32 },
}

/// How many runs a business may have under way: they are about 150 bytes each of an item
/// that every claim writes, and that may have 400 KB.
pub const RUNS_MAX: u32 = 100;

/// Adds a run. Also while the business is at its limit: the run waits.
pub fn start_run(mut state: State, new: NewRun, now: Timestamp) -> StartedRun {
    let concurrency = new.concurrency.unwrap_or(state.limit);
    let is_allowed = (1..=state.limit).contains(&concurrency);
    if !is_allowed {
        return StartedRun::BadConcurrency { limit: state.limit };
    }
    let most = state.caps.leads_per_run;
    if new.total > most {
        return StartedRun::TooManyLeads { most };
    }
    let most = state.caps.running_runs.min(RUNS_MAX);
    let under_way = u32::try_from(state.runs.len()).expect("bounded by RUNS_MAX");
    if under_way >= most {
        return StartedRun::TooManyRuns { most };
    }
    let run = take_number(&mut state);
    // A newcomer counts as served as often as the least served, so that it neither
    // jumps ahead of the others nor waits for them.
    let waiting = state
        .runs
        .values()
        .filter(|run| run.phase == Phase::Running && run.queued() > 0);
    let served = waiting.map(|run| run.served).min().unwrap_or(0);
    state.runs.insert(
        run,
        Run {
            roster: new.roster,
            total: new.total,
            concurrency: new.concurrency,
            next: 0,
            returned: Vec::new(),
            completed: 0,
            failed: 0,
            canceled: 0,
            served,
            phase: Phase::Running,
            created_at: now,
            over_at: None,
            last_error: None,
        },
    );
    state.assert_balanced();
    StartedRun::Started {
        state,
        run,
        concurrency,
    }
}

/// Takes a run's number without starting it, for a run that is recorded as failed at once.
pub fn number_failed_run(mut state: State) -> (State, RunId) {
    let run = take_number(&mut state);
    (state, run)
}

fn take_number(state: &mut State) -> RunId {
    let run = RunId::new(state.next_run).expect("run numbers start at 1");
    state.next_run += 1;
    run
}

/// A lead that somebody wants to call at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectLead {
    pub lead: LeadId,
    /// Its number, or why it cannot be called.
    pub to: Result<PhoneNumber, Barred>,
    /// Where the number is, if anybody knows.
    pub country: Option<Country>,
}

/// What becomes of one lead that somebody wants to call at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direct {
    /// It has a slot.
    Claimed(Claimed),
    /// It cannot be called.
    Barred(LeadId, Barred),
    /// Its number is in a call of this business.
    AlreadyInCall(LeadId),
}

/// Whether direct calls may be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StartedCalls {
    /// Every lead has its answer, in the order asked for.
    Decided { state: State, answers: Vec<Direct> },
    /// There are fewer free slots than leads that could be called. Nothing is started.
    SlotsBusy {
        active: u32,
        limit: u32,
        available: u32,
    },
    /// The day has not so many calls left. Nothing is started.
    DailyCap { left: u32, ends_at: Timestamp },
}

/// Claims a slot for each of the leads that can be called, or for none of them.
pub fn start_calls(
    mut state: State,
    leads: &[DirectLead],
    mint: &mut dyn FnMut() -> CallId,
    now: Timestamp,
    timing: &Timing,
) -> StartedCalls {
    let (limit, active, available) = (state.limit, state.slots_in_use(), state.slots_free());
    let mut answers = Vec::with_capacity(leads.len());
    let left = state.calls_left();
    for DirectLead { lead, to, country } in leads {
        let answer = match to {
            Err(reason) => Direct::Barred(*lead, *reason),
            Ok(_) if !state.destinations.allow(*country) => {
                Direct::Barred(*lead, Barred::Destination)
            }
            Ok(to) if state.is_in_call(to) => Direct::AlreadyInCall(*lead),
            Ok(_) if state.slots_free() == 0 => {
                return StartedCalls::SlotsBusy {
                    active,
                    limit,
                    available,
                };
            }
            Ok(_) if state.calls_left() == 0 => {
                let ends_at = state.day.as_ref().map_or(now, |day| day.ends_at);
                return StartedCalls::DailyCap { left, ends_at };
            }
            Ok(to) => {
                let lease = lease(Job::Direct { lead: *lead }, to.clone(), now, timing);
                let claimed = Claimed {
                    call: mint(),
                    lease,
                    lead: *lead,
                };
                state.count_call();
                state.active.insert(claimed.call, claimed.lease.clone());
                Direct::Claimed(claimed)
            }
        };
        answers.push(answer);
    }
    StartedCalls::Decided { state, answers }
}

#[cfg(test)]
mod tests;
