//! JSON rows: every row that holds something becomes a lead, a duplicate or an error, and what is
//! called JSON is JSON.

#![no_main]

use leads::import::read_json;
use leads::refusal::ImportError;
use leads::table::Limits;
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::import::{self, Rows};
use serde_json::Value;

/// A cell that is no number is read as forty numbers that it might be.
const BOUNDS: Bounds = Bounds {
    memory_bytes: 256 * 1024,
    memory_bytes_per_byte: 256,
    nanos_per_byte: 20_000,
};

fuzz_target!(|input: &[u8]| bounded(input, BOUNDS, check));

fn check(input: &[u8]) {
    let region = "IL".parse().expect("it has a numbering plan");
    let import = read_json(input, region, &Limits::STANDARD);
    let json = serde_json::from_slice(input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input));
    if let Err(ImportError::BadJson { .. }) = import {
        assert!(json.is_err());
    }
    // A `Value` keeps the last of two lists of rows, and an import reads both.
    let is_once = input.windows(5).filter(|word| word == b"rows\"").count() <= 1;
    let json = json.ok().filter(|_| is_once && !input.contains(&b'\\'));
    let rows = json.and_then(|json| rows(&json));
    import::check(&import, rows, region);
}

fn rows(json: &Value) -> Option<Rows> {
    let rows = match json {
        Value::Array(rows) => rows,
        Value::Object(fields) => fields.get("rows")?.as_array()?,
        _ => return None,
    };
    let is_sure = |cell: &Value| match cell {
        Value::Null => false,
        Value::String(text) => text.chars().any(|c| c.is_ascii_alphanumeric()),
        _ => true,
    };
    let holds = |row: &&Value| match row {
        Value::Array(cells) => cells.iter().any(is_sure),
        Value::Object(cells) => cells.values().any(is_sure),
        cell => is_sure(cell),
    };
    Some(Rows {
        least: rows.iter().filter(holds).count(),
        most: rows.len(),
    })
}
