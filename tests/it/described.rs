//! The description is of this API: of all its routes and no others, and true to the contract.

use std::collections::BTreeSet;

use http::Method;
use jsonschema::Validator;
use ringfence_description::document;
use ringfence_local::gateway::{Function, ROUTES};
use serde_json::{Value, json};

use crate::story::Setting;

/// The schema of a JSON answer with this status.
fn answer(document: &Value, method: &str, path: &str, status: &str) -> Value {
    let response = &document["paths"][path][method]["responses"][status];
    response["content"]["application/json"]["schema"].clone()
}

/// The schema of a JSON body.
fn body(document: &Value, method: &str, path: &str) -> Value {
    let body = &document["paths"][path][method]["requestBody"];
    body["content"]["application/json"]["schema"].clone()
}

#[track_caller]
fn assert_valid(schema: &Value, example: &Value) {
    assert!(schema.is_object(), "it is described: {example}");
    let validator: Validator = jsonschema::draft202012::new(schema).expect("it is a schema");
    let problems: Vec<String> = validator
        .iter_errors(example)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{example}\n{}", problems.join("\n"));
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let parts = path
            .split('/')
            .map(|it| if it.starts_with('{') { "*" } else { it });
        let pattern = parts.collect::<Vec<_>>().join("/");
        for method in methods.as_object().expect("methods").keys() {
            described.insert((method.to_uppercase(), pattern.clone()));
        }
    }
    let routes = ROUTES.iter().filter(|(method, _, function)| {
        // Twilio's addresses take other methods only to say that they do not.
        *function != Function::Webhook || *method == "POST"
    });
    let routes: BTreeSet<(String, String)> = routes
        .map(|(method, pattern, _)| ((*method).to_owned(), (*pattern).to_owned()))
        .collect();
    assert_eq!(described, routes);
}

