//! Settles the silent calls of one business at once, because somebody asked.

use anyhow::Result;
use ringfence_core::fill::Fact;
use ringfence_core::ids::{BusinessId, CallId};
use ringfence_core::time::Timestamp;

use crate::fill::settle_only;
use crate::ledger::{Runs, States, Turn};
use crate::settle::Scope;
use crate::tally::Tally;
use crate::world::{World, wake_now};

/// What settling by hand found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CleanupAnswer {
    Done {
        /// Calls that were over: their slots are free.
        cleaned: u32,
        /// Calls that the carrier knows to be live: they keep their slots.
        still_live: u32,
        /// Calls of which nothing certain is known: they keep their slots too.
        undecided: u32,
    },
    /// It was done less than a minute ago.
    NotBefore(Timestamp),
}

/// Asks the carrier about every call that nobody can be dialling any more, and frees the
/// slots of those that are over.
///
/// # Errors
///
/// Something could not be read or written. The sweep does the same a little later.
pub async fn cleanup(
    world: &impl World,
    business: &BusinessId,
    tally: &mut Tally,
) -> Result<CleanupAnswer> {
    match world
        .ledger()
        .take_cleanup_turn(business, world.now())
        .await?
    {
        Turn::Taken => {}
        Turn::NotBefore(then) => return Ok(CleanupAnswer::NotBefore(then)),
    }
    let Some(stored) = world.ledger().load(business).await? else {
        return Ok(CleanupAnswer::Done {
            cleaned: 0,
            still_live: 0,
            undecided: 0,
        });
    };
    let leased: Vec<CallId> = stored.state.active.keys().copied().collect();
    let (stored, facts) = settle_only(world, business, stored, Scope::FencedOff, tally).await?;
    let state = stored.state;
    let live: Vec<CallId> = facts.iter().filter_map(live_call).collect();
    let is_left = |call: &&CallId| state.active.contains_key(call);
    let left = leased.iter().filter(is_left).count();
    let still_live = live.iter().filter(is_left).count();
    wake_now(world, business).await;
    Ok(CleanupAnswer::Done {
        cleaned: count(leased.len() - left),
        still_live: count(still_live),
        undecided: count(left - still_live),
    })
}

fn live_call(fact: &Fact) -> Option<CallId> {
    match fact {
        Fact::StillLive { call } => Some(*call),
        Fact::Ended { .. }
        | Fact::LeadRefused { .. }
        | Fact::ConfigurationRefused { .. }
        | Fact::NotProcessed { .. }
        | Fact::NotFound { .. }
        | Fact::Undecided { .. }
        | Fact::Filed { .. } => None,
    }
}

fn count(calls: usize) -> u32 {
    u32::try_from(calls).expect("a business has at most hundreds of slots")
}
