//! What goes wrong, and how often. Each seed draws its own mix: a seed in which little
//! goes wrong reaches states that one in which everything does never sees.

use std::fmt::Write as _;

use crate::kernel::Kernel;

/// One way in which the outside lets us down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A worker dies at an await.
    Crash,
    /// A worker stands still, up to its death by timeout, and then goes on.
    Pause,
    /// A worker stands still right before its request leaves, past the dial window.
    PauseBeforeDial,
    /// Workers' clocks, and the carrier's, differ by up to [`ringfence_core::timing::Timing::margin`].
    Skew,
    /// A write was applied, and its answer is lost.
    WriteAppliedTimeout,
    /// A write was not applied, and nobody says so.
    WriteLostTimeout,
    /// A write arrives after its sender has given up waiting.
    WriteLate,
    /// The store asks to slow down, or a transaction is in the way.
    Throttle,
    /// A read fails, or a write whose attempts are used up.
    StoreError,
    /// The sweep's index does not know the latest yet.
    StaleIndex,
    /// A message is lost when it is sent.
    SendLoss,
    /// A message comes twice.
    Duplicate,
    /// A message comes late.
    Delay,
    /// A sweep does not happen.
    SweepMissed,
    CallbackLost,
    CallbackTwice,
    CallbackLate,
    /// Somebody who is not the carrier says that a call is over.
    CallbackForged,
    /// The carrier refuses a lead.
    RefusesLead,
    /// The carrier refuses our configuration.
    RefusesConfiguration,
    TooManyRequests,
    /// A connection is not made.
    ConnectFails,
    /// 5xx, and the call may or may not exist.
    ServerError,
    /// The call exists, and the answer never comes.
    AcceptedTimeout,
    /// The call comes to exist after the worker gave up waiting.
    AcceptedLate,
    /// What is asked of the carrier is answered from a little while ago.
    Stale,
    /// The carrier gives no usable answer to a question.
    AskFails,
    /// A final report is also followed by others, earlier ones among them.
    MoreCallbacks,
    /// A call waits at the carrier before it is dialled.
    QueuedAtCarrier,
    /// A worker lives up to [`ringfence_core::timing::Timing::margin`] longer than it may.
    KilledLate,
    /// A worker runs the next release, which keeps an attribute that this one does not know.
    NextRelease,
    /// A batch leaves a part of its items over, and goes on doing so for a while.
    Unprocessed,
    /// A glance at a state shows how it was a little while ago.
    OldState,
    /// A worker stands still after it has read what is recorded of silent calls.
    PauseAfterLook,
    /// A worker is not killed at its timeout: it stands still past every deadline, and goes on.
    Frozen,
}

/// Every fault, which group it belongs to, and its rate in ten thousand where it is strong.
pub const ALL: [(Fault, &str, u32); 35] = [
    (Fault::Crash, "workers", 100),
    (Fault::Pause, "workers", 100),
    (Fault::PauseBeforeDial, "workers", 400),
    (Fault::Skew, "workers", 10_000),
    (Fault::WriteAppliedTimeout, "store", 800),
    (Fault::WriteLostTimeout, "store", 500),
    (Fault::WriteLate, "store", 300),
    (Fault::Throttle, "store", 500),
    (Fault::StoreError, "store", 150),
    (Fault::StaleIndex, "store", 3_000),
    (Fault::SendLoss, "queue", 2_000),
    (Fault::Duplicate, "queue", 2_000),
    (Fault::Delay, "queue", 1_500),
    (Fault::SweepMissed, "queue", 2_000),
    (Fault::CallbackLost, "carrier", 2_000),
    (Fault::CallbackTwice, "carrier", 2_000),
    (Fault::CallbackLate, "carrier", 1_500),
    (Fault::CallbackForged, "carrier", 1_000),
    (Fault::RefusesLead, "carrier", 800),
    (Fault::RefusesConfiguration, "carrier", 60),
    (Fault::TooManyRequests, "carrier", 1_500),
    (Fault::ConnectFails, "carrier", 500),
    (Fault::ServerError, "carrier", 1_000),
    (Fault::AcceptedTimeout, "carrier", 1_000),
    (Fault::AcceptedLate, "carrier", 800),
    (Fault::Stale, "carrier", 4_000),
    (Fault::AskFails, "carrier", 2_000),
    (Fault::MoreCallbacks, "carrier", 3_000),
    (Fault::QueuedAtCarrier, "carrier", 1_000),
    (Fault::KilledLate, "workers", 5_000),
    (Fault::NextRelease, "release", 5_000),
    (Fault::Unprocessed, "store", 2_500),
    (Fault::OldState, "store", 4_000),
    (Fault::PauseAfterLook, "silent", 5_000),
    (Fault::Frozen, "frozen", 3_000),
];

/// Which groups of faults may be drawn.
pub const PROFILES: [&str; 14] = [
    "all", "calm", "carrier", "edge", "fence", "frozen", "late", "queue", "release", "rules",
    "silent", "store", "users", "workers",
];

/// Where the faults begin that are drawn apart: what else a seed draws is the same with
/// and without them.
const APART: usize = Fault::KilledLate as usize;

/// Where the faults begin that nobody draws: only a profile that aims at something has them.
const AIMED: usize = Fault::PauseAfterLook as usize;

