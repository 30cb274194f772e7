//! What a large limit costs, in money and of what one partition can do.

use super::find;
use super::tables::{figure, head, line};
use crate::report::Row;

const LIMITS: [u64; 5] = [1, 3, 10, 50, 200];
/// Cents for a write unit: 0.625 dollars for a million, as `docs/cost.md` has it.
const CENTS_PER_UNIT: f64 = 0.625e-4;
/// Cents for a minute of a call at the carrier, as `docs/cost.md` has it.
const CENTS_PER_MINUTE: f64 = 1.4;
/// What DynamoDB gives one partition:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>
const UNITS_PER_SECOND: f64 = 1_000.0;
/// A short call: the longer they are, the fewer writes there are in a second.
const CALL_SECONDS: f64 = 60.0;

/// A line of the table: its name, and its value at a limit.
type Line = (&'static str, fn(&[Row], u64) -> Option<f64>);

const LINES: [Line; 9] = [
    ("state item, largest (bytes)", |rows, limit| {
        Some(find(rows, "state item, largest, 1 run, by limit", limit)?.ours)
    }),
    ("write units per call", units),
    ("their price for 1,000 calls (cents)", |rows, limit| {
        Some(1_000.0 * CENTS_PER_UNIT * units(rows, limit)?)
    }),
    (
        "— of the carrier's price for a minute (%)",
        |rows, limit| Some(100.0 * CENTS_PER_UNIT * units(rows, limit)? / CENTS_PER_MINUTE),
    ),
    ("calls that end in a second", |_, limit| Some(ends(limit))),
    ("write units in a second", |rows, limit| {
        Some(ends(limit) * units(rows, limit)?)
    }),
    ("— of what a partition takes (%)", |rows, limit| {
        Some(100.0 * ends(limit) * units(rows, limit)? / UNITS_PER_SECOND)
    }),
    ("refused conditions (%)", |rows, limit| {
        Some(find(rows, "refused conditions, 1 run, by limit", limit)?.ours)
    }),
    ("makespan / ideal, 1,000 leads (x)", |rows, limit| {
        find(rows, &format!("makespan, limit {limit}"), 1_000)?.ratio
    }),
];

pub(super) fn table(rows: &[Row]) -> String {
    let limits = LIMITS.map(|limit| limit.to_string());
    let mut table = head("limit".to_owned(), limits.into_iter());
    for (name, of) in LINES {
        let cells = LIMITS.map(|limit| of(rows, limit).map_or(String::new(), figure));
        table += &line(name.to_owned(), cells.into_iter());
    }
    table
}

fn units(rows: &[Row], limit: u64) -> Option<f64> {
    Some(find(rows, "write units per call, 1 run, by limit", limit)?.ours)
}

/// While all slots are in use.
fn ends(limit: u64) -> f64 {
    limit as f64 / CALL_SECONDS
}
