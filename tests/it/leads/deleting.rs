//! Deleting: what was named, and nothing by mistake.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{PATH, page};
use crate::story::Setting;

#[tokio::test(start_paused = true)]
async fn one_many_or_all_leads_are_deleted() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 130).await;
    let one = format!("{PATH}/{}", leads[0]);
    let delete = async || {
        story
            .send(&office.key, Method::DELETE, &one, Value::Null)
            .await
    };
    assert_eq!(delete().await.of_status(200)["success"], true);
    let again = delete().await;
    again.assert_refused(404, "lead_not_found");
    for id in ["0", "x", "999"] {
        let path = format!("{PATH}/{id}");
        let answer = story
            .send(&office.key, Method::DELETE, &path, Value::Null)
            .await;
        answer.assert_refused(404, "lead_not_found");
    }
    let bulk = format!("{PATH}/bulk-delete");
    // Those that are gone, or named twice, count once or not at all.
    let many = json!({ "lead_ids": [leads[0], leads[1], leads[2], leads[2], 999] });
    assert_eq!(
        story.post(&office, &bulk, many).await.of_status(200)["deleted_count"],
        2
    );
    assert_eq!(page(&story, &office, "").await["total"], 127);
    let all = json!({ "delete_all": true });
    let deleted = story.post(&office, &bulk, all.clone()).await.of_status(200);
    assert_eq!(
        (&deleted["success"], &deleted["deleted_count"]),
        (&json!(true), &json!(127))
    );
    assert_eq!(page(&story, &office, "").await["total"], 0);
    assert_eq!(
        story.post(&office, &bulk, all).await.of_status(200)["deleted_count"],
        0
    );
    assert_eq!(
        story.import(&office, 2).await.len(),
        2,
        "there is room again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slip_deletes_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    let bulk = format!("{PATH}/bulk-delete");
    for body in [
        json!({}),
        json!({ "lead_ids": [] }),
        json!({ "lead_ids": null }),
        json!({ "delete_all": false }),
        json!({ "lead_ids": leads, "delete_all": true }),
        json!({ "lead_ids": leads, "delete_all": "true" }),
        json!({ "lead_ids": [leads[0], 0] }),
        json!({ "lead_ids": [leads[0], "2"] }),
    ] {
        let answer = story.post(&office, &bulk, body.clone()).await;
        assert!(answer.assert_refused(400, "bad_field").is_some(), "{body}");
        assert_eq!(page(&story, &office, "").await["total"], 3, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_was_deleted_is_not_called_and_the_run_ends() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let leads = story.import(&office, 4).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    let gone = json!({ "lead_ids": leads[2..] });
    story
        .post(&office, &format!("{PATH}/bulk-delete"), gone)
        .await
        .of_status(200);
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!((&end["completed"], &end["failed"]), (&json!(2), &json!(2)));
    assert_eq!(story.assert_promise(1).calls.len(), 2);
    let calls = story
        .get(&office, &format!("/api/outbound/runs/{run}/calls"))
        .await
        .of_status(200);
    assert_eq!(calls["items"][3]["status"], "failed");
    assert_eq!(calls["items"][3]["error"], "lead_deleted");
    let start = story.start(&office, &leads[1..3]).await;
    start.assert_refused(404, "leads_not_found");
    assert_eq!(start.body["missing"], json!(leads[2..3]));
}
