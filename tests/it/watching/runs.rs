//! One run, the list of runs, and the counts.

use std::time::Duration;

use http::Method;
use ringfence_local::twilio::{Ending, Script};
use serde_json::{Value, json};

use super::{assert_fields, column, numbers};
use crate::story::{Office, Setting, Story};

/// What the contract promises of a run.
const FIELDS: [&str; 12] = [
    "run_id",
    "status",
    "queued",
    "in_progress",
    "completed",
    "failed",
    "canceled",
    "total_leads",
    "concurrency",
    "last_error",
    "created_at",
    "completed_at",
];

fn counts(run: &Value) -> [u64; 5] {
    ["queued", "in_progress", "completed", "failed", "canceled"]
        .map(|name| run[name].as_u64().expect("a count"))
}

#[tokio::test(start_paused = true)]
async fn a_run_has_its_fields_before_during_and_after() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 10).await;
    let id = story.start_run(&office, &leads).await;

    let before = story.run(&office, id).await;
    assert_fields(&before, &FIELDS);
    assert_eq!(before["run_id"], id);
    assert_eq!(before["status"], "running");
    assert_eq!(before["total_leads"], 10);
    assert_eq!(before["concurrency"], 3);
    assert_eq!(before["last_error"], Value::Null);
    assert_eq!(before["completed_at"], Value::Null);
    let created_at = before["created_at"].as_str().unwrap();
    assert!(
        created_at.starts_with("2025-10-09T08:53:") && created_at.ends_with('Z'),
        "{before}"
    );

    story.wait(10).await;
    assert_eq!(counts(&story.run(&office, id).await), [7, 3, 0, 0, 0]);
    story.wait(30).await;
    let during = story.run(&office, id).await;
    assert_fields(&during, &FIELDS);
    assert_eq!(counts(&during), [4, 3, 3, 0, 0]);
    assert_eq!(during["completed_at"], Value::Null);

    let after = story.end_of(&office, id, Duration::from_secs(300)).await;
    assert_fields(&after, &FIELDS);
    assert_eq!(after["status"], "completed");
    assert_eq!(counts(&after), [0, 0, 10, 0, 0]);
    assert_eq!(after["created_at"], created_at);
    assert!(
        after["completed_at"].as_str().unwrap() > created_at,
        "{after}"
    );
    story.wait(120).await;
    assert_eq!(
        story.run(&office, id).await,
        after,
        "the record says what the state said"
    );
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn every_outcome_has_its_count_and_a_stopped_run_stops_in_two_steps() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let leads = story.import(&office, 6).await;
    let numbers = numbers(&story, &office).await;
    let busy = Script {
        ending: Some(Ending::Busy),
        ..Script::default()
    };
    story.twilio.script(numbers[0].clone(), busy);
    let id = story.start_run(&office, &leads).await;
    story.wait(40).await;
    let stopped = story
        .post(&office, "/api/outbound/stop-queue", json!({ "run_id": id }))
        .await;
    assert_eq!(
        stopped.clone().of_status(200)["in_progress"],
        2,
        "{}",
        stopped.text
    );
    let stopping = story.run(&office, id).await;
    assert_eq!(stopping["status"], "stopping");
    assert_eq!(stopping["completed_at"], Value::Null);
    let end = story.end_of(&office, id, Duration::from_secs(120)).await;
    assert_eq!(end["status"], "stopped");
    let [queued, in_progress, completed, failed, canceled] = counts(&end);
    assert_eq!((queued, in_progress, failed), (0, 0, 1));
    let truth = story.assert_promise(2);
    assert_eq!(canceled, 6 - u64::try_from(truth.calls.len()).unwrap());
    assert_eq!(completed, 5 - canceled);
}

