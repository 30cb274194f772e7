//! Decides, with the leads that the decision needs, and commits.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use ringfence_core::call::Job;
use ringfence_core::fill::{Barred, Candidate, Candidates, Fact, Filled, Skipped, fill};
use ringfence_core::ids::{BusinessId, CallId, LeadId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Lease, State};
use tracing::{debug, info};

use super::notes::notes_of_lost;
use super::record;
use crate::claim::{ATTEMPTS_MAX, Claim, Committed, Known, commit};
use crate::ledger::{DoNotCall, Rosters, States, Stored};
use crate::records::Lead;
use crate::settle::lead_of;
use crate::tally::Tally;
use crate::world::{World, begin_day, mint};

/// How many times one decision looks up more leads before it is committed as it is.
const LOOK_UPS_MAX: u32 = 8;

/// Whether a decision may claim slots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Claims {
    Free,
    /// There would be no time left to dial for them.
    None,
}

/// How a state was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// As of now, or as our own last write left it.
    Now,
    /// It may be older than what is stored: see [`glance`](States::glance).
    Glanced,
}

/// A decision that was committed, or that had nothing to change.
pub(super) struct Step {
    pub(super) stored: Stored,
    pub(super) claims: Vec<Claim>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) has_more: bool,
}

/// A call that the carrier never knew.
pub(super) struct Lost {
    pub(super) call: CallId,
    pub(super) job: Job,
    pub(super) lead: LeadId,
}

/// Decides and commits, again and again while others are first.
///
/// What is committed was decided on the newest state, or the commit had been refused. That
/// there is nothing to change is concluded from the newest state only: an older one may lack
/// the very lease that a fact is about.
pub(super) async fn decide(
    world: &impl World,
    business: &BusinessId,
    mut stored: Stored,
    mut read: Read,
    facts: &[Fact],
    claims: Claims,
    tally: &mut Tally,
) -> Result<Step> {
    let mut book = Book {
        claims,
        candidates: Candidates::new(),
        known: Known::new(),
        do_not_call_rev: stored.state.do_not_call_rev,
    };
    for _ in 0..ATTEMPTS_MAX {
        let filled = decide_with_leads(world, business, &stored.state, facts, &mut book).await?;
        if read == Read::Glanced && !filled.is_changed {
            let loaded = world.ledger().load(business).await?;
            stored = loaded.with_context(|| format!("business {business} is gone"))?;
            read = Read::Now;
            continue;
        }
        for (fact, why) in &filled.ignored {
            debug!(business.id = %business, "nothing changed by {fact:?}: {why:?}");
        }
        let Filled {
            state,
            is_changed,
            claims: claimed,
            skipped,
            lost,
            has_more,
            ..
        } = filled;
        if !is_changed {
            tally.saw(&stored.state);
            let (claims, skipped) = (Vec::new(), Vec::new());
            return Ok(Step {
                stored,
                claims,
                skipped,
                has_more,
            });
        }
        // Before the commit: after it nothing leads to these calls any more. A crash in
        // between, or a commit that is refused, leaves leases whose records say that nobody
        // could confirm them, which settlement does not believe.
        let lost = with_leads(world, &stored.state, lost).await?;
        record(world, business, &notes_of_lost(world, &lost)).await?;
        match commit(world, business, &stored, &state, &claimed, &book.known).await? {
            Committed::Applied(claims) => {
                tally.committed(facts, &stored.state, &state);
                info!(
                    business.id = %business,
                    slots.in_use = state.slots_in_use(),
                    slots.limit = state.limit,
                    "claimed {} slots", claims.len()
                );
                let stored = Stored {
                    state,
                    rev: stored.rev + 1,
                };
                return Ok(Step {
                    stored,
                    claims,
                    skipped,
                    has_more,
                });
            }
            Committed::Stale(newer) => {
                debug!(business.id = %business, "another worker was first; deciding again");
                stored = tally.refused(newer);
                read = Read::Now;
            }
        }
    }
    bail!("the state of business {business} kept changing")
}

