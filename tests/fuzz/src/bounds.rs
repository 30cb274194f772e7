//! Holds what one input costs against bounds that are linear in its length.
//!
//! One in a few thousand inputs is also tried many times over in a row, up to a megabyte:
//! what costs more than linearly shows there.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::memory;

/// What an input may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Allocated at once, whatever the length.
    pub memory_bytes: usize,
    pub memory_bytes_per_byte: usize,
    pub nanos_per_byte: u64,
}

/// For a machine that does something else as well.
const TIME_LEAST: Duration = Duration::from_millis(50);

/// A machine may be slow once, and tables of a library are loaded once; a parser takes what it takes
/// every time.
const TRIES: u32 = 5;

impl Bounds {
    /// For texts that are read once and kept in a few copies.
    pub const PLAIN: Self = Self {
        memory_bytes: 64 * 1024,
        memory_bytes_per_byte: 64,
        nanos_per_byte: 2_000,
    };

    /// For requests to a function, which have headers, a context and an answer.
    pub const REQUEST: Self = Self {
        memory_bytes: 512 * 1024,
        memory_bytes_per_byte: 64,
        nanos_per_byte: 2_000,
    };

    fn memory(&self, length: usize) -> usize {
        self.memory_bytes + self.memory_bytes_per_byte * length
    }

    fn time(&self, length: usize) -> Duration {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        TIME_LEAST + Duration::from_nanos(self.nanos_per_byte.saturating_mul(length))
    }
}

/// Checks one input within its bounds, and a few of them also at length.
///
/// # Panics
///
/// The input costs too much, or `check` panics.
pub fn bounded(input: &[u8], bounds: Bounds, check: impl Fn(&[u8])) {
    once(input, bounds, &check);
    let chance = digest(input);
    let length = match chance {
        _ if input.is_empty() => return,
        _ if chance.is_multiple_of(1 << 16) => 1 << 20,
        _ if chance.is_multiple_of(1 << 12) => 1 << 16,
        _ => return,
    };
    let times = length / input.len();
    once(&input.repeat(times), bounds, &check);
}

fn once(input: &[u8], bounds: Bounds, check: &impl Fn(&[u8])) {
    let (memory_max, time_max) = (bounds.memory(input.len()), bounds.time(input.len()));
    let (mut most, mut taken) = measured(input, check);
    for _ in 1..TRIES {
        if most <= memory_max && taken <= time_max {
            break;
        }
        let before = on_the_processor();
        let again = measured(input, check);
        // Not what others took of the processor meanwhile.
        let own = match (before, on_the_processor()) {
            (Some(before), Some(after)) => Duration::from_nanos(after.saturating_sub(before)),
            _ => again.1,
        };
        (most, taken) = (most.min(again.0), taken.min(own));
    }
    assert!(
        most <= memory_max,
        "{most} bytes were allocated for {} bytes of input, more than {memory_max}",
        input.len()
    );
    assert!(
        taken <= time_max,
        "{taken:?} went by on {} bytes of input, more than {time_max:?}",
        input.len()
    );
    remember(most, taken);
}

/// How long this thread has been on a processor, in nanoseconds, where the system tells.
fn on_the_processor() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok()
}

fn measured(input: &[u8], check: &impl Fn(&[u8])) -> (usize, Duration) {
    let before = memory::begin();
    let began = Instant::now();
    check(input);
    (memory::most_since(before), began.elapsed())
}

static MOST: AtomicUsize = AtomicUsize::new(4096);
static LONGEST: AtomicU64 = AtomicU64::new(100);

/// Tells of a record that is a good deal above the last, for the judge to show.
fn remember(most: usize, taken: Duration) {
    let micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
    let is_most = most > MOST.load(Ordering::Relaxed) / 8 * 9;
    let is_longest = micros > LONGEST.load(Ordering::Relaxed) / 8 * 9;
    if is_most || is_longest {
        MOST.fetch_max(most, Ordering::Relaxed);
        LONGEST.fetch_max(micros, Ordering::Relaxed);
        let most = MOST.load(Ordering::Relaxed);
        let longest = LONGEST.load(Ordering::Relaxed);
        eprintln!("most: {most} bytes, {longest} us");
    }
}

/// FNV-1a: a chance that the same input always has.
fn digest(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }) >> 13
}
