//! Fills a business's free slots when something says that it may be worth a look.
//!
//! Bounded and idempotent: run twice, late, or never, the promise holds, and the sweep
//! runs it again while there is work.

mod decide;
mod notes;

use std::time::Duration;

use anyhow::{Result, bail};
use futures::future::{join, join3, try_join_all};
use ringfence_core::call::Report;
use ringfence_core::fill::Fact;
use ringfence_core::ids::BusinessId;
use ringfence_core::state::{Pause, State};
use ringfence_core::time::Timestamp;
use tracing::{info, warn};

pub(crate) use self::decide::listed;
use self::decide::{Claims, Read, decide};
use self::notes::{end_of, note_of, notes_of};
use crate::ledger::{Calls, Runs, States, Stored};
use crate::place::place_all;
use crate::records::{CallNote, RunEnd};
use crate::settle::{Scope, settle};
use crate::tally::Tally;
use crate::world::{WakeUps, World};

/// How many times one invocation decides, acts, and decides on what came of it.
const ROUNDS_MAX: u32 = 6;

/// Applies `reports`, settles silent calls, gives free slots to waiting leads and places
/// their calls.
///
/// The reports are recorded first; a crash after it leaves records that are over, which
/// settlement believes. Then, each round:
/// 1. commits one decision: reports and answers applied, slots claimed. A crash after it
///    leaves leases that nobody dials for; settlement counts them as failed.
/// 2. places the claimed calls and, meanwhile, records what was decided, asks about silent
///    calls and files the runs that are over. A crash here is repaired by the message,
///    which is delivered again, and by the sweep.
/// 3. takes what came of it to the next round.
///
/// # Errors
///
/// The message should be delivered again: something could not be read or written.
pub async fn fill(
    world: &impl World,
    business: &BusinessId,
    reports: &[Report],
    tally: &mut Tally,
) -> Result<()> {
    let until = world.now().after(world.timing().claim_within());
    let mut facts: Vec<Fact> = reports.iter().filter_map(end_of).collect();
    let mut notes: Vec<CallNote> = reports.iter().map(note_of).collect();
    // Recorded before the state frees their slots: whoever looks by number for the next
    // call to one of these numbers must be able to tell it from the one that is over.
    let (found, recorded) = join(
        world.ledger().glance(business),
        record(world, business, &notes),
    )
    .await;
    recorded?;
    notes.clear();
    let Some(mut stored) = found? else {
        warn!(business.id = %business, "no such business as {business}");
        return Ok(());
    };
    let mut read = Read::Glanced;
    // Whoever decided on such books would panic, and take others of its batch along.
    if let Some(imbalance) = stored.state.imbalance() {
        bail!("the books of business {business} do not balance: {imbalance}");
    }
    let pause_before = stored.state.pause;
    let mut question = Some((Scope::Due, until));
    let mut failure = None;
    let mut is_cut_short = true;
    for _ in 0..ROUNDS_MAX {
        let is_late = until.has_passed(world.now());
        let claims = if is_late { Claims::None } else { Claims::Free };
        let step = decide(world, business, stored, read, &facts, claims, tally).await?;
        notes.extend(notes_of(world, &step));
        let (dialed, learned) = join(
            place_all(world, step.claims, tally),
            look_after(world, business, &step.stored.state, &notes, question.take()),
        )
        .await;
        notes.clear();
        facts = dialed
            .into_iter()
            .filter_map(|dialed| dialed.fact)
            .collect();
        match learned {
            Ok(learned) => facts.extend(learned),
            // What came of the calls that were placed must still be stored below.
            Err(error) => failure = Some(error),
        }
        (stored, read) = (step.stored, Read::Now);
        if facts.is_empty() && !step.has_more || failure.is_some() {
            is_cut_short = is_late;
            break;
        }
    }
    if !facts.is_empty() {
        stored = apply(world, business, stored, &facts, tally).await?;
        is_cut_short = true;
    }
    let look_again = if is_cut_short {
        LookAgain::Now
    } else {
        LookAgain::AfterPause
    };
    wake_later(world, business, &stored.state, pause_before, look_again).await;
    failure.map_or(Ok(()), Err)
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
    tally: &mut Tally,
) -> Result<Stored> {
    let step = decide(
        world,
        business,
        stored,
        Read::Now,
        facts,
        Claims::None,
        tally,
    )
    .await?;
    record(world, business, &notes_of(world, &step)).await?;
    Ok(step.stored)
}

