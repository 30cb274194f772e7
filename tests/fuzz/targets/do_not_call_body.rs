//! Bodies that add to the do-not-call list, or after an `f` the text of a file: nobody whose number
//! is named is left out unseen, and a refusal stores nothing.

#![no_main]

use std::collections::BTreeSet;

use http::{HeaderValue, header};
use lambda_http::{Body, Response};
use leads::phones;
use libfuzzer_sys::fuzz_target;
use ringfence_core::phone::PhoneNumber;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::service::{NOW, Service, refusal, request};
use ringfence_fuzz::table;
use ringfence_ledger::{EntryId, Ledger};
use ringfence_shell::caller::Role;
use serde_json::{Map, Value};

/// A row of ten bytes becomes an item of a request, which the unoptimised SDK writes, and the table
/// reads; and a cell that is no number is read as forty numbers that it might be.
const BOUNDS: Bounds = Bounds {
    memory_bytes: 1024 * 1024,
    memory_bytes_per_byte: 1024,
    nanos_per_byte: 50_000,
};

thread_local!(static SERVICE: Service = {
    let mut service = Service::new();
    service.desk.ledger = Ledger::new(&table::client(), "ledger");
    service
});

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, BOUNDS, |input| check(service, input));
}));

const PATH: &[u8] = b"/api/outbound/do-not-call";
const REMARK_CHARS_MAX: usize = 200;
const ERRORS_SHOWN_MAX: u64 = 20;
const FIELDS: [&str; 9] = [
    "",
    "body",
    "phone",
    "phones",
    "rows",
    "reason",
    "source",
    "file",
    "list_name",
];

fn check(service: &Service, input: &[u8]) {
    let form = input.strip_prefix(b"f").map(form);
    let body = form.as_deref().unwrap_or(input);
    let mut asked = request(Role::Admin, "POST", PATH, body).expect("it is a request");
    if form.is_some() {
        let kind = HeaderValue::from_static("multipart/form-data; boundary=XX");
        asked.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    let answer = service.wait(leads::handle(
        &service.desk,
        &service.store,
        20_000,
        NOW,
        asked,
    ));
    let stored = stored(&table::take_items());
    let told = serde_json::from_slice::<Value>(body).unwrap_or_default();
    if answer.status() == 200 {
        check_added(&answer, &stored, &told);
        return;
    }
    assert!(stored.is_empty(), "{stored:?}");
    let refusal = refusal(&answer);
    assert!(!refusal.is_past_parsing(), "{refusal:?}");
    // A file may begin with a mark that JSON must not have.
    if form.is_none() && !body.starts_with(b"\xef\xbb\xbf") {
        refusal.check_body(body, &FIELDS);
    }
}

/// A form with this file.
fn form(file: &[u8]) -> Vec<u8> {
    let head = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n";
    [head, file, b"\r\n--XX--\r\n"].concat()
}

/// The numbers that were stored, each once, with what may be said of it.
fn stored(items: &[Value]) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for item in items {
        let text = |name: &str| item[name]["S"].as_str();
        let number = text("phone").expect("an entry has a number");
        assert!(number.parse::<PhoneNumber>().is_ok());
        assert!(
            numbers.insert(number.to_owned()),
            "a number is stored twice"
        );
        assert_eq!(
            (text("pk"), text("added_by")),
            (Some("DNC#b1"), Some("0011223344556677"))
        );
        let id = text("sk").and_then(|sk| sk.strip_prefix("NUM#"));
        assert!(id.is_some_and(|id| id.parse::<EntryId>().is_ok() && !id.contains(number)));
        for remark in [text("why"), text("origin")].into_iter().flatten() {
            let is_line = !remark.trim().is_empty() && !remark.chars().any(char::is_control);
            assert!(
                is_line && remark.chars().count() <= REMARK_CHARS_MAX,
                "{remark:?}"
            );
        }
    }
    numbers
}

fn check_added(answer: &Response<Body>, stored: &BTreeSet<String>, told: &Value) {
    let Body::Text(text) = answer.body() else {
        panic!("an answer is text");
    };
    let answer: Map<String, Value> = serde_json::from_str(text).expect("an answer is JSON");
    let count = |name: &str| answer[name].as_u64().expect("it is a count");
    let (added, known, skipped) = (
        count("added_count"),
        count("known_count"),
        count("skipped_count"),
    );
    assert_eq!(added, stored.len() as u64);
    assert!(added > 0);
    let shown = answer["errors_sample"].as_array().map_or(0, Vec::len) as u64;
    assert_eq!(shown, skipped.min(ERRORS_SHOWN_MAX));
    // Whatever else a body says, whoever it names in so many words is on the list.
    let named = told
        .get("phone")
        .into_iter()
        .chain(each(told.get("phones")));
    let named: Vec<&str> = named.filter_map(Value::as_str).collect();
    for text in &named {
        assert!(is_among(text, stored), "{text:?} is left out");
    }
    let rows = told
        .get("rows")
        .or(Some(told).filter(|told| told.is_array()));
    match rows.and_then(Value::as_array) {
        None if named.is_empty() => {}
        None => assert_eq!((added + known, skipped), (named.len() as u64, 0)),
        Some(rows) => {
            let numbers_most: usize = rows.iter().map(cells).sum();
            assert!(added + known + skipped <= numbers_most as u64);
            let is_number_alone = |row: &Value| {
                let fields = row.as_object();
                fields.is_some_and(|row| {
                    row.len() == 1 && row.get("phone").is_some_and(Value::is_string)
                })
            };
            if rows.iter().all(is_number_alone) {
                let is_seen = |row: &Value| {
                    let text = row["phone"].as_str().unwrap_or_default();
                    phones::parse(text, region()).is_err() || is_among(text, stored)
                };
                assert!(rows.iter().all(is_seen), "a row is left out");
            }
        }
    }
}

/// How many numbers a row can name.
fn cells(row: &Value) -> usize {
    let fields = row.as_object().map(Map::len);
    fields.or(row.as_array().map(Vec::len)).unwrap_or(0).max(1)
}

fn each(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn is_among(text: &str, stored: &BTreeSet<String>) -> bool {
    phones::parse(text, region()).is_ok_and(|number| stored.contains(number.expose()))
}

fn region() -> phones::Region {
    "IL".parse().expect("it has a numbering plan")
}
