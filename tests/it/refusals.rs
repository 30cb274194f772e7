//! Refusals: every one has its code and a text for a person, and none tells of the inside.

use bytes::Bytes;
use http::Method;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story};

/// Sends any body as this office, in this language.
async fn send(
    story: &Story,
    office: &Office,
    language: &str,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Answer {
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("accept-language", language),
    ];
    story.send_with(method, path, &headers, body).await
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leads_nowhere_is_404() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for path in [
        "/",
        "/api",
        "/api/outbound",
        "/api/outbound/runs/1/2",
        "/api/business/",
        "/x",
    ] {
        story
            .get(&office, path)
            .await
            .assert_refused(404, "not_found");
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_that_a_path_does_not_take_is_405() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let keys = format!("/api/businesses/{}/keys", office.id);
    for (method, path) in [
        (Method::GET, "/api/outbound_calls/start"),
        (Method::PUT, "/api/outbound/bulk-enqueue"),
        (Method::POST, "/api/outbound_calls/counts"),
        (Method::DELETE, "/api/outbound/runs/1"),
        (Method::POST, "/api/outbound/runs"),
        (Method::POST, "/api/outbound/runs/1/calls"),
        (Method::POST, "/api/outbound/bulk/active"),
        (Method::POST, "/api/outbound/recent-calls"),
        (Method::GET, "/api/outbound/stop-queue"),
        (Method::GET, "/api/outbound/cleanup-stuck-jobs"),
        (Method::PUT, "/api/outbound/import-leads"),
        (Method::GET, "/api/outbound/import-leads/1"),
        (Method::DELETE, "/api/outbound/import-leads/bulk-delete"),
        (Method::POST, "/api/outbound/import-lists"),
        (Method::POST, "/api/business"),
        (Method::GET, "/api/businesses"),
        (Method::PUT, &keys),
        (Method::GET, &format!("{keys}/0123456789abcdef")),
        (Method::POST, "/healthz"),
    ] {
        let answer = story.send(&office.key, method, path, Value::Null).await;
        answer.assert_refused(405, "method_not_allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_gets_an_answer_about_health() {
    let story = Setting::plain().begin().await;
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(
            story.send_with(method, "/healthz", &[], "").await.status,
            200
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_413() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let huge = Bytes::from(vec![b' '; 2 * 1024 * 1024 + 1]);
    for (method, path) in [
        (Method::POST, "/api/outbound_calls/start"),
        (Method::POST, "/api/outbound/bulk-enqueue"),
        (Method::POST, "/api/outbound/stop-queue"),
        (Method::POST, "/api/outbound/import-leads/bulk-delete"),
        (Method::PUT, "/api/business"),
        (Method::POST, &format!("/api/businesses/{}/keys", office.id)),
    ] {
        let answer = send(&story, &office, "he", method, path, huge.clone()).await;
        answer.assert_refused(413, "too_large");
    }
    let import = Bytes::from(vec![b' '; 6 * 1024 * 1024 + 1]);
    let path = "/api/outbound/import-leads";
    send(&story, &office, "he", Method::POST, path, import)
        .await
        .assert_refused(413, "too_large");
    // In base64, as a file comes to the function, these are more than six.
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "multipart/form-data; boundary=x"),
    ];
    let file = Bytes::from(vec![b' '; 5 * 1024 * 1024]);
    story
        .send_with(Method::POST, path, &headers, file)
        .await
        .assert_refused(413, "too_large");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_json_is_400_and_starts_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    story.import(&office, 1).await;
    for body in [
        "",
        "{",
        "{\"lead_ids\": [1]",
        "lead_ids=1",
        "{\"lead_ids\": [1]} {}",
        "\u{0}",
    ] {
        for path in [
            "/api/outbound_calls/start",
            "/api/outbound/bulk-enqueue",
            "/api/outbound/stop-queue",
            "/api/outbound/import-leads/bulk-delete",
        ] {
            let answer = send(&story, &office, "he", Method::POST, path, body).await;
            answer.assert_refused(400, "bad_json");
            assert_eq!(answer.body["error"], "גוף הבקשה אינו JSON תקין");
        }
        let path = "/api/business";
        let answer = send(&story, &office, "he", Method::PUT, path, body).await;
        answer.assert_refused(400, "bad_json");
    }
    assert_eq!(story.truth().creates.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_type_is_named_by_its_field_and_starts_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    story.import(&office, 1).await;
    let start = "/api/outbound_calls/start";
    let stop = "/api/outbound/stop-queue";
    for (path, body, field) in [
        (start, json!({ "lead_ids": "1" }), "lead_ids"),
        (start, json!({ "lead_ids": [1, "2"] }), "lead_ids[1]"),
        (start, json!({ "lead_ids": [1.5] }), "lead_ids[0]"),
        (start, json!({ "lead_ids": [1, 0] }), "lead_ids[1]"),
        (start, json!({ "lead_ids": [-1] }), "lead_ids[0]"),
        (
            start,
            json!({ "lead_ids": [4_294_967_296_u64] }),
            "lead_ids[0]",
        ),
        (
            start,
            json!({ "lead_ids": [1], "concurrency": "2" }),
            "concurrency",
        ),
        (
            start,
            json!({ "lead_ids": [1], "when_full": "wait" }),
            "when_full",
        ),
        (start, json!({ "lead_ids": [1], "list_id": 1 }), "list_id"),
        (start, json!({ "list_id": "1" }), "list_id"),
        (stop, json!({ "run_id": "1" }), "run_id"),
        (stop, json!({ "run_id": -1 }), "run_id"),
        (stop, json!({ "run_id": 1, "hang_up": 1 }), "hang_up"),
    ] {
        let answer = story.post(&office, path, body.clone()).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{body}"
        );
    }
    assert_eq!(story.truth().creates.len(), 0);
}

/// Checks the text of one answer, in Hebrew and in English.
async fn check_texts(
    story: &Story,
    office: &Office,
    (method, path, body): (Method, &str, &str),
    hebrew: &str,
    english: &str,
) {
    for (language, expected) in [
        ("", hebrew),
        ("he-IL,en;q=0.5", hebrew),
        ("en", english),
        ("en-US,en;q=0.9,he;q=0.8", english),
    ] {
        let (method, body) = (method.clone(), body.to_owned());
        let answer = send(story, office, language, method, path, body).await;
        let is_fine = answer.body["success"] == true;
        let text = if is_fine { "message" } else { "error" };
        assert_eq!(answer.body[text], expected, "{path} {language}");
    }
}

#[tokio::test(start_paused = true)]
async fn texts_are_english_for_whoever_reads_english() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    story.import(&office, 3).await;
    let (start, stop) = ("/api/outbound_calls/start", "/api/outbound/stop-queue");
    let get = |path| (Method::GET, path, "");
    let check = async |request, hebrew, english| {
        check_texts(&story, &office, request, hebrew, english).await;
    };
    check(get("/nowhere"), "לא נמצא", "not found").await;
    let run = get("/api/outbound/runs/9");
    check(run, "הרצה לא נמצאה", "run not found").await;
    let hebrew = "הפעולה אינה נתמכת בכתובת זו";
    check(get(start), hebrew, "the method is not allowed here").await;
    let nobody = (Method::POST, start, r#"{"lead_ids":[]}"#);
    check(nobody, "יש לבחור לפחות ליד אחד", "select at least one lead").await;
    let nothing = (Method::POST, stop, "{}");
    check(nothing, "חסר run_id", "run_id is missing").await;
    let all = (Method::POST, start, r#"{"lead_ids":[1,2,3]}"#);
    let hebrew = "הופעלו 3 שיחות בתור (1 במקביל)";
    check(all, hebrew, "Queued 3 calls (1 at a time)").await;

    let nobody = Office {
        key: "rf_x_y".to_owned(),
        ..office.clone()
    };
    let (hebrew, english) = ("נדרש מפתח API תקין", "a valid API key is required");
    check_texts(&story, &nobody, get("/api/business"), hebrew, english).await;
}

/// Makes the database fail at every one of these operations.
fn fail(story: &Story, operations: &[&'static str]) {
    for operation in operations {
        let kind = FaultKind::Unavailable(Side::Before);
        let (operation, when) = (Some(*operation), When::Share(1.0));
        story.stack.plan.dynamo.faults().plan(StoreFault {
            operation,
            kind,
            when,
        });
    }
}

#[track_caller]
fn assert_tells_nothing(answer: &Answer) {
    assert_eq!(answer.status, 500, "{}", answer.text);
    answer.assert_refused(500, "internal");
    assert_eq!(answer.body["error"], "אירעה שגיאה פנימית");
    let told = answer.text.to_lowercase();
    for inside in [
        "dynamo",
        "ringfence",
        "biz#",
        "expression",
        "item",
        "sdk",
        "::",
        "failed to",
    ] {
        assert!(!told.contains(inside), "{}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn an_internal_failure_tells_a_request_id_and_nothing_of_the_inside() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 4).await;
    let run = story.start_run(&office, &leads).await;
    for (method, path, body) in [
        (Method::GET, "/api/outbound/recent-calls", Value::Null),
        (Method::GET, "/api/outbound/runs", Value::Null),
        (Method::GET, "/api/outbound/import-leads", Value::Null),
        (Method::GET, "/api/outbound/import-lists", Value::Null),
        (
            Method::POST,
            "/api/outbound_calls/start",
            json!({ "lead_ids": leads }),
        ),
        (
            Method::POST,
            "/api/outbound/stop-queue",
            json!({ "run_id": run }),
        ),
        (
            Method::POST,
            "/api/outbound/import-leads",
            json!([{ "phone": "0501234567" }]),
        ),
        (Method::PUT, "/api/business", json!({ "name": "X" })),
    ] {
        // Not `GetItem`, by which the key is looked up.
        let writes = [
            "PutItem",
            "UpdateItem",
            "TransactWriteItems",
            "BatchWriteItem",
        ];
        fail(&story, &writes);
        fail(&story, &["Query", "BatchGetItem"]);
        let answer = story.send(&office.key, method, path, body).await;
        story.stack.plan.dynamo.faults().reset(0);
        assert_tells_nothing(&answer);
        assert!(
            !answer.body["request_id"].as_str().unwrap().is_empty(),
            "{path}"
        );
    }
    fail(&story, &["GetItem"]);
    assert_tells_nothing(&story.get(&office, "/api/outbound_calls/counts").await);
}
