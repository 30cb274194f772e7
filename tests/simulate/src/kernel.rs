//! A clock that nobody waits for, and the tasks that live by it.
//!
//! Everything that happens is an entry of one heap, ordered by time and then by chance,
//! and all chance comes from one seed: the same seed tells the same story.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::sim::Act;

/// The number of a task; none is given twice.
pub type TaskId = usize;

/// The instant at which every story begins, in milliseconds.
pub const EPOCH: u64 = 1_700_000_000_000;

/// The clock, what is going to happen, and who lives by it.
pub struct Kernel {
    now: Cell<u64>,
    seq: Cell<u64>,
    heap: RefCell<BinaryHeap<Entry>>,
    tasks: RefCell<Vec<Task>>,
    chance: RefCell<fastrand::Rng>,
}

/// What one step did.
pub enum Step {
    /// A task went on.
    Woke,
    /// Something outside the tasks is due.
    Act(Act),
    /// Nothing will happen any more.
    Over,
}

type Life = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    /// `None` once it is over, or killed.
    life: Option<Life>,
    waker: Waker,
    paused_until: u64,
    is_resume_due: bool,
}

struct Entry {
    at: u64,
    tie: u32,
    seq: u64,
    what: What,
}

enum What {
    Wake(Waker),
    Act(Act),
}

thread_local! {
    static READY: RefCell<Vec<TaskId>> = const { RefCell::new(Vec::new()) };
}

impl Kernel {
    /// A world at its beginning.
    pub fn new(seed: u64) -> Self {
        READY.with_borrow_mut(Vec::clear);
        Self {
            now: Cell::new(EPOCH),
            seq: Cell::new(0),
            heap: RefCell::default(),
            tasks: RefCell::default(),
            chance: RefCell::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// The true time in milliseconds.
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Any number from `low` up to and including `high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        self.chance.borrow_mut().u64(low..=high)
    }

    /// True in `rate` of ten thousand cases.
    pub fn in_10k(&self, rate: u32) -> bool {
        rate > 0 && self.chance.borrow_mut().u32(0..10_000) < rate
    }

    /// Any 128 bits.
    pub fn bits(&self) -> u128 {
        self.chance.borrow_mut().u128(..)
    }

    /// Has `act` happen in `ms` milliseconds.
    pub fn after(&self, ms: u64, act: Act) {
        self.push(self.now() + ms, What::Act(act));
    }

    /// Starts a task whose life `live` makes, given its number. It first runs at the next step.
    pub fn spawn(&self, live: impl FnOnce(TaskId) -> Life) -> TaskId {
        let id = self.tasks.borrow().len();
        let life = live(id);
        let waker = Waker::from(Arc::new(Bell(id)));
        self.tasks.borrow_mut().push(Task {
            life: Some(life),
            waker,
            paused_until: 0,
            is_resume_due: false,
        });
        READY.with_borrow_mut(|ready| ready.push(id));
        id
    }

    /// Ends a task where it stands.
    pub fn kill(&self, task: TaskId) -> bool {
        let life = self.tasks.borrow_mut()[task].life.take();
        life.is_some()
    }

    /// Holds a task still until `until`, whatever it waits for.
    pub fn pause(&self, task: TaskId, until: u64) {
        let task = &mut self.tasks.borrow_mut()[task];
        task.paused_until = task.paused_until.max(until);
    }

    /// Lets a task that was paused go on.
    pub fn resume(&self, task: TaskId) {
        self.tasks.borrow_mut()[task].is_resume_due = false;
        READY.with_borrow_mut(|ready| ready.push(task));
    }

    /// Waits for `ms` milliseconds.
    pub fn sleep(&self, ms: u64) -> Sleep<'_> {
        Sleep {
            kernel: self,
            until: self.now() + ms,
            is_set: false,
        }
    }

    /// Lets every task that can go on do so, or else moves the clock to what comes next.
    pub fn step(&self) -> Step {
        while let Some(task) = READY.with_borrow_mut(Vec::pop) {
            self.poll(task);
        }
        let Some(entry) = self.heap.borrow_mut().pop() else {
            return Step::Over;
        };
        self.now.set(entry.at);
        match entry.what {
            What::Wake(waker) => {
                waker.wake();
                Step::Woke
            }
            What::Act(act) => Step::Act(act),
        }
    }

    /// Drops every task: they hold the world that holds them.
    pub fn clear(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
        let heap = std::mem::take(&mut *self.heap.borrow_mut());
        drop(heap);
    }

    fn push(&self, at: u64, what: What) {
        let seq = self.seq.get();
        self.seq.set(seq + 1);
        let tie = self.chance.borrow_mut().u32(..);
        self.heap.borrow_mut().push(Entry { at, tie, seq, what });
    }

    fn poll(&self, id: TaskId) {
        let (mut life, waker) = {
            let mut tasks = self.tasks.borrow_mut();
            let task = &mut tasks[id];
            if task.paused_until > self.now() {
                if !task.is_resume_due && task.life.is_some() {
                    task.is_resume_due = true;
                    let until = task.paused_until;
                    drop(tasks);
                    self.push(until, What::Act(Act::Resume(id)));
                }
                return;
            }
            let Some(life) = task.life.take() else {
                return;
            };
            (life, task.waker.clone())
        };
        if life
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            self.tasks.borrow_mut()[id].life = Some(life);
        }
    }
}

/// Waits for an instant of the kernel's clock.
pub struct Sleep<'a> {
    kernel: &'a Kernel,
    until: u64,
    is_set: bool,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_set && self.kernel.now() >= self.until {
            return Poll::Ready(());
        }
        if !self.is_set {
            self.is_set = true;
            let waker = context.waker().clone();
            self.kernel.push(self.until, What::Wake(waker));
        }
        Poll::Pending
    }
}

/// Wakes a task by its number.
struct Bell(TaskId);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        READY.with_borrow_mut(|ready| ready.push(self.0));
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest, for the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |entry: &Self| (entry.at, entry.tie, entry.seq);
        key(other).cmp(&key(self))
    }
}
