//! What each fact does to the state.

use std::time::Duration;

use super::{Fact, Nothing};
use crate::call::{Job, Outcome};
use crate::ids::CallId;
use crate::state::{Lease, Pause, Phase, State};
use crate::time::Timestamp;
use crate::timing::Timing;

/// The first pause after the carrier asked us to slow down; each further one doubles.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(32);
/// The carrier's own wish is followed up to here; a run must not sleep for hours on one header.
pub(super) const PAUSE_ASKED_MAX: Duration = Duration::from_secs(300);
/// How many answers running must miss a call before it counts as never made: lists are
/// eventually consistent, so one proves nothing.
const MISSING_MAX: u32 = 2;

/// Applies one fact. Calls that turn out never to have been made are added to `lost`.
pub(super) fn apply(
    state: &mut State,
    fact: &Fact,
    lost: &mut Vec<(CallId, Lease)>,
    now: Timestamp,
    timing: &Timing,
) -> Result<(), Nothing> {
    match fact {
        Fact::Ended { call, outcome } => end(state, *call, *outcome),
        Fact::LeadRefused { call } => {
            end(state, *call, Outcome::Failed)?;
            state.uncount_call(*call);
            Ok(())
        }
        Fact::ConfigurationRefused { call, error } => {
            let job = state.active.get(call).ok_or(Nothing::NotLeased)?.job;
            end(state, *call, Outcome::Failed)?;
            state.uncount_call(*call);
            if let Some(run) = job.run().and_then(|id| state.runs.get_mut(&id))
                && run.phase == Phase::Running
            {
                run.cancel_queued(Phase::Failed);
                run.last_error = Some(error.clone());
            }
            Ok(())
        }
        Fact::NotProcessed { call, retry_after } => {
            give_back(state, *call)?;
            pause(state, *retry_after, now);
            Ok(())
        }
        Fact::StillLive { call } => {
            let lease = state.active.get_mut(call).ok_or(Nothing::NotLeased)?;
            let age = now.since(call.minted_at());
            lease.missing = 0;
            lease.ask_at = now.after(timing.ask_again_after(age));
            Ok(())
        }
        Fact::NotFound { call, asked_at } => {
            let lease = state.active.get_mut(call).ok_or(Nothing::NotLeased)?;
            // When it was asked counts: two workers that asked at one moment, and learned
            // of it at two, have one answer between them.
            let is_repeat = lease.missing > 0 && !lease.ask_at.has_passed(*asked_at);
            if is_repeat || !lease.is_fenced_off(*asked_at, timing) {
                return Err(Nothing::TooEarly);
            }
            lease.missing += 1;
            lease.ask_at = now.after(timing.sweep_every / 2);
            // Rests on Twilio not taking a request minutes after its connection died:
            // by now the request is older than the fence, whoever sent it.
            if lease.missing >= MISSING_MAX {
                lost.push((*call, lease.clone()));
                end(state, *call, Outcome::Failed)?;
            }
            Ok(())
        }
        Fact::Undecided { call } => {
            let lease = state.active.get_mut(call).ok_or(Nothing::NotLeased)?;
            lease.ask_at = lease.ask_at.max(now.after(timing.sweep_every / 2));
            Ok(())
        }
        Fact::Filed { run } => match state.runs.get(run) {
            Some(over) if over.over_at.is_some() => {
                state.runs.remove(run);
                Ok(())
            }
            Some(_) | None => Err(Nothing::NotOver),
        },
    }
}

/// Frees the slot of a call and counts its job.
fn end(state: &mut State, call: CallId, outcome: Outcome) -> Result<(), Nothing> {
    let lease = state.active.remove(&call).ok_or(Nothing::NotLeased)?;
    if let Some(run) = lease.job.run().and_then(|id| state.runs.get_mut(&id)) {
        run.count(outcome);
    }
    Ok(())
}

/// Frees the slot of a call that was never made and lets its lead wait again.
fn give_back(state: &mut State, call: CallId) -> Result<(), Nothing> {
    let lease = state.active.remove(&call).ok_or(Nothing::NotLeased)?;
    state.uncount_call(call);
    if let Job::OfRun { run, index } = lease.job
        && let Some(run) = state.runs.get_mut(&run)
    {
        match run.phase {
            Phase::Running => run.returned.push(index),
            Phase::Stopped | Phase::HangingUp | Phase::Failed => run.count(Outcome::Canceled),
        }
    }
    Ok(())
}

fn pause(state: &mut State, retry_after: Option<Duration>, now: Timestamp) {
    let step = match state.pause {
        // Several refusals of one round are one request to slow down.
        Some(pause) if !pause.until.has_passed(now) => pause.step,
        Some(pause) if now.since(pause.until) < PAUSE_MAX => pause.step + 1,
        Some(_) | None => 0,
    };
    let doubled = PAUSE_MIN.saturating_mul(1 << step.min(8)).min(PAUSE_MAX);
    let asked = retry_after.unwrap_or_default().min(PAUSE_ASKED_MAX);
    let until = now.after(doubled.max(asked));
    let until = state.pause.map_or(until, |pause| pause.until.max(until));
    state.pause = Some(Pause { until, step });
}
