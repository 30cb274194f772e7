//! The limit: what a full business answers, and what happens when the limit changes.

use std::time::Duration;

use http::Method;
use ringfence_local::twilio::{CallTruth, Truth};
use serde_json::json;

use crate::story::{Answer, Office, Setting, Story};

const START: &str = "/api/outbound_calls/start";

#[tokio::test(start_paused = true)]
async fn a_full_business_says_so_and_starts_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 11).await;
    story.start_run(&office, &leads[1..]).await;
    story.wait(1).await;
    let answer = story.start(&office, &leads[..1]).await;
    assert_busy(&answer, 3, 3, 0);
    assert_eq!(
        answer.body["error"],
        "ניתן להוציא עד שלוש שיחות יוצאות במקביל. המתן לסיום שיחה פעילה ונסה שוב."
    );
    let answer = start_in_english(&story, &office, &leads[..1]).await;
    assert_busy(&answer, 3, 3, 0);
    assert_eq!(
        answer.body["error"],
        "Up to 3 outbound calls can be made at once. Wait for a call to end and try again."
    );
    story.wait(400).await;
    assert_eq!(
        story.assert_promise(3).calls.len(),
        10,
        "the refused lead is never called"
    );
}

#[tokio::test(start_paused = true)]
async fn where_some_slots_are_free_their_number_is_told_and_none_is_taken() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 10).await;
    let body = json!({ "lead_ids": leads[3..], "concurrency": 2 });
    story.post(&office, START, body).await.of_status(201);
    story.wait(1).await;
    let answer = story.start(&office, &leads[..2]).await;
    assert_busy(&answer, 2, 3, 1);
    assert_eq!(
        answer.body["error"],
        "ניתן להתחיל רק 1 שיחות יוצאות נוספות."
    );
    let answer = start_in_english(&story, &office, &leads[..3]).await;
    assert_busy(&answer, 2, 3, 1);
    assert_eq!(
        answer.body["error"],
        "Only 1 more outbound calls can be started."
    );
    assert_eq!(story.active(&office).await, 2);
    // As many as are free can start.
    story.start(&office, &leads[..1]).await.of_status(200);
    story.wait(300).await;
    assert_eq!(story.assert_promise(3).calls.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn who_would_rather_wait_gets_a_run_and_is_called() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 12).await;
    story.start_run(&office, &leads[2..]).await;
    story.wait(1).await;
    let body = json!({ "lead_ids": leads[..2], "when_full": "queue" });
    let answer = story.post(&office, START, body).await.of_status(201);
    assert_eq!(
        (&answer["mode"], &answer["queued"]),
        (&json!("bulk_queue"), &json!(2))
    );
    let run = answer["run_id"].as_u64().unwrap();
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&json!("completed"), &json!(2))
    );
    story.wait(200).await;
    assert_eq!(story.assert_promise(3).calls.len(), 12);
    // Where slots are free, the same wish starts calls at once.
    let body = json!({ "lead_ids": leads[..2], "when_full": "queue" });
    let answer = story.post(&office, START, body).await.of_status(200);
    assert_eq!(answer["calls"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_raised_limit_is_used_at_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let leads = story.import(&office, 20).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    assert_eq!(story.active(&office).await, 2);
    story.set_limit(&office, 7).await;
    story.wait(1).await;
    assert_eq!(story.active(&office).await, 7);
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(end["completed"], 20);
    let truth = story.assert_promise(7);
    assert_eq!(truth.peak_live_by_business()[office.id.as_str()], 7);
}

#[tokio::test(start_paused = true)]
async fn a_lowered_limit_drains_and_cuts_no_call() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(6).await;
    let leads = story.import(&office, 17).await;
    let run = story.start_run(&office, &leads[1..]).await;
    story.wait(10).await;
    assert_eq!(story.active(&office).await, 6);
    story.set_limit(&office, 2).await;
    let before = story.truth().calls.len();
    story.wait(15).await;
    assert_eq!(story.active(&office).await, 6, "no call is cut");
    let answer = story.start(&office, &leads[..1]).await;
    assert_busy(&answer, 6, 2, 0);
    assert_eq!(
        answer.body["error"],
        "ניתן להוציא עד שתי שיחות יוצאות במקביל. המתן לסיום שיחה פעילה ונסה שוב."
    );
    let end = story.end_of(&office, run, Duration::from_secs(400)).await;
    assert_eq!(end["completed"], 16);
    let truth = story.assert_promise(6);
    assert_eq!((before, truth.calls.len()), (6, 16));
    for call in &truth.calls {
        assert_eq!(
            call.lifetime(),
            call.planned,
            "every call lasts as long as it would"
        );
    }
    for call in &truth.calls[before..] {
        assert!(live_at(&truth, call.accepted.tick) <= 2, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_keeps_to_its_own_concurrency_and_all_runs_to_the_limit() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 18).await;
    let mut runs = Vec::new();
    for (leads, concurrency) in [(&leads[..4], 1), (&leads[4..], 3)] {
        let body = json!({ "lead_ids": leads, "concurrency": concurrency });
        let answer = story
            .post(&office, "/api/outbound/bulk-enqueue", body)
            .await
            .of_status(201);
        runs.push(answer["run_id"].as_u64().unwrap());
    }
    assert_eq!(story.run(&office, runs[0]).await["concurrency"], 1);
    for run in &runs {
        let end = story.end_of(&office, *run, Duration::from_secs(400)).await;
        assert_eq!(end["status"], "completed");
    }
    let truth = story.assert_promise(3);
    let peaks = truth.peak_live(|call| call.tag.run.clone().unwrap());
    assert_eq!(peaks[&runs[0].to_string()], 1);
    assert_eq!(peaks[&runs[1].to_string()], 3, "once the other is over");
    assert_eq!(truth.calls.len(), 18);
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_outside_of_one_and_the_limit_is_refused() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 4).await;
    for path in [START, "/api/outbound/bulk-enqueue"] {
        for concurrency in [0, 4, 100_000] {
            let body = json!({ "lead_ids": leads, "concurrency": concurrency });
            let answer = story.post(&office, path, body).await;
            let field = answer.assert_refused(400, "bad_concurrency");
            assert_eq!(field, Some("concurrency"), "{path} {concurrency}");
        }
    }
    let beyond = json!({ "lead_ids": leads[..1], "concurrency": 4 });
    let answer = story.post(&office, START, beyond).await;
    answer.assert_refused(400, "bad_concurrency");
    story.wait(60).await;
    assert_eq!(story.truth().creates.len(), 0);
    assert_eq!(story.run_count(&office).await, 0);
    for (lead, concurrency) in leads.iter().zip([1, 3]) {
        let body = json!({ "lead_ids": [lead], "concurrency": concurrency });
        story.post(&office, START, body).await.of_status(200);
    }
    assert_eq!(story.truth().creates.len(), 2);
}

#[track_caller]
fn assert_busy(answer: &Answer, active: u32, limit: u32, available: u32) {
    answer.assert_refused(429, "slots_busy");
    assert_eq!(answer.body["active"], active, "{}", answer.text);
    assert_eq!(answer.body["limit"], limit, "{}", answer.text);
    assert_eq!(answer.body["available"], available, "{}", answer.text);
}

async fn start_in_english(story: &Story, office: &Office, leads: &[u64]) -> Answer {
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept-language", "en"),
    ];
    let body = json!({ "lead_ids": leads }).to_string();
    story.send_with(Method::POST, START, &headers, body).await
}

/// How many calls were live right after `tick`.
fn live_at(truth: &Truth, tick: u64) -> usize {
    let is_live = |call: &&CallTruth| {
        call.accepted.tick <= tick && call.ended.is_none_or(|ended| ended.tick > tick)
    };
    truth.calls.iter().filter(is_live).count()
}
