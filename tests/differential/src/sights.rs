//! Which refusals were seen: a comparison that never met one has not compared it.

use std::collections::BTreeMap;

use ringfence_flows::ledger::{Commit, StartCommit, Turn};

use crate::answer::{Answer, Refused};
use crate::draw::Scene;
use crate::request::Request;

/// Something that a ledger refuses, or takes only after a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    Stale,
    /// A stale write that is taken for ours by its leases.
    Recognised,
    StaleStart,
    KeyUsed,
    /// The key came with another request.
    KeyOfAnother,
    /// A key that is over a day old is free again.
    KeyTakenAgain,
    KeyExpired,
    NoBusiness,
    NotBefore,
    Refused(Refused),
}

impl Sight {
    /// Every sight.
    pub const ALL: [Self; 15] = [
        Self::Stale,
        Self::Recognised,
        Self::StaleStart,
        Self::KeyUsed,
        Self::KeyOfAnother,
        Self::KeyTakenAgain,
        Self::KeyExpired,
        Self::NoBusiness,
        Self::NotBefore,
        Self::Refused(Refused::NoRoom),
        Self::Refused(Refused::BeyondLimit),
        Self::Refused(Refused::RunTaken),
        Self::Refused(Refused::NoRun),
        Self::Refused(Refused::NoPosition),
        Self::Refused(Refused::FinalIsNotLive),
    ];

    /// What an answer is a sight of, if it is one.
    pub fn of(scene: &Scene, request: &Request, answer: &Answer) -> Option<Self> {
        match (request, answer) {
            (_, Answer::Refused(refused)) => Some(Self::Refused(*refused)),
            (Request::Load(_), Answer::Stored(None)) => Some(Self::NoBusiness),
            (_, Answer::Turn(Turn::NotBefore(_))) => Some(Self::NotBefore),
            (_, Answer::Commit(Commit::Stale(_))) => Some(Self::Stale),
            (Request::Commit(b, change), Answer::Commit(Commit::Applied)) => {
                let is_late = change.from.rev < scene.rev(b);
                is_late.then_some(Self::Recognised)
            }
            (_, Answer::StartCommit(StartCommit::Stale(_))) => Some(Self::StaleStart),
            (
                Request::CommitStart(_, _, start),
                Answer::StartCommit(StartCommit::KeyUsed(started)),
            ) => {
                let digest = start.key.as_ref().map(|key| key.request_digest);
                let is_same = digest == Some(started.request_digest);
                Some(if is_same {
                    Self::KeyUsed
                } else {
                    Self::KeyOfAnother
                })
            }
            (Request::CommitStart(b, _, start), Answer::StartCommit(StartCommit::Applied)) => {
                let key = start.key.as_ref()?;
                let is_late = scene.has_key(b, key);
                is_late.then_some(Self::KeyTakenAgain)
            }
            (Request::Started(b, key, _), Answer::Started(None)) => {
                scene.has_key(b, key).then_some(Self::KeyExpired)
            }
            _ => None,
        }
    }
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
        Sight::ALL.into_iter().filter(is_unseen).collect()
    }
}
