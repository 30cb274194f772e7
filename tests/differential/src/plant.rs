//! Faults planted into the simulated ledger, each of which the comparison must notice.

use std::collections::BTreeMap;
use std::time::Duration;

use ringfence_core::caps::Destinations;
use ringfence_core::ids::{BusinessId, CallId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Commit, StartCommit, Stored};
use ringfence_flows::records::{News, Progress};
use simulate::ledger::Shelf;
use simulate::sim::Sim;
use simulate::world::number_of;

use crate::answer::{Answer, Refused};
use crate::draw::business;
use crate::request::{Change, Kind, Request};

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
    /// Another business's do-not-call list is looked at.
    MixesUpTheLists,
    /// The do-not-call revision stays as it was.
    ForgetsTheListRevision,
    /// The calls of the day are not stored.
    LosesTheDay,
    /// No country at all is stored as any.
    OpensAllCountries,
    /// The bound on a day's calls is stored without its zone.
    LosesTheZone,
    /// A number that was forgotten is off the list.
    LiftsWhatIsForgotten,
    /// A lead is read without its country.
    LosesTheCountry,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; Self::LosesTheCountry as usize + 1] = [
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
        Self::MixesUpTheLists,
        Self::ForgetsTheListRevision,
        Self::LosesTheDay,
        Self::OpensAllCountries,
        Self::LosesTheZone,
        Self::LiftsWhatIsForgotten,
        Self::LosesTheCountry,
    ];
}

/// A fault at work, and what it has to remember.
pub(crate) struct Plant {
    fault: Fault,
    /// The states that were stored first.
    old: BTreeMap<BusinessId, Stored>,
    news: BTreeMap<(BusinessId, CallId), News>,
}

const MILLISECOND: Duration = Duration::from_millis(1);

impl Plant {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            old: BTreeMap::new(),
            news: BTreeMap::new(),
        }
    }

    /// Spoils the request, or what is stored.
    pub(crate) fn before(&mut self, sim: &Sim, request: &mut Request) {
        match self.fault {
            Fault::ForgetsTheRevision => {
                if let Request::Commit(b, change) = request {
                    change.from.rev = with(sim, b, |shelf| shelf.stored.rev);
                }
            }
            Fault::ForgetsTheRoom => {
                if let Request::Commit(b, _) = request {
                    with(sim, b, |shelf| shelf.leases = 0);
                }
            }
            Fault::ForgetsTheExpiry => {
                if let Some(now) = now_of(request) {
                    *now = Timestamp::from_millis(0);
                }
            }
            Fault::ExpiresTooEarly => postpone(request, Kind::Started),
            Fault::TurnsTooEarly => postpone(request, Kind::TakeCleanupTurn),
            Fault::SkipsTheInstant => postpone(request, Kind::SidsSince),
            Fault::MixesUpTheBusinesses => redirect(request, Kind::Calls),
            Fault::MixesUpTheLists => redirect(request, Kind::Listed),
            Fault::ForgetsTheFirstEnd => {
                if let Request::FileRun(b, run, _) = request {
                    with(sim, b, |shelf| forget_end(shelf, *run));
                }
            }
            Fault::OrdersNotesByArrival => {
                if let Request::Note(b, note) = request {
                    self.news.insert((b.clone(), note.call), note.news.clone());
                }
            }
            Fault::LosesWhoWasCalled => {
                if let Request::Note(b, note) = request
                    && with(sim, b, |shelf| shelf.calls.contains_key(&note.call))
                {
                    note.who = None;
                }
            }
            Fault::MixesUpThePages => {
                if let Request::RosterLeads(_, positions) = request {
                    let last = positions.iter_mut().filter(|at| **at == 1_023);
                    last.for_each(|at| *at -= 1);
                }
            }
            Fault::ForgetsTheListRevision => spoil(request, |change| {
                change.to.do_not_call_rev = change.from.state.do_not_call_rev;
            }),
            Fault::LosesTheDay => spoil(request, |change| change.to.day = None),
            Fault::OpensAllCountries => spoil(request, |change| {
                if change.to.destinations == Destinations::Only(Vec::new()) {
                    change.to.destinations = Destinations::Any;
                }
            }),
            Fault::LosesTheZone => spoil(request, |change| {
                if let Some(cap) = &mut change.to.caps.per_day {
                    cap.time_zone.clear();
                }
            }),
            Fault::LiftsWhatIsForgotten => {
                if let Request::Forget(b, number) = request {
                    with(sim, b, |shelf| shelf.do_not_call.remove(number));
                }
            }
            Fault::LosesTheItem
            | Fault::AnswersAStaleItem
            | Fault::RecognisesNothing
            | Fault::ChecksTheKeyLate
            | Fault::TearsTheTransaction
            | Fault::LosesTheCountry => {}
        }
    }

    /// Spoils the answer, or what was stored.
    pub(crate) fn after(&mut self, sim: &Sim, request: &Request, answer: &mut Answer) {
        match self.fault {
            Fault::LosesTheItem => {
                if stale_of(answer).is_some() {
                    *answer = Answer::Refused(Refused::NoRoom);
                }
            }
            Fault::AnswersAStaleItem => self.answer_a_stale_item(request, answer),
            Fault::RecognisesNothing => {
                if let (Request::Commit(b, change), Answer::Commit(commit)) = (request, answer)
                    && *commit == Commit::Applied
                {
                    let stored = with(sim, b, |shelf| shelf.stored.clone());
                    let is_there = stored.rev == change.from.rev + 1 && stored.state == change.to;
                    if !is_there {
                        *commit = Commit::Stale(stored);
                    }
                }
            }
            Fault::ChecksTheKeyLate => {
                if let Request::CommitStart(b, change, _) = request
                    && matches!(answer, Answer::StartCommit(StartCommit::KeyUsed(_)))
                {
                    with(sim, b, |shelf| {
                        if shelf.stored.rev == change.from.rev {
                            shelf.stored.state = change.to.clone();
                        }
                    });
                }
            }
            Fault::TearsTheTransaction => {
                if let Request::CommitStart(b, _, start) = request
                    && *answer == Answer::StartCommit(StartCommit::Applied)
                    && let Some(run) = &start.run
                {
                    with(sim, b, |shelf| drop(shelf.runs.remove(&run.run)));
                }
            }
            Fault::OrdersNotesByArrival => self.answer_the_last_news(request, answer),
            Fault::LosesTheCountry => {
                if let Answer::Leads(leads) = answer {
                    leads.iter_mut().for_each(|lead| lead.country = None);
                }
            }
            Fault::ForgetsTheRevision
            | Fault::ForgetsTheRoom
            | Fault::ForgetsTheExpiry
            | Fault::ExpiresTooEarly
            | Fault::ForgetsTheFirstEnd
            | Fault::LosesWhoWasCalled
            | Fault::TurnsTooEarly
            | Fault::SkipsTheInstant
            | Fault::MixesUpThePages
            | Fault::MixesUpTheBusinesses
            | Fault::MixesUpTheLists
            | Fault::ForgetsTheListRevision
            | Fault::LosesTheDay
            | Fault::OpensAllCountries
            | Fault::LosesTheZone
            | Fault::LiftsWhatIsForgotten => {}
        }
    }

    fn answer_a_stale_item(&mut self, request: &Request, answer: &mut Answer) {
        if let (Request::Load(b), Answer::Stored(Some(stored))) = (request, &*answer) {
            self.old.entry(b.clone()).or_insert_with(|| stored.clone());
        } else if let Request::Commit(b, _) | Request::CommitStart(b, ..) = request
            && let Some(old) = self.old.get(b)
            && let Some(stored) = stale_of(answer)
        {
            *stored = old.clone();
        }
    }

    fn answer_the_last_news(&self, request: &Request, answer: &mut Answer) {
        let (Request::Calls(b, _), Answer::Calls(records)) = (request, answer) else {
            return;
        };
        for record in records {
            match self.news.get(&(b.clone(), record.call)) {
                Some(News::Unknown) => record.progress = Progress::Unknown,
                Some(News::Live(status)) => record.progress = Progress::Live(*status),
                Some(News::Over { .. }) | None => {}
            }
        }
    }
}

