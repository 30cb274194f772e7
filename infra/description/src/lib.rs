//! Assembles the description of the whole API from those of its functions.
//!
//! The function `status` serves it as the file that is committed beside it: see [`FILE`].

mod failures;
mod links;

use std::collections::BTreeMap;

use ringfence_shell::caller::Role;
use ringfence_shell::describe::{Access, Answer, Content, Operation, Parameter, Place};
use serde_json::{Map, Value, json};

use crate::failures::failures;
use crate::links::links;

/// The document as it is served.
pub const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../functions/status/openapi.json"
);

/// Every operation of the API.
pub fn operations() -> Vec<Operation> {
    [
        start::describe(),
        status::describe(),
        stop::describe(),
        business::describe(),
        leads::describe(),
        webhook::describe(),
    ]
    .concat()
}

/// The OpenAPI 3.1 document.
pub fn document() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations() {
        let method = operation.method.to_lowercase();
        let described = described(&operation);
        let before = paths
            .entry(operation.path)
            .or_default()
            .insert(method, described);
        assert!(before.is_none(), "{} is described twice", operation.id);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ringfence",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`rf_<key id>_<secret>`, or a token of the issuer that is trusted",
                },
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Twilio-Signature",
                    "description": "https://www.twilio.com/docs/usage/security#validating-requests",
                },
            },
        },
    })
}

const ABOUT: &str = "Calls lists of people, and never more at once than a business's limit. \
Texts for people are Hebrew, or English with `Accept-Language: en`; programs compare `code`. \
What API Gateway refuses before a function sees it has a `message` in the place of these fields.";

fn described(operation: &Operation) -> Value {
    let Operation {
        id,
        summary,
        access,
        ..
    } = operation;
    let (security, role) = match access {
        Access::Anybody => (json!([]), None),
        Access::Twilio => (json!([{ "signature": [] }]), None),
        Access::Business(role) | Access::Key(role) => (json!([{ "key": [] }]), Some(role)),
    };
    let mut value = json!({
        "operationId": id,
        "summary": summary,
        "security": security,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if let Some(role) = role {
        value["description"] = json!(format!("For the role `{}` or above.", role.as_str()));
        value["x-role"] = json!(role.as_str());
    }
    if let Some(body) = &operation.body {
        value["requestBody"] = json!({
            "required": body.is_required,
            "content": contents(&body.contents),
        });
    }
    value
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation.parameters.iter().map(parameter).collect();
    if let Access::Business(least) = operation.access {
        parameters.push(json!({
            "name": "X-Business-Id",
            "in": "header",
            "required": least == Role::SystemAdmin,
            "description": "The business that a `system_admin` speaks for; of others it is known",
            "schema": { "type": "string" },
        }));
    }
    if operation.access != Access::Twilio && !operation.answers.is_empty() {
        parameters.push(json!({
            "name": "Accept-Language",
            "in": "header",
            "required": false,
            "description": "Hebrew, unless English comes first",
            "schema": { "type": "string" },
            "example": "en",
        }));
    }
    parameters
}

fn parameter(parameter: &Parameter) -> Value {
    let Parameter {
        name,
        place,
        summary,
        schema,
    } = parameter;
    let (place, schema) = match place {
        Place::Path => ("path", schema.clone()),
        // Blank is as good as absent.
        Place::Query => ("query", json!({ "anyOf": [schema, { "const": "" }] })),
        Place::Header => ("header", schema.clone()),
    };
    json!({
        "name": name,
        "in": place,
        "required": place == "path",
        "description": summary,
        "schema": schema,
    })
}

fn responses(operation: &Operation) -> Map<String, Value> {
    let answers = operation.answers.iter();
    let mut responses: Map<String, Value> = answers.map(|it| answer(operation.id, it)).collect();
    for (status, refusal) in failures(operation) {
        let before = responses.insert(status.to_string(), refusal);
        if let Some(answer) = before {
            let both = &mut responses[&status.to_string()];
            let either = json!({ "anyOf": [
                answer["content"]["application/json"]["schema"],
                both["content"]["application/json"]["schema"],
            ] });
            both["content"]["application/json"]["schema"] = either;
        }
    }
    responses
}

fn answer(operation: &str, answer: &Answer) -> (String, Value) {
    let mut value = json!({ "description": answer.summary });
    if !answer.contents.is_empty() {
        value["content"] = contents(&answer.contents);
    }
    for (name, meaning) in &answer.headers {
        value["headers"][name] = json!({
            "description": meaning,
            "schema": { "type": "string" },
        });
    }
    let links = links(operation, answer.status);
    if !links.is_empty() {
        value["links"] = Value::Object(links);
    }
    (answer.status.to_string(), value)
}

fn contents(contents: &[Content]) -> Value {
    let content = |content: &Content| {
        let mut value = json!({ "schema": content.schema });
        if let Some(example) = &content.example {
            value["example"] = example.clone();
        }
        (content.media_type.to_owned(), value)
    };
    Value::Object(contents.iter().map(content).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_what_the_types_say() {
        let document = document();
        if std::env::var_os("DESCRIBE").is_some() {
            // Whether objects keep their order depends on what else is built.
            let mut sorted = document.clone();
            sorted.sort_all_objects();
            let text = serde_json::to_string_pretty(&sorted).unwrap();
            std::fs::write(FILE, text + "\n").unwrap();
        }
        let text = std::fs::read_to_string(FILE).unwrap();
        let served: Value = serde_json::from_str(&text).unwrap();
        assert!(
            served == document,
            "the types have changed; to describe them anew: \
             DESCRIBE=1 cargo test -p ringfence-description"
        );
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut names: Vec<&str> = operations().iter().map(|operation| operation.id).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
