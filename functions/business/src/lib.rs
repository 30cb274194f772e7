//! Businesses, what they have set, and their keys.

mod caps;
pub mod defaults;
mod deletion;
mod describe;
pub mod keys;
pub mod settings;

pub use describe::describe;

use lambda_http::{Body, Request, Response};
use ringfence_flows::world::Office;
use ringfence_ledger::Ledger;
use ringfence_shell::body;
use ringfence_shell::logging::request_span;
use ringfence_shell::reply::Failure;
use ringfence_shell::texts::Language;
use tracing::Instrument;

use crate::defaults::Defaults;

/// Answers the routes under `/api/business` and `/api/businesses`.
pub async fn handle(
    office: &impl Office<Ledger = Ledger>,
    defaults: &Defaults,
    request: Request,
) -> Response<Body> {
    let answer = route(office, defaults, &request)
        .instrument(request_span(&request))
        .await;
    answer.unwrap_or_else(|failure| failure.reply(Language::of(&request)))
}

async fn route(
    office: &impl Office<Ledger = Ledger>,
    defaults: &Defaults,
    request: &Request,
) -> Result<Response<Body>, Failure> {
    let segments = body::segments(request);
    match (request.method().as_str(), &segments[..]) {
        ("GET", ["api", "business"]) => settings::show(office, request).await,
        ("PUT", ["api", "business"]) => settings::change(office, request).await,
        ("POST", ["api", "businesses"]) => settings::create(office, defaults, request).await,
        ("DELETE", ["api", "businesses", id]) => deletion::delete(office, request, id).await,
        ("POST", ["api", "businesses", id, "keys"]) => keys::create(office, request, id).await,
        ("GET", ["api", "businesses", id, "keys"]) => keys::list(office, request, id).await,
        ("DELETE", ["api", "businesses", id, "keys", key]) => {
            keys::revoke(office, request, id, key).await
        }
        _ => Err(Failure::not_found()),
    }
}
