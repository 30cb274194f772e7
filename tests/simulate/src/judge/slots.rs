//! Liveness: all comes to its end in time, and a free slot does not lie idle.

use ringfence_core::state::{Run, State};
use ringfence_core::timing::Timing;

use super::Judge;
use crate::carrier::Truth;
use crate::kernel::EPOCH;
use crate::ledger::{Shelf, Store};
use crate::sim::{Act, Season, Sim};
use crate::world::{DAY_MS, millis};

/// How long a slot may lie idle while nothing fails: the end of a call is reported within a
/// second, and whoever hears of it reads, decides and dials at the worst of its network.
pub(super) const IDLE_MS_MAX: u64 = 15_000;
/// How long a call takes in the calm, from its claim to its report, at most.
const CALL_MS: u64 = 60_000;

impl Sim {
    /// Computes until when everything must be over, now that nothing fails any more.
    pub fn bound(&self) {
        let now = self.kernel.now();
        let timing = &Timing::CLOUD;
        // A message hidden by a dead worker; the longest pause that a carrier can ask for;
        // a call whose final report was lost, asked about at the longest interval; and
        // for one that never was, two answers.
        let messages = millis(timing.visibility_timeout) + 300_000;
        let silence = millis(timing.settle_after) + millis(timing.ask_again_max);
        let sweeps = 8 * millis(timing.sweep_every);
        let store = self.store.borrow();
        let truth = self.truth.borrow();
        let live = truth.live.iter().map(|&live| truth.calls[live].over_at);
        let last_end = live.max().unwrap_or(now).max(now) - now;
        let waiting = |shelf: &Shelf| {
            let state = &shelf.stored.state;
            let queued: u32 = state.runs.values().map(Run::queued).sum();
            u64::from(queued + state.slots_in_use())
        };
        let most = store.shelves.iter().map(waiting).max().unwrap_or(0);
        let days = store.shelves.iter().map(|shelf| days(&shelf.stored.state));
        let days = days.max().unwrap_or(0) * DAY_MS;
        let span = messages + silence + sweeps + last_end + (most + 1) * CALL_MS + days;
        let mut judge = self.judge.borrow_mut();
        judge.over_by = Some((now, now + span));
        self.tell("bound", 0, || {
            let minutes = (now + span - EPOCH) / 60_000;
            format!("all must be over by minute {minutes}")
        });
        self.kernel.after(1_000, Act::Watch);
    }

    /// Looks whether all is over, and in the probe whether slots lie idle.
    pub fn watch(&self) {
        let now = self.kernel.now();
        let over_by = self.judge.borrow().over_by;
        if over_by.is_some_and(|(_, over_by)| now > over_by) {
            let words = "something is not over within its bound".to_owned();
            self.judge.borrow_mut().fail("liveness", words);
        }
        if self.season.get() == Season::Probe {
            let store = self.store.borrow();
            let truth = self.truth.borrow();
            let mut judge = self.judge.borrow_mut();
            for b in 0..store.shelves.len() {
                judge.look_for_idle(now, b, &store, &truth);
            }
        }
        self.kernel.after(1_000, Act::Watch);
    }

    /// True once nothing is left of any run or call.
    pub fn is_still(&self) -> bool {
        let is_done = |shelf: &Shelf| !shelf.stored.state.has_work();
        self.users.borrow().to_come == 0
            && self.truth.borrow().live.is_empty()
            && self.store.borrow().shelves.iter().all(is_done)
    }
}

impl Judge {
    fn look_for_idle(&mut self, now: u64, b: usize, store: &Store, truth: &Truth) {
        let state = &store.shelves[b].stored.state;
        let mine = truth.live.iter().filter(|&&live| truth.calls[live].b == b);
        let live = u32::try_from(mine.count()).expect("few");
        let is_waiting = |run: &Run| run.queued() > 0;
        let has_room = live < state.limit && state.calls_left() > 0;
        let is_idle = has_room && state.runs.values().any(is_waiting);
        let books = &mut self.books[b];
        if !is_idle {
            books.idle_since = None;
            return;
        }
        let since = *books.idle_since.get_or_insert(now);
        if now - since > IDLE_MS_MAX {
            self.fail("idle", idle_words(b, state, live));
        }
    }
}

/// How many days a business may need for what waits, and for what may still be started.
fn days(state: &State) -> u64 {
    let Some(cap) = &state.caps.per_day else {
        return 0;
    };
    let queued: u32 = state.runs.values().map(Run::queued).sum();
    u64::from((queued + LATECOMERS) / cap.calls + 2)
}

/// How many leads the last who repeat their starts may still bring.
const LATECOMERS: u32 = 80;

fn idle_words(b: usize, state: &State, live: u32) -> String {
    format!(
        "b{b} has {live} live calls of {}, and leads wait",
        state.limit
    )
}
