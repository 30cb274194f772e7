//! Erasing a person whatever else happens at that moment, and whatever was known before.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::objects::BUCKET;
use ringfence_local::aws::trap::{CrashPoint, Side};
use ringfence_local::environment::Environment;
use ringfence_local::event::{lambda_request, payload};
use serde_json::{Value, json};

use super::PATH;
use crate::story::{Answer, Office, Setting, Story};

const DO_NOT_CALL: &str = "/api/outbound/do-not-call";

fn path_of(lead: u64) -> String {
    format!("/api/outbound/leads/{lead}/erase")
}

async fn erase(story: &Story, office: &Office, lead: u64) -> Answer {
    story.post(office, &path_of(lead), Value::Null).await
}

async fn delete(story: &Story, office: &Office, lead: u64) {
    let path = format!("{PATH}/{lead}");
    let deleted = story.send(&office.key, Method::DELETE, &path, Value::Null);
    deleted.await.of_status(200);
}

/// Imports a number again and returns its lead.
async fn import_again(story: &Story, office: &Office, name: &str, phone: &str) -> u64 {
    let rows = json!([{ "name": name, "phone": phone }]);
    let imported = story.post(office, PATH, rows).await.of_status(200);
    let list = imported["list_id"].as_u64().expect("a list");
    story.lead_ids(office, list).await[0]
}

