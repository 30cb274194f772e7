//! The binary itself, as a user runs it: real processes, real sockets, real time.

#[path = "support/process.rs"]
mod process;

use std::path::Path;
use std::time::{Duration, Instant};

use process::{Running, ringfence};
use serde_json::{Value, json};

fn serve(data: &Path) -> Running {
    let data = data.to_str().expect("the directory's name is plain");
    let arguments = [
        "serve",
        "--port",
        "0",
        "--data",
        data,
        "--speed",
        "60",
        "--sweep-seconds",
        "1",
        "--settle-seconds",
        "6",
    ];
    Running::start(&arguments, &[])
}

/// Speaks with the API as somebody with this key.
struct Client {
    http: reqwest::Client,
    key: String,
}

impl Client {
    async fn get(&self, origin: &str, path: &str) -> Value {
        let request = self
            .http
            .get(format!("{origin}{path}"))
            .bearer_auth(&self.key);
        request
            .send()
            .await
            .expect("it answers")
            .json()
            .await
            .expect("it answers JSON")
    }

    async fn post(&self, origin: &str, path: &str, body: &Value) -> Value {
        let request = self
            .http
            .post(format!("{origin}{path}"))
            .bearer_auth(&self.key)
            .json(body);
        request
            .send()
            .await
            .expect("it answers")
            .json()
            .await
            .expect("it answers JSON")
    }
}

#[tokio::test]
async fn a_stack_killed_in_the_middle_of_a_run_goes_on_with_it() {
    let data = tempfile::tempdir().expect("a directory can be made");
    let served = serve(data.path());
    let client = Client {
        http: reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("it needs nothing"),
        key: served.text("api_key"),
    };
    assert!(served.text("system_admin_key").starts_with("rf_"));
    let business = served.text("business_id");
    let origin = served.text("listening");
    let rows: Vec<Value> = (100..108)
        .map(|n| json!({ "phone": format!("+1212555{n:04}"), "name": "Dana" }))
        .collect();
    let imported = client
        .post(
            &origin,
            "/api/outbound/import-leads",
            &json!({ "rows": rows }),
        )
        .await;
    assert_eq!(imported["imported_count"], 8, "{imported}");
    let started = client
        .post(
            &origin,
            "/api/outbound_calls/start",
            &json!({ "list_id": 1 }),
        )
        .await;
    assert_eq!(started["run_id"], 1, "{started}");
    tokio::time::sleep(Duration::from_millis(700)).await;
    drop(served);

    let served = serve(data.path());
    assert_eq!(served.first_line["api_key"], Value::Null);
    assert_eq!(served.first_line["system_admin_key"], Value::Null);
    assert_eq!(served.first_line["business_id"], business.as_str());
    let origin = served.text("listening");
    let began = Instant::now();
    loop {
        let run = client.get(&origin, "/api/outbound/runs/1").await;
        let count = |name: &str| run[name].as_u64().expect("a count");
        assert!(count("in_progress") <= 3, "{run}");
        if run["status"] == "completed" {
            assert_eq!(count("completed") + count("failed"), 8, "{run}");
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the run ends: {run}"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[test]
fn a_settle_time_that_cannot_keep_the_fence_is_refused() {
    let output = ringfence(&["serve", "--port", "0", "--settle-seconds", "5"], &[]).output();
    let output = output.expect("the binary runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("--settle-seconds") && said.contains("at least 6"),
        "{said}"
    );
}

#[test]
fn an_outside_twilio_without_its_account_is_refused_with_every_variable_named() {
    let mut command = ringfence(&["serve", "--port", "0"], &[]);
    let output = command
        .env("TWILIO_API_BASE", "http://127.0.0.1:9")
        .output();
    let output = output.expect("the binary runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("TWILIO_ACCOUNT_SID") && said.contains("TWILIO_AUTH_TOKEN"),
        "{said}"
    );
}

#[test]
fn the_demo_ends_with_its_audit_as_one_json_object() {
    let output = ringfence(
        &["demo", "--json", "--speed", "600", "--businesses", "2"],
        &[],
    )
    .output();
    let output = output.expect("the binary runs");
    let said = String::from_utf8(output.stdout).expect("it is text");
    let audit: Value = serde_json::from_str(said.lines().last().expect("it says something"))
        .expect("its last line is JSON");
    assert!(output.status.success(), "{audit}");
    let expected = [
        ("leads", 200),
        ("canceled", 0),
        ("limit", 3),
        ("peak_live", 3),
        ("lost_leads", 0),
        ("duplicate_dials", 0),
    ];
    for (field, value) in expected {
        assert_eq!(audit[field], value, "{field} in {audit}");
    }
    for field in [
        "calls_placed",
        "completed",
        "failed",
        "makespan_s",
        "ideal_s",
        "sqs_requests_per_call",
    ] {
        assert!(audit[field].is_number(), "{field} in {audit}");
    }
    for field in [
        "wcu_per_call",
        "rcu_per_call",
        "requests_per_call",
        "failed_conditions",
    ] {
        assert!(audit["dynamodb"][field].is_number(), "{field} in {audit}");
    }
    assert!(audit["turnaround_ms"]["p50"].is_number() && audit["turnaround_ms"]["p99"].is_number());
}
