//! Many seeds, one after the other, and what they have shown together.

use crate::judge::liveness::Ending;
use crate::seed::{Verdict, run};
use crate::story::Telling;

/// What a range of seeds has shown.
#[derive(Default)]
pub struct Sum {
    pub seeds: u64,
    pub calls: u64,
    pub steps: u64,
    pub span_ms: u64,
    /// The ending that came nearest to its bound, and its seed.
    pub tightest: Option<(u64, Ending)>,
    /// The longest bound of all.
    pub bound_ms_max: u64,
    /// The longest that a free slot lay idle.
    pub idle_ms: u64,
    /// The seeds that failed, up to a few.
    pub failures: Vec<Verdict>,
}

/// So many failures are enough.
const FAILURES_MAX: usize = 5;

/// Runs seeds until they are used up, a few have failed, or `goes_on` says no.
pub fn run_all(
    seeds: impl Iterator<Item = u64>,
    profile: &str,
    mut goes_on: impl FnMut(&Sum) -> bool,
) -> Sum {
    let mut sum = Sum::default();
    for seed in seeds {
        let verdict = run(seed, profile, Telling::Digest);
        sum.seeds += 1;
        sum.calls += verdict.calls;
        sum.steps += verdict.steps;
        sum.span_ms += verdict.span_ms;
        sum.bound_ms_max = sum.bound_ms_max.max(verdict.ending.bound_ms());
        sum.idle_ms = sum.idle_ms.max(verdict.idle_ms);
        let tightest = sum.tightest.map_or(0, |(_, ending)| ending.used_percent());
        if verdict.ending.used_percent() >= tightest {
            sum.tightest = Some((seed, verdict.ending));
        }
        if verdict.violation.is_some() {
            sum.failures.push(verdict);
        }
        if sum.failures.len() == FAILURES_MAX || !goes_on(&sum) {
            break;
        }
    }
    sum
}
