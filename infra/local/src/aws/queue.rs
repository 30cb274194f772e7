//! The SQS of the local stack: standard queues, each with its dead-letter queue.
//!
//! Time is tokio's, so a paused clock moves it. Messages do not survive the process: losing them
//! is one of the faults that the sweep repairs.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use bytes::Bytes;
use http::Response;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::connector::{self, Connector, ENDPOINT, REGION, Service};
use super::meter::Meter;
use super::trap::Trap;
use crate::clock::Clock;
use shelf::Shelf;

mod error;
mod faults;
mod requests;
mod several;
mod shelf;
#[cfg(test)]
mod tests;
mod wire;

pub use error::SqsError;
pub use faults::{QueueFaults, Struck};
pub use several::Queues;
pub use shelf::{Depth, Received};

/// An embedded queue. Clones share it.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: QueueSettings,
    url: String,
    shelf: Mutex<Shelf>,
    arrival: Notify,
    meter: Meter,
    /// Where messages go that were received too often; a dead-letter queue has none itself.
    dead_letters: Option<Queue>,
}

/// What a queue is created with.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    pub name: String,
    /// How long a received message is hidden from other receivers.
    pub visibility_timeout: Duration,
    /// How often a message may be received; instead of once more, it becomes a dead letter.
    pub receives_max: u32,
}

/// A message may not be larger, nor may all those of one batch together:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// The largest batch of any kind, SQS's limit.
pub const BATCH_MAX: usize = 10;

/// The longest delay of a message, SQS's limit.
pub const DELAY_MAX: Duration = Duration::from_secs(900);

/// How long SQS hides a received message unless told otherwise.
const VISIBILITY_DEFAULT: Duration = Duration::from_secs(30);

/// The path of a queue's address, the part by which a request names it.
fn path(name: &str) -> String {
    format!("/000000000000/{name}")
}

impl Queue {
    /// A new, empty queue that dates its messages by `clock`, with its dead-letter queue.
    pub fn new(settings: QueueSettings, clock: Clock) -> Self {
        let dead_letters = QueueSettings {
            name: format!("{}-dead-letters", settings.name),
            visibility_timeout: VISIBILITY_DEFAULT,
            receives_max: u32::MAX,
        };
        let dead_letters = Self::made(dead_letters, clock, None);
        Self::made(settings, clock, Some(dead_letters))
    }

    fn made(settings: QueueSettings, clock: Clock, dead_letters: Option<Self>) -> Self {
        Self(Arc::new(Inner {
            url: format!("{ENDPOINT}{}", path(&settings.name)),
            shelf: Mutex::new(Shelf::new(settings.receives_max, clock)),
            settings,
            arrival: Notify::new(),
            meter: Meter::default(),
            dead_letters,
        }))
    }

    /// An SDK client of this queue.
    pub fn client(&self) -> Client {
        self.client_through(None)
    }

    /// An SDK client for a process that may be made to die at any of its requests.
    pub fn client_with(&self, trap: &Trap) -> Client {
        self.client_through(Some(trap.clone()))
    }

    fn client_through(&self, trap: Option<Trap>) -> Client {
        // A quota of its own: the default one is shared by all clients of the process, so one
        // test's faults would use up the retries of another.
        let quota = RetryPartition::custom("embedded")
            .token_bucket(TokenBucket::default())
            .build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(connector::credentials())
            .endpoint_url(ENDPOINT)
            .http_client(Connector {
                service: self.clone(),
                trap,
            })
            .retry_config(connector::retries())
            .retry_partition(quota)
            // Only a sprung trap never answers, and its sender must not learn even that.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    /// The address by which requests name this queue.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// What the queue has been asked for, by its clients and directly.
    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// Takes up to `max` messages, waiting up to `wait` for the first, and hides them for
    /// `visibility`, or for the queue's own timeout.
    pub async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Option<Duration>,
    ) -> Vec<Received> {
        self.0.meter.count("ReceiveMessage");
        self.collect(max, wait, visibility).await
    }

