//! Stops runs, and settles silent calls when somebody asks.

mod describe;

pub use describe::describe;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::RunId;
use ringfence_core::stop::LiveCalls;
use ringfence_flows::cleanup::{CleanupAnswer, cleanup};
use ringfence_flows::ledger::States;
use ringfence_flows::stop::{StopAnswer, stop_run};
use ringfence_flows::tally::Tally;
use ringfence_flows::world::World;
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::logging::request_span;
use ringfence_shell::metrics::{EmbeddedMetrics, Figures, Metric};
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::{Language, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

/// Answers `POST /api/outbound/stop-queue` and `POST /api/outbound/cleanup-stuck-jobs`.
pub async fn handle(
    world: &impl World,
    metrics: &EmbeddedMetrics,
    request: Request,
) -> Response<Body> {
    let mut tally = Tally::default();
    let answer = route(world, &request, &mut tally)
        .instrument(request_span(&request))
        .await;
    let mut figures = Figures::default();
    figures.add(&tally);
    // No report is read here: whatever ended was asked about.
    figures.count(Metric::LeasesSettled, tally.ended.len() as u64);
    figures.about("request.id", request_id(&request));
    metrics.write(figures, world.now());
    answer.unwrap_or_else(|failure| failure.reply(Language::of(&request)))
}

async fn route(
    world: &impl World,
    request: &Request,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    match body::segments(request)[..] {
        ["api", "outbound", "stop-queue"] => stop(world, request, tally).await,
        ["api", "outbound", "cleanup-stuck-jobs"] => clean(world, request, tally).await,
        _ => Err(Failure::not_found()),
    }
}

#[derive(Deserialize, JsonSchema)]
struct StopBody {
    #[schemars(with = "u32", range(min = 1))]
    run_id: Option<u32>,
    /// Ends the live calls too.
    #[serde(default)]
    hang_up: bool,
}

#[derive(Serialize, JsonSchema)]
struct Stopped {
    success: bool,
    message: String,
    cancelled_jobs: u32,
    in_progress: u32,
}

async fn stop(
    world: &impl World,
    request: &Request,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    let language = Language::of(request);
    let caller = Caller::of(request, Role::Agent)?;
    let business = caller.business()?;
    let wanted: StopBody = body::json(request)?;
    let Some(run) = wanted.run_id else {
        let failure = Failure::new(
            StatusCode::BAD_REQUEST,
            "missing_run_id",
            Text::MissingRunId,
        );
        return Err(failure.with("field", "run_id"));
    };
    let not_found = || Failure::new(StatusCode::NOT_FOUND, "run_not_found", Text::RunNotFound);
    let run = RunId::new(run).ok_or_else(not_found)?;
    let live_calls = if wanted.hang_up {
        LiveCalls::HangUp
    } else {
        LiveCalls::Finish
    };
    let answer = stop_run(world, business, run, live_calls, tally).await;
    let answer = answer.map_err(|error| Failure::internal(&error, &request_id(request)))?;
    let (text, canceled, in_progress) = match answer {
        StopAnswer::Stopped {
            canceled,
            in_progress,
        } => (Text::RunStopped { canceled }, canceled, in_progress),
        StopAnswer::AlreadyOver {
            status,
            in_progress,
        } => (Text::RunAlreadyOver(status), 0, in_progress),
        StopAnswer::NotFound => return Err(not_found()),
    };
    let message = text.say(language);
    let answer = Stopped {
        success: true,
        message,
        cancelled_jobs: canceled,
        in_progress,
    };
    Ok(json(StatusCode::OK, &answer))
}

#[derive(Serialize, JsonSchema)]
struct Cleaned {
    success: bool,
    cleaned_count: u32,
    message: String,
    still_live: u32,
    undecided: u32,
}

async fn clean(
    world: &impl World,
    request: &Request,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    let language = Language::of(request);
    let caller = Caller::of(request, Role::Admin)?;
    let business = caller.business()?;
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    // A key is remembered for a moment after its business was deleted, and a system
    // administrator or a token may name any.
    let stored = world.ledger().load(business).await.map_err(internal)?;
    if stored.is_none() {
        return Err(Failure::not_found());
    }
    match cleanup(world, business, tally).await.map_err(internal)? {
        CleanupAnswer::Done {
            cleaned,
            still_live,
            undecided,
        } => {
            let message = Text::Cleaned(cleaned).say(language);
            let answer = Cleaned {
                success: true,
                cleaned_count: cleaned,
                message,
                still_live,
                undecided,
            };
            Ok(json(StatusCode::OK, &answer))
        }
        CleanupAnswer::NotBefore(then) => {
            let wait = then.since(world.now()).as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(wait).unwrap_or(60);
            let status = StatusCode::TOO_MANY_REQUESTS;
            let failure = Failure::new(status, "cleanup_too_soon", Text::CleanupTooSoon);
            Err(failure.with("retry_after", seconds))
        }
    }
}
