//! What the turnaround cannot be less than here: the requests that the handlers send between a
//! callback and a call, through the same SDK clients to the same embedded services, in the same
//! order, with nothing decided and nothing read from their answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::{join_all, try_join};
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::aws::queue::{BATCH_MAX, Queue, QueueSettings};
use ringfence_local::clock::Clock;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use crate::raw::{Raw, TABLE};
use crate::stage::{Office, Stage};

type Item = HashMap<String, AttributeValue>;

/// A state, a lead and a call record of each business, as DynamoDB's JSON.
pub(crate) struct Copies(Vec<[Value; 3]>);

/// As many as the stack's poller has at work.
const WORKERS: usize = 8;
/// As long as the stack's poller waits.
const WAIT: Duration = Duration::from_secs(20);

impl Copies {
    /// Copies what the businesses of a stage have.
    pub(crate) fn of(stage: &Stage, offices: &[Office]) -> Result<Self> {
        let copies = offices.iter().map(|Office { id, .. }| {
            let lead = stage.raw.get(&format!("LEADS#{id}"), "LEAD#0000000001")?;
            let call = stage.raw.first(&format!("BIZ#{id}"), "CALL#")?;
            Ok([
                stage.raw.state(id)?,
                lead.context("there is a lead")?,
                call.context("there was a call")?,
            ])
        });
        Ok(Self(copies.collect::<Result<_>>()?))
    }
}

/// A write that sets all attributes of an item, with a condition.
struct Write {
    key: Item,
    expression: String,
    names: HashMap<String, String>,
    values: Item,
}

/// What is read and written for one business, ready to be sent.
struct Business {
    lead: Item,
    state: Write,
    call: Write,
}

/// The embedded services, and what is asked of them.
struct Floor {
    client: Client,
    queue: Queue,
    businesses: Vec<Business>,
    begun: Instant,
}

/// How long each round of requests took, in milliseconds, where so many reports come in a second.
pub(crate) async fn measure(copies: &Copies, rate: f64, span: Duration) -> Result<Vec<f64>> {
    let floor = Arc::new(Floor::over(copies).await?);
    let (sender, mut done) = unbounded_channel();
    let poller = tokio::spawn(poll(Arc::clone(&floor), sender));
    let sqs = floor.queue.client();
    let mut rng = fastrand::Rng::with_seed(1);
    let mut sent = 0;
    while floor.begun.elapsed() < span {
        // Ends of calls come at random.
        sleep(Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / rate)).await;
        let report = Report {
            place: rng.usize(..floor.businesses.len()),
            from_nanos: u64::try_from(floor.begun.elapsed().as_nanos())?,
            rest: "x".repeat(REPORT_BYTES),
        };
        let send = sqs.send_message().queue_url(floor.queue.url());
        let send = send.message_body(serde_json::to_string(&report)?);
        tokio::spawn(send.send());
        sent += 1;
    }
    let mut found = Vec::new();
    while found.len() < sent {
        let took = done.recv().await.context("the poller goes on")?;
        found.push(1_000.0 * took?.as_secs_f64());
    }
    poller.abort();
    Ok(found)
}

/// A message of about the size of ours.
#[derive(Serialize, Deserialize)]
struct Report {
    place: usize,
    from_nanos: u64,
    rest: String,
}

const REPORT_BYTES: usize = 200;

impl Floor {
    async fn over(copies: &Copies) -> Result<Self> {
        let dynamo = Dynamo::memory()?;
        ringfence_ledger::table::create_table(&dynamo.client(), TABLE).await?;
        let raw = Raw::of(&dynamo);
        let mut businesses = Vec::new();
        for [state, lead, call] in &copies.0 {
            raw.put_all(&[state.clone(), lead.clone()])?;
            businesses.push(Business {
                lead: key(&item(lead)),
                state: Write::of(&item(state)),
                call: Write::of(&item(call)),
            });
        }
        let settings = QueueSettings {
            name: "floor".to_owned(),
            visibility_timeout: Duration::from_secs(180),
            receives_max: 5,
        };
        Ok(Self {
            client: dynamo.client(),
            queue: Queue::new(settings, Clock::wall()),
            businesses,
            begun: Instant::now(),
        })
    }
}

