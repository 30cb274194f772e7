//! Form bodies and queries: what is read can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_carrier::form::Form;
use ringfence_fuzz::bounds::{Bounds, bounded};

const BYTES_MAX: usize = 64 * 1024;
const PAIRS_MAX: usize = 256;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let written = input.split(|&byte| byte == b'&');
    let pairs = written.filter(|pair| !pair.is_empty()).count();
    let Ok(form) = Form::parse(input) else {
        assert!(input.len() > BYTES_MAX || pairs > PAIRS_MAX);
        return;
    };
    assert_eq!(form.pairs().len(), pairs);
    assert_eq!(format!("{form:?}"), format!("Form({pairs} pairs)"));
    let mut again = form_urlencoded::Serializer::new(String::new());
    let again = again.extend_pairs(form.pairs()).finish();
    if again.len() <= BYTES_MAX {
        assert_eq!(Form::parse(again.as_bytes()), Ok(form));
    }
}
