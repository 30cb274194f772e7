//! What a sweep asks for, by the number of businesses with work and without.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ringfence_core::ids::BusinessId;
use ringfence_ledger::table::{WORK_SHARDS, work_shard};
use ringfence_local::environment::{Blueprint, Environment};
use ringfence_local::twilio::Behaviour;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bench::Size;
use crate::report::Table;
use crate::stage::Stage;

const BUSINESSES: [u32; 4] = [100, 1_000, 10_000, 100_000];
/// Where all of them have work.
const BUSY: [u32; 5] = [100, 1_000, 3_000, 10_000, 100_000];
/// How many have work where most have none.
const FEW: u32 = 100;
/// Stored at once.
const CHUNK: usize = 1_000;

pub(crate) async fn run(size: Size) -> Result<Table> {
    let mut table = Table::of("sweep");
    for businesses in BUSINESSES {
        let found = sweep(businesses, FEW, Due::No).await?;
        tell(&mut table, businesses, "100 of n with work", &found);
    }
    for businesses in size.up_to(10_000, &BUSY) {
        let found = sweep(businesses, businesses, Due::No).await?;
        tell(&mut table, businesses, "all n with work", &found);
    }
    for businesses in size.up_to(10_000, &BUSY) {
        let found = sweep(businesses, businesses, Due::Yes).await?;
        tell(&mut table, businesses, "all n due", &found);
    }
    for work in ["100 of n with work", "all n with work", "all n due"] {
        table.growth(&format!("requests, {work}"));
        table.growth(&format!("time, {work}"));
    }
    Ok(table)
}

/// Whether those with work have something to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Their calls go on.
    No,
    /// Leads wait, slots are free, and every message was lost.
    Yes,
}

struct Found {
    millis: f64,
    requests: f64,
    /// A query for each shard, a hundred states in a request, and ten wake-ups.
    requests_at_least: f64,
    read_units: f64,
}

fn tell(table: &mut Table, businesses: u32, work: &str, found: &Found) {
    let metric = format!("requests, {work}");
    let (requests, least) = (found.requests, found.requests_at_least);
    table.floored(businesses, &metric, "requests", requests, least);
    table.plain(businesses, &format!("time, {work}"), "ms", found.millis);
    table.plain(
        businesses,
        &format!("read units, {work}"),
        "RCU",
        found.read_units,
    );
}

/// One sweep over `all` businesses of which `busy` have work.
async fn sweep(all: u32, busy: u32, due: Due) -> Result<Found> {
    let hour = Duration::from_secs(3_600);
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, hour)).await?;
    let (at_work, idle) = (stage.open(1).await?, stage.open(1).await?);
    let list = stage.import(&at_work, 3).await?;
    if due == Due::Yes {
        stage.lose_messages();
    }
    stage.start(&at_work, list).await?;
    sleep(Duration::from_millis(200)).await;
    stage.lose_messages();
    let models = [stage.raw.state(&at_work.id)?, stage.raw.state(&idle.id)?];
    ensure!(
        models[0].get("work").is_some(),
        "a business with a run has work"
    );
    let mut items = Vec::new();
    // One is there already.
    for number in 1..all {
        items.push(copy(number, &models[usize::from(number >= busy)])?);
        if items.len() == CHUNK {
            stage.raw.put_all(&items)?;
            items.clear();
        }
    }
    stage.raw.put_all(&items)?;

    let apart = Blueprint {
        dynamo: stage.stack.plan.dynamo.metered_apart(),
        ..stage.stack.plan.clone()
    };
    let environment = Environment::start(&apart);
    let (sqs, begun) = (apart.queue.meter().snapshot(), Instant::now());
    let swept = ::sweep::handle(&environment.world, &apart.metrics).await?;
    let millis = 1_000.0 * begun.elapsed().as_secs_f64();
    let woken = if due == Due::Yes { busy } else { 0 };
    ensure!(
        (swept.with_work, swept.woken) == (u64::from(busy), u64::from(woken)),
        "who is due is woken: {swept:?} of {busy}"
    );
    let (read, sent) = (
        apart.dynamo.meter().snapshot(),
        apart.queue.meter().snapshot(),
    );
    let sent = sent.since(&sqs).by_operation;
    let sent = sent.get("SendMessageBatch").copied().unwrap_or(0);
    Ok(Found {
        millis,
        requests: (read.requests + sent) as f64,
        requests_at_least: f64::from(WORK_SHARDS + busy.div_ceil(100) + woken.div_ceil(10)),
        read_units: read.read_units,
    })
}

/// The state of another business that is just as this one.
fn copy(number: u32, model: &Value) -> Result<Value> {
    let id: BusinessId = format!("copy{number:07}").parse()?;
    let mut state = model.clone();
    state["pk"] = json!({ "S": format!("BIZ#{id}") });
    if state.get("work").is_some() {
        state["work"] = json!({ "S": work_shard(&id).to_string() });
    }
    Ok(state)
}
