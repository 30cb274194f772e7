//! `Authorization` and `X-Business-Id`, in two lines: a key that is taken is written as it was
//! read and shows no secret, and only who may name a business does.

#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::{is_api_key, is_business, parts};
use ringfence_fuzz::service::request;
use ringfence_shell::caller::{BUSINESS_HEADER, Caller, Role};
use ringfence_shell::secrets::ApiKey;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::REQUEST, check));

fn check(input: &[u8]) {
    let [header, business] = parts(input);
    if let Ok(text) = std::str::from_utf8(header) {
        check_key(text);
        check_key(text.get("Bearer ".len()..).unwrap_or_default());
    }
    if let Ok(business) = HeaderValue::from_bytes(business) {
        check_business(business);
    }
}

fn check_key(text: &str) {
    let key = ApiKey::parse(text);
    assert_eq!(key.is_some(), is_api_key(text));
    let Some(key) = key else {
        return;
    };
    assert_eq!(key.expose(), text);
    let secret = text.rsplit('_').next().unwrap_or_default();
    assert!(!format!("{key:?}").contains(secret));
    assert!(key.matches(&key.digest()) && !key.matches(&key.digest()[1..]));
}

fn check_business(business: HeaderValue) {
    let is_named = business.to_str().is_ok_and(is_business);
    for role in Role::ALL {
        let mut request = request(role, "GET", b"/", b"").expect("it is a request");
        request
            .headers_mut()
            .insert(BUSINESS_HEADER, business.clone());
        let caller = Caller::of(&request, Role::Agent).expect("it has a role");
        let found = caller
            .business()
            .map(|business| business.as_str().as_bytes());
        match role {
            Role::SystemAdmin => assert_eq!(found.ok(), is_named.then(|| business.as_bytes())),
            // The header is not for them.
            Role::Agent | Role::Admin => assert_eq!(found.ok(), Some(&b"b1"[..])),
        }
        assert_eq!(
            Caller::of(&request, Role::Admin).is_ok(),
            role >= Role::Admin
        );
    }
}
