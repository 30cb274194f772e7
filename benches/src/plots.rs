//! The plots of `docs/performance.md`, from rows.

mod chart;

use std::path::Path;

use anyhow::Result;

use self::chart::{Axis, Chart, Ink, Line};
use crate::page::tables::figure;
use crate::report::Row;

/// Draws every plot whose rows were measured.
pub(crate) fn draw(folder: &Path, rows: &[Row]) -> Result<()> {
    for (name, chart) in [
        ("turnaround", turnaround(rows)),
        ("writes", writes(rows)),
        ("starts", starts(rows)),
    ] {
        if chart.has_points() {
            chart.draw(&folder.join(format!("{name}.svg")))?;
        }
    }
    Ok(())
}

/// What of a row is drawn.
type Value = fn(&Row) -> Option<f64>;

/// A metric at all its sizes.
fn points(rows: &[Row], metric: &str, value: Value) -> Vec<(f64, f64)> {
    let of_metric = rows.iter().filter(|row| row.metric == metric);
    of_metric
        .filter_map(|row| Some((row.n as f64, value(row)?)))
        .collect()
}

/// A line whose points have no notes.
fn line(rows: &[Row], label: &'static str, ink: Ink, metric: &str, value: Value) -> Line {
    Line {
        label,
        ink,
        points: points(rows, metric, value),
        notes: Vec::new(),
    }
}

fn turnaround(rows: &[Row]) -> Chart {
    let (p50, p99) = ("turnaround, p50", "turnaround, p99");
    Chart {
        title: "From a final callback to the next call",
        x: Axis {
            title: "businesses at work, each with three slots",
            marks: vec![1.0, 10.0, 100.0, 1_000.0],
        },
        y: Axis {
            title: "milliseconds",
            marks: vec![1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0],
        },
        lines: vec![
            line(rows, "ours, p99", Ink::Ours, p99, |row| Some(row.ours)),
            line(rows, "ours, p50", Ink::Ours, p50, |row| Some(row.ours)),
            line(rows, "floor, p99", Ink::Floor, p99, |row| row.floor),
            line(rows, "floor, p50", Ink::Floor, p50, |row| row.floor),
        ],
    }
}

fn writes(rows: &[Row]) -> Chart {
    let units = "write units per call, 1 run, by limit";
    let sizes = "state item, largest, 1 run, by limit";
    let sizes = points(rows, sizes, |row| Some(row.ours)).into_iter();
    Chart {
        title: "Write units of a call, and the size of the state item",
        x: Axis {
            title: "limit: live calls of one business",
            marks: vec![1.0, 3.0, 10.0, 50.0, 200.0],
        },
        y: Axis {
            title: "write units for each call",
            marks: vec![2.0, 5.0, 10.0, 20.0],
        },
        lines: vec![
            line(rows, "(a) transactions", Ink::Peer, units, |row| row.peer),
            Line {
                notes: sizes
                    .map(|(_, bytes)| format!("{} B", figure(bytes)))
                    .collect(),
                ..line(rows, "ours", Ink::Ours, units, |row| Some(row.ours))
            },
        ],
    }
}

fn starts(rows: &[Row]) -> Chart {
    let (by_ids, by_list) = (
        "requests besides validation, by ids",
        "requests besides validation, by list",
    );
    Chart {
        title: "Requests that store a run",
        x: Axis {
            title: "leads of the run",
            marks: vec![100.0, 1_000.0, 10_000.0, 100_000.0],
        },
        y: Axis {
            title: "DynamoDB requests besides validation",
            marks: vec![1.0, 10.0, 100.0, 1_000.0, 10_000.0],
        },
        lines: vec![
            line(rows, "(a) transactions", Ink::Peer, by_ids, |row| row.peer),
            line(rows, "ours, by ids", Ink::Ours, by_ids, |row| {
                Some(row.ours)
            }),
            line(rows, "ours, by list", Ink::OursToo, by_list, |row| {
                Some(row.ours)
            }),
        ],
    }
}
