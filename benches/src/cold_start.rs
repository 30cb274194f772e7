//! Cold starts, as `tests/judges/run cold-start` measures them: of each function as it is
//! deployed, beside the least function that there can be.

use std::io::stderr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::report::{Row, Table};

/// Under this name the judge is told where to put its rows.
const ROWS: &str = "COLD_START_ROWS";
/// What each row of a function is about, behind its name.
pub(crate) const SIZE: &str = "size";
pub(crate) const TO_QUESTION: &str = "to its first question";
pub(crate) const CPU_TO_QUESTION: &str = "CPU to its first question";
pub(crate) const WITH_TLS: &str = "to its first question, with TLS";
pub(crate) const FIRST_EVENT: &str = "CPU of its first event";

pub(crate) fn run() -> Result<Table> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = std::env::temp_dir().join(format!("cold-start-{}.json", std::process::id()));
    let judged = Command::new(root.join("tests/judges/run"))
        .arg("cold-start")
        .env(ROWS, &file)
        // What is printed here may be read as JSON.
        .stdout(stderr())
        .status()
        .context("failed to run the judge")?;
    let rows = std::fs::read_to_string(&file);
    // There is none if nothing was measured.
    _ = std::fs::remove_file(&file);
    ensure!(
        judged.success(),
        "the judge found something wrong, and says what"
    );
    let rows = rows.context("the judge wrote no rows")?;
    let mut table = Table::of("cold-start");
    table.rows = serde_json::from_str(&rows).context("failed to read the judge's rows")?;
    ensure!(
        are_whole(&table.rows),
        "the judge's rows are not those that are shown"
    );
    Ok(table)
}

/// The functions that were measured.
pub(crate) fn functions(rows: &[Row]) -> Vec<&str> {
    let of_bench = rows.iter().filter(|row| row.bench == "cold-start");
    let names = of_bench.filter_map(|row| row.metric.strip_suffix(SIZE)?.strip_suffix(", "));
    names.collect()
}

/// Whether there is all of each function.
fn are_whole(rows: &[Row]) -> bool {
    let has = |name: &str, what: &str| {
        let metric = format!("{name}, {what}");
        rows.iter().any(|row| row.metric == metric)
    };
    let shown = [SIZE, TO_QUESTION, CPU_TO_QUESTION, WITH_TLS, FIRST_EVENT];
    let names = functions(rows);
    let is_whole = |name: &&str| shown.iter().all(|what| has(name, what));
    !names.is_empty() && names.iter().all(is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_which_one_is_missing_are_refused() {
        let mut table = Table::of("cold-start");
        for what in [SIZE, TO_QUESTION, CPU_TO_QUESTION, WITH_TLS, FIRST_EVENT] {
            assert!(!are_whole(&table.rows), "before {what}");
            table.plain(1_u64, &format!("fill, {what}"), "", 1.0);
        }
        assert!(are_whole(&table.rows));
        assert_eq!(functions(&table.rows), ["fill"]);
    }
}
