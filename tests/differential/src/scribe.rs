//! A ledger that only writes down what it is asked.
//!
//! It keeps the comparison whole: a port that flows need and a method that a port gains do not
//! compile until there is a request for them here, and a request that asks something else than
//! it says is noticed.

use std::cell::RefCell;
use std::collections::BTreeSet;

use anyhow::{Result, bail};
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{
    Calls, Commit, DoNotCall, RequestKey, Rosters, Runs, Start, StartCommit, Started, Starts,
    States, Stored, Turn, What,
};
use ringfence_flows::records::{CallNote, CallRecord, Lead, RunEnd, RunRecord};
use ringfence_ledger::Additions;

use crate::desk::Desk;
use crate::request::{Change, Request, ask};

/// Remembers the last thing that it was asked.
#[derive(Default)]
pub struct Scribe(RefCell<Option<Request>>);

impl Scribe {
    /// What a ledger is asked that is given this request.
    pub async fn reads(&self, request: &Request) -> Option<Request> {
        drop(ask(self, request).await);
        self.0.take()
    }

    fn write<T>(&self, request: Request) -> Result<T> {
        self.0.replace(Some(request));
        bail!("it is only written down")
    }
}

impl States for Scribe {
    async fn load(&self, b: &BusinessId) -> Result<Option<Stored>> {
        self.write(Request::Load(b.clone()))
    }

    async fn glance(&self, b: &BusinessId) -> Result<Option<Stored>> {
        self.write(Request::Load(b.clone()))
    }

    async fn commit(
        &self,
        b: &BusinessId,
        from: &Stored,
        to: &State,
        claimed: &[CallId],
    ) -> Result<Commit> {
        let change = change(from, to, claimed.to_vec());
        self.write(Request::Commit(b.clone(), change))
    }
}

impl Starts for Scribe {
    async fn started(
        &self,
        b: &BusinessId,
        key: &RequestKey,
        now: Timestamp,
    ) -> Result<Option<Started>> {
        self.write(Request::Started(b.clone(), key.clone(), now))
    }

    async fn commit_start(
        &self,
        b: &BusinessId,
        from: &Stored,
        to: &State,
        start: &Start,
    ) -> Result<StartCommit> {
        let claimed = match &start.what {
            What::Run { .. } => Vec::new(),
            What::Calls(calls) => calls.iter().map(|&(_, call)| call).collect(),
        };
        let change = change(from, to, claimed);
        self.write(Request::CommitStart(
            b.clone(),
            change,
            Box::new(start.clone()),
        ))
    }
}

impl Rosters for Scribe {
    async fn roster_leads(&self, roster: RosterId, positions: &[u32]) -> Result<Vec<LeadId>> {
        self.write(Request::RosterLeads(roster, positions.to_vec()))
    }

    async fn put_roster(&self, roster: RosterId, leads: &[LeadId]) -> Result<()> {
        self.write(Request::PutRoster(roster, leads.to_vec()))
    }

    async fn leads(&self, b: &BusinessId, ids: &[LeadId]) -> Result<Vec<Lead>> {
        self.write(Request::Leads(b.clone(), ids.to_vec()))
    }

    async fn missing_leads(&self, b: &BusinessId, ids: &[LeadId]) -> Result<Vec<LeadId>> {
        self.write(Request::MissingLeads(b.clone(), ids.to_vec()))
    }
}

impl DoNotCall for Scribe {
    async fn listed(
        &self,
        b: &BusinessId,
        numbers: &[PhoneNumber],
    ) -> Result<BTreeSet<PhoneNumber>> {
        self.write(Request::Listed(b.clone(), numbers.to_vec()))
    }
}

impl Calls for Scribe {
    async fn note(&self, b: &BusinessId, note: &CallNote) -> Result<()> {
        self.write(Request::Note(b.clone(), Box::new(note.clone())))
    }

    async fn calls(&self, b: &BusinessId, calls: &[CallId]) -> Result<Vec<CallRecord>> {
        self.write(Request::Calls(b.clone(), calls.to_vec()))
    }

    async fn sids_since(&self, b: &BusinessId, since: Timestamp) -> Result<Vec<(CallId, CallSid)>> {
        self.write(Request::SidsSince(b.clone(), since))
    }
}

impl Runs for Scribe {
    async fn run(&self, b: &BusinessId, run: RunId) -> Result<Option<RunRecord>> {
        self.write(Request::Run(b.clone(), run))
    }

    async fn file_run(&self, b: &BusinessId, run: RunId, end: &RunEnd) -> Result<()> {
        self.write(Request::FileRun(b.clone(), run, end.clone()))
    }

    async fn take_cleanup_turn(&self, b: &BusinessId, now: Timestamp) -> Result<Turn> {
        self.write(Request::TakeCleanupTurn(b.clone(), now))
    }
}

impl Desk for Scribe {
    async fn bar(&self, b: &BusinessId, numbers: &[PhoneNumber]) -> Result<Additions> {
        self.write(Request::Bar(b.clone(), numbers.to_vec()))
    }

    async fn lift(&self, b: &BusinessId, number: &PhoneNumber) -> Result<bool> {
        self.write(Request::Lift(b.clone(), number.clone()))
    }

    async fn forget(&self, b: &BusinessId, number: &PhoneNumber) -> Result<()> {
        self.write(Request::Forget(b.clone(), number.clone()))
    }

    async fn drop_leads(&self, b: &BusinessId, ids: &[LeadId]) -> Result<u32> {
        self.write(Request::DeleteLeads(b.clone(), ids.to_vec()))
    }
}

fn change(from: &Stored, to: &State, claimed: Vec<CallId>) -> Box<Change> {
    Box::new(Change {
        from: from.clone(),
        to: to.clone(),
        claimed,
    })
}
