//! What was asked and refused: a comparison that never met something has not compared it.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_core::state::State;
use ringfence_flows::ledger::{Commit, StartCommit, Stored, Turn};
use ringfence_flows::records::Lead;

use crate::answer::{Answer, Refused};
use crate::draw::Scene;
use crate::request::{Change, Kind, Request};

/// Something that was asked, that a ledger refuses, or that it takes only after a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// A request of this kind was answered.
    Asked(Kind),
    Stale,
    /// A stale write that is taken for ours by its leases.
    Recognised,
    /// A claim that was decided before the do-not-call list grew.
    OlderList,
    /// A claim that was decided on other destinations or caps.
    OlderBounds,
    /// A claim that was decided on another count of the day's calls.
    OlderDay,
    StaleStart,
    KeyUsed,
    /// The key came with another request.
    KeyOfAnother,
    /// A key that is over a day old is free again.
    KeyTakenAgain,
    KeyExpired,
    NoBusiness,
    NotBefore,
    /// A number is on the do-not-call list.
    Listed,
    /// A number is on the list, and nobody knows any more which one it is.
    ListedUnnamed,
    NotListed,
    /// A number was on the list before.
    ListedBefore,
    NothingToLift,
    /// A lead of a read does not exist, and others do.
    NoLead,
    NoPhone,
    NoCountry,
    NothingToDelete,
    Refused(Refused),
}

impl Sight {
    /// Every sight but that something was asked.
    const REST: [Self; 27] = [
        Self::Stale,
        Self::Recognised,
        Self::OlderList,
        Self::OlderBounds,
        Self::OlderDay,
        Self::StaleStart,
        Self::KeyUsed,
        Self::KeyOfAnother,
        Self::KeyTakenAgain,
        Self::KeyExpired,
        Self::NoBusiness,
        Self::NotBefore,
        Self::Listed,
        Self::ListedUnnamed,
        Self::NotListed,
        Self::ListedBefore,
        Self::NothingToLift,
        Self::NoLead,
        Self::NoPhone,
        Self::NoCountry,
        Self::NothingToDelete,
        Self::Refused(Refused::NoRoom),
        Self::Refused(Refused::BeyondLimit),
        Self::Refused(Refused::RunTaken),
        Self::Refused(Refused::NoRun),
        Self::Refused(Refused::NoPosition),
        Self::Refused(Refused::FinalIsNotLive),
    ];

    /// Every sight.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().map(Self::Asked).chain(Self::REST)
    }

    /// What an answer is a sight of.
    pub fn of(scene: &Scene, request: &Request, answer: &Answer) -> BTreeSet<Self> {
        let mut sights = BTreeSet::from([Self::Asked(request.kind())]);
        match answer {
            Answer::Refused(refused) => {
                sights.insert(Self::Refused(*refused));
            }
            Answer::Stored(None) => {
                sights.insert(Self::NoBusiness);
            }
            Answer::Turn(Turn::NotBefore(_)) => {
                sights.insert(Self::NotBefore);
            }
            Answer::Commit(commit) => sights.extend(of_commit(scene, request, commit)),
            Answer::StartCommit(commit) => sights.extend(of_start(scene, request, commit)),
            Answer::Started(None) => {
                if let Request::Started(b, key, _) = request
                    && scene.has_key(b, key)
                {
                    sights.insert(Self::KeyExpired);
                }
            }
            Answer::Numbers(listed) => {
                if let Request::Listed(b, numbers) = request {
                    sights.extend(numbers.iter().map(|number| {
                        match (listed.contains(number), scene.has_forgotten(b, number)) {
                            (true, true) => Self::ListedUnnamed,
                            (true, false) => Self::Listed,
                            (false, true | false) => Self::NotListed,
                        }
                    }));
                }
            }
            Answer::Additions(additions) => {
                sights.extend((additions.known > 0).then_some(Self::ListedBefore));
            }
            Answer::Lifted(is_lifted) => {
                sights.extend((!is_lifted).then_some(Self::NothingToLift));
            }
            Answer::Deleted(count) => {
                sights.extend((*count == 0).then_some(Self::NothingToDelete));
            }
            Answer::Leads(leads) => sights.extend(of_leads(request, leads)),
            Answer::Stored(Some(_))
            | Answer::Turn(Turn::Taken)
            | Answer::Started(Some(_))
            | Answer::Done
            | Answer::LeadIds(_)
            | Answer::Calls(_)
            | Answer::Sids(_)
            | Answer::Run(_)
            | Answer::Broken(_) => {}
        }
        sights
    }
}

