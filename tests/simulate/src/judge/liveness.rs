//! Liveness: all comes to its end in time, and a free slot does not lie idle.

use std::collections::BTreeMap;

use ringfence_core::ids::RunId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Run, State};
use ringfence_core::timing::Timing;

use super::Judge;
use crate::carrier::Truth;
use crate::ledger::{Shelf, Store};
use crate::sim::{Act, Season, Sim};
use crate::world::{DAY_MS, millis};

/// How long a final report takes to the worker that it concerns: to the webhook, through
/// the queue, and in a batch that is held back.
const REPORT_MS: u64 = 1_500;
/// The requests that this worker sends one after the other until the next call exists: it
/// records, reads a roster, its leads and their bars, commits, and places.
const REQUESTS: u64 = 6;
/// How long one of them takes where the network is slow.
const REQUEST_MS: u64 = 2_250;
/// How long a slot may lie idle while nothing fails.
pub const IDLE_MS_MAX: u64 = REPORT_MS + REQUESTS * REQUEST_MS;

/// How long a call takes in the calm, from its claim to its report, at most.
const CALL_MS: u64 = 60_000;
/// The longest pause that a carrier can ask for.
const PAUSE_MS: u64 = 300_000;

/// When all must be over, and when it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending {
    /// When faults ceased.
    since: u64,
    /// Until when all must be over, once that is computed.
    until: Option<u64>,
    /// When something was seen last that was not over.
    busy_at: u64,
}

impl Ending {
    /// How long everything might take, in milliseconds.
    pub fn bound_ms(&self) -> u64 {
        self.until.map_or(0, |until| until - self.since)
    }

    /// How long it took.
    pub fn used_ms(&self) -> u64 {
        self.busy_at.saturating_sub(self.since)
    }

    /// How much of the bound that was, in percent.
    pub fn used_percent(&self) -> u64 {
        self.used_ms() * 100 / self.bound_ms().max(1)
    }
}

impl Sim {
    /// Faults cease.
    pub fn calm(&self) {
        self.season.set(Season::Calm);
        self.tell("calm", 0, || "faults cease".to_owned());
        self.judge.borrow_mut().ending.since = self.kernel.now();
    }

    /// Computes until when everything must be over, now that nothing fails any more and
    /// whoever was at work while something did has finished, and begins to watch.
    pub fn bound(&self) {
        self.set_bound();
        self.kernel.after(1_000, Act::Watch);
    }

    /// Somebody has started something: if that was after the bound was computed, it is
    /// computed anew.
    pub fn has_started(&self) {
        let has_bound = self.judge.borrow().ending.until.is_some();
        if has_bound && self.season.get() == Season::Calm {
            self.set_bound();
        }
    }

    fn set_bound(&self) {
        let now = self.kernel.now();
        let store = self.store.borrow();
        let truth = self.truth.borrow();
        let live = truth.live.iter().map(|&live| truth.calls[live].over_at);
        let last_end = live.max().unwrap_or(now).max(now) - now;
        let shelves = store.shelves.iter();
        let calls = shelves.map(|shelf| calls_ms(&store, shelf)).max();
        let span = silence_ms().max(last_end) + calls.unwrap_or(0);
        let mut judge = self.judge.borrow_mut();
        let until = judge.ending.until.insert(now + span);
        let minutes = (*until - judge.ending.since) / 60_000;
        self.tell("bound", 0, || {
            format!("all must be over {minutes} minutes after faults ceased")
        });
    }

    /// Looks whether all is over, and in the probe whether slots lie idle.
    pub fn watch(&self) {
        let now = self.kernel.now();
        let mut judge = self.judge.borrow_mut();
        let is_over = self.is_over();
        match self.season.get() {
            Season::Storm => {}
            Season::Calm => {
                if !is_over {
                    judge.ending.busy_at = now;
                }
                if !is_over && judge.ending.until.is_some_and(|until| now > until) {
                    let words = "something is not over within its bound".to_owned();
                    judge.fail("liveness", words);
                }
            }
            Season::Probe => {
                if judge.probe_until.is_some_and(|until| now > until) {
                    let words = "the last two runs are not over within their bound".to_owned();
                    judge.fail("liveness", words);
                }
                let store = self.store.borrow();
                let truth = self.truth.borrow();
                for b in 0..store.shelves.len() {
                    judge.look_for_idle(now, b, &store, &truth);
                }
            }
        }
        self.kernel.after(1_000, Act::Watch);
    }

    /// True once nothing is left of any run or call, and nobody will start another.
    pub fn is_still(&self) -> bool {
        self.users.borrow().to_come == 0 && self.is_over()
    }

    fn is_over(&self) -> bool {
        let is_done = |shelf: &Shelf| !shelf.stored.state.has_work();
        self.truth.borrow().live.is_empty() && self.store.borrow().shelves.iter().all(is_done)
    }
}

