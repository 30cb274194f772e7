//! Makes a run of the leads.

use anyhow::{Result, bail};
use ringfence_core::ids::{BusinessId, LeadId, ListId, RosterId, RunId};
use ringfence_core::start::{NewRun, StartedRun, number_failed_run, start_run};
use ringfence_core::state::{Counts, RunStatus, State};
use ringfence_core::time::Timestamp;
use tracing::info;

use super::{Leads, NO_PUBLIC_HOST, PublicHost, StartAnswer, StartRequest, replay};
use crate::claim::{ATTEMPTS_MAX, Known, StartCommitted, commit_start};
use crate::ledger::{Rosters, Start, Stored, What};
use crate::records::{RunEnd, RunRecord};
use crate::tally::Tally;
use crate::world::{World, wake_now};

/// Makes a run of the leads.
///
/// 1. Stores the roster. A crash after it leaves pages that nobody reads.
/// 2. Commits the run, its record and the request key together, or none.
/// 3. Wakes the business. A crash before it delays the run until the sweep.
pub(super) async fn start(
    world: &impl World,
    business: &BusinessId,
    request: &StartRequest,
    mut stored: Stored,
    tally: &mut Tally,
) -> Result<StartAnswer> {
    if stored.state.caller_id().is_none() {
        return Ok(StartAnswer::NoCallerId);
    }
    let now = world.now();
    let (roster, list) = match &request.leads {
        Leads::List { list, roster, .. } => (*roster, Some(*list)),
        Leads::Ids(_) => (RosterId::new(world.fresh_uuid(now)), None),
    };
    let total = request.leads.total();
    let new = NewRun {
        roster,
        total,
        concurrency: request.concurrency,
    };
    // Before anything is stored: what would be refused leaves nothing behind.
    if let Err(refusal) = started(decide(stored.state.clone(), new, request.public_host, now)) {
        return Ok(refusal);
    }
    if let Some(missing) = store(world, business, &request.leads, roster).await? {
        return Ok(StartAnswer::LeadsMissing(missing));
    }
    for _ in 0..ATTEMPTS_MAX {
        let now = world.now();
        let decided = decide(stored.state.clone(), new, request.public_host, now);
        let (state, run, concurrency) = match started(decided) {
            Ok(started) => started,
            Err(refusal) => return Ok(refusal),
        };
        let numbered = Numbered {
            run,
            total,
            concurrency,
            roster,
            list,
        };
        let record = record(request, numbered, now);
        let is_stillborn = record.end.is_some();
        // Where nothing is started, the same request may be tried again.
        let key = if is_stillborn {
            None
        } else {
            request.key.clone()
        };
        let start = Start {
            run: Some(record),
            key,
            what: What::Run { run },
            now,
        };
        match commit_start(world, business, &stored, &state, &start, &[], &Known::new()).await? {
            StartCommitted::Applied(_) if is_stillborn => {
                return Ok(StartAnswer::NoPublicHost { run: Some(run) });
            }
            StartCommitted::Applied(_) => {
                info!(business.id = %business, run.id = %run, total, "started run {run} of {total} leads");
                wake_now(world, business).await;
                return Ok(StartAnswer::Run {
                    run,
                    total,
                    concurrency,
                });
            }
            StartCommitted::Stale(newer) => stored = tally.refused(newer),
            StartCommitted::KeyUsed(started) => {
                return replay::replay_used(world, business, request, started).await;
            }
        }
    }
    bail!("the state of business {business} kept changing")
}

struct Numbered {
    run: RunId,
    total: u32,
    concurrency: u32,
    roster: RosterId,
    list: Option<ListId>,
}

fn record(request: &StartRequest, numbered: Numbered, now: Timestamp) -> RunRecord {
    let Numbered {
        run,
        total,
        concurrency,
        roster,
        list,
    } = numbered;
    let end = match request.public_host {
        PublicHost::Configured => None,
        PublicHost::Missing => Some(no_public_host(total, now)),
    };
    let created_by = request.asked_by.clone();
    RunRecord {
        run,
        total,
        concurrency,
        roster,
        list,
        created_at: now,
        created_by,
        end,
    }
}

fn decide(state: State, new: NewRun, host: PublicHost, now: Timestamp) -> StartedRun {
    match host {
        PublicHost::Configured => start_run(state, new, now),
        PublicHost::Missing => {
            let concurrency = new.concurrency.unwrap_or(state.limit);
            let (state, run) = number_failed_run(state);
            StartedRun::Started {
                state,
                run,
                concurrency,
            }
        }
    }
}

fn no_public_host(total: u32, now: Timestamp) -> RunEnd {
    let counts = Counts {
        queued: 0,
        in_progress: 0,
        completed: 0,
        failed: 0,
        canceled: total,
    };
    RunEnd {
        status: RunStatus::Failed,
        counts,
        at: now,
        last_error: Some(NO_PUBLIC_HOST.to_owned()),
    }
}

/// What was started, or what to tell whoever asked for it.
fn started(decided: StartedRun) -> std::result::Result<(State, RunId, u32), StartAnswer> {
    match decided {
        StartedRun::Started {
            state,
            run,
            concurrency,
        } => Ok((state, run, concurrency)),
        StartedRun::BadConcurrency { limit } => Err(StartAnswer::BadConcurrency { limit }),
        StartedRun::TooManyRuns { most } => Err(StartAnswer::TooManyRuns { most }),
        StartedRun::TooManyLeads { most } => Err(StartAnswer::TooManyLeads { most }),
    }
}

/// Stores the roster unless it is a list's, or says which of the leads do not exist.
async fn store(
    world: &impl World,
    business: &BusinessId,
    leads: &Leads,
    roster: RosterId,
) -> Result<Option<Vec<LeadId>>> {
    let Leads::Ids(ids) = leads else {
        return Ok(None);
    };
    let missing = world.ledger().missing_leads(business, ids).await?;
    if missing.is_empty() {
        world.ledger().put_roster(roster, ids).await?;
        Ok(None)
    } else {
        Ok(Some(missing))
    }
}
