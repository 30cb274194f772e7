//! What was aimed at, and where it stands.

use super::find;
use super::tables::{figure, head, line};
use crate::cold_start::{SIZE, TO_QUESTION};
use crate::report::{GROWTH, Row};

/// A goal.
struct Goal {
    what: &'static str,
    bound: Bound,
    unit: &'static str,
    /// Where it stands, if it was measured.
    stands: fn(&[Row]) -> Option<f64>,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
    Below(f64),
}

impl Bound {
    fn is_kept_by(&self, is: f64) -> bool {
        match *self {
            Self::AtMost(most) => is <= most,
            Self::AtLeast(least) => is >= least,
            Self::Below(most) => is < most,
        }
    }

    fn name(&self) -> String {
        match *self {
            Self::AtMost(most) => format!("≤ {}", figure(most)),
            Self::AtLeast(least) => format!("≥ {}", figure(least)),
            Self::Below(most) => format!("< {}", figure(most)),
        }
    }
}

const REFUSED: &str = "refused conditions, 8 fillers at the carrier's pace, by limit";

const LEADS_SIZE: &str = "leads, size";
const LEADS_START: &str = "leads, to its first question";

const GOALS: [Goal; 29] = [
    Goal {
        what: "turnaround, p50, as a multiple of its floor, the worst of 1 to 1,000 businesses",
        bound: Bound::AtMost(2.0),
        unit: "x",
        stands: |rows| largest(rows, "turnaround, p50", |row| row.ratio),
    },
    Goal {
        what: "turnaround, p99, as a multiple of its floor, the worst of 1 to 1,000 businesses",
        bound: Bound::AtMost(4.0),
        unit: "x",
        stands: |rows| largest(rows, "turnaround, p99", |row| row.ratio),
    },
    Goal {
        what: "turnaround, p50, at 1,000 businesses, as a multiple of that at one",
        bound: Bound::AtMost(1.5),
        unit: "x",
        stands: |rows| {
            let of = |n| find(rows, "turnaround, p50", n).map(|row| row.ours);
            Some(of(1_000)? / of(1)?)
        },
    },
    Goal {
        what: "makespan of a list, as a multiple of the ideal, the worst of all limits and lengths",
        bound: Bound::AtMost(1.01),
        unit: "x",
        stands: |rows| {
            let spans = rows
                .iter()
                .filter(|row| row.metric.starts_with("makespan, limit"));
            spans.filter_map(|row| row.ratio).reduce(f64::max)
        },
    },
    Goal {
        what: "the same, where 200 calls of one business are live at once",
        bound: Bound::AtMost(1.01),
        unit: "x",
        stands: |rows| largest(rows, "makespan, limit 200", |row| row.ratio),
    },
    Goal {
        what: "write units per call, limit 3",
        bound: Bound::AtMost(3.2),
        unit: "WCU",
        stands: |rows| per_call(rows, "write units per call, 1 run, by limit"),
    },
    Goal {
        what: "read units per call, limit 3",
        bound: Bound::AtMost(1.6),
        unit: "RCU",
        stands: |rows| per_call(rows, "read units per call, 1 run, by limit"),
    },
    Goal {
        what: "the same, where everybody hears the same",
        bound: Bound::AtMost(1.6),
        unit: "RCU",
        stands: |rows| {
            per_call(
                rows,
                "read units per call, 1 run, the same said to all, by limit",
            )
        },
    },
    Goal {
        what: "the same, where what is said is sent along",
        bound: Bound::AtMost(1.6),
        unit: "RCU",
        stands: |rows| {
            per_call(
                rows,
                "read units per call, 1 run, what is said sent along, by limit",
            )
        },
    },
    Goal {
        what: "SQS requests per call, limit 3",
        bound: Bound::AtMost(3.0),
        unit: "requests",
        stands: |rows| per_call(rows, "SQS requests per call, 1 run, by limit"),
    },
    Goal {
        what: "Lambda invocations per call, limit 3",
        bound: Bound::AtMost(2.1),
        unit: "requests",
        stands: |rows| per_call(rows, "Lambda invocations per call, 1 run, by limit"),
    },
    Goal {
        what: "the same, where what is said is sent along",
        bound: Bound::AtMost(2.1),
        unit: "requests",
        stands: |rows| {
            let metric = "Lambda invocations per call, 1 run, what is said sent along, by limit";
            per_call(rows, metric)
        },
    },
    Goal {
        what: "write units per call of peer (a), as a multiple of ours, limit 3",
        bound: Bound::AtLeast(3.0),
        unit: "x",
        stands: |rows| {
            let row = find(rows, "write units per call, 1 run, by limit", 3)?;
            Some(row.peer? / row.ours)
        },
    },
    Goal {
        what: "idle time of a slot with peer (b), as a multiple of ours, where it does best",
        bound: Bound::AtLeast(10.0),
        unit: "x",
        stands: |rows| idle(rows, "(b)"),
    },
    Goal {
        what: "idle time of a slot with peer (c), as a multiple of ours, where it does best",
        bound: Bound::AtLeast(10.0),
        unit: "x",
        stands: |rows| idle(rows, "(c)"),
    },
    Goal {
        what: "start of a list of 100,000 leads: requests beyond those of 100",
        bound: Bound::AtMost(0.0),
        unit: "requests",
        stands: |rows| {
            let of = |n| find(rows, "requests besides validation, by list", n).map(|row| row.ours);
            Some(of(100_000)? - of(100)?)
        },
    },
    Goal {
        what: "start of 100,000 leads by their ids: time",
        bound: Bound::AtMost(2_000.0),
        unit: "ms",
        stands: |rows| Some(find(rows, "time, by ids", 100_000)?.ours),
    },
    Goal {
        what: "start of 100,000 leads by their ids: requests besides validation",
        bound: Bound::AtMost(60.0),
        unit: "requests",
        stands: |rows| Some(find(rows, "requests besides validation, by ids", 100_000)?.ours),
    },
    Goal {
        what: "state item, limit 3, three runs",
        bound: Bound::AtMost(1_024.0),
        unit: "bytes",
        stands: |rows| per_call(rows, "state item, largest, 3 runs, by limit"),
    },
    Goal {
        what: "refused conditions, 8 fillers at the carrier's pace, limit 8",
        bound: Bound::Below(2.0),
        unit: "%",
        stands: |rows| Some(find(rows, REFUSED, 8)?.ours),
    },
    Goal {
        what: "the same, limit 50",
        bound: Bound::Below(2.0),
        unit: "%",
        stands: |rows| Some(find(rows, REFUSED, 50)?.ours),
    },
    Goal {
        what: "the same, limit 200",
        bound: Bound::Below(2.0),
        unit: "%",
        stands: |rows| Some(find(rows, REFUSED, 200)?.ours),
    },
    Goal {
        what: "read units of a status, by calls stored: exponent of growth",
        bound: Bound::AtMost(0.0),
        unit: "",
        stands: |rows| growth(rows, "status, read units"),
    },
    Goal {
        what: "read units of recent calls, by calls stored: exponent of growth",
        bound: Bound::AtMost(0.0),
        unit: "",
        stands: |rows| growth(rows, "recent calls, read units"),
    },
    Goal {
        what: "read units of a status that the client knows",
        bound: Bound::AtMost(0.5),
        unit: "RCU",
        stands: |rows| {
            largest(rows, "status that is known, read units", |row| {
                Some(row.ours)
            })
        },
    },
    Goal {
        what: "cold start, as a multiple of an empty function's, the longest but that of `leads`",
        bound: Bound::AtMost(3.0),
        unit: "x",
        stands: |rows| {
            worst(rows, TO_QUESTION, |row| {
                row.ratio.filter(|_| row.metric != LEADS_START)
            })
        },
    },
    Goal {
        what: "cold start of `leads`, as a multiple of an empty function's",
        bound: Bound::AtMost(3.0),
        unit: "x",
        stands: |rows| find(rows, LEADS_START, 1)?.ratio,
    },
    Goal {
        what: "the largest binary but `leads`",
        bound: Bound::AtMost(9.0),
        unit: "MB",
        stands: |rows| {
            worst(rows, SIZE, |row| {
                (row.metric != LEADS_SIZE).then_some(row.ours)
            })
        },
    },
    Goal {
        what: "the binary of `leads`",
        bound: Bound::AtMost(9.0),
        unit: "MB",
        stands: |rows| Some(find(rows, LEADS_SIZE, 1)?.ours),
    },
];

