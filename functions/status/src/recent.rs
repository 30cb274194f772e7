//! The calls of a business, newest first.

use http::StatusCode;
use lambda_http::{Body, Response};
use ringfence_core::ids::RunId;
use ringfence_flows::records::CallRecord;
use ringfence_ledger::{CallCursor, Page as Found, RecentFilter, status_word};
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;

use super::Desk;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Page {
    page: u32,
    page_size: u32,
    has_more: bool,
    next_cursor: Option<String>,
    items: Vec<CallView>,
}

#[derive(Serialize, JsonSchema)]
struct CallView {
    call_id: String,
    call_sid: Option<String>,
    to_number: Option<String>,
    lead_id: Option<u32>,
    lead_name: Option<String>,
    run_id: Option<u32>,
    #[schemars(extend("enum" = STATUSES))]
    status: &'static str,
    started_at: String,
    ended_at: Option<String>,
    duration: Option<u32>,
    error: Option<String>,
    do_not_call_checked_at: Option<String>,
}

/// Pages are counted from the start only so far; a cursor goes on without counting.
pub(crate) const PAGE_MAX: u32 = 100;

/// The words by which recent calls can be filtered.
pub(crate) const STATUSES: [&str; 10] = [
    "unknown",
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "failed",
    "no-answer",
    "canceled",
];

/// One page.
pub(crate) async fn list(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let page: u32 = body::query(desk.request, "page")?.unwrap_or(1);
    let size = body::page_size(desk.request)?;
    if !(1..=PAGE_MAX).contains(&page) {
        return Err(Failure::bad_field("page"));
    }
    let status: Option<String> = body::query(desk.request, "status")?;
    if status
        .as_ref()
        .is_some_and(|word| !STATUSES.contains(&word.as_str()))
    {
        return Err(Failure::bad_field("status"));
    }
    let run: Option<RunId> = body::query(desk.request, "run_id")?;
    let filter = RecentFilter {
        run,
        statuses: status.into_iter().collect(),
    };
    let cursor: Option<CallCursor> = body::query(desk.request, "cursor")?;
    let skipped = if cursor.is_some() { 0 } else { page - 1 };
    let mut found = read(desk, &filter, size, cursor).await?;
    for _ in 0..skipped {
        found = match found.next {
            Some(next) => read(desk, &filter, size, Some(next)).await?,
            None => Found {
                items: Vec::new(),
                next: None,
            },
        };
    }
    if found.items.is_empty() {
        // A business without calls may be no business at all.
        desk.state().await?;
    }
    let items = found.items.iter().map(view).collect();
    let (has_more, next_cursor) = (
        found.next.is_some(),
        found.next.map(|next| next.to_string()),
    );
    Ok(json(
        StatusCode::OK,
        &Page {
            page,
            page_size: size,
            has_more,
            next_cursor,
            items,
        },
    ))
}

async fn read(
    desk: &Desk<'_>,
    filter: &RecentFilter,
    size: u32,
    after: Option<CallCursor>,
) -> Result<Found<CallRecord, CallCursor>, Failure> {
    let page = desk
        .ledger
        .recent_calls(desk.business, filter, size, after)
        .await;
    page.map_err(|error| desk.internal(&error))
}

fn view(record: &CallRecord) -> CallView {
    CallView {
        call_id: record.call.to_string(),
        call_sid: record.sid.as_ref().map(ToString::to_string),
        to_number: record.to.as_ref().map(|to| to.expose().to_owned()),
        lead_id: record.lead.map(|lead| lead.get()),
        lead_name: record.lead_name.clone(),
        run_id: record.job.and_then(|job| job.run()).map(|run| run.get()),
        status: status_word(record.progress),
        started_at: rfc3339(record.call.minted_at()),
        ended_at: record.ended_at.map(rfc3339),
        duration: record.duration_seconds,
        error: record.error.clone(),
        do_not_call_checked_at: record.checked_at.map(rfc3339),
    }
}
