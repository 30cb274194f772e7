//! Calls a few leads at once.

use anyhow::{Result, bail};
use ringfence_core::fill::{Barred, Claimed};
use ringfence_core::ids::{BusinessId, LeadId};
use ringfence_core::start::{Direct, DirectLead, StartedCalls, start_calls};
use ringfence_core::state::State;
use tracing::warn;

use super::{
    ALREADY_IN_CALL, DirectAnswer, DirectOutcome, Leads, PublicHost, Shape, StartAnswer,
    StartRequest, queue, replay,
};
use crate::carrier::{Placed, Refusal};
use crate::claim::{ATTEMPTS_MAX, Known, StartCommitted, commit_start};
use crate::fill::{apply, listed};
use crate::ledger::{Rosters, Start, Stored, What};
use crate::place::{CARRIER_FAILED, Dialed, place_all};
use crate::tally::Tally;
use crate::world::{World, begin_day, mint, wake_now};

/// Calls a few leads at once.
///
/// 1. Commits the leases and the request key together, or neither.
/// 2. Places the calls and records the answers. A crash here leaves leases that the
///    reports or settlement free.
/// 3. Commits the refusals, and wakes the business for the slots that they free.
pub(super) async fn start(
    world: &impl World,
    business: &BusinessId,
    request: &StartRequest,
    mut stored: Stored,
    tally: &mut Tally,
) -> Result<StartAnswer> {
    let mut looked_up = match direct_leads(world, business, &request.leads, &stored.state).await? {
        Ok(found) => found,
        Err(missing) => return Ok(StartAnswer::LeadsMissing(missing)),
    };
    if stored.state.caller_id().is_none() {
        return Ok(StartAnswer::NoCallerId);
    }
    let limit = stored.state.limit;
    if request.concurrency.is_some_and(|wanted| wanted > limit) {
        return Ok(StartAnswer::BadConcurrency { limit });
    }
    if request.public_host == PublicHost::Missing {
        return Ok(StartAnswer::NoPublicHost { run: None });
    }
    for _ in 0..ATTEMPTS_MAX {
        if looked_up.do_not_call_rev != stored.state.do_not_call_rev {
            let again = direct_leads(world, business, &request.leads, &stored.state).await?;
            looked_up = match again {
                Ok(found) => found,
                Err(missing) => return Ok(StartAnswer::LeadsMissing(missing)),
            };
        }
        let LookedUp { leads, known, .. } = &looked_up;
        let now = world.now();
        let mut mint = || mint(world, now);
        let mut state = stored.state.clone();
        begin_day(world, &mut state, now);
        let (state, answers) =
            match started(start_calls(state, leads, &mut mint, now, world.timing())) {
                Ok(started) => started,
                Err(_) if request.shape == Shape::DirectOrQueue => {
                    return queue::start(world, business, request, stored, tally).await;
                }
                Err(refusal) => return Ok(refusal),
            };
        let claimed: Vec<Claimed> = answers.iter().filter_map(claimed_of).cloned().collect();
        if claimed.is_empty() {
            return Ok(StartAnswer::Calls(answer_all(&answers, &[], known)));
        }
        let what = What::Calls(
            claimed
                .iter()
                .map(|claimed| (claimed.lead, claimed.call))
                .collect(),
        );
        let start = Start {
            run: None,
            key: request.key.clone(),
            what,
            now,
        };
        match commit_start(world, business, &stored, &state, &start, &claimed, known).await? {
            StartCommitted::Applied(claims) => {
                let stored = Stored {
                    state,
                    rev: stored.rev + 1,
                };
                let dialed = place_all(world, claims, tally).await;
                give_up_refused(world, business, stored, &dialed, tally).await;
                return Ok(StartAnswer::Calls(answer_all(&answers, &dialed, known)));
            }
            StartCommitted::Stale(newer) => stored = tally.refused(newer),
            StartCommitted::KeyUsed(started) => {
                return replay::replay_used(world, business, request, started).await;
            }
        }
    }
    bail!("the state of business {business} kept changing")
}

/// What was decided for each lead, or what to tell whoever asked.
fn started(decided: StartedCalls) -> std::result::Result<(State, Vec<Direct>), StartAnswer> {
    match decided {
        StartedCalls::Decided { state, answers } => Ok((state, answers)),
        StartedCalls::SlotsBusy {
            active,
            limit,
            available,
        } => Err(StartAnswer::SlotsBusy {
            active,
            limit,
            available,
        }),
        StartedCalls::DailyCap { left, ends_at } => Err(StartAnswer::DailyCap { left, ends_at }),
    }
}