/// The goals, each with where it stands.
pub(super) fn table(rows: &[Row]) -> String {
    let titles = ["is to be", "is", ""].map(str::to_owned);
    let mut table = head("what".to_owned(), titles.into_iter());
    for Goal {
        what,
        bound,
        unit,
        stands,
    } in GOALS
    {
        let (is, verdict) = match stands(rows) {
            None => (String::new(), "not measured here"),
            Some(is) if bound.is_kept_by(is) => (figure(is), "reached"),
            Some(is) => (figure(is), "**missed**"),
        };
        let aim = format!("{} {unit}", bound.name()).trim_end().to_owned();
        table += &line(what.to_owned(), [aim, is, verdict.to_owned()].into_iter());
    }
    table
}

/// At the usual limit.
fn per_call(rows: &[Row], metric: &str) -> Option<f64> {
    Some(find(rows, metric, 3)?.ours)
}

/// The largest of a metric over all sizes.
fn largest(rows: &[Row], metric: &str, of: fn(&Row) -> Option<f64>) -> Option<f64> {
    let of_metric = rows.iter().filter(|row| row.metric == metric);
    of_metric.filter_map(of).reduce(f64::max)
}

/// The largest of what was measured of each function.
fn worst(rows: &[Row], what: &str, of: fn(&Row) -> Option<f64>) -> Option<f64> {
    let is_so = |row: &&Row| {
        let name = row.metric.strip_suffix(what);
        row.bench == "cold-start" && name.is_some_and(|name| name.ends_with(", "))
    };
    rows.iter().filter(is_so).filter_map(of).reduce(f64::max)
}

