//! Puts the figures into `docs/performance.md`, between `<!-- figures: NAME -->` and
//! `<!-- end -->`, and draws its plots beside it, so that none of them is typed by hand.

mod cold_starts;
mod goals;
mod limits;
mod profiles;
pub(crate) mod tables;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::bench::Bench;
use crate::plots;
use crate::report::Row;

const BEGINS: &str = "<!-- figures: ";
const BEGUN: &str = " -->\n";
const ENDS: &str = "<!-- end -->";

/// Writes the page with what was measured now and, for all else, with what was measured last.
/// That is kept in a folder of the page's name, together with the plots.
pub(crate) fn write(page: &Path, measured: Vec<Row>) -> Result<()> {
    let folder = page.with_extension("");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("rows.json");
    let kept: Vec<Row> = match std::fs::read_to_string(&file) {
        Ok(json) => serde_json::from_str(&json).context("failed to read rows")?,
        Err(_) => Vec::new(),
    };
    let rows = together(kept, measured);
    // A row on a line: so what has changed can be seen.
    let lines: Vec<String> = rows
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()?;
    std::fs::write(&file, format!("[\n{}\n]\n", lines.join(",\n")))?;
    plots::draw(&folder, &rows)?;
    let text = std::fs::read_to_string(page).context("failed to read the page")?;
    std::fs::write(page, filled(&text, &rows)?)?;
    Ok(())
}

/// All rows in the order of the benches, those measured now in the place of their bench's older ones.
fn together(kept: Vec<Row>, measured: Vec<Row>) -> Vec<Row> {
    let is_new = |row: &Row| measured.iter().any(|other| other.bench == row.bench);
    let mut rows: Vec<Row> = kept.into_iter().filter(|row| !is_new(row)).collect();
    rows.extend(measured);
    rows.sort_by_key(|row| Bench::place_of(&row.bench));
    rows
}

/// The page with everything between its marks made anew.
fn filled(page: &str, rows: &[Row]) -> Result<String> {
    let mut filled = String::new();
    let mut rest = page;
    while let Some((before, marked)) = rest.split_once(BEGINS) {
        let (name, after) = marked.split_once(BEGUN).context("a mark has an end")?;
        let (_, after) = after.split_once(ENDS).context("figures have an end")?;
        let figures = figures(name, rows)?;
        filled += &format!("{before}{BEGINS}{name}{BEGUN}\n{figures}\n{ENDS}");
        rest = after;
    }
    Ok(filled + rest)
}

/// The tables of this name.
fn figures(name: &str, rows: &[Row]) -> Result<String> {
    let words: Vec<&str> = name.split(' ').collect();
    Ok(match words[..] {
        ["goals"] => goals::table(rows),
        ["limits"] => limits::table(rows),
        ["cold-start"] => cold_starts::table(rows),
        ["profile", function, limit] => profiles::table(rows, function, limit.parse()?),
        ["cost", part @ ("calls" | "fillers")] => {
            let is_of_part = |row: &&Row| row.metric.contains("fillers") == (part == "fillers");
            let of_cost = rows.iter().filter(|row| row.bench == "cost");
            tables::all(&of_cost.filter(is_of_part).cloned().collect::<Vec<_>>())
        }
        [bench] => {
            let of_bench = rows.iter().filter(|row| row.bench == bench);
            tables::all(&of_bench.cloned().collect::<Vec<_>>())
        }
        _ => bail!("there are no figures named {name}"),
    })
}

/// The row of a metric at this size.
fn find<'a>(rows: &'a [Row], metric: &str, n: u64) -> Option<&'a Row> {
    rows.iter().find(|row| row.metric == metric && row.n == n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Table;

    fn rows(bench: &'static str, ours: f64) -> Vec<Row> {
        let mut table = Table::of(bench);
        table.plain(3_u64, "writes", "WCU", ours);
        table.rows
    }

    #[test]
    fn what_stands_between_marks_is_made_anew_and_the_rest_is_kept() {
        let page = "Before.\n\n<!-- figures: cost -->\nold\n<!-- end -->\n\nAfter.\n";
        let once = filled(page, &rows("cost", 1.5)).unwrap();
        assert!(once.starts_with("Before.\n\n<!-- figures: cost -->\n\n| n |"));
        assert!(once.contains("| writes (WCU) | 1.5 |") && !once.contains("old"));
        assert!(once.ends_with("|\n\n<!-- end -->\n\nAfter.\n"));
        assert_eq!(filled(&once, &rows("cost", 1.5)).unwrap(), once);
    }

    #[test]
    fn a_bench_that_is_measured_again_replaces_its_rows_only() {
        let kept = [rows("cost", 1.0), rows("sweep", 2.0)].concat();
        let found = together(kept, rows("cost", 3.0));
        let found: Vec<_> = found.iter().map(|row| (&*row.bench, row.ours)).collect();
        assert_eq!(found, [("cost", 3.0), ("sweep", 2.0)]);
    }
}
