//! Erases people, each found by a lead or by an entry of the do-not-call list.

use http::StatusCode;
use lambda_http::{Body, Response};
use ringfence_core::ids::LeadId;
use ringfence_core::time::Timestamp;
use ringfence_flows::business::Heeded;
use ringfence_flows::world::Office;
use ringfence_ledger::{EntryId, Erasure, Ledger, Sought};
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::Text;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::Desk;
use crate::do_not_call::heed;
use crate::person;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Erased {
    success: bool,
    /// Whether nothing is left. If something is, or may be, the same request erases more.
    complete: bool,
    /// Whether there was still a lead.
    lead_erased: bool,
    /// From how many calls name and number were taken now.
    calls_erased: u32,
}

/// Erases whom a lead is or was, and whatever else is known of the number.
pub(crate) async fn of_lead(
    office: &impl Office<Ledger = Ledger>,
    desk: &Desk<'_>,
    id: &str,
    now: Timestamp,
) -> Result<Response<Body>, Failure> {
    let lead: LeadId = id.parse().map_err(|_| person::not_found())?;
    let state = desk.state().await?;
    let sought = desk.ledger.erasure_of_lead(desk.business, &state, lead);
    match sought.await.map_err(|error| desk.internal(&error))? {
        Sought::Found(erasure) => erase(office, desk, &erasure, now).await,
        Sought::Nobody => Err(person::not_found()),
        Sought::Further => Ok(told(Left::Something, 0, 0)),
    }
}

/// Erases whoever has the number of an entry, which bars it all the same.
pub(crate) async fn of_entry(
    office: &impl Office<Ledger = Ledger>,
    desk: &Desk<'_>,
    id: &str,
    now: Timestamp,
) -> Result<Response<Body>, Failure> {
    let id: EntryId = id.parse().map_err(|_| Failure::not_found())?;
    desk.state().await?;
    let sought = desk.ledger.erasure_of_entry(desk.business, &id).await;
    match sought.map_err(|error| desk.internal(&error))? {
        Sought::Found(erasure) => erase(office, desk, &erasure, now).await,
        Sought::Nobody => Err(Failure::not_found()),
        Sought::Further => Ok(told(Left::Something, 0, 0)),
    }
}

/// Erases a person: the leads with their variables, name and number in the call records,
/// and what the do-not-call list says, where the hash stays and goes on barring the number.
///
/// In this order:
/// 1. Refuses while a call is live: whoever places it has yet to note to whom it is.
/// 2. Writes down whose number it is; then a crash at any point leaves the rest to a repeat.
/// 3. Forgets the entry and deletes the leads.
/// 4. Raises the revision of the do-not-call list. A claim that was decided while there was
///    still a lead is refused from now on, and decided again without it; those that came
///    before are in the state.
/// 5. Looks at the state again, and refuses as before.
/// 6. Stops if somebody at work may still bring the person back: an import, or a late note.
/// 7. Erases the calls, as many as one request may read. What is noted of these later
///    names nobody.
async fn erase(
    office: &impl Office<Ledger = Ledger>,
    desk: &Desk<'_>,
    erasure: &Erasure,
    now: Timestamp,
) -> Result<Response<Body>, Failure> {
    let (ledger, business) = (desk.ledger, desk.business);
    let internal = |error: anyhow::Error| desk.internal(&error);
    refuse_while_in_call(desk, erasure).await?;
    let begun = ledger.begin_erasure(business, erasure).await;
    begun.map_err(internal)?;
    let leads = ledger.erase_leads(business, erasure, now).await;
    let leads = leads.map_err(internal)?;
    match heed(office, desk).await? {
        Heeded::Yes => {}
        Heeded::NoSuchBusiness => return Err(Failure::not_found()),
    }
    refuse_while_in_call(desk, erasure).await?;
    let may_be_noted = ledger.may_be_noted(business, erasure, now).await;
    if may_be_noted.map_err(internal)? || !leads.is_complete {
        return Ok(told(Left::Something, leads.count, 0));
    }
    let calls = ledger.erase_calls(business, erasure, now).await;
    let calls = calls.map_err(internal)?;
    let left = match calls.is_complete {
        true => Left::Nothing,
        false => Left::Something,
    };
    Ok(told(left, leads.count, calls.count))
}

/// As of now.
async fn refuse_while_in_call(desk: &Desk<'_>, erasure: &Erasure) -> Result<(), Failure> {
    let state = desk.state().await?;
    let is_in_call = desk
        .ledger
        .is_person_in_call(desk.business, &state, erasure)
        .await;
    if is_in_call.map_err(|error| desk.internal(&error))? {
        let status = StatusCode::CONFLICT;
        return Err(Failure::new(status, "already_in_call", Text::LeadInCall));
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Left {
    Nothing,
    Something,
}

fn told(left: Left, leads: u32, calls: u32) -> Response<Body> {
    let answer = Erased {
        success: true,
        complete: left == Left::Nothing,
        lead_erased: leads > 0,
        calls_erased: calls,
    };
    json(StatusCode::OK, &answer)
}
