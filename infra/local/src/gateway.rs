//! The front door: routes requests to functions as API Gateway and function URLs do.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use leads::large::WORKER_LIFE;
use leads::store::Store;
use ringfence_carrier::callback::{CALL_PATH, STATUS_PATH};
use ringfence_shell::reply::Failure;
use ringfence_shell::texts::{Language, Text};
use serde_json::{Map, Value};
use tracing::{error, warn};
use uuid::Uuid;
use webhook::{Parts, Webhook};

use crate::aws::meter::Meter;
use crate::aws::objects::{BUCKET, Objects};
use crate::doors::{Doors, Guard};
use crate::environment::{Blueprint, Environment};
use crate::event::{http_response, lambda_request, payload};

/// The functions that answer HTTP requests.
pub struct Gateway {
    /// What the API has cost.
    pub api_meter: Meter,
    plan: Blueprint,
    environment: Environment,
    guard: Guard,
    webhook: Webhook,
    leads_max: u32,
}

/// A function behind the front door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Start,
    Status,
    Stop,
    Leads,
    Business,
    Webhook,
}

/// API Gateway gives up on an integration after 30 seconds, so functions behind it are
/// given a little less: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
pub const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// Lambda takes no larger request, and what is no text comes to it in base64, which is a third
/// longer: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const REQUEST_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Every route of the API: method, path and function. `*` stands for one part.
pub const ROUTES: [Route; 36] = [
    ("GET", "/healthz", Function::Status),
    ("GET", "/openapi.json", Function::Status),
    ("POST", "/api/outbound_calls/start", Function::Start),
    ("POST", "/api/outbound/bulk-enqueue", Function::Start),
    ("GET", "/api/outbound_calls/counts", Function::Status),
    ("GET", "/api/outbound/runs", Function::Status),
    ("GET", "/api/outbound/runs/*", Function::Status),
    ("GET", "/api/outbound/runs/*/calls", Function::Status),
    ("GET", "/api/outbound/bulk/active", Function::Status),
    ("GET", "/api/outbound/recent-calls", Function::Status),
    ("POST", "/api/outbound/stop-queue", Function::Stop),
    ("POST", "/api/outbound/cleanup-stuck-jobs", Function::Stop),
    ("POST", "/api/outbound/import-leads", Function::Leads),
    ("GET", "/api/outbound/import-leads", Function::Leads),
    (
        "POST",
        "/api/outbound/import-leads/bulk-delete",
        Function::Leads,
    ),
    ("DELETE", "/api/outbound/import-leads/*", Function::Leads),
    ("GET", "/api/outbound/import-lists", Function::Leads),
    ("POST", "/api/outbound/uploads", Function::Leads),
    ("GET", "/api/outbound/leads/*/calls", Function::Leads),
    ("POST", "/api/outbound/leads/*/erase", Function::Leads),
    ("POST", "/api/outbound/do-not-call", Function::Leads),
    ("GET", "/api/outbound/do-not-call", Function::Leads),
    ("DELETE", "/api/outbound/do-not-call/*", Function::Leads),
    ("POST", "/api/outbound/do-not-call/*/erase", Function::Leads),
    ("GET", "/api/business", Function::Business),
    ("PUT", "/api/business", Function::Business),
    ("POST", "/api/businesses", Function::Business),
    ("DELETE", "/api/businesses/*", Function::Business),
    ("POST", "/api/businesses/*/keys", Function::Business),
    ("GET", "/api/businesses/*/keys", Function::Business),
    ("DELETE", "/api/businesses/*/keys/*", Function::Business),
    ("POST", STATUS_PATH, Function::Webhook),
    ("GET", STATUS_PATH, Function::Webhook),
    ("POST", CALL_PATH, Function::Webhook),
    ("GET", CALL_PATH, Function::Webhook),
    ("HEAD", "/healthz", Function::Status),
];

/// What anybody may ask, without a key.
pub const OPEN: [&str; 2] = ["/healthz", "/openapi.json"];

impl Gateway {
    /// Opens the door.
    ///
    /// What the API reads and writes is metered apart: it depends on who watches, while
    /// the webhook belongs to the cost of a call.
    pub fn new(plan: Blueprint, leads_max: u32, doors: &Doors) -> Arc<Self> {
        let api_plan = Blueprint {
            dynamo: plan.dynamo.metered_apart(),
            ..plan.clone()
        };
        let environment = Environment::start(&api_plan);
        let authorizer = Environment::start(&api_plan).world;
        let webhook_environment = Environment::start(&plan);
        let webhook = Webhook::new(Parts {
            account: plan.telephony.account.sid.clone(),
            tokens: plan.telephony.signing_tokens.clone(),
            host: plan.telephony.public_host.clone(),
            queue: webhook_environment.world.queue,
            ledger: webhook_environment.world.ledger,
            clock: Arc::clone(&plan.clock),
            metrics: plan.metrics.clone(),
        });
        Arc::new(Self {
            api_meter: api_plan.dynamo.meter().clone(),
            guard: Guard::new(doors, authorizer.ledger, authorizer.clock),
            plan,
            environment,
            webhook,
            leads_max,
        })
    }

