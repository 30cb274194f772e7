//! The main job, shown and audited: a list of leads is called to its end.
//!
//! It drives the stack over HTTP as any client would, and believes only the carrier.

mod audit;
mod client;
mod progress;

use business::defaults::Defaults;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use ringfence_carrier::settings::CallEvent;
use ringfence_core::ids::BusinessId;
use ringfence_core::timing::Timing;
use ringfence_shell::config::LEADS_MAX_DEFAULT;
use tokio::net::TcpListener;

pub use self::audit::Report;
use self::audit::{Before, audit};
use self::client::Client;
use self::progress::Progress;
use crate::aws::dynamo::Dynamo;
use crate::aws::queue::QueueFaults;
use crate::clock::Clock;
use crate::doors::Doors;
use crate::events::Crashes;
use crate::front;
use crate::settings::{Simulation, line, own_origin};
use crate::stack::{Parts, Stack};
use crate::twilio::{Behaviour, Faults, SimTwilio};

/// What `demo` is told.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// A CSV file of leads; a bundled one of 100 unless given.
    #[arg(long)]
    pub leads: Option<PathBuf>,
    /// How many calls each business may have live at once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// How many businesses call the list at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub businesses: u32,
    /// The same seed gives the same people, moods and accidents.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many times faster than life calls are.
    #[arg(long, default_value_t = 60.0)]
    pub speed: f64,
    /// What goes wrong meanwhile.
    #[arg(long, value_enum, default_value_t = Trouble::None)]
    pub faults: Trouble,
    /// Prints the audit as one JSON object, last.
    #[arg(long)]
    pub json: bool,
}

/// What goes wrong during the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Callbacks are lost, doubled, late and reordered, creates are answered badly,
    /// messages are lost and doubled, and handlers crash.
    Rough,
}

/// A hundred people with numbers that cannot be real.
const SAMPLE: &[u8] = include_bytes!("../sample/leads.csv");
/// How often progress is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(200);
/// The demo gives up when nothing at all has ended for so long.
const STUCK_AFTER: Duration = Duration::from_secs(180);
/// What the carrier reports when callbacks are to come in the wrong order.
const ALL_EVENTS: &str = "initiated,ringing,answered,completed";
/// When things go wrong, silent calls are asked about after the shortest time, and the
/// sweep runs each second: with calls of seconds, minutes of patience would only be watched.
const HASTY_SETTLE_SECONDS: u64 = Timing::SETTLE_SECONDS_MIN;
const HASTY_SWEEP_SECONDS: u64 = 1;

/// Runs the demo and reports what the carrier saw.
///
/// # Errors
///
/// The demo could not be run to its end.
pub async fn run(args: DemoArgs) -> Result<Report> {
    ensure!(
        args.speed.is_finite() && args.speed > 0.0,
        "--speed must be more than 0"
    );
    let leads = match &args.leads {
        Some(path) => std::fs::read(path).with_context(|| format!("--leads {}", path.display()))?,
        None => SAMPLE.to_vec(),
    };
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("failed to open a port")?;
    let origin = own_origin(&listener)?;
    let (stack, twilio) = start(&args, &origin).await?;
    tokio::spawn(front::serve(listener, stack.gateway.clone()));

    let client = Client::new(&origin)?;
    let lists = import(&args, &stack, &client, &leads).await?;
    let mut before = Before::snapshot(&stack);
    let runs = begin(&client, lists).await?;
    before.has_started(&stack);
    let mut progress = Progress::new(&runs, args.limit, args.json);
    watch(&client, &runs, &mut progress).await?;
    progress.finish();
    let report = audit(&args, &stack, &client, &twilio, &runs, &before).await?;
    report.print(args.json);
    Ok(report)
}

/// A run that the demo has started.
pub(crate) struct DemoRun {
    pub(crate) business: BusinessId,
    pub(crate) api_key: String,
    pub(crate) run: u64,
    pub(crate) total: u64,
}

