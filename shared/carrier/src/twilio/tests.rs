mod asking;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use ringfence_core::call::Job;
use ringfence_core::ids::{LeadId, RunId};

use super::*;
use crate::settings::{ApiBase, Secret};
use crate::transport::HttpTransport;

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SID: &str = "CAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const OTHER: &str = "CAcccccccccccccccccccccccccccccccc";

/// Twilio, as a list of answers. Keeps what it was asked.
#[derive(Default)]
struct Script {
    answers: RefCell<VecDeque<Answer>>,
    requests: RefCell<Vec<Request<Bytes>>>,
}

type Answer = Result<Response<Bytes>, TransportError>;

impl Transport for &Script {
    async fn send(&self, request: Request<Bytes>) -> Answer {
        self.requests.borrow_mut().push(request);
        self.answers
            .borrow_mut()
            .pop_front()
            .expect("no answer is left")
    }
}

fn script(answers: impl IntoIterator<Item = Answer>) -> Script {
    Script {
        answers: RefCell::new(answers.into_iter().collect()),
        requests: RefCell::default(),
    }
}

fn answer(status: u16, body: &str) -> Answer {
    let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(answer)
}

fn call(sid: &str, status: &str, second: u32) -> String {
    format!(
        r#"{{"sid":"{sid}","status":"{status}","date_created":"Sun, 24 Aug 2025 13:49:{second:02} +0000","duration":"7"}}"#
    )
}

/// 13:49:00 on that day.
const MINUTE: Timestamp = Timestamp::from_millis(1_756_043_340_000);

fn sid(text: &str) -> CallSid {
    text.parse().unwrap()
}

fn account() -> Account {
    Account {
        sid: ACCOUNT.parse().unwrap(),
        user: "SK1".to_owned(),
        secret: Secret::new("hush"),
        api_base: ApiBase::TWILIO.parse().unwrap(),
    }
}

fn callbacks() -> Callbacks {
    Callbacks {
        host: Some("https://calls.example".parse().unwrap()),
        events: CallEvent::DEFAULT.into(),
    }
}

fn twilio(script: &Script) -> Twilio<&Script> {
    Twilio::new(account(), callbacks(), script)
}

fn order() -> Order {
    Order {
        business: "shop-7".parse().unwrap(),
        call: "01932c07-a5d4-7000-8000-000000000000".parse().unwrap(),
        job: Job::OfRun {
            run: RunId::new(12).unwrap(),
            index: 34,
        },
        lead: LeadId::new(5).unwrap(),
        from: "+97231234567".parse().unwrap(),
        to: "+972501234567".parse().unwrap(),
        dial_by: MINUTE,
        ring_seconds_max: 30,
        call_seconds_max: 600,
    }
}

fn body_of(request: &Request<Bytes>) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

#[track_caller]
fn check_one_request(script: &Script) -> Request<Bytes> {
    let mut requests = script.requests.borrow_mut();
    assert_eq!(requests.len(), 1, "exactly one request is made");
    requests.remove(0)
}

async fn place(answer: Answer) -> Placed {
    let script = script([answer]);
    let placed = twilio(&script).request_call(&order(), None).await;
    check_one_request(&script);
    placed
}

