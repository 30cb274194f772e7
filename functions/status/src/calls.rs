//! Every lead of a run with what became of it, those still waiting included.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderName, StatusCode};
use lambda_http::{Body, Response};
use ringfence_core::call::Job;
use ringfence_core::ids::{LeadId, RunId};
use ringfence_core::state::{RunStatus, State};
use ringfence_flows::ledger::{Rosters, Runs};
use ringfence_flows::records::{CallRecord, Lead, Progress, RunRecord};
use ringfence_ledger::status_word;
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json, text, with_header};
use ringfence_shell::spreadsheet::harmless;
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;

use super::Desk;
use super::runs::not_found;

/// How many leads one answer has, unless asked otherwise, and at most: below the 6 MB
/// that Lambda can answer.
const ROWS_DEFAULT: u32 = 10_000;
pub(crate) const ROWS_MAX: u32 = 20_000;

/// What can have become of a lead in a run.
const JOB_STATES: [&str; 6] = [
    "queued",
    "dialing",
    "calling",
    "completed",
    "failed",
    "canceled",
];

#[derive(Serialize, JsonSchema)]
pub(crate) struct Rows {
    run_id: u32,
    total_leads: u32,
    next_cursor: Option<String>,
    items: Vec<Row>,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    position: u32,
    lead_id: u32,
    lead_name: Option<String>,
    to_number: Option<String>,
    #[schemars(extend("enum" = JOB_STATES))]
    status: &'static str,
    call_status: Option<&'static str>,
    call_id: Option<String>,
    call_sid: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    duration: Option<u32>,
    error: Option<String>,
    do_not_call_checked_at: Option<String>,
}

/// The leads of a run in dial order, as JSON or CSV.
pub(crate) async fn of_run(desk: &Desk<'_>, run: &str) -> Result<Response<Body>, Failure> {
    let run: RunId = run.parse().map_err(|_| not_found())?;
    let format: Option<String> = body::query(desk.request, "format")?;
    let first: u32 = body::query(desk.request, "cursor")?.unwrap_or(0);
    let limit: u32 = body::query(desk.request, "limit")?.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Failure::bad_field("limit"));
    }
    // The state before the records: a call that ends in between is then in its record.
    let state = desk.state().await?;
    let record = desk.ledger.run(desk.business, run).await;
    let record = record
        .map_err(|error| desk.internal(&error))?
        .ok_or_else(not_found)?;
    let end = record.total.min(first.saturating_add(limit));
    let rows = rows(desk, &state, &record, first..end).await?;
    let next_cursor = (end < record.total).then(|| end.to_string());
    match format.as_deref() {
        None | Some("json") => {
            let (run_id, total_leads) = (run.get(), record.total);
            Ok(json(
                StatusCode::OK,
                &Rows {
                    run_id,
                    total_leads,
                    next_cursor,
                    items: rows,
                },
            ))
        }
        Some("csv") => {
            let answer = text(StatusCode::OK, "text/csv; charset=utf-8", csv_of(&rows));
            let name = format!("attachment; filename=\"run-{run}.csv\"");
            let answer = with_header(answer, http::header::CONTENT_DISPOSITION, &name);
            Ok(match next_cursor {
                Some(cursor) => {
                    with_header(answer, HeaderName::from_static("x-next-cursor"), &cursor)
                }
                None => answer,
            })
        }
        Some(_) => Err(Failure::bad_field("format")),
    }
}

async fn rows(
    desk: &Desk<'_>,
    state: &State,
    record: &RunRecord,
    positions: std::ops::Range<u32>,
) -> Result<Vec<Row>, Failure> {
    let positions: Vec<u32> = positions.collect();
    let by_position = calls_by_position(desk, record).await?;
    let leads = desk.ledger.roster_leads(record.roster, &positions).await;
    let leads = leads.map_err(|error| desk.internal(&error))?;
    let known = desk.ledger.leads(desk.business, &leads).await;
    let known = known.map_err(|error| desk.internal(&error))?;
    let known: BTreeMap<LeadId, Lead> = known.into_iter().map(|lead| (lead.id, lead)).collect();
    let live: BTreeSet<u32> = state
        .active
        .values()
        .filter_map(|lease| match lease.job {
            Job::OfRun { run, index } if run == record.run => Some(index),
            Job::OfRun { .. } | Job::Direct { .. } => None,
        })
        .collect();
    let row = |(position, lead): (&u32, LeadId)| {
        let call = by_position.get(position);
        let waiting = waiting(state, record, &live, *position);
        row(record, *position, lead, known.get(&lead), call, waiting)
    };
    Ok(positions.iter().zip(leads).map(row).collect())
}

