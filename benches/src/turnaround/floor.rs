//! What the turnaround cannot be less than here: the requests that the handlers send between a
//! callback and a call, through the same SDK clients to the same embedded services, in the same
//! order, with nothing decided and nothing read from their answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::try_join;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::aws::queue::{BATCH_MAX, Queue, QueueSettings};
use ringfence_local::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
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

/// The same, as requests take it.
struct Business {
    state: Item,
    lead: Item,
    call: Item,
}

/// How long each round of requests took, in milliseconds.
pub(crate) async fn measure(copies: &Copies, rate: f64, span: Duration) -> Result<Vec<f64>> {
    let dynamo = Dynamo::memory()?;
    ringfence_ledger::table::create_table(&dynamo.client(), TABLE).await?;
    let raw = Raw::of(&dynamo);
    let mut businesses = Vec::new();
    for [state, lead, call] in &copies.0 {
        raw.put_all(&[state.clone(), lead.clone()])?;
        let [state, lead, call] = [state, lead, call].map(item);
        businesses.push(Business { state, lead, call });
    }
    let settings = QueueSettings {
        name: "floor".to_owned(),
        visibility_timeout: Duration::from_secs(180),
        receives_max: 5,
    };
    let queue = Queue::new(settings, Clock::wall());
    let (businesses, begun) = (Arc::new(businesses), Instant::now());
    let (sender, mut done) = unbounded_channel();
    let poller = {
        let (client, queue) = (dynamo.client(), queue.clone());
        let businesses = Arc::clone(&businesses);
        let places = Arc::new(Semaphore::new(WORKERS));
        tokio::spawn(async move {
            loop {
                let place = Arc::clone(&places).acquire_owned().await;
                let messages = queue.receive(BATCH_MAX, WAIT, None).await;
                let (client, queue) = (client.clone(), queue.clone());
                let (businesses, sender) = (Arc::clone(&businesses), sender.clone());
                tokio::spawn(async move {
                    let _place = place;
                    let mut rounds = JoinSet::new();
                    for message in &messages {
                        let (client, businesses) = (client.clone(), Arc::clone(&businesses));
                        let (sender, body) = (sender.clone(), message.body.clone());
                        rounds.spawn(async move {
                            let took = round(&client, &businesses, &body, begun).await;
                            _ = sender.send(took);
                        });
                    }
                    rounds.join_all().await;
                    let receipts: Vec<_> = messages.iter().map(|one| &one.receipt).collect();
                    queue.delete(&receipts);
                });
            }
        })
    };
    let (sqs, rng) = (queue.client(), &mut fastrand::Rng::with_seed(1));
    let mut sent = 0;
    while begun.elapsed() < span {
        // Ends of calls come at random.
        sleep(Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / rate)).await;
        let place = rng.usize(..businesses.len());
        // As long as a report is.
        let body = json!({ "place": place, "from": begun.elapsed().as_nanos() as u64, "report": "x".repeat(200) });
        let send = sqs
            .send_message()
            .queue_url(queue.url())
            .message_body(body.to_string());
        tokio::spawn(async move { send.send().await });
        sent += 1;
    }
    let mut found = Vec::new();
    while found.len() < sent {
        let took: Result<Duration> = done.recv().await.context("the poller goes on")?;
        found.push(1_000.0 * took?.as_secs_f64());
    }
    poller.abort();
    Ok(found)
}

/// One round: what a fill asks of DynamoDB until a call is placed, and after it.
async fn round(
    client: &Client,
    businesses: &[Business],
    body: &str,
    begun: Instant,
) -> Result<Duration> {
    let body: Value = serde_json::from_str(body)?;
    let place = body["place"]
        .as_u64()
        .context("a message names a business")?;
    let from = Duration::from_nanos(body["from"].as_u64().context("a message has its time")?);
    let business = &businesses[usize::try_from(place)?];
    let load = async {
        let read = client.get_item().table_name(TABLE).consistent_read(true);
        read.set_key(Some(key(&business.state))).send().await?;
        anyhow::Ok(())
    };
    try_join(load, note(client, business, "ended")).await?;
    let leads = KeysAndAttributes::builder()
        .keys(key(&business.lead))
        .build()?;
    let read = client.batch_get_item().request_items(TABLE, leads);
    read.send().await?;
    update(
        client,
        &business.state,
        key(&business.state),
        "attribute_exists(rev)",
    )
    .await?;
    let took = begun.elapsed() - from;
    note(client, business, "placed").await?;
    Ok(took)
}

/// Writes a call record of the usual size.
async fn note(client: &Client, business: &Business, kind: &str) -> Result<()> {
    let mut key = key(&business.call);
    let unique = format!("CALL#{}-{kind}", uuid::Uuid::new_v4());
    key.insert("sk".to_owned(), AttributeValue::S(unique));
    update(
        client,
        &business.call,
        key,
        "attribute_not_exists(call_rank)",
    )
    .await
}

/// Sets all attributes of an item, at once and with a condition.
async fn update(client: &Client, item: &Item, key: Item, condition: &str) -> Result<()> {
    let (mut sets, mut names, mut values) = (Vec::new(), HashMap::new(), HashMap::new());
    for (place, (name, value)) in item.iter().enumerate() {
        if name != "pk" && name != "sk" {
            sets.push(format!("#a{place} = :a{place}"));
            names.insert(format!("#a{place}"), name.clone());
            values.insert(format!(":a{place}"), value.clone());
        }
    }
    client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key))
        .update_expression(format!("SET {}", sets.join(", ")))
        .condition_expression(condition)
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values))
        .send()
        .await?;
    Ok(())
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
