//! Bodies that stop a run: what passes names one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::service::{Service, refusal, request, whole};
use ringfence_shell::caller::Role;
use ringfence_shell::metrics::EmbeddedMetrics;
use serde_json::Value;

thread_local!(static SERVICE: Service = Service::new());

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, Bounds::REQUEST, |input| check(service, input));
}));

fn check(service: &Service, input: &[u8]) {
    let request = request(Role::Agent, "POST", b"/api/outbound/stop-queue", input);
    let request = request.expect("it is a request");
    let refusal = refusal(&service.wait(stop::handle(
        &service.cloud,
        &EmbeddedMetrics::SILENT,
        request,
    )));
    refusal.check_body(input, &["", "body", "run_id", "hang_up"]);
    if let Ok(Value::Object(body)) = serde_json::from_slice(input) {
        let run = body.get("run_id").and_then(whole);
        let is_run = run.is_some_and(|run| (1..=u64::from(u32::MAX)).contains(&run));
        let is_told = body.get("hang_up").is_none_or(Value::is_boolean);
        // A field that occurs twice is refused, and `Value` keeps the last.
        let is_good = is_run && is_told;
        assert!(is_good || !refusal.is_past_parsing());
        assert!(!is_good || refusal.is_past_parsing() || refusal.code == "bad_field");
    }
}
