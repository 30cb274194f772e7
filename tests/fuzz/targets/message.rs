//! Messages of the queue: what is read can be sent and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::has_digits;
use ringfence_shell::message::Message;
use serde_json::Value;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Message::parse(text) {
        Ok(message) => {
            let sent = message.to_json();
            assert_eq!(Message::parse(&sent).as_ref(), Ok(&message));
            let sent: Value = serde_json::from_str(&sent).expect("it is JSON");
            assert_eq!(sent["business"], message.business.as_str());
            assert_eq!(sent.get("report").is_some(), message.report.is_some());
        }
        Err(bad) => assert!(!has_digits(&bad.to_string(), 1)),
    }
}
