//! Deletes a business: first so that nothing finds it any more, then what it leaves behind.

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::BusinessId;
use ringfence_flows::ledger::States;
use ringfence_flows::world::Office;
use ringfence_ledger::{Ledger, Mark, Rest};
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::Text;
use schemars::JsonSchema;
use serde::Serialize;
use tracing::info;

/// How many records one request deletes, of the 29 s that it has: one partition takes a thousand
/// write units a second, and a lead with every variable filled is six.
const RECORDS_MAX: usize = 3_000;
/// How often another write of the state may be first.
const ATTEMPTS_MAX: u32 = 8;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Deleted {
    success: bool,
    /// Whether nothing is left. If something is, the same request deletes more of it.
    complete: bool,
}

/// Deletes a business for a `system_admin`, unless calls are live or runs under way.
///
/// In this order: marks the business, after which everything of it is 404; deletes its
/// keys; deletes its records, a bounded number. A crash after each leaves the rest, which
/// is out of reach, to the same request, sent again.
pub(crate) async fn delete(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
    id: &str,
) -> Result<Response<Body>, Failure> {
    let caller = Caller::of(request, Role::SystemAdmin)?;
    let business = caller.business_of(id)?;
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    let marking = mark(office, &business).await.map_err(internal)?;
    match marking {
        Marking::Now => {
            info!(business.id = %business, key.id = caller.key_id, "business {business} was deleted");
        }
        Marking::Before => {}
        Marking::Busy { calls, runs } => {
            let (status, code) = (StatusCode::CONFLICT, "business_busy");
            let failure = Failure::new(status, code, Text::BusinessBusy);
            return Err(failure.with("active", calls).with("runs", runs));
        }
        Marking::NoSuchBusiness => return Err(Failure::not_found()),
    }
    let rest = office.ledger().delete_rest(&business, RECORDS_MAX).await;
    let complete = match (rest.map_err(internal)?, marking) {
        // There was nothing left to delete: it is as if the business had never been.
        (Rest::Nothing { deleted: 0 }, Marking::Before) => return Err(Failure::not_found()),
        (Rest::Nothing { .. }, _) => true,
        (Rest::Something, _) => false,
    };
    Ok(json(
        StatusCode::OK,
        &Deleted {
            success: true,
            complete,
        },
    ))
}

/// What became of the wish to delete a business.
#[derive(Debug, Clone, Copy)]
enum Marking {
    Now,
    Before,
    Busy { calls: usize, runs: usize },
    NoSuchBusiness,
}

async fn mark(
    office: &impl Office<Ledger = Ledger>,
    business: &BusinessId,
) -> anyhow::Result<Marking> {
    let ledger = office.ledger();
    for _ in 0..ATTEMPTS_MAX {
        let Some(stored) = ledger.load(business).await? else {
            return Ok(if ledger.is_deleted(business).await? {
                Marking::Before
            } else {
                Marking::NoSuchBusiness
            });
        };
        let (calls, runs) = (stored.state.active.len(), stored.state.runs.len());
        if calls + runs > 0 {
            return Ok(Marking::Busy { calls, runs });
        }
        match ledger
            .mark_deleted(business, stored.rev, office.now())
            .await?
        {
            Mark::Marked => return Ok(Marking::Now),
            Mark::Stale => {}
        }
    }
    anyhow::bail!("the state of business {business} kept changing")
}
