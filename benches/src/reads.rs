//! Status, recent calls and stop, while so many calls are stored: time and units of each request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, StatusCode};
use ringfence_core::ids::ListId;
use ringfence_local::twilio::{Behaviour, Script};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bench::Size;
use crate::report::Table;
use crate::stage::{Office, Stage, phone};
use crate::stats::median;

const CALLS: [u64; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
/// How often each request is sent.
const TIMES: u32 = 25;
/// Stored at once.
const CHUNK: u64 = 1_000;

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) async fn run(size: Size) -> Result<Table> {
    let mut table = Table::of("reads");
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, HOUR)).await?;
    let office = stage.open(3).await?;
    // One call ends soon, and its record is the model of all others.
    let soon = Script::talks(Duration::ZERO, Duration::from_millis(10));
    stage.twilio.script(phone(0)?, soon);
    let list = stage.import(&office, 50).await?;
    let started = stage.start(&office, list).await?;
    let run = started["run_id"].as_u64().context("a run has begun")?;
    sleep(Duration::from_secs(2)).await;
    let partition = format!("BIZ#{}", office.id);
    let model = stage.raw.first(&partition, "CALL#")?;
    let model = model.context("a call was recorded")?;

    let mut stored = 0;
    for calls in size.up_to(100_000, &CALLS) {
        store(&stage, &model, stored, calls)?;
        stored = calls;
        let status = format!("/api/outbound/runs/{run}");
        let recent = "/api/outbound/recent-calls?page_size=50";
        for (name, path) in [("status", status.as_str()), ("recent calls", recent)] {
            let cost = asked(&stage, &office, path).await?;
            tell(&mut table, calls, name, &cost);
        }
        let cost = known(&stage, &office, &status).await?;
        tell(&mut table, calls, "status that is known", &cost);
        let cost = stopped(&stage, &office, list).await?;
        tell(&mut table, calls, "stop", &cost);
    }
    for name in ["status", "status that is known", "recent calls", "stop"] {
        table.growth(&format!("{name}, time"));
        table.growth(&format!("{name}, read units"));
    }
    Ok(table)
}

/// Stores records like `model` until there are `to`, all of the last hours.
fn store(stage: &Stage, model: &Value, from: u64, to: u64) -> Result<()> {
    let now = (stage.stack.plan.clock)().as_millis();
    let mut next = from;
    while next < to {
        let until = to.min(next + CHUNK);
        let records = (next..until).map(|place| {
            let mut record = model.clone();
            let random = place.to_be_bytes();
            let mut bytes = [0; 10];
            bytes[2..].copy_from_slice(&random);
            // Ten a second, all before the bench began.
            let at = now - 60_000 - 100 * place;
            let id = uuid::Builder::from_unix_timestamp_millis(at, &bytes).into_uuid();
            record["sk"] = json!({ "S": format!("CALL#{id}") });
            record
        });
        stage.raw.put_all(&records.collect::<Vec<_>>())?;
        next = until;
    }
    Ok(())
}

/// What one request takes.
struct Cost {
    millis: f64,
    read_units: f64,
    write_units: f64,
}

fn tell(table: &mut Table, calls: u64, name: &str, cost: &Cost) {
    table.plain(calls, &format!("{name}, time"), "ms", cost.millis);
    table.plain(
        calls,
        &format!("{name}, read units"),
        "RCU",
        cost.read_units,
    );
    if cost.write_units > 0.0 {
        table.plain(
            calls,
            &format!("{name}, write units"),
            "WCU",
            cost.write_units,
        );
    }
}

async fn asked(stage: &Stage, office: &Office, path: &str) -> Result<Cost> {
    // Who asks is looked up once a minute.
    stage.ask(office, Method::GET, path, Bytes::new()).await?;
    let mut times = Vec::new();
    let before = stage.spent();
    for _ in 0..TIMES {
        let begun = Instant::now();
        stage.ask(office, Method::GET, path, Bytes::new()).await?;
        times.push(1_000.0 * begun.elapsed().as_secs_f64());
    }
    let used = stage.spent().since(&before).api;
    Ok(Cost {
        millis: median(&times).context("something was measured")?,
        read_units: used.read_units / f64::from(TIMES),
        write_units: used.write_units / f64::from(TIMES),
    })
}

/// Asks for what the client has already, and is told so.
async fn known(stage: &Stage, office: &Office, path: &str) -> Result<Cost> {
    let ask = |tag: Option<HeaderValue>| {
        let mut request = Request::builder().uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", office.key));
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let gateway = Arc::clone(&stage.stack.gateway);
        async move { anyhow::Ok(gateway.answer(request.body(Bytes::new())?).await) }
    };
    let answer = ask(None).await?;
    let tag = answer.headers().get(header::ETAG).cloned();
    let tag = tag.context("a status has a tag")?;
    let mut times = Vec::new();
    let before = stage.spent();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let status = ask(Some(tag.clone())).await?.status();
        times.push(1_000.0 * begun.elapsed().as_secs_f64());
        ensure!(
            status == StatusCode::NOT_MODIFIED,
            "nothing is new: {status}"
        );
    }
    let used = stage.spent().since(&before).api;
    Ok(Cost {
        millis: median(&times).context("something was measured")?,
        read_units: used.read_units / f64::from(TIMES),
        write_units: used.write_units / f64::from(TIMES),
    })
}

/// Starts a run and stops it, again and again. Nobody calls for it: all slots are taken.
async fn stopped(stage: &Stage, office: &Office, list: ListId) -> Result<Cost> {
    let mut times = Vec::new();
    let (mut read_units, mut write_units) = (0.0, 0.0);
    for _ in 0..TIMES {
        let started = stage.start(office, list).await?;
        let body = json!({ "run_id": started["run_id"] });
        let (before, begun) = (stage.spent(), Instant::now());
        stage
            .post(office, "/api/outbound/stop-queue", &body)
            .await?;
        times.push(1_000.0 * begun.elapsed().as_secs_f64());
        let used = stage.spent().since(&before).api;
        read_units += used.read_units;
        write_units += used.write_units;
        // Lets the run be filed.
        sleep(Duration::from_millis(5)).await;
    }
    Ok(Cost {
        millis: median(&times).context("something was measured")?,
        read_units: read_units / f64::from(TIMES),
        write_units: write_units / f64::from(TIMES),
    })
}
