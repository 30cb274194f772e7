//! How runs stand. At every read the five counts add up to the total.

use http::{StatusCode, header};
use lambda_http::{Body, Response};
use ringfence_core::ids::RunId;
use ringfence_core::state::{Counts, RunStatus, State};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::Runs;
use ringfence_flows::records::RunRecord;
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, empty, json, with_header};
use ringfence_shell::texts::Text;
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Desk;

#[derive(Serialize, JsonSchema)]
pub(crate) struct RunView {
    run_id: u32,
    #[schemars(extend("enum" = RunStatus::ALL.map(RunStatus::as_str)))]
    status: &'static str,
    queued: u32,
    in_progress: u32,
    completed: u32,
    failed: u32,
    canceled: u32,
    total_leads: u32,
    concurrency: u32,
    last_error: Option<String>,
    created_at: String,
    completed_at: Option<String>,
}

/// How many runs a list has, unless asked otherwise, and at most.
const LIST_DEFAULT: u32 = 20;
pub(crate) const LIST_MAX: u32 = 100;
/// How many records one request reads in search of runs with a status.
const READ_MAX: u32 = 1_000;

/// One run. From the state while it is there; a run leaves it only once its end is filed.
///
/// Whoever has an answer already is told by an eventually consistent read that nothing has
/// changed, a moment ago at least; anything else is told as of now.
pub(crate) async fn one(desk: &Desk<'_>, run: &str) -> Result<Response<Body>, Failure> {
    let run: RunId = run.parse().map_err(|_| not_found())?;
    if desk.request.headers().contains_key(header::IF_NONE_MATCH)
        && let Some(state) = desk.glance().await?
        && let Some(view) = live_view(&state, run, desk.now)
    {
        let tag = etag(json(StatusCode::OK, &view).body());
        if is_known(desk, &tag) {
            return Ok(with_header(
                empty(StatusCode::NOT_MODIFIED),
                header::ETAG,
                &tag,
            ));
        }
    }
    let state = desk.state().await?;
    let view = match live_view(&state, run, desk.now) {
        Some(view) => view,
        None => {
            let record = desk.ledger.run(desk.business, run).await;
            let record = record
                .map_err(|error| desk.internal(&error))?
                .ok_or_else(not_found)?;
            filed_view(&record).ok_or_else(not_found)?
        }
    };
    let response = json(StatusCode::OK, &view);
    let tag = etag(response.body());
    let response = if is_known(desk, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        response
    };
    Ok(with_header(response, header::ETAG, &tag))
}

pub(crate) fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "run_not_found", Text::RunNotFound)
}

/// Whether the client says that it has the answer with this tag.
fn is_known(desk: &Desk<'_>, tag: &str) -> bool {
    let known = desk.request.headers().get(header::IF_NONE_MATCH);
    let mut known = known
        .and_then(|known| known.to_str().ok())
        .into_iter()
        .flat_map(|known| known.split(','));
    known.any(|one| one.trim() == tag || one.trim() == "*")
}

fn etag(body: &Body) -> String {
    let digest = Sha256::digest(body.as_ref());
    let hex: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("W/\"{hex}\"")
}

/// Why a run does not go on, where it is not for want of slots.
fn waits_for(state: &State, queued: u32, now: Timestamp) -> Option<String> {
    let cap = state.caps.per_day.as_ref()?;
    let ends_at = state.capped_until(now).filter(|_| queued > 0)?;
    let (calls, ends_at) = (cap.calls, rfc3339(ends_at));
    Some(format!(
        "Daily cap of {calls} calls reached; the run goes on at {ends_at}"
    ))
}

fn live_view(state: &State, id: RunId, now: Timestamp) -> Option<RunView> {
    let (run, counts, status) = state.run_view(id)?;
    let Counts {
        queued,
        in_progress,
        completed,
        failed,
        canceled,
    } = counts;
    Some(RunView {
        run_id: id.get(),
        status: status.as_str(),
        queued,
        in_progress,
        completed,
        failed,
        canceled,
        total_leads: run.total,
        concurrency: run.concurrency(state.limit),
        last_error: run
            .last_error
            .clone()
            .or_else(|| waits_for(state, queued, now)),
        created_at: rfc3339(run.created_at),
        completed_at: run.over_at.map(rfc3339),
    })
}

fn filed_view(record: &RunRecord) -> Option<RunView> {
    let end = record.end.as_ref()?;
    let Counts {
        queued,
        in_progress,
        completed,
        failed,
        canceled,
    } = end.counts;
    Some(RunView {
        run_id: record.run.get(),
        status: end.status.as_str(),
        queued,
        in_progress,
        completed,
        failed,
        canceled,
        total_leads: record.total,
        concurrency: record.concurrency,
        last_error: end.last_error.clone(),
        created_at: rfc3339(record.created_at),
        completed_at: Some(rfc3339(end.at)),
    })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct List {
    items: Vec<RunView>,
    has_more: bool,
    next_cursor: Option<String>,
}

/// Runs, newest first.
pub(crate) async fn list(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let wanted: Option<String> = body::query(desk.request, "status")?;
    let parse = |word: &String| RunStatus::parse(word).ok_or_else(|| Failure::bad_field("status"));
    let status = wanted.as_ref().map(parse).transpose()?;
    let limit: u32 = body::query(desk.request, "limit")?.unwrap_or(LIST_DEFAULT);
    if !(1..=LIST_MAX).contains(&limit) {
        return Err(Failure::bad_field("limit"));
    }
    let mut before: Option<RunId> = body::query(desk.request, "cursor")?;
    let mut items = Vec::new();
    let mut has_more = true;
    let mut read = 0;
    while has_more && read < READ_MAX {
        // The state first: a run that leaves it afterwards has its end in the record read later.
        let state = desk.state().await?;
        let page = desk.ledger.runs(desk.business, LIST_MAX, before).await;
        let page = page.map_err(|error| desk.internal(&error))?;
        read += LIST_MAX;
        has_more = page.len() == usize::try_from(LIST_MAX).expect("a hundred fits");
        for record in page {
            if items.len() == usize::try_from(limit).expect("checked above") {
                has_more = true;
                read = READ_MAX;
                break;
            }
            before = Some(record.run);
            let view =
                match filed_view(&record).or_else(|| live_view(&state, record.run, desk.now)) {
                    Some(view) => view,
                    // Started since the state was read.
                    None => live_view(&desk.state().await?, record.run, desk.now)
                        .ok_or_else(not_found)?,
                };
            if status.is_none_or(|status| status.as_str() == view.status) {
                items.push(view);
            }
        }
    }
    let next_cursor = before.filter(|_| has_more).map(|run| run.to_string());
    Ok(json(
        StatusCode::OK,
        &List {
            items,
            has_more,
            next_cursor,
        },
    ))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Active {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunView>,
}

/// The newest running run.
pub(crate) async fn active(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let state = desk.state().await?;
    let mut ids = state.runs.keys().rev();
    let run = ids.find_map(|&id| {
        let (_, _, status) = state.run_view(id)?;
        (status == RunStatus::Running)
            .then(|| live_view(&state, id, desk.now))
            .flatten()
    });
    Ok(json(
        StatusCode::OK,
        &Active {
            active: run.is_some(),
            run,
        },
    ))
}
