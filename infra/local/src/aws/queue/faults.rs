//! What a queue can be made to do to its messages.

use std::time::Duration;

/// The shares, from 0 to 1, in which sends go wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueFaults {
    /// The same seed strikes the same sends.
    pub seed: u64,
    /// Sends answered with a 500, which store nothing. The SDK tries again.
    pub refuse: f64,
    /// Messages confirmed and never seen again.
    pub lose: f64,
    /// Messages delivered twice.
    pub double: f64,
    /// Messages that are late, each copy by its own part of `delay_max`.
    pub delay: f64,
    pub delay_max: Duration,
}

impl QueueFaults {
    /// A queue that does nothing wrong.
    pub const NONE: Self = Self {
        seed: 0,
        refuse: 0.0,
        lose: 0.0,
        double: 0.0,
        delay: 0.0,
        delay_max: Duration::ZERO,
    };
}

/// How often each fault has struck, so that a test can tell whether it tested anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Struck {
    pub refused: u32,
    pub lost: u32,
    pub doubled: u32,
    pub delayed: u32,
}
