//! Starts calls: few at once, more as a run.

mod answer;
mod describe;

pub use describe::describe;

use std::collections::BTreeSet;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::{BusinessId, LeadId, ListId};
use ringfence_flows::ledger::RequestKey;
use ringfence_flows::start::{Leads, PublicHost, Shape, StartRequest};
use ringfence_flows::tally::Tally;
use ringfence_flows::world::World;
use ringfence_ledger::Ledger;
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::describe::one_of_two;
use ringfence_shell::logging::request_span;
use ringfence_shell::metrics::{EmbeddedMetrics, Figures};
use ringfence_shell::reply::Failure;
use ringfence_shell::texts::{Language, Text};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tracing::Instrument;

/// How many leads one request may name, and how many a run may have.
const LEADS_MAX: usize = 100_000;
/// The largest limit that a business may have; its own decides.
const CONCURRENCY_MAX: u32 = 200;
/// Longer than any key a client would make.
const KEY_BYTES_MAX: usize = 255;

/// Answers `POST /api/outbound_calls/start` and `POST /api/outbound/bulk-enqueue`.
pub async fn handle(
    world: &impl World<Ledger = Ledger>,
    public_host: PublicHost,
    metrics: &EmbeddedMetrics,
    request: Request,
) -> Response<Body> {
    let mut tally = Tally::default();
    let answer = route(world, public_host, &request, &mut tally)
        .instrument(request_span(&request))
        .await;
    let mut figures = Figures::default();
    figures.add(&tally);
    figures.about("request.id", request_id(&request));
    metrics.write(figures, world.now());
    answer.unwrap_or_else(|failure| failure.reply(Language::of(&request)))
}

