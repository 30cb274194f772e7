//! Places calls through Twilio's REST API, and asks it what became of them.
//!
//! A call exists only if Twilio says so, and does not exist only if Twilio says so or
//! the request provably never left. Everything else is unknown, and stays so.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use ringfence_core::ids::CallSid;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_flows::carrier::{Asked, Carrier, Found, Order, Placed, Refusal, Script, Sighting};
use ringfence_flows::claim::Claim;
use tracing::warn;

use crate::callback::CallTag;
use crate::errors::{Denial, denial};
use crate::form::{body, encode};
use crate::host::PublicHost;
use crate::settings::{Account, CallEvent};
use crate::transport::{Transport, TransportError};
use crate::wire::{self, CallJson, PageJson};

/// One Twilio account, reached through `T`.
#[derive(Debug)]
pub struct Twilio<T> {
    account: Account,
    callbacks: Callbacks,
    transport: T,
}

/// How we hear of calls.
#[derive(Debug, Clone)]
pub struct Callbacks {
    /// Without one no call is placed, since nothing could be said in it and its end
    /// would not be reported. Asking and hanging up work all the same.
    pub host: Option<PublicHost>,
    /// What is reported of each call, from [`CallEvent::parse_list`].
    pub events: Vec<CallEvent>,
}

/// About 2 KB each, so that a page stays well below the bound on an answer.
const PAGE_SIZE: &str = "200";

/// A business has called one number a thousand times before this is not enough.
const PAGES_MAX: u32 = 5;

/// Twilio: "call is not in-progress"; it was over before we could end it.
const ALREADY_OVER: u32 = 21220;

impl<T: Transport> Twilio<T> {
    /// Takes settings that were checked when they were parsed.
    pub fn new(account: Account, callbacks: Callbacks, transport: T) -> Self {
        Self {
            account,
            callbacks,
            transport,
        }
    }

    /// Sends one request for a call, and reads the answer without hope.
    async fn request_call(&self, order: &Order, script: Option<&Script>) -> Placed {
        let Some(host) = &self.callbacks.host else {
            return Placed::Refused(Refusal::Configuration {
                code: 0,
                reason: "no_public_host",
            });
        };
        let form = call_form(order, script, host, &self.callbacks.events);
        match self
            .send(Method::POST, &self.calls_path(), Some(form))
            .await
        {
            Ok(answer) => placed(order, &answer),
            Err(TransportError::NotSent) => Placed::NotProcessed { retry_after: None },
            Err(TransportError::Unknown) => Placed::Unknown,
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path_and_query: &str,
        form: Option<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let request = self
            .request(method, path_and_query, form)
            .ok_or(TransportError::NotSent)?;
        self.transport.send(request).await
    }

    /// An authenticated request, unless the path leads away from the API.
    fn request(
        &self,
        method: Method,
        path_and_query: &str,
        form: Option<Bytes>,
    ) -> Option<Request<Bytes>> {
        let Account {
            user,
            secret,
            api_base,
            ..
        } = &self.account;
        let url = api_base.join(path_and_query)?;
        let credentials = BASE64_STANDARD.encode(format!("{user}:{}", secret.expose()));
        let mut authorization = HeaderValue::try_from(format!("Basic {credentials}")).ok()?;
        authorization.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, authorization)
            .header(header::USER_AGENT, "ringfence");
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        request.body(form.unwrap_or_default()).ok()
    }

    pub(crate) fn account_path(&self) -> String {
        format!("/2010-04-01/Accounts/{}", self.account.sid.as_str())
    }

    fn calls_path(&self) -> String {
        format!("{}/Calls.json", self.account_path())
    }

    fn call_path(&self, sid: &CallSid) -> String {
        format!("{}/Calls/{sid}.json", self.account_path())
    }
}

impl<T: Transport> Carrier for Twilio<T> {
    async fn place(&self, claim: Claim) -> Placed {
        self.request_call(claim.order(), claim.script()).await
    }

    async fn ask(&self, sid: &CallSid) -> Asked {
        match self.send(Method::GET, &self.call_path(sid), None).await {
            Ok(answer) => asked(sid, &answer),
            Err(TransportError::NotSent | TransportError::Unknown) => Asked::Undecided,
        }
    }

    /// Reads every call between the two numbers, a bounded number of pages of them.
    ///
    /// `StartTime` is no filter: it is empty until the call is dialled. The bound is
    /// on pages, so this may take as long as that many requests; one is usual.
    async fn find(&self, from: &PhoneNumber, to: &PhoneNumber, since: Timestamp) -> Found {
        let filter = encode(&[
            ("From", from.expose()),
            ("To", to.expose()),
            ("PageSize", PAGE_SIZE),
        ]);
        let mut next = format!("{}?{filter}", self.calls_path());
        let mut found = Vec::new();
        for _ in 0..PAGES_MAX {
            let Ok(answer) = self.send(Method::GET, &next, None).await else {
                return Found::Undecided;
            };
            let Some((sightings, next_page)) = page(&answer) else {
                warn_unusable(&answer);
                return Found::Undecided;
            };
            found.extend(sightings.into_iter().filter(|call| matters(call, since)));
            match next_page {
                Some(uri) => next = uri,
                None => return Found::Calls(found),
            }
        }
        warn!("the carrier lists more than {PAGES_MAX} pages of calls between two numbers");
        Found::Undecided
    }

