//! Bodies that ask for a place for a large file, and that import what was put there, after a letter
//! for the route: a place is promised to a file of some size, and only an upload is looked up.

#![no_main]

use leads::table::Limits;
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::service::{NOW, Service, refusal, request, whole};
use ringfence_ledger::UploadId;
use ringfence_shell::caller::Role;
use serde_json::Value;

thread_local!(static SERVICE: Service = Service::new());

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, Bounds::REQUEST, |input| check(service, input));
}));

fn check(service: &Service, input: &[u8]) {
    let (route, body) = input.split_first().unwrap_or((&b' ', input));
    let path = match route {
        b'o' => "/api/outbound/uploads",
        _ => "/api/outbound/import-leads",
    };
    let request = request(Role::Admin, "POST", path.as_bytes(), body).expect("it is a request");
    let ledger = &service.desk;
    let answer = service.wait(leads::handle(ledger, &service.store, 20_000, NOW, request));
    let refusal = refusal(&answer);
    let told = serde_json::from_slice::<Value>(body).unwrap_or_default();
    if *route == b'o' {
        refusal.check_body(body, &["", "body", "bytes"]);
        if let Some(bytes) = told.get("bytes").filter(|value| !value.is_null())
            && refusal.is_past_parsing()
        {
            let most = u64::from(Limits::UPLOAD.file_bytes);
            assert!(whole(bytes).is_some_and(|bytes| (1..=most).contains(&bytes)));
        }
        return;
    }
    // What nobody asked for is passed over unread, even if it is no text.
    if std::str::from_utf8(body).is_err() {
        return;
    }
    // Rows are read only once the business is known. A list can name an upload too.
    let named = |field: &str, place: usize| told.get(field).or_else(|| told.get(place))?.as_str();
    let is_upload = |id: &str| id.parse::<UploadId>().is_ok();
    match refusal.code.as_str() {
        "upload_not_found" => assert!(named("upload_id", 0).is_some_and(|id| !is_upload(id))),
        "bad_field" => {
            assert_eq!(refusal.field.as_deref(), Some("list_name"));
            let name = named("list_name", 1).expect("it was refused");
            assert!(name.chars().count() > 200);
        }
        _ => assert!(refusal.is_past_parsing(), "{refusal:?}"),
    }
}
