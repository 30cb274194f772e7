//! The routes of leads and lists.

use http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::{BusinessId, LeadId, ListId};
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::States;
use ringfence_flows::world::Office;
use ringfence_ledger::{LeadRecord, Ledger};
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::logging::request_span;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::Language;
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use crate::phones::Region;
use crate::store::Store;
use crate::table::Limits;
use crate::wanted::{Outcome, Search, Wanted};
use crate::{describe, do_not_call, erasure, large, person, upload};

/// Answers the routes under `/api/outbound/import-leads`, `import-lists`, `uploads`, `leads`
/// and `do-not-call`.
pub async fn handle(
    office: &impl Office<Ledger = Ledger>,
    store: &Store,
    leads_max: u32,
    now: Timestamp,
    request: Request,
) -> Response<Body> {
    handle_within(&Limits::STANDARD, office, store, leads_max, now, request).await
}

/// The same for whoever hands over the request itself: no Lambda bounds what it carries.
pub async fn handle_within(
    limits: &Limits,
    office: &impl Office<Ledger = Ledger>,
    store: &Store,
    leads_max: u32,
    now: Timestamp,
    request: Request,
) -> Response<Body> {
    let language = Language::of(&request);
    let answer = route(limits, office, store, leads_max, now, &request, language)
        .instrument(request_span(&request))
        .await;
    answer.unwrap_or_else(|failure| failure.reply(language))
}

async fn route(
    limits: &Limits,
    office: &impl Office<Ledger = Ledger>,
    store: &Store,
    leads_max: u32,
    now: Timestamp,
    request: &Request,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let segments = body::segments(request);
    // Whoever calls leads must see them; only administrators change them, and see whom
    // nobody is to call.
    let is_for_agents = request.method() == Method::GET && segments.get(2) != Some(&"do-not-call");
    let least = if is_for_agents {
        Role::Agent
    } else {
        Role::Admin
    };
    let caller = Caller::of(request, least)?;
    let business = caller.business()?;
    let desk = Desk {
        ledger: office.ledger(),
        store,
        business,
        request,
        limits,
    };
    match (request.method().as_str(), &segments[..]) {
        ("GET", ["api", "outbound", "import-leads"]) => list(&desk, leads_max).await,
        ("POST", ["api", "outbound", "import-leads"]) => {
            upload::import(&desk, leads_max, now, language).await
        }
        ("POST", ["api", "outbound", "uploads"]) => large::open(&desk, now).await,
        ("POST", ["api", "outbound", "import-leads", "bulk-delete"]) => delete_many(&desk).await,
        // API Gateway takes it for a lead's id.
        ("DELETE", ["api", "outbound", "import-leads", "bulk-delete"]) => {
            Err(Failure::method_not_allowed("POST"))
        }
        ("DELETE", ["api", "outbound", "import-leads", id]) => delete_one(&desk, id).await,
        ("GET", ["api", "outbound", "import-lists"]) => lists(&desk).await,
        ("GET", ["api", "outbound", "leads", id, "calls"]) => person::calls(&desk, id).await,
        ("POST", ["api", "outbound", "leads", id, "erase"]) => {
            erasure::of_lead(office, &desk, id, now).await
        }
        ("GET", ["api", "outbound", "do-not-call"]) => do_not_call::list(&desk).await,
        ("POST", ["api", "outbound", "do-not-call"]) => {
            do_not_call::add(office, &desk, &caller.key_id, now, language).await
        }
        ("DELETE", ["api", "outbound", "do-not-call", id]) => do_not_call::remove(&desk, id).await,
        ("POST", ["api", "outbound", "do-not-call", id, "erase"]) => {
            erasure::of_entry(office, &desk, id, now).await
        }
        _ => Err(Failure::not_found()),
    }
}

/// One request, and where its leads are.
pub(crate) struct Desk<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) store: &'a Store,
    pub(crate) business: &'a BusinessId,
    pub(crate) request: &'a Request,
    /// Of the file in it.
    pub(crate) limits: &'a Limits,
}

impl Desk<'_> {
    /// The business's state; 404 if there is no such business.
    pub(crate) async fn state(&self) -> Result<State, Failure> {
        let stored = self
            .ledger
            .load(self.business)
            .await
            .map_err(|error| self.internal(&error))?;
        stored
            .map(|stored| stored.state)
            .ok_or_else(Failure::not_found)
    }

    /// The region whose numbers need no country code; 404 if there is no such business.
    pub(crate) async fn region(&self) -> Result<Region, Failure> {
        let config = self.ledger.config(self.business).await;
        let config = config.map_err(|error| self.internal(&error))?;
        let config = config.ok_or_else(Failure::not_found)?;
        config
            .region
            .parse()
            .map_err(|_| Failure::bad_field("region"))
    }

    pub(crate) fn internal(&self, error: &anyhow::Error) -> Failure {
        Failure::internal(error, &request_id(self.request))
    }
}

