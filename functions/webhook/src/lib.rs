//! Hears Twilio: verifies, hands the fact on, and says what happens in a call.
//!
//! Nothing is read from a request, and nothing done, before its signature is verified.

mod describe;
mod flows;

pub use describe::describe;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_carrier::callback::{CALL_PATH, CallTag, Callback, STATUS_PATH, StatusWord};
use ringfence_carrier::form::Form;
use ringfence_carrier::host::PublicHost;
use ringfence_carrier::settings::{AccountSid, Secret};
use ringfence_carrier::{signature, twiml};
use ringfence_ledger::Ledger;
use ringfence_shell::body;
use ringfence_shell::call_flows::CallFlows;
use ringfence_shell::caller::request_id;
use ringfence_shell::cloud::Clock;
use ringfence_shell::logging::request_span;
use ringfence_shell::message::{Message, Sqs};
use ringfence_shell::metrics::{EmbeddedMetrics, Figures, Metric};
use ringfence_shell::reply::{Failure, empty, text};
use ringfence_shell::texts::{Language, Text};
use tracing::{Instrument, error, info, warn};

use crate::flows::script;

/// What the webhook needs. It can verify and enqueue, and reads what is said in a call.
pub struct Webhook {
    pub account: AccountSid,
    /// The auth token and, during a rotation, the old one.
    pub tokens: Vec<Secret>,
    /// Where Twilio was told to call. Without it no signature can be right.
    pub host: Option<PublicHost>,
    pub queue: Sqs,
    pub ledger: Ledger,
    pub clock: Clock,
    pub metrics: EmbeddedMetrics,
    flows: CallFlows,
}

/// What a webhook is made of.
pub struct Parts {
    pub account: AccountSid,
    pub tokens: Vec<Secret>,
    pub host: Option<PublicHost>,
    pub queue: Sqs,
    pub ledger: Ledger,
    pub clock: Clock,
    pub metrics: EmbeddedMetrics,
}

impl Webhook {
    /// Puts a webhook together.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            account,
            tokens,
            host,
            queue,
            ledger,
            clock,
            metrics,
        } = parts;
        Self {
            account,
            tokens,
            host,
            queue,
            ledger,
            clock,
            metrics,
            flows: CallFlows::default(),
        }
    }
}

/// Twilio's callbacks have two kilobytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Answers `POST /webhook/call_status`, `POST /webhook/outbound_call` and `GET /healthz`.
pub async fn handle(webhook: &Webhook, request: Request) -> Response<Body> {
    let answer = route(webhook, &request)
        .instrument(request_span(&request))
        .await;
    answer.unwrap_or_else(|failure| failure.reply(Language::of(&request)))
}

async fn route(webhook: &Webhook, request: &Request) -> Result<Response<Body>, Failure> {
    match (request.method().as_str(), request.uri().path()) {
        ("GET", "/healthz") => Ok(empty(StatusCode::OK)),
        ("POST", STATUS_PATH) => status(webhook, request).await,
        ("POST", CALL_PATH) => say(webhook, request).await,
        (_, STATUS_PATH | CALL_PATH) => Err(Failure::method_not_allowed("POST")),
        (_, "/healthz") => Err(Failure::method_not_allowed("GET")),
        _ => Err(Failure::not_found()),
    }
}

/// Hands a report on. If that fails the answer is 503, so that Twilio tries again.
async fn status(webhook: &Webhook, request: &Request) -> Result<Response<Body>, Failure> {
    let (query, form) = verified(webhook, request)?;
    let callback = match Callback::parse(query, &form, (webhook.clock)()) {
        Ok(callback) => callback,
        Err(bad) => {
            // Signed by Twilio, and still not about a call of ours: asking for it again
            // would bring the same.
            warn!("passed over a callback: {bad}");
            return Ok(empty(StatusCode::NO_CONTENT));
        }
    };
    let CallTag { business, call, .. } = callback.tag.clone();
    let Some(report) = callback.report() else {
        if let StatusWord::Unknown(word) = &callback.status {
            warn!(business.id = %business, call.id = %call, status = word, "passed over an unknown call status");
        }
        return Ok(empty(StatusCode::NO_CONTENT));
    };
    info!(business.id = %business, call.id = %call, call.sid = %report.sid, status = report.status.as_str(), "call {call} reported");
    let message = Message {
        business,
        report: Some(report),
    };
    match webhook
        .queue
        .send(&message, std::time::Duration::ZERO)
        .await
    {
        Ok(()) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(error) => {
            error!(call.id = %call, "failed to hand on a report: {error:#}");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let failure = Failure::new(status, "unavailable", Text::Internal);
            Err(failure.with("request_id", request_id(request)))
        }
    }
}

/// Says what happens in a call that was answered. Asked twice, it says the same.
async fn say(webhook: &Webhook, request: &Request) -> Result<Response<Body>, Failure> {
    let (query, _) = verified(webhook, request)?;
    let Ok(tag) = CallTag::parse(query) else {
        return Err(Failure::not_found());
    };
    let Webhook {
        flows,
        ledger,
        clock,
        ..
    } = webhook;
    let script = script(flows, ledger, &tag, clock()).await;
    let script = script.map_err(|error| Failure::internal(&error, &request_id(request)))?;
    let Some((flow, variables)) = script else {
        return Err(Failure::not_found());
    };
    Ok(text(
        StatusCode::OK,
        twiml::CONTENT_TYPE,
        twiml::twiml(&flow, &variables),
    ))
}

/// The query and the form of a request that Twilio has signed for our account.
fn verified<'a>(webhook: &Webhook, request: &'a Request) -> Result<(&'a str, Form), Failure> {
    let forbidden = || Failure::new(StatusCode::FORBIDDEN, "bad_signature", Text::Forbidden);
    let bytes = body::bytes(request, FORM_BYTES_MAX)?;
    let query = request.uri().query().unwrap_or_default();
    let (Some(host), Ok(form)) = (&webhook.host, Form::parse(bytes)) else {
        count(webhook, Metric::CallbacksUnreadable);
        return Err(forbidden());
    };
    let path = request.uri().path();
    let url = host.url(&if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    });
    let given = request
        .headers()
        .get(signature::HEADER)
        .and_then(|value| value.to_str().ok());
    let is_signed = signature::verify(
        &webhook.tokens,
        &url,
        form.pairs(),
        given.unwrap_or_default(),
    );
    let mut accounts = form.pairs().iter().filter(|(name, _)| name == "AccountSid");
    let is_ours = matches!(
        (accounts.next(), accounts.next()),
        (Some((_, account)), None) if account == webhook.account.as_str()
    );
    if is_signed && is_ours {
        Ok((query, form))
    } else {
        warn!(is_signed, "turned a callback away");
        let reason = if is_signed {
            Metric::CallbacksOfOthers
        } else {
            Metric::CallbacksUnsigned
        };
        count(webhook, reason);
        Err(forbidden())
    }
}

/// Counts a callback that was turned away.
fn count(webhook: &Webhook, reason: Metric) {
    let mut figures = Figures::default();
    figures.count(reason, 1);
    webhook.metrics.write(figures, (webhook.clock)());
}
