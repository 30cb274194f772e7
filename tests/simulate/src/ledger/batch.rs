//! Many items in few requests, as the real ledger sends them: what a request leaves over is
//! sent again, a bounded number of times.

use std::cell::RefCell;

use anyhow::{Result, bail};
use futures::future::try_join_all;
use ringfence_core::ids::BusinessId;

use crate::faults::Fault;
use crate::sim::Season;
use crate::world::SimWorld;

/// How many requests are under way at once.
const ABREAST: usize = 4;
/// How often what a request left over is sent again.
const AGAIN_MAX: u32 = 8;
/// The first wait before sending again; each further one doubles.
const AGAIN_MS: u64 = 20;

/// What a batch does with its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    Read,
    Write,
}

/// Whether the table can take all the items of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Capacity {
    Enough,
    Short,
}

impl SimWorld {
    /// Has the store `process` each of these items, in no particular order. What a failure
    /// leaves undone is unknown.
    pub(crate) async fn batch<T>(
        &self,
        business: Option<&BusinessId>,
        batch: Batch,
        items: &[T],
        process: impl FnMut(&T),
    ) -> Result<()> {
        let scale = self.sim.store.borrow().scale;
        let most = match batch {
            Batch::Read => scale.reads_max,
            Batch::Write => scale.writes_max,
        };
        let process = RefCell::new(process);
        let chunks: Vec<&[T]> = items.chunks(most).collect();
        for abreast in chunks.chunks(ABREAST) {
            let requests = abreast
                .iter()
                .map(|items| self.some(business, batch, items, &process));
            try_join_all(requests).await?;
        }
        Ok(())
    }

    async fn some<T>(
        &self,
        business: Option<&BusinessId>,
        batch: Batch,
        items: &[T],
        process: &RefCell<impl FnMut(&T)>,
    ) -> Result<()> {
        let mut left: Vec<&T> = items.iter().collect();
        let mut capacity = Capacity::Enough;
        for again in 0..=AGAIN_MAX {
            capacity = self.capacity(capacity);
            let done = match capacity {
                Capacity::Enough => left.len(),
                Capacity::Short => {
                    let most = left.len() as u64 - 1;
                    let done = usize::try_from(self.sim.kernel.between(0, most)).expect("few");
                    left.rotate_left(done);
                    done
                }
            };
            let go = || {
                left.drain(..done)
                    .for_each(|item| (process.borrow_mut())(item))
            };
            self.near(business, go).await?;
            if left.is_empty() {
                return Ok(());
            }
            self.hop(AGAIN_MS << again).await;
        }
        bail!("failed to {batch:?} a batch of items: the table is short of capacity")
    }

    /// What the table has after a request that it had `before` for: a shortage lasts a while.
    fn capacity(&self, before: Capacity) -> Capacity {
        let sim = &self.sim;
        let is_storm = sim.season.get() == Season::Storm;
        let lasts = before == Capacity::Short && is_storm && sim.kernel.in_10k(7_500);
        if lasts || sim.strikes(Fault::Unprocessed) {
            Capacity::Short
        } else {
            Capacity::Enough
        }
    }
}
