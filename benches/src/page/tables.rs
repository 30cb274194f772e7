//! Rows as Markdown: a line for each metric, and a column for each size at which it was measured.

use crate::report::{GROWTH, Row};

/// Tables of these rows. Metrics that were measured at the same sizes, one after another, share one.
pub(crate) fn all(rows: &[Row]) -> String {
    let (growths, measured): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.metric.starts_with(GROWTH));
    let mut metrics: Vec<Metric> = Vec::new();
    for row in measured {
        match metrics.iter_mut().find(|metric| metric.is_of(row)) {
            Some(metric) => metric.rows.push(row),
            None => {
                let mut growths = growths.iter();
                let growth = growths.find(|growth| growth.metric[GROWTH.len()..] == row.metric);
                metrics.push(Metric {
                    rows: vec![row],
                    growth: growth.copied(),
                });
            }
        }
    }
    let tables = metrics.chunk_by(|one, other| one.sizes() == other.sizes());
    tables.map(table).collect::<Vec<_>>().join("\n")
}

/// A metric at all its sizes.
struct Metric<'a> {
    rows: Vec<&'a Row>,
    growth: Option<&'a Row>,
}

impl Metric<'_> {
    fn is_of(&self, row: &Row) -> bool {
        self.rows[0].metric == row.metric && self.rows[0].bench == row.bench
    }

    fn sizes(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.n).collect()
    }

    /// A line of the table, if this was measured.
    fn line(&self, name: &str, has_growth: bool, of: fn(&Row) -> Option<f64>) -> String {
        let values = self.rows.iter().map(|row| of(row));
        let growth = has_growth.then(|| self.growth.and_then(of));
        let values: Vec<Option<f64>> = values.chain(growth).collect();
        if values.iter().all(Option::is_none) {
            return String::new();
        }
        let cells = values
            .into_iter()
            .map(|value| value.map(figure).unwrap_or_default());
        line(name.to_owned(), cells)
    }
}

fn table(metrics: &[Metric]) -> String {
    let has_growth = metrics.iter().any(|metric| metric.growth.is_some());
    let sizes = metrics[0].sizes();
    let sizes = sizes.into_iter().map(|size| figure(size as f64));
    let growth = has_growth.then(|| "grows with n to the".to_owned());
    let mut table = head("n".to_owned(), sizes.chain(growth));
    for metric in metrics {
        let first = metric.rows[0];
        let name = format!("{} ({})", first.metric, first.unit);
        table += &metric.line(&name, has_growth, |row| Some(row.ours));
        table += &metric.line("— its floor", has_growth, |row| row.floor);
        table += &metric.line("— the peer's", has_growth, |row| row.peer);
        table += &metric.line("— ratio", has_growth, |row| row.ratio);
    }
    table
}

/// The head of a table.
pub(super) fn head(first: String, others: impl Iterator<Item = String>) -> String {
    let others: Vec<String> = others.collect();
    let rule = "|---".repeat(others.len() + 1);
    line(first, others.into_iter()) + &rule + "|\n"
}

/// A line of a table.
pub(super) fn line(first: String, others: impl Iterator<Item = String>) -> String {
    let cells = std::iter::once(first).chain(others);
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// A figure with three digits that count, or all of a whole number, in groups of three.
pub(crate) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        large if large >= 100.0 => 0,
        large if large >= 10.0 => 1,
        large if large >= 1.0 => 2,
        large if large >= 0.01 => 3,
        _ => 5,
    };
    let written = format!("{value:.decimals$}");
    let (whole, part) = written.split_once('.').unwrap_or((&written, ""));
    let part = part.trim_end_matches('0');
    let (sign, digits) = whole
        .strip_prefix('-')
        .map_or(("", whole), |rest| ("-", rest));
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if first > 0 {
        groups.push(&digits[..first]);
    }
    groups.extend(
        (first..digits.len())
            .step_by(3)
            .map(|from| &digits[from..from + 3]),
    );
    let whole = groups.join(",");
    if part.is_empty() {
        // Nothing is less than nothing.
        let sign = if whole == "0" { "" } else { sign };
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{part}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Table;

    #[test]
    fn figures_have_the_digits_that_count() {
        let shown = [
            0.0, 1.0, 0.5, 3.236, 17.0667, 996.016, 15778.0, 1234567.8, 0.0004, -0.2063, -0.000001,
        ];
        let expected = [
            "0",
            "1",
            "0.5",
            "3.24",
            "17.1",
            "996",
            "15,778",
            "1,234,568",
            "0.0004",
            "-0.206",
            "0",
        ];
        assert_eq!(shown.map(figure), expected);
    }

    #[test]
    fn metrics_of_the_same_sizes_share_a_table() {
        let mut table = Table::of("start");
        for n in [10_u64, 100, 1_000, 10_000] {
            table.floored(n, "time", "ms", n as f64, 5.0);
            table.plain(n, "requests", "requests", 3.0);
        }
        table.plain(3_u64, "peak", "MB", 7.0);
        table.growth("time");
        let expected = "\
            | n | 10 | 100 | 1,000 | 10,000 | grows with n to the |\n\
            |---|---|---|---|---|---|\n\
            | time (ms) | 10 | 100 | 1,000 | 10,000 | 1 |\n\
            | — its floor | 5 | 5 | 5 | 5 | 0 |\n\
            | — ratio | 2 | 20 | 200 | 2,000 |  |\n\
            | requests (requests) | 3 | 3 | 3 | 3 |  |\n\
            \n\
            | n | 3 |\n\
            |---|---|\n\
            | peak (MB) | 7 |\n";
        assert_eq!(all(&table.rows), expected);
    }
}
