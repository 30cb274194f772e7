//! One operation of the ledger, as a value that any ledger can be given.

use ringfence_core::ids::{BusinessId, CallId, LeadId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Ports, RequestKey, Start, Stored};
use ringfence_flows::records::{CallNote, RunEnd};

use crate::answer::Answer;
use crate::desk::Desk;

/// Every method of the ports and of the desk, with its arguments.
///
/// [`Scribe`](crate::scribe::Scribe) does not compile while one is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Load(BusinessId),
    Commit(BusinessId, Box<Change>),
    CommitStart(BusinessId, Box<Change>, Box<Start>),
    Started(BusinessId, RequestKey, Timestamp),
    RosterLeads(RosterId, Vec<u32>),
    PutRoster(RosterId, Vec<LeadId>),
    Leads(BusinessId, Vec<LeadId>),
    MissingLeads(BusinessId, Vec<LeadId>),
    Listed(BusinessId, Vec<PhoneNumber>),
    Note(BusinessId, Box<CallNote>),
    Calls(BusinessId, Vec<CallId>),
    SidsSince(BusinessId, Timestamp),
    Run(BusinessId, RunId),
    FileRun(BusinessId, RunId, RunEnd),
    TakeCleanupTurn(BusinessId, Timestamp),
    Bar(BusinessId, Vec<PhoneNumber>),
    Lift(BusinessId, PhoneNumber),
    Forget(BusinessId, PhoneNumber),
    DeleteLeads(BusinessId, Vec<LeadId>),
}

/// The arguments of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub from: Stored,
    pub to: State,
    pub claimed: Vec<CallId>,
}

/// A [`Request`] without its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Load,
    Commit,
    CommitStart,
    Started,
    RosterLeads,
    PutRoster,
    Leads,
    MissingLeads,
    Listed,
    Note,
    Calls,
    SidsSince,
    Run,
    FileRun,
    TakeCleanupTurn,
    Bar,
    Lift,
    Forget,
    DeleteLeads,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; Self::DeleteLeads as usize + 1] = [
        Self::Load,
        Self::Commit,
        Self::CommitStart,
        Self::Started,
        Self::RosterLeads,
        Self::PutRoster,
        Self::Leads,
        Self::MissingLeads,
        Self::Listed,
        Self::Note,
        Self::Calls,
        Self::SidsSince,
        Self::Run,
        Self::FileRun,
        Self::TakeCleanupTurn,
        Self::Bar,
        Self::Lift,
        Self::Forget,
        Self::DeleteLeads,
    ];
}

impl Request {
    /// What kind it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Load(_) => Kind::Load,
            Self::Commit(..) => Kind::Commit,
            Self::CommitStart(..) => Kind::CommitStart,
            Self::Started(..) => Kind::Started,
            Self::RosterLeads(..) => Kind::RosterLeads,
            Self::PutRoster(..) => Kind::PutRoster,
            Self::Leads(..) => Kind::Leads,
            Self::MissingLeads(..) => Kind::MissingLeads,
            Self::Listed(..) => Kind::Listed,
            Self::Note(..) => Kind::Note,
            Self::Calls(..) => Kind::Calls,
            Self::SidsSince(..) => Kind::SidsSince,
            Self::Run(..) => Kind::Run,
            Self::FileRun(..) => Kind::FileRun,
            Self::TakeCleanupTurn(..) => Kind::TakeCleanupTurn,
            Self::Bar(..) => Kind::Bar,
            Self::Lift(..) => Kind::Lift,
            Self::Forget(..) => Kind::Forget,
            Self::DeleteLeads(..) => Kind::DeleteLeads,
        }
    }
}

/// Asks a ledger, and puts what comes in no particular order into one.
pub async fn ask(ledger: &(impl Ports + Desk), request: &Request) -> Answer {
    let answer = match request {
        Request::Load(b) => ledger.load(b).await.map(Answer::Stored),
        Request::Commit(b, change) => {
            let Change { from, to, claimed } = &**change;
            let commit = ledger.commit(b, from, to, claimed).await;
            commit.map(Answer::Commit)
        }
        Request::CommitStart(b, change, start) => {
            let Change { from, to, .. } = &**change;
            let commit = ledger.commit_start(b, from, to, start).await;
            commit.map(Answer::StartCommit)
        }
        Request::Started(b, key, now) => ledger.started(b, key, *now).await.map(Answer::Started),
        Request::RosterLeads(roster, positions) => {
            let leads = ledger.roster_leads(*roster, positions).await;
            leads.map(Answer::LeadIds)
        }
        Request::PutRoster(roster, leads) => {
            let put = ledger.put_roster(*roster, leads).await;
            put.map(|()| Answer::Done)
        }
        Request::Leads(b, ids) => ledger.leads(b, ids).await.map(|mut leads| {
            leads.sort_by_key(|lead| lead.id);
            Answer::Leads(leads)
        }),
        Request::MissingLeads(b, ids) => ledger.missing_leads(b, ids).await.map(|mut ids| {
            ids.sort();
            Answer::LeadIds(ids)
        }),
        Request::Listed(b, numbers) => ledger.listed(b, numbers).await.map(Answer::Numbers),
        Request::Note(b, note) => ledger.note(b, note).await.map(|()| Answer::Done),
        Request::Calls(b, ids) => ledger.calls(b, ids).await.map(|mut calls| {
            calls.sort_by_key(|record| record.call);
            Answer::Calls(calls)
        }),
        Request::SidsSince(b, since) => ledger.sids_since(b, *since).await.map(Answer::Sids),
        Request::Run(b, run) => ledger.run(b, *run).await.map(Answer::Run),
        Request::FileRun(b, run, end) => {
            let filed = ledger.file_run(b, *run, end).await;
            filed.map(|()| Answer::Done)
        }
        Request::TakeCleanupTurn(b, now) => {
            let turn = ledger.take_cleanup_turn(b, *now).await;
            turn.map(Answer::Turn)
        }
        Request::Bar(b, numbers) => ledger.bar(b, numbers).await.map(Answer::Additions),
        Request::Lift(b, number) => ledger.lift(b, number).await.map(Answer::Lifted),
        Request::Forget(b, number) => ledger.forget(b, number).await.map(|()| Answer::Done),
        Request::DeleteLeads(b, ids) => ledger.drop_leads(b, ids).await.map(Answer::Deleted),
    };
    answer.unwrap_or_else(|error| Answer::of_error(&error))
}
