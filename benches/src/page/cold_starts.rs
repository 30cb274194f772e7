//! The start of each function, beside the empty one's.

use super::find;
use super::tables::{figure, head, line};
use crate::cold_start::{CPU_TO_QUESTION, FIRST_EVENT, SIZE, TO_QUESTION, WITH_TLS, functions};
use crate::report::Row;

pub(super) fn table(rows: &[Row]) -> String {
    let titles = [
        "MB",
        "to its first question, alone, ms",
        "x hello",
        "CPU, ms",
        "to its first question, with TLS, ms",
        "CPU of its first event, ms",
    ];
    let mut table = head("function".to_owned(), titles.map(str::to_owned).into_iter());
    for name in functions(rows) {
        let of = |what: &str| find(rows, &format!("{name}, {what}"), 1);
        let ours = |what| of(what).map(|row| row.ours);
        let ratio = of(TO_QUESTION).and_then(|row| row.ratio);
        let cells = [
            ours(SIZE),
            ours(TO_QUESTION),
            ratio,
            ours(CPU_TO_QUESTION),
            ours(WITH_TLS),
            ours(FIRST_EVENT),
        ];
        let cells = cells.map(|cell| cell.map(figure).unwrap_or_default());
        table += &line(name.to_owned(), cells.into_iter());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Table;

    #[test]
    fn a_function_has_a_line_with_its_multiple_of_the_least_function() {
        let mut measured = Table::of("cold-start");
        measured.plain(1_u64, "fill, size", "MB", 8.5);
        measured.floored(1_u64, "fill, to its first question", "ms", 6.0, 3.0);
        let table = table(&measured.rows);
        assert!(
            table.ends_with("| fill | 8.5 | 6 | 2 |  |  |  |\n"),
            "{table}"
        );
    }
}
