//! Wall time that follows tokio's clock.
//!
//! It never jumps: a test that pauses tokio owns this clock too.

use std::time::{SystemTime, UNIX_EPOCH};

use ringfence_core::time::Timestamp;
use tokio::time::Instant;

/// The wall time at some instant, and all the time that tokio has counted since.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base: Timestamp,
    started: Instant,
}

impl Clock {
    /// Starts from the machine's wall time.
    pub fn wall() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self::starting_at(Timestamp::from_millis(0).after(since_epoch))
    }

    /// Starts now from a time of the caller's choice.
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            started: Instant::now(),
        }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// What it showed at its start.
    pub fn started_at(&self) -> Timestamp {
        self.base
    }

    /// What the clock shows, or showed, at `instant`.
    pub fn at(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.started) {
            Some(later) => self.base.after(later),
            None => self
                .base
                .before(self.started.saturating_duration_since(instant)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_follows_tokio() {
        let clock = Clock::starting_at(Timestamp::from_millis(1_000));
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(1_250));
    }
}