/// Decides, looking up the leads that a decision asks for until it asks for no more.
async fn decide_with_leads(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    facts: &[Fact],
    book: &mut Book,
) -> Result<Filled> {
    let now = world.now();
    let mut state = state.clone();
    begin_day(world, &mut state, now);
    book.keep_up_with(&state);
    let mut look_ups = 0;
    loop {
        let mut mint = || mint(world, now);
        let mut filled = fill(
            state.clone(),
            facts,
            &book.candidates,
            &mut mint,
            now,
            world.timing(),
        );
        if book.claims == Claims::None || filled.wanted.is_empty() {
            return Ok(filled);
        }
        if look_ups == LOOK_UPS_MAX {
            // Without a change there is nothing to go on from: whatever comes next, a
            // report or the sweep, looks again.
            filled.has_more |= filled.is_changed;
            return Ok(filled);
        }
        look_up(world, business, &filled, book).await?;
        look_ups += 1;
    }
}

/// What has been looked up for a decision.
struct Book {
    claims: Claims,
    candidates: Candidates,
    known: Known,
    /// The do-not-call list that the candidates were held against.
    do_not_call_rev: u32,
}

impl Book {
    /// Forgets the candidates if the do-not-call list has grown since they were looked up.
    fn keep_up_with(&mut self, state: &State) {
        if self.do_not_call_rev != state.do_not_call_rev {
            self.candidates.clear();
            self.do_not_call_rev = state.do_not_call_rev;
        }
    }
}

/// Finds the leads at the positions that a decision wants.
async fn look_up(
    world: &impl World,
    business: &BusinessId,
    filled: &Filled,
    book: &mut Book,
) -> Result<()> {
    let mut positions: BTreeMap<RunId, Vec<u32>> = BTreeMap::new();
    let is_new = |position: &&(RunId, u32)| !book.candidates.contains_key(*position);
    for &(run, index) in filled.wanted.iter().filter(is_new) {
        positions.entry(run).or_default().push(index);
    }
    let of_runs = positions.into_iter().map(|(run, indexes)| async move {
        let roster = filled.state.runs[&run].roster;
        let leads = world.ledger().roster_leads(roster, &indexes).await?;
        anyhow::Ok(
            indexes
                .into_iter()
                .zip(leads)
                .map(move |(index, lead)| ((run, index), lead)),
        )
    });
    let wanted: Vec<((RunId, u32), LeadId)> =
        try_join_all(of_runs).await?.into_iter().flatten().collect();
    let mut ids: Vec<LeadId> = wanted.iter().map(|&(_, lead)| lead).collect();
    ids.sort_unstable();
    ids.dedup();
    let leads = world.ledger().leads(business, &ids).await?;
    let listed = listed(world, business, &filled.state, &leads).await?;
    let leads: BTreeMap<LeadId, Lead> = leads.into_iter().map(|lead| (lead.id, lead)).collect();
    for (position, lead) in wanted {
        let candidate = match leads.get(&lead) {
            None => Candidate::Barred {
                lead,
                reason: Barred::Deleted,
            },
            Some(Lead { phone: None, .. }) => Candidate::Barred {
                lead,
                reason: Barred::NoPhone,
            },
            Some(Lead {
                phone: Some(to), ..
            }) if listed.contains(to) => Candidate::Barred {
                lead,
                reason: Barred::DoNotCall,
            },
            Some(Lead {
                phone: Some(to),
                country,
                ..
            }) => Candidate::Callable {
                lead,
                to: to.clone(),
                country: *country,
            },
        };
        book.candidates.insert(position, candidate);
    }
    book.known.extend(leads);
    Ok(())
}

/// The numbers of these leads that are on the do-not-call list. Nothing is read while
/// nothing was ever added to it.
pub(crate) async fn listed(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    leads: &[Lead],
) -> Result<BTreeSet<PhoneNumber>> {
    let numbers: Vec<PhoneNumber> = leads.iter().filter_map(|lead| lead.phone.clone()).collect();
    if state.do_not_call_rev == 0 || numbers.is_empty() {
        return Ok(BTreeSet::new());
    }
    world.ledger().listed(business, &numbers).await
}

/// Finds the leads of calls that the carrier never knew.
async fn with_leads(
    world: &impl World,
    state: &State,
    lost: Vec<(CallId, Lease)>,
) -> Result<Vec<Lost>> {
    let lost = lost
        .into_iter()
        .map(|(call, Lease { job, .. })| async move {
            let lead = lead_of(world, state, job).await?;
            anyhow::Ok(lead.map(|lead| Lost { call, job, lead }))
        });
    Ok(try_join_all(lost).await?.into_iter().flatten().collect())
}
