//! What a client is told of a start.

use std::time::Duration;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::{BusinessId, RunId};
use ringfence_flows::start::{
    DirectAnswer, DirectOutcome, NO_PUBLIC_HOST, StartAnswer, count_do_not_call, start,
};
use ringfence_flows::tally::Tally;
use ringfence_flows::world::World;
use ringfence_ledger::Ledger;
use ringfence_shell::caller::request_id;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::{Language, Text};
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;
use tracing::warn;

use super::Begun;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Calls {
    success: bool,
    message: String,
    calls: Vec<Call>,
    #[serde(skip_serializing_if = "is_zero")]
    duplicates_removed: usize,
}

#[derive(Serialize, JsonSchema)]
struct Call {
    lead_id: u32,
    lead_name: String,
    call_id: Option<String>,
    call_sid: Option<String>,
    #[schemars(extend("enum" = ["initiated", "failed", "unknown"]))]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Run {
    success: bool,
    message: String,
    run_id: u32,
    queued: u32,
    #[schemars(extend("const" = "bulk_queue"))]
    mode: &'static str,
    /// How many of the leads are on the do-not-call list by now; absent if that could not
    /// be found out within a few seconds, as of the longest lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    do_not_call: Option<u32>,
    #[serde(skip_serializing_if = "is_zero")]
    duplicates_removed: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How often a repeated request looks whether the calls of the first are placed, and how
/// long it waits in between. Together less than a client's patience.
const LOOKS_MAX: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// How long the leads of a run that are not to be called are counted. A hundred thousand
/// take longer, and API Gateway gives up after half a minute, while the run goes on.
const COUNTED_WITHIN: Duration = Duration::from_secs(4);

/// Starts, and answers with calls or with a run.
pub(crate) async fn calls(
    world: &impl World<Ledger = Ledger>,
    request: &Request,
    business: &BusinessId,
    begun: Begun,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    let language = Language::of(request);
    for look in 1.. {
        let answer = go(world, request, business, &begun, tally).await?;
        let is_last = look >= LOOKS_MAX;
        match answer {
            StartAnswer::CallsAgain(calls) if !is_last && calls.iter().any(is_unclear) => {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            StartAnswer::Calls(calls) | StartAnswer::CallsAgain(calls) => {
                return Ok(direct(&calls, begun.duplicates_removed, language));
            }
            answer => return run_or_failure(world, business, &begun, answer, language).await,
        }
    }
    unreachable!("the last look returns")
}

/// Starts, and answers with a run.
pub(crate) async fn run(
    world: &impl World<Ledger = Ledger>,
    request: &Request,
    business: &BusinessId,
    begun: Begun,
    tally: &mut Tally,
) -> Result<Response<Body>, Failure> {
    let language = Language::of(request);
    let answer = go(world, request, business, &begun, tally).await?;
    run_or_failure(world, business, &begun, answer, language).await
}

async fn go(
    world: &impl World<Ledger = Ledger>,
    request: &Request,
    business: &BusinessId,
    begun: &Begun,
    tally: &mut Tally,
) -> Result<StartAnswer, Failure> {
    let answer = start(world, business, &begun.request, tally).await;
    answer.map_err(|error| Failure::internal(&error, &request_id(request)))
}

fn is_unclear(answer: &DirectAnswer) -> bool {
    answer.outcome == DirectOutcome::Unknown
}

fn direct(calls: &[DirectAnswer], duplicates_removed: usize, language: Language) -> Response<Body> {
    let is_started = |answer: &&DirectAnswer| match answer.outcome {
        // A phone may be ringing: nobody should press start again.
        DirectOutcome::Initiated(_) | DirectOutcome::Unknown => true,
        DirectOutcome::LeadFailed(_) | DirectOutcome::CarrierFailed(_) => false,
    };
    let is_carrier =
        |answer: &DirectAnswer| matches!(answer.outcome, DirectOutcome::CarrierFailed(_));
    let started = calls.iter().filter(is_started).count();
    let status = match started {
        0 if calls.iter().any(is_carrier) => StatusCode::BAD_GATEWAY,
        0 => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let message = Text::CallsStarted {
        started,
        asked: calls.len(),
    }
    .say(language);
    let calls = calls.iter().map(|answer| call(answer, language)).collect();
    json(
        status,
        &Calls {
            success: started > 0,
            message,
            calls,
            duplicates_removed,
        },
    )
}

fn call(answer: &DirectAnswer, language: Language) -> Call {
    let say = |text: Text| Some(text.say(language));
    let (status, error, code) = match &answer.outcome {
        DirectOutcome::Initiated(_) => ("initiated", None, None),
        DirectOutcome::LeadFailed(code) => (
            "failed",
            Some(lead_error(code, language)),
            Some(code.clone()),
        ),
        DirectOutcome::CarrierFailed(code) => {
            ("failed", say(Text::CarrierFailed), Some(code.clone()))
        }
        DirectOutcome::Unknown => ("unknown", say(Text::Unconfirmed), None),
    };
    let call_sid = match &answer.outcome {
        DirectOutcome::Initiated(sid) => Some(sid.to_string()),
        DirectOutcome::LeadFailed(_) | DirectOutcome::CarrierFailed(_) | DirectOutcome::Unknown => {
            None
        }
    };
    Call {
        lead_id: answer.lead.get(),
        lead_name: answer.lead_name.clone(),
        call_id: answer.call.map(|call| call.to_string()),
        call_sid,
        status,
        error,
        code,
    }
}

fn lead_error(code: &str, language: Language) -> String {
    match code {
        "no_phone" => Text::NoPhone.say(language),
        "lead_deleted" => Text::LeadDeleted.say(language),
        "do_not_call" => Text::DoNotCall.say(language),
        "destination_not_allowed" => Text::DestinationNotAllowed.say(language),
        // The contract has this word itself where a text stands otherwise.
        "already_in_call" => code.to_owned(),
        _ => Text::LeadFailed.say(language),
    }
}

async fn run_or_failure(
    world: &impl World<Ledger = Ledger>,
    business: &BusinessId,
    begun: &Begun,
    answer: StartAnswer,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let duplicates_removed = begun.duplicates_removed;
    match answer {
        StartAnswer::Run {
            run,
            total,
            concurrency,
        } => {
            // The run is started, whatever this says. It only reads, so it may be cut short.
            let counting = count_do_not_call(world, business, &begun.request.leads);
            let do_not_call = match timeout(COUNTED_WITHIN, counting).await {
                Ok(counted) => counted
                    .inspect_err(|error| {
                        warn!(business.id = %business, "failed to count leads not to be called: {error:#}");
                    })
                    .ok(),
                Err(_elapsed) => None,
            };
            let message = Text::RunStarted { total, concurrency }.say(language);
            let (run_id, mode) = (run.get(), "bulk_queue");
            let run = Run {
                success: true,
                message,
                run_id,
                queued: total,
                mode,
                do_not_call,
                duplicates_removed,
            };
            Ok(json(StatusCode::CREATED, &run))
        }
        StartAnswer::Calls(calls) | StartAnswer::CallsAgain(calls) => {
            Ok(direct(&calls, duplicates_removed, language))
        }
        refusal => Err(failure(refusal)),
    }
}

/// Why nothing was started.
fn failure(refusal: StartAnswer) -> Failure {
    match refusal {
        StartAnswer::Run { .. } | StartAnswer::Calls(_) | StartAnswer::CallsAgain(_) => {
            unreachable!("what was started is no failure")
        }
        StartAnswer::SlotsBusy {
            active,
            limit,
            available,
        } => {
            let text = match available {
                0 => Text::SlotsBusy { limit },
                _ => Text::OnlyFree { available },
            };
            Failure::new(StatusCode::TOO_MANY_REQUESTS, "slots_busy", text)
                .with("active", active)
                .with("limit", limit)
                .with("available", available)
        }
        StartAnswer::LeadsMissing(missing) => {
            let missing: Vec<Value> = missing.iter().map(|lead| lead.get().into()).collect();
            Failure::new(
                StatusCode::NOT_FOUND,
                "leads_not_found",
                Text::LeadsNotFound,
            )
            .with("missing", missing)
        }
        StartAnswer::NoSuchBusiness => Failure::not_found(),
        StartAnswer::NoCallerId => Failure::new(
            StatusCode::BAD_REQUEST,
            "no_business_phone",
            Text::NoBusinessPhone,
        ),
        StartAnswer::BadConcurrency { limit } => {
            let text = Text::BadConcurrency { limit };
            Failure::new(StatusCode::BAD_REQUEST, "bad_concurrency", text)
                .with("field", "concurrency")
                .with("limit", limit)
        }
        StartAnswer::TooManyRuns { most } => {
            let text = Text::TooManyRuns { most };
            Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_runs", text).with("most", most)
        }
        StartAnswer::TooManyLeads { most } => {
            let text = Text::TooManyLeads { most };
            Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_leads", text).with("most", most)
        }
        StartAnswer::DailyCap { left, ends_at } => {
            let text = Text::DailyCap { left };
            Failure::new(StatusCode::TOO_MANY_REQUESTS, "daily_cap", text)
                .with("left", left)
                .with("resets_at", rfc3339(ends_at))
        }
        StartAnswer::NoPublicHost { run } => no_public_host(run),
        StartAnswer::KeyReused => Failure::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            Text::KeyReused,
        ),
    }
}

fn no_public_host(run: Option<RunId>) -> Failure {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let failure = Failure::new(status, "no_public_host", Text::NoPublicHost);
    let failure = failure.with("last_error", NO_PUBLIC_HOST);
    match run {
        Some(run) => failure.with("run_id", run.get()),
        None => failure,
    }
}