async fn calls_by_position(
    desk: &Desk<'_>,
    record: &RunRecord,
) -> Result<BTreeMap<u32, CallRecord>, Failure> {
    let RunRecord {
        run, created_at, ..
    } = *record;
    let over_at = record.end.as_ref().map(|end| end.at);
    let mut by_position = BTreeMap::new();
    let mut after = None;
    // Bounded by the calls that were claimed while the run lasted.
    loop {
        let page = desk
            .ledger
            .calls_of_run(desk.business, run, created_at, over_at, after)
            .await;
        let page = page.map_err(|error| desk.internal(&error))?;
        for call in page.items {
            // A lead that was given back has a call id for each try; the last one counts.
            if let Some(Job::OfRun { index, .. }) = call.job {
                by_position.insert(index, call);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(by_position);
        }
    }
}

/// What a position without a call record is doing.
fn waiting(state: &State, record: &RunRecord, live: &BTreeSet<u32>, position: u32) -> &'static str {
    if live.contains(&position) {
        return "dialing";
    }
    let run = state.runs.get(&record.run);
    let is_queued = run.is_some_and(|run| position >= run.next || run.returned.contains(&position));
    if is_queued {
        return "queued";
    }
    let status = match (state.run_view(record.run), &record.end) {
        (Some((_, _, status)), _) => status,
        (None, Some(end)) => end.status,
        (None, None) => RunStatus::Running,
    };
    match status {
        RunStatus::Stopping | RunStatus::Stopped | RunStatus::Failed => "canceled",
        // It was called, and what became of it could not be written down.
        RunStatus::Running | RunStatus::Completed => "failed",
    }
}

fn row(
    record: &RunRecord,
    position: u32,
    lead: LeadId,
    known: Option<&Lead>,
    call: Option<&CallRecord>,
    waiting: &'static str,
) -> Row {
    let job_status = match call.map(|call| call.progress) {
        None => waiting,
        Some(Progress::Over(outcome, _)) => outcome.as_str(),
        // Its end was counted, and could not be written down.
        Some(Progress::Unknown | Progress::Live(_)) if record.end.is_some() => "failed",
        Some(Progress::Unknown | Progress::Live(_)) => "calling",
    };
    let number = call
        .and_then(|call| call.to.as_ref())
        .or_else(|| known.and_then(|lead| lead.phone.as_ref()));
    Row {
        position,
        lead_id: lead.get(),
        lead_name: known
            .map(|lead| lead.name.clone())
            .or_else(|| call.and_then(|call| call.lead_name.clone())),
        to_number: number.map(|number| number.expose().to_owned()),
        status: job_status,
        call_status: call.map(|call| status_word(call.progress)),
        call_id: call.map(|call| call.call.to_string()),
        call_sid: call
            .and_then(|call| call.sid.as_ref())
            .map(ToString::to_string),
        started_at: call.map(|call| rfc3339(call.call.minted_at())),
        ended_at: call.and_then(|call| call.ended_at).map(rfc3339),
        duration: call.and_then(|call| call.duration_seconds),
        error: call.and_then(|call| call.error.clone()),
        do_not_call_checked_at: call.and_then(|call| call.checked_at).map(rfc3339),
    }
}

/// The rows as CSV with a byte order mark, so that spreadsheets read it as UTF-8.
fn csv_of(rows: &[Row]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "position",
        "lead_id",
        "lead_name",
        "to_number",
        "status",
        "call_status",
        "call_id",
        "call_sid",
        "started_at",
        "ended_at",
        "duration",
        "error",
        "do_not_call_checked_at",
    ];
    writer
        .write_record(header)
        .expect("writing to memory succeeds");
    for row in rows {
        let texts = [
            row.position.to_string(),
            row.lead_id.to_string(),
            row.lead_name.clone().unwrap_or_default(),
            row.to_number.clone().unwrap_or_default(),
            row.status.to_owned(),
            row.call_status.unwrap_or_default().to_owned(),
            row.call_id.clone().unwrap_or_default(),
            row.call_sid.clone().unwrap_or_default(),
            row.started_at.clone().unwrap_or_default(),
            row.ended_at.clone().unwrap_or_default(),
            row.duration
                .map(|seconds| seconds.to_string())
                .unwrap_or_default(),
            row.error.clone().unwrap_or_default(),
            row.do_not_call_checked_at.clone().unwrap_or_default(),
        ];
        writer
            .write_record(texts.map(|text| harmless(&text)))
            .expect("writing to memory succeeds");
    }
    let bytes = writer.into_inner().expect("writing to memory succeeds");
    format!(
        "\u{feff}{}",
        String::from_utf8(bytes).expect("every cell is UTF-8")
    )
}
