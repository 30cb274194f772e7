//! Structured logs: JSON, one object a line, without timestamps of our own.

use lambda_http::Request;
use tracing::{Span, field, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::caller::{Caller, Role, request_id};

/// Starts logging to standard output, where CloudWatch reads. The level comes from `LOG_LEVEL`.
pub fn init() {
    let level = std::env::var("LOG_LEVEL").ok();
    // Not an `EnvFilter`: its regular expressions are a quarter of a megabyte.
    let wanted = level.and_then(|level| level.parse::<Targets>().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().json().without_time())
        .with(wanted)
        .init();
}

/// What every line about a request over HTTP says of it: what API Gateway calls it, which its
/// access log and its client know too, and who asks for which business, once that is known.
pub fn request_span(request: &Request) -> Span {
    let caller = Caller::of(request, Role::Agent).ok();
    let business = caller.as_ref().and_then(|caller| caller.business().ok());
    info_span!(
        "request",
        request.id = request_id(request),
        business.id = business.map(field::display),
        key.id = caller.as_ref().map(|caller| caller.key_id.as_str()),
    )
}
