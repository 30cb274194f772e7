//! Keys: who may come in, what for, and that no secret stays with us.

use std::collections::BTreeMap;
use std::time::Duration;

use authorizer::REMEMBERED_FOR;
use http::Method;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;
use ringfence_shell::secrets::ApiKey;
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story};

const COUNTS: &str = "/api/outbound_calls/counts";

/// Asks for something with this header, or without any.
async fn knock(story: &Story, authorization: Option<&str>) -> Answer {
    let headers: Vec<_> = authorization
        .map(|value| ("authorization", value))
        .into_iter()
        .collect();
    story.send_with(Method::GET, COUNTS, &headers, "").await
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_in_without_a_key() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let [key, others] = [&office.key, &other.key].map(|key| ApiKey::parse(key).unwrap());
    let others_secret = others.expose().rsplit('_').next().unwrap().to_owned();
    let own_secret = key.expose().rsplit('_').next().unwrap().to_owned();
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer x".to_owned()),
        Some(format!("Basic {}", office.key)),
        Some(office.key.clone()),
        Some(format!("Bearer {}0", office.key)),
        Some(format!("Bearer {}", office.key.to_uppercase())),
        Some(format!("Bearer rf_{}_{others_secret}", key.key_id)),
        Some(format!("Bearer rf_0123456789abcdef_{own_secret}")),
        Some(format!("Bearer rf_{}_", key.key_id)),
        Some(format!("Bearer {} {}", office.key, office.key)),
    ];
    for header in wrong {
        let answer = knock(&story, header.as_deref()).await;
        assert_eq!(
            answer.assert_refused(401, "unauthorized"),
            None,
            "{header:?}"
        );
        assert_eq!(answer.body["error"], "נדרש מפתח API תקין");
    }
    knock(&story, Some(&format!("bearer {}", office.key)))
        .await
        .of_status(200);
}

#[tokio::test(start_paused = true)]
async fn an_agent_starts_and_watches_and_does_nothing_else() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 4).await;
    let agent = Office {
        key: story.key_for(&office, "agent").await,
        ..office.clone()
    };
    let keys = format!("/api/businesses/{}/keys", office.id);
    for (method, path, body) in [
        (Method::GET, "/api/business", Value::Null),
        (Method::PUT, "/api/business", json!({ "name": "X" })),
        (Method::POST, "/api/businesses", json!({ "name": "X" })),
        (Method::POST, &keys, json!({ "role": "admin" })),
        (Method::GET, &keys, Value::Null),
        (
            Method::DELETE,
            &format!("{keys}/0123456789abcdef"),
            Value::Null,
        ),
        (
            Method::POST,
            "/api/outbound/import-leads",
            json!([{ "phone": "0501234567" }]),
        ),
        (
            Method::POST,
            "/api/outbound/import-leads/bulk-delete",
            json!({ "delete_all": true }),
        ),
        (
            Method::DELETE,
            &format!("/api/outbound/import-leads/{}", leads[0]),
            Value::Null,
        ),
        (
            Method::POST,
            "/api/outbound/cleanup-stuck-jobs",
            Value::Null,
        ),
    ] {
        let answer = story.send(&agent.key, method, path, body).await;
        answer.assert_refused(403, "forbidden");
        assert_eq!(answer.body["error"], "אין הרשאה לפעולה זו", "{path}");
    }
    assert_eq!(
        story.lead_ids(&office, 1).await,
        leads,
        "and nothing happened"
    );
    let run = story.start_run(&agent, &leads).await;
    story.run(&agent, run).await;
    let stop = json!({ "run_id": run });
    story
        .post(&agent, "/api/outbound/stop-queue", stop)
        .await
        .of_status(200);
}