async fn start(args: &DemoArgs, origin: &str) -> Result<(Stack, SimTwilio)> {
    let is_rough = args.faults == Trouble::Rough;
    let timing = if is_rough {
        Timing::scaled(HASTY_SETTLE_SECONDS, HASTY_SWEEP_SECONDS)?
    } else {
        Timing::CLOUD
    };
    let clock = Clock::wall();
    let faults = if is_rough {
        Faults::rough()
    } else {
        Faults::none()
    };
    let behaviour = Behaviour::ordinary();
    let simulation = Simulation {
        seed: args.seed,
        speed: args.speed,
        behaviour,
        faults,
    };
    let mut line = line(origin, &timing, simulation, clock).await?;
    if is_rough {
        // One callback cannot be out of order.
        line.telephony.call_events = CallEvent::parse_list(ALL_EVENTS)?;
    }
    let twilio = line
        .twilio
        .context("the demo needs the simulated Twilio: unset TWILIO_API_BASE")?;
    let parts = Parts {
        dynamo: Dynamo::memory()?,
        clock,
        timing,
        telephony: line.telephony,
        way: line.way,
        table: "ringfence".to_owned(),
        leads_max: LEADS_MAX_DEFAULT,
        defaults: Defaults::standard(),
        doors: Doors::PLAIN,
    };
    let crashes = if is_rough {
        Crashes {
            share: 0.03,
            seed: args.seed,
        }
    } else {
        Crashes::NONE
    };
    let stack = Stack::start(parts, crashes).await?;
    if is_rough {
        stack.plan.queue.misbehave(QueueFaults {
            seed: args.seed,
            refuse: 0.02,
            lose: 0.05,
            double: 0.10,
            delay: 0.10,
            delay_max: Duration::from_secs(3),
        });
    }
    Ok((stack, twilio))
}

/// A business that has its leads.
struct Prepared {
    business: BusinessId,
    api_key: String,
    list: u64,
}

/// Makes the businesses and imports the leads into each.
async fn import(
    args: &DemoArgs,
    stack: &Stack,
    client: &Client,
    leads: &[u8],
) -> Result<Vec<Prepared>> {
    let system_key = stack.system_key().await?.expose();
    let mut prepared = Vec::new();
    for number in 0..args.businesses {
        let phone = format!("+9723{:07}", 1_000_000 + number);
        let made = client
            .create_business(&system_key, number, &phone, args.limit)
            .await?;
        let (business, api_key) = made;
        let list = client.import(&api_key, leads).await?;
        prepared.push(Prepared {
            business,
            api_key,
            list,
        });
    }
    Ok(prepared)
}

/// Starts a run of each business's list.
async fn begin(client: &Client, prepared: Vec<Prepared>) -> Result<Vec<DemoRun>> {
    let mut started = Vec::new();
    for Prepared {
        business,
        api_key,
        list,
    } in prepared
    {
        let (run, total) = client.start_list(&api_key, list).await?;
        started.push(DemoRun {
            business,
            api_key,
            run,
            total,
        });
    }
    Ok(started)
}

/// Looks at every run until all of them are over.
async fn watch(client: &Client, runs: &[DemoRun], progress: &mut Progress) -> Result<()> {
    let mut last_change = tokio::time::Instant::now();
    let mut ended_before = 0;
    loop {
        let mut ended = 0;
        let mut is_over = true;
        for (place, run) in runs.iter().enumerate() {
            let status = client.run(&run.api_key, run.run).await?;
            ensure!(
                status.adds_up(),
                "the counts of run {} do not add up: {status:?}",
                run.run
            );
            ended += status.ended();
            is_over &= status.is_over();
            let live = client.live_names(&run.api_key, run.run).await?;
            progress.draw(place, &status, &live);
        }
        if is_over {
            return Ok(());
        }
        if ended > ended_before {
            (ended_before, last_change) = (ended, tokio::time::Instant::now());
        }
        ensure!(
            last_change.elapsed() < STUCK_AFTER,
            "nothing has ended for {STUCK_AFTER:?}"
        );
        tokio::time::sleep(DRAWN_EVERY).await;
    }
}
