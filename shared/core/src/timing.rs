//! Every time span that the promise rests on, and the inequalities between them.

use std::time::Duration;

use thiserror::Error;

/// The spans by which claims are fenced, workers die and silent calls are asked about.
///
/// [`Timing::CLOUD`] holds in production and stands again in `template.yaml`;
/// [`Timing::scaled`] shrinks all of them together for a local stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From a claim to the last instant at which its request may leave ([`crate::state::Lease::dial_by`]).
    pub dial_window: Duration,
    /// The longest that one request to the carrier may take, connecting included.
    pub http_timeout: Duration,
    /// The longest that an invocation lives. AWS kills it then, whatever it was doing:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
    pub function_timeout: Duration,
    /// How far two clocks may be apart: two workers', or a worker's and the carrier's.
    pub margin: Duration,
    /// The age at which a call without news is first asked about.
    pub settle_after: Duration,
    /// How often the sweep wakes every business that has something to do.
    pub sweep_every: Duration,
    /// The longest time between two questions about one live call.
    pub ask_again_max: Duration,
    /// How long the queue hides a message that is being worked on. AWS asks for at
    /// least six times the function timeout:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
    pub visibility_timeout: Duration,
}

/// The spans would not keep the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the settle time must be at least {} seconds",
    Timing::SETTLE_SECONDS_MIN
)]
pub struct BadTiming;

impl Timing {
    /// Below this, requests would time out before a loopback round trip on a busy machine.
    pub const SETTLE_SECONDS_MIN: u64 = 6;

    /// The spans in production.
    pub const CLOUD: Self = Self {
        // Claims are dialled at once; a worker slower than this is in trouble.
        dial_window: Duration::from_secs(10),
        // Twilio answers a create in well under a second; ten allow for its bad days.
        http_timeout: Duration::from_secs(10),
        // Asking, then dialling at the end of the window, then its answer, and ten to write it all down.
        function_timeout: Duration::from_secs(40),
        // Lambda's clocks are kept by Amazon Time Sync to milliseconds; Twilio's are not ours to know.
        margin: Duration::from_secs(10),
        settle_after: Duration::from_secs(120),
        sweep_every: Duration::from_secs(60),
        // A call of hours is asked about four times an hour.
        ask_again_max: Duration::from_secs(900),
        visibility_timeout: Duration::from_secs(240),
    };

    /// The same spans for a settle time of `settle_seconds` and a sweep every `sweep_seconds`.
    ///
    /// # Errors
    ///
    /// Refuses what would not keep the fence.
    pub fn scaled(settle_seconds: u64, sweep_seconds: u64) -> Result<Self, BadTiming> {
        if settle_seconds < Self::SETTLE_SECONDS_MIN {
            return Err(BadTiming);
        }
        let settle_after = Duration::from_secs(settle_seconds);
        let function_timeout = Self::CLOUD.function_timeout.min(settle_after * 2 / 3);
        let timing = Self {
            dial_window: Self::CLOUD.dial_window.min(settle_after / 8),
            http_timeout: Self::CLOUD.http_timeout.min(settle_after / 5),
            function_timeout,
            margin: Self::CLOUD.margin.min(settle_after / 12),
            settle_after,
            sweep_every: Duration::from_secs(sweep_seconds.max(1)),
            ask_again_max: Self::CLOUD.ask_again_max,
            visibility_timeout: function_timeout * 6,
        };
        if timing.holds() {
            Ok(timing)
        } else {
            Err(BadTiming)
        }
    }

    /// From a claim to the instant at which nobody can dial for it any more, whatever
    /// paused or crashed: the window, then the life of the worker, then the clocks' difference.
    pub const fn fence(&self) -> Duration {
        Duration::from_millis(
            millis(self.dial_window) + millis(self.function_timeout) + millis(self.margin),
        )
    }

    /// How late in an invocation a claim may still be made: what follows it (the
    /// window, the request, and as much again to write the answer down) must fit.
    pub const fn claim_within(&self) -> Duration {
        Duration::from_millis(
            millis(self.function_timeout)
                .saturating_sub(millis(self.dial_window) + 3 * millis(self.http_timeout) / 2),
        )
    }

