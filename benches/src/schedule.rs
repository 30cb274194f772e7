//! How long calls took as a whole, and the least that they could have taken.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::time::Duration;

use ringfence_local::twilio::{Truth, Verdict};

/// How well the slots of one business were used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Utilisation {
    /// From the first request to the last report.
    pub(crate) makespan: Duration,
    /// The same calls, each begun in the instant in which a slot was free.
    pub(crate) ideal: Duration,
    /// The mean time from the report of an end to the request that uses the slot again, while
    /// there was somebody left to be called.
    pub(crate) idle: Duration,
}

/// What the carrier saw of a business that called everybody on a list.
///
/// A call holds its slot from the arrival of its request to the leaving of its final report:
/// what the carrier takes to answer and to report is in both spans.
pub(crate) fn utilisation(truth: &Truth, limit: u32) -> Option<Utilisation> {
    let made = truth
        .creates
        .iter()
        .filter_map(|create| match &create.verdict {
            Verdict::Made(sid) => Some((sid, create.arrived.instant)),
            Verdict::Unread | Verdict::NotMade(_) | Verdict::Refused(_) | Verdict::TooMany => None,
        });
    let arrived: HashMap<_, _> = made.collect();
    let mut spans = Vec::new();
    for call in &truth.calls {
        spans.push((*arrived.get(&call.sid)?, call.final_sent?.instant));
    }
    spans.sort_unstable();
    let began = spans.first()?.0;
    let ended = spans.iter().map(|span| span.1).max()?;
    let turnarounds = truth.turnarounds();
    let waits = u32::try_from(turnarounds.len()).ok()?.max(1);
    Some(Utilisation {
        makespan: ended.duration_since(began),
        ideal: ideal(
            spans.iter().map(|(from, to)| to.duration_since(*from)),
            limit,
        ),
        idle: turnarounds.iter().sum::<Duration>() / waits,
    })
}

/// The end of a list schedule: each in its order, in the slot that is free first.
pub(crate) fn ideal(durations: impl Iterator<Item = Duration>, slots: u32) -> Duration {
    let mut free_at: BinaryHeap<_> = (0..slots).map(|_| Reverse(Duration::ZERO)).collect();
    for duration in durations {
        if let Some(Reverse(free)) = free_at.pop() {
            free_at.push(Reverse(free + duration));
        }
    }
    free_at
        .into_iter()
        .map(|Reverse(at)| at)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(slots: u32, durations: &[u64], expected: u64) {
        let durations = durations
            .iter()
            .map(|&seconds| Duration::from_secs(seconds));
        assert_eq!(ideal(durations, slots), Duration::from_secs(expected));
    }

    #[test]
    fn whoever_is_next_gets_the_slot_that_is_free_first() {
        check(1, &[3, 4, 5], 12);
        check(2, &[3, 4, 5], 8);
        check(2, &[10, 1, 1, 1], 10);
        check(3, &[5, 5], 5);
        check(3, &[], 0);
    }
}
