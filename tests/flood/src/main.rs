//! Floods the embedded stack with random requests, in process and in simulated time, and
//! checks that none of them is a failure of ours and that memory stays as it is.
//!
//! The real handlers answer behind the doors as the template sets them, with their throttles,
//! at a thousand requests a simulated second. A seed tells the same flood again.

mod requests;
mod scene;
mod tally;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use futures::future::join_all;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;

use crate::requests::Maker;
use crate::scene::Scene;
use crate::tally::Tally;

/// Floods the embedded stack with random requests.
#[derive(Parser)]
struct Args {
    /// How many.
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Does something wrong, which has to be noticed.
    #[arg(long)]
    plant: Option<Plant>,
}

/// What can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Plant {
    /// The table fails now and then.
    Failure,
    /// A kilobyte stays behind for each request.
    Leak,
    /// Some refusals lose their code.
    Shape,
}

/// How many requests are under way at once.
const ABREAST: u64 = 4;
/// The simulated time between two requests.
const APART: Duration = Duration::from_millis(1);
/// How much more memory there may be at the end than after a tenth. The caches that grow with
/// what comes in are full by then; 900,000 requests that leave 64 bytes each would pass it.
const GROWTH_BYTES_MAX: u64 = 48 * 1024 * 1024;

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    ensure!(args.requests >= 10 * ABREAST, "there are too few requests");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .context("failed to prepare the runtime")?;
    let is_borne = runtime.block_on(flood(&args))?;
    Ok(if is_borne {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Sends them all, tells what came of it, and whether the stack bore it.
async fn flood(args: &Args) -> Result<bool> {
    let folder = tempfile::tempdir().context("failed to make a folder")?;
    let scene = Scene::set(folder.path()).await?;
    if args.plant == Some(Plant::Failure) {
        scene.stack.plan.dynamo.faults().plan(StoreFault {
            operation: None,
            kind: FaultKind::Unavailable(Side::Before),
            when: When::Share(0.2),
        });
    }
    let mut maker = Maker::new(args.seed, &scene);
    let mut tally = Tally::default();
    let mut leaked: Vec<Vec<u8>> = Vec::new();
    let (began, mut early) = (Instant::now(), 0);
    let rounds = args.requests / ABREAST;
    for round in 0..rounds {
        let asked: Vec<_> = (0..ABREAST).map(|_| maker.make()).collect();
        let answering = asked.iter().map(|made| {
            let gateway = Arc::clone(&scene.stack.gateway);
            gateway.answer(made.request.clone())
        });
        for (made, mut answer) in asked.iter().zip(join_all(answering).await) {
            if args.plant == Some(Plant::Shape) && answer.status() == 404 && round % 1000 == 0 {
                *answer.body_mut() = bytes::Bytes::from_static(b"{\"success\":false}");
            }
            maker.learn(&made.business, &answer);
            tally.note(&made.name, &answer);
        }
        if args.plant == Some(Plant::Leak) {
            leaked.push(vec![1; 1024 * usize::try_from(ABREAST)?]);
        }
        tokio::time::sleep(APART * u32::try_from(ABREAST)?).await;
        if round == rounds / 10 {
            early = resident_bytes()?;
        }
    }
    let growth = resident_bytes()?.saturating_sub(early);
    let is_steady = growth <= GROWTH_BYTES_MAX;
    let mut out = std::io::stdout();
    tally.tell(&mut out)?;
    writeln!(
        out,
        "{} requests in {} s, seed {}; after a tenth {} KiB, then {} KiB more, {}",
        rounds * ABREAST,
        began.elapsed().as_secs(),
        args.seed,
        early / 1024,
        growth / 1024,
        if is_steady { "steady" } else { "not steady" },
    )?;
    drop(leaked);
    Ok(is_steady && tally.is_clean())
}

/// What this process has in memory, as Linux counts it.
fn resident_bytes() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("failed to look at memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.context("there is no VmRSS")?.trim().parse()?;
    Ok(kib * 1024)
}
