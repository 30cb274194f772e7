//! How much of the time slots are in use: the makespan of a list of leads, beside the ideal
//! list schedule of the same calls; and how long a slot lies idle, beside peers (b) and (c).
//!
//! Time is simulated, with what a network and Lambda would add.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ringfence_local::twilio::Behaviour;

use crate::bench::Size;
use crate::peers::semaphore::Start;
use crate::peers::{World, polling, semaphore};
use crate::report::Table;
use crate::schedule::{Utilisation, utilisation};
use crate::stage::Stage;

const LIMITS: [u32; 5] = [1, 3, 10, 50, 200];
const LEADS: [u32; 3] = [100, 1_000, 10_000];
/// The limit at which the longest list takes the least of our own time: below it there are more
/// sweeps, and above it the state is larger.
const LONG_LISTS: u32 = 10;
/// Longer than 10,000 calls one after another.
const LONGEST: Duration = Duration::from_secs(60 * 24 * 3_600);

pub(crate) async fn run(size: Size) -> Result<Table> {
    let mut table = Table::of("utilisation");
    let mut ours = Vec::new();
    for limit in LIMITS {
        for leads in LEADS {
            if leads == 10_000 && size == Size::Usual && limit != LONG_LISTS {
                continue;
            }
            let found = measure(leads, limit).await?;
            let metric = format!("makespan, limit {limit}");
            let (makespan, ideal) = (found.makespan.as_secs_f64(), found.ideal.as_secs_f64());
            table.floored(leads, &metric, "s", makespan, ideal);
            ours.push((leads, limit, found));
        }
    }
    let of = |leads: u32, limit: u32| {
        let found = ours.iter().find(|one| (one.0, one.1) == (leads, limit));
        found.map(|one| one.2).context("it was measured")
    };
    let mut compared = vec![
        (
            "(b) semaphore, all at once",
            100,
            3,
            Peer::Semaphore(Start::AtOnce),
        ),
        (
            "(b) semaphore, spread over 3 s",
            100,
            3,
            Peer::Semaphore(Start::Spread),
        ),
        ("(c) polling", 100, 3, Peer::Polling),
        ("(c) polling", 1_000, 50, Peer::Polling),
    ];
    if size == Size::Full {
        compared.extend([
            (
                "(b) semaphore, all at once",
                1_000,
                50,
                Peer::Semaphore(Start::AtOnce),
            ),
            (
                "(b) semaphore, spread over 3 s",
                1_000,
                50,
                Peer::Semaphore(Start::Spread),
            ),
        ]);
    }
    for (name, leads, limit, peer) in compared {
        let ours = of(leads, limit)?;
        let theirs = of_peer(peer, leads, limit).await?;
        let millis = |span: Duration| 1_000.0 * span.as_secs_f64();
        let metric = format!("slot idle, limit {limit}; {name}");
        table.against(leads, &metric, "ms", millis(ours.idle), millis(theirs.idle));
        let metric = format!("makespan / ideal, limit {limit}; {name}");
        table.against(leads, &metric, "x", wasted(&ours), wasted(&theirs));
    }
    Ok(table)
}

fn wasted(found: &Utilisation) -> f64 {
    found.makespan.as_secs_f64() / found.ideal.as_secs_f64()
}

async fn measure(leads: u32, limit: u32) -> Result<Utilisation> {
    let mut stage = Stage::set(Behaviour::ordinary()).await?;
    let office = stage.open(limit).await?;
    let list = stage.import(&office, leads).await?;
    stage.take_time();
    stage.start(&office, list).await?;
    // Looking costs us time, and nothing of what is measured.
    let every = Duration::from_secs(30);
    let offices = std::slice::from_ref(&office);
    stage.finish(offices, every, LONGEST, || Ok(())).await?;
    let truth = stage.twilio.truth();
    ensure!(truth.calls.len() == leads as usize, "everybody is called");
    utilisation(&truth, limit).context("every call is over")
}

#[derive(Clone, Copy)]
enum Peer {
    Semaphore(Start),
    Polling,
}

async fn of_peer(peer: Peer, leads: u32, limit: u32) -> Result<Utilisation> {
    let world = World::set(Behaviour::ordinary()).await?;
    match peer {
        Peer::Semaphore(start) => semaphore::run(&world, leads, limit, start).await?,
        Peer::Polling => polling::run(&world, leads, limit).await?,
    }
    let truth = world.twilio.truth();
    ensure!(truth.calls.len() == leads as usize, "everybody is called");
    utilisation(&truth, limit).context("every call is over")
}
