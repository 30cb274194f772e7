//! Recent calls: newest first, filtered, a page at a time.

use ringfence_local::twilio::{Ending, Script};
use serde_json::{Value, json};

use super::{assert_fields, column, numbers};
use crate::story::{Office, Setting, Story};

const PATH: &str = "/api/outbound/recent-calls";

/// What the contract promises of a call.
const FIELDS: [&str; 12] = [
    "call_id",
    "call_sid",
    "to_number",
    "lead_id",
    "lead_name",
    "run_id",
    "status",
    "started_at",
    "ended_at",
    "duration",
    "error",
    "do_not_call_checked_at",
];

async fn recent(story: &Story, office: &Office, query: &str) -> Value {
    story
        .get(office, &format!("{PATH}?{query}"))
        .await
        .of_status(200)
}

#[tokio::test(start_paused = true)]
async fn a_call_has_its_fields_while_it_lasts_and_afterwards() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    let empty = recent(&story, &office, "").await;
    assert_eq!(
        empty,
        json!({ "page": 1, "page_size": 50, "has_more": false, "next_cursor": null, "items": [] })
    );
    let started = story.start(&office, &leads).await.of_status(200);
    story.wait(10).await;
    let live = recent(&story, &office, "").await["items"][0].clone();
    assert_fields(&live, &FIELDS);
    assert_eq!(live["call_id"], started["calls"][0]["call_id"]);
    assert_eq!(live["call_sid"], started["calls"][0]["call_sid"]);
    assert_eq!(
        live["to_number"],
        numbers(&story, &office).await[0].expose()
    );
    assert_eq!(live["lead_id"], leads[0]);
    assert_eq!(live["lead_name"], started["calls"][0]["lead_name"]);
    for absent in ["run_id", "ended_at", "duration", "error"] {
        assert_eq!(live[absent], Value::Null, "{live}");
    }
    story.wait(30).await;
    let over = recent(&story, &office, "").await["items"][0].clone();
    assert_fields(&over, &FIELDS);
    assert_eq!(over["status"], "completed");
    assert_eq!(over["duration"], 25);
    assert_eq!(over["started_at"], live["started_at"]);
    assert!(
        over["ended_at"].as_str() > over["started_at"].as_str(),
        "{over}"
    );
}

#[tokio::test(start_paused = true)]
async fn each_call_says_how_it_ended() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(4).await;
    let leads = story.import(&office, 4).await;
    let numbers = numbers(&story, &office).await;
    let ends = |ending| Script {
        ending: Some(ending),
        ..Script::default()
    };
    story.twilio.script(numbers[0].clone(), ends(Ending::Busy));
    story
        .twilio
        .script(numbers[1].clone(), Script::never_answers());
    story.twilio.refuse(numbers[2].clone(), 21_211);
    let run = story.start_run(&office, &leads).await;
    story.wait(200).await;
    for (lead, status, error) in [
        (leads[0], "busy", Value::Null),
        (leads[1], "no-answer", Value::Null),
        (leads[2], "failed", json!("invalid_number")),
        (leads[3], "completed", Value::Null),
    ] {
        let found = recent(&story, &office, &format!("status={status}")).await;
        assert_eq!(
            column(&found["items"], "lead_id"),
            [json!(lead)],
            "{status}"
        );
        assert_eq!(found["items"][0]["run_id"], run);
        assert_eq!(found["items"][0]["status"], status);
        assert_eq!(found["items"][0]["error"], error);
    }
    let end = story.run(&office, run).await;
    assert_eq!((&end["completed"], &end["failed"]), (&json!(1), &json!(3)));
}

#[tokio::test(start_paused = true)]
async fn pages_and_cursors_give_every_call_once_and_the_newest_first() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(5).await;
    let leads = story.import(&office, 25).await;
    let run = story.start_run(&office, &leads[..21]).await;
    story.wait(400).await;
    story.start(&office, &leads[22..]).await.of_status(200);
    let all = recent(&story, &office, "page_size=100").await;
    assert_eq!(all["has_more"], false);
    let started = column(&all["items"], "started_at");
    assert!(
        started.is_sorted_by(|newer, older| newer.as_str() >= older.as_str()),
        "{all}"
    );
    let all = column(&all["items"], "call_id");
    assert_eq!(all.len(), 24);
    for filter in ["", "&status=completed", &format!("&run_id={run}")] {
        let wanted = if filter.is_empty() {
            &all[..]
        } else {
            &all[3..]
        };
        assert_eq!(pages(&story, &office, 7, filter).await, wanted, "{filter}");
        assert_eq!(pages(&story, &office, 1, filter).await, wanted, "{filter}");
        assert_eq!(
            cursors(&story, &office, 7, filter).await,
            wanted,
            "{filter}"
        );
    }
    // A page that is just full is the last one.
    assert_eq!(
        recent(&story, &office, "page_size=24").await["has_more"],
        false
    );
    assert_eq!(
        recent(&story, &office, "page=3&page_size=100").await["items"],
        json!([])
    );
}

/// The ids of the calls of every page, by its number.
async fn pages(story: &Story, office: &Office, size: usize, filter: &str) -> Vec<Value> {
    let mut ids = Vec::new();
    for number in 1..=50 {
        let query = format!("page={number}&page_size={size}{filter}");
        let page = recent(story, office, &query).await;
        assert_eq!(
            (&page["page"], &page["page_size"]),
            (&json!(number), &json!(size))
        );
        ids.extend(column(&page["items"], "call_id"));
        assert_eq!(page["has_more"], !page["next_cursor"].is_null());
        if page["has_more"] == false {
            return ids;
        }
    }
    panic!("the pages have no end");
}

/// The same, each page found by the cursor of the one before.
async fn cursors(story: &Story, office: &Office, size: usize, filter: &str) -> Vec<Value> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    for _ in 0..50 {
        let query = format!("page_size={size}{filter}&cursor={cursor}");
        let page = recent(story, office, &query).await;
        ids.extend(column(&page["items"], "call_id"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return ids,
        }
    }
    panic!("the cursors have no end");
}

#[tokio::test(start_paused = true)]
async fn a_filter_finds_nothing_of_a_run_that_is_not_there() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    story.start(&office, &leads).await.of_status(200);
    assert_eq!(
        recent(&story, &office, "run_id=7").await["items"],
        json!([])
    );
    assert_eq!(
        recent(&story, &office, "status=canceled").await["items"],
        json!([])
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_filtered_by_is_named() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for (query, field) in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=5.5", "page_size"),
        ("status=over", "status"),
        ("status=Completed", "status"),
        ("run_id=0", "run_id"),
        ("run_id=x", "run_id"),
        ("cursor=x", "cursor"),
    ] {
        let answer = story.get(&office, &format!("{PATH}?{query}")).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{query}"
        );
    }
    assert_eq!(
        recent(&story, &office, "page_size=100").await["page_size"],
        100
    );
    assert_eq!(recent(&story, &office, "page_size=1").await["page_size"], 1);
}
