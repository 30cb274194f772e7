//! What was measured: rows for a person, or as JSON.

use serde::{Deserialize, Serialize};

use crate::stats::exponent;

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) bench: String,
    /// What it was measured at: leads, businesses, calls, or the limit, as the metric says.
    pub(crate) n: u64,
    pub(crate) metric: String,
    pub(crate) unit: String,
    pub(crate) ours: f64,
    /// What it cannot be less than here.
    pub(crate) floor: Option<f64>,
    /// What another design takes for the same.
    pub(crate) peer: Option<f64>,
    /// Ours as a multiple of the floor or, without one, of the peer.
    pub(crate) ratio: Option<f64>,
}

/// The rows of one bench, and how they are made.
pub(crate) struct Table {
    bench: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// How the metric begins that says how another one grows with n.
pub(crate) const GROWTH: &str = "growth of ";
/// Its unit.
const EXPONENT: &str = "exponent";

impl Table {
    pub(crate) fn of(bench: &'static str) -> Self {
        let rows = Vec::new();
        Self { bench, rows }
    }

    /// A figure that has nothing beside it.
    pub(crate) fn plain(
        &mut self,
        n: impl TryInto<u64>,
        metric: &str,
        unit: &'static str,
        ours: f64,
    ) {
        self.push(n, metric, unit, ours, None, None);
    }

    /// A figure beside the least that it could be.
    pub(crate) fn floored(
        &mut self,
        n: impl TryInto<u64>,
        metric: &str,
        unit: &'static str,
        ours: f64,
        floor: f64,
    ) {
        self.push(n, metric, unit, ours, Some(floor), None);
    }

    /// A figure beside the same of another design.
    pub(crate) fn against(
        &mut self,
        n: impl TryInto<u64>,
        metric: &str,
        unit: &'static str,
        ours: f64,
        peer: f64,
    ) {
        self.push(n, metric, unit, ours, None, Some(peer));
    }

    /// The same, or plain where the peer was not measured.
    pub(crate) fn push(
        &mut self,
        n: impl TryInto<u64>,
        metric: &str,
        unit: &'static str,
        ours: f64,
        floor: Option<f64>,
        peer: Option<f64>,
    ) {
        let beside = floor.or(peer).filter(|&beside| beside > 0.0);
        self.rows.push(Row {
            bench: self.bench.to_owned(),
            n: n.try_into().unwrap_or(u64::MAX),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            ours,
            floor,
            peer,
            ratio: beside.map(|beside| ours / beside),
        });
    }

    /// Adds how this metric grows with n, where it was measured at four sizes or more.
    pub(crate) fn growth(&mut self, metric: &str) {
        let of_metric: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.metric == metric)
            .collect();
        let fit = |value: &dyn Fn(&Row) -> Option<f64>| {
            let points = of_metric
                .iter()
                .map(|row| Some((row.n as f64, value(row)?)));
            exponent(&points.collect::<Option<Vec<_>>>()?)
        };
        let largest = of_metric.iter().map(|row| row.n).max().unwrap_or(0);
        if let Some(ours) = fit(&|row| Some(row.ours)) {
            let (floor, peer) = (fit(&|row| row.floor), fit(&|row| row.peer));
            let metric = format!("{GROWTH}{metric}");
            self.push(largest, &metric, EXPONENT, ours, floor, peer);
            // A ratio of two exponents says nothing.
            self.rows.last_mut().expect("it was just pushed").ratio = None;
        }
    }

    /// Says the rows to a person.
    #[expect(clippy::print_stdout, reason = "it is this command's answer")]
    pub(crate) fn print(&self) {
        println!(
            "{:<12} {:>8}  {:<58} {:<10} {:>12} {:>12} {:>12} {:>8}",
            "bench", "n", "metric", "unit", "ours", "floor", "peer", "ratio"
        );
        for row in &self.rows {
            println!(
                "{:<12} {:>8}  {:<58} {:<10} {:>12} {:>12} {:>12} {:>8}",
                row.bench,
                row.n,
                row.metric,
                row.unit,
                shown(Some(row.ours)),
                shown(row.floor),
                shown(row.peer),
                shown(row.ratio),
            );
        }
        println!();
    }
}

/// Four digits that count.
fn shown(value: Option<f64>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    match value.abs() {
        0.0 => "0".to_owned(),
        large if large >= 1_000.0 => format!("{value:.0}"),
        large if large >= 100.0 => format!("{value:.1}"),
        large if large >= 10.0 => format!("{value:.2}"),
        large if large >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_to_the_floor_or_else_to_the_peer() {
        let mut table = Table::of("cost");
        table.push(1_u64, "writes", "units", 6.0, Some(3.0), Some(12.0));
        table.against(1_u64, "writes", "units", 6.0, 12.0);
        table.plain(1_u64, "writes", "units", 6.0);
        table.floored(1_u64, "writes", "units", 6.0, 0.0);
        let ratios: Vec<_> = table.rows.iter().map(|row| row.ratio).collect();
        assert_eq!(ratios, [Some(2.0), Some(0.5), None, None]);
    }

    #[test]
    fn growth_is_that_of_one_metric_over_its_sizes() {
        let mut table = Table::of("start");
        for n in [10_u64, 100, 1_000, 10_000] {
            table.floored(n, "time", "ms", n as f64, 5.0);
            table.plain(n, "requests", "requests", 3.0);
        }
        table.growth("time");
        let grown = table.rows.last().unwrap();
        assert_eq!((grown.metric.as_str(), grown.n), ("growth of time", 10_000));
        assert!((grown.ours - 1.0).abs() < 1e-9);
        assert!(grown.floor.unwrap().abs() < 1e-9);
        assert_eq!((grown.peer, grown.ratio), (None, None));
    }

    #[test]
    fn a_row_as_json_has_the_fields_that_readers_know() {
        let mut table = Table::of("cost");
        table.plain(3_u64, "writes", "units", 1.5);
        let json = serde_json::to_value(&table.rows).unwrap();
        let expected = serde_json::json!([{
            "bench": "cost", "n": 3, "metric": "writes", "unit": "units",
            "ours": 1.5, "floor": null, "peer": null, "ratio": null
        }]);
        assert_eq!(json, expected);
    }
}
