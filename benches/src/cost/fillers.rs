//! How often the fillers of one business refuse each other: at the carrier's pace, and in the
//! worst case, in which reports come faster than the fillers can take them, so that each begins
//! again the moment it is done.
//!
//! The floor is what optimistic writes of one item have in any design: as many loops, which make
//! as many changes in the same time, and do nothing but read the item and write it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use ringfence_core::call::Report;
use ringfence_core::ids::BusinessId;
use ringfence_flows::fill::fill;
use ringfence_flows::tally::Tally;
use ringfence_ledger::table::create_table;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::environment::{Blueprint, Environment};
use ringfence_local::twilio::{Behaviour, SimTwilio};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::raw::{Raw, TABLE};
use crate::report::Table;
use crate::stage::{Latency, Office, Stage};

const FILLERS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
const LIMIT: u32 = 200;
const LEADS: u32 = 500;
/// How many fillers there are at the carrier's pace.
const AT_PACE: u32 = 8;
/// Limits, and how many leads are called at them, at the carrier's pace.
const LIMITS: [(u32, u32); 3] = [(8, 400), (50, 600), (200, 1_200)];
/// As many messages as one invocation gets.
const BATCH_MAX: usize = 10;

const METRIC: &str = "refused conditions, by fillers always at work";
const OF_STATE: &str = "refused writes of the state, by fillers always at work";
const CALLS: &str = "calls placed, by fillers always at work";
const GIVEN_UP: &str = "fills given up, by fillers always at work";
const PACED: &str = "refused conditions, 8 fillers at the carrier's pace, by limit";
const PACED_OF_STATE: &str =
    "refused writes of the state, 8 fillers at the carrier's pace, by limit";

pub(super) async fn measure(table: &mut Table) -> Result<()> {
    // The longest call ends before the first filler could come round to it.
    let brief = Behaviour::exactly(Duration::ZERO, Duration::from_millis(100));
    for fillers in FILLERS {
        let found = one(fillers, LIMIT, LEADS, brief.clone()).await?;
        let floor = floor(fillers, &found).await?;
        table.plain(fillers, METRIC, "%", found.refused);
        table.floored(fillers, OF_STATE, "%", found.refused_of_state(), floor);
        let calls_per_second = f64::from(LEADS) / found.span.as_secs_f64();
        table.plain(fillers, CALLS, "per second", calls_per_second);
        table.plain(fillers, GIVEN_UP, "fills", found.given_up as f64);
    }
    table.growth(CALLS);
    for (limit, leads) in LIMITS {
        let found = one(AT_PACE, limit, leads, Behaviour::ordinary()).await?;
        let floor = floor(AT_PACE, &found).await?;
        table.plain(limit, PACED, "%", found.refused);
        table.floored(limit, PACED_OF_STATE, "%", found.refused_of_state(), floor);
    }
    Ok(())
}

/// What came of a number of fillers.
struct Found {
    /// Of all conditional writes, those of call records among them, in percent.
    refused: f64,
    /// How often the state was changed.
    changes: u64,
    /// How often a change of the state was refused.
    refusals: u64,
    /// From the first call to the last, in simulated time.
    span: Duration,
    /// How many fills lost every race that they may lose: SQS would deliver their messages again.
    given_up: u64,
}

impl Found {
    fn refused_of_state(&self) -> f64 {
        percent(self.refusals, self.refusals + self.changes)
    }
}

fn percent(some: u64, all: u64) -> f64 {
    100.0 * some as f64 / all.max(1) as f64
}

async fn one(fillers: u32, limit: u32, leads: u32, behaviour: Behaviour) -> Result<Found> {
    let longest = *behaviour.talk.end();
    let mut stage = Stage::set(behaviour).await?;
    let office = stage.open(limit).await?;
    let list = stage.import(&office, leads).await?;
    // The stack's own poller and sweep have nothing to do.
    stage.lose_messages();
    let reports = stage.divert_reports();
    stage.start(&office, list).await?;
    stage.stack.plan.dynamo.take_time(Latency::DYNAMODB);
    let (before, rev_before) = (stage.spent(), rev(&stage, &office)?);

    // One wake-up at the start, as there is.
    let environment = Environment::start(&stage.stack.plan);
    fill(&environment.world, &office.id, &[], &mut Tally::default()).await?;
    let reports = Arc::new(Mutex::new(reports));
    let mut workers = JoinSet::new();
    for _ in 0..fillers {
        let work = Work {
            plan: stage.stack.plan.clone(),
            business: office.id.clone(),
            reports: Arc::clone(&reports),
            twilio: stage.twilio.clone(),
            leads,
            // Wake-ups are lost here: whoever hears of nothing for so long looks by itself.
            silence: longest.max(Duration::from_secs(1)),
        };
        workers.spawn(work.go_on());
    }
    let (mut given_up, mut refusals) = (0, 0);
    while let Some(worked) = workers.join_next().await {
        let worked = worked?;
        given_up += worked.given_up;
        refusals += worked.refusals;
    }
    let truth = stage.twilio.truth();
    ensure!(truth.calls.len() == leads as usize, "everybody is called");
    ensure!(truth.duplicate_dials().is_empty(), "nobody is called twice");
    let peak = truth.peak_live_by_business().into_values().max();
    ensure!(peak.is_some_and(|peak| peak <= limit), "the limit holds");
    let used = stage.spent().since(&before).dynamodb;
    let arrived = truth.creates.iter().map(|create| create.arrived.instant);
    let (first, last) = (arrived.clone().min(), arrived.max());
    let span = last.zip(first).map(|(last, first)| last - first);
    Ok(Found {
        refused: percent(used.failed_conditions, used.conditional_writes),
        changes: rev(&stage, &office)? - rev_before,
        refusals,
        span: span.context("there were calls")?,
        given_up,
    })
}

