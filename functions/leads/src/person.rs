//! What is known of one person: the lead's calls, and how all of it is erased.

use http::StatusCode;
use lambda_http::{Body, Response};
use ringfence_core::ids::LeadId;
use ringfence_ledger::{CallCursor, status_word};
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::Text;
use ringfence_shell::times::rfc3339;
use serde::Serialize;

use crate::api::Desk;

#[derive(Serialize)]
struct Calls {
    lead_id: u32,
    has_more: bool,
    next_cursor: Option<String>,
    items: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    call_id: String,
    call_sid: Option<String>,
    run_id: Option<u32>,
    status: &'static str,
    started_at: String,
    ended_at: Option<String>,
    duration: Option<u32>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Erased {
    success: bool,
    /// Whether there was still a lead.
    lead_erased: bool,
    calls_erased: u32,
}

const PAGE_SIZE_DEFAULT: u32 = 50;
const PAGE_SIZE_MAX: u32 = 100;

/// The calls of a lead, newest first; of a lead that was deleted, too.
pub(crate) async fn calls(desk: &Desk<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let lead: LeadId = id.parse().map_err(|_| not_found())?;
    let size: u32 = body::query(desk.request, "page_size")?.unwrap_or(PAGE_SIZE_DEFAULT);
    if !(1..=PAGE_SIZE_MAX).contains(&size) {
        return Err(Failure::bad_field("page_size"));
    }
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

/// Erases a person: the lead with its variables, and name and number in the call records.
///
/// In this order: deletes the lead, so that no further call is claimed for it, and then
/// erases its calls. A crash in between leaves calls, which a repeat erases.
/// Whoever keeps a hash of the number for a do-not-call list must take it before the first.
pub(crate) async fn erase(desk: &Desk<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let lead: LeadId = id.parse().map_err(|_| not_found())?;
    let state = desk.state().await?;
    let known = desk.ledger.lead(desk.business, lead).await;
    let known = known.map_err(|error| desk.internal(&error))?;
    let phone = known.and_then(|known| known.phone);
    // Its end would write the number again.
    if phone.is_some_and(|phone| state.is_in_call(&phone)) {
        let status = StatusCode::CONFLICT;
        return Err(Failure::new(status, "already_in_call", Text::LeadInCall));
    }
    let deleted = desk.ledger.delete_leads(desk.business, &[lead]).await;
    let deleted = deleted.map_err(|error| desk.internal(&error))?;
    let calls = desk.ledger.erase_calls(desk.business, lead).await;
    let calls = calls.map_err(|error| desk.internal(&error))?;
    if deleted == 0 && calls == 0 {
        return Err(not_found());
    }
    Ok(json(
        StatusCode::OK,
        &Erased {
            success: true,
            lead_erased: deleted > 0,
            calls_erased: calls,
        },
    ))
}

fn not_found() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "lead_not_found", Text::LeadNotFound)
}
