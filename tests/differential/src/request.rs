//! One operation of the ledger, as a value that any ledger can be given.

use ringfence_core::ids::{BusinessId, CallId, LeadId, RosterId, RunId};
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Calls, RequestKey, Rosters, Runs, Start, Starts, States, Stored};
use ringfence_flows::records::{CallNote, RunEnd};

use crate::answer::Answer;

/// Every method of the ports, with its arguments.
#[derive(Debug, Clone)]
pub enum Request {
    Load(BusinessId),
    Commit(BusinessId, Box<Change>),
    CommitStart(BusinessId, Box<Change>, Box<Start>),
    Started(BusinessId, RequestKey, Timestamp),
    RosterLeads(RosterId, Vec<u32>),
    PutRoster(RosterId, Vec<LeadId>),
    Leads(BusinessId, Vec<LeadId>),
    MissingLeads(BusinessId, Vec<LeadId>),
    Note(BusinessId, Box<CallNote>),
    Calls(BusinessId, Vec<CallId>),
    SidsSince(BusinessId, Timestamp),
    Run(BusinessId, RunId),
    FileRun(BusinessId, RunId, RunEnd),
    TakeCleanupTurn(BusinessId, Timestamp),
}

/// The arguments of a commit.
#[derive(Debug, Clone)]
pub struct Change {
    pub from: Stored,
    pub to: State,
    pub claimed: Vec<CallId>,
}

/// Asks a ledger, and puts what comes in no particular order into one.
pub async fn ask(ledger: &impl Ledger, request: &Request) -> Answer {
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
    };
    answer.unwrap_or_else(|error| Answer::of_error(&error))
}

/// What flows need of the stored record, all of it.
pub trait Ledger: States + Rosters + Calls + Runs + Starts {}

impl<L: States + Rosters + Calls + Runs + Starts> Ledger for L {}
