//! The simulated Twilio as its client sees it; time is paused and no socket is open.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::FutureExt as _;
use http::{Request, Response};
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature;
use ringfence_core::time::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::*;
use crate::clock::Clock;

mod api;
mod callbacks;
mod client;
mod faults;
mod life;
mod lists;
mod numbers;
mod port;

pub(super) const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(super) const TO: &str = "+972501234567";
const FROM: &str = "+97231234567";

/// An account, and everything that its callbacks told.
pub(super) struct Desk {
    pub(super) twilio: SimTwilio,
    pub(super) inbox: Arc<Mutex<Vec<Told>>>,
}

/// One request that reached the client.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) at: Instant,
    pub(super) url: String,
    pub(super) form: Vec<(String, String)>,
    pub(super) signature: String,
    pub(super) token: String,
}

impl Told {
    pub(super) fn value(&self, name: &str) -> &str {
        request::value(&self.form, name).unwrap_or_default()
    }
}

impl Desk {
    /// Rings for 2 s, talks for 10 s.
    pub(super) fn calm() -> Self {
        Self::with(Faults::none(), 7)
    }

    pub(super) fn with(faults: Faults, seed: u64) -> Self {
        Self::open(settings(faults, seed), |_| 204)
    }

    /// `webhook` answers the n-th status callback.
    pub(super) fn open(settings: Settings, webhook: fn(usize) -> u16) -> Self {
        let twilio = SimTwilio::new(settings);
        let inbox = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&inbox);
        twilio.deliver_by(Delivery::in_process(move |request| {
            let is_twiml = request.uri().path() == "/twiml";
            let nth = {
                let mut inbox = received.lock().unwrap();
                inbox.push(told(&request));
                inbox
                    .iter()
                    .filter(|told| !told.url.contains("/twiml"))
                    .count()
            };
            let (status, body) = match is_twiml {
                true => (200, "<Response><Say>hello</Say></Response>"),
                false => (webhook(nth), ""),
            };
            let response = Response::builder()
                .status(status)
                .header("content-type", "text/xml");
            let response = response.body(Bytes::from_static(body.as_bytes())).unwrap();
            async move { Ok(response) }.boxed()
        }));
        Self { twilio, inbox }
    }

    /// Asks for a call of business `acme`, with more or other parameters.
    pub(super) async fn create(&self, job: &str, more: &[(&str, &str)]) -> Reply {
        let callback = format!("https://a.example/status?b=acme&{job}#rc=5&rp=all&rt=3000");
        let mut form = vec![
            ("To", TO),
            ("From", FROM),
            ("Url", "https://a.example/twiml"),
            ("StatusCallback", &callback),
        ];
        form.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
        form.extend(more);
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.ask("POST", "/Calls.json", &body).await
    }

    pub(super) async fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!(
                "https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}{path}"
            ))
            .header("authorization", basic(ACCOUNT, TOKEN))
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        Reply::of(self.twilio.handle(request).await)
    }

    pub(super) async fn status(&self, sid: &str) -> String {
        let reply = self.ask("GET", &format!("/Calls/{sid}.json"), "").await;
        reply.body["status"].as_str().unwrap().to_owned()
    }

    /// What the status callbacks told, without the requests for TwiML.
    pub(super) fn reports(&self) -> Vec<Told> {
        let inbox = self.inbox.lock().unwrap();
        inbox
            .iter()
            .filter(|told| !told.url.contains("/twiml"))
            .cloned()
            .collect()
    }
}

/// An answer, or the lack of one as status 0.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Reply {
    fn of(answer: Result<Response<Bytes>, Lost>) -> Self {
        match answer {
            Ok(answer) => Self {
                status: answer.status().as_u16(),
                body: serde_json::from_slice(answer.body()).unwrap_or_default(),
            },
            Err(_) => Self {
                status: 0,
                body: Value::Null,
            },
        }
    }

    pub(super) fn sid(&self) -> String {
        assert_eq!(self.status, 201, "{:?}", self.body);
        self.body["sid"].as_str().unwrap().to_owned()
    }
}

pub(super) fn settings(faults: Faults, seed: u64) -> Settings {
    Settings {
        account_sid: ACCOUNT.to_owned(),
        auth_token: Secret::new(TOKEN),
        api_key: Some(ApiKey {
            sid: "SK1".to_owned(),
            secret: Secret::new("hush"),
        }),
        seed,
        speed: 1.0,
        behaviour: Behaviour::exactly(Duration::from_secs(2), Duration::from_secs(10)),
        faults,
        clock: Clock::starting_at(Timestamp::from_millis(1_571_418_000_000)),
    }
}

fn told(request: &Request<Bytes>) -> Told {
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    Told {
        at: Instant::now(),
        url: request.uri().to_string(),
        form: form_urlencoded::parse(request.body())
            .into_owned()
            .collect(),
        signature: header("x-twilio-signature"),
        token: header("i-twilio-idempotency-token"),
    }
}

fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}

/// Lets virtual time go by.
pub(super) async fn pass(seconds: f64) {
    sleep(Duration::from_secs_f64(seconds)).await;
}

pub(super) fn number(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}
