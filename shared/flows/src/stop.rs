//! Stops runs.

use anyhow::{Result, bail};
use ringfence_core::ids::{BusinessId, RunId};
use ringfence_core::state::RunStatus;
use ringfence_core::stop::{LiveCalls, StoppedRun, stop};
use tracing::{info, warn};

use crate::claim::{ATTEMPTS_MAX, Committed, Known, commit};
use crate::fill::settle_only;
use crate::ledger::{Runs, States, Stored};
use crate::settle::Scope;
use crate::tally::Tally;
use crate::world::{World, wake_now};

/// What stopping did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StopAnswer {
    /// No call of the run is claimed any more.
    Stopped { canceled: u32, in_progress: u32 },
    /// It was not running any more.
    AlreadyOver { status: RunStatus, in_progress: u32 },
    /// The business has no such run.
    NotFound,
}

/// Stops a run.
///
/// 1. Commits the stop: from here on no claim of the run can succeed.
/// 2. Ends its live calls if that is wanted. A crash before it delays this until the
///    sweep, which ends the calls of such a run again until they are over.
/// 3. Wakes the business, so that the run is filed.
///
/// # Errors
///
/// It could not be found out whether the run was stopped; asking again tells.
pub async fn stop_run(
    world: &impl World,
    business: &BusinessId,
    run: RunId,
    live_calls: LiveCalls,
    tally: &mut Tally,
) -> Result<StopAnswer> {
    let Some(mut stored) = world.ledger().load(business).await? else {
        return Ok(StopAnswer::NotFound);
    };
    for _ in 0..ATTEMPTS_MAX {
        let (state, answer) = match stop(stored.state.clone(), run, live_calls, world.now()) {
            StoppedRun::Stopped {
                state,
                canceled,
                in_progress,
            } => (
                state,
                StopAnswer::Stopped {
                    canceled,
                    in_progress,
                },
            ),
            StoppedRun::AlreadyOver {
                state,
                is_changed: true,
                status,
                in_progress,
            } => (
                state,
                StopAnswer::AlreadyOver {
                    status,
                    in_progress,
                },
            ),
            StoppedRun::AlreadyOver {
                status,
                in_progress,
                ..
            } => {
                return Ok(StopAnswer::AlreadyOver {
                    status,
                    in_progress,
                });
            }
            StoppedRun::NotHere => return filed(world, business, run).await,
        };
        match commit(world, business, &stored, &state, &[], &Known::new()).await? {
            Committed::Applied(_) => {
                info!(business.id = %business, run.id = %run, "stopped run {run}");
                let stored = Stored {
                    state,
                    rev: stored.rev + 1,
                };
                finish(world, business, live_calls, stored, tally).await;
                return Ok(answer);
            }
            Committed::Stale(newer) => stored = tally.refused(newer),
        }
    }
    bail!("the state of business {business} kept changing")
}

/// Ends live calls if that is wanted, and has the run filed. It is stopped already;
/// what fails here, the sweep does.
async fn finish(
    world: &impl World,
    business: &BusinessId,
    live_calls: LiveCalls,
    stored: Stored,
    tally: &mut Tally,
) {
    if live_calls == LiveCalls::HangUp {
        let settled = settle_only(world, business, stored, Scope::Due, tally).await;
        if let Err(error) = settled {
            warn!(business.id = %business, "left hanging up to the sweep: {error:#}");
        }
    }
    wake_now(world, business).await;
}

/// Looks for a run that is over and filed.
async fn filed(world: &impl World, business: &BusinessId, run: RunId) -> Result<StopAnswer> {
    let record = world.ledger().run(business, run).await?;
    Ok(match record.and_then(|record| record.end) {
        Some(end) => StopAnswer::AlreadyOver {
            status: end.status,
            in_progress: 0,
        },
        None => StopAnswer::NotFound,
    })
}
