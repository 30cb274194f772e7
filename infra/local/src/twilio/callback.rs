//! Tells the client what happened to a call, with a valid signature and with faults.
//!
//! Twilio promises neither at least once nor exactly once, and no order; nor does this.

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, Response, Uri};
use ringfence_carrier::signature;
use ringfence_core::call::CallStatus;
use ringfence_core::ids::CallSid;
use tokio::time::{Instant, sleep, sleep_until};

use super::SimTwilio;
use super::call::{Call, Mark};
use super::delivery::Unanswered;
use super::plan::within;
use super::request::{Form, Webhook};
use super::resource::date;
use super::settings::{Faults, Settings};
use super::world::World;

/// The pause before the first retry; it doubles. All fit into the total time.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How much later than the end of its call a callback comes that was held back.
const HELD_BACK: Duration = Duration::from_millis(100);

/// One status callback that is due.
pub(super) struct Callback {
    sid: CallSid,
    webhook: Webhook,
    parameters: Form,
    is_final: bool,
    hazards: Hazards,
}

/// What happens to one callback on its way.
struct Hazards {
    is_lost: bool,
    delay: Duration,
    /// Not before this.
    hold: Option<Instant>,
    /// A second copy, this long after the first.
    copy: Option<Duration>,
}

/// Draws up the callback for a status that the call has just reached, if the client wants it.
pub(super) fn due(world: &mut World, sid: &CallSid, status: CallStatus) -> Option<Callback> {
    let settings = std::sync::Arc::clone(&world.settings);
    let call = world.call_mut(sid)?;
    let webhook = match &call.order.callback {
        Some(callback) if callback.wants(status) => callback.webhook.clone(),
        Some(_) | None => return None,
    };
    let parameters = parameters(&settings, call, status);
    call.sequence += 1;
    let is_final = status.outcome().is_some();
    let latency = &settings.behaviour.callback_latency;
    let hazards = match call.hazard_seed {
        Some(seed) => {
            let mut rng = Rng::with_seed(seed ^ u64::from(call.sequence));
            let delay = within(latency, &mut rng);
            let planned = call.planned;
            let accepted = call.view().accepted();
            let mut hazards = Hazards {
                is_lost: false,
                delay,
                hold: None,
                copy: None,
            };
            let end = planned.and_then(|it| accepted.instant.checked_add(it + HELD_BACK));
            hazards.draw(
                &settings.faults,
                if is_final { None } else { end },
                &mut rng,
                world,
            );
            hazards
        }
        None => Hazards {
            is_lost: false,
            delay: Duration::ZERO,
            hold: None,
            copy: None,
        },
    };
    Some(Callback {
        sid: sid.clone(),
        webhook,
        parameters,
        is_final,
        hazards,
    })
}

impl Hazards {
    /// Draws every fault, whether another one already covers it or not.
    fn draw(&mut self, faults: &Faults, end: Option<Instant>, rng: &mut Rng, world: &mut World) {
        let mut strikes = |share: f64| rng.f64() < share;
        let (lost, doubled) = (strikes(faults.lost), strikes(faults.doubled));
        let (late, reordered) = (strikes(faults.late), strikes(faults.reordered));
        let (lateness, gap) = (within(&faults.lateness, rng), within(&faults.lateness, rng));
        if lost {
            self.is_lost = true;
            world.injected.lost += 1;
            return;
        }
        if late {
            self.delay += lateness;
            world.injected.late += 1;
        }
        if doubled {
            self.copy = Some(gap);
            world.injected.doubled += 1;
        }
        if reordered && end.is_some() {
            self.hold = end;
            world.injected.reordered += 1;
        }
    }
}

