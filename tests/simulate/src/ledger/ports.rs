//! The ledger as flows see it: over a network that loses requests and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use anyhow::{Context, Result, bail, ensure};
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{
    Calls, Commit, DoNotCall, RequestKey, Rosters, Runs, Start, StartCommit, Started, Starts,
    States, Stored, Turn,
};
use ringfence_flows::records::{CallNote, CallRecord, Lead, RunEnd, RunRecord};
use std::time::Duration;

use super::batch::Batch;
use super::write::{Seen, started};
use super::{Store, Write};
use crate::faults::Fault;
use crate::sim::Act;
use crate::world::SimWorld;

/// How often the SDK sends one request.
const ATTEMPTS: u32 = 3;
const CLEANUP_EVERY: Duration = Duration::from_secs(60);

impl SimWorld {
    /// A request to the store that only reads, or that may be repeated at will.
    pub(super) async fn near<T>(
        &self,
        business: Option<&BusinessId>,
        f: impl FnOnce() -> T,
    ) -> Result<T> {
        if let Some(business) = business {
            self.check_own(business);
        }
        self.hop(self.store_ms()).await;
        let is_refused = self.sim.strikes(Fault::StoreError);
        if is_refused && self.sim.kernel.in_10k(5_000) {
            self.hop(self.store_ms()).await;
            bail!("the store has failed");
        }
        let answer = f();
        self.hop(self.store_ms()).await;
        ensure!(!is_refused, "the store's answer was lost");
        Ok(answer)
    }

    /// Sends a write as the SDK does, until something is known or its attempts are used up.
    async fn send(&self, business: &BusinessId, mut write: Write) -> Result<Option<Seen>> {
        let b = self.check_own(business);
        if self.who().is_next {
            // It goes on from what it read together with the state.
            let rev = usize::try_from(write.from_rev).expect("writes are few");
            let read = self.sim.store.borrow().shelves[b].of_next[rev - 1];
            write.of_next = Some(read.unwrap_or(0) + 1);
        }
        for _ in 0..ATTEMPTS {
            self.hop(self.store_ms()).await;
            let sim = &self.sim;
            if sim.strikes(Fault::WriteAppliedTimeout) {
                // The answer says nothing any more: it is lost.
                drop(sim.write(b, &write, self.who()));
                self.hop(sim.kernel.between(1_000, 3_000)).await;
            } else if sim.strikes(Fault::WriteLostTimeout) || sim.strikes(Fault::Throttle) {
                self.hop(sim.kernel.between(20, 3_000)).await;
            } else if sim.strikes(Fault::WriteLate) {
                let late = Act::LateWrite(b, Box::new(write.clone()), self.who());
                sim.kernel.after(sim.kernel.between(5, 6_000), late);
                self.hop(sim.kernel.between(1_000, 3_000)).await;
            } else {
                let answer = sim.write(b, &write, self.who());
                self.hop(self.store_ms()).await;
                let Err(refusal) = answer else {
                    return Ok(Some(Seen::Ours));
                };
                match write.read_refusal(refusal)? {
                    Seen::Unchanged => break,
                    seen => return Ok(Some(seen)),
                }
            }
        }
        let look = || write.look_again(&self.sim.store.borrow().shelves[b]);
        Ok(match self.near(Some(business), look).await? {
            Seen::Unchanged => None,
            seen => Some(seen),
        })
    }
}

impl States for SimWorld {
    async fn load(&self, business: &BusinessId) -> Result<Option<Stored>> {
        let b = self.check_own(business);
        let load = || {
            let store = self.sim.store.borrow();
            store.shelves.get(b).map(|shelf| shelf.stored.clone())
        };
        self.near(Some(business), load).await
    }

    async fn glance(&self, business: &BusinessId) -> Result<Option<Stored>> {
        let b = self.check_own(business);
        let glance = || Some(self.sim.glance(b));
        self.near(Some(business), glance).await
    }