#[tokio::test(start_paused = true)]
async fn a_known_etag_gets_304_until_the_run_changes() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let leads = story.import(&office, 2).await;
    let id = story.start_run(&office, &leads).await;
    story.wait(10).await;
    let path = format!("/api/outbound/runs/{id}");
    let bearer = format!("Bearer {}", office.key);
    let ask = async |known: &str| {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", known)];
        story.send_with(Method::GET, &path, &headers, "").await
    };
    let tag_of =
        |answer: &crate::story::Answer| answer.headers["etag"].to_str().unwrap().to_owned();
    let tag = tag_of(&story.get(&office, &path).await);
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = ask(&known).await;
        assert_eq!(answer.status, 304, "{known}");
        assert_eq!(answer.text, "");
        assert_eq!(tag_of(&answer), tag);
    }
    let read = || story.stack.gateway.api_meter.snapshot().read_units;
    let before = read();
    ask(&tag).await.of_status(304);
    assert_eq!(read() - before, 0.5, "one eventually consistent read");
    story.wait(30).await;
    let changed = ask(&tag).await;
    let newer = tag_of(&changed);
    assert_eq!(changed.of_status(200)["completed"], 1);
    assert_ne!(newer, tag);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_there_is_404() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let leads = story.import(&other, 1).await;
    let others = story.start_run(&other, &leads).await;
    for id in [
        others.to_string().as_str(),
        "99",
        "0",
        "-1",
        "x",
        "4294967296",
    ] {
        for path in [
            format!("/api/outbound/runs/{id}"),
            format!("/api/outbound/runs/{id}/calls"),
        ] {
            let answer = story.get(&office, &path).await;
            answer.assert_refused(404, "run_not_found");
            assert_eq!(answer.body["error"], "הרצה לא נמצאה", "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_newest_first_over_several_pages() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(5).await;
    let leads = story.import(&office, 103).await;
    // More runs than the table gives out in one page, and more than may run at once: twelve
    // rounds of five are over when the others are started.
    let mut ids = Vec::new();
    for (nth, &lead) in leads.iter().enumerate() {
        if nth == 60 {
            story.wait(12 * 30 + 15).await;
        }
        ids.push(story.start_run(&office, &[lead]).await);
    }
    ids.reverse();
    assert_eq!(all_runs(&story, &office, "limit=30").await, ids);
    // After eight more rounds the last three runs are live.
    story.wait(8 * 30 + 15).await;
    for limit in [100, 40] {
        assert_eq!(
            all_runs(&story, &office, &format!("limit={limit}")).await,
            ids
        );
    }
    assert_eq!(
        all_runs(&story, &office, "limit=1&status=running").await,
        ids[..3]
    );
    assert_eq!(
        all_runs(&story, &office, "limit=50&status=completed").await,
        ids[3..]
    );
    assert_eq!(
        all_runs(&story, &office, "status=stopped").await,
        [0_u64; 0]
    );
    let first = story
        .get(&office, "/api/outbound/runs")
        .await
        .of_status(200);
    assert_fields(&first["items"][0], &FIELDS);
    assert_fields(&first["items"][19], &FIELDS);
    story.assert_promise(5);
}

/// The ids of every page.
async fn all_runs(story: &Story, office: &Office, query: &str) -> Vec<u64> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    for _ in 0..200 {
        let path = format!("/api/outbound/runs?{query}&cursor={cursor}");
        let page = story.get(office, &path).await.of_status(200);
        ids.extend(
            column(&page["items"], "run_id")
                .iter()
                .map(|id| id.as_u64().expect("a number")),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return ids,
        }
    }
    panic!("the list has no end");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_asked_for_wrongly_names_the_field() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("status=over", "status"),
        ("status=Running", "status"),
        ("cursor=x", "cursor"),
        ("cursor=-1", "cursor"),
    ] {
        let answer = story
            .get(&office, &format!("/api/outbound/runs?{query}"))
            .await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{query}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_running_run_is_the_active_one() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let leads = story.import(&office, 3).await;
    let path = "/api/outbound/bulk/active";
    assert_eq!(
        story.get(&office, path).await.of_status(200),
        json!({ "active": false })
    );
    let first = story.start_run(&office, &leads[..1]).await;
    let second = story.start_run(&office, &leads[1..]).await;
    let active = story.get(&office, path).await.of_status(200);
    assert_eq!(active["active"], true);
    assert_eq!(active["run"]["run_id"], second);
    assert_fields(&active["run"], &FIELDS);
    story
        .post(
            &office,
            "/api/outbound/stop-queue",
            json!({ "run_id": second }),
        )
        .await;
    let active = story.get(&office, path).await.of_status(200);
    assert_eq!(active["run"]["run_id"], first);
    story.end_of(&office, first, Duration::from_secs(200)).await;
    story.wait(60).await;
    assert_eq!(
        story.get(&office, path).await.of_status(200),
        json!({ "active": false })
    );
}

#[tokio::test(start_paused = true)]
async fn the_counts_are_the_slots_in_use_and_the_limit() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 2).await;
    let path = "/api/outbound_calls/counts";
    let counts = |active, max| json!({ "active_outbound": active, "max_outbound": max });
    assert_eq!(story.get(&office, path).await.of_status(200), counts(0, 3));
    story.start(&office, &leads).await.of_status(200);
    assert_eq!(story.get(&office, path).await.of_status(200), counts(2, 3));
    let limit = json!({ "limit": 1 });
    story
        .send_as_system(&office, Method::PUT, "/api/business", limit)
        .await
        .of_status(200);
    assert_eq!(story.get(&office, path).await.of_status(200), counts(2, 1));
    story.wait(60).await;
    assert_eq!(story.get(&office, path).await.of_status(200), counts(0, 1));
}