/// Asks about the calls in `scope` without claiming anything, and says what the state is
/// then and what the carrier answered.
///
/// # Errors
///
/// Something could not be read or written. The sweep settles it later.
pub(crate) async fn settle_only(
    world: &impl World,
    business: &BusinessId,
    stored: Stored,
    scope: Scope,
    tally: &mut Tally,
) -> Result<(Stored, Vec<Fact>)> {
    let until = world.now().after(world.timing().claim_within());
    let settled = settle(world, business, &stored.state, scope, until).await?;
    record(world, business, &settled.notes).await?;
    let stored = apply(world, business, stored, &settled.facts, tally).await?;
    Ok((stored, settled.facts))
}

/// What is done while calls are being placed: records are written, silent calls asked
/// about, and runs that are over filed.
///
/// What the carrier answers is recorded before the state learns of it: after that
/// nothing would lead to the record any more.
async fn look_after(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    notes: &[CallNote],
    question: Option<(Scope, Timestamp)>,
) -> Result<Vec<Fact>> {
    let settling = async {
        let Some((scope, until)) = question else {
            return Ok(Vec::new());
        };
        let settled = settle(world, business, state, scope, until).await?;
        record(world, business, &settled.notes).await?;
        anyhow::Ok(settled.facts)
    };
    let recording = record(world, business, notes);
    let (recorded, settled, filed) = join3(recording, settling, file(world, business, state)).await;
    recorded?;
    let mut facts = settled?;
    facts.extend(filed?);
    Ok(facts)
}

/// How often a note is tried: if it fails for good, its message comes back only after
/// minutes, and its call's slot stays taken meanwhile.
const NOTE_ATTEMPTS_MAX: u32 = 3;

/// Writes notes to the call records.
pub(crate) async fn record(
    world: &impl World,
    business: &BusinessId,
    notes: &[CallNote],
) -> Result<()> {
    try_join_all(notes.iter().map(|note| record_one(world, business, note))).await?;
    Ok(())
}

async fn record_one(world: &impl World, business: &BusinessId, note: &CallNote) -> Result<()> {
    for _ in 1..NOTE_ATTEMPTS_MAX {
        match world.ledger().note(business, note).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                warn!(call.id = %note.call, "failed to record call {}: {error:#}", note.call)
            }
        }
    }
    world.ledger().note(business, note).await
}

/// Writes how each run that is over ended. Only then may the state forget it.
async fn file(world: &impl World, business: &BusinessId, state: &State) -> Result<Vec<Fact>> {
    let over = state.runs.iter().filter_map(|(&id, run)| {
        let at = run.over_at?;
        let (_, counts, status) = state.run_view(id)?;
        let end = RunEnd {
            status,
            counts,
            at,
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

/// When somebody should look again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LookAgain {
    /// This invocation could not finish.
    Now,
    /// When the pause is over, if the carrier has just asked for one.
    AfterPause,
}

/// Has somebody look again. Only a hint: if it is lost, the sweep comes round.
async fn wake_later(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    pause_before: Option<Pause>,
    look_again: LookAgain,
) {
    let delay = match (state.pause, look_again) {
        (Some(pause), _) if state.pause != pause_before => pause.until.since(world.now()),
        (_, LookAgain::Now) => Duration::ZERO,
        (_, LookAgain::AfterPause) => return,
    };
    if let Err(error) = world.wake_ups().wake(business, delay).await {
        warn!(business.id = %business, "failed to send a wake-up: {error:#}");
    }
}
