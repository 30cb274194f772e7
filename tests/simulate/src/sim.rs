//! The simulated world as a whole: it holds the parts, and lets happen what is due.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringfence_core::timing::Timing;
use ringfence_flows::ledger::Stored;
use ringfence_flows::sweep::needs_wake_up;

use crate::carrier::Truth;
use crate::faults::{Fault, Faults};
use crate::judge::Judge;
use crate::kernel::{Kernel, TaskId};
use crate::ledger::{Refusal, Scale, Stamp, Store, Write};
use crate::queue::Queue;
use crate::story::{Story, Telling};
use crate::users::{Deed, Users};
use crate::world::{SimWorld, Who};

/// Something outside the tasks that happens at its time.
pub enum Act {
    /// A worker's time is over.
    Kill(TaskId),
    /// A worker that stood still goes on.
    Resume(TaskId),
    /// A request for a call reaches the carrier.
    Arrive(usize),
    /// A call ends.
    End(usize),
    /// A callback reaches the webhook.
    Callback(crate::carrier::Callback),
    /// A message of the queue is due.
    Deliver(usize),
    /// Messages that were held back become a batch.
    Flush,
    Sweep,
    /// A write arrives that its sender has given up waiting for.
    LateWrite(usize, Box<Write>, Who),
    /// A user does something.
    Do(Box<Deed>),
    /// Faults cease.
    Calm,
    /// The bounds of liveness are computed.
    Bound,
    /// The judge looks for free slots that nobody uses.
    Watch,
}

/// What goes on at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Season {
    /// Faults happen, and users do what they like.
    Storm,
    /// Nothing fails any more, and all that is left must come to its end.
    Calm,
    /// Two more runs: free slots must be used at once.
    Probe,
}

/// The whole world.
pub struct Sim {
    pub kernel: Kernel,
    /// Chance for what is drawn apart, so that the rest of a seed stays as it is.
    pub apart: RefCell<fastrand::Rng>,
    pub faults: Faults,
    pub season: Cell<Season>,
    /// Users bound whom may be called, and how often.
    pub has_rules: bool,
    pub store: RefCell<Store>,
    pub truth: RefCell<Truth>,
    pub queue: RefCell<Queue>,
    pub users: RefCell<Users>,
    pub judge: RefCell<Judge>,
    pub story: RefCell<Story>,
}

impl Sim {
    /// A world of this seed, without businesses yet.
    pub fn new(seed: u64, profile: &str, telling: Telling) -> Rc<Self> {
        let kernel = Kernel::new(seed);
        let mut apart = fastrand::Rng::with_seed(!seed);
        let faults = Faults::draw(&kernel, &mut apart, profile);
        let scale = if apart.bool() {
            Scale::REAL
        } else {
            Scale::SMALL
        };
        Rc::new(Self {
            kernel,
            apart: RefCell::new(apart),
            faults,
            season: Cell::new(Season::Storm),
            has_rules: profile == "rules" || profile == "all" && seed % 3 == 1,
            store: RefCell::new(Store::new(scale)),
            truth: RefCell::default(),
            queue: RefCell::default(),
            users: RefCell::default(),
            judge: RefCell::default(),
            story: RefCell::new(Story::new(telling)),
        })
    }

    /// Whether a fault happens now.
    pub fn strikes(&self, fault: Fault) -> bool {
        self.season.get() == Season::Storm && self.kernel.in_10k(self.faults.rate(fault))
    }

    /// How late something is, in milliseconds.
    pub fn late(&self, low: u64, high: u64) -> u64 {
        let ms = self.kernel.between(low, high);
        if self.faults.is_at_edges && self.kernel.in_10k(6_000) {
            let short = self.kernel.between(0, 1_500);
            high.saturating_sub(short).max(low)
        } else {
            ms
        }
    }

    /// Adds an event to the story.
    pub fn tell(&self, kind: &str, number: u64, words: impl FnOnce() -> String) {
        let mut story = self.story.borrow_mut();
        story.tell(self.kernel.now(), kind, number, words);
    }

    /// A name for a write.
    pub fn fresh_stamp(&self) -> Stamp {
        let mut store = self.store.borrow_mut();
        store.next_stamp += 1;
        store.next_stamp
    }