fn of_commit(scene: &Scene, request: &Request, commit: &Commit) -> Vec<Sight> {
    let Request::Commit(b, change) = request else {
        return Vec::new();
    };
    match commit {
        Commit::Applied if change.from.rev < scene.rev(b) => vec![Sight::Recognised],
        Commit::Applied => Vec::new(),
        Commit::Stale(newer) => [vec![Sight::Stale], of_older(change, newer)].concat(),
    }
}

/// What a claim has not seen that was refused for a newer state.
fn of_older(change: &Change, newer: &Stored) -> Vec<Sight> {
    if change.claimed.is_empty() {
        return Vec::new();
    }
    let (old, new): (&State, &State) = (&change.from.state, &newer.state);
    let has_other_bounds = old.destinations != new.destinations || old.caps != new.caps;
    let sights = [
        (old.do_not_call_rev < new.do_not_call_rev, Sight::OlderList),
        (has_other_bounds, Sight::OlderBounds),
        (old.day != new.day, Sight::OlderDay),
    ];
    let sights = sights.into_iter().filter(|(is_seen, _)| *is_seen);
    sights.map(|(_, sight)| sight).collect()
}

fn of_start(scene: &Scene, request: &Request, commit: &StartCommit) -> Option<Sight> {
    let Request::CommitStart(b, _, start) = request else {
        return None;
    };
    match commit {
        StartCommit::Stale(_) => Some(Sight::StaleStart),
        StartCommit::KeyUsed(started) => {
            let digest = start.key.as_ref().map(|key| key.request_digest);
            let is_same = digest == Some(started.request_digest);
            Some(if is_same {
                Sight::KeyUsed
            } else {
                Sight::KeyOfAnother
            })
        }
        StartCommit::Applied => {
            let is_late = scene.has_key(b, start.key.as_ref()?);
            is_late.then_some(Sight::KeyTakenAgain)
        }
    }
}

fn of_leads(request: &Request, leads: &[Lead]) -> Vec<Sight> {
    let Request::Leads(_, ids) = request else {
        return Vec::new();
    };
    let is_there = |id| leads.iter().any(|lead| lead.id == id);
    let is_short = !leads.is_empty() && !ids.iter().all(|&id| is_there(id));
    let sights = [
        (is_short, Sight::NoLead),
        (
            leads.iter().any(|lead| lead.phone.is_none()),
            Sight::NoPhone,
        ),
        (
            leads.iter().any(|lead| lead.country.is_none()),
            Sight::NoCountry,
        ),
    ];
    let sights = sights.into_iter().filter(|(is_seen, _)| *is_seen);
    sights.map(|(_, sight)| sight).collect()
}

/// What many sequences have shown together.
#[derive(Debug, Default, Clone)]
pub struct Sum {
    pub sequences: u64,
    pub operations: u64,
    pub comparisons: u64,
    pub sights: BTreeMap<Sight, u64>,
}

impl Sum {
    /// Adds the figures of others.
    pub fn add(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.operations += other.operations;
        self.comparisons += other.comparisons;
        for (sight, times) in other.sights {
            *self.sights.entry(sight).or_default() += times;
        }
    }

    /// What was never seen.
    pub fn unseen(&self) -> Vec<Sight> {
        let is_unseen = |sight: &Sight| !self.sights.contains_key(sight);
        Sight::all().filter(is_unseen).collect()
    }
}
