//! Wakes every business that has something to do. It changes nothing, and makes every lost
//! message harmless.

use std::collections::BTreeSet;

use anyhow::Result;
use ringfence_core::ids::BusinessId;
use ringfence_flows::sweep::needs_wake_up;
use ringfence_flows::world::Office;
use ringfence_ledger::{Ledger, table::WORK_SHARDS};
use ringfence_shell::message::Sqs;
use ringfence_shell::metrics::{EmbeddedMetrics, Figures, Metric};
use serde::Serialize;
use tracing::{info, warn};

/// What a sweep has found and done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Businesses with calls or runs.
    pub with_work: u64,
    /// Those of them that got a wake-up.
    pub woken: u64,
}

/// How many states are read at once: as many as four requests bring.
const READ_AT_ONCE: usize = 400;

/// Sends a wake-up to every business that has something to do.
///
/// Goes on after an error, so that one shard's trouble keeps no other waiting.
///
/// # Errors
///
/// Some businesses were not looked at, or not woken. They are in the next sweep.
pub async fn handle(
    office: &impl Office<Ledger = Ledger, WakeUps = Sqs>,
    metrics: &EmbeddedMetrics,
) -> Result<Swept> {
    let mut swept = Swept::default();
    let mut failure = Ok(());
    for shard in 0..WORK_SHARDS {
        if let Err(error) = sweep(office, shard, &mut swept).await {
            warn!(shard, "failed to sweep shard {shard}: {error:#}");
            failure = Err(error);
        }
    }
    let Swept { with_work, woken } = swept;
    info!(
        businesses = with_work,
        woken, "woke {woken} of {with_work} businesses with work"
    );
    let mut figures = Figures::default();
    figures.observe(Metric::BusinessesWithWork, with_work);
    metrics.write(figures, office.now());
    failure.map(|()| swept)
}

async fn sweep(
    office: &impl Office<Ledger = Ledger, WakeUps = Sqs>,
    shard: u32,
    swept: &mut Swept,
) -> Result<()> {
    let ledger = office.ledger();
    let mut after = None;
    // Bounded by the businesses that have work.
    loop {
        let page = ledger.businesses_with_work(shard, after.as_ref()).await?;
        swept.with_work += u64::try_from(page.items.len())?;
        // So few that their states, of whatever size, fit into memory.
        for some in page.items.chunks(READ_AT_ONCE) {
            let at_rest = at_rest(office, some).await;
            let due = some.iter().filter(|business| !at_rest.contains(business));
            let due: Vec<_> = due.cloned().collect();
            swept.woken += office.wake_ups().wake_all(&due).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Those of these businesses that a look would find nothing to do for. Whoever could not be
/// read is not among them: a wake-up too many costs little, and tells of the trouble.
async fn at_rest(
    office: &impl Office<Ledger = Ledger>,
    businesses: &[BusinessId],
) -> BTreeSet<BusinessId> {
    let states = match office.ledger().glance_at_all(businesses).await {
        Ok(states) => states,
        Err(error) => {
            warn!("failed to see who has something to do: {error:#}");
            Vec::new()
        }
    };
    let mut at_rest = BTreeSet::new();
    for (business, stored) in states {
        if !needs_wake_up(office, &stored.state) {
            at_rest.insert(business);
        }
    }
    at_rest
}
