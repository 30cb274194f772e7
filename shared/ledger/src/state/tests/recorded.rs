//! Items as earlier code has left them in tables, and as today's code must read them.
//!
//! A file is never changed: when the stored form changes, the form before it gets one.

use aws_sdk_dynamodb::primitives::Blob;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ringfence_core::caps::{Caps, Destinations};
use serde_json::Value;

use super::*;

/// An item as `aws dynamodb get-item` shows it.
fn recorded(file: &str) -> Item {
    let file: Value = serde_json::from_str(file).expect("a recorded item is JSON");
    let fields = file.as_object().expect("a recorded item has fields");
    let fields = fields.iter();
    fields.map(|(name, it)| (name.clone(), value(it))).collect()
}

fn value(tagged: &Value) -> AttributeValue {
    let (tag, it) = tagged.as_object().and_then(|of| of.iter().next()).unwrap();
    let string = || it.as_str().unwrap().to_owned();
    match tag.as_str() {
        "S" => AttributeValue::S(string()),
        "N" => AttributeValue::N(string()),
        "B" => AttributeValue::B(Blob::new(BASE64_STANDARD.decode(string()).unwrap())),
        "L" => AttributeValue::L(it.as_array().unwrap().iter().map(value).collect()),
        "M" => {
            let fields = it.as_object().unwrap().iter();
            AttributeValue::M(fields.map(|(name, it)| (name.clone(), value(it))).collect())
        }
        _ => panic!("a recorded item has the unknown type {tag}"),
    }
}

#[test]
fn a_state_of_version_0_1_0_is_read() {
    let item = recorded(include_str!("recorded/v0_1_0.json"));
    assert_eq!(from_item(&item).unwrap(), example());
}

#[test]
fn a_state_from_before_there_were_bounds_is_read_as_one_without_any() {
    let item = recorded(include_str!("recorded/before_caps.json"));
    let mut expected = example();
    expected.state.destinations = Destinations::Any;
    expected.state.caps = Caps::WIDEST;
    expected.state.day = None;
    expected.state.do_not_call_rev = 0;
    assert_eq!(from_item(&item).unwrap(), expected);
}

#[test]
fn a_state_of_a_version_to_come_is_left_alone() {
    let mut item = recorded(include_str!("recorded/v0_1_0.json"));
    item.insert("v".to_owned(), AttributeValue::N("2".to_owned()));
    let error = format!("{:#}", from_item(&item).unwrap_err());
    assert!(error.contains("unknown version 2"), "{error}");
}