/// How often the state has been written.
fn rev(stage: &Stage, office: &Office) -> Result<u64> {
    let state = stage.raw.state(&office.id)?;
    let rev = state["rev"]["N"].as_str();
    rev.context("a state has a revision")?
        .parse()
        .context("a revision is a number")
}

/// The share of writes that are refused, in percent, where as many loops make as many changes
/// in the same time, at random moments. Like ours, a loop that was refused goes on from the item
/// that the refusal brought. What the item holds is of no account where time is simulated.
async fn floor(fillers: u32, ours: &Found) -> Result<f64> {
    let dynamo = Dynamo::memory()?;
    create_table(&dynamo.client(), TABLE).await?;
    let item = json!({ "pk": { "S": "pk" }, "sk": { "S": "sk" }, "rev": { "N": "0" } });
    Raw::of(&dynamo).put_all(&[item])?;
    dynamo.take_time(Latency::DYNAMODB);
    let each = ours.changes.div_ceil(u64::from(fillers));
    let round = ours.span.as_secs_f64() / each as f64;
    let rest = (round - 2.0 * Latency::DYNAMODB.as_secs_f64()).max(0.0);
    let mut workers = JoinSet::new();
    for number in 0..fillers {
        let client = dynamo.client();
        let mut rng = fastrand::Rng::with_seed(number.into());
        workers.spawn(async move {
            for _ in 0..each {
                // Ends of calls come at random.
                sleep(Duration::from_secs_f64(-(1.0 - rng.f64()).ln() * rest)).await;
                change(&client).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(worked) = workers.join_next().await {
        worked??;
    }
    let used = dynamo.meter().snapshot();
    Ok(percent(used.failed_conditions, used.conditional_writes))
}

/// Reads the item and writes it, again and again while others are first.
async fn change(client: &Client) -> Result<()> {
    let key = ["pk", "sk"].map(|name| (name.to_owned(), AttributeValue::S(name.to_owned())));
    let key = HashMap::from(key);
    let read = client.get_item().table_name(TABLE).consistent_read(true);
    let read = read.set_key(Some(key.clone())).send().await?;
    let mut item = read.item.context("there is an item")?;
    loop {
        let from = item.remove("rev").context("it has a revision")?;
        let rev: u64 = from.as_n().map_or("", |rev| rev).parse()?;
        let sent = client
            .update_item()
            .table_name(TABLE)
            .set_key(Some(key.clone()))
            .update_expression("SET rev = :to")
            .condition_expression("rev = :from")
            .expression_attribute_values(":from", from)
            .expression_attribute_values(":to", AttributeValue::N((rev + 1).to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(());
        };
        item = match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(refused) => {
                refused.item.context("a refusal brings the item")?
            }
            other => return Err(other.into()),
        };
    }
}

/// What one filler works with.
struct Work {
    plan: Blueprint,
    business: BusinessId,
    reports: Arc<Mutex<UnboundedReceiver<Report>>>,
    twilio: SimTwilio,
    leads: u32,
    silence: Duration,
}

/// What came of one filler.
#[derive(Default)]
struct Worked {
    refusals: u64,
    given_up: u64,
}

impl Work {
    /// Fills, with the reports that have come, until there are no more.
    async fn go_on(self) -> Worked {
        let environment = Environment::start(&self.plan);
        let mut worked = Worked::default();
        let mut batch = Vec::new();
        // Bounded by the calls of the run.
        loop {
            let mut reports = self.reports.lock().await;
            let heard = timeout(self.silence, reports.recv_many(&mut batch, BATCH_MAX)).await;
            drop(reports);
            if heard.is_err() && self.twilio.truth().creates.len() >= self.leads as usize {
                return worked;
            }
            let mut tally = Tally::default();
            // Bounded by what the others have to do.
            while fill(&environment.world, &self.business, &batch, &mut tally)
                .await
                .is_err()
            {
                worked.given_up += 1;
            }
            worked.refusals += u64::from(tally.refused_writes);
            batch.clear();
        }
    }
}
