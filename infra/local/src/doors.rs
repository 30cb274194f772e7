//! What stands before the functions: the authorizer with API Gateway's memory of its
//! answers, API Gateway's throttle, and the webhook's share of Lambda's concurrency.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use authorizer::tokens::{Tokens, Trusted};
use authorizer::{Authorizer, REMEMBERED_FOR};
use bytes::Bytes;
use http::{Request, Response, header};
use ringfence_carrier::transport::{HttpTransport, Timeouts, Transport, TransportError};
use ringfence_core::time::Timestamp;
use ringfence_ledger::Ledger;
use ringfence_shell::cloud::Clock;
use ringfence_shell::config::Lookup;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::event::{authorizer_request, payload};

/// How the doors are set.
#[derive(Clone)]
pub struct Doors {
    /// Whose tokens are taken beside keys, and the way to that issuer.
    pub issuer: Option<(Trusted, IssuerWay)>,
    /// How many requests each route takes.
    pub throttle: Option<Throttle>,
    /// How many callbacks are dealt with at once.
    pub webhook_concurrency: usize,
}

/// A token bucket, as API Gateway has one for each route:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// How many requests it takes at once.
    pub burst: u32,
    /// How many more it takes each second.
    pub rate: u32,
}

impl Throttle {
    /// The template's defaults.
    pub const CLOUD: Self = Self {
        burst: 1_000,
        rate: 500,
    };
}

/// The template's default.
pub const WEBHOOK_CONCURRENCY: usize = 100;

impl Doors {
    /// Keys only, and no throttle.
    pub const PLAIN: Self = Self {
        issuer: None,
        throttle: None,
        webhook_concurrency: Semaphore::MAX_PERMITS,
    };

    /// As the template has it by default, with the issuer that the environment names.
    ///
    /// # Errors
    ///
    /// `JWT_ISSUER` or `JWT_AUDIENCE` is missing or bad.
    pub fn from_env(lookup: Lookup<'_>) -> Result<Self> {
        let issuer = match Trusted::from_env(lookup)? {
            Some(trusted) => {
                let way = HttpTransport::new(Timeouts {
                    connect: Duration::from_secs(1),
                    total: Duration::from_secs(2),
                })?;
                Some((trusted, IssuerWay::Http(way)))
            }
            None => None,
        };
        Ok(Self {
            issuer,
            throttle: Some(Throttle::CLOUD),
            webhook_concurrency: WEBHOOK_CONCURRENCY,
        })
    }
}

/// A way to an issuer. Addresses are https on either.
#[derive(Clone)]
pub enum IssuerWay {
    Http(HttpTransport),
    InProcess(Arc<dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync>),
}

impl Transport for IssuerWay {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match self {
            Self::Http(http) => http.send(request).await,
            Self::InProcess(answer) => Ok(answer(request)),
        }
    }
}

/// The doors at work.
pub(crate) struct Guard {
    authorizer: Authorizer<IssuerWay>,
    remembered: Mutex<HashMap<Vec<u8>, Remembered>>,
    throttle: Option<Throttle>,
    buckets: Mutex<HashMap<String, Bucket>>,
    pub(crate) webhook_places: Semaphore,
}

/// When the authorizer said something, and what.
type Remembered = (Timestamp, Map<String, Value>);

/// What a route has left.
#[derive(Clone, Copy)]
struct Bucket {
    requests: f64,
    at: Timestamp,
}

/// When more answers are remembered than this, all are forgotten.
const REMEMBERED_MAX: usize = 10_000;

impl Guard {
    pub(crate) fn new(doors: &Doors, ledger: Ledger, clock: Clock) -> Self {
        let tokens = doors.issuer.clone();
        Self {
            authorizer: Authorizer {
                ledger,
                clock,
                tokens: tokens.map(|(trusted, way)| Tokens::new(trusted, way)),
            },
            remembered: Mutex::default(),
            throttle: doors.throttle,
            buckets: Mutex::default(),
            webhook_places: Semaphore::new(doors.webhook_concurrency),
        }
    }

    /// What the authorizer says of a request, or has said of its header within a minute.
    /// `None` without that header: then API Gateway does not ask.
    pub(crate) async fn context(
        &self,
        request: &Request<Bytes>,
        route: &str,
    ) -> Result<Option<Map<String, Value>>> {
        let Some(header) = request.headers().get(header::AUTHORIZATION) else {
            return Ok(None);
        };
        let now = (self.authorizer.clock)();
        let remembered = lock(&self.remembered).get(header.as_bytes()).cloned();
        if let Some((since, context)) = remembered
            && now.since(since) < REMEMBERED_FOR
        {
            return Ok(Some(context));
        }
        let asked = authorizer_request(&payload(request, route, None, now)?)?;
        let context = authorizer::handle(&self.authorizer, asked).await?.context;
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(header.as_bytes().to_vec(), (now, context.clone()));
        Ok(Some(context))
    }

    /// Whether a route takes one more request.
    pub(crate) fn takes(&self, route: &str) -> bool {
        let Some(Throttle { burst, rate }) = self.throttle else {
            return true;
        };
        let (burst, now) = (f64::from(burst), (self.authorizer.clock)());
        let mut buckets = lock(&self.buckets);
        let full = Bucket {
            requests: burst,
            at: now,
        };
        let bucket = buckets.entry(route.to_owned()).or_insert(full);
        let gained = now.since(bucket.at).as_secs_f64() * f64::from(rate);
        bucket.requests = burst.min(bucket.requests + gained);
        bucket.at = now;
        let takes = bucket.requests >= 1.0;
        if takes {
            bucket.requests -= 1.0;
        }
        takes
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
