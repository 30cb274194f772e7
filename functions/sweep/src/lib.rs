//! Wakes every business that has work. It decides nothing, and makes every lost message harmless.

use anyhow::Result;
use ringfence_flows::world::Office;
use ringfence_ledger::{Ledger, table::WORK_SHARDS};
use ringfence_shell::message::Sqs;
use ringfence_shell::metrics::{EmbeddedMetrics, Figures, Metric};
use tracing::{info, warn};

/// Sends a wake-up to every business that has work, and says to how many.
///
/// Goes on after an error, so that one shard's trouble keeps no other waiting.
///
/// # Errors
///
/// Some businesses were not woken. They are in the next sweep.
pub async fn handle(
    office: &impl Office<Ledger = Ledger, WakeUps = Sqs>,
    metrics: &EmbeddedMetrics,
) -> Result<u64> {
    let (ledger, queue) = (office.ledger(), office.wake_ups());
    let mut woken = 0;
    let mut failure = Ok(());
    for shard in 0..WORK_SHARDS {
        if let Err(error) = sweep(ledger, queue, shard, &mut woken).await {
            warn!(shard, "failed to sweep shard {shard}: {error:#}");
            failure = Err(error);
        }
    }
    info!(businesses = woken, "woke {woken} businesses with work");
    let mut figures = Figures::default();
    figures.observe(Metric::BusinessesWithWork, woken);
    metrics.write(figures, office.now());
    failure.map(|()| woken)
}

async fn sweep(ledger: &Ledger, queue: &Sqs, shard: u32, woken: &mut u64) -> Result<()> {
    let mut after = None;
    // Bounded by the businesses that have work.
    loop {
        let page = ledger.businesses_with_work(shard, after.as_ref()).await?;
        *woken += queue.wake_all(&page.items).await?;
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
