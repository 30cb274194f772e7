//! Stops runs, and changes what a business has set.

use crate::caps::{CapsChange, Country, Destinations};
use crate::fill::close_runs;
use crate::ids::{CallId, RunId};
use crate::phone::PhoneNumber;
use crate::state::{Phase, RunStatus, State};
use crate::time::Timestamp;

/// What somebody who stops a run wants for its live calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveCalls {
    /// They go on to their end.
    Finish,
    /// They are ended.
    HangUp,
}

/// What stopping a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StoppedRun {
    /// From the write of `state` on, no call of the run is claimed.
    Stopped {
        state: State,
        canceled: u32,
        in_progress: u32,
    },
    /// It was not running any more; `state` differs only if its live calls are now to be ended.
    AlreadyOver {
        state: State,
        is_changed: bool,
        status: RunStatus,
        in_progress: u32,
    },
    /// The state does not know it: it never was, or is over and filed.
    NotHere,
}

/// Cancels every lead of a run that was not called.
pub fn stop(mut state: State, id: RunId, live_calls: LiveCalls, now: Timestamp) -> StoppedRun {
    let in_progress = state.in_progress(id);
    let phase = match live_calls {
        LiveCalls::Finish => Phase::Stopped,
        LiveCalls::HangUp => Phase::HangingUp,
    };
    let Some(run) = state.runs.get_mut(&id) else {
        return StoppedRun::NotHere;
    };
    let status = run.status(in_progress);
    if status != RunStatus::Running {
        let is_changed = in_progress > 0 && run.phase == Phase::Stopped && phase != run.phase;
        if is_changed {
            run.phase = phase;
        }
        return StoppedRun::AlreadyOver {
            state,
            is_changed,
            status,
            in_progress,
        };
    }
    let canceled = run.cancel_queued(phase);
    close_runs(&mut state, now);
    state.assert_balanced();
    StoppedRun::Stopped {
        state,
        canceled,
        in_progress,
    }
}

/// Sets the limit. A lower one cuts no call: it drains.
pub fn set_limit(mut state: State, limit: u32) -> State {
    state.limit = limit;
    state
}

/// How many earlier numbers are kept: more changes than this within the life of one call
/// are a mistake, and must not make the item grow.
const CALLER_IDS_MAX: usize = 16;

/// Sets the number that calls come from.
///
/// Earlier ones are kept while any call is live: one of them may be what a call that
/// the carrier never confirmed was placed from.
pub fn set_caller_id(mut state: State, number: PhoneNumber) -> State {
    if state.active.is_empty() {
        state.caller_ids.clear();
    }
    state.caller_ids.retain(|earlier| *earlier != number);
    state.caller_ids.push(number);
    let too_many = state.caller_ids.len().saturating_sub(CALLER_IDS_MAX);
    state.caller_ids.drain(..too_many);
    state
}

/// Sets what the business may spend. The day that goes on keeps its count: its calls were made.
pub fn set_caps(mut state: State, change: CapsChange) -> State {
    state.caps = state.caps.changed(change);
    state
}

/// Sets the zone whose midnight ends the days of a cap, if there is one.
///
/// The day that goes on ends when it was to end, whatever the time is in the new zone.
pub fn set_time_zone(mut state: State, time_zone: &str) -> State {
    if let Some(cap) = &mut state.caps.per_day {
        time_zone.clone_into(&mut cap.time_zone);
    }
    state
}

/// Sets where the business is, which is also where it may call if nobody has said otherwise.
pub fn set_region(mut state: State, region: Country) -> State {
    if let Destinations::Region(allowed) = &mut state.destinations {
        *allowed = region;
    }
    state
}

/// Sets where the business may call. It holds for every lead that has not been claimed.
pub fn set_destinations(mut state: State, destinations: Destinations) -> State {
    state.destinations = destinations;
    state
}

/// Notes that the do-not-call list has grown. To be stored after the list's new entries,
/// so that from then on no claim succeeds that was decided without them.
pub fn note_do_not_call(mut state: State) -> State {
    state.do_not_call_rev = state.do_not_call_rev.saturating_add(1);
    state
}

impl State {
    /// The calls that a stopped run wants ended.
    pub fn to_hang_up(&self) -> impl Iterator<Item = CallId> {
        self.active.iter().filter_map(|(&call, lease)| {
            let run = self.runs.get(&lease.job.run()?)?;
            (run.phase == Phase::HangingUp).then_some(call)
        })
    }
}

#[cfg(test)]
mod tests;