#[tokio::test]
async fn the_request_for_a_call_is_as_twilio_wants_it() {
    let script = script([answer(201, &call(SID, "queued", 0))]);
    let placed = twilio(&script).request_call(&order(), None).await;
    assert_eq!(placed, Placed::Accepted(sid(SID)));
    let request = check_one_request(&script);
    assert_eq!(request.method(), Method::POST);
    let uri = format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    assert_eq!(request.uri().to_string(), uri);
    let headers = request.headers();
    assert_eq!(headers[header::AUTHORIZATION], "Basic U0sxOmh1c2g=");
    assert!(headers[header::AUTHORIZATION].is_sensitive());
    assert_eq!(
        headers[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        body_of(&request),
        "To=%2B972501234567&From=%2B97231234567\
         &Url=https%3A%2F%2Fcalls.example%2Fwebhook%2Foutbound_call%3Fb%3Dshop-7\
         %26c%3D01932c07-a5d4-7000-8000-000000000000%26l%3D5%26r%3D12%26i%3D34&Method=POST\
         &StatusCallback=https%3A%2F%2Fcalls.example%2Fwebhook%2Fcall_status%3Fb%3Dshop-7\
         %26c%3D01932c07-a5d4-7000-8000-000000000000%26l%3D5%26r%3D12%26i%3D34%23rc%3D5%26rp%3Dall\
         &StatusCallbackMethod=POST&StatusCallbackEvent=completed&Timeout=30&TimeLimit=600"
    );
}

#[tokio::test]
async fn what_is_sent_along_stands_in_the_place_of_an_address_to_ask() {
    let script = script([answer(201, &call(SID, "queued", 0))]);
    let said = ringfence_flows::carrier::Script::new(
        "<Response><Say>שלום & <b></Say></Response>".to_owned(),
    );
    let _ = twilio(&script).request_call(&order(), Some(&said)).await;
    let request = check_one_request(&script);
    let form: Vec<_> = form_urlencoded::parse(request.body())
        .into_owned()
        .collect();
    let names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert!(form.contains(&("Twiml".to_owned(), said.expose().to_owned())));
    assert!(!names.contains(&"Url") && !names.contains(&"Method"));
    assert!(names.contains(&"StatusCallback"));
}

#[tokio::test]
async fn each_event_is_a_parameter_of_its_own() {
    let script = script([answer(201, &call(SID, "queued", 0))]);
    let events = CallEvent::parse_list("initiated,ringing,answered,completed").unwrap();
    let twilio = Twilio::new(
        account(),
        Callbacks {
            events,
            ..callbacks()
        },
        &script,
    );
    let _ = twilio.request_call(&order(), None).await;
    assert!(body_of(&check_one_request(&script)).contains(
        "&StatusCallbackEvent=initiated&StatusCallbackEvent=ringing\
         &StatusCallbackEvent=answered&StatusCallbackEvent=completed&"
    ));
}

#[tokio::test]
async fn without_a_public_host_no_call_is_asked_for() {
    let script = script([]);
    let twilio = Twilio::new(
        account(),
        Callbacks {
            host: None,
            ..callbacks()
        },
        &script,
    );
    let refusal = Refusal::Configuration {
        code: 0,
        reason: "no_public_host",
    };
    assert_eq!(
        twilio.request_call(&order(), None).await,
        Placed::Refused(refusal)
    );
    assert!(script.requests.borrow().is_empty());
}

#[tokio::test]
async fn only_a_readable_201_is_an_accepted_call() {
    assert_eq!(
        place(answer(201, &call(SID, "queued", 0))).await,
        Placed::Accepted(sid(SID))
    );
    let odd = format!(r#"{{"sid":"{SID}","status":5}}"#);
    assert_eq!(place(answer(201, &odd)).await, Placed::Accepted(sid(SID)));
    for body in ["", "<html>", "{}", r#"{"sid":"CA1"}"#, r#"{"sid":null}"#] {
        assert_eq!(place(answer(201, body)).await, Placed::Unknown, "{body}");
    }
    for status in [200, 202, 204, 301, 302, 307, 408, 500, 502, 503, 504] {
        let body = r#"{"code":20429}"#;
        assert_eq!(
            place(answer(status, body)).await,
            Placed::Unknown,
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_whom_it_is_about() {
    let refused = |refusal| Placed::Refused(refusal);
    assert_eq!(
        place(answer(
            400,
            r#"{"code":21211,"message":"m","more_info":"i","status":400}"#
        ))
        .await,
        refused(Refusal::Lead {
            code: 21211,
            reason: "invalid_number"
        })
    );
    assert_eq!(
        place(answer(401, r#"{"code":20003}"#)).await,
        refused(Refusal::Configuration {
            code: 20003,
            reason: "authentication_failed"
        })
    );
    assert_eq!(
        place(answer(403, "<html>")).await,
        refused(Refusal::Configuration {
            code: 403,
            reason: "access_denied"
        })
    );
}

#[tokio::test]
async fn a_request_that_was_not_processed_may_be_made_again() {
    let no_wait = Placed::NotProcessed { retry_after: None };
    assert_eq!(place(answer(429, "")).await, no_wait);
    assert_eq!(place(answer(400, r#"{"code":10004}"#)).await, no_wait);
    assert_eq!(place(Err(TransportError::NotSent)).await, no_wait);
    let mut slow_down = answer(429, r#"{"code":20429}"#).unwrap();
    slow_down
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    let wait = Placed::NotProcessed {
        retry_after: Some(Duration::from_secs(2)),
    };
    assert_eq!(place(Ok(slow_down)).await, wait);
}

#[tokio::test]
async fn silence_is_neither_acceptance_nor_refusal() {
    assert_eq!(place(Err(TransportError::Unknown)).await, Placed::Unknown);
}

#[test]
fn its_futures_can_be_sent_between_threads() {
    fn sendable<F: Send>(future: F) -> F {
        future
    }
    let _ = |twilio: Twilio<HttpTransport>, order: Order, sid: CallSid| async move {
        let _ = sendable(twilio.request_call(&order, None)).await;
        let _ = sendable(twilio.ask(&sid)).await;
        let _ = sendable(twilio.find(&order.from, &order.to, MINUTE)).await;
        let _ = sendable(twilio.end(&sid)).await;
    };
}