    /// Applies a write if its condition holds, and has the judge look at it.
    pub fn write(&self, b: usize, write: &Write, who: Who) -> Result<(), Box<Refusal>> {
        let mut store = self.store.borrow_mut();
        let shelf = &mut store.shelves[b];
        let before = shelf.stored.clone();
        write.apply(shelf)?;
        if shelf.stored.rev == before.rev {
            return Ok(());
        }
        shelf.replaced(before.clone(), self.kernel.now());
        if before.state.has_work() != shelf.stored.state.has_work() {
            shelf.index_changed_at = self.kernel.now();
        }
        let store = &*store;
        let shelf = &store.shelves[b];
        let state = &shelf.stored.state;
        self.tell("write", shelf.stored.rev, || {
            let (taken, limit) = (state.slots_in_use(), state.limit);
            let runs = state.runs.keys().filter_map(|&id| {
                let (_, counts, status) = state.run_view(id)?;
                let queued = counts.queued;
                Some(format!(" run {id} {} {queued} queued", status.as_str()))
            });
            let runs: String = runs.collect();
            let rev = shelf.stored.rev;
            format!(
                "b{b} rev {rev} by {:?}{}: {taken} of {limit} slots;{runs}",
                who.role,
                if who.is_next {
                    " of the next release"
                } else {
                    ""
                }
            )
        });
        let mut judge = self.judge.borrow_mut();
        judge.written(self, b, &before.state, state, who);
        judge.moved_on(&self.truth.borrow(), b, &before.state, shelf, who);
        judge.counted(b, shelf);
        judge.kept_apart(b, shelf, who);
        judge.begun(b, &before.state, store);
        Ok(())
    }

    /// Lets something happen.
    pub fn act(self: &Rc<Self>, act: Act) {
        match act {
            Act::Kill(task) => {
                if self.kernel.kill(task) {
                    self.judge.borrow_mut().has_fallen(task);
                    self.tell("dead", task as u64, || format!("worker {task}"));
                }
            }
            Act::Resume(task) => self.kernel.resume(task),
            Act::Arrive(request) => self.arrive(request),
            Act::End(call) => self.end_call(call),
            Act::Callback(callback) => self.hear(callback),
            Act::Deliver(message) => self.deliver(message),
            Act::Flush => self.flush(),
            Act::Sweep => self.sweep(),
            Act::LateWrite(b, write, who) => {
                let is_applied = self.write(b, &write, who).is_ok();
                self.tell("late", write.stamp, || {
                    format!("a write of b{b} came late, applied: {is_applied}")
                });
            }
            Act::Do(deed) => self.start_deed(*deed),
            Act::Calm => self.calm(),
            Act::Bound => self.bound(),
            Act::Watch => self.watch(),
        }
    }

    /// A state as an eventually consistent read shows it. Reads are like that when nothing
    /// fails, too.
    pub fn glance(&self, b: usize) -> Stored {
        let age = if self.kernel.in_10k(self.faults.rate(Fault::OldState)) {
            self.kernel.between(0, 2_000)
        } else {
            0
        };
        let store = self.store.borrow();
        store.shelves[b].as_of(age, self.kernel.now()).clone()
    }

    /// Wakes every business that the index knows to have work, and that has something to do,
    /// as `functions/sweep` does.
    fn sweep(self: &Rc<Self>) {
        let ms = Timing::CLOUD.sweep_every.as_millis();
        let every = u64::try_from(ms).expect("a minute fits");
        self.kernel.after(every, Act::Sweep);
        if self.strikes(Fault::SweepMissed) {
            self.tell("sweep", 0, || "missed".to_owned());
            return;
        }
        self.tell("sweep", 1, String::new);
        let sweeper = SimWorld::bystander(self);
        let shelves = self.store.borrow().shelves.len();
        for b in 0..shelves {
            let (has_work, changed_at) = {
                let shelf = &self.store.borrow().shelves[b];
                (shelf.stored.state.has_work(), shelf.index_changed_at)
            };
            let is_fresh = changed_at + self.kernel.between(0, 5_000) > self.kernel.now();
            let is_stale = is_fresh && self.strikes(Fault::StaleIndex);
            // Now and then nobody can be read.
            let is_due =
                self.strikes(Fault::StoreError) || needs_wake_up(&sweeper, &self.glance(b).state);
            if has_work != is_stale && is_due && !self.strikes(Fault::SendLoss) {
                self.enqueue(b, None, 0);
            }
        }
    }
}
