//! Cursors and ids: what is read is written as itself.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId, ListId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::{has_digits, is_business};
use ringfence_ledger::CallCursor;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let is_cursor = comes_back::<CallCursor>(text, str::to_owned);
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // Of the 22 letters' 132 bits the last four are spare.
    let is_full = text.len() == 22 && text.chars().all(is_letter);
    assert_eq!(is_cursor, is_full && text.ends_with(['A', 'Q', 'g', 'w']));
    assert_eq!(
        comes_back::<BusinessId>(text, str::to_owned),
        is_business(text)
    );
    comes_back::<CallSid>(text, str::to_owned);
    // In braces, as a URN, without hyphens, in capitals: a call id is one all the same.
    comes_back::<CallId>(text, |written| {
        let bare = written
            .trim_start_matches("urn:uuid:")
            .replace(['{', '}', '-'], "");
        let hex = bare.to_ascii_lowercase();
        let groups = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        groups.join("-")
    });
    let counted = |written: &str| {
        written
            .trim_start_matches('+')
            .trim_start_matches('0')
            .to_owned()
    };
    let is_run = comes_back::<RunId>(text, counted);
    assert_eq!(is_run, text.parse::<u32>().is_ok_and(|number| number > 0));
    assert_eq!(comes_back::<LeadId>(text, counted), is_run);
    assert_eq!(comes_back::<ListId>(text, counted), is_run);
    if let Ok(number) = text.parse::<PhoneNumber>() {
        assert_eq!(number.expose(), text);
        assert!(!has_digits(&format!("{number:?}"), 5));
    }
}

/// Whether the text is one; then its plain form is what it is written as.
#[track_caller]
fn comes_back<T>(text: &str, plain: impl Fn(&str) -> String) -> bool
where
    T: FromStr<Err: Display> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(read) => {
            let written = read.to_string();
            assert_eq!(written, plain(text));
            assert_eq!(written.parse::<T>().ok(), Some(read));
            true
        }
        Err(bad) => {
            assert!(!has_digits(&bad.to_string(), 1));
            false
        }
    }
}
