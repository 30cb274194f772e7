use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::form::Form;

/// From the tests of the official helper libraries, or agreed between two of them.
/// Every one must validate.
const VECTORS: &str = include_str!("../../tests/signature_vectors.json");

#[derive(Deserialize)]
struct Vector {
    id: String,
    token: String,
    signed_url: String,
    received_url: String,
    params: Vec<(String, String)>,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(VECTORS).unwrap()
}

fn secret(token: &str) -> Secret {
    Secret::new(token)
}

#[test]
fn every_vector_is_signed_as_twilio_signs_it() {
    for v in vectors() {
        assert_eq!(
            sign(&secret(&v.token), &v.signed_url, &v.params),
            v.signature,
            "{}",
            v.id
        );
    }
}

#[test]
fn every_vector_validates_as_received() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 25);
    for v in vectors {
        let tokens = [secret(&v.token)];
        assert!(
            verify(&tokens, &v.received_url, &v.params, &v.signature),
            "{}",
            v.id
        );
    }
}

#[test]
fn no_vector_validates_once_it_is_changed() {
    for v in vectors() {
        let tokens = [secret(&v.token)];
        let mut longer = v.params.clone();
        longer.push(("Extra".to_owned(), String::new()));
        assert!(
            !verify(&tokens, &v.received_url, &longer, &v.signature),
            "{}",
            v.id
        );
        let elsewhere = v.received_url.replacen(".com", ".org", 1);
        assert!(
            !verify(&tokens, &elsewhere, &v.params, &v.signature),
            "{}",
            v.id
        );
        assert!(
            !verify(&[secret("other")], &v.received_url, &v.params, &v.signature),
            "{}",
            v.id
        );
        assert!(!verify(&tokens, &v.received_url, &v.params, ""), "{}", v.id);
        let shorter = &v.signature[..v.signature.len() - 1];
        assert!(
            !verify(&tokens, &v.received_url, &v.params, shorter),
            "{}",
            v.id
        );
        if let Some(fewer) = v.params.get(1..) {
            assert!(
                !verify(&tokens, &v.received_url, fewer, &v.signature),
                "{}",
                v.id
            );
        }
    }
}

#[test]
fn during_a_rotation_the_old_token_counts_too() {
    let none: [(&str, &str); 0] = [];
    let url = "https://calls.example/x";
    let signature = sign(&secret("old"), url, &none);
    assert!(verify(
        &[secret("new"), secret("old")],
        url,
        &none,
        &signature
    ));
    assert!(!verify(&[secret("new")], url, &none, &signature));
    assert!(!verify(&[], url, &none, &signature));
}

#[test]
fn an_empty_token_signs_for_nobody() {
    let none: [(&str, &str); 0] = [];
    let signature = sign(&secret(""), "https://calls.example/x", &none);
    assert!(!verify(
        &[secret("")],
        "https://calls.example/x",
        &none,
        &signature
    ));
}

#[test]
fn a_fragment_is_no_part_of_it() {
    let params = [("a", "1")];
    let signature = sign(&secret("t"), "https://h/x?y=1#rc=5&rp=all", &params);
    assert_eq!(signature, sign(&secret("t"), "https://h/x?y=1", &params));
    assert!(verify(
        &[secret("t")],
        "https://h/x?y=1",
        &params,
        &signature
    ));
}

#[test]
fn the_port_may_be_written_or_not() {
    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(with_port_toggled(url).as_deref(), Some(expected));
    }
    check("https://h/x:1?y=:2", "https://h:443/x:1?y=:2");
    check("http://h", "http://h:80");
    check("https://h:8443?y", "https://h?y");
    check("https://u:p@h/x", "https://u:p@h:443/x");
    check("https://u:p@h:443/x", "https://u:p@h/x");
    check("http://[::1]/x", "http://[::1]:80/x");
    check("http://[::1]:8080/x", "http://[::1]/x");
    assert_eq!(with_port_toggled("not a url"), None);
}

#[test]
fn a_json_body_is_covered_by_its_hash() {
    let by_id = |id: &str| vectors().into_iter().find(|v| v.id == id).unwrap();
    let body = br#"{"property": "value", "boolean": true}"#;
    for v in [by_id("8"), by_id("9")] {
        let tokens = [secret(&v.token)];
        assert!(
            verify_json(&tokens, &v.received_url, body, &v.signature),
            "{}",
            v.id
        );
        assert!(
            !verify_json(&tokens, &v.received_url, b"{}", &v.signature),
            "{}",
            v.id
        );
    }
    let empty = by_id("10");
    assert!(verify_json(
        &[secret(&empty.token)],
        &empty.received_url,
        b"{}",
        &empty.signature
    ));
    let without_hash = by_id("13");
    let tokens = [secret(&without_hash.token)];
    assert!(!verify_json(
        &tokens,
        &without_hash.received_url,
        b"",
        &without_hash.signature
    ));
}

proptest! {
    #[test]
    fn what_was_signed_validates_after_a_form_has_carried_it(
        params in proptest::collection::vec((".{0,8}", ".{0,12}"), 0..12),
    ) {
        let url = "https://calls.example/webhook/call_status?b=7&c=%20x";
        let signature = sign(&secret("t"), url, &params);
        let borrowed: Vec<_> = params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let form = Form::parse(crate::form::encode(&borrowed).as_bytes()).unwrap();
        prop_assert!(verify(&[secret("t")], url, form.pairs(), &signature));
    }

    #[test]
    fn nothing_that_arrives_makes_it_panic(url in ".{0,40}", name in ".*", signature in ".{0,30}") {
        prop_assert!(!verify(&[secret("t")], &url, &[(name.as_str(), "")], &signature));
        prop_assert!(!verify_json(&[secret("t")], &url, name.as_bytes(), &signature));
    }
}