async fn route(
    world: &impl World<Ledger = Ledger>,
    public_host: PublicHost,
    request: &Request,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    match body::segments(request)[..] {
        ["api", "outbound_calls", "start"] => calls(world, public_host, request, tally).await,
        ["api", "outbound", "bulk-enqueue"] => enqueue(world, public_host, request, tally).await,
        _ => Err(Failure::not_found()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(transform = one_of_two("lead_ids", "list_id"))]
struct StartBody {
    /// In the order in which they are to be called.
    #[schemars(length(min = 1, max = LEADS_MAX), inner(range(min = 1)))]
    lead_ids: Option<Vec<u32>>,
    /// Of a run: how many calls at once, up to the limit of the business.
    #[schemars(range(min = 1, max = CONCURRENCY_MAX))]
    concurrency: Option<u32>,
    /// What becomes of a few leads when slots are taken.
    when_full: Option<WhenFull>,
    /// A whole list in the place of `lead_ids`.
    #[schemars(range(min = 1))]
    list_id: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WhenFull {
    Reject,
    Queue,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(transform = one_of_two("lead_ids", "outbound_list_id"))]
struct EnqueueBody {
    /// In the order in which they are to be called.
    #[schemars(length(min = 1, max = LEADS_MAX), inner(range(min = 1)))]
    lead_ids: Option<Vec<u32>>,
    /// How many calls at once, up to the limit of the business.
    #[schemars(range(min = 1, max = CONCURRENCY_MAX))]
    concurrency: Option<u32>,
    /// A whole list in the place of `lead_ids`.
    #[schemars(range(min = 1))]
    outbound_list_id: Option<u32>,
}

async fn calls(
    world: &impl World<Ledger = Ledger>,
    public_host: PublicHost,
    request: &Request,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    let caller = Caller::of(request, Role::Agent)?;
    let wanted: StartBody = body::json(request)?;
    let shape = match wanted.when_full {
        None | Some(WhenFull::Reject) => Shape::DirectOrRun,
        Some(WhenFull::Queue) => Shape::DirectOrQueue,
    };
    let wish = Wish {
        ids: wanted.lead_ids,
        list: wanted.list_id,
        list_field: "list_id",
        concurrency: wanted.concurrency,
        shape,
    };
    let begun = begin(world, public_host, request, &caller, wish).await?;
    answer::calls(world, request, caller.business()?, begun, tally).await
}

async fn enqueue(
    world: &impl World<Ledger = Ledger>,
    public_host: PublicHost,
    request: &Request,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    let caller = Caller::of(request, Role::Agent)?;
    let wanted: EnqueueBody = body::json(request)?;
    let (list, concurrency) = (wanted.outbound_list_id, wanted.concurrency);
    let wish = Wish {
        ids: wanted.lead_ids,
        list,
        list_field: "outbound_list_id",
        concurrency,
        shape: Shape::Run,
    };
    let begun = begin(world, public_host, request, &caller, wish).await?;
    answer::run(world, request, caller.business()?, begun, tally).await
}

/// What a request asks for.
struct Wish {
    ids: Option<Vec<u32>>,
    list: Option<u32>,
    /// What the request calls the list.
    list_field: &'static str,
    concurrency: Option<u32>,
    shape: Shape,
}

/// A request that was read, and how many of its ids occurred twice.
struct Begun {
    request: StartRequest,
    duplicates_removed: usize,
}

async fn begin(
    world: &impl World<Ledger = Ledger>,
    public_host: PublicHost,
    request: &Request,
    caller: &Caller,
    wish: Wish,
) -> Result<Begun, Failure> {
    let business = caller.business()?;
    if wish.concurrency == Some(0) {
        let text = Text::BadField("concurrency".to_owned());
        let failure = Failure::new(StatusCode::BAD_REQUEST, "bad_concurrency", text);
        return Err(failure.with("field", "concurrency"));
    }
    let key = request_key(request)?;
    let (leads, duplicates_removed) = match (wish.ids, wish.list) {
        (Some(_), Some(_)) => return Err(Failure::bad_field(wish.list_field)),
        (None, Some(list)) => {
            let found = whole_list(world, request, business, list).await?;
            (found.ok_or_else(|| list_not_found(wish.list_field))?, 0)
        }
        (ids, None) => chosen(ids.unwrap_or_default())?,
    };
    let request = StartRequest {
        leads,
        concurrency: wish.concurrency,
        shape: wish.shape,
        key,
        asked_by: caller.key_id.clone(),
        public_host,
    };
    Ok(Begun {
        request,
        duplicates_removed,
    })
}

/// The chosen leads in the order given, each once.
fn chosen(ids: Vec<u32>) -> Result<(Leads, usize), Failure> {
    if ids.is_empty() {
        let failure = Failure::new(StatusCode::BAD_REQUEST, "no_leads", Text::NoLeads);
        return Err(failure.with("field", "lead_ids"));
    }
    if ids.len() > LEADS_MAX {
        let most = u32::try_from(LEADS_MAX).expect("a hundred thousand fits");
        let text = Text::TooManyLeads { most };
        let failure = Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_leads", text);
        return Err(failure.with("field", "lead_ids"));
    }
    let asked = ids.len();
    let mut seen = BTreeSet::new();
    let mut chosen = Vec::with_capacity(asked);
    for (place, id) in ids.into_iter().enumerate() {
        let lead = LeadId::new(id);
        let lead = lead.ok_or_else(|| Failure::bad_field(&format!("lead_ids[{place}]")))?;
        if seen.insert(lead) {
            chosen.push(lead);
        }
    }
    let duplicates_removed = asked - chosen.len();
    Ok((Leads::Ids(chosen), duplicates_removed))
}

async fn whole_list(
    world: &impl World<Ledger = Ledger>,
    request: &Request,
    business: &BusinessId,
    list: u32,
) -> Result<Option<Leads>, Failure> {
    let Some(list) = ListId::new(list) else {
        return Ok(None);
    };
    let record = world.ledger().list(business, list).await;
    let record = record.map_err(|error| Failure::internal(&error, &request_id(request)))?;
    Ok(record.map(|record| Leads::List {
        list,
        roster: record.roster,
        total: record.count,
    }))
}

fn list_not_found(field: &str) -> Failure {
    let failure = Failure::new(StatusCode::NOT_FOUND, "list_not_found", Text::ListNotFound);
    failure.with("field", field)
}

/// The client's key, and a digest of what it asks for.
fn request_key(request: &Request) -> Result<Option<RequestKey>, Failure> {
    let Some(key) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()) && !key.contains('\t'));
    let key = key
        .ok_or_else(|| Failure::bad_field("idempotency-key"))?
        .to_owned();
    let mut digest = Sha256::new();
    digest.update(request.uri().path().as_bytes());
    digest.update([0]);
    digest.update(body::bytes(request, body::JSON_BYTES_MAX)?);
    Ok(Some(RequestKey {
        key,
        request_digest: digest.finalize().into(),
    }))
}
