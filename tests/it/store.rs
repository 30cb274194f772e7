//! A store that fails: a write whose answer was lost is known again, and one that was not
//! applied is tried again; nobody is called twice, and no claim is lost.

use std::time::Duration;

use http::StatusCode;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;
use serde_json::json;

use crate::story::{Setting, Story};

fn fail(story: &Story, operation: Option<&'static str>, kind: FaultKind, when: When) {
    story.stack.plan.dynamo.faults().plan(StoreFault {
        operation,
        kind,
        when,
    });
}

const ANSWER_LOST: FaultKind = FaultKind::Unavailable(Side::After);

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_was_lost_is_placed_once_and_at_once() {
    for lost in 1..=6 {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 6).await;
        fail(&story, Some("UpdateItem"), ANSWER_LOST, When::Next(lost));
        let run = story.start_run(&office, &leads).await;
        story.wait(4).await;
        assert_eq!(story.stack.plan.dynamo.faults().struck(), u64::from(lost));
        assert_eq!(story.truth().creates.len(), 3, "with {lost} answers lost");
        assert_eq!(story.active(&office).await, 3);
        let end = story.end_of(&office, run, Duration::from_secs(90)).await;
        assert_eq!(end["completed"], 6, "with {lost} answers lost: {end}");
        assert_eq!(story.assert_promise(3).creates.len(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_answer_was_lost_frees_one_slot_for_one_lead() {
    for lost in 1..=6 {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 9).await;
        let run = story.start_run(&office, &leads).await;
        story.wait(20).await;
        fail(&story, Some("UpdateItem"), ANSWER_LOST, When::Next(lost));
        story.wait(14).await;
        assert_eq!(story.truth().creates.len(), 6, "with {lost} answers lost");
        let end = story.end_of(&office, run, Duration::from_secs(90)).await;
        assert_eq!(end["completed"], 9, "with {lost} answers lost: {end}");
        assert_eq!(story.assert_promise(3).creates.len(), 9);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_answer_was_lost_is_one_run() {
    for lost in 1..=3 {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 5).await;
        fail(
            &story,
            Some("TransactWriteItems"),
            ANSWER_LOST,
            When::Next(lost),
        );
        let answer = story.start(&office, &leads).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        assert_eq!(story.stack.plan.dynamo.faults().struck(), u64::from(lost));
        let runs = story
            .get(&office, "/api/outbound/runs")
            .await
            .of_status(200);
        assert_eq!(runs["items"].as_array().unwrap().len(), 1, "{runs}");
        let run = answer.body["run_id"].as_u64().unwrap();
        let end = story.end_of(&office, run, Duration::from_secs(90)).await;
        assert_eq!(end["completed"], 5, "{end}");
        assert_eq!(story.assert_promise(3).creates.len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_direct_start_whose_answer_was_lost_calls_everybody_once() {
    for (lost, operation) in
        (1..=3).flat_map(|lost| [(lost, "UpdateItem"), (lost, "TransactWriteItems")])
    {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 3).await;
        fail(&story, Some(operation), ANSWER_LOST, When::Next(lost));
        let body = json!({ "lead_ids": leads });
        let path = "/api/outbound_calls/start";
        // With a key the leases are part of a transaction, without one of an update.
        let answer = match operation {
            "UpdateItem" => story.post(&office, path, body).await,
            _ => story.post_keyed(&office, path, "once", &body).await,
        };
        let calls = answer.of_status(200)["calls"].clone();
        assert!(
            calls
                .as_array()
                .unwrap()
                .iter()
                .all(|call| call["status"] == "initiated"),
            "{calls}"
        );
        assert_eq!(story.active(&office).await, 3);
        assert_eq!(story.stack.plan.dynamo.faults().struck(), u64::from(lost));
        story.wait(60).await;
        assert_eq!(story.active(&office).await, 0);
        assert_eq!(story.assert_promise(3).creates.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_whose_answer_was_lost_is_one_stop() {
    for lost in 1..=3 {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 9).await;
        let run = story.start_run(&office, &leads).await;
        story.wait(10).await;
        fail(&story, Some("UpdateItem"), ANSWER_LOST, When::Next(lost));
        let body = json!({ "run_id": run });
        let answer = story
            .post(&office, "/api/outbound/stop-queue", body)
            .await
            .of_status(200);
        assert_eq!(answer["cancelled_jobs"], 6, "{answer}");
        let end = story.end_of(&office, run, Duration::from_secs(60)).await;
        assert_eq!(
            (&end["completed"], &end["canceled"]),
            (&3.into(), &6.into()),
            "{end}"
        );
        assert_eq!(story.assert_promise(3).creates.len(), 3);
    }
}

/// Runs thirty leads while a fifth of these requests fails, then with a sound store to the end.
async fn rough_store(kind: FaultKind, operations: &[Option<&'static str>], seed: u64) {
    let mut story = Setting {
        seed,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let leads = story.import(&office, 30).await;
    let run = story.start_run(&office, &leads).await;
    let faults = story.stack.plan.dynamo.faults().clone();
    faults.reset(seed);
    for &operation in operations {
        fail(&story, operation, kind, When::Share(0.2));
    }
    story.wait(290).await;
    assert!(faults.struck() > 10, "{kind:?}: {}", faults.struck());
    faults.reset(0);
    let end = story.end_of(&office, run, Duration::from_secs(1_200)).await;
    assert_eq!(end["status"], "completed", "{kind:?}: {end}");
    assert_eq!(story.active(&office).await, 0);
    let truth = story.assert_promise(3);
    assert_eq!(end["completed"], truth.calls.len(), "{kind:?}: {end}");
    assert!(truth.calls.len() >= 27, "{kind:?}: {end}");
}

const WRITES: [Option<&str>; 3] = [
    Some("UpdateItem"),
    Some("TransactWriteItems"),
    Some("PutItem"),
];

#[tokio::test(start_paused = true)]
async fn a_run_survives_a_store_that_fails_one_request_in_five() {
    for seed in 0..2 {
        rough_store(FaultKind::Unavailable(Side::Before), &[None], seed).await;
        rough_store(FaultKind::Unavailable(Side::After), &[None], seed).await;
        rough_store(FaultKind::Throttled, &[None], seed).await;
        rough_store(FaultKind::Conflict, &WRITES, seed).await;
    }
}
