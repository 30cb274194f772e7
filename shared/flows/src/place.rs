//! Places claimed calls and records what the carrier answered.

use futures::future::join_all;
use ringfence_core::call::{CallStatus, Job, Outcome};
use ringfence_core::fill::Fact;
use ringfence_core::ids::CallId;
use ringfence_core::time::Timestamp;
use tracing::{Instrument, error, info, info_span, warn};

use crate::carrier::{Carrier, Order, Placed, Refusal};
use crate::claim::Claim;
use crate::fill::record;
use crate::records::{CallNote, Callee, News};
use crate::start::NO_PUBLIC_HOST;
use crate::tally::{Dialing, Tally};
use crate::world::World;

/// How the error of a record begins where no lead was at fault.
pub(crate) const CARRIER_FAILED: &str = "carrier_";

/// What became of one claim.
pub(crate) struct Dialed {
    pub(crate) call: CallId,
    pub(crate) placed: Placed,
    /// When the carrier was asked, if it was.
    pub(crate) left_at: Option<Timestamp>,
    /// What the state must learn of it, if anything.
    pub(crate) fact: Option<Fact>,
}

/// Places all claims at once.
pub(crate) async fn place_all(
    world: &impl World,
    claims: Vec<Claim>,
    tally: &mut Tally,
) -> Vec<Dialed> {
    let place_one = |claim: Claim| {
        let Order { call, job, .. } = claim.order();
        let run = job.run().map(tracing::field::display);
        let span = info_span!("place", call.id = %call, run.id = run);
        place(world, claim).instrument(span)
    };
    let dialed = join_all(claims.into_iter().map(place_one)).await;
    tally.dialed.extend(dialed.iter().map(|one| Dialing {
        left_at: one.left_at,
        placed: one.placed.clone(),
    }));
    dialed
}

/// Places one claimed call.
///
/// 1. Has the carrier say what goes along with the request. A crash here leaves a lease
///    without a call, which settlement counts as failed.
/// 2. Checks the fence: after `dial_by` nobody dials, and the lead may wait again.
/// 3. Asks the carrier, once. A crash before the request leaves leaves a lease without a
///    call, which settlement counts as failed; a crash after it leaves a call without a
///    record, which its report or settlement records.
/// 4. Records the answer. If that fails, the report brings the same facts of a call that
///    exists; of one that does not, the state learns nothing, and settlement counts it.
async fn place(world: &impl World, claim: Claim) -> Dialed {
    let order = claim.order().clone();
    let lead_name = claim.lead().map(|lead| lead.name.clone());
    let script = world.carrier().script(&claim).await;
    let mut left_at = None;
    let placed = if order.dial_by.has_passed(world.now()) {
        warn!(call.id = %order.call, business.id = %order.business, "came too late to place call {}", order.call);
        Placed::NotProcessed { retry_after: None }
    } else {
        left_at = Some(world.now());
        world.carrier().place(claim.saying(script)).await
    };
    log(&order, &placed);
    let mut is_recorded = true;
    if let Some(news) = news(world, &order, &placed) {
        let note = CallNote {
            call: order.call,
            job: order.job,
            lead: order.lead,
            who: Some(Callee {
                name: lead_name.unwrap_or_default(),
                to: order.to.clone(),
            }),
            // A claim is refused if the list has grown since it was decided, so it was
            // looked at no earlier than this.
            checked_at: Some(order.call.minted_at()),
            sid: match &placed {
                Placed::Accepted(sid) => Some(sid.clone()),
                Placed::Refused(_) | Placed::NotProcessed { .. } | Placed::Unknown => None,
            },
            news,
        };
        if let Err(error) = record(world, &order.business, &[note]).await {
            error!(call.id = %order.call, "failed to record call {}: {error:#}", order.call);
            // Once the state has counted a call, nothing leads to its record any more.
            is_recorded = false;
        }
    }
    let fact = fact(&order, &placed).filter(|_| is_recorded);
    Dialed {
        call: order.call,
        placed,
        left_at,
        fact,
    }
}

fn log(order: &Order, placed: &Placed) {
    let Order { business, call, .. } = order;
    match placed {
        Placed::Accepted(sid) => {
            info!(business.id = %business, call.id = %call, call.sid = %sid, "placed call {call}");
        }
        Placed::Refused(Refusal::Lead { code, reason }) => {
            info!(business.id = %business, call.id = %call, code, reason, "carrier refused call {call}");
        }
        Placed::Refused(Refusal::Configuration { code, reason }) => {
            error!(business.id = %business, call.id = %call, code, reason, "carrier refused our configuration");
        }
        Placed::NotProcessed { .. } => {
            warn!(business.id = %business, call.id = %call, "carrier did not process call {call}");
        }
        Placed::Unknown => {
            warn!(business.id = %business, call.id = %call, "carrier gave no clear answer for call {call}");
        }
    }
}

/// What the record learns. Nothing of a call that will be tried again.
fn news(world: &impl World, order: &Order, placed: &Placed) -> Option<News> {
    let failed = |error: &str| News::Over {
        outcome: Outcome::Failed,
        status: None,
        at: world.now(),
        duration_seconds: None,
        error: Some(error.to_owned()),
    };
    match placed {
        Placed::Accepted(_) => Some(News::Live(CallStatus::Queued)),
        Placed::Refused(Refusal::Lead { reason, .. }) => Some(failed(reason)),
        Placed::Refused(Refusal::Configuration { reason, .. }) => {
            Some(failed(&format!("{CARRIER_FAILED}{reason}")))
        }
        Placed::NotProcessed { .. } => match order.job {
            Job::Direct { .. } => Some(failed(&format!("{CARRIER_FAILED}busy"))),
            Job::OfRun { .. } => None,
        },
        Placed::Unknown => Some(News::Unknown),
    }
}

fn fact(order: &Order, placed: &Placed) -> Option<Fact> {
    let call = order.call;
    match placed {
        Placed::Accepted(_) | Placed::Unknown => None,
        Placed::Refused(Refusal::Lead { .. }) => Some(Fact::LeadRefused { call }),
        Placed::Refused(Refusal::Configuration { code, reason }) => {
            let error = match code {
                // Ours, not Twilio's: nothing was sent.
                0 => NO_PUBLIC_HOST.to_owned(),
                _ => format!("{reason} (Twilio {code})"),
            };
            Some(Fact::ConfigurationRefused { call, error })
        }
        Placed::NotProcessed { retry_after } => Some(Fact::NotProcessed {
            call,
            retry_after: *retry_after,
        }),
    }
}