/// Revokes a key of an office.
async fn revoke(story: &Story, office: &Office, key_id: &str) -> Answer {
    let path = format!("/api/businesses/{}/keys/{key_id}", office.id);
    story
        .send(&office.key, Method::DELETE, &path, Value::Null)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_no_key() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let key = story.key_for(&office, "agent").await;
    let id = ApiKey::parse(&key).unwrap().key_id;
    let agent = Office {
        key,
        ..office.clone()
    };
    let gone = revoke(&story, &office, &id).await.of_status(200);
    assert_eq!(gone["success"], true);
    story
        .get(&agent, COUNTS)
        .await
        .assert_refused(401, "unauthorized");
    revoke(&story, &office, &id)
        .await
        .assert_refused(404, "not_found");
    story.get(&office, COUNTS).await.of_status(200);
    let listed = story
        .get(&office, &format!("/api/businesses/{}/keys", office.id))
        .await;
    assert_eq!(listed.of_status(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_in_use_is_dead_a_minute_after_it_was_revoked() {
    assert_eq!(REMEMBERED_FOR.as_secs(), 60);
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let key = story.key_for(&office, "agent").await;
    let id = ApiKey::parse(&key).unwrap().key_id;
    let agent = Office {
        key,
        ..office.clone()
    };
    story.get(&agent, COUNTS).await.of_status(200);
    revoke(&story, &office, &id).await.of_status(200);
    story.wait(59).await;
    story.get(&agent, COUNTS).await.of_status(200);
    // Being used does not prolong it.
    story.wait(1).await;
    story
        .get(&agent, COUNTS)
        .await
        .assert_refused(401, "unauthorized");
}

/// When the keys of an office were last used, by key id.
async fn uses(story: &Story, office: &Office) -> BTreeMap<String, Value> {
    let path = format!("/api/businesses/{}/keys", office.id);
    let listed = story
        .send_as_system(office, Method::GET, &path, Value::Null)
        .await
        .of_status(200);
    let items = listed["items"].as_array().expect("the story has it");
    let use_of = |item: &Value| {
        let id = item["key_id"]
            .as_str()
            .expect("the story has it")
            .to_owned();
        (id, item["last_used_at"].clone())
    };
    items.iter().map(use_of).collect()
}

#[tokio::test(start_paused = true)]
async fn a_key_s_last_use_is_known_to_the_hour_and_noted_once_in_it() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let id = ApiKey::parse(&office.key).unwrap().key_id;
    assert_eq!(uses(&story, &office).await[&id], Value::Null);
    let notes = || {
        let usage = story.stack.gateway.api_meter.snapshot();
        usage.by_operation.get("UpdateItem").copied().unwrap_or(0)
    };
    let before = notes();
    // It is 08:53:20.
    for _ in 0..5 {
        story.get(&office, COUNTS).await.of_status(200);
        story.wait(61).await;
    }
    assert_eq!(notes() - before, 1);
    assert_eq!(uses(&story, &office).await[&id], "2025-10-09T08:00:00.000Z");
    story.wait(120).await;
    story.get(&office, COUNTS).await.of_status(200);
    assert_eq!(uses(&story, &office).await[&id], "2025-10-09T09:00:00.000Z");
}

#[tokio::test(start_paused = true)]
async fn a_use_that_cannot_be_noted_turns_nobody_away() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let id = ApiKey::parse(&office.key).unwrap().key_id;
    let faults = story.stack.plan.dynamo.faults().clone();
    faults.plan(StoreFault {
        operation: Some("UpdateItem"),
        kind: FaultKind::Unavailable(Side::Before),
        when: When::Share(1.0),
    });
    let before = tokio::time::Instant::now();
    story.get(&office, COUNTS).await.of_status(200);
    assert!(before.elapsed() <= Duration::from_millis(300));
    faults.reset(0);
    assert_eq!(uses(&story, &office).await[&id], Value::Null);
    story.wait(60).await;
    story.get(&office, COUNTS).await.of_status(200);
    assert_ne!(uses(&story, &office).await[&id], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_admin_makes_keys_for_the_own_business_and_no_higher_ones() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let path = format!("/api/businesses/{}/keys", office.id);
    for role in ["agent", "admin"] {
        let made = story
            .post(&office, &path, json!({ "role": role }))
            .await
            .of_status(201);
        assert_eq!(made["role"], role);
        let key = made["api_key"].as_str().unwrap();
        assert_eq!(ApiKey::parse(key).unwrap().key_id, made["key_id"]);
        story
            .get(
                &Office {
                    key: key.to_owned(),
                    ..office.clone()
                },
                COUNTS,
            )
            .await
            .of_status(200);
    }
    for role in [json!("system_admin"), json!("owner"), json!(1), Value::Null] {
        let answer = story.post(&office, &path, json!({ "role": role })).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some("role"),
            "{role}"
        );
    }
    let answer = story.post(&office, &path, json!({})).await;
    assert_eq!(answer.assert_refused(400, "bad_field"), Some("role"));
    let by_system = story
        .send_as_system(&office, Method::POST, &path, json!({ "role": "admin" }))
        .await
        .of_status(201);
    let listed = story.get(&office, &path).await.of_status(200);
    let ids: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["key_id"])
        .collect();
    assert_eq!(ids.len(), 4);
    assert!(ids.contains(&&by_system["key_id"]));
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_shown_once_and_stored_nowhere() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let key = ApiKey::parse(&story.key_for(&office, "agent").await).unwrap();
    let secret = key.expose().rsplit('_').next().unwrap().to_owned();

    let path = format!("/api/businesses/{}/keys", office.id);
    let listed = story.get(&office, &path).await;
    assert!(listed.text.contains(&key.key_id));
    assert!(!listed.text.contains(&secret));
    let mut fields: Vec<_> = listed.body["items"][0]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["created_at", "key_id", "last_used_at", "role"]);

    let client = story.stack.plan.dynamo.client();
    let table = client
        .scan()
        .table_name(&story.stack.plan.table)
        .send()
        .await
        .unwrap();
    assert!(table.last_evaluated_key.is_none());
    // Binary attributes are shown in hexadecimal, like a secret itself.
    let stored = format!("{:?}", table.items());
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert!(
        stored.contains(&hex(&key.digest())),
        "this is where a secret would be"
    );
    for leaked in [
        secret.clone(),
        secret.to_uppercase(),
        hex(secret.as_bytes()),
    ] {
        assert!(!stored.contains(&leaked), "a secret is stored");
    }
}
