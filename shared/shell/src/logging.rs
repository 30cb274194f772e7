//! Structured logs: JSON, one object a line, without timestamps of our own.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard output, where CloudWatch reads. The level comes from `LOG_LEVEL`.
pub fn init() {
    let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_env_filter(filter)
        .init();
}