/// What the profile `fence` is made of: requests that leave and arrive as late as they can.
const FENCE: [(Fault, u32); 4] = [
    (Fault::PauseBeforeDial, 1_000),
    (Fault::Skew, 10_000),
    (Fault::AcceptedLate, 3_000),
    (Fault::Stale, 5_000),
];

/// What the profile `late` is made of: besides, workers outlive their time.
const LATE: [(Fault, u32); 5] = [
    (Fault::PauseBeforeDial, 3_000),
    (Fault::Skew, 10_000),
    (Fault::AcceptedLate, 3_000),
    (Fault::Stale, 5_000),
    (Fault::KilledLate, 5_000),
];

/// What the profile `edge` is made of: besides, calls that end at once or never were, to
/// few numbers, and everything that can be late is often as late as it can be.
const EDGE: [(Fault, u32); 9] = [
    (Fault::PauseBeforeDial, 2_500),
    (Fault::Skew, 10_000),
    (Fault::AcceptedLate, 4_000),
    (Fault::ServerError, 3_000),
    (Fault::Stale, 6_000),
    (Fault::KilledLate, 6_000),
    (Fault::Crash, 20),
    (Fault::Duplicate, 2_000),
    (Fault::PauseAfterLook, 1_500),
];

/// What the profile `silent` is made of: long calls of which nobody has the SID until a
/// late callback brings it, while several workers look for them.
const SILENT: [(Fault, u32); 7] = [
    (Fault::Skew, 10_000),
    (Fault::AcceptedTimeout, 6_000),
    (Fault::CallbackLost, 2_000),
    (Fault::CallbackLate, 4_000),
    (Fault::Duplicate, 4_000),
    (Fault::KilledLate, 6_000),
    (Fault::PauseAfterLook, 5_000),
];

/// The rates of one seed.
#[derive(Debug, Clone)]
pub struct Faults {
    rates: [u32; ALL.len()],
    /// Whatever is late is often as late as it can be.
    pub is_at_edges: bool,
    /// How many calls of ten thousand are long.
    pub long_calls: u32,
}

/// What the profile `frozen` is made of: workers that nobody kills, among calls that are
/// hard to find.
const FROZEN: [(Fault, u32); 9] = [
    (Fault::Frozen, 3_000),
    (Fault::Skew, 10_000),
    (Fault::Duplicate, 2_000),
    (Fault::CallbackLost, 1_500),
    (Fault::CallbackLate, 2_000),
    (Fault::TooManyRequests, 500),
    (Fault::ServerError, 1_000),
    (Fault::AcceptedLate, 2_000),
    (Fault::Stale, 4_000),
];

impl Faults {
    /// Draws the mix of a seed: of each fault in the profile nothing, a little, or much.
    pub fn draw(kernel: &Kernel, apart: &mut fastrand::Rng, profile: &str) -> Self {
        let mut rates = [0; ALL.len()];
        for (place, (rate, (_, group, strong))) in rates.iter_mut().zip(ALL).enumerate() {
            let is_of_rules = profile == "rules" && ["store", "workers"].contains(&group);
            let is_meant = profile == "all" || profile == group || is_of_rules;
            let how = if place < APART {
                kernel.between(0, 3)
            } else if place >= AIMED {
                0
            } else {
                apart.u64(0..=3)
            };
            *rate = match how {
                0 | 1 if is_meant => 0,
                2 if is_meant => (strong / 8).max(1),
                3 if is_meant => strong,
                _ => 0,
            };
        }
        let set: &[(Fault, u32)] = match profile {
            "edge" => &EDGE,
            "fence" => &FENCE,
            "frozen" => &FROZEN,
            "late" => &LATE,
            "silent" => &SILENT,
            _ => &[],
        };
        for &(fault, rate) in set {
            rates[fault as usize] = rate;
        }
        if profile == "edge" && apart.bool() {
            // Nobody else is slow: whoever asks, asks at the very instant.
            rates[Fault::PauseAfterLook as usize] = 0;
            rates[Fault::Duplicate as usize] = 0;
            rates[Fault::ServerError as usize] = 1_000;
        }
        if profile == "release" {
            rates[Fault::NextRelease as usize] = apart.u32(1_000..=9_000);
        }
        Self {
            rates,
            is_at_edges: ["edge", "silent"].contains(&profile),
            long_calls: if profile == "silent" { 4_000 } else { 500 },
        }
    }

    /// How often in ten thousand.
    pub fn rate(&self, fault: Fault) -> u32 {
        self.rates[fault as usize]
    }

    /// The mix, for whoever reads about a failure.
    pub fn list(&self) -> String {
        let mut list = String::new();
        for ((fault, ..), rate) in ALL.iter().zip(self.rates) {
            if rate > 0 {
                let percent = f64::from(rate) / 100.0;
                write!(list, " {fault:?} {percent}%").expect("a string takes all");
            }
        }
        if list.is_empty() {
            list.push_str(" none");
        }
        list.split_off(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_stands_at_its_own_place() {
        for (place, (fault, ..)) in ALL.iter().enumerate() {
            assert_eq!(*fault as usize, place, "{fault:?}");
        }
    }
}
