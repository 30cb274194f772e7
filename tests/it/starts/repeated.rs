//! The same request again: with an `Idempotency-Key` it starts what it starts once.

use std::time::Duration;

use futures::future::{join, join_all};
use futures::poll;
use http::Method;
use serde_json::{Value, json};

use super::{ENQUEUE, START};
use crate::story::Setting;

#[tokio::test(start_paused = true)]
async fn a_repeated_request_gets_the_first_answer_again() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 10).await;
    let bodies = [
        ("calls", START, json!({ "lead_ids": leads[..3] })),
        ("run", START, json!({ "lead_ids": leads[3..7] })),
        ("small-run", ENQUEUE, json!({ "lead_ids": leads[7..] })),
    ];
    for (key, path, body) in &bodies {
        let first = story.post_keyed(&office, path, key, body).await;
        assert!(first.status.is_success(), "{key}: {}", first.text);
        for seconds in [0, 100, 3_600] {
            story.wait(seconds).await;
            let again = story.post_keyed(&office, path, key, body).await;
            assert_eq!(
                (again.status, again.body),
                (first.status, first.body.clone()),
                "{key}"
            );
        }
    }
    assert_eq!(story.assert_promise(3).calls.len(), 10);
    assert_eq!(story.run_count(&office).await, 2);
}

