//! Starts of runs, by the ids of the leads and by list: time, requests and peak memory; beside
//! the rows that peer (a) stores for the same leads.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ringfence_local::aws::meter::Usage;
use ringfence_local::twilio::Behaviour;
use serde_json::{Value, json};

use crate::peers::World;
use crate::process::{forget_peak, peak_in_a_child, peak_megabytes};
use crate::report::Table;
use crate::stage::{ENQUEUE, Office, Stage};

const LIST: &str = "list";
const IDS: &str = "ids";

const LEADS: [u32; 4] = [100, 1_000, 10_000, 100_000];

pub(crate) async fn run() -> Result<Table> {
    let mut table = Table::of("start");
    for leads in LEADS {
        let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
        let office = stage.open(3).await?;
        let list = stage.import(&office, leads).await?;
        // Nobody calls meanwhile.
        stage.lose_messages();
        let peer = of_peer(leads).await?;
        let ids: Vec<u32> = (1..=leads).collect();
        let bodies = [
            (LIST, json!({ "outbound_list_id": list.get() })),
            (IDS, json!({ "lead_ids": ids })),
        ];
        for (by, body) in bodies {
            let found = start(&stage, &office, &body, leads).await?;
            found.tell(&mut table, leads, by, &peer);
            let megabytes = peak_in_a_child(&["start", by, &leads.to_string()])?;
            table.plain(leads, &format!("peak memory, by {by}"), "MB", megabytes);
        }
    }
    for by in [LIST, IDS] {
        for metric in [
            "time",
            "requests besides validation",
            "write units",
            "peak memory",
        ] {
            table.growth(&format!("{metric}, by {by}"));
        }
    }
    Ok(table)
}

struct Found {
    millis: f64,
    used: Usage,
}

async fn start(stage: &Stage, office: &Office, body: &Value, leads: u32) -> Result<Found> {
    let before = stage.spent();
    let begun = Instant::now();
    let answer = stage.post(office, ENQUEUE, body).await?;
    let millis = 1_000.0 * begun.elapsed().as_secs_f64();
    ensure!(answer["queued"] == leads, "everybody waits: {answer}");
    Ok(Found {
        millis,
        used: stage.spent().since(&before).api,
    })
}

/// How many megabytes one start takes, in a process that has done little else.
pub(crate) async fn probe(by: &str, leads: u32) -> Result<f64> {
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
    let office = stage.open(3).await?;
    let body = if by == LIST {
        json!({ "outbound_list_id": stage.import(&office, leads).await?.get() })
    } else {
        stage.import(&office, 1).await?;
        copy_lead(&stage, &office, leads)?;
        json!({ "lead_ids": (1..=leads).collect::<Vec<u32>>() })
    };
    stage.lose_messages();
    let before = forget_peak()?;
    start(&stage, &office, &body, leads).await?;
    Ok(peak_megabytes()? - before)
}

/// Stores leads like the first until there are `leads`, past the import: a start that used what
/// a large import gave back would not show.
fn copy_lead(stage: &Stage, office: &Office, leads: u32) -> Result<()> {
    let partition = format!("LEADS#{}", office.id);
    let model = stage.raw.first(&partition, "LEAD#")?;
    let model = model.context("there is a lead")?;
    for number in 2..=leads {
        let mut lead = model.clone();
        lead["sk"] = json!({ "S": format!("LEAD#{number:010}") });
        stage.raw.put_all(&[lead])?;
    }
    Ok(())
}

/// What storing a row for each lead takes: milliseconds, and what it used.
async fn of_peer(leads: u32) -> Result<(f64, Usage)> {
    let world = World::set(Behaviour::ordinary()).await?;
    world.dynamo.take_time(Duration::ZERO);
    let (before, begun) = (world.dynamo.meter().snapshot(), Instant::now());
    world
        .store_jobs(leads)
        .await
        .context("failed to store a peer's jobs")?;
    let millis = 1_000.0 * begun.elapsed().as_secs_f64();
    Ok((millis, world.dynamo.meter().snapshot().since(&before)))
}

impl Found {
    fn tell(&self, table: &mut Table, leads: u32, by: &str, peer: &(f64, Usage)) {
        let Self { millis, used } = self;
        let of = |operation: &str| used.by_operation.get(operation).copied().unwrap_or(0);
        let validating = of("BatchGetItem") + of("Query");
        let requests = (used.requests - validating) as f64;
        table.against(leads, &format!("time, by {by}"), "ms", *millis, peer.0);
        let metric = format!("requests besides validation, by {by}");
        table.against(leads, &metric, "requests", requests, peer.1.requests as f64);
        let metric = format!("requests to validate, by {by}");
        table.plain(leads, &metric, "requests", validating as f64);
        let metric = format!("write units, by {by}");
        table.against(leads, &metric, "WCU", used.write_units, peer.1.write_units);
    }
}