fn forget_end(shelf: &mut Shelf, run: RunId) {
    if let Some(record) = shelf.runs.get_mut(&run) {
        record.end = None;
    }
}

/// Changes what a request is to change.
fn spoil(request: &mut Request, how: impl FnOnce(&mut Change)) {
    if let Request::Commit(_, change) | Request::CommitStart(_, change, _) = request {
        how(change);
    }
}

/// Has requests of a kind come a millisecond later.
fn postpone(request: &mut Request, kind: Kind) {
    if request.kind() == kind
        && let Request::Started(_, _, at)
        | Request::TakeCleanupTurn(_, at)
        | Request::SidsSince(_, at) = request
    {
        *at = at.after(MILLISECOND);
    }
}

/// Has requests of a kind ask about the first business.
fn redirect(request: &mut Request, kind: Kind) {
    if request.kind() == kind
        && let Request::Calls(b, _) | Request::Listed(b, _) = request
    {
        *b = business(0);
    }
}

/// When a request key is looked at.
fn now_of(request: &mut Request) -> Option<&mut Timestamp> {
    if let Request::CommitStart(_, _, start) = request {
        Some(&mut start.now)
    } else if let Request::Started(_, _, now) = request {
        Some(now)
    } else {
        None
    }
}

/// The state with which a write was refused.
fn stale_of(answer: &mut Answer) -> Option<&mut Stored> {
    if let Answer::Commit(Commit::Stale(stored)) | Answer::StartCommit(StartCommit::Stale(stored)) =
        answer
    {
        Some(stored)
    } else {
        None
    }
}

/// Looks at what is stored of a business that exists.
fn with<T>(sim: &Sim, b: &BusinessId, look: impl FnOnce(&mut Shelf) -> T) -> T {
    look(&mut sim.store.borrow_mut().shelves[number_of(b)])
}
