//! What the simulated Twilio is told at its start: whose account it is, how people
//! behave, and how badly the network does.

use std::ops::RangeInclusive;
use std::time::Duration;

use ringfence_carrier::settings::Secret;

use crate::clock::Clock;

/// One simulated account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// Signs callbacks, and opens the API together with the account SID.
    pub auth_token: Secret,
    /// Another pair that opens the API; it never signs.
    pub api_key: Option<ApiKey>,
    /// The same seed gives the same fate to the n-th request for the same number.
    pub seed: u64,
    /// Everything in the life of a call takes its time divided by this; more than zero.
    pub speed: f64,
    pub behaviour: Behaviour,
    pub faults: Faults,
    pub clock: Clock,
}

/// An API key, as Twilio issues them.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// `SK` and 32 hex digits.
    pub sid: String,
    pub secret: Secret,
}

/// How long calls take and how they end, before `speed`; shares are of all calls.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// From dialling to the first ring, or to a busy or dead line.
    pub dial: RangeInclusive<Duration>,
    /// How long it rings before somebody answers.
    pub ring: RangeInclusive<Duration>,
    /// How long it rings when nobody does; never longer than the request's `Timeout`.
    pub unanswered_ring: RangeInclusive<Duration>,
    /// How long answered calls last; never longer than the request's `TimeLimit`.
    pub talk: RangeInclusive<Duration>,
    pub busy: f64,
    pub no_answer: f64,
    pub failed: f64,
    /// Calls dialled per second of real time; the rest waits in the queue. `None`: no limit.
    pub calls_per_second: Option<f64>,
    /// Real time that the API takes to answer.
    pub api_latency: RangeInclusive<Duration>,
    /// Real time from an event to its callback.
    pub callback_latency: RangeInclusive<Duration>,
}

impl Behaviour {
    /// A weekday afternoon.
    pub fn ordinary() -> Self {
        Self {
            dial: millis(300, 1_500),
            ring: millis(3_000, 18_000),
            unanswered_ring: millis(15_000, 40_000),
            talk: millis(15_000, 120_000),
            busy: 0.07,
            no_answer: 0.15,
            failed: 0.03,
            calls_per_second: None,
            api_latency: millis(30, 150),
            callback_latency: millis(10, 80),
        }
    }

    /// Everybody answers after `ring` and talks for `talk`; nothing else takes time.
    pub fn exactly(ring: Duration, talk: Duration) -> Self {
        let none = Duration::ZERO..=Duration::ZERO;
        Self {
            dial: none.clone(),
            ring: ring..=ring,
            unanswered_ring: ring..=ring,
            talk: talk..=talk,
            busy: 0.0,
            no_answer: 0.0,
            failed: 0.0,
            calls_per_second: None,
            api_latency: none.clone(),
            callback_latency: none,
        }
    }
}

/// What goes wrong, in shares from 0 to 1, and in real time.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Of callbacks: never sent.
    pub lost: f64,
    /// Of callbacks: sent twice.
    pub doubled: f64,
    /// Of callbacks: sent after `lateness`.
    pub late: f64,
    pub lateness: RangeInclusive<Duration>,
    /// Of callbacks that are not the last: held back until the call is over.
    pub reordered: f64,
    /// Of creates: the call fails at once, and its final callback overtakes the answer.
    pub early_final: f64,
    /// Of creates: the call is made, and no usable answer says so.
    pub ambiguous_made: f64,
    /// Of creates: no call is made, and no usable answer says so.
    pub ambiguous_unmade: f64,
    /// Of all requests: 429, with `Retry-After` every other time.
    pub too_many: f64,
    /// Of creates: refused for a reason that lies in the number.
    pub refused: f64,
    /// Of reads: answered from the past, at most `staleness` ago.
    pub stale: f64,
    pub staleness: Duration,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            lost: 0.0,
            doubled: 0.0,
            late: 0.0,
            lateness: Duration::ZERO..=Duration::ZERO,
            reordered: 0.0,
            early_final: 0.0,
            ambiguous_made: 0.0,
            ambiguous_unmade: 0.0,
            too_many: 0.0,
            refused: 0.0,
            stale: 0.0,
            staleness: Duration::ZERO,
        }
    }

    /// A bad day: everything that Twilio does not promise to avoid, all at once.
    pub fn rough() -> Self {
        Self {
            lost: 0.05,
            doubled: 0.10,
            late: 0.10,
            lateness: millis(500, 4_000),
            reordered: 0.10,
            early_final: 0.05,
            ambiguous_made: 0.03,
            ambiguous_unmade: 0.03,
            too_many: 0.03,
            refused: 0.02,
            stale: 0.20,
            staleness: Duration::from_secs(2),
        }
    }
}

fn millis(from: u64, to: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(from)..=Duration::from_millis(to)
}
