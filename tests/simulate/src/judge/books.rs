//! Looks at every write of a state.

use std::collections::BTreeSet;

use ringfence_core::call::Job;
use ringfence_core::ids::{CallId, RunId};
use ringfence_core::state::{Lease, Phase, Run, State};

use super::{ClaimFacts, Grounds, Judge};
use crate::sim::Sim;
use crate::world::Who;

/// Who comes too late to dial gives the lead back long before settlement could.
pub(super) const GIVEN_BACK_MS: u64 = 45_000;

impl Judge {
    /// A state was replaced.
    pub fn written(&mut self, sim: &Sim, b: usize, old: &State, new: &State, who: Who) {
        self.seq += 1;
        self.books[b].states.push(Grounds::of(new));
        self.check_settings(b, [old, new], who);
        if new.limit != old.limit {
            self.books[b].limit = new.limit;
            self.books[b].unequal.extend(new.runs.keys());
        }
        let limit = new.limit;
        let per_day = self.books[b].rules.calls_per_day();
        self.check_rules(sim, b, old, new, who);
        let mut added = 0;
        for (id, lease) in &new.active {
            if old.active.contains_key(id) {
                continue;
            }
            added += 1;
            let run = lease.job.run();
            let is_after_stop = run.is_some_and(|run| self.is_stopped(b, run));
            if is_after_stop {
                self.fail(
                    "stop",
                    format!("b{b} {:?} was claimed after its stop", lease.job),
                );
            }
            if let Some(run) = run
                && let Some(known) = new.runs.get(&run)
                && new.in_progress(run) > known.concurrency(limit)
            {
                let words = format!("b{b} run {run} has {} calls", new.in_progress(run));
                self.fail("limit", words);
            }
            let seq = self.seq;
            let facts = ClaimFacts {
                seq,
                limit,
                per_day,
                is_after_stop,
                worker: who.worker,
                at: sim.kernel.now(),
                is_used: false,
            };
            self.claims.insert(*id, facts);
        }
        for id in old.active.keys().filter(|id| !new.active.contains_key(id)) {
            if let Some(claim) = self.claims.get_mut(id)
                && sim.kernel.now() < claim.at + GIVEN_BACK_MS
            {
                claim.is_used = true;
            }
        }
        if added > 0 && new.slots_in_use() > limit {
            let words = format!("b{b} claimed slot {} of {limit}", new.slots_in_use());
            self.fail("limit", words);
        }
        self.look_for_lost_slots(sim, b, new);
        for (&id, run) in &new.runs {
            let counts = run.counts(new.in_progress(id));
            if counts.total() != run.total {
                self.fail("counts", format!("b{b} run {id}: {counts:?}"));
            }
        }
        self.check_turns(b, old, new);
    }

    fn look_for_lost_slots(&mut self, sim: &Sim, b: usize, new: &State) {
        let truth = sim.truth.borrow();
        for &place in &truth.live {
            let call = &truth.calls[place];
            if call.b == b && !new.active.contains_key(&call.call) {
                let words = format!("b{b} live call {} lost its slot", call.call);
                self.fail("slots", words);
            }
        }
    }

    /// A slot goes to the run with the fewest live calls, and with one slot the runs take
    /// turns. Slots that one write gives away have no order; that some order of them is fair
    /// shows in the state after it.
    fn check_turns(&mut self, b: usize, old: &State, new: &State) {
        let is_new = |(call, _): &(&CallId, &Lease)| !old.active.contains_key(*call);
        let added = new.active.iter().filter(is_new);
        let jobs: BTreeSet<Job> = added.map(|(_, lease)| lease.job).collect();
        if jobs.is_empty() {
            return;
        }
        let last_turn = self.books[b].last_turn.take();
        let runs: BTreeSet<RunId> = jobs.into_iter().filter_map(Job::run).collect();
        for run in runs {
            self.check_turn(b, new, run, last_turn);
        }
    }

    /// Only runs of leads that can be told apart are compared: the probes', which have
    /// numbers of their own.
    fn check_turn(&mut self, b: usize, new: &State, run: RunId, last_turn: Option<(RunId, RunId)>) {
        if !self.is_probe(b, run) {
            return;
        }
        let is_backlogged = |&(&id, run): &(&RunId, &Run)| {
            let has_room = new.in_progress(id) < run.concurrency(new.limit);
            run.phase == Phase::Running && run.next < run.total && has_room
        };
        let live = new.in_progress(run);
        for &other in new.runs.iter().filter(is_backlogged).map(|(id, _)| id) {
            if other == run || !self.is_probe(b, other) {
                continue;
            }
            let live_other = new.in_progress(other);
            let are_equal = !self.books[b].unequal.contains(&run);
            let is_tie = live == live_other + 1 && new.limit == 1 && are_equal;
            let turn = is_tie.then_some((run, other));
            let is_unfair = live > live_other + 1 || is_tie && last_turn == turn;
            self.books[b].last_turn = turn;
            if is_unfair {
                let words = format!("b{b} run {run} got a slot before run {other}");
                self.fail("fairness", words);
            }
        }
    }
}
