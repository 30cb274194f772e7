//! Fills a business's free slots when something says that it may be worth a look.
//!
//! Bounded and idempotent: run twice, late, or never, the promise holds, and the sweep
//! runs it again while there is work.

mod decide;
mod notes;

use std::time::Duration;

use anyhow::Result;
use futures::future::{join, join3, try_join_all};
use ringfence_core::call::Report;
use ringfence_core::fill::Fact;
use ringfence_core::ids::BusinessId;
use ringfence_core::state::{Pause, State};
use tracing::{info, warn};

use self::decide::{Claims, decide};
use self::notes::{end_of, note_of, notes_of};
use crate::ledger::{Calls, Runs, States, Stored};
use crate::place::place_all;
use crate::records::{CallNote, RunEnd};
use crate::settle::{Scope, Settled, settle};
use crate::world::{WakeUps, World};

/// How many times one invocation decides, acts, and decides on what came of it.
const ROUNDS_MAX: u32 = 6;

/// Applies `reports`, settles silent calls, gives free slots to waiting leads and places
/// their calls.
///
/// Each round:
/// 1. commits one decision: reports and answers applied, slots claimed. A crash after it
///    leaves leases that nobody dials for; settlement counts them as failed.
/// 2. places the claimed calls and, meanwhile, records the reports, asks about silent
///    calls and files the runs that are over. A crash here is repaired by the message,
///    which is delivered again, and by the sweep.
/// 3. takes what came of it to the next round.
///
/// # Errors
///
/// The message should be delivered again: something could not be read or written.
pub async fn fill(world: &impl World, business: &BusinessId, reports: &[Report]) -> Result<()> {
    let began = world.now();
    let Some(mut stored) = world.ledger().load(business).await? else {
        warn!(business.id = %business, "no such business as {business}");
        return Ok(());
    };
    let pause_before = stored.state.pause;
    let mut facts: Vec<Fact> = reports.iter().filter_map(end_of).collect();
    let mut notes: Vec<CallNote> = reports.iter().map(note_of).collect();
    let mut scope = Some(Scope::Due);
    let mut not_recorded = None;
    let mut is_cut_short = true;
    for _ in 0..ROUNDS_MAX {
        let is_late = began
            .after(world.timing().claim_within())
            .has_passed(world.now());
        let claims = if is_late { Claims::None } else { Claims::Free };
        let step = decide(world, business, stored, &facts, claims).await?;
        notes.extend(notes_of(world, &step));
        let (dialed, aside) = join(
            place_all(world, step.claims),
            look_after(
                world,
                business,
                &step.stored.state,
                std::mem::take(&mut notes),
                scope.take(),
            ),
        )
        .await;
        facts = dialed
            .into_iter()
            .filter_map(|dialed| dialed.fact)
            .collect();
        match aside {
            Ok(settled) => {
                facts.extend(settled.facts);
                notes = settled.notes;
            }
            // The calls that were placed must still be settled below.
            Err(error) => not_recorded = Some(error),
        }
        stored = step.stored;
        let is_done = facts.is_empty() && notes.is_empty();
        if is_done && !step.has_more || not_recorded.is_some() {
            is_cut_short = is_late;
            break;
        }
    }
    if !facts.is_empty() || !notes.is_empty() {
        let step = decide(world, business, stored, &facts, Claims::None).await?;
        notes.extend(notes_of(world, &step));
        record(world, business, &notes).await?;
        stored = step.stored;
        is_cut_short = true;
    }
    wake_later(world, business, &stored.state, pause_before, is_cut_short).await;
    not_recorded.map_or(Ok(()), Err)
}

/// Commits `facts` without claiming anything, and says what the state is then.
///
/// # Errors
///
/// The facts could not be stored. Settlement will find them again.
pub(crate) async fn apply(
    world: &impl World,
    business: &BusinessId,
    stored: Stored,
    facts: &[Fact],
) -> Result<State> {
    let step = decide(world, business, stored, facts, Claims::None).await?;
    record(world, business, &notes_of(world, &step)).await?;
    Ok(step.stored.state)
}

/// What is done while calls are being placed: records are written, silent calls asked
/// about, and runs that are over filed.
async fn look_after(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    notes: Vec<CallNote>,
    scope: Option<Scope>,
) -> Result<Settled> {
    let settling = async {
        match scope {
            Some(scope) => settle(world, business, state, scope).await,
            None => Ok(Settled::default()),
        }
    };
    let (recorded, settled, filed) = join3(
        record(world, business, &notes),
        settling,
        file(world, business, state),
    )
    .await;
    recorded?;
    let mut settled = settled?;
    settled.facts.extend(filed?);
    Ok(settled)
}

/// Writes notes to the call records.
pub(crate) async fn record(
    world: &impl World,
    business: &BusinessId,
    notes: &[CallNote],
) -> Result<()> {
    try_join_all(notes.iter().map(|note| world.ledger().note(business, note))).await?;
    Ok(())
}

/// Writes how each run that is over ended. Only then may the state forget it.
async fn file(world: &impl World, business: &BusinessId, state: &State) -> Result<Vec<Fact>> {
    let over = state.runs.iter().filter_map(|(&id, run)| {
        let (_, counts, status) = state.run_view(id)?;
        let end = RunEnd {
            status,
            counts,
            at: run.over_at?,
            last_error: run.last_error.clone(),
        };
        Some((id, end))
    });
    let filed = over.map(|(run, end)| async move {
        world.ledger().file_run(business, run, &end).await?;
        info!(business.id = %business, run.id = %run, status = end.status.as_str(), "run {run} is over");
        anyhow::Ok(Fact::Filed { run })
    });
    try_join_all(filed).await
}

/// Has somebody look again when this invocation could not finish, or the carrier asked
/// us to wait. Only a hint: if it is lost, the sweep comes round.
async fn wake_later(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    pause_before: Option<Pause>,
    is_cut_short: bool,
) {
    let delay = match state.pause {
        Some(pause) if state.pause != pause_before => pause.until.since(world.now()),
        Some(_) | None if is_cut_short => Duration::ZERO,
        Some(_) | None => return,
    };
    if let Err(error) = world.wake_ups().wake(business, delay).await {
        warn!(business.id = %business, "failed to send a wake-up: {error:#}");
    }
}
