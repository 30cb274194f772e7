//! Deleting a business: never under live calls, at once out of reach, and in the end gone.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join;
use http::Method;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story, phone};

const COUNTS: &str = "/api/outbound_calls/counts";

async fn delete(story: &Story, office: &Office) -> Answer {
    let path = format!("/api/businesses/{}", office.id);
    story
        .send(&story.system_key, Method::DELETE, &path, Value::Null)
        .await
}

/// The keys of what is stored in partitions that begin so.
async fn stored(story: &Story, prefix: &str) -> Vec<String> {
    let client = story.stack.plan.dynamo.client();
    let table = client
        .scan()
        .table_name(&story.stack.plan.table)
        .projection_expression("pk, sk")
        .send()
        .await
        .expect("the story has it");
    assert!(table.last_evaluated_key.is_none());
    let key = |item: &HashMap<String, AttributeValue>| {
        let part = |name: &str| item[name].as_s().expect("the story has it").clone();
        format!("{} {}", part("pk"), part("sk"))
    };
    let mut keys: Vec<_> = table.items().iter().map(key).collect();
    keys.retain(|key| key.starts_with(prefix));
    keys
}

/// A business with leads, a finished run and an agent's key.
async fn worked(story: &mut Story) -> (Office, Office) {
    let office = story.open(3).await;
    let leads = story.import(&office, 5).await;
    story.start_run(&office, &leads).await;
    let agent = Office {
        key: story.key_for(&office, "agent").await,
        ..office.clone()
    };
    (office, agent)
}

