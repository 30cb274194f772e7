//! From the arrival of a final callback to the leaving of the next request for a call, in real
//! time, while so many businesses are busy; beside the same requests to DynamoDB and the queue
//! without our code between them.
//!
//! The load is the same for all numbers of businesses: the more there are, the longer calls are.

pub(crate) mod floor;

use std::time::Duration;

use anyhow::{Context, Result};
use ringfence_local::twilio::{Behaviour, Script, Truth};
use tokio::time::{Instant, sleep};

use self::floor::Copies;
use crate::bench::{Size, in_real_time};
use crate::process::cpu_seconds;
use crate::report::Table;
use crate::stage::{Stage, phone};
use crate::stats::{median, percentile};

const BUSINESSES: [u32; 4] = [1, 10, 100, 1_000];
const LIMIT: u32 = 3;
/// Calls that end in a second, of all businesses together.
const RATE: f64 = 100.0;
/// Ours and the floor take turns, so that a neighbour disturbs both.
const PASSES: u32 = 3;

/// How long what the crowd at a start has left over takes.
const WARM_UP: Duration = Duration::from_secs(2);

/// The carrier's and the embedded services' included; what neighbours do is not in it.
const CPU: &str = "processor time of an end and the next call";

const METRICS: [&str; 3] = ["turnaround, p50", "turnaround, p99", "turnaround, max"];

pub(crate) fn run(size: Size) -> Result<Table> {
    let mut table = Table::of("turnaround");
    let span = Duration::from_secs(if size == Size::Full { 30 } else { 4 });
    for businesses in BUSINESSES {
        let (mut ours, mut floors, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PASSES {
            let Found {
                millis,
                cpu_millis,
                copies,
            } = in_real_time(ours_at(businesses, span))?;
            ours.push(millis);
            cpu.push(cpu_millis);
            floors.push(in_real_time(floor::measure(&copies, RATE, span))?);
        }
        let shares = [0.50, 0.99, 1.0];
        for (metric, share) in METRICS.into_iter().zip(shares) {
            let middle = |passes: &[Vec<f64>]| {
                let of_passes = passes.iter().filter_map(|pass| percentile(pass, share));
                median(&of_passes.collect::<Vec<_>>()).context("something was measured")
            };
            table.floored(businesses, metric, "ms", middle(&ours)?, middle(&floors)?);
        }
        let cpu = median(&cpu).context("something was measured")?;
        table.plain(businesses, CPU, "ms", cpu);
    }
    for metric in METRICS {
        table.growth(metric);
    }
    table.growth(CPU);
    Ok(table)
}

/// What was found of a stack.
struct Found {
    /// The turnarounds.
    millis: Vec<f64>,
    /// The processor time of all that an end leads to.
    cpu_millis: f64,
    /// The items that the turnarounds were about.
    copies: Copies,
}

async fn ours_at(businesses: u32, span: Duration) -> Result<Found> {
    let slots = businesses * LIMIT;
    let mean = f64::from(slots) / RATE;
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
    // As many as end in time, twice over: businesses differ.
    let ends = 2.0 * RATE * (2 * WARM_UP + span).as_secs_f64() / f64::from(businesses);
    let leads = 2 * LIMIT + 4 + ends as u32;
    let mut rng = fastrand::Rng::with_seed(1);
    let mut offices = Vec::new();
    for business in 0..businesses {
        let office = stage.open(LIMIT).await?;
        let first = business * leads;
        // Calls that may end at any moment, however long they have been going on: so ends come
        // as often in the beginning as later, although all businesses start at once.
        for number in first..first + leads {
            let talk = Duration::from_secs_f64(-(1.0 - rng.f64()).ln() * mean);
            let script = Script::talks(Duration::ZERO, talk);
            stage.twilio.script(phone(number)?, script);
        }
        let list = stage.import_from(&office, first, leads).await?;
        offices.push((office, list));
    }
    for (office, list) in &offices {
        stage.start(office, *list).await?;
    }
    while stage.twilio.truth().creates.len() < slots as usize {
        sleep(Duration::from_millis(100)).await;
    }
    sleep(WARM_UP).await;
    let (from, placed) = (Instant::now(), stage.twilio.truth().creates.len());
    let cpu = cpu_seconds()?;
    sleep(span).await;
    let cpu = cpu_seconds()? - cpu;
    let truth = stage.twilio.truth();
    let after = Truth {
        creates: truth.creates[placed..].to_vec(),
        calls: truth
            .calls
            .iter()
            .filter(|call| call.final_sent.is_some_and(|sent| sent.instant >= from))
            .cloned()
            .collect(),
        ..truth
    };
    let millis = after.turnarounds();
    let millis = millis.iter().map(|span| 1_000.0 * span.as_secs_f64());
    let offices: Vec<_> = offices.into_iter().map(|(office, _)| office).collect();
    Ok(Found {
        millis: millis.collect(),
        cpu_millis: 1_000.0 * cpu / after.creates.len().max(1) as f64,
        copies: Copies::of(&stage, &offices)?,
    })
}
