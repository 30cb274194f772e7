//! The world as one worker sees it: its own clock, and a network that it waits for.
//!
//! Every effect waits before it is applied and again before its answer is there. At each
//! wait the worker may die, stand still, or be overtaken.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use ringfence_core::ids::{BusinessId, RosterId};
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::world::{CallBounds, Office, WakeUps, World};
use uuid::Uuid;

use crate::faults::Fault;
use crate::kernel::TaskId;
use crate::sim::{Act, Season, Sim};

/// What a worker is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Fill,
    Start,
    Stop,
    Settings,
    Cleanup,
    Status,
}

/// Who does something.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    pub worker: TaskId,
    pub role: Role,
    /// It runs the next release.
    pub is_next: bool,
}

/// One worker's view.
pub struct SimWorld {
    pub sim: Rc<Sim>,
    pub worker: TaskId,
    pub role: Role,
    /// The only business that it was asked about, if it is one.
    own: Option<usize>,
    /// How far its clock is ahead of the true time, or behind it.
    skew: i64,
    is_next: bool,
    /// Nobody kills it at its timeout.
    pub is_frozen: bool,
}

static TIMING: Timing = Timing::CLOUD;

/// The longest that a call may last here, in seconds.
pub const CALL_SECONDS_MAX: u32 = 2_400;

/// How long a worker stands still that nobody kills: past the fence, at least.
const FROZEN_MS: std::ops::RangeInclusive<u64> = 61_000..=240_000;
/// How often such a worker stands still, in ten thousand waits.
const FROZEN_RATE: u32 = 400;
/// So long such a worker may live.
const FROZEN_LIFE_MS: u64 = 900_000;

/// How far a clock may be from the true time: two of them differ by the margin at most.
pub fn skew(sim: &Sim) -> i64 {
    if !sim.strikes(Fault::Skew) {
        return 0;
    }
    let most = millis(TIMING.margin) / 2;
    let ahead = if sim.faults.is_at_edges {
        2 * most * sim.kernel.between(0, 1)
    } else {
        sim.kernel.between(0, 2 * most)
    };
    i64::try_from(ahead).expect("seconds fit") - most.cast_signed()
}

/// A span in milliseconds.
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("spans are hours at most")
}

impl SimWorld {
    /// Starts a worker that does `work`, and kills it when its time is over.
    pub fn employ<F: Future<Output = ()> + 'static>(
        sim: &Rc<Sim>,
        role: Role,
        own: Option<usize>,
        work: impl FnOnce(Self) -> F,
    ) -> TaskId {
        let skew = skew(sim);
        let is_next = sim.strikes(Fault::NextRelease);
        let is_frozen = sim.strikes(Fault::Frozen);
        let task = sim.kernel.spawn(|worker| {
            let sim = Rc::clone(sim);
            Box::pin(work(Self {
                sim,
                worker,
                role,
                own,
                skew,
                is_next,
                is_frozen,
            }))
        });
        let mut life = millis(TIMING.function_timeout);
        if is_frozen {
            life = FROZEN_LIFE_MS;
        } else if sim.strikes(Fault::KilledLate) {
            life += sim.late(0, millis(TIMING.margin));
        }
        sim.kernel.after(life, Act::Kill(task));
        task
    }

    /// Somebody who looks at a clock and asks for nothing.
    pub fn bystander(sim: &Rc<Sim>) -> Self {
        Self {
            sim: Rc::clone(sim),
            worker: TaskId::MAX,
            role: Role::Status,
            own: None,
            skew: skew(sim),
            is_next: false,
            is_frozen: false,
        }
    }

    /// Waits, unless the worker dies here, or stands still.
    pub async fn hop(&self, ms: u64) {
        let kernel = &self.sim.kernel;
        if self.sim.strikes(Fault::Crash) {
            let worker = self.worker;
            self.sim
                .tell("crash", worker as u64, || format!("worker {worker}"));
            kernel.after(0, Act::Kill(worker));
        } else if self.sim.strikes(Fault::Pause) {
            let most = kernel.between(10, 16);
            self.stand_still(kernel.between(1, 1 << most).min(60_000));
        } else if self.is_frozen && self.is_stormy() && kernel.in_10k(FROZEN_RATE) {
            self.stand_still(kernel.between(*FROZEN_MS.start(), *FROZEN_MS.end()));
        }
        kernel.sleep(ms).await;
    }

    fn is_stormy(&self) -> bool {
        self.sim.season.get() == Season::Storm
    }

    /// Does nothing for so long, whatever the worker waits for.
    pub fn stand_still(&self, ms: u64) {
        let kernel = &self.sim.kernel;
        self.sim.judge.borrow_mut().has_fallen(self.worker);
        let worker = self.worker;
        self.sim.tell("still", worker as u64, || {
            format!("worker {worker} for {ms} ms")
        });
        kernel.pause(worker, kernel.now() + ms);
    }

    /// Who this is.
    pub fn who(&self) -> Who {
        Who {
            worker: self.worker,
            role: self.role,
            is_next: self.is_next,
        }
    }

    /// How long a request to the store is under way: now and then, much longer.
    pub fn store_ms(&self) -> u64 {
        let kernel = &self.sim.kernel;
        if kernel.in_10k(400) {
            kernel.between(100, 2_000)
        } else {
            kernel.between(1, 8)
        }
    }

    /// The same worker where it looks after one business of several.
    pub fn for_business(&self, b: usize) -> Self {
        Self {
            sim: Rc::clone(&self.sim),
            own: Some(b),
            ..*self
        }
    }

    /// A roster must be of the business that the worker was asked about.
    pub fn check_own_roster(&self, roster: RosterId) {
        let Some(own) = self.own else {
            return;
        };
        let owner = *self
            .sim
            .store
            .borrow_mut()
            .owners
            .entry(roster)
            .or_insert(own);
        if owner != own {
            let mut judge = self.sim.judge.borrow_mut();
            judge.fail(
                "isolation",
                format!("a worker of b{own} touched a roster of b{owner}"),
            );
        }
    }

    /// The number of a business, which must be the one that the worker was asked about.
    pub fn check_own(&self, business: &BusinessId) -> usize {
        let b = number_of(business);
        if self.own.is_some_and(|own| own != b) {
            let mut judge = self.sim.judge.borrow_mut();
            judge.fail("isolation", format!("a worker of another touched b{b}"));
        }
        b
    }
}

