//! Fills a business's free slots when something says that it may be worth a look.
//!
//! Several messages about one business become one look. A message is acknowledged only
//! when everything that it told is stored.

mod figures;

use std::collections::BTreeMap;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use ringfence_core::call::Report;
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_flows::fill::fill;
use ringfence_flows::tally::Tally;
use ringfence_flows::world::World;
use ringfence_shell::message::Message;
use ringfence_shell::metrics::{EmbeddedMetrics, Metric};
use tracing::{Instrument, error, info_span, warn};

use crate::figures::figures;

/// Looks at every business that the messages name, and says which messages to deliver again.
pub async fn handle(
    world: &impl World,
    metrics: &EmbeddedMetrics,
    event: SqsEvent,
) -> SqsBatchResponse {
    let mut businesses: BTreeMap<BusinessId, Look> = BTreeMap::new();
    let mut failed = Vec::new();
    for record in event.records {
        let sent_at = sent_at(&record);
        let id = record.message_id.unwrap_or_default();
        match Message::parse(record.body.as_deref().unwrap_or_default()) {
            Ok(Message { business, report }) => {
                let look = businesses.entry(business).or_default();
                let is_final = |report: &Report| report.status.outcome().is_some();
                if let Some(sent_at) = sent_at.filter(|_| report.as_ref().is_some_and(is_final)) {
                    look.ends_at.push(sent_at);
                }
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
    let looks = businesses.into_iter().map(|(business, look)| {
        let span = info_span!("fill", business.id = %business);
        look_at(world, metrics, business, look).instrument(span)
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
    /// When the reports came that say that a call is over.
    ends_at: Vec<Timestamp>,
    messages: Vec<String>,
}

/// Looks at one business, and gives back the messages to deliver again.
async fn look_at(
    world: &impl World,
    metrics: &EmbeddedMetrics,
    business: BusinessId,
    look: Look,
) -> Vec<String> {
    let mut tally = Tally::default();
    let filled = fill(world, &business, &look.reports, &mut tally).await;
    let mut figures = figures(&tally, &look.reports, look.ends_at);
    figures.about("business.id", &business);
    let again = match filled {
        Ok(()) => Vec::new(),
        Err(error) => {
            warn!(business.id = %business, "failed to fill slots: {error:#}");
            figures.count(Metric::FillsFailed, 1);
            look.messages
        }
    };
    metrics.write(figures, world.now());
    again
}

/// When the queue took a message, which is some milliseconds after a report has arrived.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
fn sent_at(message: &SqsMessage) -> Option<Timestamp> {
    let millis = message.attributes.get("SentTimestamp")?.parse().ok()?;
    Some(Timestamp::from_millis(millis))
}

fn failure(message: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message;
    failure
}