#[tokio::test(start_paused = true)]
async fn a_business_with_live_calls_or_runs_is_busy() {
    let mut story = Setting::plain().begin().await;
    let (office, _) = worked(&mut story).await;
    story.wait(5).await;
    let answer = delete(&story, &office).await;
    answer.assert_refused(409, "business_busy");
    assert_eq!(
        (&answer.body["active"], &answer.body["runs"]),
        (&json!(3), &json!(1))
    );
    story.get(&office, COUNTS).await.of_status(200);

    let other = story.open(3).await;
    let leads = story.import(&other, 1).await;
    story.start(&other, &leads).await.of_status(200);
    delete(&story, &other)
        .await
        .assert_refused(409, "business_busy");
    story.wait(200).await;
    assert_eq!(story.truth().calls.len(), 6, "everybody was called");
    delete(&story, &office).await.of_status(200);
    delete(&story, &other).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_business_is_out_of_reach_at_once_and_leaves_a_mark_only() {
    let mut story = Setting::plain().begin().await;
    let (office, agent) = worked(&mut story).await;
    story.wait(200).await;
    story.get(&agent, COUNTS).await.of_status(200);
    let neighbour = story.open(3).await;
    let neighbours = story.import(&neighbour, 2).await;
    let rosters = stored(&story, "ROSTER#").await.len();

    let answer = delete(&story, &office).await.of_status(200);
    assert_eq!(answer, json!({ "success": true, "complete": true }));
    // Its keys are still remembered, and open nothing.
    for path in [COUNTS, "/api/outbound/runs", "/api/outbound/runs/1"] {
        let answer = story.get(&agent, path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
    let keys = format!("/api/businesses/{}/keys", office.id);
    let answer = story
        .send_as_system(&office, Method::POST, &keys, json!({ "role": "admin" }))
        .await;
    answer.assert_refused(404, "not_found");
    story.wait(60).await;
    for key in [&office, &agent] {
        story
            .get(key, COUNTS)
            .await
            .assert_refused(401, "unauthorized");
    }
    let partition = format!("BIZ#{} ", office.id);
    assert_eq!(
        stored(&story, &partition).await,
        [format!("{partition}GONE")]
    );
    assert_eq!(
        stored(&story, "KEY#").await.len(),
        2,
        "neighbour and system"
    );
    let left = stored(&story, "ROSTER#").await.len();
    assert!(left < rosters && left == 1, "{left} of {rosters}");
    delete(&story, &office)
        .await
        .assert_refused(404, "not_found");
    assert_eq!(story.lead_ids(&neighbour, 1).await, neighbours);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_broke_off_is_finished_by_the_next() {
    for operation in ["BatchWriteItem", "Query", "TransactWriteItems"] {
        let mut story = Setting::plain().begin().await;
        let (office, agent) = worked(&mut story).await;
        story.wait(200).await;
        let faults = story.stack.plan.dynamo.faults().clone();
        faults.plan(StoreFault {
            operation: Some(operation),
            kind: FaultKind::Unavailable(Side::Before),
            when: When::Share(1.0),
        });
        let answer = delete(&story, &office).await;
        answer.assert_refused(500, "internal");
        faults.reset(0);
        let status = match operation {
            // It was marked, and its keys were deleted.
            "BatchWriteItem" => 401,
            // It was marked.
            "Query" => 404,
            _ => 200,
        };
        assert_eq!(
            story.get(&agent, COUNTS).await.status,
            status,
            "{operation}"
        );
        let again = delete(&story, &office).await.of_status(200);
        assert_eq!(again["complete"], true, "{operation}");
        let partition = format!("BIZ#{} ", office.id);
        let mark = format!("{partition}GONE");
        assert_eq!(stored(&story, &partition).await, [mark], "{operation}");
        assert_eq!(stored(&story, "ROSTER#").await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_system_admin_deletes_and_only_what_there_is() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    for theirs in [&office, &other] {
        let path = format!("/api/businesses/{}", theirs.id);
        let answer = story
            .send(&office.key, Method::DELETE, &path, Value::Null)
            .await;
        answer.assert_refused(403, "forbidden");
    }
    for id in ["b0123456789", "No-Such-Id", "%20"] {
        let path = format!("/api/businesses/{id}");
        let answer = story
            .send(&story.system_key, Method::DELETE, &path, Value::Null)
            .await;
        answer.assert_refused(404, "not_found");
    }
    story.get(&office, COUNTS).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_deleted_business_is_never_used_again() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let ledger = story.stack.ledger();
    let config = ledger.config(&office.id).await.unwrap().unwrap();
    delete(&story, &office).await.of_status(200);
    let state = ringfence_core::state::State::new(3);
    let made = ledger
        .create_business(&office.id, &config, &state)
        .await
        .unwrap();
    assert_eq!(made, ringfence_ledger::Creation::Exists);
    assert_eq!(ledger.config(&office.id).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_in_the_same_moment_is_deleted_with_the_business() {
    let rows: Vec<Value> = (0..60).map(|at| json!([phone(9_000 + at)])).collect();
    let phones: Vec<String> = (0..60).map(|at| phone(9_000 + at)).collect();
    for (path, body) in [
        ("/api/outbound/import-leads", json!({ "rows": rows })),
        ("/api/outbound/do-not-call", json!({ "phones": phones })),
    ] {
        let (mut before, mut after) = (0, 0);
        for turns in 0..50 {
            let mut story = Setting::plain().begin().await;
            let office = story.open(3).await;
            let deleted = async {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                delete(&story, &office).await
            };
            let stored_now = story.post(&office, path, body.clone());
            let (deleted, answer) = join(Box::pin(deleted), Box::pin(stored_now)).await;
            deleted.of_status(200);
            match answer.status.as_u16() {
                200 => after += 1,
                404 => before += 1,
                _ => panic!("{path} at {turns}: {}", answer.text),
            }
            let mut left = Vec::new();
            for partition in ["BIZ", "LEADS", "DNC"] {
                left.extend(stored(&story, &format!("{partition}#{} ", office.id)).await);
            }
            left.extend(stored(&story, "ROSTER#").await);
            let mark = format!("BIZ#{} GONE", office.id);
            assert_eq!(left, [mark], "{path} at {turns}");
        }
        assert!(before > 2 && after > 2, "{path}: {before}, {after}");
    }
}
