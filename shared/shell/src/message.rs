//! The one message of the queue: look at this business, perhaps with a fact attached.
//!
//! It may be lost, doubled, late and reordered. An unknown field is ignored and an
//! unknown carrier status is not final, so old and new code understand each other.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use ringfence_core::call::{CallStatus, Job, Report};
use ringfence_core::ids::{BusinessId, CallSid, LeadId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_flows::world::WakeUps;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::warn;
use url::Url;

/// A wake-up, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub business: BusinessId,
    pub report: Option<Report>,
}

/// The message cannot be understood, so delivering it again would not help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("message has no usable {0}")]
pub struct BadMessage(&'static str);

#[derive(Serialize, Deserialize)]
struct Wire {
    business: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<WireReport>,
}

#[derive(Serialize, Deserialize)]
struct WireReport {
    call: String,
    lead: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    sid: String,
    status: String,
    at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
}

impl Message {
    /// The message as sent.
    pub fn to_json(&self) -> String {
        let report = self.report.as_ref().map(|report| {
            let (run, index) = match report.job {
                Job::Direct { .. } => (None, None),
                Job::OfRun { run, index } => (Some(run.get()), Some(index)),
            };
            WireReport {
                call: report.call.to_string(),
                lead: report.lead.get(),
                run,
                index,
                sid: report.sid.to_string(),
                status: report.status.as_str().to_owned(),
                at_ms: report.at.as_millis(),
                duration_seconds: report.duration_seconds,
            }
        });
        let wire = Wire {
            business: self.business.to_string(),
            report,
        };
        serde_json::to_string(&wire).expect("plain data becomes JSON")
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// Names what is wrong with it, not its content.
    pub fn parse(body: &str) -> Result<Self, BadMessage> {
        let wire: Wire = serde_json::from_str(body).map_err(|_| BadMessage("form"))?;
        let business = wire.business.parse().map_err(|_| BadMessage("business"))?;
        let report = wire.report.map(WireReport::parse).transpose()?;
        Ok(Self { business, report })
    }
}

impl WireReport {
    fn parse(self) -> Result<Report, BadMessage> {
        let lead = LeadId::new(self.lead).ok_or(BadMessage("lead"))?;
        let job = match (self.run, self.index) {
            (None, None) => Job::Direct { lead },
            (Some(run), Some(index)) => Job::OfRun {
                run: RunId::new(run).ok_or(BadMessage("run"))?,
                index,
            },
            (Some(_), None) | (None, Some(_)) => return Err(BadMessage("job")),
        };
        Ok(Report {
            call: self.call.parse().map_err(|_| BadMessage("call"))?,
            job,
            lead,
            sid: self.sid.parse::<CallSid>().map_err(|_| BadMessage("sid"))?,
            status: CallStatus::parse(&self.status).ok_or(BadMessage("status"))?,
            at: Timestamp::from_millis(self.at_ms),
            duration_seconds: self.duration_seconds,
        })
    }
}

/// The queue of wake-ups in SQS.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    queue_url: String,
}

/// SQS delays no message for longer than this.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html>
const DELAY_MAX: Duration = Duration::from_secs(900);

/// SQS takes no more in one request.
const BATCH_MAX: usize = 10;

impl Sqs {
    /// Sends through `client` to the queue at `queue_url`.
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }

    /// Where the queue is, without its name.
    pub(crate) fn origin(&self) -> Result<String> {
        let url = Url::parse(&self.queue_url).context("the queue's URL is none")?;
        Ok(url.origin().ascii_serialization())
    }

    /// Sends a message, to arrive no earlier than `delay` from now.
    ///
    /// # Errors
    ///
    /// It may or may not have been sent.
    pub async fn send(&self, message: &Message, delay: Duration) -> Result<()> {
        // Rounded up: a second early would find the pause still on.
        let seconds = delay.min(DELAY_MAX).as_millis().div_ceil(1000);
        let seconds = i32::try_from(seconds).context("a delay fits")?;
        let send = self.client.send_message().queue_url(&self.queue_url);
        let send = send.message_body(message.to_json());
        let send = if seconds > 0 {
            send.delay_seconds(seconds)
        } else {
            send
        };
        send.send().await.context("failed to send a wake-up")?;
        Ok(())
    }

    /// Sends plain wake-ups for many businesses, ten in a request, and says how many were
    /// taken. Those that were not are in the next sweep.
    ///
    /// # Errors
    ///
    /// A whole request failed, after the others were sent.
    pub async fn wake_all(&self, businesses: &[BusinessId]) -> Result<u64> {
        let mut taken = 0;
        let mut failure = Ok(());
        for ten in businesses.chunks(BATCH_MAX) {
            match self.wake_some(ten).await {
                Ok(some) => taken += some,
                Err(error) => failure = Err(error),
            }
        }
        failure.map(|()| taken)
    }

    async fn wake_some(&self, businesses: &[BusinessId]) -> Result<u64> {
        let mut batch = self.client.send_message_batch().queue_url(&self.queue_url);
        for (place, business) in businesses.iter().enumerate() {
            let message = Message {
                business: business.clone(),
                report: None,
            };
            let entry = SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_body(message.to_json());
            batch = batch.entries(entry.build().context("a wake-up has an id and a body")?);
        }
        let sent = batch.send().await.context("failed to send wake-ups")?;
        for failed in sent.failed() {
            warn!(code = failed.code(), "a wake-up was not taken");
        }
        Ok(u64::try_from(sent.successful().len())?)
    }
}

impl WakeUps for Sqs {
    async fn wake(&self, business: &BusinessId, delay: Duration) -> Result<()> {
        self.send(
            &Message {
                business: business.clone(),
                report: None,
            },
            delay,
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_the_queue() {
        let report = Report {
            call: "01932c07-a5d4-7000-8000-000000000000".parse().unwrap(),
            job: Job::OfRun {
                run: RunId::new(7).unwrap(),
                index: 0,
            },
            lead: LeadId::new(5).unwrap(),
            sid: format!("CA{}", "a".repeat(32)).parse().unwrap(),
            status: CallStatus::NoAnswer,
            at: Timestamp::from_millis(12),
            duration_seconds: None,
        };
        for report in [None, Some(report)] {
            let message = Message {
                business: "b1".parse().unwrap(),
                report,
            };
            assert_eq!(Message::parse(&message.to_json()), Ok(message));
        }
    }

    #[test]
    fn a_message_of_newer_code_is_understood() {
        let message = Message::parse(r#"{"business":"b1","priority":"high"}"#).unwrap();
        assert_eq!(message.report, None);
    }

    #[test]
    fn half_a_job_is_no_job() {
        let body = r#"{"business":"b1","report":{"call":"01932c07-a5d4-7000-8000-000000000000",
            "lead":1,"run":1,"sid":"x","status":"completed","at_ms":1}}"#;
        assert_eq!(Message::parse(body), Err(BadMessage("job")));
    }
}