/// What every request to the client says about its call.
fn identity(settings: &Settings, call: &Call, status: CallStatus) -> Form {
    let (from, to) = (call.order.from.expose(), call.order.to.expose());
    let pairs = [
        ("CallSid", call.sid.as_str()),
        ("AccountSid", &settings.account_sid),
        ("From", from),
        ("To", to),
        ("Caller", from),
        ("Called", to),
        ("CallStatus", status.as_str()),
        ("Direction", "outbound-api"),
        ("ApiVersion", "2010-04-01"),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// <https://www.twilio.com/docs/voice/api/call-resource#parameters-sent-to-your-statuscallback-url>
fn parameters(settings: &Settings, call: &Call, status: CallStatus) -> Form {
    let mut form = identity(settings, call, status);
    let mut add = |name: &str, value: String| form.push((name.to_owned(), value));
    let view = call.view();
    add("Timestamp", date(view.updated().at));
    add("CallbackSource", "call-progress-events".to_owned());
    add("SequenceNumber", call.sequence.to_string());
    let is_answered = view.reached(CallStatus::InProgress).is_some();
    if is_answered && call.order.detects_machines {
        add("AnsweredBy", "human".to_owned());
    }
    let sip_code = match status {
        CallStatus::Queued
        | CallStatus::Initiated
        | CallStatus::Ringing
        | CallStatus::InProgress => return form,
        CallStatus::Completed => "200",
        CallStatus::Busy => "486",
        CallStatus::Failed => "404",
        CallStatus::NoAnswer | CallStatus::Canceled => "487",
    };
    let seconds = view.talk_seconds(settings.speed).unwrap_or(0);
    add("CallDuration", seconds.to_string());
    add("Duration", seconds.div_ceil(60).to_string());
    add("SipResponseCode", sip_code.to_owned());
    form
}

impl SimTwilio {
    /// Delivers one callback, or loses it; returns when the first copy is dealt with.
    pub(super) async fn deliver(self, callback: Callback) {
        let Callback {
            sid,
            webhook,
            parameters,
            is_final,
            hazards,
        } = callback;
        if hazards.is_lost {
            return;
        }
        if let Some(hold) = hazards.hold {
            sleep_until(hold).await;
        }
        sleep(hazards.delay).await;
        if is_final {
            let mut world = self.world();
            let now: Mark = world.mark();
            if let Some(call) = world.call_mut(&sid) {
                call.final_sent.get_or_insert(now);
            }
        }
        if let Some(gap) = hazards.copy {
            let (twilio, webhook, parameters) = (self.clone(), webhook.clone(), parameters.clone());
            tokio::spawn(async move {
                sleep(gap).await;
                _ = twilio.call_webhook(&webhook, &parameters).await;
            });
        }
        _ = self.call_webhook(&webhook, &parameters).await;
    }

    /// Asks the client for the instructions for an answered call.
    pub(super) async fn fetch_twiml(
        &self,
        webhook: &Webhook,
        sid: &CallSid,
    ) -> Option<Response<Bytes>> {
        let parameters = {
            let world = self.world();
            identity(&world.settings, world.call(sid)?, CallStatus::InProgress)
        };
        self.call_webhook(webhook, &parameters).await
    }

    /// Calls a webhook, and again as its overrides ask for; `None` without a final answer.
    async fn call_webhook(
        &self,
        webhook: &Webhook,
        parameters: &[(String, String)],
    ) -> Option<Response<Bytes>> {
        let (request, delivery) = {
            let mut world = self.world();
            let token = format!("{:032x}", world.rng.u128(..));
            let request = signed(&world.settings, webhook, parameters, &token)?;
            (request, self.delivery())
        };
        let overrides = &webhook.overrides;
        let deadline = Instant::now() + overrides.total_timeout;
        let mut pause = RETRY_PAUSE;
        for _ in 0..=overrides.retries {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let answer = delivery
                .send(request.clone(), left.min(overrides.read_timeout))
                .await;
            let tries_again = match &answer {
                Ok(answer) if answer.status().is_server_error() => overrides.policy.server_error,
                Ok(answer) if answer.status().is_client_error() => overrides.policy.client_error,
                Ok(_) => false,
                Err(Unanswered::NoConnection) => overrides.policy.connect,
                Err(Unanswered::NoAnswer) => overrides.policy.read,
            };
            if !tries_again {
                return answer.ok();
            }
            sleep(pause).await;
            pause *= 2;
        }
        None
    }
}

/// Builds a request and signs it; `None` only for a URL that no request can carry.
fn signed(
    settings: &Settings,
    webhook: &Webhook,
    parameters: &[(String, String)],
    idempotency_token: &str,
) -> Option<Request<Bytes>> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let (url, body, signature) = if webhook.method == Method::GET {
        let glue = if webhook.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{glue}{form}", webhook.url);
        let signature = signature::sign::<&str>(&settings.auth_token, &url, &[]);
        (url, Bytes::new(), signature)
    } else {
        let signature = signature::sign(&settings.auth_token, &webhook.url, parameters);
        (webhook.url.clone(), Bytes::from(form), signature)
    };
    let uri: Uri = url.parse().ok()?;
    let host = uri.authority()?.as_str().to_owned();
    Request::builder()
        .method(webhook.method.clone())
        .uri(uri)
        .header(HOST, host)
        .header(USER_AGENT, "TwilioProxy/1.1")
        .header(
            CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .header("I-Twilio-Idempotency-Token", idempotency_token)
        .header("X-Twilio-Signature", signature)
        .body(body)
        .ok()
}