    async fn commit(
        &self,
        business: &BusinessId,
        from: &Stored,
        to: &State,
        claimed: &[CallId],
    ) -> Result<Commit> {
        let write = Write::new(self.sim.fresh_stamp(), from, to, claimed.to_vec())?;
        match self
            .send(business, write)
            .await?
            .and_then(Seen::into_commit)
        {
            Some(commit) => Ok(commit),
            None => bail!("failed to commit a state, or not yet applied"),
        }
    }
}

impl Starts for SimWorld {
    async fn started(
        &self,
        business: &BusinessId,
        key: &RequestKey,
        now: Timestamp,
    ) -> Result<Option<Started>> {
        let b = self.check_own(business);
        let read = || started(&self.sim.store.borrow().shelves[b], &key.key, now);
        self.near(Some(business), read).await
    }

    async fn commit_start(
        &self,
        business: &BusinessId,
        from: &Stored,
        to: &State,
        start: &Start,
    ) -> Result<StartCommit> {
        let write = Write::of_start(self.sim.fresh_stamp(), from, to, start)?;
        let seen = self.send(business, write).await?;
        match seen.and_then(Seen::into_start_commit) {
            Some(commit) => Ok(commit),
            None => bail!("failed to commit a start, or not yet applied"),
        }
    }
}

impl Rosters for SimWorld {
    async fn roster_leads(&self, roster: RosterId, positions: &[u32]) -> Result<Vec<LeadId>> {
        self.check_own_roster(roster);
        let scale = self.sim.store.borrow().scale;
        let places: Vec<_> = positions.iter().map(|&at| scale.place_of(at)).collect();
        let wanted: BTreeSet<u32> = places.iter().map(|&(page, _)| page).collect();
        let mut pages = BTreeMap::new();
        for page in wanted {
            let read = || self.sim.store.borrow().pages.get(&(roster, page)).cloned();
            let leads = match self.near(None, read).await? {
                Some(leads) => Some(leads),
                None => self.near(None, read).await?,
            };
            pages.insert(page, leads.context("a roster page is missing")?);
        }
        let leads = places.into_iter().map(|(page, place)| {
            let lead = pages[&page].get(place).copied();
            lead.context("a position is beyond the end of its roster")
        });
        leads.collect()
    }

    async fn put_roster(&self, roster: RosterId, leads: &[LeadId]) -> Result<()> {
        self.check_own_roster(roster);
        let pages = self.sim.store.borrow().scale.pages_of(leads);
        let put = |page: &_| self.sim.store.borrow_mut().put_page(roster, page);
        self.batch(None, Batch::Write, &pages, put).await
    }

    async fn leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<Vec<Lead>> {
        let mut leads = self.some_leads(business, ids).await?;
        let is_missed = |id: &LeadId| !leads.iter().any(|lead| lead.id == *id);
        let missed: Vec<LeadId> = ids.iter().copied().filter(is_missed).collect();
        if !missed.is_empty() {
            // Only an up-to-date answer proves that a lead does not exist.
            leads.extend(self.some_leads(business, &missed).await?);
        }
        Ok(leads)
    }

    async fn missing_leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<Vec<LeadId>> {
        let found = self.some_leads(business, ids).await?;
        let found: BTreeSet<LeadId> = found.iter().map(|lead| lead.id).collect();
        let wanted: BTreeSet<LeadId> = ids.iter().copied().collect();
        Ok(wanted.difference(&found).copied().collect())
    }
}

impl SimWorld {
    async fn some_leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<Vec<Lead>> {
        let b = self.check_own(business);
        let ids: BTreeSet<LeadId> = ids.iter().copied().collect();
        let ids: Vec<LeadId> = ids.into_iter().collect();
        let mut found = Vec::new();
        let read = |id: &LeadId| {
            let store: &Store = &self.sim.store.borrow();
            found.extend(store.shelves[b].leads.get(id).cloned());
        };
        self.batch(Some(business), Batch::Read, &ids, read).await?;
        Ok(found)
    }
}

