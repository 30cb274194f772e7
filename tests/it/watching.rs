//! Watching: runs, their calls, recent calls and counts, as the contract names them.

use ringfence_core::phone::PhoneNumber;
use serde_json::Value;

use crate::story::{Office, Story};

mod calls;
mod recent;
mod runs;

/// Checks that an answer has every one of these fields, each for a client to rely on.
#[track_caller]
fn assert_fields(found: &Value, fields: &[&str]) {
    let object = found.as_object().expect("an object");
    for field in fields {
        assert!(
            object.contains_key(*field),
            "{field} is missing from {found}"
        );
    }
}

/// The texts or numbers of one field of a list's items, as they stand in JSON.
fn column(items: &Value, field: &str) -> Vec<Value> {
    let items = items.as_array().expect("a list");
    items.iter().map(|item| item[field].clone()).collect()
}

/// The numbers of an office's leads, in the order of their ids.
async fn numbers(story: &Story, office: &Office) -> Vec<PhoneNumber> {
    let path = "/api/outbound/import-leads?page_size=100";
    let leads = story.get(office, path).await.of_status(200);
    let phones = column(&leads["items"], "phone");
    phones
        .iter()
        .map(|phone| phone.as_str().expect("a number").parse().expect("a number"))
        .collect()
}
