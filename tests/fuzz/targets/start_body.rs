//! Bodies that start calls: a letter for the route, an idempotency key and a line break, and the
//! JSON. What passes names each lead by a number, and is asked of the ledger.

#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use ringfence_flows::start::PublicHost;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::parts;
use ringfence_fuzz::service::{Service, refusal, request, whole};
use ringfence_shell::caller::Role;
use ringfence_shell::metrics::EmbeddedMetrics;
use serde_json::Value;

thread_local!(static SERVICE: Service = Service::new());

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, Bounds::REQUEST, |input| check(service, input));
}));

const FIELDS: [&str; 8] = [
    "",
    "body",
    "lead_ids",
    "concurrency",
    "when_full",
    "list_id",
    "outbound_list_id",
    "idempotency-key",
];

fn check(service: &Service, input: &[u8]) {
    let [head, body] = parts(input);
    let (is_run, key) = match head.split_first() {
        Some((b'r', key)) => (true, key),
        Some((_, key)) => (false, key),
        None => (false, head),
    };
    let (path, list) = if is_run {
        ("/api/outbound/bulk-enqueue", "outbound_list_id")
    } else {
        ("/api/outbound_calls/start", "list_id")
    };
    let request = request(Role::Agent, "POST", path.as_bytes(), body);
    let mut request = request.expect("it is a request");
    if let Ok(key) = HeaderValue::from_bytes(key)
        && !key.is_empty()
    {
        request.headers_mut().insert("idempotency-key", key);
    }
    let answer = start::handle(
        &service.cloud,
        PublicHost::Configured,
        &EmbeddedMetrics::SILENT,
        request,
    );
    let refusal = refusal(&service.wait(answer));
    refusal.check_body(body, &FIELDS);
    if let Ok(Value::Object(body)) = serde_json::from_slice(body)
        && refusal.is_past_parsing()
    {
        let is_lead = |value: &Value| {
            let number = whole(value).and_then(|number| u32::try_from(number).ok());
            number.is_some_and(|number| number > 0)
        };
        let wanted = |name: &str| body.get(name).filter(|value| !value.is_null());
        let leads = wanted("lead_ids").and_then(Value::as_array);
        match (leads, wanted(list)) {
            (Some(leads), None) => assert!(!leads.is_empty() && leads.iter().all(is_lead)),
            (None, Some(list)) => assert!(is_lead(list)),
            (_, _) => panic!("{body:?}"),
        }
        assert!(wanted("concurrency").is_none_or(is_lead));
    }
}