/// Businesses are called `b0`, `b1` and so on.
pub fn number_of(business: &BusinessId) -> usize {
    let number = business.as_str()[1..].parse();
    number.expect("every business is called b and its number")
}

/// A simulated day, short enough for several of them in one story.
pub const DAY_MS: u64 = 10 * 60 * 1_000;

impl Office for SimWorld {
    type Ledger = Self;
    type WakeUps = Self;

    fn ledger(&self) -> &Self {
        self
    }

    fn wake_ups(&self) -> &Self {
        self
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.sim.kernel.now().saturating_add_signed(self.skew))
    }

    fn day_end(&self, _time_zone: &str, now: Timestamp) -> Timestamp {
        Timestamp::from_millis((now.as_millis() / DAY_MS + 1) * DAY_MS)
    }

    fn fresh_uuid(&self, now: Timestamp) -> Uuid {
        let random = self.sim.kernel.bits() & ((1 << 74) - 1);
        let (high, low) = (random >> 62, random & ((1 << 62) - 1));
        let time = u128::from(now.as_millis()) << 80;
        Uuid::from_u128(time | 7 << 76 | high << 64 | 2 << 62 | low)
    }
}

impl World for SimWorld {
    type Carrier = Self;

    fn carrier(&self) -> &Self {
        self
    }

    fn timing(&self) -> &Timing {
        &TIMING
    }

    fn call_bounds(&self) -> CallBounds {
        CallBounds {
            ring_seconds_max: 30,
            call_seconds_max: CALL_SECONDS_MAX,
        }
    }
}

impl WakeUps for SimWorld {
    async fn wake(&self, business: &BusinessId, delay: Duration) -> Result<()> {
        let b = self.check_own(business);
        self.hop(self.sim.kernel.between(1, 10)).await;
        let is_lost = self.sim.strikes(Fault::SendLoss);
        if is_lost && self.sim.kernel.in_10k(5_000) {
            bail!("failed to send a wake-up");
        }
        if !is_lost {
            let seconds = millis(delay).div_ceil(1_000).min(900);
            self.sim.enqueue(b, None, seconds * 1_000);
        }
        if self.is_stormy() {
            self.hop(self.sim.kernel.between(1, 10)).await;
        }
        Ok(())
    }
}
