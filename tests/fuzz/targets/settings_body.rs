//! Bodies that create and change businesses and their keys, after a letter for the route: what
//! passes is something that calls can be made with.

#![no_main]

use business::defaults::Defaults;
use leads::phones::Region;
use libfuzzer_sys::fuzz_target;
use ringfence_core::phone::PhoneNumber;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::service::{Service, refusal, request, whole};
use ringfence_shell::caller::{BUSINESS_HEADER, Role};
use ringfence_shell::times::is_time_zone;
use serde_json::{Map, Value};

thread_local!(static SERVICE: Service = Service::new());

fuzz_target!(|input: &[u8]| SERVICE.with(|service| {
    bounded(input, Bounds::REQUEST, |input| check(service, input));
}));

const FIELDS: [&str; 9] = [
    "",
    "body",
    "role",
    "name",
    "phone_e164",
    "limit",
    "region",
    "time_zone",
    "call_flow",
];

fn check(service: &Service, input: &[u8]) {
    let (route, body) = input.split_first().unwrap_or((&b' ', input));
    let (method, path) = match route {
        b'c' => ("POST", "/api/businesses"),
        b'k' => ("POST", "/api/businesses/b1/keys"),
        _ => ("PUT", "/api/business"),
    };
    let request = request(Role::SystemAdmin, method, path.as_bytes(), body);
    let mut request = request.expect("it is a request");
    let business = http::HeaderValue::from_static("b1");
    request.headers_mut().insert(BUSINESS_HEADER, business);
    let answer = service.wait(business::handle(
        &service.desk,
        &Defaults::standard(),
        request,
    ));
    let refusal = refusal(&answer);
    refusal.check_body(body, &FIELDS);
    if let Ok(Value::Object(body)) = serde_json::from_slice(body)
        && refusal.is_past_parsing()
    {
        match route {
            // `serde` also takes a word as `{"admin": null}`.
            b'k' => assert!(
                matches!(&body["role"], Value::Object(_))
                    || body["role"] == "agent"
                    || body["role"] == "admin"
            ),
            b'c' => {
                assert!(body.get("name").is_some_and(Value::is_string));
                check_settings(&body);
            }
            _ => check_settings(&body),
        }
    }
}

fn check_settings(body: &Map<String, Value>) {
    let wanted = |name: &str| body.get(name).filter(|value| !value.is_null());
    let holds = |name: &str, is_good: &dyn Fn(&str) -> bool| {
        let value = wanted(name);
        assert!(
            value.is_none_or(|value| value.as_str().is_some_and(is_good)),
            "{value:?}"
        );
    };
    holds("name", &|name| {
        !name.trim().is_empty() && name.trim().chars().count() <= 200
    });
    holds("phone_e164", &|number| {
        number.parse::<PhoneNumber>().is_ok()
    });
    // Numbers of such a region can be imported.
    holds("region", &|region| region.parse::<Region>().is_ok());
    holds("time_zone", &is_time_zone);
    let limit = wanted("limit").map(whole);
    assert!(limit.is_none_or(|limit| limit.is_some_and(|limit| (1..=200).contains(&limit))));
}
