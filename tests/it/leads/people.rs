//! One person: the calls, by what came of them, and how all of it is erased.

use http::Method;
use serde_json::{Value, json};

use super::{PATH, names, page};
use crate::story::Setting;

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_lead_are_told_newest_first_and_leads_are_found_by_the_last_outcome() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let leads = story.import(&office, 3).await;
    for _ in 0..2 {
        story.start(&office, &leads[..1]).await.of_status(200);
        story.wait(60).await;
    }
    let path = format!("/api/outbound/leads/{}/calls", leads[0]);
    let all = story.get(&office, &path).await.of_status(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert_eq!(all["has_more"], false);
    let first = story.get(&office, &format!("{path}?page_size=1")).await;
    let first = first.of_status(200);
    assert_eq!(first["items"][0], all["items"][0]);
    assert!(all["items"][0]["started_at"].as_str() > all["items"][1]["started_at"].as_str());
    let next = first["next_cursor"].as_str().unwrap();
    let second = story
        .get(&office, &format!("{path}?page_size=1&cursor={next}"))
        .await;
    assert_eq!(second.of_status(200)["items"][0], all["items"][1]);
    story
        .get(&other, &path)
        .await
        .assert_refused(404, "lead_not_found");
    assert_eq!(page(&story, &office, "outcome=completed").await["total"], 1);
    assert_eq!(names(&story, &office, "outcome=none").await.len(), 2);
    assert_eq!(page(&story, &office, "outcome=busy").await["total"], 0);
    let answer = story.get(&office, &format!("{PATH}?outcome=x")).await;
    assert_eq!(answer.assert_refused(400, "bad_field"), Some("outcome"));
}

#[tokio::test(start_paused = true)]
async fn a_person_is_erased_with_the_name_and_number_of_every_call() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let leads = story.import(&office, 2).await;
    let path = format!("/api/outbound/leads/{}/erase", leads[0]);
    story.start(&office, &leads).await.of_status(200);
    story
        .post(&office, &path, Value::Null)
        .await
        .assert_refused(409, "already_in_call");
    story.wait(60).await;
    let agent = story.key_for(&office, "agent").await;
    let answer = story.send(&agent, Method::POST, &path, Value::Null).await;
    answer.assert_refused(403, "forbidden");
    story
        .post(&other, &path, Value::Null)
        .await
        .assert_refused(404, "lead_not_found");
    let erased = story.post(&office, &path, Value::Null).await.of_status(200);
    let told = json!({ "success": true, "complete": true, "lead_erased": true, "calls_erased": 1 });
    assert_eq!(erased, told);
    let again = story.post(&office, &path, Value::Null).await.of_status(200);
    let told =
        json!({ "success": true, "complete": true, "lead_erased": false, "calls_erased": 0 });
    assert_eq!(again, told, "nothing is counted twice");
    let calls = story.get(&office, "/api/outbound/recent-calls").await;
    let calls = calls.of_status(200);
    let of_lead = |lead: u64| {
        let calls = calls["items"].as_array().unwrap().iter();
        let mut calls = calls.filter(move |call| call["lead_id"] == lead);
        calls.next().unwrap().clone()
    };
    let (gone, kept) = (of_lead(leads[0]), of_lead(leads[1]));
    assert_eq!(
        (&gone["to_number"], &gone["lead_name"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(gone["status"], "completed");
    assert!(kept["to_number"].is_string() && kept["lead_name"].is_string());
    assert_eq!(page(&story, &office, "").await["total"], 1);
}