#[tokio::test(start_paused = true)]
async fn a_path_allows_the_methods_that_are_described() {
    let story = Setting::plain().begin().await;
    for (path, methods) in document()["paths"].as_object().expect("paths") {
        let described = methods.as_object().expect("methods").keys();
        let described: BTreeSet<String> = described.map(|it| it.to_uppercase()).collect();
        let parts = path
            .split('/')
            .map(|it| if it.starts_with('{') { "1" } else { it });
        let path = parts.collect::<Vec<_>>().join("/");
        let answer = story.send_with(Method::OPTIONS, &path, &[], "").await;
        answer.assert_refused(405, "method_not_allowed");
        let allowed = answer.headers["allow"].to_str().expect("it is a text");
        let allowed: BTreeSet<String> = allowed.split(", ").map(str::to_owned).collect();
        assert_eq!(allowed, described, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_url_of_a_call_flow_is_taken_and_shown_as_described() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (document, path) = (document(), "/api/business");
    let (taken, shown) = (
        body(&document, "put", path),
        answer(&document, "put", path, "200"),
    );
    let long = |start: &str, length: usize| start.to_owned() + &"0".repeat(length - start.len());
    for (kind, url, is_taken) in [
        ("play", "https://a.example".to_owned(), true),
        ("play", "https://a.example#&".to_owned(), true),
        ("play", "https://a.example/?#&?".to_owned(), true),
        ("redirect", long("https://a.example?", 2_047), true),
        ("redirect", long("https://a.example?", 2_048), false),
        ("redirect", long("https://a.example/", 2_048), true),
        ("redirect", long("https://a.example/", 2_049), false),
        ("stream", "wss://a.example".to_owned(), true),
        ("stream", long("wss://a.example/", 2_048), true),
        ("stream", long("wss://a.example/", 2_049), false),
        ("stream", "wss://a.example/?a=1".to_owned(), false),
        ("play", "http://a.example/".to_owned(), false),
    ] {
        let wish = json!({ "call_flow": { "kind": kind, "url": url } });
        assert_eq!(jsonschema::is_valid(&taken, &wish), is_taken, "{url}");
        let answer = story.send(&office.key, Method::PUT, path, wish).await;
        if is_taken {
            assert_valid(&shown, &answer.of_status(200));
        } else {
            answer.assert_refused(400, "bad_field");
            assert_eq!(answer.body["field"], "call_flow.url");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn anybody_is_served_the_description() {
    let story = Setting::plain().begin().await;
    let served = story.send_with(Method::GET, "/openapi.json", &[], "").await;
    assert_eq!(
        served.headers["content-type"],
        "application/json; charset=utf-8"
    );
    assert!(
        served.of_status(200) == document(),
        "it is what the types say"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one list of cases")]
fn the_answers_of_the_contract_are_as_described() {
    let document = document();
    let start = "/api/outbound_calls/start";
    let run = json!({"run_id": 123, "status": "running", "queued": 50, "in_progress": 3,
        "completed": 45, "failed": 2, "canceled": 0, "total_leads": 100, "concurrency": 3,
        "last_error": null, "created_at": "...", "completed_at": null});
    let call = json!({"call_id": "...", "call_sid": "...", "to_number": "...", "lead_id": 1,
        "lead_name": "...", "run_id": 1, "status": "completed", "started_at": "...",
        "ended_at": null, "duration": 1, "error": null, "do_not_call_checked_at": null});
    let lead = json!({"id": 1, "name": "...", "phone": null, "status": "ready", "notes": null,
        "list_id": 1, "created_at": "..."});
    for (method, path, status, example) in [
        (
            "post",
            start,
            "200",
            json!({"success": true, "message": "הופעלו 3 שיחות מתוך 3",
            "calls": [{"lead_id": 1, "lead_name": "...", "call_id": "...", "call_sid": "CA...",
                "status": "initiated"}]}),
        ),
        (
            "post",
            start,
            "201",
            json!({"success": true,
            "message": "הופעלו 100 שיחות בתור (3 במקביל)", "run_id": 123, "queued": 100,
            "mode": "bulk_queue"}),
        ),
        ("get", "/api/outbound/runs/{run_id}", "200", run.clone()),
        (
            "get",
            "/api/outbound/bulk/active",
            "200",
            json!({"active": true, "run": run}),
        ),
        (
            "get",
            "/api/outbound/bulk/active",
            "200",
            json!({"active": false}),
        ),
        (
            "get",
            "/api/outbound_calls/counts",
            "200",
            json!({"active_outbound": 3, "max_outbound": 3}),
        ),
        (
            "get",
            "/api/outbound/recent-calls",
            "200",
            json!({"page": 1, "page_size": 50,
            "has_more": false, "next_cursor": null, "items": [call]}),
        ),
        (
            "post",
            "/api/outbound/stop-queue",
            "200",
            json!({"success": true,
            "message": "התור נעצר (97 שיחות בוטלו, שיחות פעילות יסתיימו)",
            "cancelled_jobs": 97, "in_progress": 3}),
        ),
        (
            "post",
            "/api/outbound/cleanup-stuck-jobs",
            "200",
            json!({"success": true,
            "cleaned_count": 1, "message": "נוקו 1 משימות תקועות", "still_live": 1,
            "undecided": 0}),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            "200",
            json!({"success": true, "list_id": 1,
            "list_name": "...", "imported_count": 1, "skipped_count": 1, "duplicate_count": 0,
            "errors_sample": ["שורה 3: טלפון לא תקין - ..."],
            "mapping": {"phone": "...", "name": "...", "method": "header", "has_header": true,
                "kind": "csv"}}),
        ),
        (
            "get",
            "/api/outbound/import-leads",
            "200",
            json!({"total": 1, "limit": 5000,
            "page": 1, "page_size": 50, "items": [lead]}),
        ),
        (
            "post",
            "/api/businesses/{business_id}/keys",
            "201",
            json!({"success": true,
            "key_id": "...", "api_key": "...", "role": "agent"}),
        ),
    ] {
        assert_valid(&answer(&document, method, path, status), &example);
    }
}

#[test]
fn the_requests_of_the_contract_are_as_described() {
    let document = document();
    for (method, path, example) in [
        (
            "post",
            "/api/outbound_calls/start",
            json!({"lead_ids": [1, 2]}),
        ),
        (
            "post",
            "/api/outbound_calls/start",
            json!({"list_id": 1, "concurrency": 3, "when_full": "queue"}),
        ),
        (
            "post",
            "/api/outbound/bulk-enqueue",
            json!({"lead_ids": [1], "concurrency": 1}),
        ),
        (
            "post",
            "/api/outbound/bulk-enqueue",
            json!({"outbound_list_id": 1}),
        ),
        (
            "post",
            "/api/outbound/stop-queue",
            json!({"run_id": 123, "hang_up": true}),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            json!([{"phone": "050-1234567"}]),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            json!([["050-1234567", "דנה"]]),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            json!({"rows": [], "list_name": "..."}),
        ),
        (
            "post",
            "/api/outbound/import-leads/bulk-delete",
            json!({"lead_ids": [1]}),
        ),
        (
            "post",
            "/api/outbound/import-leads/bulk-delete",
            json!({"delete_all": true}),
        ),
        (
            "put",
            "/api/business",
            json!({"name": "...", "phone_e164": "+97231234567",
            "limit": 200, "region": "IL", "time_zone": "Asia/Jerusalem",
            "call_flow": {"kind": "say", "text": "שלום"}}),
        ),
        (
            "post",
            "/api/businesses/{business_id}/keys",
            json!({"role": "agent"}),
        ),
    ] {
        assert_valid(&body(&document, method, path), &example);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one list of cases")]
fn the_errors_of_the_contract_are_described() {
    let document = document();
    let start = "/api/outbound_calls/start";
    for (method, path, status, code, details) in [
        (
            "post",
            start,
            "400",
            "no_leads",
            json!({"field": "lead_ids"}),
        ),
        (
            "post",
            start,
            "404",
            "leads_not_found",
            json!({"missing": [7]}),
        ),
        ("post", start, "400", "no_business_phone", json!({})),
        (
            "post",
            start,
            "400",
            "bad_concurrency",
            json!({"field": "concurrency"}),
        ),
        ("post", start, "409", "idempotency_key_reused", json!({})),
        (
            "post",
            start,
            "429",
            "slots_busy",
            json!({"active": 3, "limit": 3, "available": 0}),
        ),
        (
            "post",
            start,
            "503",
            "no_public_host",
            json!({"last_error": "No public host configured", "run_id": 1}),
        ),
        ("post", start, "401", "unauthorized", json!({})),
        (
            "get",
            "/api/outbound/runs/{run_id}",
            "404",
            "run_not_found",
            json!({}),
        ),
        (
            "post",
            "/api/outbound/stop-queue",
            "400",
            "missing_run_id",
            json!({"field": "run_id"}),
        ),
        (
            "post",
            "/api/outbound/cleanup-stuck-jobs",
            "429",
            "cleanup_too_soon",
            json!({"retry_after": 60}),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            "400",
            "empty_file",
            json!({}),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            "400",
            "no_valid_phones",
            json!({"errors_sample": []}),
        ),
        (
            "post",
            "/api/outbound/import-leads",
            "400",
            "lead_limit",
            json!({"room": 1, "limit": 5000}),
        ),
        ("get", "/api/business", "403", "forbidden", json!({})),
        (
            "post",
            "/webhook/call_status",
            "403",
            "bad_signature",
            json!({}),
        ),
    ] {
        let mut example = json!({"success": false, "error": "...", "code": code});
        for (name, value) in details.as_object().expect("details") {
            example[name] = value.clone();
        }
        let schema = answer(&document, method, path, status);
        assert_valid(&schema, &example);
        example["code"] = json!("no_such_code");
        assert!(!jsonschema::is_valid(&schema, &example), "{code}");
    }
}
