//! What is concluded from each answer, and what is not.

use std::cell::RefCell;

use http::Request;

use super::*;
use crate::settings::{Account, ApiBase, CallEvent, Secret};
use crate::transport::TransportError;
use crate::twilio::Callbacks;

/// Twilio, as a list of answers that are given from the last on. Keeps what it was asked.
struct Script {
    answers: RefCell<Vec<(u16, &'static str)>>,
    asked: RefCell<Vec<String>>,
}

impl Transport for &Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.asked.borrow_mut().push(request.uri().to_string());
        let (status, body) = self
            .answers
            .borrow_mut()
            .pop()
            .ok_or(TransportError::Unknown)?;
        let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        let date = header::HeaderValue::from_static("Thu, 01 Jan 2026 00:00:07 GMT");
        answer.headers_mut().insert(header::DATE, date);
        Ok(answer)
    }
}

fn script(answers: &[(u16, &'static str)]) -> Script {
    Script {
        answers: RefCell::new(answers.iter().rev().copied().collect()),
        asked: RefCell::default(),
    }
}

fn twilio(script: &Script) -> Twilio<&Script> {
    let account = Account {
        sid: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap(),
        user: "SK1".to_owned(),
        secret: Secret::new("hush"),
        api_base: ApiBase::TWILIO.parse().unwrap(),
    };
    let callbacks = Callbacks {
        host: None,
        events: CallEvent::DEFAULT.to_vec(),
    };
    Twilio::new(account, callbacks, script)
}

const NONE_OWNED: (u16, &str) = (200, r#"{"incoming_phone_numbers":[]}"#);

#[track_caller]
fn check(answers: &[(u16, &'static str)], expected: &Inspected<Ownership>) {
    let script = script(answers);
    let number = "+97231234567".parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let inspected = runtime.block_on(twilio(&script).inspect_caller_id(&number));
    assert_eq!(inspected, *expected);
    assert_eq!(script.answers.borrow().len(), 0, "it was not asked for all");
}

#[test]
fn a_number_is_looked_for_among_the_account_s_and_then_among_the_verified() {
    let owned = r#"{"incoming_phone_numbers":[{"phone_number":"+972312345670"},
        {"phone_number":"+97231234567","capabilities":{"voice":true,"sms":false}}]}"#;
    check(&[(200, owned)], &Inspected::Seen(Ownership::Owned));
    let mute = r#"{"incoming_phone_numbers":[{"phone_number":"+97231234567","capabilities":{"voice":false}}]}"#;
    check(&[(200, mute)], &Inspected::Seen(Ownership::WithoutVoice));
    let verified = r#"{"outgoing_caller_ids":[{"phone_number":"+97231234567"}]}"#;
    check(
        &[NONE_OWNED, (200, verified)],
        &Inspected::Seen(Ownership::Verified),
    );
    let longer = r#"{"outgoing_caller_ids":[{"phone_number":"+972312345670"}]}"#;
    check(
        &[NONE_OWNED, (200, longer)],
        &Inspected::Seen(Ownership::NotOurs),
    );
}

#[test]
fn nothing_is_concluded_from_an_answer_that_is_none() {
    check(&[(401, "")], &Inspected::Unauthorized);
    check(&[(503, "")], &Inspected::Unclear(503));
    check(&[(200, "<html>")], &Inspected::Unclear(200));
    check(&[NONE_OWNED, (429, "")], &Inspected::Unclear(429));
    check(&[NONE_OWNED], &Inspected::NoAnswer);
}

#[tokio::test]
async fn an_account_is_seen_with_the_carrier_s_clock() {
    let script = script(&[
        (200, r#"{"status":"suspended","type":"Trial"}"#),
        (200, "{}"),
    ]);
    let seen = twilio(&script).inspect_account().await;
    let expected = AccountSeen {
        status: "suspended".to_owned(),
        is_trial: true,
        answered_at: Some(Timestamp::from_millis(1_767_225_607_000)),
    };
    assert_eq!(seen, Inspected::Seen(expected));
    assert_eq!(twilio(&script).inspect_calls().await, Inspected::Seen(()));
    let root = "https://api.twilio.com/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let asked = [
        format!("{root}.json"),
        format!("{root}/Calls.json?PageSize=1"),
    ];
    assert_eq!(*script.asked.borrow(), asked);
}
