//! Logs: what they never contain, however much is written down.

mod files;

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use http::{Method, StatusCode};
use ringfence_core::phone::PhoneNumber;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;
use ringfence_local::twilio::{Delivery, Ending, Fate, Script, Silence};
use ringfence_shell::secrets::ApiKey;
use serde_json::{Value, json};

use crate::listening::{FILTER, listen};
use crate::story::{Office, Setting, Story};
use crate::tokens;

/// Lets the carrier's callbacks through, and keeps their signatures and bodies.
fn overhear(story: &Story) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (gateway, kept) = (story.stack.gateway.clone(), heard.clone());
    story
        .twilio
        .deliver_by(Delivery::in_process(move |request| {
            let signature = request.headers()["x-twilio-signature"]
                .to_str()
                .expect("it is ASCII");
            let body = String::from_utf8(request.body().to_vec()).expect("it is UTF-8");
            kept.lock()
                .expect("nobody panicked")
                .extend([signature.to_owned(), body]);
            let gateway = gateway.clone();
            async move { Ok(gateway.answer(request).await) }.boxed()
        }));
    heard
}

/// A story in which everything happens of which somebody might log too much.
async fn live_through(story: &Story, office: &Office, agent: &Office) {
    let file = json!({
        "rows": [
            ["שם", "טלפון", "הערות", "city"],
            ["Secretname A", "055-5000001", "Secretnote", "Secretcity"],
            ["Secretname B", "0555000002", "", ""],
            ["Secretname C", "+972555000003", "", ""],
            ["Secretname D", "972555000004", "", ""],
            ["Secretname E", "0555000005", "", ""],
            ["Secretname F", "0555000006", "", ""],
            ["Secretname G", "0555000007", "", ""],
            ["Secretname H", "05550000089", "", ""],
            ["Secretname J", "0555000010", "", ""],
        ],
        "list_name": "Secretlist",
    });
    let path = "/api/outbound/import-leads";
    story.post(office, path, file.clone()).await.of_status(200);
    story.post(office, path, file).await.of_status(200);
    story
        .get(office, &format!("{path}?search=0555000001"))
        .await
        .of_status(200);

    ask_about_people(story, office, agent).await;
    let number = |number| crate::story::phone(number).parse().expect("a number");
    let numbers: Vec<PhoneNumber> = (1..=7).map(number).collect();
    let ends = |ending| Script {
        ending: Some(ending),
        ..Script::default()
    };
    story.twilio.script(numbers[0].clone(), ends(Ending::Busy));
    story.twilio.refuse(numbers[1].clone(), 21_211);
    for (number, fate) in [
        (
            2,
            Fate::TooMany {
                retry_after_seconds: Some(1),
            },
        ),
        (3, Fate::MadeUnknown(Silence::Garbled)),
        (4, Fate::UnmadeUnknown(Silence::Reset)),
    ] {
        story
            .twilio
            .script(numbers[number].clone(), Script::fated(fate));
    }
    let direct = story.start(agent, &[1, 2, 3]).await;
    assert_eq!(direct.status, StatusCode::OK, "{}", direct.text);
    story.wait(60).await;
    let run = story.start_run(agent, &[1, 2, 4, 5, 6, 7]).await;
    story.wait(20).await;
    let stop = json!({ "run_id": run, "hang_up": true });
    story
        .post(agent, "/api/outbound/stop-queue", stop)
        .await
        .of_status(200);
    story.wait(600).await;
    story
        .post(office, "/api/outbound/cleanup-stuck-jobs", Value::Null)
        .await
        .of_status(200);
}

/// What is asked and told with names and numbers, besides calls.
async fn ask_about_people(story: &Story, office: &Office, agent: &Office) {
    let path = "/api/outbound/import-leads";
    let rows = json!([["Secretname J", "055-50000089"], ["Secretname K", "\u{0}"]]);
    let told = story
        .post(office, &format!("{path}?errors=csv"), rows)
        .await;
    assert!(told.text.contains("055-50000089"), "{}", told.text);
    for (who, path) in [
        (office, "/api/outbound/import-leads?search=Secretname"),
        (office, "/api/outbound/do-not-call?phone=%2B972555000008"),
        (office, "/api/outbound/do-not-call?phone=055-5000008x"),
        (office, "/api/outbound/leads/1/calls?cursor=0555000008"),
        (agent, "/api/outbound/runs?status=0555000008"),
        (agent, "/api/outbound/recent-calls?cursor=Secretcursor"),
        (agent, "/0555000008/Secretpath"),
    ] {
        story.get(who, path).await;
    }
    for (path, body) in [
        (
            "/api/outbound/do-not-call",
            json!({ "phones": ["0555000008", "055-50000089"], "reason": "Secretreason" }),
        ),
        (
            "/api/outbound_calls/start",
            json!({ "lead_ids": ["0555000008"] }),
        ),
        (
            "/api/outbound/uploads",
            json!({ "bytes": "Secretbytes", "list_name": "Secretlist" }),
        ),
    ] {
        story.post(office, path, body).await;
    }
    let erased = story
        .post(office, "/api/outbound/leads/8/erase", Value::Null)
        .await;
    erased.of_status(200);
}

