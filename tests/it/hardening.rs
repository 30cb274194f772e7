//! Doors that stay as they are: whatever headers claim, and when nobody can look who it is.

use http::{Method, StatusCode};
use ringfence_carrier::signature::{HEADER, sign};
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;
use serde_json::Value;

use crate::story::{Office, Setting, Story};

/// What load balancers, proxies and gateways set, as somebody at the other end may send it.
fn claims(business: &str) -> Vec<(&'static str, String)> {
    let said = |value: &str| value.to_owned();
    vec![
        ("cookie", said("role=system_admin")),
        (
            "forwarded",
            said("for=127.0.0.1;host=other.example;proto=https"),
        ),
        ("host", said("other.example")),
        ("role", said("system_admin")),
        ("x-amzn-request-context", said("{\"authorizer\":{}}")),
        ("x-business-id", business.to_owned()),
        ("x-forwarded-for", said("127.0.0.1")),
        ("x-forwarded-host", said("other.example")),
        ("x-forwarded-proto", said("https")),
        ("x-http-method-override", said("DELETE")),
        ("x-original-url", said("/api/businesses")),
        ("x-real-ip", said("127.0.0.1")),
        ("x-user-id", business.to_owned()),
    ]
}

/// Sends a request twice, the second time with claims, and checks that they change nothing.
async fn check(story: &Story, own: &[(&str, &str)], claims: &[(&str, &str)], path: &str) -> u16 {
    let plain = story.send_with(Method::GET, path, own, "").await;
    let headers = [own, claims].concat();
    let claimed = story.send_with(Method::GET, path, &headers, "").await;
    assert_eq!(
        (claimed.status, claimed.body),
        (plain.status, plain.body),
        "{path}"
    );
    claimed.status.as_u16()
}

#[tokio::test(start_paused = true)]
async fn headers_that_intermediaries_set_change_nothing() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(7).await);
    let (leads, _) = story.import_numbers(&office, 1).await;
    let agent = Office {
        key: story.key_for(&office, "agent").await,
        ..office.clone()
    };
    let claims = claims(other.id.as_str());
    let claims: Vec<(&str, &str)> = claims.iter().map(|(k, v)| (*k, v.as_str())).collect();
    for (office, path, status) in [
        (None, "/api/outbound_calls/counts", 401),
        (Some(&agent), "/api/business", 403),
        (Some(&agent), "/api/outbound_calls/counts", 200),
        (Some(&office), "/api/business", 200),
    ] {
        let bearer = office.map(|office| format!("Bearer {}", office.key));
        let own: Vec<_> = bearer
            .iter()
            .map(|it| ("authorization", it.as_str()))
            .collect();
        assert_eq!(check(&story, &own, &claims, path).await, status, "{path}");
    }

    // A report counts by the address that Twilio was told, not by the one that it claims.
    story.start(&office, &leads).await.of_status(200);
    let truth = story.truth();
    let told = &truth.creates[0].parameters;
    let (_, url) = told
        .iter()
        .find(|(name, _)| name == "StatusCallback")
        .expect("reports are asked for");
    let (url, _) = url.split_once('#').expect("with retries");
    let telephony = &story.stack.plan.telephony;
    let form = [
        ("AccountSid", telephony.account.sid.as_str()),
        ("CallSid", truth.calls[0].sid.as_str()),
        ("CallStatus", "completed"),
    ];
    let body = form
        .map(|(name, value)| format!("{name}={value}"))
        .join("&");
    let elsewhere = url.replace("ringfence.example", "other.example");
    for (signed, status) in [
        (elsewhere.as_str(), StatusCode::FORBIDDEN),
        (url, StatusCode::NO_CONTENT),
    ] {
        let signature = sign(&telephony.signing_tokens[0], signed, &form);
        let mut headers = claims.clone();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        headers.push((HEADER, &signature));
        let answer = story
            .send_with(Method::POST, url, &headers, body.clone())
            .await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    story.wait(2).await;
    assert_eq!(story.active(&office).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_door_that_cannot_look_stays_shut() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    // Nothing remembers any more who this is.
    story.wait(61).await;
    let faults = story.stack.plan.dynamo.faults();
    faults.plan(StoreFault {
        operation: Some("GetItem"),
        kind: FaultKind::Unavailable(Side::Before),
        when: When::Share(1.0),
    });
    for path in ["/api/outbound_calls/start", "/api/outbound/bulk-enqueue"] {
        let body = serde_json::json!({ "lead_ids": leads });
        let answer = story.post(&office, path, body).await;
        answer.assert_refused(500, "internal");
    }
    for path in ["/api/business", "/api/outbound_calls/counts"] {
        let answer = story.get(&office, path).await;
        answer.assert_refused(500, "internal");
        assert_eq!(answer.body["name"], Value::Null);
    }
    story.stack.plan.dynamo.faults().reset(0);
    story.wait(60).await;
    assert_eq!(story.truth().creates.len(), 0, "nobody was called");
    story.get(&office, "/api/business").await.of_status(200);
}
