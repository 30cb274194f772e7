//! The errors that an operation can answer with: its own, and those that follow from who
//! may call it and from what it takes.

use std::collections::BTreeMap;

use ringfence_shell::caller::Role;
use ringfence_shell::describe::{Access, Operation, Refusal, refusal};
use serde_json::{Map, Value, json};

/// By status, as OpenAPI has responses.
pub(crate) fn failures(operation: &Operation) -> BTreeMap<u16, Value> {
    let mut by_status: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
    for refusal in all(operation) {
        let known = by_status.entry(refusal.status).or_default();
        if !known.contains(&refusal) {
            known.push(refusal);
        }
    }
    let response = |(status, refusals): (u16, Vec<Refusal>)| (status, response(status, &refusals));
    by_status.into_iter().map(response).collect()
}

fn all(operation: &Operation) -> Vec<Refusal> {
    let mut all = operation.refusals.clone();
    let checks_values = operation.access != Access::Twilio
        && (operation.body.is_some() || !operation.parameters.is_empty());
    if checks_values {
        all.push(refusal(400, "bad_field", &["field"]));
    }
    let takes_json = operation.body.as_ref().is_some_and(|body| {
        let mut contents = body.contents.iter();
        contents.any(|content| content.media_type == "application/json")
    });
    if takes_json {
        all.push(refusal(400, "bad_json", &["line?", "column?"]));
    }
    match operation.access {
        Access::Anybody => {}
        Access::Twilio => all.push(refusal(403, "bad_signature", &[])),
        Access::Business(least) => {
            all.push(refusal(400, "bad_field", &["field"]));
            all.push(refusal(404, "not_found", &[]));
            keyed(least, &mut all);
        }
        Access::Key(least) => keyed(least, &mut all),
    }
    all.extend([
        refusal(413, "too_large", &["limit?"]),
        refusal(429, "too_many_requests", &["retry_after"]),
        refusal(500, "internal", &["request_id"]),
        refusal(503, "unavailable", &["request_id"]),
    ]);
    all
}

fn keyed(least: Role, all: &mut Vec<Refusal>) {
    all.push(refusal(401, "unauthorized", &[]));
    if least > Role::Agent {
        all.push(refusal(403, "forbidden", &[]));
    }
}

fn response(status: u16, refusals: &[Refusal]) -> Value {
    let codes: Vec<&str> = refusals.iter().map(|refusal| refusal.code).collect();
    let ways: Vec<Value> = refusals.iter().map(way).collect();
    let details = refusals.iter().flat_map(|refusal| refusal.details);
    let mut properties: Map<String, Value> = details
        .map(|detail| {
            let name = detail.trim_end_matches('?');
            (name.to_owned(), schema(name))
        })
        .collect();
    properties.extend([
        ("success".to_owned(), json!({ "const": false })),
        (
            "error".to_owned(),
            json!({ "type": "string", "minLength": 1 }),
        ),
        ("code".to_owned(), json!({ "enum": codes })),
    ]);
    let mut value = json!({
        "description": meaning(status),
        "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["success", "error", "code"],
            "properties": properties,
            "anyOf": ways,
        } } },
    });
    let header = match status {
        401 => Some(("WWW-Authenticate", "The scheme by which keys are shown")),
        429 => Some((
            "Retry-After",
            "After how many seconds to ask again, if that is known",
        )),
        _ => None,
    };
    if let Some((name, meaning)) = header {
        value["headers"][name] = json!({
            "description": meaning,
            "schema": { "type": "string" },
        });
    }
    value
}

/// What an error with this code has beside the usual fields.
fn way(refusal: &Refusal) -> Value {
    let details = refusal
        .details
        .iter()
        .filter(|detail| !detail.ends_with('?'));
    let mut way = json!({ "properties": { "code": { "const": refusal.code } } });
    let required: Vec<&&str> = details.collect();
    if !required.is_empty() {
        way["required"] = json!(required);
    }
    way
}

fn schema(detail: &str) -> Value {
    match detail {
        "missing" => json!({ "type": "array", "items": { "type": "integer", "minimum": 1 } }),
        "errors_sample" => json!({ "type": "array", "items": { "type": "string" } }),
        "candidates" => json!({ "type": "array", "minItems": 2, "items": {
            "type": "object",
            "required": ["column", "title"],
            "properties": {
                "column": { "type": "integer", "minimum": 1 },
                "title": { "type": "string" },
            },
        } }),
        "field" | "request_id" | "last_error" | "what" => json!({ "type": "string" }),
        "resets_at" => json!({ "type": "string", "format": "date-time" }),
        _ => json!({ "type": "integer", "minimum": 0 }),
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "What was sent cannot be meant; nothing was changed",
        401 => "No valid key",
        403 => "Not for this role",
        404 => "Not there, or of another business",
        409 => "Not as things stand",
        413 => "Too much at once",
        429 => "Not yet",
        500 => "Something is wrong here; its request id is in the logs",
        503 => "Not possible for the moment",
        _ => "Not done",
    }
}
