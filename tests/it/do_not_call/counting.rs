//! How long a start counts whom it will not call: the run is started, and its answer waits.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use ringfence_local::aws::trap::{CrashPoint, Side};
use ringfence_local::environment::Environment;
use ringfence_local::event::{lambda_request, payload};
use ringfence_shell::metrics::EmbeddedMetrics;
use serde_json::{Value, json};

use super::add;
use crate::story::{Office, Setting, Story};

/// Starts a run as a process whose store falls silent at its `nth` request. The answer, if
/// one comes before API Gateway gives up.
async fn start_in_silence(
    story: &Story,
    office: &Office,
    leads: &[u64],
    nth: u32,
) -> Option<(StatusCode, Value)> {
    let process = Environment::start(&story.stack.plan);
    let side = Side::Before;
    process.trap.arm(CrashPoint { nth, side });
    let path = "/api/outbound/bulk-enqueue";
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("content-type", "application/json")
        .body(Bytes::from(json!({ "lead_ids": leads }).to_string()))
        .expect("the story is well-formed");
    let now = (story.stack.plan.clock)();
    let context = json!({ "role": "agent", "key_id": "k", "business": office.id.as_str() });
    let payload = payload(&request, &format!("POST {path}"), context.as_object(), now);
    let event = lambda_request(&payload.expect("the story is well-formed"));
    let event = event.expect("the story is well-formed");
    let world = &process.world;
    let answer = start::handle(world, world.public_host, &EmbeddedMetrics::SILENT, event);
    let answer = tokio::time::timeout(Duration::from_secs(29), answer).await;
    let answer = answer.ok()?;
    let body = serde_json::from_slice(answer.body()).expect("an answer is JSON");
    Some((answer.status(), body))
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_count_takes_too_long_is_answered_without_it() {
    let (mut uncounted, mut is_counted) = (0, false);
    for nth in 1..50 {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let (leads, numbers) = story.import_numbers(&office, 6).await;
        add(&story, &office, &[numbers[1].expose()]).await;
        let Some((status, body)) = start_in_silence(&story, &office, &leads, nth).await else {
            assert_eq!(uncounted, 0, "what is started is answered");
            continue;
        };
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(body["queued"], 6);
        if body.get("do_not_call").is_some() {
            assert_eq!(body["do_not_call"], 1);
            is_counted = true;
            break;
        }
        uncounted += 1;
    }
    assert!(uncounted > 2 && is_counted, "{uncounted}");
}
