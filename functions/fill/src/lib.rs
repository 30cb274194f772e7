//! Fills a business's free slots when something says that it may be worth a look.
//!
//! Several messages about one business become one look. A message is acknowledged only
//! when everything that it told is stored.

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use ringfence_core::call::Report;
use ringfence_core::ids::BusinessId;
use ringfence_flows::fill::fill;
use ringfence_flows::world::World;
use ringfence_shell::message::Message;
use tracing::{error, warn};

/// Looks at every business that the messages name, and says which messages to deliver again.
pub async fn handle(world: &impl World, event: SqsEvent) -> SqsBatchResponse {
    let mut businesses: BTreeMap<BusinessId, Look> = BTreeMap::new();
    let mut failed = Vec::new();
    for record in event.records {
        let id = record.message_id.unwrap_or_default();
        match Message::parse(record.body.as_deref().unwrap_or_default()) {
            Ok(Message { business, report }) => {
                let look = businesses.entry(business).or_default();
                look.reports.extend(report);
                look.messages.push(id);
            }
            // Delivering it again does not help, but it ends in the dead-letter queue,
            // where somebody looks.
            Err(error) => {
                error!(message.id = id, "failed to read a message: {error}");
                failed.push(id);
            }
        }
    }
    let looks = businesses.into_iter().map(|(business, look)| async move {
        match fill(world, &business, &look.reports).await {
            Ok(()) => Vec::new(),
            Err(error) => {
                warn!(business.id = %business, "failed to fill slots: {error:#}");
                look.messages
            }
        }
    });
    failed.extend(join_all(looks).await.into_iter().flatten());
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.into_iter().map(failure).collect();
    response
}

/// What the messages of one batch say about one business.
#[derive(Default)]
struct Look {
    reports: Vec<Report>,
    messages: Vec<String>,
}

fn failure(message: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message;
    failure
}