#[tokio::test(start_paused = true)]
async fn two_requests_at_once_with_one_key_start_one_set_of_calls() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 10).await;
    for (key, leads) in [("calls", &leads[..3]), ("run", &leads[3..])] {
        let body = json!({ "lead_ids": leads });
        let post = || story.post_keyed(&office, START, key, &body);
        let (one, other) = Box::pin(join(post(), post())).await;
        assert!(one.status.is_success(), "{key}: {}", one.text);
        assert_eq!((one.status, one.body), (other.status, other.body), "{key}");
        story.wait(100).await;
    }
    assert_eq!(story.assert_promise(3).calls.len(), 10);
    assert_eq!(story.run_count(&office).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_while_another_with_its_key_is_answered_gets_the_same_answer() {
    // The first start takes all slots at each moment of the second.
    for turns in 0.. {
        let mut story = Setting::plain().begin().await;
        let office = story.open(2).await;
        let leads = story.import(&office, 2).await;
        let body = json!({ "lead_ids": leads });
        let post = || story.post_keyed(&office, START, "k", &body);
        let mut slow = Box::pin(post());
        let mut is_over = false;
        for _ in 0..turns {
            is_over = is_over || poll!(slow.as_mut()).is_ready();
            tokio::task::yield_now().await;
        }
        if is_over {
            assert!(turns > 5, "there is something to be late for");
            break;
        }
        let first = post().await;
        let second = slow.await;
        assert_eq!(first.status, 200, "at {turns}: {}", first.text);
        let answers = (second.status, second.body);
        assert_eq!(answers, (first.status, first.body), "at {turns}");
        story.wait(60).await;
        assert_eq!(story.assert_promise(2).calls.len(), 2, "at {turns}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_answer_says_of_each_lead_that_was_not_called_why() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 3).await;
    story.set_phone(&office, leads[1], None).await;
    let same = Some(numbers[0].expose());
    story.set_phone(&office, leads[2], same).await;
    let body = json!({ "lead_ids": leads });
    let post = || story.post_keyed(&office, START, "k", &body);
    let codes = |answer: &Value| [1, 2].map(|place| answer["calls"][place]["code"].clone());
    let first = post().await.of_status(200);
    assert_eq!(codes(&first), ["no_phone", "already_in_call"]);
    assert_eq!(post().await.of_status(200), first);
    let path = format!("/api/outbound/import-leads/{}", leads[2]);
    let gone = story.send(&office.key, Method::DELETE, &path, Value::Null);
    gone.await.of_status(200);
    let again = post().await.of_status(200);
    assert_eq!(codes(&again), ["no_phone", "lead_deleted"]);
    assert_eq!(again["calls"][0], first["calls"][0]);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_answer_names_the_bar_that_kept_a_lead_from_being_called() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let listed = json!({ "phone": numbers[1].expose() });
    let added = story.post(&office, "/api/outbound/do-not-call", listed);
    assert!(added.await.status.is_success());
    let body = json!({ "lead_ids": leads });
    let post = || story.post_keyed(&office, START, "k", &body);
    let first = post().await.of_status(200);
    assert_eq!(first["calls"][1]["code"], "do_not_call");
    assert_eq!(post().await.of_status(200)["calls"], first["calls"]);
    // Whoever has been called since keeps the answer; the other is judged anew.
    let elsewhere = json!({ "destinations": ["FR"] });
    let set = story.send_as_system(&office, Method::PUT, "/api/business", elsewhere);
    set.await.of_status(200);
    let entries = story
        .get(&office, "/api/outbound/do-not-call")
        .await
        .of_status(200);
    let path = format!(
        "/api/outbound/do-not-call/{}",
        entries["items"][0]["id"].as_str().expect("an id")
    );
    let lifted = story.send(&office.key, Method::DELETE, &path, Value::Null);
    lifted.await.of_status(200);
    let again = post().await.of_status(200);
    assert_eq!(again["calls"][0], first["calls"][0]);
    assert_eq!(again["calls"][1]["code"], "destination_not_allowed");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_good_for_one_request_only() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 8).await;
    let body = json!({ "lead_ids": leads[..4] });
    story
        .post_keyed(&office, START, "k", &body)
        .await
        .of_status(201);
    for (path, body) in [
        (START, json!({ "lead_ids": leads[4..] })),
        (START, json!({ "lead_ids": leads[4..5] })),
        (START, json!({ "lead_ids": leads[..4], "concurrency": 2 })),
        (ENQUEUE, body),
    ] {
        let answer = story.post_keyed(&office, path, "k", &body).await;
        answer.assert_refused(409, "idempotency_key_reused");
    }
    // The keys of another business are its own.
    let neighbour = story.open(3).await;
    let theirs = story.import(&neighbour, 1).await;
    story
        .post_keyed(&neighbour, START, "k", &json!({ "lead_ids": theirs }))
        .await
        .of_status(200);
    story.wait(200).await;
    assert_eq!(story.assert_promise(3).calls.len(), 5);
    assert_eq!(story.run_count(&office).await, 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_day_a_key_starts_anew() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    let body = json!({ "lead_ids": leads });
    let first = story
        .post_keyed(&office, START, "k", &body)
        .await
        .of_status(200);
    story.wait(60).await;
    let day = Duration::from_secs(24 * 3_600);
    tokio::time::advance(day - Duration::from_secs(120)).await;
    let again = story
        .post_keyed(&office, START, "k", &body)
        .await
        .of_status(200);
    assert_eq!((&again, story.truth().calls.len()), (&first, 3));
    tokio::time::advance(Duration::from_secs(120)).await;
    let anew = story
        .post_keyed(&office, START, "k", &body)
        .await
        .of_status(200);
    assert_ne!(call_ids(&anew), call_ids(&first));
    let again = story
        .post_keyed(&office, START, "k", &body)
        .await
        .of_status(200);
    assert_eq!(again, anew, "the new start is remembered in its turn");
    story.wait(60).await;
    assert_eq!(story.assert_promise(3).calls.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_refused_may_be_repeated_with_its_key() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 6).await;
    story.start(&office, &leads[..3]).await.of_status(200);
    let body = json!({ "lead_ids": leads[3..] });
    let refused = story.post_keyed(&office, START, "k", &body).await;
    refused.assert_refused(429, "slots_busy");
    story.wait(60).await;
    let answer = story
        .post_keyed(&office, START, "k", &body)
        .await
        .of_status(200);
    assert_eq!(call_ids(&answer).len(), 3);
    assert_eq!(story.assert_promise(3).calls.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_nobody_would_make_is_refused() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    let body = json!({ "lead_ids": leads });
    for key in ["", &"k".repeat(256)] {
        let answer = story.post_keyed(&office, START, key, &body).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some("idempotency-key")
        );
    }
    assert_eq!(story.truth().creates.len(), 0);
    story
        .post_keyed(&office, START, &"k".repeat(255), &body)
        .await
        .of_status(200);
}

fn call_ids(answer: &Value) -> Vec<&str> {
    let calls = answer["calls"].as_array().expect("calls").iter();
    calls
        .map(|call| call["call_id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn starts_of_one_list_at_once_are_runs_of_their_own_each_under_its_key() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    story.import(&office, 4).await;
    let body = json!({ "list_id": 1 });
    let keys = ["a", "b", "c", "d"];
    let start = |key: &'static str| story.post_keyed(&office, START, key, &body);
    let first: Vec<Value> = join_all(keys.map(start))
        .await
        .into_iter()
        .map(|it| it.body)
        .collect();
    let mut runs: Vec<u64> = first
        .iter()
        .map(|it| it["run_id"].as_u64().unwrap())
        .collect();
    runs.sort_unstable();
    assert_eq!(runs, [1, 2, 3, 4]);
    let again = join_all(keys.map(start))
        .await
        .into_iter()
        .map(|it| it.body);
    assert_eq!(again.collect::<Vec<_>>(), first);
    assert_eq!(story.run_count(&office).await, 4);
}
