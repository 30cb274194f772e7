//! Businesses are kept apart: another's does not exist, and only the system's
//! administrator says which one is meant.

use http::Method;
use ringfence_shell::secrets::ApiKey;
use serde_json::{Value, json};

use crate::story::{Office, Setting, Story};

const COUNTS: &str = "/api/outbound_calls/counts";

#[tokio::test(start_paused = true)]
async fn the_system_admin_names_the_business() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let bearer = format!("Bearer {}", story.system_key);
    let ask = async |business: Option<&str>, path: &str| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(business.map(|id| ("X-Business-Id", id)));
        story.send_with(Method::GET, path, &headers, "").await
    };
    for path in [
        COUNTS,
        "/api/business",
        "/api/outbound/runs",
        "/api/outbound/runs/1",
        "/api/outbound/bulk/active",
        "/api/outbound/recent-calls",
        "/api/outbound/import-leads",
        "/api/outbound/import-lists",
    ] {
        for business in [None, Some(""), Some("no such id!")] {
            let answer = ask(business, path).await;
            assert_eq!(
                answer.assert_refused(400, "bad_field"),
                Some("x-business-id"),
                "{path}"
            );
        }
    }
    assert_eq!(
        ask(Some(office.id.as_str()), COUNTS).await.of_status(200)["max_outbound"],
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_business_that_is_not_there_is_404_whatever_is_asked_of_it() {
    let story = Setting::plain().begin().await;
    let nowhere = Office {
        id: "b0123456789".parse().unwrap(),
        key: String::new(),
    };
    let keys = format!("/api/businesses/{}/keys", nowhere.id);
    let leads = json!({ "lead_ids": [1] });
    for (method, path, body) in [
        (Method::GET, COUNTS, Value::Null),
        (Method::GET, "/api/business", Value::Null),
        (Method::PUT, "/api/business", json!({ "name": "X" })),
        (Method::GET, &keys, Value::Null),
        (Method::POST, &keys, json!({ "role": "agent" })),
        (Method::GET, "/api/outbound/runs", Value::Null),
        (Method::GET, "/api/outbound/runs/1", Value::Null),
        (Method::GET, "/api/outbound/runs/1/calls", Value::Null),
        (Method::GET, "/api/outbound/bulk/active", Value::Null),
        (Method::GET, "/api/outbound/recent-calls", Value::Null),
        (Method::GET, "/api/outbound/import-leads", Value::Null),
        (Method::GET, "/api/outbound/import-lists", Value::Null),
        (
            Method::POST,
            "/api/outbound/import-leads",
            json!([["0501234567"]]),
        ),
        (
            Method::POST,
            "/api/outbound/stop-queue",
            json!({ "run_id": 1 }),
        ),
        (Method::POST, "/api/outbound_calls/start", leads.clone()),
        (Method::POST, "/api/outbound/bulk-enqueue", leads.clone()),
        (
            Method::POST,
            "/api/outbound/cleanup-stuck-jobs",
            Value::Null,
        ),
    ] {
        let answer = story.send_as_system(&nowhere, method, path, body).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert_eq!(answer.body["success"], false, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_header_does_not_lead_an_admin_into_another_business() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(2).await, story.open(5).await);
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-business-id", other.id.as_str()),
    ];
    let answer = story.send_with(Method::GET, COUNTS, &headers, "").await;
    assert_eq!(answer.of_status(200)["max_outbound"], 2);
}

/// Checks that asking for another's is as asking for what nobody has.
async fn check(story: &Story, office: &Office, method: Method, others: &str, nobodys: &str) {
    let body = json!({ "role": "agent" });
    let answer = story
        .send(&office.key, method.clone(), others, body.clone())
        .await;
    assert_eq!(answer.status, 404, "{others}: {}", answer.text);
    let absent = story.send(&office.key, method, nobodys, body).await;
    assert_eq!(
        (answer.status, answer.text),
        (absent.status, absent.text),
        "{others}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_another_business_does_not_exist() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let leads = story.import(&other, 8).await;
    let run = story.start_run(&other, &leads).await;
    let runs = "/api/outbound/runs";
    check(
        &story,
        &office,
        Method::GET,
        &format!("{runs}/{run}"),
        &format!("{runs}/77"),
    )
    .await;
    let (others, nobodys) = (format!("{runs}/{run}/calls"), format!("{runs}/77/calls"));
    check(&story, &office, Method::GET, &others, &nobodys).await;
    let path = "/api/outbound/import-leads";
    let (others, nobodys) = (format!("{path}/{}", leads[0]), format!("{path}/77"));
    check(&story, &office, Method::DELETE, &others, &nobodys).await;

    let stop = story
        .post(
            &office,
            "/api/outbound/stop-queue",
            json!({ "run_id": run }),
        )
        .await;
    stop.assert_refused(404, "run_not_found");
    let start = story.start(&office, &leads).await;
    start.assert_refused(404, "leads_not_found");
    assert_eq!(start.body["missing"], json!(leads));
    let list = json!({ "list_id": 1 });
    let start = story.post(&office, "/api/outbound_calls/start", list).await;
    start.assert_refused(404, "list_not_found");
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(story.run(&other, run).await["status"], "running");
    assert_eq!(story.lead_ids(&other, 1).await, leads);
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_another_business_do_not_exist() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let key = ApiKey::parse(&other.key).unwrap().key_id;
    let keys = |business: &str| format!("/api/businesses/{business}/keys");
    let (others, nobodys) = (keys(other.id.as_str()), keys("b0123456789"));
    check(&story, &office, Method::GET, &others, &nobodys).await;
    check(&story, &office, Method::POST, &others, &nobodys).await;
    let one = |of: &str| format!("{of}/{key}");
    check(
        &story,
        &office,
        Method::DELETE,
        &one(&others),
        &one(&nobodys),
    )
    .await;
    let own = keys(office.id.as_str());
    let absent = format!("{own}/0123456789abcdef");
    check(&story, &office, Method::DELETE, &one(&own), &absent).await;
    let listed = story.get(&other, &others).await.of_status(200);
    assert_eq!(
        listed["items"].as_array().unwrap().len(),
        1,
        "the key is still there"
    );
}
