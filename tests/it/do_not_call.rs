//! Do-not-call: whoever is on a business's list is not called by it, from the answer of
//! the addition on.

mod counting;
mod dying;
mod keeping;
mod lifting;

use std::time::Duration;

use futures::future::join;
use http::Method;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story};

const PATH: &str = "/api/outbound/do-not-call";

/// Adds these numbers and returns the counts: added, known, skipped.
async fn add(story: &Story, office: &Office, phones: &[&str]) -> [u64; 3] {
    let answer = story.post(office, PATH, json!({ "phones": phones })).await;
    counts(&answer.of_status(200))
}

fn counts(answer: &Value) -> [u64; 3] {
    ["added_count", "known_count", "skipped_count"]
        .map(|name| answer[name].as_u64().expect("a count"))
}

/// The entries on the first page of a query.
async fn entries(story: &Story, office: &Office, query: &str) -> Vec<Value> {
    let page = story.get(office, &format!("{PATH}?{query}")).await;
    let page = page.of_status(200);
    page["items"].as_array().expect("a list").clone()
}

/// Takes the entry of this number off the list.
async fn remove(story: &Story, office: &Office, number: &str) -> Answer {
    let found = entries(story, office, &format!("phone={number}")).await;
    let id = found[0]["id"].as_str().expect("an id");
    let path = format!("{PATH}/{id}");
    let key = &office.key;
    story.send(key, Method::DELETE, &path, Value::Null).await
}

/// How many calls to these numbers the carrier was asked for.
fn dialled(story: &Story, numbers: &[&str]) -> usize {
    let truth = story.truth();
    let to = |parameters: &[(String, String)]| {
        let mut of = parameters.iter();
        let to = of.find(|(name, _)| name == "To");
        to.is_some_and(|(_, number)| numbers.contains(&number.as_str()))
    };
    let creates = truth.creates.iter();
    creates.filter(|create| to(&create.parameters)).count()
}

#[tokio::test(start_paused = true)]
async fn a_listed_lead_of_a_run_fails_without_a_call_and_start_says_how_many_there_are() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 6).await;
    let listed = [numbers[1].expose(), numbers[4].expose()];
    assert_eq!(add(&story, &office, &listed).await, [2, 0, 0]);
    let started = story.start(&office, &leads).await.of_status(201);
    assert_eq!(started["do_not_call"], 2, "{started}");
    let run = started["run_id"].as_u64().unwrap();
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!((&end["completed"], &end["failed"]), (&4.into(), &2.into()));
    for (at, lead) in leads.iter().enumerate() {
        let record = story.record(&office, *lead).await;
        if [1, 4].contains(&at) {
            assert_eq!(record["status"], "failed");
            assert_eq!(record["error"], "do_not_call");
            assert_eq!(record["call_sid"], Value::Null);
        } else {
            assert_eq!(record["status"], "completed");
        }
    }
    assert_eq!(dialled(&story, &listed), 0);
    assert_eq!(story.assert_promise(3).creates.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn start_counts_the_listed_leads_of_a_whole_list_and_of_an_enqueued_run() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let list = story.import_list(&office, 5).await;
    let leads = story.lead_ids(&office, list).await;
    let enqueue = "/api/outbound/bulk-enqueue";
    let body = json!({ "lead_ids": leads[..1] });
    let nobody = story.post(&office, enqueue, body).await.of_status(201);
    assert_eq!(nobody["do_not_call"], 0);
    let found = story.get(&office, "/api/outbound/import-leads").await;
    let found = found.of_status(200);
    let phone = |at: usize| found["items"][at]["phone"].as_str().unwrap();
    let added = add(&story, &office, &[phone(1), phone(3), "0501112233"]).await;
    assert_eq!(added, [3, 0, 0]);
    let body = json!({ "list_id": list });
    let whole = story.post(&office, "/api/outbound_calls/start", body).await;
    assert_eq!(whole.of_status(201)["do_not_call"], 2);
    let body = json!({ "lead_ids": leads });
    let all = story.post(&office, enqueue, body).await.of_status(201);
    assert_eq!(all["do_not_call"], 2);
}

