//! What the processor and the allocator do for a call: instructions and allocations of the fill
//! and the webhook function, by part. Valgrind counts them, so they are the same on a busy machine.
//!
//! What is measured is what runs on Lambda, log lines and metrics included, from the event that
//! was read to the answer; but for the network, TLS and Lambda's own client.

mod allocations;
mod instructions;
mod parts;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ringfence_core::call::Report;
use ringfence_core::ids::BusinessId;
use ringfence_local::aws::queue::Received;
use ringfence_local::environment::Environment;
use ringfence_local::event::{lambda_request, payload};
use ringfence_local::events::event;
use ringfence_local::twilio::Behaviour;
use ringfence_shell::logging;
use ringfence_shell::message::Message;
use ringfence_shell::metrics::EmbeddedMetrics;

use self::parts::Part;
use crate::report::Table;
use crate::stage::Stage;
use crate::webhook::{sign, webhook};

/// How many events are handled under Valgrind.
const TIMES: u32 = 50;
/// The limits at which fill is looked at: the usual one, and one at which the state is large.
const LIMITS: [u32; 2] = [3, 200];
/// Handled before, so that what is made once is there.
const WARM_UP: u32 = 20;

pub(crate) const FILL: &str = "fill";
pub(crate) const WEBHOOK: &str = "webhook";

/// What one look finds, by part, for one event.
type Found = BTreeMap<Part, f64>;

pub(crate) fn run() -> Result<Table> {
    let mut table = Table::of("profile");
    let looks = LIMITS.map(|limit| (FILL, limit));
    for (function, limit) in looks.into_iter().chain([(WEBHOOK, 3)]) {
        let instructions = instructions::count(function, limit)?;
        let allocations = allocations::count(function, limit)?;
        let looks = [
            (INSTRUCTIONS, "thousands", instructions),
            (ALLOCATIONS, "blocks", allocations),
        ];
        for (what, unit, found) in looks {
            for part in Part::ALL {
                let count = found.get(&part).copied().unwrap_or(0.0) / f64::from(TIMES);
                let metric = metric(function, what, part.name());
                table.plain(limit, &metric, unit, count);
            }
        }
    }
    Ok(table)
}

pub(crate) const INSTRUCTIONS: &str = "instructions";
pub(crate) const ALLOCATIONS: &str = "allocations";

/// What a count of a part is called.
fn metric(function: &str, what: &str, part: &str) -> String {
    format!("{function}, {what}: {part}")
}

/// Runs the probe of a function under a tool of Valgrind, which writes what it finds to a file.
fn under_valgrind(function: &str, limit: u32, options: &[&str], output: &str) -> Result<String> {
    let path = std::env::temp_dir().join(format!("bench-{}", std::process::id()));
    let named = path.to_str().context("the path is UTF-8")?;
    let told = Command::new("valgrind")
        .args(options)
        .arg(format!("{output}={named}"))
        .arg(std::env::current_exe()?)
        .args(["--probe", "profile", function, &limit.to_string()])
        .output()
        .context("failed to start valgrind, which has to be installed")?;
    let said = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "a probe failed: {said}");
    let found = std::fs::read_to_string(&path)?;
    std::fs::remove_file(&path)?;
    Ok(found)
}

/// Handles events; how often is known to whoever reads what Valgrind says.
pub(crate) async fn probe(function: &str, limit: u32) -> Result<f64> {
    logging::init();
    match function {
        FILL => fill(limit).await?,
        WEBHOOK => webhooks().await?,
        _ => bail!("there is no such function"),
    }
    Ok(f64::from(TIMES))
}

/// Handles final reports, each of which leads to the next call, while all slots are taken.
async fn fill(limit: u32) -> Result<()> {
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
    let office = stage.open(limit).await?;
    let list = stage.import(&office, limit + WARM_UP + TIMES + 1).await?;
    stage.lose_messages();
    let mut reports = stage.divert_reports();
    stage.start(&office, list).await?;
    let world = Environment::start(&stage.stack.plan).world;
    let (metrics, now) = (metrics(), Arc::clone(&stage.stack.plan.clock));
    let message = |report: Option<Report>| Received {
        message_id: "1".to_owned(),
        receipt: "1".to_owned(),
        body: to_json(&office.id, report),
        receive_count: 1,
        sent_at: now(),
        first_received_at: now(),
    };
    ::fill::handle(&world, &metrics, event(&[message(None)])).await;
    for number in 0..WARM_UP + TIMES {
        let report = reports.recv().await.context("the carrier reports")?;
        let handling = ::fill::handle(&world, &metrics, event(&[message(Some(report))]));
        let response = if number < WARM_UP {
            handling.await
        } else {
            Measured(Box::pin(handling)).await
        };
        let failures = response.batch_item_failures;
        ensure!(failures.is_empty(), "a report is dealt with: {failures:?}");
    }
    Ok(())
}

fn to_json(business: &BusinessId, report: Option<Report>) -> String {
    let business = business.clone();
    Message { business, report }.to_json()
}

/// Handles callbacks that say that a call is over.
async fn webhooks() -> Result<()> {
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
    let office = stage.open(3).await?;
    stage.lose_messages();
    let plan = &stage.stack.plan;
    let (mut webhook, now) = (webhook(plan), (plan.clock)());
    webhook.metrics = metrics();
    for number in 0..WARM_UP + TIMES {
        let signed = sign(&office, &plan.telephony, number, now)?;
        let request = lambda_request(&payload(&signed.request()?, "$default", None, now)?)?;
        let handling = ::webhook::handle(&webhook, request);
        let response = if number < WARM_UP {
            handling.await
        } else {
            Measured(Box::pin(handling)).await
        };
        ensure!(response.status() == 204, "a callback is taken");
    }
    Ok(())
}

/// Metrics that are written, and read by nobody.
fn metrics() -> EmbeddedMetrics {
    EmbeddedMetrics::to("Ringfence".to_owned(), |line| {
        std::hint::black_box(line);
    })
}

/// A future that Valgrind knows by the name of its `poll`: what is done in it is counted, and
/// what others do meanwhile is not.
struct Measured<F>(Pin<Box<F>>);

/// What that name contains.
const MEASURED: &str = "Measured";

impl<F: Future> Future for Measured<F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}
