//! What is learned from the answers.

use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_flows::ledger::{Commit, RequestKey, StartCommit, Stored, Turn};

use super::Scene;
use crate::answer::Answer;
use crate::request::Request;

/// How many states are remembered of each business.
const SEEN_MAX: usize = 6;

impl Scene {
    /// The latest revision known of a business.
    pub fn rev(&self, b: &BusinessId) -> u64 {
        let revs = self.seen.get(b).into_iter().flatten();
        revs.map(|stored| stored.rev).max().unwrap_or_default()
    }

    /// Whether a key has started something, however long ago.
    pub fn has_key(&self, b: &BusinessId, key: &RequestKey) -> bool {
        self.keys.contains_key(&(b.clone(), key.key.clone()))
    }

    /// Whether a number was forgotten while it was on the list.
    pub fn has_forgotten(&self, b: &BusinessId, number: &PhoneNumber) -> bool {
        self.forgotten.contains(&(b.clone(), number.clone()))
    }

    /// Learns from an answer.
    pub fn hear(&mut self, request: &Request, answer: &Answer) {
        match request {
            Request::Load(b) => {
                if let Answer::Stored(Some(stored)) = answer {
                    self.remember(b, stored.clone());
                }
            }
            Request::Commit(b, change) => {
                if let Answer::Commit(commit) = answer {
                    let stored = match commit {
                        Commit::Applied => change.result(),
                        Commit::Stale(stored) => stored.clone(),
                    };
                    self.remember(b, stored);
                }
            }
            Request::CommitStart(b, change, start) => {
                if let Answer::StartCommit(commit) = answer {
                    match commit {
                        StartCommit::Applied => {
                            self.remember(b, change.result());
                            if let Some(key) = &start.key {
                                self.keys.insert((b.clone(), key.key.clone()), start.now);
                            }
                        }
                        StartCommit::Stale(stored) => self.remember(b, stored.clone()),
                        StartCommit::KeyUsed(_) => {}
                    }
                }
            }
            Request::TakeCleanupTurn(b, now) => {
                if *answer == Answer::Turn(Turn::Taken) {
                    self.turns.insert(b.clone(), *now);
                }
            }
            Request::Forget(b, number) => {
                self.forgotten.insert((b.clone(), number.clone()));
            }
            Request::Lift(b, number) => {
                self.forgotten.remove(&(b.clone(), number.clone()));
            }
            Request::Started(..)
            | Request::RosterLeads(..)
            | Request::PutRoster(..)
            | Request::Leads(..)
            | Request::MissingLeads(..)
            | Request::Listed(..)
            | Request::Note(..)
            | Request::Calls(..)
            | Request::SidsSince(..)
            | Request::Run(..)
            | Request::FileRun(..)
            | Request::Bar(..)
            | Request::DeleteLeads(..) => {}
        }
    }

    fn remember(&mut self, b: &BusinessId, stored: Stored) {
        let seen = self.seen.entry(b.clone()).or_default();
        if !seen.contains(&stored) {
            seen.push(stored);
        }
        if seen.len() > SEEN_MAX {
            seen.remove(0);
        }
    }
}
