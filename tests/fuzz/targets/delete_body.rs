//! Bodies that delete leads: what passes names some, or all, and never both.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::service::{NOW, Service, refusal, request};
use ringfence_shell::caller::Role;
use serde_json::Value;

thread_local!(static SERVICE: Service = Service::new());

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, Bounds::REQUEST, |input| check(service, input));
}));

const PATH: &[u8] = b"/api/outbound/import-leads/bulk-delete";

fn check(service: &Service, input: &[u8]) {
    let agent = request(Role::Agent, "POST", PATH, input).expect("it is a request");
    let answer = service.wait(leads::handle(
        &service.desk,
        &service.store,
        20_000,
        NOW,
        agent,
    ));
    assert_eq!(refusal(&answer).code, "forbidden");
    let admin = request(Role::Admin, "POST", PATH, input).expect("it is a request");
    let answer = service.wait(leads::handle(
        &service.desk,
        &service.store,
        20_000,
        NOW,
        admin,
    ));
    let refusal = refusal(&answer);
    refusal.check_body(input, &["", "body", "lead_ids", "delete_all"]);
    if let Ok(Value::Object(body)) = serde_json::from_slice(input)
        && refusal.is_past_parsing()
    {
        let ids = body.get("lead_ids").and_then(Value::as_array);
        let is_all = body.get("delete_all").and_then(Value::as_bool) == Some(true);
        assert_eq!(ids.is_some_and(|ids| !ids.is_empty()), !is_all, "{body:?}");
        assert_eq!(ids.is_none(), is_all, "{body:?}");
    }
}