/// Receives messages and hands each batch on, as the stack's poller does.
async fn poll(floor: Arc<Floor>, sender: UnboundedSender<Result<Duration>>) {
    let places = Arc::new(Semaphore::new(WORKERS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let messages = floor.queue.receive(BATCH_MAX, WAIT, None).await;
        let (floor, sender) = (Arc::clone(&floor), sender.clone());
        tokio::spawn(async move {
            let _place = place;
            let rounds = messages.iter().map(|one| round(&floor, &one.body));
            for took in join_all(rounds).await {
                // Nobody listens any more once everything is measured.
                _ = sender.send(took);
            }
            let receipts: Vec<_> = messages.iter().map(|one| &one.receipt).collect();
            floor.queue.delete(&receipts);
        });
    }
}

/// One round: what a fill asks of DynamoDB until a call is placed, and after it.
async fn round(floor: &Floor, body: &str) -> Result<Duration> {
    let report: Report = serde_json::from_str(body)?;
    let business = &floor.businesses[report.place];
    let load = async {
        let read = floor
            .client
            .get_item()
            .table_name(TABLE)
            .consistent_read(true);
        read.set_key(Some(business.state.key.clone()))
            .send()
            .await?;
        anyhow::Ok(())
    };
    try_join(load, floor.note(business, "ended")).await?;
    let lead = business.lead.clone();
    let leads = KeysAndAttributes::builder().keys(lead).build()?;
    let read = floor.client.batch_get_item().request_items(TABLE, leads);
    read.send().await?;
    let state = &business.state;
    floor
        .send(state, state.key.clone(), "attribute_exists(rev)")
        .await?;
    let took = floor.begun.elapsed() - Duration::from_nanos(report.from_nanos);
    floor.note(business, "placed").await?;
    Ok(took)
}

impl Floor {
    /// Writes a call record of the usual size.
    async fn note(&self, business: &Business, kind: &str) -> Result<()> {
        let mut key = business.call.key.clone();
        let unique = format!("CALL#{}-{kind}", uuid::Uuid::new_v4());
        key.insert("sk".to_owned(), AttributeValue::S(unique));
        let is_new = "attribute_not_exists(call_rank)";
        self.send(&business.call, key, is_new).await
    }

    async fn send(&self, write: &Write, key: Item, condition: &str) -> Result<()> {
        self.client
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key))
            .update_expression(&write.expression)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(write.names.clone()))
            .set_expression_attribute_values(Some(write.values.clone()))
            .send()
            .await?;
        Ok(())
    }
}

impl Write {
    fn of(item: &Item) -> Self {
        let (mut sets, mut names, mut values) = (Vec::new(), HashMap::new(), HashMap::new());
        let set = item
            .iter()
            .filter(|(name, _)| *name != "pk" && *name != "sk");
        for (place, (name, value)) in set.enumerate() {
            sets.push(format!("#a{place} = :a{place}"));
            names.insert(format!("#a{place}"), name.clone());
            values.insert(format!(":a{place}"), value.clone());
        }
        Self {
            key: key(item),
            expression: format!("SET {}", sets.join(", ")),
            names,
            values,
        }
    }
}

fn key(item: &Item) -> Item {
    let part = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
    ["pk", "sk"].into_iter().filter_map(part).collect()
}

/// Reads DynamoDB's JSON.
fn item(json: &Value) -> Item {
    let fields = json.as_object().into_iter().flatten();
    fields
        .map(|(name, field)| (name.clone(), attribute(field)))
        .collect()
}

fn attribute(json: &Value) -> AttributeValue {
    let (kind, value) = json
        .as_object()
        .and_then(|fields| fields.iter().next())
        .expect("an attribute has a type");
    let word = || value.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "N" => AttributeValue::N(word()),
        "M" => AttributeValue::M(item(value)),
        "L" => AttributeValue::L(
            value
                .as_array()
                .into_iter()
                .flatten()
                .map(attribute)
                .collect(),
        ),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap_or_default()),
        "NULL" => AttributeValue::Null(true),
        _ => AttributeValue::S(word()),
    }
}