    /// Answers one request. A handler that takes too long is killed where it stands.
    pub async fn answer(self: Arc<Self>, request: Request<Bytes>) -> Response<Bytes> {
        if Objects::is_for(request.uri().path()) {
            return self.plan.objects.put_signed(&request).await;
        }
        let limit = INTEGRATION_TIMEOUT.min(self.plan.timing.function_timeout);
        // An import lives on when the door has given up on its answer.
        let is_leads = find(&request).is_ok_and(|route| route.2 == Function::Leads);
        let life = if is_leads { WORKER_LIFE } else { limit };
        let language = Language::of(&request);
        let handling = tokio::spawn(async move {
            let routed = self.route(request);
            tokio::time::timeout(life, routed).await
        });
        let handled = tokio::time::timeout(limit, handling).await;
        let problem = match handled.unwrap_or_else(|given_up| Ok(Err(given_up))) {
            Ok(Ok(Ok(response))) => return response,
            Ok(Ok(Err(error))) => {
                error!("failed to pass a request on: {error:#}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Ok(Err(_)) => {
                warn!("gave up on a handler that took too long");
                StatusCode::SERVICE_UNAVAILABLE
            }
            Err(panic) => {
                error!("a handler panicked: {panic}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let code = if problem == StatusCode::SERVICE_UNAVAILABLE {
            "unavailable"
        } else {
            "internal"
        };
        let id = Uuid::new_v4().to_string();
        let failure = Failure::new(problem, code, Text::Internal).with("request_id", id);
        refuse(&failure, language)
    }

    async fn route(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let language = Language::of(&request);
        if request.body().len() > REQUEST_BYTES_MAX {
            return Ok(refuse(&Failure::too_large(), language));
        }
        let (method, pattern, function) = match find(&request) {
            Ok(route) => route,
            Err(failure) => return Ok(refuse(&failure, language)),
        };
        let route = format!("{method} {pattern}");
        if function == Function::Webhook {
            // It is reached by its own address, past API Gateway.
            let Ok(_place) = self.guard.webhook_places.try_acquire() else {
                return Ok(refuse(&Failure::too_many_requests(), language));
            };
            return self.invoke(function, &request, &route, None).await;
        }
        if !self.guard.takes(&route) {
            return Ok(refuse(&Failure::too_many_requests(), language));
        }
        if OPEN.contains(&pattern) {
            return self.invoke(function, &request, &route, None).await;
        }
        let Some(context) = self.guard.context(&request, &route).await? else {
            return Ok(refuse(&Failure::unauthorized(), language));
        };
        let context = Some(context);
        self.invoke(function, &request, &route, context.as_ref())
            .await
    }

    async fn invoke(
        &self,
        function: Function,
        request: &Request<Bytes>,
        route: &str,
        context: Option<&Map<String, Value>>,
    ) -> Result<Response<Bytes>> {
        let payload = payload(request, route, context, (self.plan.clock)())?;
        let body = payload["body"].as_str().unwrap_or_default();
        if body.len() > REQUEST_BYTES_MAX {
            return Ok(refuse(&Failure::too_large(), Language::of(request)));
        }
        let event = lambda_request(&payload)?;
        let world = &self.environment.world;
        let metrics = &self.plan.metrics;
        let answer = match function {
            Function::Start => start::handle(world, world.public_host, metrics, event).await,
            Function::Status => status::handle(&world.ledger, (self.plan.clock)(), event).await,
            Function::Stop => stop::handle(world, metrics, event).await,
            Function::Leads => {
                let objects = self.plan.objects.client_with(&self.environment.trap);
                let store = Store::new(&objects, BUCKET);
                let now = (self.plan.clock)();
                leads::handle(world, &store, self.leads_max, now, event).await
            }
            Function::Business => business::handle(world, &self.plan.defaults, event).await,
            Function::Webhook => webhook::handle(&self.webhook, event).await,
        };
        Ok(http_response(answer))
    }
}

/// A route: method, path and function.
pub type Route = (&'static str, &'static str, Function);

fn find(request: &Request<Bytes>) -> Result<Route, Failure> {
    let path = request.uri().path();
    let fits = |route: &&Route| is_match(route.1, path);
    let fitting: Vec<Route> = ROUTES.iter().filter(fits).copied().collect();
    if fitting.is_empty() {
        return Err(Failure::not_found());
    }
    let method = request.method().as_str();
    // A function URL hands on every method.
    let found = fitting
        .iter()
        .find(|(takes, _, function)| *takes == method || *function == Function::Webhook);
    found.copied().ok_or_else(|| {
        // The path belongs to the pattern that says most of it.
        let stars = |(_, pattern, _): &Route| pattern.matches('*').count();
        let fewest = fitting.iter().map(stars).min();
        let closest = fitting.iter().filter(|route| Some(stars(route)) == fewest);
        let methods: Vec<&str> = closest.map(|route| route.0).collect();
        Failure::method_not_allowed(&methods.join(", "))
    })
}

/// An answer of the front door's own.
fn refuse(failure: &Failure, language: Language) -> Response<Bytes> {
    http_response(failure.reply(language))
}

fn is_match(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let fits = pattern.split('/').all(|wanted| {
        parts.next().is_some_and(|part| {
            if wanted == "*" {
                !part.is_empty()
            } else {
                wanted == part
            }
        })
    });
    fits && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_part_of_a_path() {
        assert!(is_match("/a/*/c", "/a/b/c"));
        assert!(!is_match("/a/*/c", "/a//c"));
        assert!(!is_match("/a/*", "/a/b/c"));
        assert!(!is_match("/a/b", "/a/b/"));
    }
}
