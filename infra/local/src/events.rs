//! What makes functions run without a request: the queue and the minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{error, warn};

use crate::aws::queue::{BATCH_MAX, Received};
use crate::aws::trap::{CrashPoint, Side};
use crate::environment::{Blueprint, Environment};

/// How many fill functions run at once.
const CONCURRENCY: usize = 8;
/// The longest wait of a receive, SQS's limit.
const WAIT: Duration = Duration::from_secs(20);

/// How often a fill function is made to die at a random request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crashes {
    /// The share of invocations that die.
    pub share: f64,
    pub seed: u64,
}

impl Crashes {
    /// None does.
    pub const NONE: Self = Self {
        share: 0.0,
        seed: 0,
    };
}

/// The event source of the fill function, and the schedule of the sweep.
pub struct Events {
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Events {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Events {
    /// Starts both.
    pub fn start(plan: &Blueprint, crashes: Crashes) -> Self {
        let polling = tokio::spawn(poll(plan.clone(), crashes));
        let sweeping = tokio::spawn(sweep_regularly(plan.clone()));
        Self {
            tasks: vec![polling, sweeping],
        }
    }
}

/// Receives messages and hands each batch to an environment of its own, like Lambda's
/// event source mapping with `ReportBatchItemFailures`.
async fn poll(plan: Blueprint, crashes: Crashes) {
    let pool = Arc::new(Pool {
        plan: plan.clone(),
        idle: Mutex::new(Vec::new()),
    });
    let places = Arc::new(Semaphore::new(CONCURRENCY));
    let mut chance = fastrand::Rng::with_seed(crashes.seed);
    loop {
        let place = Arc::clone(&places)
            .acquire_owned()
            .await
            .expect("it is never closed");
        let messages = plan.queue.receive(BATCH_MAX, WAIT, None).await;
        if messages.is_empty() {
            continue;
        }
        let crash = (chance.f64() < crashes.share).then(|| CrashPoint {
            nth: chance.u32(1..=12),
            side: if chance.bool() {
                Side::Before
            } else {
                Side::After
            },
        });
        let pool = Arc::clone(&pool);
        tokio::spawn(async move {
            let _place = place;
            pool.invoke(messages, crash).await;
        });
    }
}

/// The environments that wait for an invocation.
struct Pool {
    plan: Blueprint,
    idle: Mutex<Vec<Environment>>,
}

impl Pool {
    /// Runs one invocation. If it is killed, its environment goes with it, and its
    /// messages come back when their visibility timeout is over.
    async fn invoke(&self, messages: Vec<Received>, crash: Option<CrashPoint>) {
        let warm = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let environment = warm.unwrap_or_else(|| Environment::start(&self.plan));
        match crash {
            Some(crash) => environment.trap.arm(crash),
            None => environment.trap.disarm(),
        }
        let event = event(&messages);
        let handling = fill::handle(&environment.world, &self.plan.metrics, event);
        let handled = tokio::select! {
            handled = tokio::time::timeout(self.plan.timing.function_timeout, handling) => handled.ok(),
            () = environment.trap.sprung() => None,
        };
        let Some(response) = handled else {
            warn!("a fill function was killed");
            return;
        };
        self.acknowledge(&messages, &response);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(environment);
    }

    fn acknowledge(&self, messages: &[Received], response: &SqsBatchResponse) {
        let failed = |message: &Received| {
            let mut failures = response.batch_item_failures.iter();
            failures.any(|failure| failure.item_identifier == message.message_id)
        };
        let done: Vec<&str> = messages
            .iter()
            .filter(|one| !failed(one))
            .map(|one| one.receipt.as_str())
            .collect();
        if !done.is_empty() {
            self.plan.queue.delete(&done);
        }
    }
}

/// A batch of messages as Lambda delivers it.
pub fn event(messages: &[Received]) -> SqsEvent {
    let record = |message: &Received| {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receive_count.to_string(),
                "SentTimestamp": message.sent_at.as_millis().to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:local:000000000000:wake-ups",
            "awsRegion": "local",
        })
    };
    let records: Vec<_> = messages.iter().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).expect("it has the form of an event")
}

/// Runs the sweep at once, and then again and again. It runs in an environment of its own.
async fn sweep_regularly(plan: Blueprint) {
    let environment = Environment::start(&plan);
    let mut ticks = tokio::time::interval(plan.timing.sweep_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = sweep::handle(&environment.world, &plan.metrics).await {
            error!("failed to sweep: {error:#}");
        }
    }
}