async fn delete_one(desk: &Desk<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let lead: LeadId = id.parse().map_err(|_| person::not_found())?;
    let deleted = desk.ledger.delete_leads(desk.business, &[lead]).await;
    match deleted.map_err(|error| desk.internal(&error))? {
        0 => Err(person::not_found()),
        deleted => Ok(json(
            StatusCode::OK,
            &Deleted {
                success: true,
                deleted_count: deleted,
            },
        )),
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(transform = describe::these_or_all)]
pub(crate) struct DeleteBody {
    #[schemars(length(min = 1), inner(range(min = 1)))]
    lead_ids: Option<Vec<u32>>,
    #[serde(default)]
    delete_all: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Deleted {
    success: bool,
    deleted_count: u32,
}

async fn delete_many(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let wanted: DeleteBody = body::json(desk.request)?;
    let deleted = match (wanted.lead_ids, wanted.delete_all) {
        (None, true) => desk.ledger.delete_all_leads(desk.business).await,
        (Some(ids), false) if !ids.is_empty() => {
            let lead = |(place, id): (usize, &u32)| {
                LeadId::new(*id).ok_or_else(|| Failure::bad_field(&format!("lead_ids[{place}]")))
            };
            let leads: Vec<LeadId> = ids.iter().enumerate().map(lead).collect::<Result<_, _>>()?;
            desk.ledger.delete_leads(desk.business, &leads).await
        }
        // Both at once, or nothing at all: nobody should lose leads over a slip.
        (_, _) => return Err(Failure::bad_field("lead_ids")),
    };
    let deleted_count = deleted.map_err(|error| desk.internal(&error))?;
    if deleted_count == 0 {
        // A business without these leads may be no business at all.
        desk.state().await?;
    }
    Ok(json(
        StatusCode::OK,
        &Deleted {
            success: true,
            deleted_count,
        },
    ))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Lists {
    items: Vec<List>,
}

#[derive(Serialize, JsonSchema)]
struct List {
    list_id: u32,
    list_name: String,
    /// How many of its leads there still are.
    count: u32,
    created_at: String,
}

async fn lists(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let lists = desk
        .ledger
        .lists(desk.business)
        .await
        .map_err(|error| desk.internal(&error))?;
    if lists.is_empty() {
        // A business without lists may be no business at all.
        desk.state().await?;
    }
    // After the lists: those that are imported meanwhile are told of the next time.
    let counts = desk.ledger.leads_by_list(desk.business).await;
    let counts = counts.map_err(|error| desk.internal(&error))?;
    let items = lists.into_iter().map(|list| List {
        list_id: list.id.get(),
        list_name: list.name,
        count: counts.get(&list.id).copied().unwrap_or(0),
        created_at: rfc3339(list.created_at),
    });
    Ok(json(
        StatusCode::OK,
        &Lists {
            items: items.collect(),
        },
    ))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Leads {
    total: u32,
    limit: u32,
    page: u32,
    page_size: u32,
    /// Where leads were asked for by outcome, and a business has so many calls that only
    /// those from then on were looked at. Earlier leads without any are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes_since: Option<String>,
    items: Vec<Lead>,
}

#[derive(Serialize, JsonSchema)]
struct Lead {
    id: u32,
    name: String,
    phone: Option<String>,
    #[schemars(extend("enum" = ["in_call", "no_phone", "ready"]))]
    /// `in_call` while a call to its number holds a slot, `no_phone`, or else `ready`.
    status: &'static str,
    notes: Option<String>,
    list_id: u32,
    created_at: String,
}

/// How many leads one request reads at a time in search of its page.
const READ_AT_ONCE: u32 = 500;

async fn list(desk: &Desk<'_>, leads_max: u32) -> Result<Response<Body>, Failure> {
    let page: u32 = body::query(desk.request, "page")?.unwrap_or(1);
    let page_size = body::page_size(desk.request)?;
    if page == 0 {
        return Err(Failure::bad_field("page"));
    }
    let of_list: Option<ListId> = body::query(desk.request, "list_id")?;
    let search: Option<String> = body::query(desk.request, "search")?;
    let outcome: Option<String> = body::query(desk.request, "outcome")?;
    let outcome = Outcome::of(desk, outcome).await?;
    let outcomes_since = outcome.as_ref().and_then(|outcome| outcome.since());
    let wanted = Wanted {
        list: of_list,
        search: search.as_deref().map(Search::of),
        outcome,
    };
    let state = desk.state().await?;
    let first = u64::from(page - 1) * u64::from(page_size);
    let (mut total, mut items, mut after) = (0_u32, Vec::new(), None);
    // Bounded by the leads that a business may have.
    loop {
        let found = desk
            .ledger
            .leads_page(desk.business, after, READ_AT_ONCE)
            .await;
        let found = found.map_err(|error| desk.internal(&error))?;
        for record in found.items {
            if !wanted.is(&record) {
                continue;
            }
            let is_on_page = (first..first + u64::from(page_size)).contains(&u64::from(total));
            total += 1;
            if is_on_page {
                let is_in_call = record
                    .phone
                    .as_ref()
                    .is_some_and(|phone| state.is_in_call(phone));
                items.push(lead(record, is_in_call));
            }
        }
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    Ok(json(
        StatusCode::OK,
        &Leads {
            total,
            limit: leads_max,
            page,
            page_size,
            outcomes_since: outcomes_since.map(rfc3339),
            items,
        },
    ))
}

fn lead(record: LeadRecord, is_in_call: bool) -> Lead {
    let status = match (&record.phone, is_in_call) {
        (None, _) => "no_phone",
        (Some(_), true) => "in_call",
        (Some(_), false) => "ready",
    };
    Lead {
        id: record.id.get(),
        name: record.name,
        phone: record.phone.map(|phone| phone.expose().to_owned()),
        status,
        notes: record.notes,
        list_id: record.list.get(),
        created_at: rfc3339(record.created_at),
    }
}
