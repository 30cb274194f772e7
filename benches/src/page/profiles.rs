//! The instructions and allocations of one event, by part.

use super::tables::{figure, head, line};
use crate::profile::{ALLOCATIONS, INSTRUCTIONS};
use crate::report::Row;

pub(super) fn table(rows: &[Row], function: &str, limit: u64) -> String {
    let of = |what: &str| {
        let begins = format!("{function}, {what}: ");
        let parts = rows.iter().filter_map(|row| {
            let part = row.metric.strip_prefix(&begins)?;
            (row.n == limit).then_some((part, row.ours))
        });
        parts.collect::<Vec<_>>()
    };
    let (instructions, allocations) = (of(INSTRUCTIONS), of(ALLOCATIONS));
    let sum = |parts: &[(&str, f64)]| parts.iter().map(|part| part.1).sum::<f64>();
    let (all_instructions, all_allocations) = (sum(&instructions), sum(&allocations));
    let titles = ["thousand instructions", "%", "allocations", "%"].map(str::to_owned);
    let mut table = head("part".to_owned(), titles.into_iter());
    let mut tell = |part: &str, instructions: f64, allocations: f64| {
        let share = |some: f64, all: f64| format!("{:.1}", 100.0 * some / all);
        let cells = [
            figure(instructions),
            share(instructions, all_instructions),
            figure(allocations),
            share(allocations, all_allocations),
        ];
        table += &line(part.to_owned(), cells.into_iter());
    };
    for ((part, instructions), (_, allocations)) in instructions.iter().zip(&allocations) {
        if *instructions > 0.0 || *allocations > 0.0 {
            tell(part, *instructions, *allocations);
        }
    }
    tell("**together**", all_instructions, all_allocations);
    table
}
