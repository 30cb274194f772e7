//! Gives the first answer of a request key again.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use ringfence_core::fill::Barred;
use ringfence_core::ids::{BusinessId, CallId, LeadId};

use super::{ALREADY_IN_CALL, DirectAnswer, DirectOutcome, Leads, StartAnswer, StartRequest};
use crate::fill::listed;
use crate::ledger::{Calls, RequestKey, Rosters, Runs, Started, States, Stored, What};
use crate::place::CARRIER_FAILED;
use crate::records::{CallRecord, Lead, Progress, RunRecord};
use crate::world::World;

/// The same, for a request whose key turned out to be used when it was committed.
pub(super) async fn replay_used(
    world: &impl World,
    business: &BusinessId,
    request: &StartRequest,
    started: Started,
) -> Result<StartAnswer> {
    match &request.key {
        Some(key) => replay(world, business, request, key, started).await,
        None => bail!("a request without a key found one used"),
    }
}

/// Gives the first answer of a request key again, from the records.
pub(super) async fn replay(
    world: &impl World,
    business: &BusinessId,
    request: &StartRequest,
    key: &RequestKey,
    started: Started,
) -> Result<StartAnswer> {
    if started.request_digest != key.request_digest {
        return Ok(StartAnswer::KeyReused);
    }
    let calls = match started.what {
        What::Run { run } => {
            let Some(record) = world.ledger().run(business, run).await? else {
                bail!("run {run} was started but has no record");
            };
            let RunRecord {
                total, concurrency, ..
            } = record;
            return Ok(StartAnswer::Run {
                run,
                total,
                concurrency,
            });
        }
        What::Calls(calls) => calls,
    };
    let ids: Vec<CallId> = calls.iter().map(|&(_, call)| call).collect();
    let records = world.ledger().calls(business, &ids).await?;
    let asked: Vec<LeadId> = match &request.leads {
        Leads::Ids(ids) => ids.clone(),
        Leads::List { .. } => calls.iter().map(|&(lead, _)| lead).collect(),
    };
    let leads = world.ledger().leads(business, &asked).await?;
    let is_called = |lead: &Lead| calls.iter().any(|&(of, _)| of == lead.id);
    let uncalled: Vec<Lead> = leads
        .iter()
        .filter(|&lead| !is_called(lead))
        .cloned()
        .collect();
    let barred = barred(world, business, uncalled).await?;
    let answer = |&lead: &LeadId| {
        let known = leads.iter().find(|known| known.id == lead);
        let call = calls
            .iter()
            .find_map(|&(of, call)| (of == lead).then_some(call));
        let record = records.iter().find(|record| Some(record.call) == call);
        let has_phone = known.is_some_and(|lead| lead.phone.is_some());
        let outcome = match (call, record) {
            (None, _) if barred.contains_key(&lead) => {
                DirectOutcome::LeadFailed(barred[&lead].as_str().to_owned())
            }
            (None, _) if has_phone => DirectOutcome::LeadFailed(ALREADY_IN_CALL.to_owned()),
            (None, _) if known.is_none() => {
                DirectOutcome::LeadFailed(Barred::Deleted.as_str().to_owned())
            }
            (None, _) => DirectOutcome::LeadFailed(Barred::NoPhone.as_str().to_owned()),
            (Some(_), Some(record)) => outcome_of(record),
            (Some(_), None) => DirectOutcome::Unknown,
        };
        let lead_name = known.map(|lead| lead.name.clone()).unwrap_or_default();
        DirectAnswer {
            lead,
            lead_name,
            call,
            outcome,
        }
    };
    Ok(StartAnswer::CallsAgain(asked.iter().map(answer).collect()))
}

/// Which leads with a number may not be called, as things are now: why they were not when
/// the request came is not stored.
async fn barred(
    world: &impl World,
    business: &BusinessId,
    leads: Vec<Lead>,
) -> Result<BTreeMap<LeadId, Barred>> {
    if leads.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Some(Stored { state, .. }) = world.ledger().load(business).await? else {
        return Ok(BTreeMap::new());
    };
    let listed = listed(world, business, &state, &leads).await?;
    let reason = |lead: &Lead| match &lead.phone {
        Some(number) if listed.contains(number) => Some(Barred::DoNotCall),
        Some(_) if !state.destinations.allow(lead.country) => Some(Barred::Destination),
        Some(_) | None => None,
    };
    let barred = leads
        .iter()
        .filter_map(|lead| Some((lead.id, reason(lead)?)));
    Ok(barred.collect())
}

fn outcome_of(record: &CallRecord) -> DirectOutcome {
    match (&record.sid, record.progress) {
        (Some(sid), _) => DirectOutcome::Initiated(sid.clone()),
        (None, Progress::Over(..)) => {
            let error = record.error.clone().unwrap_or_else(|| "failed".to_owned());
            if error.starts_with(CARRIER_FAILED) {
                DirectOutcome::CarrierFailed(error)
            } else {
                DirectOutcome::LeadFailed(error)
            }
        }
        (None, Progress::Unknown | Progress::Live(_)) => DirectOutcome::Unknown,
    }
}
