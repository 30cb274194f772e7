//! Measures what Ringfence costs and how fast it is, beside floors and other designs that are
//! measured in the same run, because machines differ and have neighbours.

mod bench;
mod cold_start;
mod cost;
mod import;
mod machine;
mod page;
mod peers;
mod plots;
mod process;
mod profile;
mod raw;
mod reads;
mod report;
mod schedule;
mod stage;
mod start;
mod stats;
mod sweep;
mod turnaround;
mod utilisation;
mod webhook;

use std::fmt::Display;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::bench::{Bench, Size, probe};
use crate::report::{Row, Table};

/// Benchmarks of Ringfence on the embedded stack.
#[derive(Parser)]
#[command(name = "bench", version, about)]
struct Cli {
    /// Which; all of them unless named.
    #[arg(value_enum, default_values_t = [Bench::All])]
    benches: Vec<Bench>,
    /// Prints one JSON array, and nothing else.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Prints tables in Markdown.
    #[arg(long)]
    markdown: bool,
    /// Puts the figures into this page, `docs/performance.md`, and draws its plots beside it.
    /// Figures of benches that are not run stay as they were measured last.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// The larger sizes too, which take a quarter of an hour.
    #[arg(long)]
    full: bool,
    /// Does one thing, to be looked at from outside: `start BY LEADS` and `import READER FILE` for
    /// the memory that they take, `profile FUNCTION LIMIT` for what Valgrind sees.
    #[arg(long, hide = true, num_args = 3)]
    probe: Option<Vec<String>>,
}

fn main() -> Result<()> {
    let Cli {
        benches,
        json,
        markdown,
        page,
        full,
        probe: probed,
    } = Cli::parse();
    if let Some(probed) = probed {
        return say(&probe(&probed)?);
    }
    let size = if full { Size::Full } else { Size::Usual };
    let mut rows: Vec<Row> = Vec::new();
    for one in benches.into_iter().flat_map(Bench::parts) {
        let table: Table = one.run(size)?;
        if markdown {
            say(&page::tables::all(&table.rows))?;
        } else if !json {
            table.print();
        }
        rows.extend(table.rows);
    }
    if json {
        say(&serde_json::to_string_pretty(&rows)?)?;
    }
    if let Some(page) = page {
        page::write(&page, rows)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is this command's answer")]
fn say(what: &dyn Display) -> Result<()> {
    println!("{what}");
    Ok(())
}
