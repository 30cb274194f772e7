//! The embedded DynamoDB and SQS on ports: for functions and clients in other processes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use ringfence_core::ids::BusinessId;
use ringfence_ledger::{Creation, Ledger};
use ringfence_shell::caller::Role;
use ringfence_shell::config::{environment, timing_from_env};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::info;

use crate::aws::dynamo::Dynamo;
use crate::aws::ports::{serve_dynamo, serve_queues};
use crate::aws::queue::{Queue, Queues};
use crate::clock::Clock;
use crate::stack::{ensure_table, first_business, wake_up_queue};

/// What `aws` is told.
#[derive(Debug, Clone, Args)]
pub struct AwsArgs {
    /// The port of DynamoDB; 0 takes a free one.
    #[arg(long, default_value_t = 8000)]
    pub ddb_port: u16,
    /// The port of SQS; 0 takes a free one.
    #[arg(long, default_value_t = 9324)]
    pub sqs_port: u16,
    /// The address to listen on. Whoever reaches it may do everything.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub bind: IpAddr,
    /// Keeps the table in this directory, through `kill -9` and restarts.
    #[arg(long)]
    pub data: Option<PathBuf>,
}

/// The id of the business that is there from the start: events in files can name it.
pub const LOCAL_BUSINESS: &str = "local";

/// Serves until it is killed or interrupted.
///
/// # Errors
///
/// Something is configured badly, or a port is taken.
pub async fn run(args: AwsArgs) -> Result<()> {
    let timing = timing_from_env(&environment)?;
    let clock = Clock::wall();
    let dynamo = match &args.data {
        Some(directory) => Dynamo::open(directory)?,
        None => Dynamo::memory()?,
    };
    let table = std::env::var("TABLE_NAME").unwrap_or_else(|_| "ringfence".to_owned());
    ensure_table(&dynamo, &table).await?;
    let queue = wake_up_queue(&timing, clock);
    let api_key = found(&Ledger::new(&dynamo.client(), &table), clock).await?;
    let mut open = Ports::open(dynamo, &queue, args.bind, args.ddb_port, args.sqs_port).await?;
    let mut line = open.line();
    line["table_name"] = json!(table);
    line["business_id"] = json!(LOCAL_BUSINESS);
    line["api_key"] = json!(api_key);
    announce(&line);
    info!("listening on {} and {}", open.dynamodb, open.sqs);
    tokio::select! {
        served = open.failed() => served,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Makes the first business and its key, unless it is there.
async fn found(ledger: &Ledger, clock: Clock) -> Result<Option<String>> {
    let (id, now): (BusinessId, _) = (LOCAL_BUSINESS.parse()?, clock.now());
    let new = first_business(now)?;
    match business::settings::found_as(ledger, &id, &new).await? {
        Creation::Created => {}
        Creation::Exists => return Ok(None),
    }
    let key = business::keys::mint(ledger, Some(&id), Role::Admin, now).await?;
    Ok(key.map(|key| key.expose()))
}

/// Ports that are being served; they close when this is dropped.
pub(crate) struct Ports {
    /// Where DynamoDB answers.
    pub(crate) dynamodb: String,
    /// Where SQS answers.
    pub(crate) sqs: String,
    queue_url: String,
    dead_letter_queue_url: Option<String>,
    serving: JoinSet<std::io::Result<()>>,
}

impl Ports {
    /// Opens both.
    pub(crate) async fn open(
        dynamo: Dynamo,
        queue: &Queue,
        bind: IpAddr,
        ddb_port: u16,
        sqs_port: u16,
    ) -> Result<Self> {
        let (for_dynamo, dynamodb) = listen(bind, ddb_port, "--ddb-port").await?;
        let (for_queues, sqs) = listen(bind, sqs_port, "--sqs-port").await?;
        let queues = Queues::new(queue, &sqs);
        let (queue_url, dead) = (queues.url(queue), queue.dead_letter_queue());
        let dead_letter_queue_url = dead.map(|dead| queues.url(dead));
        let mut serving = JoinSet::new();
        serving.spawn(serve_dynamo(for_dynamo, dynamo));
        serving.spawn(serve_queues(for_queues, queues));
        Ok(Self {
            dynamodb,
            sqs,
            queue_url,
            dead_letter_queue_url,
            serving,
        })
    }

    /// Where everything is, as it is announced.
    pub(crate) fn line(&self) -> Value {
        json!({
            "dynamodb": self.dynamodb,
            "sqs": self.sqs,
            "queue_url": self.queue_url,
            "dead_letter_queue_url": self.dead_letter_queue_url,
        })
    }

    /// Waits until a listener has failed.
    pub(crate) async fn failed(&mut self) -> Result<()> {
        match self.serving.join_next().await {
            Some(served) => served?.context("a listener failed"),
            None => Ok(()),
        }
    }
}

/// A listener, and the origin by which this machine reaches it.
async fn listen(bind: IpAddr, port: u16, flag: &str) -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind(SocketAddr::from((bind, port)))
        .await
        .with_context(|| format!("{flag} {port}"))?;
    let mut address = listener.local_addr().context("the port is open")?;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    Ok((listener, format!("http://{address}")))
}

#[expect(
    clippy::print_stdout,
    reason = "the first line on stdout is this command's answer"
)]
fn announce(line: &Value) {
    println!("{line}");
}