impl Judge {
    fn look_for_idle(&mut self, now: u64, b: usize, store: &Store, truth: &Truth) {
        let state = &store.shelves[b].stored.state;
        let mine = truth.live.iter().map(|&live| &truth.calls[live]);
        let mine: Vec<_> = mine.filter(|call| call.b == b).collect();
        let live = u32::try_from(mine.len()).expect("few");
        let live_of = |id: RunId| {
            mine.iter()
                .filter(|call| call.job.run() == Some(id))
                .count()
        };
        let is_waiting = |(&id, run): (&RunId, &Run)| {
            run.queued() > 0 && live_of(id) < run.concurrency(state.limit) as usize
        };
        let has_room = live < state.limit && state.calls_left() > 0;
        let is_idle = has_room && state.runs.iter().any(is_waiting);
        let books = &mut self.books[b];
        if !is_idle {
            books.idle_since = None;
            return;
        }
        let since = *books.idle_since.get_or_insert(now);
        self.idle_ms = self.idle_ms.max(now - since);
        if now - since > IDLE_MS_MAX {
            self.fail("idle", idle_words(b, state, live));
        }
    }
}

/// How long it can take until a slot is free that was taken while something failed: a call
/// that is over, and whose report was lost, is asked about at the longest interval; one that
/// never was needs two answers. Longer than a message is hidden by a dead worker, and than
/// any pause.
fn silence_ms() -> u64 {
    let timing = &Timing::CLOUD;
    let sweep = millis(timing.sweep_every);
    let asked = millis(timing.ask_again_max).max(millis(timing.settle_after) + sweep);
    let hidden = millis(timing.visibility_timeout).max(PAUSE_MS);
    // The question comes with a sweep, the second one with the next, and so does whoever
    // files the run.
    asked.max(hidden) + 3 * sweep
}

/// How long the calls of a business can take that are still to be made.
///
/// While a lead waits, either all slots are taken; or its run has as many calls as it may;
/// or its number is in a call; or so are the numbers of all that its run looks at, which
/// are more than there are calls, so that some share one.
fn calls_ms(store: &Store, shelf: &Shelf) -> u64 {
    let state = &shelf.stored.state;
    let waiting = |run: &Run| u64::from(run.queued());
    let of_runs: u64 = state.runs.values().map(waiting).sum();
    let all = of_runs + u64::from(state.slots_in_use());
    let of_run = |run: &Run| waiting(run).div_ceil(u64::from(run.concurrency(state.limit)));
    let longest = state.runs.values().map(of_run).max().unwrap_or(0);
    let calls = all.div_ceil(u64::from(state.limit)) + longest + sharing(store, shelf);
    // One after the other at worst.
    (calls.min(all) + 1) * CALL_MS + days(state) * DAY_MS
}

/// How many leads that wait have the number that most of them have; and besides, of the
/// run for which they are most, how many have a number that two of its leads have.
fn sharing(store: &Store, shelf: &Shelf) -> u64 {
    let of_runs: Vec<BTreeMap<&PhoneNumber, u64>> = shelf
        .stored
        .state
        .runs
        .values()
        .map(|run| waiting_by_number(store, shelf, run))
        .collect();
    let mut of_all: BTreeMap<&PhoneNumber, u64> = BTreeMap::new();
    for (number, leads) in of_runs.iter().flatten() {
        *of_all.entry(number).or_default() += leads;
    }
    let shared = |of_run: &BTreeMap<&PhoneNumber, u64>| {
        let shared = of_run.iter().filter(|&(_, &leads)| leads > 1);
        shared.map(|(number, _)| of_all[number]).sum::<u64>()
    };
    let most = of_all.values().max().copied().unwrap_or(0);
    most + of_runs.iter().map(shared).max().unwrap_or(0)
}

fn waiting_by_number<'a>(
    store: &Store,
    shelf: &'a Shelf,
    run: &Run,
) -> BTreeMap<&'a PhoneNumber, u64> {
    let mut waiting = BTreeMap::new();
    for (index, lead) in (0..).zip(store.roster(run.roster)) {
        let waits = index >= run.next || run.returned.contains(&index);
        let lead = shelf.leads.get(&lead).filter(|_| waits);
        if let Some(number) = lead.and_then(|lead| lead.phone.as_ref()) {
            *waiting.entry(number).or_default() += 1;
        }
    }
    waiting
}

/// How many days a business may need for what waits.
fn days(state: &State) -> u64 {
    let Some(cap) = &state.caps.per_day else {
        return 0;
    };
    let queued: u32 = state.runs.values().map(Run::queued).sum();
    u64::from(queued / cap.calls + 2)
}

fn idle_words(b: usize, state: &State, live: u32) -> String {
    format!(
        "b{b} has {live} live calls of {}, and leads wait",
        state.limit
    )
}