/// How often a text is anywhere in the table.
async fn traces(story: &Story, text: &str) -> usize {
    let (client, mut from, mut found) = (story.stack.plan.dynamo.client(), None, 0);
    loop {
        let page = client
            .scan()
            .table_name(&story.stack.plan.table)
            .set_exclusive_start_key(from)
            .send()
            .await
            .expect("the story has it");
        found += format!("{:?}", page.items()).matches(text).count();
        from = page.last_evaluated_key;
        if from.is_none() {
            return found;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_known_of_the_number_under_another_lead_is_erased_too() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let number = numbers[0].expose();
    story.start(&office, &leads).await.of_status(200);
    story.wait(60).await;
    delete(&story, &office, leads[0]).await;
    let again = import_again(&story, &office, "Once more", number).await;
    assert!(traces(&story, number).await > 1);
    let erased = erase(&story, &office, again).await.of_status(200);
    let told = json!({ "success": true, "complete": true, "lead_erased": true, "calls_erased": 1 });
    assert_eq!(erased, told);
    assert_eq!(traces(&story, number).await, 0);
    assert_eq!(traces(&story, "Once more").await, 0);
    // Not so whoever was called beside.
    assert!(traces(&story, numbers[1].expose()).await > 1);
    erase(&story, &office, 999)
        .await
        .assert_refused(404, "lead_not_found");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_listed_and_no_lead_is_erased_by_the_entry_and_stays_barred() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 1).await;
    let number = numbers[0].expose();
    story.start(&office, &leads).await.of_status(200);
    story.wait(60).await;
    delete(&story, &office, leads[0]).await;
    let body = json!({ "phone": number, "reason": "asked by Dana", "source": "form" });
    story.post(&office, DO_NOT_CALL, body).await.of_status(200);
    let list = story.get(&office, DO_NOT_CALL).await.of_status(200);
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{DO_NOT_CALL}/{id}/erase");
    let erased = story.post(&office, &path, Value::Null).await.of_status(200);
    let told =
        json!({ "success": true, "complete": true, "lead_erased": false, "calls_erased": 1 });
    assert_eq!(erased, told);
    assert_eq!(traces(&story, number).await, 0);
    assert_eq!(traces(&story, "Dana").await, 0);
    let lead = import_again(&story, &office, "Again", number).await;
    let refused = story.start(&office, &[lead]).await.of_status(422);
    assert_eq!(refused["calls"][0]["code"], "do_not_call");
    for id in ["x", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let path = format!("{DO_NOT_CALL}/{id}/erase");
        let answer = story.post(&office, &path, Value::Null).await;
        answer.assert_refused(404, "not_found");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_decided_before_the_erasure_and_comes_after_it_is_void() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    let run = story.start_run(&office, &leads).await;
    // The write of the first claims is put off after the leads were looked up for them.
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
    let erased = erase(&story, &office, leads[0]).await.of_status(200);
    assert_eq!(erased["complete"], true);
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!((&end["completed"], &end["failed"]), (&4.into(), &1.into()));
    assert_eq!(
        story.record(&office, leads[0]).await["error"],
        "lead_deleted"
    );
    assert_eq!(traces(&story, numbers[0].expose()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_erasure_at_any_moment_of_a_call_is_refused_or_leaves_nothing() {
    // The first call ends after half a minute; then the second is claimed, and ends.
    let about_the_claim = (0..40).map(|turns| (30, turns));
    let moments = [(29, 0), (31, 0), (59, 0), (61, 0), (90, 0)];
    let (mut refused, mut complete) = (0, 0);
    for (wait, turns) in moments.into_iter().chain(about_the_claim) {
        let mut story = Setting::plain().begin().await;
        let office = story.open(1).await;
        let (leads, numbers) = story.import_numbers(&office, 2).await;
        let run = story.start_run(&office, &leads).await;
        story.wait(wait).await;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let answer = erase(&story, &office, leads[1]).await;
        story.end_of(&office, run, Duration::from_secs(200)).await;
        let at = format!("at {wait}/{turns}");
        if answer.status == 200 && answer.body["complete"] == true {
            complete += 1;
        } else {
            answer.assert_refused(409, "already_in_call");
            refused += 1;
            let again = erase(&story, &office, leads[1]).await.of_status(200);
            assert_eq!(again["complete"], true, "{at}");
        }
        assert_eq!(traces(&story, numbers[1].expose()).await, 0, "{at}");
    }
    assert!(refused > 2 && complete > 2, "{refused}, {complete}");
}

/// Erases as a process that dies at `crash`, and says whether it did.
async fn erase_and_die(story: &Story, office: &Office, lead: u64, crash: CrashPoint) -> bool {
    let process = Environment::start(&story.stack.plan);
    process.trap.arm(crash);
    let objects = story.stack.plan.objects.client_with(&process.trap);
    let store = leads::store::Store::new(&objects, BUCKET);
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(path_of(lead))
        .body(Bytes::new())
        .expect("the story is well-formed");
    let now = (story.stack.plan.clock)();
    let context = json!({ "role": "admin", "key_id": "k", "business": office.id.as_str() });
    let route = "POST /api/outbound/leads/{lead_id}/erase";
    let payload = payload(&request, route, context.as_object(), now);
    let event = lambda_request(&payload.expect("the story is well-formed"));
    let event = event.expect("the story is well-formed");
    tokio::select! {
        _ = leads::handle(&process.world, &store, 5_000, now, event) => false,
        () = process.trap.sprung() => true,
    }
}

#[tokio::test(start_paused = true)]
async fn an_erasure_that_died_anywhere_is_finished_by_the_next() {
    let mut deaths = 0;
    for nth in 1..100 {
        let mut died = false;
        for side in [Side::Before, Side::After] {
            let mut story = Setting::plain().begin().await;
            let office = story.open(3).await;
            let (leads, numbers) = story.import_numbers(&office, 1).await;
            let number = numbers[0].expose();
            // Two calls under a lead that is gone, and one under that which is erased.
            for _ in 0..2 {
                story.start(&office, &leads).await.of_status(200);
                story.wait(60).await;
            }
            delete(&story, &office, leads[0]).await;
            let lead = import_again(&story, &office, "Dana", number).await;
            story.start(&office, &[lead]).await.of_status(200);
            story.wait(60).await;
            let body = json!({ "phone": number, "reason": "asked" });
            story.post(&office, DO_NOT_CALL, body).await.of_status(200);
            if !erase_and_die(&story, &office, lead, CrashPoint { nth, side }).await {
                continue;
            }
            died = true;
            deaths += 1;
            let again = erase(&story, &office, lead).await.of_status(200);
            assert_eq!(again["complete"], true, "{nth} {side:?}");
            assert_eq!(traces(&story, number).await, 0, "{nth} {side:?}");
            assert_eq!(traces(&story, "Dana").await, 0, "{nth} {side:?}");
            assert_eq!(traces(&story, "ERASURE#").await, 0, "{nth} {side:?}");
        }
        if !died {
            break;
        }
    }
    assert!(deaths > 20, "{deaths}");
}
