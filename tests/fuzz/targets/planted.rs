//! A parser with bugs in it: one that panics, one that keeps too much, one that takes too long.
//! Whoever runs the targets can see that each is found.

#![no_main]

use std::hint::black_box;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    if let Some(sid) = input.strip_prefix(b"CallSid=") {
        parse(sid);
    }
}

fn parse(sid: &[u8]) {
    let which = std::env::var("PLANTED").unwrap_or_default();
    match (which.as_str(), sid) {
        ("panics", [b'C', b'A', b'!', ..]) => panic!("planted"),
        ("keeps", [b'C', b'A', b'#', ..]) => {
            black_box(vec![1_u8; 64 << 20]);
        }
        ("dawdles", [b'C', b'A', b'*', ..]) => {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(200) {}
        }
        _ => {}
    }
}
