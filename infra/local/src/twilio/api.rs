//! The REST API: who asks, for what, and what the answer is.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use ringfence_core::call::CallStatus;
use ringfence_core::ids::CallSid;
use tokio::time::{Instant, sleep};

use super::SimTwilio;
use super::call::Mark;
use super::error::{answer, refusal, too_many};
use super::list;
use super::numbers;
use super::plan::Plan;
use super::request::{Form, value};
use super::resource;
use super::script::{Fate, Lost, Silence};
use super::settings::Settings;
use super::truth::Verdict;
use super::world::Decision;

/// What a request is about.
enum Target<'a> {
    Account,
    Calls,
    Call(&'a str),
    Numbers,
    Verified,
}

impl SimTwilio {
    /// Answers one request to the REST API, whatever its host, or loses the answer.
    pub async fn handle(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let (parts, body) = request.into_parts();
        let settings = self.settings();
        let path = parts.uri.path();
        let target = target(path, &settings.account_sid);
        let is_create = parts.method == Method::POST && matches!(target, Some(Target::Calls));
        let form: Form = match parts.method {
            Method::POST => form_urlencoded::parse(&body).into_owned().collect(),
            _ => {
                let query = parts.uri.query().unwrap_or_default();
                form_urlencoded::parse(query.as_bytes())
                    .into_owned()
                    .collect()
            }
        };
        let create = is_create.then(|| self.world().create_arrived(form.clone()));
        let latency = self.world().half_latency();
        sleep(latency).await;

        if !is_known(&settings, &parts.headers) || self.world().failure == Some(20003) {
            if let Some(create) = create {
                self.world().judged(create, Verdict::Refused(20003));
            }
            return Ok(refusal(20003, path));
        }
        if let Some(create) = create {
            return self.create(create, &form, path).await;
        }
        let response = self.other(&parts.method, target, &form, path);
        let latency = self.world().half_latency();
        sleep(latency).await;
        Ok(response)
    }

    /// Decides on a request for a call, starts the call, and answers or not.
    async fn create(
        &self,
        create: u64,
        form: &[(String, String)],
        path: &str,
    ) -> Result<Response<Bytes>, Lost> {
        let decision = {
            let mut world = self.world();
            let decision = world.decide(form);
            let verdict = match &decision {
                Decision::Refuse(code) => Verdict::Refused(*code),
                Decision::TooMany { .. } => Verdict::TooMany,
                Decision::NotMade(silence) => Verdict::NotMade(*silence),
                Decision::Made { sid, .. } => Verdict::Made(sid.clone()),
            };
            world.judged(create, verdict);
            decision
        };
        let answer = match decision {
            Decision::Refuse(code) => Ok(refusal(code, path)),
            Decision::TooMany {
                retry_after_seconds,
            } => Ok(too_many(retry_after_seconds)),
            Decision::NotMade(silence) => silent(silence),
            Decision::Made {
                sid,
                accepted,
                plan,
            } => self.made(sid, accepted, plan).await,
        };
        let latency = self.world().half_latency();
        sleep(latency).await;
        answer
    }

    /// Starts an accepted call, and answers as its fate wants it.
    async fn made(
        &self,
        sid: CallSid,
        accepted: Mark,
        plan: Plan,
    ) -> Result<Response<Bytes>, Lost> {
        let fate = plan.fate;
        // The answer describes the call as it was accepted, however long it takes.
        let body = {
            let world = self.world();
            let view = world
                .call(&sid)
                .and_then(|call| call.view_at(accepted.instant));
            view.map(|view| resource::call(&world.settings, &view))
                .unwrap_or_default()
        };
        let life = tokio::spawn(self.clone().live(sid, accepted, plan));
        match fate {
            Fate::MadeUnknown(silence) => silent(silence),
            Fate::AcceptedAfterFinal => {
                // It fails only if the runtime is shutting down.
                _ = life.await;
                Ok(answer(StatusCode::CREATED, &body))
            }
            Fate::Accepted | Fate::UnmadeUnknown(_) | Fate::TooMany { .. } | Fate::Refused(_) => {
                Ok(answer(StatusCode::CREATED, &body))
            }
        }
    }