    /// Deletes messages by the receipts of their latest receive, in batches.
    ///
    /// An older receipt deletes nothing, for by then another receiver has the message.
    pub fn delete<R: AsRef<str>>(&self, receipts: &[R]) {
        for batch in receipts.chunks(BATCH_MAX) {
            self.0.meter.count("DeleteMessageBatch");
            for receipt in batch {
                self.shelf()
                    .delete(receipt.as_ref())
                    .expect("the receipt came from this queue");
            }
        }
    }

    /// Makes a received message visible again after `visibility` from now; zero gives it back.
    pub fn change_visibility(&self, receipt: &str, visibility: Duration) -> Result<(), SqsError> {
        self.0.meter.count("ChangeMessageVisibility");
        self.reschedule(receipt, visibility)
    }

    /// Makes the messages from now on suffer `faults`, and restarts the count of those struck.
    pub fn misbehave(&self, faults: QueueFaults) {
        self.shelf().misbehave(faults);
    }

    /// How often each fault has struck since it was asked for.
    pub fn struck(&self) -> Struck {
        self.shelf().struck()
    }

    /// How many messages there are, exactly, by what keeps them.
    pub fn depth(&self) -> Depth {
        let dead = self.0.dead_letters.as_ref();
        Depth {
            dead: dead.map(|dead| dead.shelf().count()).unwrap_or_default(),
            ..self.shelf().depth(Instant::now())
        }
    }

    /// Where messages are that were received too often.
    pub fn dead_letter_queue(&self) -> Option<&Self> {
        self.0.dead_letters.as_ref()
    }

    /// The bodies of the messages given up on, oldest first.
    pub fn dead_letters(&self) -> Vec<String> {
        let dead = self.0.dead_letters.as_ref();
        dead.map(|dead| dead.shelf().bodies()).unwrap_or_default()
    }

    /// Answers one request, given its `x-amz-target` and its JSON body.
    pub async fn handle(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        let operation = target.strip_prefix("AmazonSQS.").unwrap_or(target);
        self.0.meter.count(operation);
        wire::answer(self, operation, body).await
    }

    async fn collect(
        &self,
        max: usize,
        wait: Duration,
        visibility: Option<Duration>,
    ) -> Vec<Received> {
        let visibility = visibility.unwrap_or(self.0.settings.visibility_timeout);
        let deadline = Instant::now() + wait;
        // Ends at the deadline: each round sleeps until a message arrives or falls due.
        loop {
            // Listens before it looks, so that it hears of a message that arrives in between.
            let mut arrival = pin!(self.0.arrival.notified());
            arrival.as_mut().enable();
            let now = Instant::now();
            let (taken, given_up, next_due) = {
                let mut shelf = self.shelf();
                let (taken, given_up) = shelf.take(now, max, visibility);
                (taken, given_up, shelf.next_due())
            };
            self.bury(now, given_up);
            if !taken.is_empty() {
                return taken;
            }
            if now >= deadline {
                self.0.meter.add(|usage| usage.empty_receives += 1);
                return taken;
            }
            let wake_up = next_due.map_or(deadline, |due| due.min(deadline));
            // Either way it looks again.
            let _ = timeout_at(wake_up, arrival).await;
        }
    }

    /// Moves messages to the dead-letter queue.
    fn bury(&self, now: Instant, given_up: Vec<shelf::GivenUp>) {
        let Some(dead) = self
            .0
            .dead_letters
            .as_ref()
            .filter(|_| !given_up.is_empty())
        else {
            return;
        };
        dead.shelf().take_in(now, given_up);
        dead.0.arrival.notify_waiters();
    }

    fn put(&self, body: String, delay: Duration) -> String {
        let id = self.shelf().put(Instant::now(), body, delay);
        self.0.arrival.notify_waiters();
        id
    }

    fn reschedule(&self, receipt: &str, visibility: Duration) -> Result<(), SqsError> {
        self.shelf()
            .change_visibility(Instant::now(), receipt, visibility)?;
        self.0.arrival.notify_waiters();
        Ok(())
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0
            .shelf
            .lock()
            .expect("nothing panics while holding it")
    }
}

impl Service for Queue {
    async fn answer(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        self.handle(target, body).await
    }
}