/// Leads that somebody wants to call at once, as they were looked up.
struct LookedUp {
    /// In the order asked for.
    leads: Vec<DirectLead>,
    known: Known,
    /// The do-not-call list that they were held against.
    do_not_call_rev: u32,
}

/// Looks the leads up; the ids that do not exist otherwise.
async fn direct_leads(
    world: &impl World,
    business: &BusinessId,
    leads: &Leads,
    state: &State,
) -> Result<Result<LookedUp, Vec<LeadId>>> {
    let ids = match leads {
        Leads::Ids(ids) => ids.clone(),
        Leads::List { roster, total, .. } => {
            let all: Vec<u32> = (0..*total).collect();
            world.ledger().roster_leads(*roster, &all).await?
        }
    };
    let found = world.ledger().leads(business, &ids).await?;
    let listed = listed(world, business, state, &found).await?;
    let found: Known = found.into_iter().map(|lead| (lead.id, lead)).collect();
    let missing: Vec<LeadId> = ids
        .iter()
        .copied()
        .filter(|id| !found.contains_key(id))
        .collect();
    if !missing.is_empty() {
        return Ok(Err(missing));
    }
    let direct = |id: &LeadId| {
        let lead = found.get(id);
        let country = lead.and_then(|lead| lead.country);
        let to = match lead.and_then(|lead| lead.phone.as_ref()) {
            None => Err(Barred::NoPhone),
            Some(number) if listed.contains(number) => Err(Barred::DoNotCall),
            Some(number) => Ok(number.clone()),
        };
        DirectLead {
            lead: *id,
            to,
            country,
        }
    };
    Ok(Ok(LookedUp {
        leads: ids.iter().map(direct).collect(),
        known: found,
        do_not_call_rev: state.do_not_call_rev,
    }))
}

/// Frees the slots of direct calls that do not exist. If it fails, settlement does it.
async fn give_up_refused(
    world: &impl World,
    business: &BusinessId,
    stored: Stored,
    dialed: &[Dialed],
    tally: &mut Tally,
) {
    let facts: Vec<_> = dialed
        .iter()
        .filter_map(|dialed| dialed.fact.clone())
        .collect();
    if facts.is_empty() {
        return;
    }
    if let Err(error) = apply(world, business, stored, &facts, tally).await {
        warn!(business.id = %business, "failed to free the slots of refused calls: {error:#}");
    }
    wake_now(world, business).await;
}

fn answer_all(answers: &[Direct], dialed: &[Dialed], known: &Known) -> Vec<DirectAnswer> {
    let named = |lead: LeadId, call, outcome| DirectAnswer {
        lead,
        lead_name: known
            .get(&lead)
            .map(|lead| lead.name.clone())
            .unwrap_or_default(),
        call,
        outcome,
    };
    let answer = |direct: &Direct| match direct {
        Direct::Barred(lead, reason) => named(
            *lead,
            None,
            DirectOutcome::LeadFailed(reason.as_str().to_owned()),
        ),
        Direct::AlreadyInCall(lead) => named(
            *lead,
            None,
            DirectOutcome::LeadFailed(ALREADY_IN_CALL.to_owned()),
        ),
        Direct::Claimed(claimed) => {
            let placed = dialed.iter().find(|dialed| dialed.call == claimed.call);
            let outcome = placed.map_or(DirectOutcome::Unknown, |dialed| outcome(&dialed.placed));
            named(claimed.lead, Some(claimed.call), outcome)
        }
    };
    answers.iter().map(answer).collect()
}

fn outcome(placed: &Placed) -> DirectOutcome {
    match placed {
        Placed::Accepted(sid) => DirectOutcome::Initiated(sid.clone()),
        Placed::Refused(Refusal::Lead { reason, .. }) => {
            DirectOutcome::LeadFailed((*reason).to_owned())
        }
        Placed::Refused(Refusal::Configuration { reason, .. }) => {
            DirectOutcome::CarrierFailed(format!("{CARRIER_FAILED}{reason}"))
        }
        Placed::NotProcessed { .. } => {
            DirectOutcome::CarrierFailed(format!("{CARRIER_FAILED}busy"))
        }
        Placed::Unknown => DirectOutcome::Unknown,
    }
}

fn claimed_of(answer: &Direct) -> Option<&Claimed> {
    match answer {
        Direct::Claimed(claimed) => Some(claimed),
        Direct::Barred(..) | Direct::AlreadyInCall(_) => None,
    }
}
