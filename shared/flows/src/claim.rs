//! A won slot, as a value: only a committed lease makes one, and placing uses it up.

use std::collections::BTreeMap;

use anyhow::Result;
use ringfence_core::fill::Claimed;
use ringfence_core::ids::{BusinessId, CallId, LeadId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;

use crate::carrier::{Order, Script};
use crate::ledger::{Commit, Start, StartCommit, Started, Starts, States, Stored};
use crate::records::Lead;
use crate::world::World;

/// The right to ask the carrier for one call, once.
///
/// Neither cloned nor made anywhere else, so that calling without a slot, or twice on
/// one, does not compile.
#[derive(Debug)]
pub struct Claim {
    order: Order,
    lead: Option<Lead>,
    script: Option<Script>,
}

impl Claim {
    /// What to ask the carrier for.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Who is called, as it was looked up for the decision.
    pub fn lead(&self) -> Option<&Lead> {
        self.lead.as_ref()
    }

    /// What is said in the call, where that is sent along.
    pub fn script(&self) -> Option<&Script> {
        self.script.as_ref()
    }

    /// Sends along what is said.
    pub(crate) fn saying(self, script: Option<Script>) -> Self {
        Self { script, ..self }
    }
}

/// How many times one change is decided again because another worker was first. Each
/// time some other change went through, so this is contention, not a deadlock.
pub(crate) const ATTEMPTS_MAX: u32 = 24;

/// The leads that a decision has looked up.
pub(crate) type Known = BTreeMap<LeadId, Lead>;

/// Whether a decision was committed.
pub(crate) enum Committed {
    /// It was; here are the slots it won.
    Applied(Vec<Claim>),
    /// Decide again on this newer state.
    Stale(Stored),
}

/// Whether a start was committed.
pub(crate) enum StartCommitted {
    Applied(Vec<Claim>),
    Stale(Stored),
    /// The request key has started something already.
    KeyUsed(Started),
}

/// Commits a decision and turns the leases it adds into claims.
pub(crate) async fn commit(
    world: &impl World,
    business: &BusinessId,
    from: &Stored,
    to: &State,
    claimed: &[Claimed],
    known: &Known,
) -> Result<Committed> {
    let calls: Vec<CallId> = claimed.iter().map(|claimed| claimed.call).collect();
    match world.ledger().commit(business, from, to, &calls).await? {
        Commit::Applied => Ok(Committed::Applied(claims(
            world, business, to, claimed, known,
        ))),
        Commit::Stale(newer) => Ok(Committed::Stale(newer)),
    }
}

/// Commits a start and turns the leases it adds into claims.
pub(crate) async fn commit_start(
    world: &impl World,
    business: &BusinessId,
    from: &Stored,
    to: &State,
    start: &Start,
    claimed: &[Claimed],
    known: &Known,
) -> Result<StartCommitted> {
    match world
        .ledger()
        .commit_start(business, from, to, start)
        .await?
    {
        StartCommit::Applied => Ok(StartCommitted::Applied(claims(
            world, business, to, claimed, known,
        ))),
        StartCommit::Stale(newer) => Ok(StartCommitted::Stale(newer)),
        StartCommit::KeyUsed(started) => Ok(StartCommitted::KeyUsed(started)),
    }
}

fn claims(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    claimed: &[Claimed],
    known: &Known,
) -> Vec<Claim> {
    let bounds = world.call_bounds();
    let claim = |claimed: &Claimed, from: &PhoneNumber| Claim {
        order: Order {
            business: business.clone(),
            call: claimed.call,
            job: claimed.lease.job,
            lead: claimed.lead,
            from: from.clone(),
            to: claimed.lease.to.clone(),
            dial_by: claimed.lease.dial_by,
            ring_seconds_max: bounds.ring_seconds_max,
            call_seconds_max: bounds.call_seconds_max,
        },
        lead: known.get(&claimed.lead).cloned(),
        script: None,
    };
    let Some(from) = state.caller_id() else {
        assert!(claimed.is_empty(), "nothing starts without a caller id");
        return Vec::new();
    };
    claimed.iter().map(|one| claim(one, from)).collect()
}
