//! Opens connections while a function starts: it has a whole core then, which its first event
//! has not, and somebody may be waiting for that one.
//!
//! A connection that cannot be opened, or not at once, is left to whoever needs it. Nothing
//! here asks for what the function may not, or changes anything.

use std::time::Duration;

use anyhow::Result;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::byte_stream::ByteStream;
use ringfence_carrier::settings::ApiBase;
use ringfence_carrier::transport::HttpTransport;
use ringfence_ledger::{Ledger, Side};
use tokio::time::timeout;
use tracing::debug;

use crate::message::Sqs;

/// A start may last ten seconds, and reading a secret takes up to eight of them meanwhile.
/// Whoever waits for the first answer gains nothing from a longer wait here.
const OPENING_MAX: Duration = Duration::from_secs(1);

/// Reads nothing from the table.
pub(crate) async fn ledger(ledger: &Ledger, side: Side) {
    bounded("the table", ledger.open(side)).await;
}

/// Asks the queue's host for its front page, unsigned: a function that sends may do nothing
/// else with the queue, and nothing is to be sent.
pub(crate) async fn queue(connector: &SharedHttpConnector, queue: &Sqs) {
    bounded("the queue", async {
        let answer = connector.call(Request::get(queue.origin()?)?).await?;
        // The connection is free for others once the answer has been read.
        ByteStream::new(answer.into_body()).collect().await?;
        Ok(())
    })
    .await;
}

/// Asks for the front page, without an account.
pub(crate) async fn carrier(transport: &HttpTransport, api_base: &ApiBase) {
    bounded("the carrier", async { Ok(transport.open(api_base).await?) }).await;
}

async fn bounded(whom: &str, opening: impl Future<Output = Result<()>>) {
    match timeout(OPENING_MAX, opening).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!("failed to open a connection to {whom} beforehand: {error:#}"),
        Err(_) => debug!("gave up opening a connection to {whom} beforehand"),
    }
}