impl DoNotCall for SimWorld {
    async fn listed(
        &self,
        business: &BusinessId,
        numbers: &[PhoneNumber],
    ) -> Result<BTreeSet<PhoneNumber>> {
        let b = self.check_own(business);
        let read = || {
            let store = self.sim.store.borrow();
            let list = &store.shelves[b].do_not_call;
            let listed = numbers.iter().filter(|number| list.contains(number));
            listed.cloned().collect()
        };
        self.near(Some(business), read).await
    }
}

impl Calls for SimWorld {
    async fn note(&self, business: &BusinessId, note: &CallNote) -> Result<()> {
        let b = self.check_own(business);
        let put = || self.sim.store.borrow_mut().shelves[b].note(note);
        self.near(Some(business), put).await?
    }

    async fn calls(&self, business: &BusinessId, calls: &[CallId]) -> Result<Vec<CallRecord>> {
        let b = self.check_own(business);
        let calls: BTreeSet<CallId> = calls.iter().copied().collect();
        let calls: Vec<CallId> = calls.into_iter().collect();
        let mut found = Vec::new();
        let read = |call: &CallId| {
            let store: &Store = &self.sim.store.borrow();
            found.extend(
                store.shelves[b]
                    .calls
                    .get(call)
                    .map(|row| row.record.clone()),
            );
        };
        self.batch(Some(business), Batch::Read, &calls, read)
            .await?;
        self.dwell(b, &found).await;
        Ok(found)
    }

    async fn sids_since(
        &self,
        business: &BusinessId,
        since: Timestamp,
    ) -> Result<Vec<(CallId, CallSid)>> {
        let b = self.check_own(business);
        let most = self.sim.store.borrow().scale.query_max;
        let mut sids = Vec::new();
        let mut from = Bound::Unbounded;
        // What is recorded between two pages may be on the next.
        loop {
            let read = || {
                let store = self.sim.store.borrow();
                let calls = store.shelves[b].calls.range((from, Bound::Unbounded));
                let recent = calls.filter(|(call, _)| call.minted_at() >= since);
                let page = recent.map(|(call, row)| (*call, row.record.sid.clone()));
                page.take(most).collect::<Vec<_>>()
            };
            let page = self.near(Some(business), read).await?;
            let last = page.last().map(|&(call, _)| call);
            let is_last = page.len() < most;
            sids.extend(
                page.into_iter()
                    .filter_map(|(call, sid)| Some((call, sid?))),
            );
            match last {
                Some(last) if !is_last => from = Bound::Excluded(last),
                Some(_) | None => break,
            }
        }
        if self.sim.strikes(Fault::PauseAfterLook) {
            self.stand_still(self.sim.kernel.between(1_000, 35_000));
            self.hop(1).await;
        }
        Ok(sids)
    }
}

impl Runs for SimWorld {
    async fn run(&self, business: &BusinessId, run: RunId) -> Result<Option<RunRecord>> {
        let b = self.check_own(business);
        let read = || self.sim.store.borrow().shelves[b].runs.get(&run).cloned();
        self.near(Some(business), read).await
    }

    async fn file_run(&self, business: &BusinessId, run: RunId, end: &RunEnd) -> Result<()> {
        let b = self.check_own(business);
        let put = || {
            let mut store = self.sim.store.borrow_mut();
            let Some(record) = store.shelves[b].runs.get_mut(&run) else {
                bail!("a run without a record cannot be filed");
            };
            // The first end stands.
            record.end.get_or_insert_with(|| end.clone());
            Ok(())
        };
        self.near(Some(business), put).await?
    }

    async fn take_cleanup_turn(&self, business: &BusinessId, now: Timestamp) -> Result<Turn> {
        let b = self.check_own(business);
        let take = || {
            let mut store = self.sim.store.borrow_mut();
            let cleaned_at = &mut store.shelves[b].cleaned_at;
            match *cleaned_at {
                Some(at) if at > now.before(CLEANUP_EVERY) => {
                    Turn::NotBefore(at.after(CLEANUP_EVERY))
                }
                Some(_) | None => {
                    *cleaned_at = Some(now);
                    Turn::Taken
                }
            }
        };
        self.near(Some(business), take).await
    }
}