    /// When to ask again about a call that was live at `age`.
    ///
    /// With the sweep's period added it is at most twice the age, so a call that ends
    /// right after the question is found out before it is counted for twice its length.
    pub fn ask_again_after(&self, age: Duration) -> Duration {
        let doubled = age.saturating_sub(self.sweep_every);
        doubled.max(self.sweep_every).min(self.ask_again_max)
    }

    /// The inequalities. Deleting one breaks the fence or loses an answer.
    const fn holds(&self) -> bool {
        let asks_first = millis(self.http_timeout);
        let dials = millis(self.dial_window) + millis(self.http_timeout);
        asks_first + dials <= millis(self.function_timeout)
            && millis(self.fence()) <= millis(self.settle_after)
            && millis(self.function_timeout) * 6 <= millis(self.visibility_timeout)
            && millis(self.claim_within()) > asks_first / 2
    }
}

const _: () = assert!(Timing::CLOUD.holds());
// A lost final report of a call that is over in its first minute frees its slot within three.
const _: () =
    assert!(millis(Timing::CLOUD.settle_after) + millis(Timing::CLOUD.sweep_every) <= 180_000);

#[expect(
    clippy::cast_possible_truncation,
    reason = "spans are minutes; try_from is not const"
)]
const fn millis(span: Duration) -> u64 {
    span.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_settle_time_from_the_least_keeps_the_fence() {
        for settle in Timing::SETTLE_SECONDS_MIN..=600 {
            for sweep in [1, 5, 60] {
                let timing = Timing::scaled(settle, sweep).unwrap();
                assert!(timing.fence() <= timing.settle_after, "{settle}");
                assert!(timing.http_timeout < timing.function_timeout, "{settle}");
            }
        }
    }

    #[test]
    fn a_settle_time_that_cannot_keep_the_fence_is_refused() {
        assert_eq!(
            Timing::scaled(Timing::SETTLE_SECONDS_MIN - 1, 1),
            Err(BadTiming)
        );
    }

    #[test]
    fn a_span_holds_up_to_its_bound_and_not_beyond() {
        const STEP: Duration = Duration::from_millis(1);
        let cloud = Timing::CLOUD;
        let roomy = Timing {
            settle_after: cloud.settle_after * 10,
            visibility_timeout: cloud.visibility_timeout * 10,
            ..cloud
        };
        let settling = |settle_after| Timing {
            settle_after,
            ..roomy
        };
        assert!(settling(cloud.fence()).holds());
        assert!(!settling(cloud.fence() - STEP).holds());
        let hidden = |visibility_timeout| Timing {
            visibility_timeout,
            ..roomy
        };
        assert!(hidden(cloud.function_timeout * 6).holds());
        assert!(!hidden(cloud.function_timeout * 6 - STEP).holds());
        let dialing = |dial_window| Timing {
            dial_window,
            ..roomy
        };
        // Nothing could be claimed once the first questions were asked.
        let most = cloud.function_timeout - cloud.http_timeout * 2;
        assert!(dialing(most - STEP).holds());
        assert!(!dialing(most).holds());
    }

    #[test]
    fn what_follows_a_claim_fits_into_the_invocation() {
        let timing = Timing::CLOUD;
        let follows = timing.dial_window + timing.http_timeout + timing.http_timeout / 2;
        assert_eq!(timing.claim_within(), timing.function_timeout - follows);
    }

    #[test]
    fn production_spans_are_the_scaled_ones_at_two_minutes() {
        assert_eq!(Timing::scaled(120, 60), Ok(Timing::CLOUD));
    }

    #[test]
    fn a_call_is_found_out_before_it_is_counted_for_twice_its_length() {
        let timing = Timing::CLOUD;
        let mut asked_at = timing.settle_after;
        while asked_at < Duration::from_secs(1_000) {
            let next_at_latest = asked_at + timing.ask_again_after(asked_at) + timing.sweep_every;
            assert!(next_at_latest <= asked_at * 2, "{asked_at:?}");
            asked_at += timing.ask_again_after(asked_at);
        }
    }
}