    /// Asks for `completed`, which ends a call wherever it is; `canceled` would not end
    /// one that was answered a moment ago.
    ///
    /// <https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource>
    async fn end(&self, sid: &CallSid) -> Asked {
        let form = body(&[("Status", "completed")]);
        let Ok(answer) = self
            .send(Method::POST, &self.call_path(sid), Some(form))
            .await
        else {
            return Asked::Undecided;
        };
        let is_over = answer.status().is_client_error()
            && wire::error_code(answer.body()) == Some(ALREADY_OVER);
        if is_over {
            self.ask(sid).await
        } else {
            asked(sid, &answer)
        }
    }
}

/// The form of a request for a call.
fn call_form(
    order: &Order,
    script: Option<&Script>,
    host: &PublicHost,
    events: &[CallEvent],
) -> Bytes {
    let tag = CallTag::from(order);
    let (call_url, status_url) = (tag.call_url(host), tag.status_url(host));
    let timeout = order.ring_seconds_max.to_string();
    let time_limit = order.call_seconds_max.to_string();
    let mut form = vec![("To", order.to.expose()), ("From", order.from.expose())];
    // Beside a `Url` Twilio would pass over what is sent along.
    match script {
        Some(script) => form.push(("Twiml", script.expose())),
        None => form.extend([("Url", call_url.as_str()), ("Method", "POST")]),
    }
    form.extend([
        ("StatusCallback", status_url.as_str()),
        ("StatusCallbackMethod", "POST"),
    ]);
    // Twilio wants the parameter once per event, not a list in one.
    form.extend(
        events
            .iter()
            .map(|event| ("StatusCallbackEvent", event.as_str())),
    );
    form.extend([
        ("Timeout", timeout.as_str()),
        ("TimeLimit", time_limit.as_str()),
    ]);
    body(&form)
}

/// What an answer to a request for a call means.
fn placed(order: &Order, answer: &Response<Bytes>) -> Placed {
    let status = answer.status();
    let denial = if status == StatusCode::CREATED {
        match wire::created(answer.body()) {
            Some(sid) => return Placed::Accepted(sid),
            None => Denial::Unknown,
        }
    } else if status.is_client_error() {
        denial(status, wire::error_code(answer.body()))
    } else {
        Denial::Unknown
    };
    match denial {
        Denial::Refused(refusal) => Placed::Refused(refusal),
        Denial::NotProcessed => Placed::NotProcessed {
            retry_after: wire::retry_after(answer.headers()),
        },
        Denial::Unknown => {
            let Order { call, business, .. } = order;
            warn!(
                business.id = %business, call.id = %call, http.status = status.as_u16(),
                "the carrier's answer does not tell whether call {call} exists"
            );
            Placed::Unknown
        }
    }
}

/// What an answer about one call means.
fn asked(sid: &CallSid, answer: &Response<Bytes>) -> Asked {
    if wire::is_not_found(answer) {
        return Asked::NotFound;
    }
    let is_answer = answer.status() == StatusCode::OK;
    let call = wire::read::<CallJson>(answer.body()).filter(|_| is_answer);
    match call.and_then(CallJson::sighting) {
        Some(sighting) if sighting.sid == *sid => Asked::Known(sighting),
        Some(_) | None => {
            warn_unusable(answer);
            Asked::Undecided
        }
    }
}

/// The calls of one page and the address of the next. Nothing if even one call cannot be
/// read: it might be the one that matters.
fn page(answer: &Response<Bytes>) -> Option<(Vec<Sighting>, Option<String>)> {
    if answer.status() != StatusCode::OK {
        return None;
    }
    let page: PageJson = wire::read(answer.body())?;
    let sightings: Option<_> = page.calls.into_iter().map(CallJson::sighting).collect();
    Some((sightings?, page.next_page_uri.filter(|uri| !uri.is_empty())))
}

/// True for a call that may be live, or that was created no earlier than `since`.
fn matters(call: &Sighting, since: Timestamp) -> bool {
    let is_over = call.status.is_some_and(|status| status.outcome().is_some());
    // Twilio cuts its dates to the second.
    let since = since.as_millis() / 1000;
    let is_old = call
        .created_at
        .is_some_and(|at| at.as_millis() / 1000 < since);
    !(is_over && is_old)
}

fn warn_unusable(answer: &Response<Bytes>) {
    warn!(
        http.status = answer.status().as_u16(),
        carrier.code = wire::error_code(answer.body()),
        "the carrier's answer is of no use"
    );
}

#[cfg(test)]
mod tests;