    /// Answers everything but a create.
    fn other(
        &self,
        method: &Method,
        target: Option<Target<'_>>,
        form: &[(String, String)],
        path: &str,
    ) -> Response<Bytes> {
        let Some(target) = target else {
            return refusal(20404, path);
        };
        let moment = {
            let mut world = self.world();
            let settings = Arc::clone(&world.settings);
            if world.rng.f64() < settings.faults.too_many {
                world.injected.too_many += 1;
                return too_many(world.rng.bool().then_some(1));
            }
            world.read_moment()
        };
        let result = match (method.as_str(), target) {
            ("GET", Target::Account) => {
                let settings = self.settings();
                Ok(resource::account(&settings, settings.clock.now()))
            }
            ("GET", Target::Calls) => list::page(&self.world(), form, moment),
            ("GET", Target::Call(sid)) => self.described(sid, moment),
            ("GET", Target::Numbers) => Ok(self.world().incoming_numbers(form)),
            ("GET", Target::Verified) => Ok(numbers::verified()),
            ("POST", Target::Call(sid)) => self
                .update(sid, form)
                .and_then(|()| self.described(sid, Instant::now())),
            _ => Err(20004),
        };
        match result {
            Ok(body) => answer(StatusCode::OK, &body),
            Err(code) => refusal(code, path),
        }
    }

    fn described(&self, sid: &str, moment: Instant) -> Result<serde_json::Value, u32> {
        let world = self.world();
        let sid: CallSid = sid.parse().map_err(|_| 20404_u32)?;
        let view = world
            .call(&sid)
            .and_then(|call| call.view_at(moment))
            .ok_or(20404_u32)?;
        Ok(resource::call(&world.settings, &view))
    }

    /// Ends a call on request. One that was never answered counts as canceled.
    fn update(&self, sid: &str, form: &[(String, String)]) -> Result<(), u32> {
        let sid: CallSid = sid.parse().map_err(|_| 20404_u32)?;
        let now = {
            let world = self.world();
            world.call(&sid).ok_or(20404_u32)?.status()
        };
        let end = match (value(form, "Status"), now) {
            (Some("completed"), CallStatus::InProgress) => CallStatus::Completed,
            (
                Some("completed" | "canceled"),
                CallStatus::Queued | CallStatus::Initiated | CallStatus::Ringing,
            ) => CallStatus::Canceled,
            (Some("completed" | "canceled"), _) => return Err(21220),
            // Redirecting a live call is not simulated.
            (Some(_) | None, _) => return Err(20001),
        };
        if now == CallStatus::Queued {
            // No callback follows: https://help.twilio.com/articles/223132547
            let mut world = self.world();
            let mark = world.mark();
            let call = world.call_mut(&sid).ok_or(20404_u32)?;
            if call.status() == CallStatus::Queued && call.advance(end, mark) {
                return Ok(());
            }
        }
        self.advance(&sid, end).map(drop).ok_or(21220)
    }
}

fn target<'a>(path: &'a str, account_sid: &str) -> Option<Target<'a>> {
    let rest = path
        .strip_prefix("/2010-04-01/Accounts/")?
        .strip_suffix(".json")?;
    match rest.strip_prefix(account_sid)? {
        "" => Some(Target::Account),
        "/Calls" => Some(Target::Calls),
        "/IncomingPhoneNumbers" => Some(Target::Numbers),
        "/OutgoingCallerIds" => Some(Target::Verified),
        call => call
            .strip_prefix("/Calls/")
            .filter(|sid| !sid.contains('/'))
            .map(Target::Call),
    }
}

/// True for the account's own credentials, and for its API key's.
fn is_known(settings: &Settings, headers: &HeaderMap) -> bool {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Basic "));
    let given = given.and_then(|value| STANDARD.decode(value).ok());
    let own = format!("{}:{}", settings.account_sid, settings.auth_token.expose());
    let key = settings
        .api_key
        .as_ref()
        .map(|key| format!("{}:{}", key.sid, key.secret.expose()));
    given.is_some_and(|given| {
        given == own.as_bytes() || key.is_some_and(|key| given == key.as_bytes())
    })
}

fn silent(silence: Silence) -> Result<Response<Bytes>, Lost> {
    match silence {
        Silence::Reset => Err(Lost::Reset),
        Silence::Hang => Err(Lost::Hang),
        Silence::ServerError => Ok(refusal(20500, "")),
        Silence::Garbled => {
            let mut response = Response::new(Bytes::from_static(b"{\"account_sid\": \"AC"));
            *response.status_mut() = StatusCode::CREATED;
            Ok(response)
        }
    }
}
