//! Looks at what is stored beside the states: it must be whole before anything rests on it.

use ringfence_core::call::Job;
use ringfence_core::ids::RunId;
use ringfence_core::state::State;

use super::Judge;
use crate::ledger::{Shelf, Store};
use crate::world::Who;

impl Judge {
    /// A state was replaced: the attribute that only the next release knows must have
    /// changed if that release wrote, and stayed as it was if this one did.
    pub fn kept_apart(&mut self, b: usize, shelf: &Shelf, who: Who) {
        let writes = &mut self.books[b].next_writes;
        *writes += u64::from(who.is_next);
        let expected = (*writes > 0).then_some(*writes);
        let found = shelf.of_next.last().copied().flatten();
        if found != expected {
            let role = who.role;
            let words = format!("b{b}: {role:?} left {found:?} of what was {expected:?}");
            self.fail("release", words);
        }
    }

    /// A state was replaced: it has as many leases as are counted beside them.
    pub fn counted(&mut self, b: usize, shelf: &Shelf) {
        let (leases, counted) = (shelf.stored.state.slots_in_use(), shelf.leases);
        if leases != counted {
            let words = format!("b{b} has {leases} leases, and counts {counted}");
            self.fail("counts", words);
        }
    }

    /// A state was replaced: the roster of each run that has begun must be whole. Whoever
    /// has a slot is remembered.
    pub fn begun(&mut self, b: usize, old: &State, store: &Store) {
        for (call, lease) in &store.shelves[b].stored.state.active {
            if let Job::OfRun { run, index } = lease.job
                && !old.active.contains_key(call)
            {
                self.claimed.insert((b, run, index));
            }
        }
        let is_new = |&(run, _): &(&RunId, _)| run.get() >= old.next_run;
        let new = &store.shelves[b].stored.state;
        for (&run, begun) in new.runs.iter().filter(is_new) {
            self.begun.insert((b, run));
            self.check_caps(b, new, begun.total);
            let leads = store.roster(begun.roster).count();
            if leads != begun.total as usize {
                let total = begun.total;
                let words = format!("b{b} run {run} begins with {leads} of {total} leads");
                self.fail("roster", words);
            }
        }
    }
}
