//! Faults planted into the simulated ledger, each of which the comparison must notice.

use std::collections::BTreeMap;
use std::time::Duration;

use ringfence_core::ids::{BusinessId, CallId};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Commit, StartCommit, Stored};
use ringfence_flows::records::{News, Progress};
use simulate::ledger::Shelf;
use simulate::sim::Sim;
use simulate::world::number_of;

use crate::answer::{Answer, Refused};
use crate::request::Request;

/// What may be wrong with a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A stale write is applied.
    ForgetsTheRevision,
    /// Leases are added where there is no room.
    ForgetsTheRoom,
    /// A refusal comes without the item that refused.
    LosesTheItem,
    /// A refusal comes with the state as it once was.
    AnswersAStaleItem,
    /// A write of ours that was applied is taken for somebody else's.
    RecognisesNothing,
    /// A request key never ends.
    ForgetsTheExpiry,
    /// A request key ends a millisecond early.
    ExpiresTooEarly,
    /// The key is checked after the state was changed.
    ChecksTheKeyLate,
    /// A start leaves its run record out.
    TearsTheTransaction,
    /// A run's last end stands.
    ForgetsTheFirstEnd,
    /// The last note says how far a call is.
    OrdersNotesByArrival,
    /// A note that comes late does not add whose call it is.
    LosesWhoWasCalled,
    /// A turn is free a millisecond early.
    TurnsTooEarly,
    /// A call claimed at the very instant is left out.
    SkipsTheInstant,
    /// The last place of a page is taken for the one before.
    MixesUpThePages,
    /// Another business's calls are read.
    MixesUpTheBusinesses,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 16] = [
        Self::ForgetsTheRevision,
        Self::ForgetsTheRoom,
        Self::LosesTheItem,
        Self::AnswersAStaleItem,
        Self::RecognisesNothing,
        Self::ForgetsTheExpiry,
        Self::ExpiresTooEarly,
        Self::ChecksTheKeyLate,
        Self::TearsTheTransaction,
        Self::ForgetsTheFirstEnd,
        Self::OrdersNotesByArrival,
        Self::LosesWhoWasCalled,
        Self::TurnsTooEarly,
        Self::SkipsTheInstant,
        Self::MixesUpThePages,
        Self::MixesUpTheBusinesses,
    ];
}

/// A fault at work, and what it has to remember.
pub(crate) struct Plant {
    fault: Fault,
    /// The states that were stored first.
    old: BTreeMap<BusinessId, Stored>,
    news: BTreeMap<(BusinessId, CallId), News>,
    is_recorded: bool,
}

const MILLISECOND: Duration = Duration::from_millis(1);

impl Plant {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            old: BTreeMap::new(),
            news: BTreeMap::new(),
            is_recorded: false,
        }
    }

    /// Spoils the request, or what is stored.
    pub(crate) fn before(&mut self, sim: &Sim, request: &mut Request) {
        match (self.fault, request) {
            (Fault::ForgetsTheRevision, Request::Commit(b, change)) => {
                change.from.rev = with(sim, b, |shelf| shelf.stored.rev);
            }
            (Fault::ForgetsTheRoom, Request::Commit(b, _)) => {
                with(sim, b, |shelf| shelf.leases = 0);
            }
            (Fault::ForgetsTheExpiry, Request::CommitStart(_, _, start)) => {
                start.now = Timestamp::from_millis(0);
            }
            (Fault::ForgetsTheExpiry, Request::Started(_, _, now)) => {
                *now = Timestamp::from_millis(0);
            }
            (Fault::ExpiresTooEarly, Request::Started(_, _, now)) => *now = now.after(MILLISECOND),
            (Fault::ForgetsTheFirstEnd, Request::FileRun(b, run, _)) => with(sim, b, |shelf| {
                if let Some(record) = shelf.runs.get_mut(run) {
                    record.end = None;
                }
            }),
            (Fault::OrdersNotesByArrival, Request::Note(b, note)) => {
                self.news.insert((b.clone(), note.call), note.news.clone());
            }
            (Fault::LosesWhoWasCalled, Request::Note(b, note)) => {
                self.is_recorded = with(sim, b, |shelf| shelf.calls.contains_key(&note.call));
                if self.is_recorded {
                    note.who = None;
                }
            }
            (Fault::TurnsTooEarly, Request::TakeCleanupTurn(_, now)) => {
                *now = now.after(MILLISECOND);
            }
            (Fault::SkipsTheInstant, Request::SidsSince(_, since)) => {
                *since = since.after(MILLISECOND);
            }
            (Fault::MixesUpThePages, Request::RosterLeads(_, positions)) => {
                let last = positions.iter_mut().filter(|at| **at == 1_023);
                last.for_each(|at| *at -= 1);
            }
            (Fault::MixesUpTheBusinesses, Request::Calls(b, _)) => *b = crate::draw::business(0),
            _ => {}
        }
    }

    /// Spoils the answer, or what was stored.
    pub(crate) fn after(&mut self, sim: &Sim, request: &Request, answer: &mut Answer) {
        match (self.fault, request, answer) {
            (
                Fault::LosesTheItem,
                _,
                answer @ (Answer::Commit(Commit::Stale(_))
                | Answer::StartCommit(StartCommit::Stale(_))),
            ) => *answer = Answer::Refused(Refused::NoRoom),
            (Fault::AnswersAStaleItem, Request::Load(b), Answer::Stored(Some(stored))) => {
                self.old.entry(b.clone()).or_insert_with(|| stored.clone());
            }
            (
                Fault::AnswersAStaleItem,
                Request::Commit(b, _) | Request::CommitStart(b, ..),
                Answer::Commit(Commit::Stale(stored))
                | Answer::StartCommit(StartCommit::Stale(stored)),
            ) => {
                if let Some(old) = self.old.get(b) {
                    *stored = old.clone();
                }
            }
            (
                Fault::RecognisesNothing,
                Request::Commit(b, change),
                Answer::Commit(commit @ Commit::Applied),
            ) => {
                let stored = with(sim, b, |shelf| shelf.stored.clone());
                let is_there = stored.rev == change.from.rev + 1 && stored.state == change.to;
                if !is_there {
                    *commit = Commit::Stale(stored);
                }
            }
            (
                Fault::ChecksTheKeyLate,
                Request::CommitStart(b, change, _),
                Answer::StartCommit(StartCommit::KeyUsed(_)),
            ) => with(sim, b, |shelf| {
                if shelf.stored.rev == change.from.rev {
                    shelf.stored.state = change.to.clone();
                }
            }),
            (
                Fault::TearsTheTransaction,
                Request::CommitStart(b, _, start),
                Answer::StartCommit(StartCommit::Applied),
            ) => {
                if let Some(run) = &start.run {
                    with(sim, b, |shelf| drop(shelf.runs.remove(&run.run)));
                }
            }
            (Fault::OrdersNotesByArrival, Request::Calls(b, _), Answer::Calls(records)) => {
                for record in records {
                    match self.news.get(&(b.clone(), record.call)) {
                        Some(News::Unknown) => record.progress = Progress::Unknown,
                        Some(News::Live(status)) => record.progress = Progress::Live(*status),
                        Some(News::Over { .. }) | None => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Looks at what is stored of a business that exists.
fn with<T>(sim: &Sim, b: &BusinessId, look: impl FnOnce(&mut Shelf) -> T) -> T {
    look(&mut sim.store.borrow_mut().shelves[number_of(b)])
}