/// What a peer's slots lie idle, as a multiple of ours, where that is least.
fn idle(rows: &[Row], peer: &str) -> Option<f64> {
    let of_peer = rows.iter().filter(|row| {
        row.metric.starts_with("slot idle") && row.metric.contains(&format!("; {peer}"))
    });
    let multiples = of_peer.filter_map(|row| Some(row.peer? / row.ours));
    multiples.reduce(f64::min)
}

/// To six digits: less is noise of the arithmetic.
fn growth(rows: &[Row], metric: &str) -> Option<f64> {
    let metric = format!("{GROWTH}{metric}");
    let row = rows.iter().find(|row| row.metric == metric)?;
    Some((1e6 * row.ours).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Table;

    #[test]
    fn the_worst_of_all_functions_is_of_that_figure_alone() {
        let mut table = Table::of("cold-start");
        table.floored(1_u64, "fill, to its first question", "ms", 4.0, 2.0);
        table.floored(1_u64, "stop, to its first question", "ms", 6.0, 2.0);
        table.floored(1_u64, "stop, CPU to its first question", "ms", 9.0, 1.0);
        let found = worst(&table.rows, TO_QUESTION, |row| row.ratio);
        assert_eq!(found, Some(3.0));
    }

    #[test]
    fn a_slow_start_of_leads_is_missed_without_the_others_being_so() {
        let mut rows = Table::of("cold-start");
        rows.floored(1_u64, "fill, to its first question", "ms", 4.0, 2.0);
        rows.floored(1_u64, "leads, to its first question", "ms", 8.0, 2.0);
        let table = table(&rows.rows);
        let stands = |what: &str| {
            let line = table.lines().find(|line| line.contains(what));
            line.and_then(|line| line.trim_end_matches([' ', '|']).rsplit("| ").next())
        };
        assert_eq!(stands("the longest but that of `leads`"), Some("reached"));
        assert_eq!(stands("cold start of `leads`"), Some("**missed**"));
    }
}
