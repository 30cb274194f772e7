//! The simulated Twilio in a process of its own, as a client and its judge see it.

#[path = "support/process.rs"]
mod process;

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use http::StatusCode;
use process::{Running, ringfence};
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token-of-this-test";
const FROM: &str = "+97231234567";
const TO: &str = "+12125550100";

fn twilio() -> Running {
    Running::start(
        &["twilio", "--port", "0", "--speed", "60", "--seed", "3"],
        &[
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
        ],
    )
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("it needs nothing")
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.expect("it answers");
    answer.json().await.expect("it answers JSON")
}

/// A callback as it arrived: the path with its query, the signature, and the form.
type Told = (String, String, Vec<(String, String)>);

async fn hear(State(told): State<UnboundedSender<Told>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 65_536)
        .await
        .expect("it is small");
    let signature = parts.headers["x-twilio-signature"].to_str();
    let told_now = (
        parts.uri.to_string(),
        signature.expect("it is plain").to_owned(),
        form_urlencoded::parse(&body).into_owned().collect(),
    );
    _ = told.send(told_now);
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn a_client_hears_of_its_call_and_a_judge_reads_the_same() {
    let (told, mut heard) = unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let own = format!("http://{}", listener.local_addr().expect("it is open"));
    let router = Router::new().fallback(hear).with_state(told);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let twilio = twilio();
    assert_eq!(twilio.text("account_sid"), ACCOUNT);
    let (http, origin) = (client(), twilio.text("listening"));
    let path = "/told?b=acme&c=call-1&l=7&r=2&i=5";
    let form = [
        ("From", FROM),
        ("To", TO),
        ("Twiml", "<Response><Say>hey</Say></Response>"),
        ("StatusCallback", &format!("{own}{path}")),
    ];
    let calls = format!("{origin}/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    let create = http.post(&calls).form(&form);
    let refused = json_of(
        create
            .try_clone()
            .expect("it is short")
            .basic_auth(ACCOUNT, Some("x")),
    );
    assert_eq!(refused.await["code"], 20003);
    let made = json_of(create.basic_auth(ACCOUNT, Some(TOKEN))).await;
    assert_eq!(made["status"], "queued", "{made}");

    let (uri, signature, form) = heard.recv().await.expect("it is told");
    assert_eq!(uri, path);
    let url = format!("{own}{path}");
    assert_eq!(signature, signature::sign(&Secret::new(TOKEN), &url, &form));
    assert!(form.contains(&(
        "CallSid".to_owned(),
        made["sid"].as_str().unwrap().to_owned()
    )));

    let truth = json_of(http.get(twilio.text("truth"))).await;
    let call = &truth["calls"][0];
    assert_eq!(call["sid"], made["sid"]);
    assert_eq!((&call["from"], &call["to"]), (&json!(FROM), &json!(TO)));
    let tag = ["business_id", "call_id", "lead_id", "run_id", "position"].map(|it| &call[it]);
    assert_eq!(tag, ["acme", "call-1", "7", "2", "5"]);
    assert!(call["accepted"]["tick"].as_u64() < call["ended"]["tick"].as_u64());
    assert!(call["accepted"]["at_ms"].as_u64() <= call["ended"]["at_ms"].as_u64());
    assert_eq!(truth["live"], 0);
    assert_eq!(truth["peak_live"]["by_caller_id"][FROM], 1);
    assert_eq!(truth["peak_live"]["by_business"]["acme"], 1);
    let verdicts = [0, 1].map(|nth| &truth["creates"][nth]["verdict"]);
    assert_eq!(verdicts, ["refused", "made"]);
}

#[tokio::test]
async fn it_outlives_a_stack_that_is_killed_and_its_calls_end_without_it() {
    let twilio = twilio();
    let api_base = twilio.text("listening");
    let stack = Running::start(
        &["serve", "--port", "0"],
        &[
            ("TWILIO_API_BASE", &api_base),
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
        ],
    );
    let (http, origin, key) = (client(), stack.text("listening"), stack.text("api_key"));
    let post = |path: &str, body: Value| {
        let request = http.post(format!("{origin}{path}")).bearer_auth(&key);
        json_of(request.json(&body))
    };
    let rows = json!({ "rows": [{ "phone": TO, "name": "Dana" }] });
    let imported = post("/api/outbound/import-leads", rows).await;
    assert_eq!(imported["imported_count"], 1, "{imported}");
    let started = post("/api/outbound_calls/start", json!({ "lead_ids": [1] })).await;
    assert_eq!(started["success"], true, "{started}");
    drop(stack);

    let began = Instant::now();
    loop {
        let truth = json_of(http.get(twilio.text("truth"))).await;
        let call = &truth["calls"][0];
        assert_eq!(call["call_id"], started["calls"][0]["call_id"], "{truth}");
        if truth["live"] == 0 {
            assert!(
                call["run_id"].is_null() && call["ended"].is_object(),
                "{truth}"
            );
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it ends: {truth}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn a_twilio_without_an_account_is_refused_with_every_variable_named() {
    let output = ringfence(&["twilio", "--port", "0"], &[]).output();
    let output = output.expect("the binary runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("TWILIO_ACCOUNT_SID") && said.contains("TWILIO_AUTH_TOKEN"),
        "{said}"
    );
}
