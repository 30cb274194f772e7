//! Watches: runs, counts and recent calls. Reads only.

mod calls;
mod describe;
mod recent;
mod runs;

pub use describe::describe;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::BusinessId;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::States;
use ringfence_ledger::Ledger;
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::logging::request_span;
use ringfence_shell::reply::{Failure, empty, json, text};
use ringfence_shell::texts::Language;
use schemars::JsonSchema;
use serde::Serialize;
use tracing::Instrument;

/// Answers the `GET` routes under `/api/outbound/runs`, `/api/outbound/bulk/active`,
/// `/api/outbound_calls/counts` and `/api/outbound/recent-calls`; and `GET /healthz` and
/// `GET /openapi.json`, to anybody.
pub async fn handle(ledger: &Ledger, now: Timestamp, request: Request) -> Response<Body> {
    match request.uri().path() {
        "/healthz" => return empty(StatusCode::OK),
        "/openapi.json" => return described(),
        _ => {}
    }
    let language = Language::of(&request);
    let answer = route(ledger, now, &request)
        .instrument(request_span(&request))
        .await;
    answer.unwrap_or_else(|failure| failure.reply(language))
}

async fn route(
    ledger: &Ledger,
    now: Timestamp,
    request: &Request,
) -> Result<Response<Body>, Failure> {
    let caller = Caller::of(request, Role::Agent)?;
    let business = caller.business()?;
    let desk = Desk {
        ledger,
        business,
        now,
        request,
    };
    match body::segments(request)[..] {
        ["api", "outbound", "runs"] => runs::list(&desk).await,
        ["api", "outbound", "runs", run] => runs::one(&desk, run).await,
        ["api", "outbound", "runs", run, "calls"] => calls::of_run(&desk, run).await,
        ["api", "outbound", "bulk", "active"] => runs::active(&desk).await,
        ["api", "outbound_calls", "counts"] => counts(&desk).await,
        ["api", "outbound", "recent-calls"] => recent::list(&desk).await,
        _ => Err(Failure::not_found()),
    }
}

/// The whole API, described from the types of all its functions when they change, so that
/// this one need not know the others.
fn described() -> Response<Body> {
    let document = include_str!("../openapi.json").to_owned();
    text(StatusCode::OK, "application/json; charset=utf-8", document)
}

/// One request, and where to look for its answer.
struct Desk<'a> {
    ledger: &'a Ledger,
    business: &'a BusinessId,
    now: Timestamp,
    request: &'a Request,
}

impl Desk<'_> {
    /// The state as of now.
    async fn state(&self) -> Result<State, Failure> {
        let stored = self
            .ledger
            .load(self.business)
            .await
            .map_err(|error| self.internal(&error))?;
        stored
            .map(|stored| stored.state)
            .ok_or_else(Failure::not_found)
    }

    /// The state, perhaps as it was a moment ago.
    async fn glance(&self) -> Result<Option<State>, Failure> {
        let stored = self.ledger.glance(self.business).await;
        let stored = stored.map_err(|error| self.internal(&error))?;
        Ok(stored.map(|stored| stored.state))
    }

    fn internal(&self, error: &anyhow::Error) -> Failure {
        Failure::internal(error, &request_id(self.request))
    }
}

#[derive(Serialize, JsonSchema)]
struct Counts {
    active_outbound: u32,
    max_outbound: u32,
}

async fn counts(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let state = desk.state().await?;
    let counts = Counts {
        active_outbound: state.slots_in_use(),
        max_outbound: state.limit,
    };
    Ok(json(StatusCode::OK, &counts))
}
