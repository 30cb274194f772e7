//! Failures that a test makes the database answer with, since it has none of its own.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use dynoxide::DynoxideError;
use dynoxide::errors::CancellationReason;
use fastrand::Rng;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::aws::connector::reply;
use crate::aws::trap::Side;

use super::refusal;

/// The failures to come. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct StoreFaults(Arc<Mutex<Plan>>);

#[derive(Debug)]
struct Plan {
    faults: Vec<StoreFault>,
    struck: u64,
    rng: Rng,
}

/// One failure to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoreFault {
    /// The operation that fails, such as `UpdateItem`; any, if there is none.
    pub operation: Option<&'static str>,
    pub kind: FaultKind,
    pub when: When,
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A 500, which says nothing about whether the request was applied. The SDK tries again, and
    /// so repeats a write that was.
    Unavailable(Side),
    /// Too many requests at once. Not applied; the SDK tries again.
    Throttled,
    /// Another transaction holds the item. Not applied; the SDK does not try again.
    Conflict,
}

/// Which of the requests fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// The next so many.
    Next(u32),
    /// Each with this probability, from 0 to 1.
    Share(f64),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            struck: 0,
            rng: Rng::with_seed(0),
        }
    }
}

impl StoreFaults {
    /// Adds a failure; where several would strike one request, the first added does.
    pub fn plan(&self, fault: StoreFault) {
        self.lock().faults.push(fault);
    }

    /// Takes back every failure, and restarts the draws from `seed`.
    pub fn reset(&self, seed: u64) {
        *self.lock() = Plan {
            rng: Rng::with_seed(seed),
            ..Plan::default()
        };
    }

    /// How many requests have failed since the last reset.
    pub fn struck(&self) -> u64 {
        self.lock().struck
    }

    /// Decides whether a request fails, and counts it if so.
    pub(super) fn draw(&self, operation: &str) -> Option<FaultKind> {
        let mut plan = self.lock();
        let Plan {
            faults,
            struck,
            rng,
        } = &mut *plan;
        let concerned = faults
            .iter_mut()
            .filter(|fault| fault.operation.is_none_or(|only| only == operation));
        for fault in concerned {
            let strikes = match &mut fault.when {
                When::Next(0) => false,
                When::Next(left) => {
                    *left -= 1;
                    true
                }
                When::Share(share) => rng.f64() < *share,
            };
            if strikes {
                *struck += 1;
                return Some(fault.kind);
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().expect("nothing panics while holding it")
    }
}

/// What DynamoDB says when a request fails so.
pub(super) fn answer(kind: FaultKind, operation: &str, request: &Value) -> Response<Bytes> {
    match kind {
        FaultKind::Unavailable(_) => refusal(&DynoxideError::InternalServerError(
            "Internal server error".to_owned(),
        )),
        FaultKind::Throttled => refusal(&DynoxideError::ProvisionedThroughputExceededException(
            "The level of configured provisioned throughput for the table was exceeded".to_owned(),
        )),
        FaultKind::Conflict if operation.starts_with("Transact") => {
            let items = request["TransactItems"].as_array().map_or(0, Vec::len);
            let mut reasons = vec![reason("None", None); items];
            if let Some(first) = reasons.first_mut() {
                *first = reason(
                    "TransactionConflict",
                    Some("Transaction is ongoing for the item"),
                );
            }
            let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
            let message = format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            );
            refusal(&DynoxideError::TransactionCanceledException(
                message, reasons,
            ))
        }
        FaultKind::Conflict => {
            let error = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
                "message": "Transaction is ongoing for the item",
            });
            reply(StatusCode::BAD_REQUEST, error.to_string())
        }
    }
}

fn reason(code: &str, message: Option<&str>) -> CancellationReason {
    CancellationReason {
        code: code.to_owned(),
        message: message.map(str::to_owned),
        item: None,
    }
}
