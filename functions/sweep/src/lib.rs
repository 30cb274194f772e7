//! Wakes every business that has work. It decides nothing, and makes every lost message harmless.

use anyhow::Result;
use ringfence_ledger::{Ledger, table::WORK_SHARDS};
use ringfence_shell::message::Sqs;
use tracing::info;

/// Sends a wake-up to every business that has work, and says to how many.
///
/// # Errors
///
/// Some businesses were not woken. They are in the next sweep.
pub async fn handle(ledger: &Ledger, queue: &Sqs) -> Result<u64> {
    let mut woken = 0;
    for shard in 0..WORK_SHARDS {
        let mut after = None;
        // Bounded by the businesses that have work.
        loop {
            let page = ledger.businesses_with_work(shard, after.as_ref()).await?;
            queue.wake_all(&page.items).await?;
            woken += u64::try_from(page.items.len())?;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    info!(businesses = woken, "woke {woken} businesses with work");
    Ok(woken)
}
