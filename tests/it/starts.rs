//! Starting: who is called, once each, and who cannot be.

use std::time::Duration;

use http::{Method, StatusCode};
use ringfence_local::aws::queue::QueueFaults;
use serde_json::{Value, json};

use crate::story::Setting;

mod refused;
mod repeated;

const START: &str = "/api/outbound_calls/start";
const ENQUEUE: &str = "/api/outbound/bulk-enqueue";

#[tokio::test(start_paused = true)]
async fn a_lead_that_is_named_twice_is_called_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 8).await;
    let [a, b, c] = [leads[0], leads[1], leads[2]];
    let answer = story.start(&office, &[a, b, a, c, b]).await.of_status(200);
    assert_eq!(answer["message"], "הופעלו 3 שיחות מתוך 3");
    assert_eq!(answer["duplicates_removed"], 2);
    story.wait(60).await;
    let twice = [&leads[3..], &leads[3..]].concat();
    for path in [START, ENQUEUE] {
        let before = story.truth().calls.len();
        let answer = story
            .post(&office, path, json!({ "lead_ids": twice }))
            .await
            .of_status(201);
        assert_eq!(
            (&answer["queued"], &answer["duplicates_removed"]),
            (&json!(5), &json!(5))
        );
        story
            .end_of(
                &office,
                answer["run_id"].as_u64().unwrap(),
                Duration::from_secs(100),
            )
            .await;
        assert_eq!(story.assert_promise(3).calls.len(), before + 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_list_is_called_by_its_id() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (long, short) = (
        story.import_list(&office, 5).await,
        story.import_list(&office, 2).await,
    );
    let answer = story
        .post(&office, START, json!({ "list_id": short }))
        .await
        .of_status(200);
    assert_eq!(answer["message"], "הופעלו 2 שיחות מתוך 2");
    for (path, field) in [(START, "list_id"), (ENQUEUE, "outbound_list_id")] {
        let answer = story
            .post(&office, path, json!({ field: long }))
            .await
            .of_status(201);
        assert_eq!(
            (&answer["success"], &answer["queued"]),
            (&json!(true), &json!(5)),
            "{path}"
        );
        let run = answer["run_id"].as_u64().unwrap();
        let end = story.end_of(&office, run, Duration::from_secs(200)).await;
        assert_eq!(end["completed"], 5, "{path}");
    }
    assert_eq!(story.assert_promise(3).calls.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn few_leads_are_a_run_where_a_run_is_asked_for() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    let answer = story
        .post(&office, ENQUEUE, json!({ "lead_ids": leads }))
        .await
        .of_status(201);
    assert_eq!(
        (&answer["success"], &answer["queued"]),
        (&json!(true), &json!(1))
    );
    let end = story
        .end_of(
            &office,
            answer["run_id"].as_u64().unwrap(),
            Duration::from_secs(60),
        )
        .await;
    assert_eq!(end["completed"], 1);
}

#[tokio::test(start_paused = true)]
async fn leads_that_cannot_be_called_fail_without_a_call() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 8).await;
    story.start(&office, &leads[..3]).await.of_status(200);
    let run = story.start_run(&office, &leads[3..]).await;
    let path = format!("/api/outbound/import-leads/{}", leads[4]);
    story
        .send(&office.key, Method::DELETE, &path, Value::Null)
        .await
        .of_status(200);
    story.set_phone(&office, leads[5], None).await;
    let end = story.end_of(&office, run, Duration::from_secs(200)).await;
    assert_eq!(
        (&end["status"], &end["last_error"]),
        (&json!("completed"), &Value::Null)
    );
    assert_eq!((&end["completed"], &end["failed"]), (&json!(3), &json!(2)));
    let rows = story
        .get(&office, &format!("/api/outbound/runs/{run}/calls"))
        .await
        .of_status(200);
    for (place, error) in [(1, "lead_deleted"), (2, "no_phone")] {
        let row = &rows["items"][place];
        assert_eq!(
            (&row["status"], &row["error"]),
            (&json!("failed"), &json!(error))
        );
        assert!(row["call_sid"].is_null(), "{row}");
    }
    assert_eq!(
        story.assert_promise(3).creates.len(),
        6,
        "nobody asks the carrier for them"
    );
}

#[tokio::test(start_paused = true)]
async fn a_direct_call_without_a_number_fails_beside_the_others() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 2).await;
    story.set_phone(&office, leads[0], None).await;
    let answer = story.start(&office, &leads).await.of_status(200);
    assert_eq!(answer["message"], "הופעלו 1 שיחות מתוך 2");
    let [failed, started] = [&answer["calls"][0], &answer["calls"][1]];
    assert_eq!(
        (&failed["status"], &failed["lead_id"]),
        (&json!("failed"), &json!(leads[0]))
    );
    assert_eq!(failed["error"], "אין מספר טלפון לליד");
    assert_eq!(started["status"], "initiated");
    let answer = story.start(&office, &leads[..1]).await;
    assert_eq!(
        (answer.status, &answer.body["success"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!(false))
    );
    assert_eq!(answer.body["calls"][0]["error"], "אין מספר טלפון לליד");
    assert_eq!(story.active(&office).await, 1, "it takes no slot");
}

#[tokio::test(start_paused = true)]
async fn without_a_public_host_a_run_is_recorded_as_failed_and_nobody_is_called() {
    let mut story = Setting {
        public_host: None,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let leads = story.import(&office, 5).await;
    for (path, leads) in [(START, &leads[..]), (ENQUEUE, &leads[..2])] {
        let answer = story
            .post(&office, path, json!({ "lead_ids": leads }))
            .await;
        answer.assert_refused(503, "no_public_host");
        let run = answer.body["run_id"].as_u64().unwrap();
        let end = story.run(&office, run).await;
        assert_eq!(end["status"], "failed");
        assert_eq!(end["last_error"], "No public host configured");
        assert_eq!(
            (&end["canceled"], &end["total_leads"]),
            (&json!(leads.len()), &json!(leads.len()))
        );
        assert!(end["completed_at"].is_string(), "{end}");
    }
    let answer = story.start(&office, &leads[..3]).await;
    answer.assert_refused(503, "no_public_host");
    assert!(answer.body.get("run_id").is_none());
    story.wait(300).await;
    assert_eq!(story.truth().creates.len(), 0);
    assert_eq!(story.active(&office).await, 0);
    let active = story
        .get(&office, "/api/outbound/bulk/active")
        .await
        .of_status(200);
    assert_eq!(active["active"], false);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_host_was_taken_away_before_its_calls_fails_as_one_without() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 5).await;
    story.stack.plan.queue.misbehave(QueueFaults {
        lose: 1.0,
        ..QueueFaults::NONE
    });
    let run = story.start_run(&office, &leads).await;
    story.stack.plan.telephony.public_host = None;
    story.restart().await;
    let end = story.end_of(&office, run, Duration::from_secs(62)).await;
    assert_eq!(
        (&end["status"], &end["last_error"]),
        (&json!("failed"), &json!("No public host configured"))
    );
    assert_eq!((&end["failed"], &end["canceled"]), (&json!(3), &json!(2)));
    assert_eq!(story.truth().creates.len(), 0);
}