#[tokio::test(start_paused = true)]
async fn an_entry_added_while_a_run_is_going_holds_from_the_answer_on() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 12).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    // Of the first, who is being called, and of all who wait but the last.
    let listed: Vec<&str> = [0, 3, 4, 5, 6, 7, 8, 9, 10]
        .map(|at: usize| numbers[at].expose())
        .to_vec();
    assert_eq!(add(&story, &office, &listed).await, [9, 0, 0]);
    assert_eq!(story.truth().live(), 3, "live calls go on");
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!((&end["completed"], &end["failed"]), (&4.into(), &8.into()));
    assert_eq!(story.record(&office, leads[0]).await["status"], "completed");
    for lead in &leads[3..11] {
        assert_eq!(story.record(&office, *lead).await["error"], "do_not_call");
    }
    assert_eq!(dialled(&story, &listed), 1);
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn no_listed_lead_is_claimed_once_the_addition_is_answered() {
    // The addition meets the claims of the first fill, or those that follow the first
    // reports, each time a little later; the list is new to the business, or it is not.
    let moments = (0..10)
        .map(|turn| (0, turn))
        .chain((0..20).map(|turn| (30, turn)));
    for (wait, turns) in moments {
        for has_list in [false, true] {
            let mut story = Setting::plain().begin().await;
            let office = story.open(3).await;
            if has_list {
                add(&story, &office, &["0501112233"]).await;
            }
            let (leads, numbers) = story.import_numbers(&office, 9).await;
            let numbers: Vec<&str> = numbers.iter().map(|number| number.expose()).collect();
            let run = story.start_run(&office, &leads).await;
            story.wait(wait).await;
            let added = async {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                add(&story, &office, &numbers).await;
                story.run(&office, run).await
            };
            let watched = story.run(&office, run);
            let (after, _) = join(Box::pin(added), Box::pin(watched)).await;
            let count = |of: &Value, name: &str| of[name].as_u64().expect("a count");
            let claimed = count(&after, "in_progress") + count(&after, "completed");
            let end = story.end_of(&office, run, Duration::from_secs(120)).await;
            let at = format!("at {wait}/{turns}, {has_list}: {end}");
            assert_eq!(count(&end, "completed"), claimed, "{at}");
            assert_eq!(count(&end, "failed"), 9 - claimed, "{at}");
            let creates = story.assert_promise(3).creates.len();
            assert_eq!(u64::try_from(creates).unwrap(), claimed, "{at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_decided_before_the_addition_and_comes_after_it_is_void() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    // The list is not new to the business: each addition counts.
    add(&story, &office, &["0501112233"]).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    let numbers: Vec<&str> = numbers.iter().map(|number| number.expose()).collect();
    let run = story.start_run(&office, &leads).await;
    // The write of the first claims is put off after the list was looked at for them.
    let faults = story.stack.plan.dynamo.faults().clone();
    let before = faults.struck();
    faults.plan(StoreFault {
        operation: Some("UpdateItem"),
        kind: FaultKind::Throttled,
        when: When::Next(1),
    });
    for _ in 0..1_000 {
        if faults.struck() > before {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(faults.struck(), before + 1, "the claims are about to come");
    assert_eq!(add(&story, &office, &numbers).await, [5, 0, 0]);
    assert_eq!(story.run(&office, run).await["queued"], 5);
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!(end["failed"], 5, "{end}");
    assert_eq!(dialled(&story, &numbers), 0);
}

#[tokio::test(start_paused = true)]
async fn a_direct_start_of_a_listed_lead_is_refused_for_that_lead() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    add(&story, &office, &[numbers[0].expose()]).await;
    let refused = story.start(&office, &leads[..1]).await.of_status(422);
    assert_eq!(refused["success"], false);
    let call = &refused["calls"][0];
    assert_eq!(
        (&call["status"], &call["code"]),
        (&json!("failed"), &json!("do_not_call"))
    );
    assert_eq!(call["error"], "הליד ברשימת אל תתקשרו");
    let both = story.start(&office, &leads).await.of_status(200);
    let codes: Vec<_> = both["calls"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&codes[0]["code"], &codes[1]["status"]),
        (&json!("do_not_call"), &json!("initiated"))
    );
    assert_eq!(dialled(&story, &[numbers[0].expose()]), 0);
}

#[tokio::test(start_paused = true)]
async fn another_business_s_list_bars_nobody() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let listed = [numbers[0].expose(), numbers[1].expose()];
    assert_eq!(add(&story, &other, &listed).await, [2, 0, 0]);
    // It heeds a list of its own, on which they are not.
    add(&story, &office, &["0501112233"]).await;
    let started = story.start(&office, &leads).await.of_status(200);
    assert_eq!(started["message"], "הופעלו 2 שיחות מתוך 2");
}

#[tokio::test(start_paused = true)]
async fn every_call_says_when_the_list_was_checked() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    let run = story.start_run(&office, &leads[..4]).await;
    story.end_of(&office, run, Duration::from_secs(120)).await;
    add(&story, &office, &[numbers[4].expose()]).await;
    let barred = story.start_run(&office, &leads[4..]).await;
    story.end_of(&office, barred, Duration::from_secs(60)).await;
    for lead in &leads[..4] {
        let record = story.record(&office, *lead).await;
        // Claimed and checked in one decision.
        assert!(record["started_at"].is_string());
        assert_eq!(record["do_not_call_checked_at"], record["started_at"]);
    }
    let record = story.record(&office, leads[4]).await;
    assert_eq!(record["error"], "do_not_call");
    assert!(record["started_at"].is_string());
    assert_eq!(record["do_not_call_checked_at"], record["started_at"]);
    let path = format!("/api/outbound/runs/{run}/calls");
    let rows = story.get(&office, &path).await.of_status(200);
    for row in rows["items"].as_array().unwrap() {
        assert_eq!(row["do_not_call_checked_at"], row["started_at"], "{row}");
        assert!(row["started_at"].is_string());
    }
    let csv = story.get(&office, &format!("{path}?format=csv")).await;
    let lines: Vec<&str> = csv.text.lines().collect();
    assert!(
        lines[0].ends_with(",error,do_not_call_checked_at"),
        "{}",
        lines[0]
    );
    let first = rows["items"][0]["started_at"].as_str().unwrap();
    assert!(lines[1].ends_with(&format!(",,{first}")), "{}", lines[1]);
    let path = format!("/api/outbound/leads/{}/calls", leads[0]);
    let of_lead = story.get(&office, &path).await.of_status(200);
    assert_eq!(of_lead["items"][0]["do_not_call_checked_at"], first);
}
