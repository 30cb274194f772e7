//! What a look at a business adds to the figures.

use std::collections::BTreeSet;

use ringfence_core::call::Report;
use ringfence_core::ids::CallId;
use ringfence_core::time::Timestamp;
use ringfence_flows::tally::Tally;
use ringfence_shell::metrics::{Figures, Metric};

/// Reads a tally beside the reports that led to it.
///
/// A slot counts as settled if it was freed without a report. The turnaround is taken between
/// the arrivals of the reports that freed a slot and as many of the requests that left next,
/// each in their order: which lead has got whose slot is nowhere said.
pub(crate) fn figures(tally: &Tally, reports: &[Report], mut ends_at: Vec<Timestamp>) -> Figures {
    let mut figures = Figures::default();
    figures.add(tally);
    let reported: BTreeSet<CallId> = reports.iter().map(|report| report.call).collect();
    let is_reported = |(call, _): &&(CallId, _)| reported.contains(call);
    let freed = tally.ended.iter().filter(is_reported).count();
    let settled = tally.ended.len() - freed;
    figures.count(Metric::LeasesSettled, settled as u64);
    let mut left_at: Vec<Timestamp> = tally.dialed.iter().filter_map(|one| one.left_at).collect();
    ends_at.sort_unstable();
    left_at.sort_unstable();
    for (arrived, left) in ends_at.into_iter().zip(left_at).take(freed) {
        let millis = left.since(arrived).as_millis();
        figures.observe(
            Metric::Turnaround,
            u64::try_from(millis).unwrap_or(u64::MAX),
        );
    }
    figures
}
