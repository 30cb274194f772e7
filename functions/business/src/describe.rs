//! The routes of this function, described.

use ringfence_shell::caller::Role;
use ringfence_shell::describe::{
    Access, Answer, Content, Input, Operation, Parameter, business_id, form, refusal, taken,
};
use schemars::Schema;
use serde_json::{Value, json};

use crate::deletion::Deleted;
use crate::keys::{self, Keys, Revoked};
use crate::settings::{View, Wish};

/// The operations of this function.
pub fn describe() -> Vec<Operation> {
    vec![
        show(),
        change(),
        create(),
        delete(),
        create_key(),
        keys(),
        revoke(),
    ]
}

fn show() -> Operation {
    Operation {
        method: "GET",
        path: "/api/business",
        id: "showBusiness",
        summary: "Shows what a business has set",
        access: Access::Business(Role::Admin),
        parameters: vec![],
        body: None,
        answers: vec![Answer::json::<View>(200, "Its settings")],
        refusals: vec![],
    }
}

fn change() -> Operation {
    let example = json!({ "name": "דנה", "time_zone": "Asia/Jerusalem" });
    Operation {
        method: "PUT",
        path: "/api/business",
        id: "changeBusiness",
        summary: "Changes what is said; `limit`, `destinations`, `caps` and, with a daily cap, \
            `time_zone` as a `system_admin`",
        access: Access::Business(Role::Admin),
        parameters: vec![],
        body: Some(Input::json::<Wish>(example)),
        answers: vec![Answer::json::<View>(200, "Its settings from now on")],
        refusals: vec![],
    }
}

fn create() -> Operation {
    // Nobody is without a name.
    let mut schema = taken::<Wish>();
    schema["required"] = json!(["name"]);
    schema["properties"]["name"]["type"] = json!("string");
    let content = Content {
        media_type: "application/json",
        schema,
        example: Some(json!({ "name": "דנה", "phone_e164": "+97231234567", "limit": 3 })),
    };
    Operation {
        method: "POST",
        path: "/api/businesses",
        id: "createBusiness",
        summary: "Makes a business",
        access: Access::Key(Role::SystemAdmin),
        parameters: vec![],
        body: Some(Input {
            is_required: true,
            contents: vec![content],
        }),
        answers: vec![Answer::json::<View>(201, "Its settings, and its id")],
        refusals: vec![],
    }
}

fn delete() -> Operation {
    Operation {
        method: "DELETE",
        path: "/api/businesses/{business_id}",
        id: "deleteBusiness",
        summary: "Deletes a business with all that is its own",
        access: Access::Key(Role::SystemAdmin),
        parameters: vec![business_id()],
        body: None,
        answers: vec![Answer::json::<Deleted>(200, "It is gone")],
        refusals: vec![
            refusal(404, "not_found", &[]),
            refusal(409, "business_busy", &["active", "runs"]),
        ],
    }
}

fn create_key() -> Operation {
    let created = json!({
        "success": true,
        "key_id": "0123456789abcdef",
        "api_key": "rf_0123456789abcdef_…",
        "role": "agent",
    });
    let created = Answer::json::<keys::Created>(201, "The key is shown this once").like(created);
    Operation {
        method: "POST",
        path: "/api/businesses/{business_id}/keys",
        id: "createKey",
        summary: "Makes a key",
        access: Access::Key(Role::Admin),
        parameters: vec![business_id()],
        body: Some(Input::json::<keys::Wish>(json!({ "role": "agent" }))),
        answers: vec![created],
        refusals: vec![refusal(404, "not_found", &[])],
    }
}

fn keys() -> Operation {
    Operation {
        method: "GET",
        path: "/api/businesses/{business_id}/keys",
        id: "listKeys",
        summary: "Lists keys, without secrets",
        access: Access::Key(Role::Admin),
        parameters: vec![business_id()],
        body: None,
        answers: vec![Answer::json::<Keys>(200, "Every key")],
        refusals: vec![refusal(404, "not_found", &[])],
    }
}

fn revoke() -> Operation {
    let key = Parameter::path("key_id", "A key", form("^[0-9a-f]{16}$"));
    Operation {
        method: "DELETE",
        path: "/api/businesses/{business_id}/keys/{key_id}",
        id: "revokeKey",
        summary: "Revokes a key; within 60 seconds it opens nothing",
        access: Access::Key(Role::Admin),
        parameters: vec![business_id(), key],
        body: None,
        answers: vec![Answer::json::<Revoked>(200, "It is revoked")],
        refusals: vec![refusal(404, "not_found", &[])],
    }
}

/// The regions whose numbering plans are known.
fn known_regions() -> impl Iterator<Item = String> {
    let letters = || 'A'..='Z';
    let pairs = letters().flat_map(move |first| letters().map(move |second| [first, second]));
    let words = pairs.map(String::from_iter);
    words.filter(|word| word.parse::<phonenumber::country::Id>().is_ok())
}

/// Lets a schema take one of the known regions.
pub(crate) fn region(schema: &mut Schema) {
    one_of(schema, known_regions().map(Value::String).collect());
}

/// Lets a schema take a list of known regions.
pub(crate) fn regions(schema: &mut Schema) {
    let words: Vec<String> = known_regions().collect();
    if let Some(items) = schema.get_mut("items") {
        items["enum"] = json!(words);
    }
}

/// Lets a schema take one of the known time zones.
pub(crate) fn time_zone(schema: &mut Schema) {
    let zones = ringfence_shell::times::time_zones();
    one_of(schema, zones.into_iter().map(Value::String).collect());
}

fn one_of(schema: &mut Schema, mut words: Vec<Value>) {
    let is_nullable = schema.get("type").is_some_and(Value::is_array);
    if is_nullable {
        words.push(Value::Null);
    }
    schema.insert("enum".to_owned(), Value::Array(words));
}
