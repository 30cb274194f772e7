//! Keys: who may come in, what for, and that no secret stays with us.

use http::Method;
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
    story.get(&agent, COUNTS).await.of_status(200);
    let path = format!("/api/businesses/{}/keys/{id}", office.id);
    let revoke = async || {
        story
            .send(&office.key, Method::DELETE, &path, Value::Null)
            .await
    };
    assert_eq!(revoke().await.of_status(200)["success"], true);
    story
        .get(&agent, COUNTS)
        .await
        .assert_refused(401, "unauthorized");
    revoke().await.assert_refused(404, "not_found");
    story.get(&office, COUNTS).await.of_status(200);
    let listed = story
        .get(&office, &format!("/api/businesses/{}/keys", office.id))
        .await;
    assert_eq!(listed.of_status(200)["items"].as_array().unwrap().len(), 1);
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
    assert_eq!(fields, ["created_at", "key_id", "role"]);

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
