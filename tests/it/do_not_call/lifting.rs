//! What ends an entry, and what does not.

use std::time::Duration;

use serde_json::{Value, json};

use super::{PATH, add, dialled, entries, remove};
use crate::story::Setting;

#[tokio::test(start_paused = true)]
async fn whoever_is_taken_off_the_list_may_be_called() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let listed = [numbers[0].expose(), numbers[1].expose()];
    add(&story, &office, &listed).await;
    let barred = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, barred, Duration::from_secs(60)).await;
    assert_eq!(end["failed"], 2, "{end}");
    let removed = remove(&story, &office, &listed[0][1..]).await;
    assert_eq!(removed.of_status(200), json!({ "success": true }));
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(60)).await;
    assert_eq!((&end["completed"], &end["failed"]), (&1.into(), &1.into()));
    assert_eq!(dialled(&story, &listed[..1]), 1);
    assert_eq!(dialled(&story, &listed[1..]), 0);
    assert_eq!(entries(&story, &office, "").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_erased_person_who_comes_back_is_still_not_called() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 1).await;
    let number = numbers[0].expose();
    let body = json!({ "phone": number, "reason": "asked", "source": "form" });
    story.post(&office, PATH, body).await.of_status(200);
    let erase = format!("/api/outbound/leads/{}/erase", leads[0]);
    story
        .post(&office, &erase, Value::Null)
        .await
        .of_status(200);
    let found = entries(&story, &office, "").await;
    assert_eq!(found.len(), 1);
    for said in ["phone", "reason", "source"] {
        assert_eq!(found[0][said], Value::Null, "{said}");
    }
    // Who knows the number finds the entry, and adds none beside it.
    let digits = &number[1..];
    assert_eq!(
        entries(&story, &office, &format!("phone={digits}")).await,
        found
    );
    assert_eq!(add(&story, &office, &[number]).await, [0, 1, 0]);
    assert_eq!(entries(&story, &office, "").await, found);

    let rows = json!([{ "name": "again", "phone": number }]);
    let again = story
        .post(&office, "/api/outbound/import-leads", rows)
        .await;
    assert_eq!(again.of_status(200)["imported_count"], 1);
    let page = story.get(&office, "/api/outbound/import-leads").await;
    let lead = page.of_status(200)["items"][0]["id"].as_u64().unwrap();
    let refused = story.start(&office, &[lead]).await.of_status(422);
    assert_eq!(refused["calls"][0]["code"], "do_not_call");
    let run = story.start_run(&office, &[lead]).await;
    let end = story.end_of(&office, run, Duration::from_secs(60)).await;
    assert_eq!(end["failed"], 1, "{end}");
    assert_eq!(story.truth().creates.len(), 0);

    remove(&story, &office, digits).await.of_status(200);
    story.start(&office, &[lead]).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_a_lead_that_was_deleted_before_is_forgotten_too() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 1).await;
    story.start(&office, &leads).await.of_status(200);
    story.wait(60).await;
    add(&story, &office, &[numbers[0].expose()]).await;
    let delete = json!({ "lead_ids": leads });
    let path = "/api/outbound/import-leads/bulk-delete";
    story.post(&office, path, delete).await.of_status(200);
    let erase = format!("/api/outbound/leads/{}/erase", leads[0]);
    let erased = story.post(&office, &erase, Value::Null).await;
    let told =
        json!({ "success": true, "complete": true, "lead_erased": false, "calls_erased": 1 });
    assert_eq!(erased.of_status(200), told);
    assert_eq!(entries(&story, &office, "").await[0]["phone"], Value::Null);
}
