//! How often the fillers of one business refuse each other, when so many are always at work.
//!
//! The worst case: reports come faster than the fillers can take them, so that each begins
//! again the moment it is done.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, Response};
use ringfence_carrier::callback::{Callback, STATUS_PATH};
use ringfence_carrier::form::Form;
use ringfence_core::call::Report;
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_flows::fill::fill;
use ringfence_flows::tally::Tally;
use ringfence_local::environment::{Blueprint, Environment};
use ringfence_local::twilio::{Behaviour, Delivery, SimTwilio};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::report::Table;
use crate::stage::{Latency, Stage};

const FILLERS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
const LIMIT: u32 = 200;
const LEADS: u32 = 500;
/// As many messages as one invocation gets.
const BATCH_MAX: usize = 10;
/// A filler that hears of nothing for so long looks by itself: wake-ups are lost here.
const SILENCE: Duration = Duration::from_secs(1);

const METRIC: &str = "refused conditions, by fillers always at work";
const CALLS: &str = "calls placed, by fillers always at work";
const GIVEN_UP: &str = "fills given up, by fillers always at work";

pub(super) async fn measure(table: &mut Table) -> Result<()> {
    for fillers in FILLERS {
        let found = one(fillers).await?;
        table.plain(fillers, METRIC, "%", found.refused);
        table.plain(fillers, CALLS, "per second", found.calls_per_second);
        table.plain(fillers, GIVEN_UP, "fills", found.given_up as f64);
    }
    table.growth(CALLS);
    Ok(())
}

/// What came of a number of fillers.
struct Found {
    /// Of the conditional writes, in percent.
    refused: f64,
    /// In simulated time.
    calls_per_second: f64,
    /// How many fills lost every race that they may lose: SQS would deliver their messages again.
    given_up: u64,
}

async fn one(fillers: u32) -> Result<Found> {
    // The longest call ends before the first filler could come round to it.
    let talk = Duration::from_millis(100);
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, talk)).await?;
    let office = stage.open(LIMIT).await?;
    let list = stage.import(&office, LEADS).await?;
    // The stack's own poller and sweep have nothing to do.
    stage.lose_messages();
    let (sender, reports) = unbounded_channel();
    let clock = Arc::clone(&stage.stack.plan.clock);
    stage
        .twilio
        .deliver_by(Delivery::in_process(move |request| {
            // It asks what to say, too.
            let is_report = request.uri().path() == STATUS_PATH;
            if let Some(report) = report_of(&request, clock()).filter(|_| is_report) {
                // Nobody listens any more once everything is over.
                _ = sender.send(report);
            }
            Box::pin(async { Ok(Response::new(Bytes::new())) })
        }));
    stage.start(&office, list).await?;
    stage.stack.plan.dynamo.take_time(Latency::DYNAMODB);
    let before = stage.spent();

    let reports = Arc::new(Mutex::new(reports));
    let mut workers = JoinSet::new();
    for _ in 0..fillers {
        let (plan, reports) = (stage.stack.plan.clone(), Arc::clone(&reports));
        workers.spawn(work(plan, office.id.clone(), reports, stage.twilio.clone()));
    }
    let mut given_up = 0;
    while let Some(worked) = workers.join_next().await {
        given_up += worked?;
    }
    let truth = stage.twilio.truth();
    ensure!(truth.calls.len() == LEADS as usize, "everybody is called");
    ensure!(truth.duplicate_dials().is_empty(), "nobody is called twice");
    let peak = truth.peak_live_by_business().into_values().max();
    ensure!(peak.is_some_and(|peak| peak <= LIMIT), "the limit holds");
    let used = stage.spent().since(&before).dynamodb;
    let refused = used.failed_conditions as f64 / used.conditional_writes.max(1) as f64;
    let arrived = truth.creates.iter().map(|create| create.arrived.instant);
    let (first, last) = (arrived.clone().min(), arrived.max());
    let span = last.zip(first).map(|(last, first)| last - first);
    let seconds = span.context("there were calls")?.as_secs_f64();
    Ok(Found {
        refused: 100.0 * refused,
        calls_per_second: f64::from(LEADS) / seconds,
        given_up,
    })
}

/// Fills, with the reports that have come, until there are no more. Says how often that failed.
async fn work(
    plan: Blueprint,
    business: BusinessId,
    reports: Arc<Mutex<UnboundedReceiver<Report>>>,
    twilio: SimTwilio,
) -> u64 {
    let environment = Environment::start(&plan);
    let (mut batch, mut given_up) = (Vec::new(), 0);
    // Bounded by the calls of the run.
    loop {
        let mut tally = Tally::default();
        let filled = fill(&environment.world, &business, &batch, &mut tally).await;
        if filled.is_err() {
            given_up += 1;
            continue;
        }
        batch.clear();
        let mut reports = reports.lock().await;
        let heard = timeout(SILENCE, reports.recv_many(&mut batch, BATCH_MAX)).await;
        if heard.is_err() && twilio.truth().creates.len() >= LEADS as usize {
            return given_up;
        }
    }
}

fn report_of(request: &Request<Bytes>, now: Timestamp) -> Option<Report> {
    let form = Form::parse(request.body()).ok()?;
    let callback = Callback::parse(request.uri().query()?, &form, now).ok()?;
    callback.report()
}
