//! Starts runs and direct calls.

mod direct;
mod queue;
mod replay;

use anyhow::Result;
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId, ListId, RosterId, RunId};
use ringfence_core::time::Timestamp;

use crate::fill::listed;
use crate::ledger::{RequestKey, Rosters, Starts, States};
use crate::records::Lead;
use crate::tally::Tally;
use crate::world::World;

/// Up to this many leads are called at once, without a run.
const DIRECT_MAX: u32 = 3;
/// Why a run without a public host fails, as clients know it.
pub const NO_PUBLIC_HOST: &str = "No public host configured";

/// Somebody pressed *start*.
#[derive(Debug, Clone)]
pub struct StartRequest {
    pub leads: Leads,
    pub concurrency: Option<u32>,
    pub shape: Shape,
    pub key: Option<RequestKey>,
    /// The id of the key that asks.
    pub asked_by: String,
    pub public_host: PublicHost,
}

/// Whom to call.
#[derive(Debug, Clone)]
pub enum Leads {
    /// These, in this order, none twice.
    Ids(Vec<LeadId>),
    /// All of an imported list.
    List {
        list: ListId,
        roster: RosterId,
        total: u32,
    },
}

/// How to call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Few leads at once, or not at all while slots are missing; more as a run.
    DirectOrRun,
    /// Few leads at once, or as a run while slots are missing; more as a run.
    DirectOrQueue,
    /// Always as a run.
    Run,
}

/// Whether the carrier could reach us with its reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicHost {
    Configured,
    Missing,
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StartAnswer {
    /// The run is stored and waits for slots.
    Run {
        run: RunId,
        total: u32,
        concurrency: u32,
    },
    /// Every lead has its answer.
    Calls(Vec<DirectAnswer>),
    /// The same, given again from the records; some of them may still be being placed.
    CallsAgain(Vec<DirectAnswer>),
    SlotsBusy {
        active: u32,
        limit: u32,
        available: u32,
    },
    LeadsMissing(Vec<LeadId>),
    NoSuchBusiness,
    NoCallerId,
    BadConcurrency {
        limit: u32,
    },
    /// The business has as many runs under way as it may.
    TooManyRuns {
        most: u32,
    },
    /// The business may not start runs of so many leads.
    TooManyLeads {
        most: u32,
    },
    /// The day has not so many calls left.
    DailyCap {
        left: u32,
        ends_at: Timestamp,
    },
    /// Nothing can be called; a run that was asked for is recorded as failed.
    NoPublicHost {
        run: Option<RunId>,
    },
    /// The request key belongs to another request.
    KeyReused,
}

/// What became of one lead of a direct start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectAnswer {
    pub lead: LeadId,
    pub lead_name: String,
    pub call: Option<CallId>,
    pub outcome: DirectOutcome,
}

/// Whether a direct call was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectOutcome {
    /// The carrier has it.
    Initiated(CallSid),
    /// There is no call, for this lead's reason.
    LeadFailed(String),
    /// There is no call, because the carrier would not or could not.
    CarrierFailed(String),
    /// No clear answer. It keeps its slot until a report or settlement tells.
    Unknown,
}

/// Starts calls or a run.
///
/// # Errors
///
/// It could not be found out whether something was started. Asking again with the same
/// request key tells.
pub async fn start(
    world: &impl World,
    business: &BusinessId,
    request: &StartRequest,
    tally: &mut Tally,
) -> Result<StartAnswer> {
    if let Some(key) = &request.key
        && let Some(started) = world.ledger().started(business, key, world.now()).await?
    {
        return replay::replay(world, business, request, key, started).await;
    }
    let Some(stored) = world.ledger().load(business).await? else {
        return Ok(StartAnswer::NoSuchBusiness);
    };
    let direct_max = DIRECT_MAX.min(stored.state.limit);
    let is_direct = request.shape != Shape::Run && request.leads.total() <= direct_max;
    let answer = if is_direct {
        direct::start(world, business, request, stored, tally).await?
    } else {
        queue::start(world, business, request, stored, tally).await?
    };
    // Another request with this key may have been first meanwhile, and be the reason why
    // this one was refused: then its answer holds.
    if let Some(key) = &request.key
        && !answer.has_started()
        && let Some(started) = world.ledger().started(business, key, world.now()).await?
    {
        return replay::replay(world, business, request, key, started).await;
    }
    Ok(answer)
}

impl StartAnswer {
    /// True if it tells of something that was started, now or before.
    fn has_started(&self) -> bool {
        match self {
            Self::Run { .. } | Self::CallsAgain(_) | Self::KeyReused => true,
            Self::Calls(calls) => calls.iter().any(|answer| answer.call.is_some()),
            Self::SlotsBusy { .. }
            | Self::LeadsMissing(_)
            | Self::NoSuchBusiness
            | Self::NoCallerId
            | Self::BadConcurrency { .. }
            | Self::TooManyRuns { .. }
            | Self::TooManyLeads { .. }
            | Self::DailyCap { .. }
            | Self::NoPublicHost { .. } => false,
        }
    }
}

impl Leads {
    fn total(&self) -> u32 {
        match self {
            Self::Ids(ids) => u32::try_from(ids.len()).unwrap_or(u32::MAX),
            Self::List { total, .. } => *total,
        }
    }
}

/// How many of these leads are on the business's do-not-call list now. They will end as
/// failed, without a call; so may others that are added until it is their turn.
///
/// # Errors
///
/// The table could not be read.
pub async fn count_do_not_call(
    world: &impl World,
    business: &BusinessId,
    leads: &Leads,
) -> Result<u32> {
    let stored = world.ledger().load(business).await?;
    let Some(stored) = stored.filter(|stored| stored.state.do_not_call_rev > 0) else {
        return Ok(0);
    };
    let positions: Vec<u32> = (0..leads.total()).collect();
    let mut count = 0;
    for positions in positions.chunks(COUNTED_AT_ONCE) {
        let ids: Vec<LeadId> = match leads {
            Leads::Ids(ids) => {
                let place = |&at: &u32| ids[usize::try_from(at).expect("32 bits fit")];
                positions.iter().map(place).collect()
            }
            Leads::List { roster, .. } => world.ledger().roster_leads(*roster, positions).await?,
        };
        let leads = world.ledger().leads(business, &ids).await?;
        let listed = listed(world, business, &stored.state, &leads).await?;
        let is_listed = |lead: &&Lead| {
            let phone = lead.phone.as_ref();
            phone.is_some_and(|phone| listed.contains(phone))
        };
        count += leads.iter().filter(is_listed).count();
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How many leads are looked up at once to be counted: it bounds the memory.
const COUNTED_AT_ONCE: usize = 1_000;

/// The reason of a lead whose number is in a call already.
const ALREADY_IN_CALL: &str = "already_in_call";
