//! Phone numbers as people write them, after the letters of a region: a number that comes out is
//! read as itself, and ends as the text does.

#![no_main]

use leads::phones::{BadPhone, Region, parse};
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::has_digits;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let named = text.get(..2).and_then(|name| name.parse::<Region>().ok());
    let (region, text) = match named {
        Some(region) => (region, &text[2..]),
        None => ("IL".parse().expect("it has a numbering plan"), text),
    };
    let number = match parse(text, region) {
        Ok(number) => number,
        Err(bad) => {
            assert!(!has_digits(&bad.to_string(), 1));
            assert!(bad != BadPhone::Missing || !has_digits(text, 1));
            return;
        }
    };
    assert_eq!(parse(number.expose(), region).as_ref(), Ok(&number));
    // Folded digits, fractions and powers of ten end otherwise than they are written.
    let is_plain = |c: char| c.is_ascii_digit() || "+-() ".contains(c);
    if text.chars().all(is_plain) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let end = &number.expose()[number.expose().len() - 4..];
        assert!(
            digits.ends_with(end),
            "{text} is read as {}",
            number.expose()
        );
    }
}
