//! What is known of one person: the lead's calls.

use http::StatusCode;
use lambda_http::{Body, Response};
use ringfence_core::ids::LeadId;
use ringfence_ledger::{CallCursor, status_word};
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::Text;
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::Desk;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Calls {
    lead_id: u32,
    has_more: bool,
    next_cursor: Option<String>,
    items: Vec<Call>,
}

#[derive(Serialize, JsonSchema)]
struct Call {
    call_id: String,
    call_sid: Option<String>,
    run_id: Option<u32>,
    status: &'static str,
    started_at: String,
    ended_at: Option<String>,
    duration: Option<u32>,
    error: Option<String>,
    do_not_call_checked_at: Option<String>,
}

/// The calls of a lead, newest first; of a lead that was deleted, too.
pub(crate) async fn calls(desk: &Desk<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let lead: LeadId = id.parse().map_err(|_| not_found())?;
    let size = body::page_size(desk.request)?;
    let cursor: Option<CallCursor> = body::query(desk.request, "cursor")?;
    // Of a business that is being deleted some calls may still be there.
    desk.state().await?;
    let found = desk
        .ledger
        .calls_of_lead(desk.business, lead, size, cursor)
        .await
        .map_err(|error| desk.internal(&error))?;
    if found.items.is_empty() && found.next.is_none() && cursor.is_none() {
        let known = desk.ledger.lead(desk.business, lead).await;
        known
            .map_err(|error| desk.internal(&error))?
            .ok_or_else(not_found)?;
    }
    let items = found.items.iter().map(|record| Call {
        call_id: record.call.to_string(),
        call_sid: record.sid.as_ref().map(ToString::to_string),
        run_id: record.job.and_then(|job| job.run()).map(|run| run.get()),
        status: status_word(record.progress),
        started_at: rfc3339(record.call.minted_at()),
        ended_at: record.ended_at.map(rfc3339),
        duration: record.duration_seconds,
        error: record.error.clone(),
        do_not_call_checked_at: record.checked_at.map(rfc3339),
    });
    Ok(json(
        StatusCode::OK,
        &Calls {
            lead_id: lead.get(),
            has_more: found.next.is_some(),
            next_cursor: found.next.map(|next| next.to_string()),
            items: items.collect(),
        },
    ))
}

pub(crate) fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "lead_not_found", Text::LeadNotFound)
}
