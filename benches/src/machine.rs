//! What the embedded stack sustains on one thread and on two, and what bounds it: businesses
//! whose calls are over at once, so that somebody can always be called.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use ringfence_local::twilio::Behaviour;
use tokio::time::{Instant, sleep};

use crate::bench::in_real_time;
use crate::process::cpu_seconds;
use crate::report::Table;
use crate::stage::Stage;
use crate::turnaround::floor;

const BUSINESSES: [u32; 4] = [3, 30, 100, 300];
/// The numbers of businesses at which two stacks are at work side by side.
const TWICE: u32 = 100;
const LIMIT: u32 = 3;
const WARM_UP: Duration = Duration::from_millis(1_500);
const SPAN: Duration = Duration::from_secs(3);
/// More than a stack sustains on a thread of today's machines.
const RATE_MAX: u32 = 1_200;

const CALLS: &str = "calls, one stack on one thread";
const CAPACITY: &str = "calls in a second of processor time";
const CPU: &str = "processor time of a call";

pub(crate) fn run() -> Result<Table> {
    let mut table = Table::of("machine");
    for businesses in BUSINESSES {
        let found = in_real_time(sustain(businesses))?;
        table.plain(businesses, CALLS, "per second", found.rate);
        let share = 100.0 * found.cpu_share;
        table.plain(businesses, "use of its thread", "%", share);
        // Whatever neighbours take of the machine.
        let (ours, floor) = (1_000.0 / found.cpu_millis, 1_000.0 / found.floor_cpu_millis);
        table.floored(businesses, CAPACITY, "per second", ours, floor);
        let floor = found.floor_cpu_millis;
        table.floored(businesses, CPU, "ms", found.cpu_millis, floor);
    }
    table.growth(CALLS);
    table.growth(CPU);
    let side_by_side: Vec<_> = (0..2)
        .map(|_| thread::spawn(|| in_real_time(sustain(TWICE))))
        .collect();
    let mut both = 0.0;
    for one in side_by_side {
        let found = one
            .join()
            .map_err(|_| anyhow::anyhow!("a stack panicked"))??;
        both += found.rate;
    }
    table.plain(
        2 * TWICE,
        "calls, two stacks on two threads",
        "per second",
        both,
    );
    Ok(table)
}

struct Found {
    /// Calls in a second.
    rate: f64,
    cpu_share: f64,
    cpu_millis: f64,
    /// Of the requests to DynamoDB and the queue alone.
    floor_cpu_millis: f64,
}

async fn sustain(businesses: u32) -> Result<Found> {
    let mut behaviour = Behaviour::exactly(Duration::ZERO, Duration::ZERO);
    behaviour.talk = Duration::from_millis(5)..=Duration::from_millis(50);
    let mut stage = Stage::set(behaviour).await?;
    let seconds = (WARM_UP + SPAN).as_secs() as u32 + 1;
    // No business has all calls to itself, and slots bound how many it can have.
    let slots = LIMIT * seconds * 1_000 / 27;
    let leads = slots.min(2 * RATE_MAX * seconds / businesses + 10);
    let mut offices = Vec::new();
    for _ in 0..businesses {
        let office = stage.open(LIMIT).await?;
        let list = stage.import(&office, leads).await?;
        offices.push((office, list));
    }
    // Nobody calls before everybody can.
    stage.lose_messages();
    for (office, list) in &offices {
        stage.start(office, *list).await?;
    }
    stage.wake_all().await?;
    sleep(WARM_UP).await;
    let (before, begun, cpu) = (made(&stage), Instant::now(), cpu_seconds()?);
    sleep(SPAN).await;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let calls = made(&stage) - before;
    ensure!(calls > 0.0, "somebody is called");
    let rate = calls / seconds;

    let offices: Vec<_> = offices.into_iter().map(|(office, _)| office).collect();
    let copies = floor::Copies::of(&stage, &offices)?;
    drop(stage);
    // What still lives of the carrier has nobody to tell.
    sleep(Duration::from_millis(200)).await;
    let floor_cpu = cpu_seconds()?;
    // A thread that has time to spare takes as long for each round.
    let rounds = floor::measure(&copies, rate / 3.0, Duration::from_secs(2)).await?;
    let floor_cpu = (cpu_seconds()? - floor_cpu) / rounds.len().max(1) as f64;
    Ok(Found {
        rate,
        cpu_share: cpu / seconds,
        cpu_millis: 1_000.0 * cpu / calls.max(1.0),
        floor_cpu_millis: 1_000.0 * floor_cpu,
    })
}

fn made(stage: &Stage) -> f64 {
    stage.twilio.truth().calls.len() as f64
}
