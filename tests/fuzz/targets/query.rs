//! Paths and queries of what is watched: an answer that is not looked up is a documented refusal,
//! and what is looked up has cursors and sizes within their bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_core::ids::RunId;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::parts;
use ringfence_fuzz::service::{NOW, Service, refusal, request};
use ringfence_ledger::CallCursor;
use ringfence_shell::caller::Role;

thread_local!(static SERVICE: Service = Service::new());

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, Bounds::REQUEST, |input| check(service, input));
}));

fn check(service: &Service, input: &[u8]) {
    let [uri] = parts(input);
    let Some(request) = request(Role::Agent, "GET", uri, b"") else {
        return;
    };
    let (path, query) = (
        request.uri().path(),
        request.uri().query().unwrap_or_default(),
    );
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let value = pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        value.filter(|value| !value.is_empty())
    };
    let number = |name: &str, default: u32| value(name).map_or(Ok(default), |value| value.parse());
    let is_within = |name: &str, default: u32, most: u32| {
        number(name, default).is_ok_and(|number| (1..=most).contains(&number))
    };
    let is_cursor = |is_one: fn(&str) -> bool| value("cursor").is_none_or(|text| is_one(&text));
    let is_run = |text: &str| text.parse::<RunId>().is_ok();
    let is_asked = match path[..] {
        ["healthz"] => return,
        ["api", "outbound", "runs"] => {
            is_within("limit", 20, 100) && is_cursor(|text| text.parse::<RunId>().is_ok())
        }
        ["api", "outbound", "runs", run] => is_run(run),
        ["api", "outbound", "runs", run, "calls"] => {
            let is_limited = is_within("limit", 10_000, 20_000);
            is_run(run) && is_limited && is_cursor(|text| text.parse::<u32>().is_ok())
        }
        ["api", "outbound", "recent-calls"] => {
            let is_page = is_within("page", 1, 100) && is_within("page_size", 50, 100);
            let is_of_run = value("run_id").is_none_or(|run| is_run(&run));
            is_page && is_of_run && is_cursor(|text| text.parse::<CallCursor>().is_ok())
        }
        ["api", "outbound", "import-leads"] => {
            let is_page = is_within("page", 1, u32::MAX) && is_within("page_size", 50, 100);
            is_page && value("list_id").is_none_or(|list| is_run(&list))
        }
        ["api", "outbound", "leads", lead, "calls"] => {
            let is_page = is_within("page_size", 50, 100);
            let is_after = is_cursor(|text| text.parse::<CallCursor>().is_ok());
            is_run(lead) && is_page && is_after
        }
        ["api", "outbound", "import-lists" | "bulk", ..] | ["api", "outbound_calls", "counts"] => {
            true
        }
        _ => false,
    };
    let answer = match path[..] {
        [
            "api",
            "outbound",
            "import-leads" | "import-lists" | "leads",
            ..,
        ] => service.wait(leads::handle(
            &service.desk,
            &service.store,
            20_000,
            NOW,
            request,
        )),
        _ => service.wait(status::handle(&service.desk.ledger, NOW, request)),
    };
    let refusal = refusal(&answer);
    assert!(!refusal.is_past_parsing() || is_asked, "{refusal:?}");
}
