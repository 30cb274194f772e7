//! Status callbacks, a query and a form in two lines: what is believed stands there once, and the
//! address that we would give for the same call says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_carrier::callback::{CALL_PATH, CallTag, Callback, STATUS_PATH, StatusWord};
use ringfence_carrier::form::Form;
use ringfence_carrier::host::PublicHost;
use ringfence_core::call::CallStatus;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::parts;
use ringfence_fuzz::service::NOW;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let [query, body] = parts(input);
    let (Ok(query), Ok(form)) = (std::str::from_utf8(query), Form::parse(body)) else {
        return;
    };
    let tag = CallTag::parse(query);
    if let Ok(tag) = &tag {
        check_tag(query, tag);
    }
    let callback = match Callback::parse(query, &form, NOW) {
        Ok(callback) => callback,
        Err(bad) => {
            assert!(tag.is_ok() || tag == Err(bad));
            return;
        }
    };
    assert_eq!(tag.as_ref(), Ok(&callback.tag));
    assert_eq!(only(&form, "AccountSid"), Some(&*callback.account_sid));
    assert_eq!(only(&form, "CallSid"), Some(callback.sid.as_str()));
    let word = only(&form, "CallStatus").expect("it was believed");
    let report = callback.report();
    match &callback.status {
        StatusWord::Known(status) => {
            assert_eq!(status.as_str(), word);
            let report = report.expect("a known status is a fact");
            assert_eq!((report.call, &report.status), (callback.tag.call, status));
            assert!(report.duration_seconds.is_none() || *status == CallStatus::Completed);
        }
        StatusWord::Unknown(short) => {
            assert!(word.starts_with(&**short) && short.chars().count() <= 32);
            assert_eq!(report, None);
        }
    }
}

fn check_tag(query: &str, tag: &CallTag) {
    let query = Form::parse(query.as_bytes()).expect("it was read before");
    assert_eq!(only(&query, "b"), Some(tag.business.as_str()));
    assert!(only(&query, "c").is_some() && only(&query, "l").is_some());
    let host: PublicHost = "https://calls.example".parse().expect("it is an origin");
    let of = |url: &str, path: &str| {
        let (before, query) = url.split_once('?').expect("it has a query");
        assert_eq!(before, format!("https://calls.example{path}"));
        let query = query.split('#').next().unwrap_or_default();
        CallTag::parse(query)
    };
    assert_eq!(of(&tag.status_url(&host), STATUS_PATH).as_ref(), Ok(tag));
    assert_eq!(of(&tag.call_url(&host), CALL_PATH).as_ref(), Ok(tag));
}

fn only<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    let mut values = form.pairs().iter().filter(|(n, _)| n == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}
