//! Keeps the stack up for curl, the console and outside clients.

use business::defaults::Defaults;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use ringfence_core::timing::Timing;
use ringfence_shell::config::{environment, leads_max_from_env, timing_from_env};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::info;

use crate::aws::dynamo::Dynamo;
use crate::clock::Clock;
use crate::doors::{Doors, Throttle};
use crate::events::Crashes;
use crate::front;
use crate::ports::Ports;
use crate::settings::{Simulation, line, own_origin};
use crate::stack::{FIRST_CALLER_ID, FIRST_LIMIT, Parts, Stack};
use crate::twilio::{Behaviour, Faults};

/// What `serve` is told.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Keeps everything in this directory, through `kill -9` and restarts.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// How often businesses with work are woken.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub sweep_seconds: u64,
    /// The age at which a silent call is first asked about, from 6; or `SETTLE_SECONDS`.
    #[arg(long)]
    pub settle_seconds: Option<u64>,
    /// How many times faster than life the simulated carrier's calls are.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// The simulated carrier's seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many leads a business may have; or `LEADS_MAX`.
    #[arg(long)]
    pub leads_max: Option<u32>,
    /// How many requests a second each route takes, after a burst of twice as many; 0 for any.
    #[arg(long, default_value_t = Throttle::CLOUD.rate)]
    pub api_rate: u32,
    /// Also lets other processes reach DynamoDB, on this port; 0 takes a free one.
    #[arg(long, requires = "sqs_port")]
    pub ddb_port: Option<u16>,
    /// Also lets other processes reach SQS, on this port; 0 takes a free one.
    #[arg(long, requires = "ddb_port")]
    pub sqs_port: Option<u16>,
}

/// Marks a directory whose first business was made. It is written once the keys have been
/// shown: a crash before it makes another business at the next start, and no key is lost.
const FOUNDED: &str = "founded";

/// Serves until it is killed or interrupted.
///
/// # Errors
///
/// Something is configured badly, or the port is taken.
pub async fn run(args: ServeArgs) -> Result<()> {
    anyhow::ensure!(
        args.speed.is_finite() && args.speed > 0.0,
        "--speed must be more than 0"
    );
    let timing = timing(&args)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("--port {}", args.port))?;
    let origin = own_origin(&listener)?;
    let clock = Clock::wall();
    let simulation = Simulation {
        seed: args.seed,
        speed: args.speed,
        behaviour: Behaviour::ordinary(),
        faults: Faults::none(),
    };
    let line = line(&origin, &timing, simulation, clock).await?;
    let dynamo = match &args.data {
        Some(directory) => Dynamo::open(directory)?,
        None => Dynamo::memory()?,
    };
    let parts = Parts {
        dynamo,
        clock,
        timing,
        telephony: line.telephony,
        way: line.way,
        table: std::env::var("TABLE_NAME").unwrap_or_else(|_| "ringfence".to_owned()),
        leads_max: match args.leads_max {
            Some(leads_max) => leads_max,
            None => leads_max_from_env(&environment)?,
        },
        defaults: Defaults::from_env(&environment)?,
        doors: doors(&args)?,
    };
    let stack = Stack::start(parts, Crashes::NONE).await?;
    stack.plan.objects.reached_at(&origin);
    let ports = match (args.ddb_port, args.sqs_port) {
        (Some(ddb), Some(sqs)) => {
            let (dynamo, bind) = (stack.plan.dynamo.clone(), Ipv4Addr::LOCALHOST.into());
            Some(Ports::open(dynamo, &stack.plan.queue, bind, ddb, sqs).await?)
        }
        (_, _) => None,
    };
    introduce(&stack, args.data, &origin, ports.as_ref()).await?;
    info!("listening on {origin}");
    tokio::select! {
        served = front::serve(listener, stack.gateway.clone()) => served.context("the listener failed"),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// The template's doors, and the issuer of `JWT_ISSUER` and `JWT_AUDIENCE`.
fn doors(args: &ServeArgs) -> Result<Doors> {
    let rate = args.api_rate;
    let burst = rate.saturating_mul(2);
    Ok(Doors {
        throttle: (rate > 0).then_some(Throttle { burst, rate }),
        ..Doors::from_env(&environment)?
    })
}

fn timing(args: &ServeArgs) -> Result<Timing> {
    let settle = match args.settle_seconds {
        Some(seconds) => seconds,
        None => timing_from_env(&environment)?.settle_after.as_secs(),
    };
    Timing::scaled(settle, args.sweep_seconds).context("--settle-seconds")
}

/// Says where the stack is, and the keys of the first business if it has just been made.
async fn introduce(
    stack: &Stack,
    data: Option<PathBuf>,
    origin: &str,
    ports: Option<&Ports>,
) -> Result<()> {
    let mut line = ports.map_or_else(|| json!({}), Ports::line);
    line["listening"] = json!(origin);
    let mark = data.map(|directory| directory.join(FOUNDED));
    let founded = mark
        .as_ref()
        .and_then(|mark| std::fs::read_to_string(mark).ok());
    if let Some(id) = founded {
        line["business_id"] = json!(id);
        line["api_key"] = Value::Null;
        line["system_admin_key"] = Value::Null;
        announce(&line);
        return Ok(());
    }
    let caller_id = FIRST_CALLER_ID.parse().context("it is a phone number")?;
    let (id, key) = stack.found(caller_id, FIRST_LIMIT).await?;
    let system_key = stack.system_key().await?;
    line["business_id"] = json!(id.as_str());
    line["api_key"] = json!(key.expose());
    line["system_admin_key"] = json!(system_key.expose());
    announce(&line);
    if let Some(mark) = mark {
        std::fs::write(&mark, id.as_str()).context("failed to mark the data directory")?;
    }
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the first line on stdout is this command's answer"
)]
fn announce(line: &Value) {
    println!("{line}");
}
