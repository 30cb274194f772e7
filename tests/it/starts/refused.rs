//! Requests that cannot be met: each says why, and leaves everything as it was.

use http::Method;
use ringfence_flows::ledger::{States, Stored};
use serde_json::json;

use super::{ENQUEUE, START};
use crate::story::{Answer, Office, Setting, Story};

#[tokio::test(start_paused = true)]
async fn a_request_that_names_the_wrong_leads_changes_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 4).await;
    let before = story.stack.ledger().load(&office.id).await.unwrap();
    for path in [START, ENQUEUE] {
        for body in [
            json!({}),
            json!({ "lead_ids": [] }),
            json!({ "lead_ids": null }),
        ] {
            let answer = story.post(&office, path, body).await;
            answer.assert_refused(400, "no_leads");
            assert_eq!(answer.body["error"], "יש לבחור לפחות ליד אחד");
        }
        for known in [&leads[..1], &leads[..]] {
            let ids = [known, &[900, 901]].concat();
            let answer = story.post(&office, path, json!({ "lead_ids": ids })).await;
            answer.assert_refused(404, "leads_not_found");
            assert_eq!(answer.body["error"], "לא נמצאו כל הלידים שנבחרו");
            assert_eq!(answer.body["missing"], json!([900, 901]), "{path}");
        }
        let ids: Vec<u32> = (1..=100_001).collect();
        let answer = story.post(&office, path, json!({ "lead_ids": ids })).await;
        assert_eq!(
            answer.assert_refused(413, "too_many_leads"),
            Some("lead_ids")
        );
    }
    for (path, field) in [(START, "list_id"), (ENQUEUE, "outbound_list_id")] {
        for list in [0, 77] {
            let answer = story.post(&office, path, json!({ field: list })).await;
            assert_eq!(answer.assert_refused(404, "list_not_found"), Some(field));
        }
        let both = json!({ "lead_ids": leads, field: 1 });
        assert_eq!(
            story
                .post(&office, path, both)
                .await
                .assert_refused(400, "bad_field"),
            Some(field)
        );
    }
    assert_unchanged(&story, &office, before).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_read_changes_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    story.import(&office, 4).await;
    let before = story.stack.ledger().load(&office.id).await.unwrap();
    for path in [START, ENQUEUE] {
        for text in [
            "",
            "{",
            "lead_ids=1",
            "{\"lead_ids\": [1]} {}",
            "\u{feff}{}",
        ] {
            post_text(&story, &office, path, text)
                .await
                .assert_refused(400, "bad_json");
        }
        let wrong = [
            (r#"{"lead_ids": 1}"#, "lead_ids"),
            (r#"{"lead_ids": "1"}"#, "lead_ids"),
            (r#"{"lead_ids": [1, "2"]}"#, "lead_ids[1]"),
            (r#"{"lead_ids": [1, 2, 1.5]}"#, "lead_ids[2]"),
            (r#"{"lead_ids": [-1]}"#, "lead_ids[0]"),
            (r#"{"lead_ids": [1, 0]}"#, "lead_ids[1]"),
            (r#"{"lead_ids": [4294967296]}"#, "lead_ids[0]"),
            (r#"{"lead_ids": [1], "concurrency": "3"}"#, "concurrency"),
            (r#"{"lead_ids": [1], "concurrency": -1}"#, "concurrency"),
        ];
        for (text, field) in wrong {
            let answer = post_text(&story, &office, path, text).await;
            assert_eq!(
                answer.assert_refused(400, "bad_field"),
                Some(field),
                "{text}"
            );
        }
    }
    for (text, field) in [
        (r#"{"lead_ids": [1], "when_full": "never"}"#, "when_full"),
        (r#"{"lead_ids": [1], "when_full": true}"#, "when_full"),
        (r#"{"list_id": "spring"}"#, "list_id"),
    ] {
        let answer = post_text(&story, &office, START, text).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{text}"
        );
    }
    assert_unchanged(&story, &office, before).await;
}

#[tokio::test(start_paused = true)]
async fn a_business_without_a_number_of_its_own_calls_nobody() {
    let mut story = Setting::plain().begin().await;
    let system = story.system_key.clone();
    let body = json!({ "name": "No phone yet" });
    let made = story
        .send(&system, Method::POST, "/api/businesses", body)
        .await
        .of_status(201);
    assert!(made["phone_e164"].is_null());
    let id = made["business_id"].as_str().unwrap();
    let path = format!("/api/businesses/{id}/keys");
    let key = story
        .send(&system, Method::POST, &path, json!({ "role": "admin" }))
        .await;
    let key = key.of_status(201)["api_key"].as_str().unwrap().to_owned();
    let office = Office {
        id: id.parse().unwrap(),
        key,
    };
    let leads = story.import(&office, 4).await;
    let before = story.stack.ledger().load(&office.id).await.unwrap();
    for (path, leads) in [(START, &leads[..1]), (START, &leads), (ENQUEUE, &leads)] {
        let answer = story
            .post(&office, path, json!({ "lead_ids": leads }))
            .await;
        answer.assert_refused(400, "no_business_phone");
        assert_eq!(answer.body["error"], "מספר טלפון של העסק לא מוגדר");
    }
    assert_unchanged(&story, &office, before).await;
}

async fn post_text(story: &Story, office: &Office, path: &str, text: &'static str) -> Answer {
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    story.send_with(Method::POST, path, &headers, text).await
}

/// Nothing was called, nothing was recorded, and the state is the very same.
async fn assert_unchanged(story: &Story, office: &Office, before: Option<Stored>) {
    let after = story.stack.ledger().load(&office.id).await;
    assert_eq!(after.expect("the database answers"), before);
    assert_eq!(story.run_count(office).await, 0);
    story.wait(120).await;
    assert_eq!(story.truth().creates.len(), 0);
}
