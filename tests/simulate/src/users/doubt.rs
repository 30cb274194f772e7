//! What comes at a bad moment: somebody presses cleanup while a request is still slow to
//! leave, a callback comes while several workers look for its call.

use ringfence_core::timing::Timing;
use ringfence_flows::records::CallRecord;

use super::{Deed, What};
use crate::faults::Fault;
use crate::sim::Sim;
use crate::world::{SimWorld, millis};

impl Sim {
    /// Has somebody press cleanup around the instant at which a call that is claimed now may
    /// first count as never made, and workers look again when a second answer may count.
    pub fn doubt(&self, b: usize) {
        let timing = &Timing::CLOUD;
        let fence = millis(timing.dial_window) + millis(timing.function_timeout);
        let early = fence - millis(timing.margin);
        let at = self.kernel.between(early, fence);
        let (what, repeats) = (What::Cleanup, 0);
        self.plan_deed(at, Deed { b, what, repeats });
        let again = at + millis(timing.sweep_every) / 2;
        for _ in 0..3 {
            self.enqueue(b, None, again + self.kernel.between(200, 2_500));
        }
    }
}

impl SimWorld {
    /// Stands still with what was read of silent calls, while a callback of one that exists
    /// brings its SID, and others look for it too.
    pub async fn dwell(&self, b: usize, records: &[CallRecord]) {
        if !self.sim.strikes(Fault::PauseAfterLook) {
            return;
        }
        let kernel = &self.sim.kernel;
        let has_none = |record: &&CallRecord| record.sid.is_none();
        for record in records.iter().filter(has_none) {
            self.sim.remind(record.call);
        }
        self.sim.enqueue(b, None, kernel.between(0, 1_500));
        let ms = if kernel.in_10k(5_000) {
            kernel.between(2_500, 9_000)
        } else {
            kernel.between(25_000, 38_000)
        };
        self.stand_still(ms);
        self.hop(1).await;
    }
}
