//! Other designs of the same thing, each as small as it can be and still faithful, on the same
//! embedded DynamoDB and with the same simulated carrier. They call one business's leads.
//!
//! None of them survives a crash, a lost report or an unclear answer; they are given what they
//! cost and how fast they are when nothing goes wrong.

pub(crate) mod polling;
pub(crate) mod semaphore;
#[cfg(test)]
mod tests;
pub(crate) mod transactions;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, PutRequest, ScalarAttributeType, WriteRequest,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use ringfence_carrier::settings::Secret;
use ringfence_carrier::transport::Transport;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::clock::Clock;
use ringfence_local::twilio::{
    Behaviour, Delivery, Faults, InProcessTransport, Settings, SimTwilio,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use crate::raw::TABLE;
use crate::stage::{Latency, phone};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "peer-auth-token";
const CALLER_ID: &str = "+97231000000";
/// The index of jobs by status.
const BY_STATUS: &str = "by_status";
/// DynamoDB takes no more in one request.
const BATCH_MAX: usize = 25;
/// How long a peer waits for the carrier's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a peer has to work with.
pub(crate) struct World {
    pub(crate) dynamo: Dynamo,
    pub(crate) twilio: SimTwilio,
    client: Client,
    transport: InProcessTransport,
    reports: Mutex<Option<UnboundedReceiver<u32>>>,
}

/// A row of the carrier's callback: the job whose call is over.
type Job = u32;

impl World {
    /// An empty table, and a carrier whose callers behave so.
    pub(crate) async fn set(behaviour: Behaviour) -> Result<Arc<Self>> {
        let dynamo = Dynamo::memory()?;
        let client = dynamo.client();
        create_table(&client).await?;
        let twilio = SimTwilio::new(Settings {
            account_sid: ACCOUNT.to_owned(),
            auth_token: Secret::new(TOKEN),
            api_key: None,
            seed: 1,
            speed: 1.0,
            behaviour,
            faults: Faults::none(),
            clock: Clock::wall(),
        });
        let (sender, reports) = unbounded_channel();
        twilio.deliver_by(Delivery::in_process(move |request| {
            let sender = sender.clone();
            Box::pin(async move {
                sleep(Latency::INVOCATION).await;
                if let Some(job) = job_of(&request) {
                    // Nobody listens any more once everything is over.
                    _ = sender.send(job);
                }
                let mut answer = Response::new(Bytes::new());
                *answer.status_mut() = StatusCode::NO_CONTENT;
                Ok(answer)
            })
        }));
        dynamo.take_time(Latency::DYNAMODB);
        Ok(Arc::new(Self {
            transport: InProcessTransport::new(twilio.clone(), PATIENCE),
            reports: Mutex::new(Some(reports)),
            dynamo,
            twilio,
            client,
        }))
    }

    /// The jobs whose calls are over, as they are reported.
    fn reports(&self) -> Result<UnboundedReceiver<Job>> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.take().context("a world is used once")
    }

    /// Asks the carrier for a call.
    async fn dial(&self, job: Job) -> Result<()> {
        let callback = format!("https://peer.example/status?b=peer&c=c{job}&l={job}&r=1&i={job}");
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("To", phone(job)?.expose())
            .append_pair("From", CALLER_ID)
            .append_pair("Twiml", "<Response><Say>Hello</Say></Response>")
            .append_pair("StatusCallback", &callback)
            .append_pair("StatusCallbackEvent", "completed")
            .finish();
        let credentials = BASE64_STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
        let request = Request::builder()
            .method("POST")
            .uri(format!(
                "https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
            ))
            .header("authorization", format!("Basic {credentials}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))?;
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| anyhow::anyhow!("no answer: {error:?}"))?;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status() == StatusCode::CREATED, "{text}");
        Ok(())
    }

    /// Stores a row for each job, all waiting.
    pub(crate) async fn store_jobs(&self, jobs: u32) -> Result<()> {
        let all: Vec<Job> = (0..jobs).collect();
        for some in all.chunks(BATCH_MAX) {
            let mut puts = Vec::new();
            for &job in some {
                let mut item = key(JOB, &row(job));
                item.insert("st".to_owned(), text("queued"));
                item.insert("phone".to_owned(), text(phone(job)?.expose()));
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                puts.push(WriteRequest::builder().put_request(put).build());
            }
            let write = self.client.batch_write_item().request_items(TABLE, puts);
            write.send().await.context("failed to store jobs")?;
        }
        Ok(())
    }

    /// Up to `most` jobs with this status, by the index.
    async fn jobs_with(&self, status: &str, most: u32) -> Result<Vec<Job>> {
        let found = self
            .client
            .query()
            .table_name(TABLE)
            .index_name(BY_STATUS)
            .key_condition_expression("st = :st")
            .expression_attribute_values(":st", text(status))
            .limit(i32::try_from(most)?)
            .send()
            .await
            .context("failed to look for jobs")?;
        let jobs = found.items().iter().map(|item| {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
            sk.context("a job has a key")?
                .parse()
                .context("a job has a number")
        });
        jobs.collect()
    }

    /// Moves a job on, whatever else there is. Its status was read before.
    async fn set_status(&self, job: Job, status: &str) -> Result<()> {
        self.client
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key(JOB, &row(job))))
            .update_expression("SET st = :to")
            .expression_attribute_values(":to", text(status))
            .send()
            .await
            .context("failed to move a job on")?;
        Ok(())
    }
}

/// The partition of the jobs.
const JOB: &str = "BIZ#peer#JOBS";

fn row(job: Job) -> String {
    format!("{job:010}")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn job_of(request: &Request<Bytes>) -> Option<Job> {
    let query = request.uri().query()?;
    let (_, index) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "i")?;
    index.parse().ok()
}

async fn create_table(client: &Client) -> Result<()> {
    let schema = |name: &str, kind: KeyType| {
        let element = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        element.build()
    };
    let string = |name: &str| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build()
    };
    let projection = Projection::builder().projection_type(ProjectionType::KeysOnly);
    let index = GlobalSecondaryIndex::builder()
        .index_name(BY_STATUS)
        .key_schema(schema("st", KeyType::Hash)?)
        .key_schema(schema("sk", KeyType::Range)?)
        .projection(projection.build())
        .build()?;
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(string("pk")?)
        .attribute_definitions(string("sk")?)
        .attribute_definitions(string("st")?)
        .key_schema(schema("pk", KeyType::Hash)?)
        .key_schema(schema("sk", KeyType::Range)?)
        .global_secondary_indexes(index)
        .send()
        .await
        .context("failed to create a peer's table")?;
    Ok(())
}