/// What is turned away, and what fails.
async fn fail_often(story: &Story, office: &Office, agent: &Office) {
    let path = "/api/outbound/import-leads";
    for header in [
        format!("Bearer {}0", office.key),
        format!("Bearer {}", wrong_key(office)),
    ] {
        let headers = [("authorization", header.as_str())];
        let answer = story
            .send_with(Method::GET, "/api/business", &headers, "")
            .await;
        answer.assert_refused(401, "unauthorized");
    }
    let forged = [("x-twilio-signature", "Zm9yZ2VkLXNpZ25hdHVyZQ==")];
    let body = "AccountSid=AC1&To=%2B972555000001&From=%2B97231100001";
    let answer = story
        .send_with(Method::POST, "/webhook/call_status?c=1", &forged, body)
        .await;
    answer.assert_refused(403, "bad_signature");

    for operation in [
        "UpdateItem",
        "PutItem",
        "TransactWriteItems",
        "BatchWriteItem",
        "Query",
    ] {
        let kind = FaultKind::Unavailable(Side::Before);
        let (operation, when) = (Some(operation), When::Share(1.0));
        story.stack.plan.dynamo.faults().plan(StoreFault {
            operation,
            kind,
            when,
        });
    }
    let rows = json!([["Secretname I", "0555000009"]]);
    story
        .post(office, path, rows)
        .await
        .assert_refused(500, "internal");
    story
        .start(agent, &[7])
        .await
        .assert_refused(500, "internal");
    story.stack.plan.dynamo.faults().reset(0);
    story.twilio.fail_configuration(Some(20_003));
    assert_eq!(
        story.start(agent, &[7]).await.status,
        StatusCode::BAD_GATEWAY
    );
}

/// A key with the right id and another secret.
fn wrong_key(office: &Office) -> String {
    let id = ApiKey::parse(&office.key).expect("it is a key").key_id;
    format!("rf_{id}_{}", "ab".repeat(32))
}

fn secret_of(key: &str) -> String {
    key.rsplit('_').next().expect("it has parts").to_owned()
}

/// The numbers of so many leads. Without its first digits a number would still be a whole one
/// to a neighbour.
fn phones_of(leads: RangeInclusive<u32>) -> impl Iterator<Item = String> {
    leads.map(|number| crate::story::phone(number)[4..].to_owned())
}

/// Checks that no line holds any of these.
#[track_caller]
fn assert_hidden(log: &str, secrets: &[String]) {
    let lines: Vec<&str> = log.lines().collect();
    for secret in secrets {
        let found = lines.iter().find(|line| line.contains(secret));
        assert_eq!(found, None, "the log holds {secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn logs_hold_no_number_no_name_and_no_secret() {
    let (notes, _guard) = listen(FILTER);
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let agent = Office {
        key: story.key_for(&office, "agent").await,
        ..office.clone()
    };
    let heard = overhear(&story);
    live_through(&story, &office, &agent).await;
    fail_often(&story, &office, &agent).await;

    let mut secrets = heard.lock().expect("nobody panicked").clone();
    assert!(secrets.len() > 6, "callbacks were heard");
    secrets.extend([&office.key, &agent.key, &story.system_key].map(|key| secret_of(key)));
    secrets.push(secret_of(&wrong_key(&office)));
    secrets.push(
        story.stack.plan.telephony.signing_tokens[0]
            .expose()
            .to_owned(),
    );
    secrets.push("Zm9yZ2VkLXNpZ25hdHVyZQ==".to_owned());
    secrets.extend(phones_of(1..=9));
    secrets.extend(["31100001", "Secret", "055-5000001"].map(str::to_owned));

    let log = notes.text();
    for expected in [
        "placed call",
        "carrier refused call",
        "turned away a wrong secret",
        "turned a callback away",
        "failed to answer a request",
        "reported",
    ] {
        assert!(log.contains(expected), "the log tells that it {expected}");
    }
    assert_hidden(&log, &secrets);
}

#[tokio::test(start_paused = true)]
async fn logs_hold_no_token_and_no_subject_even_when_a_door_panics() {
    let (notes, _guard) = listen(FILTER);
    let (story, office, issuer) = tokens::scene().await;
    let mut claims = tokens::claims(&story, &office);
    claims["sub"] = json!("secretsubject@example.com");
    let good = issuer.token(&claims);
    let mut late = claims.clone();
    late["exp"] = json!(1);
    let late = issuer.token(&late);
    let unsigned = issuer.sign(&json!({ "alg": "none", "kid": "e1" }), &claims);
    let foreign = issuer.sign(&json!({ "alg": "ES256", "kid": "r1" }), &claims);
    let path = "/api/outbound_calls/counts";
    for (token, status) in [
        (&good, 200),
        (&late, 401),
        (&unsigned, 401),
        (&foreign, 401),
    ] {
        let answer = story.send(token, Method::GET, path, Value::Null).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    // The way to the issuer panics at an address that it does not know.
    let astray =
        json!({ "issuer": "https://login.example/tenant/", "jwks_uri": "https://astray.example/" });
    *issuer.configuration.lock().expect("nobody panicked") = astray;
    story.wait(2 * 60 * 60).await;
    let fresh = issuer.token(&{
        let mut claims = claims.clone();
        claims["exp"] = json!(4_000_000_000_u64);
        claims
    });
    let answer = story.send(&fresh, Method::GET, path, Value::Null).await;
    answer.assert_refused(500, "internal");

    let log = notes.text();
    for expected in ["turned away a token", "a handler panicked"] {
        assert!(log.contains(expected), "the log tells that it {expected}");
    }
    for token in [&good, &late, &unsigned, &foreign, &fresh] {
        for part in token.split('.').filter(|part| part.len() > 8) {
            // What all headers begin with is no secret.
            let part = &part[part.len() / 2..];
            let found = log.lines().find(|line| line.contains(part));
            assert_eq!(found, None, "the log holds {part} of {token}");
        }
    }
    assert!(!log.contains("secretsubject"), "the log holds the subject");
}
