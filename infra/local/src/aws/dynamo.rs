//! The DynamoDB of the local stack: an embedded database behind DynamoDB's own protocol.
//!
//! Every request goes through [`Dynamo::handle`], so what is metered and what a test makes fail is
//! the same for the SDK clients and for a server in front of it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{Response, StatusCode};
use serde_json::Value;
use tokio::time::sleep;

use super::connector::{self, Connector, ENDPOINT, REGION, Service, reply};
use super::meter::Meter;
use super::trap::{Side, Trap};

mod bill;
mod faults;
mod operations;
mod reach;
#[cfg(test)]
mod tests;

pub use faults::{FaultKind, StoreFault, StoreFaults, When};

/// An embedded database. Clones share it.
///
/// Its one lock is unfair: use it from a current-thread runtime, or from one owner. A test takes a
/// database of its own, which also keeps the transaction tokens few, for each transaction scans
/// them all.
#[derive(Clone)]
pub struct Dynamo {
    database: Database,
    meter: Meter,
    faults: StoreFaults,
    /// Of each way, in microseconds.
    latency: Arc<AtomicU64>,
}

impl Dynamo {
    /// A new, empty database that ends with its last clone.
    pub fn memory() -> anyhow::Result<Self> {
        Ok(Self::over(
            Database::memory().context("failed to make a database in memory")?,
        ))
    }

    /// Opens the database kept in `directory`, made if it is missing.
    ///
    /// A committed write outlives `kill -9` at any moment, and a power cut too: the file is in WAL
    /// mode, and `synchronous` stays at its default of FULL, which syncs the log at each commit.
    /// <https://www.sqlite.org/pragma.html#pragma_synchronous>
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("failed to make {}", directory.display()))?;
        let file = directory.join("dynamodb.sqlite");
        let path = file
            .to_str()
            .context("the data directory's path is not UTF-8")?;
        let database =
            Database::new(path).with_context(|| format!("failed to open {}", file.display()))?;
        Ok(Self::over(database))
    }

    fn over(database: Database) -> Self {
        Self {
            database,
            meter: Meter::default(),
            faults: StoreFaults::default(),
            latency: Arc::default(),
        }
    }

    /// The same database with a meter of its own, for clients that are to be counted apart.
    #[must_use]
    pub fn metered_apart(&self) -> Self {
        Self {
            meter: Meter::default(),
            ..self.clone()
        }
    }

    /// An SDK client of this database.
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

    /// What the database has been asked for, by all clients that share this meter.
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The failures to come, for tests.
    pub const fn faults(&self) -> &StoreFaults {
        &self.faults
    }

    /// Lets each request of a client take so long from now on, in equal parts before its effect
    /// and after it. It takes no time otherwise.
    pub fn take_time(&self, latency: Duration) {
        let way = u64::try_from(latency.as_micros() / 2).unwrap_or(u64::MAX);
        self.latency.store(way, Ordering::Relaxed);
    }

    /// Answers one request, given its `x-amz-target` and its JSON body.
    pub fn handle(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or(target);
        self.meter.count(operation);
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return refusal(&DynoxideError::SerializationException(String::new()));
        };
        self.meter.reach(reach::partitions(&request));
        match self.faults.draw(operation) {
            None => self.apply(operation, request),
            Some(fault) => {
                let answer = faults::answer(fault, operation, &request);
                if fault == FaultKind::Unavailable(Side::After) {
                    self.apply(operation, request);
                }
                answer
            }
        }
    }

    /// Applies one request and meters what it cost.
    fn apply(&self, operation: &str, mut request: Value) -> Response<Bytes> {
        let is_bill_wanted = bill::ask(operation, &mut request);
        let is_conditional = bill::is_conditional(&request);
        let images = bill::new_images(&request);
        match operations::call(&self.database, operation, request) {
            Ok(mut answer) => {
                let (read_units, write_units) = bill::units(operation, &answer);
                self.meter.add(|usage| {
                    usage.conditional_writes += u64::from(is_conditional);
                    usage.read_units += read_units;
                    usage.write_units += write_units;
                });
                if !is_bill_wanted && let Some(fields) = answer.as_object_mut() {
                    fields.remove(bill::CONSUMED);
                }
                reply(StatusCode::OK, answer.to_string())
            }
            Err(error) => {
                let refused_units = bill::refused_units(&error, &images);
                self.meter.add(|usage| {
                    usage.conditional_writes += u64::from(is_conditional);
                    usage.failed_conditions += u64::from(refused_units.is_some());
                    usage.write_units += refused_units.unwrap_or_default();
                });
                refusal(&error)
            }
        }
    }
}

impl Service for Dynamo {
    async fn answer(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        let way = Duration::from_micros(self.latency.load(Ordering::Relaxed));
        if way.is_zero() {
            return self.handle(target, body);
        }
        sleep(way).await;
        let response = self.handle(target, body);
        sleep(way).await;
        response
    }
}

impl fmt::Debug for Dynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamo").finish_non_exhaustive()
    }
}

fn refusal(error: &DynoxideError) -> Response<Bytes> {
    let status = StatusCode::from_u16(error.status_code()).expect("the statuses are valid");
    reply(status, error.to_json())
}
