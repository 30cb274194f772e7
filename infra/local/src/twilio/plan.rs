//! Draws what will become of one request and its call.
//!
//! Everything comes from the seed, the number and how often it was asked for, so that
//! the order in which requests arrive changes nobody's fate.

use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

use super::request::Order;
use super::script::{Ending, Fate, Queue, Script, Silence};
use super::settings::{Behaviour, Faults, Settings};

/// Longer than anything that Twilio would wait for, and short enough to add to any clock.
const SPAN_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Refusals that lie in the number called.
const LEAD_CODES: [u32; 6] = [21211, 21214, 21215, 21216, 21217, 13224];

/// What will become of one request and its call; every time is real.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) fate: Fate,
    pub(super) queue: Queue,
    pub(super) dial: Duration,
    pub(super) ring: Duration,
    pub(super) ending: Ending,
    /// Seeds the faults of the call's callbacks.
    pub(super) seed: u64,
}

impl Plan {
    /// From acceptance to the end, if nobody interferes; `None` for a call that is never dialled.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        let queued = match self.queue {
            Queue::Waits(wait) => wait,
            Queue::ForEver => return None,
        };
        Some(queued + self.dial + self.ring + self.talk())
    }

    /// How long the call lasts once it is answered; nothing for one that is not.
    pub(super) fn talk(&self) -> Duration {
        match self.ending {
            Ending::Talks(talk) => talk,
            Ending::Busy | Ending::NoAnswer | Ending::Fails => Duration::ZERO,
        }
    }
}

/// Draws the plan for the `nth` request for the order's number.
pub(super) fn plan(settings: &Settings, script: Option<&Script>, order: &Order, nth: u32) -> Plan {
    let mut rng = Rng::with_seed(mix(settings.seed, order.to.expose(), nth));
    let drawn_fate = fate(&settings.faults, &mut rng);
    let drawn = Draw::new(&settings.behaviour, &mut rng);
    let seed = rng.u64(..);

    let blank = Script::default();
    let script = script.unwrap_or(&blank);
    let fate = script.fate.unwrap_or(drawn_fate);
    // A final callback overtakes the answer only when the call is over within
    // milliseconds; a scripted ending has its own reasons.
    let is_stillborn = fate == Fate::AcceptedAfterFinal && script.ending.is_none();
    let ending = match script.ending {
        Some(ending) => ending,
        None if is_stillborn => Ending::Fails,
        None => drawn.ending,
    };
    let rings = script.rings.unwrap_or(match ending {
        Ending::NoAnswer => drawn.unanswered_ring,
        Ending::Talks(_) | Ending::Busy | Ending::Fails => drawn.ring,
    });
    let timeout = Duration::from_secs(order.ring_seconds.into());
    let (ring, ending) = match ending {
        Ending::Busy | Ending::Fails => (Duration::ZERO, ending),
        Ending::NoAnswer => (rings.min(timeout), ending),
        Ending::Talks(_) if rings > timeout => (timeout, Ending::NoAnswer),
        Ending::Talks(talk) => (rings, Ending::Talks(talk.min(order.talk_max))),
    };
    let dial = if is_stillborn {
        Duration::ZERO
    } else {
        script.dials.unwrap_or(drawn.dial)
    };

    let scale = |span: Duration| scaled(span, settings.speed);
    Plan {
        fate,
        queue: match script.queue.unwrap_or(Queue::Waits(Duration::ZERO)) {
            Queue::Waits(wait) => Queue::Waits(scale(wait)),
            Queue::ForEver => Queue::ForEver,
        },
        dial: scale(dial),
        ring: scale(ring),
        ending: match ending {
            Ending::Talks(talk) => Ending::Talks(scale(talk)),
            Ending::Busy | Ending::NoAnswer | Ending::Fails => ending,
        },
        seed,
    }
}

/// All that the behaviour may ask for, drawn whether it is used or not, so that a
/// script for one part leaves the others as they were.
struct Draw {
    dial: Duration,
    ring: Duration,
    unanswered_ring: Duration,
    ending: Ending,
}

impl Draw {
    fn new(behaviour: &Behaviour, rng: &mut Rng) -> Self {
        let dial = within(&behaviour.dial, rng);
        let ring = within(&behaviour.ring, rng);
        let unanswered_ring = within(&behaviour.unanswered_ring, rng);
        let talk = within(&behaviour.talk, rng);
        let ending = pick(
            rng,
            &[
                (behaviour.busy, Ending::Busy),
                (behaviour.no_answer, Ending::NoAnswer),
                (behaviour.failed, Ending::Fails),
            ],
        );
        Self {
            dial,
            ring,
            unanswered_ring,
            ending: ending.unwrap_or(Ending::Talks(talk)),
        }
    }
}

fn fate(faults: &Faults, rng: &mut Rng) -> Fate {
    let silence = [
        Silence::Reset,
        Silence::Hang,
        Silence::ServerError,
        Silence::Garbled,
    ];
    let made = silence[rng.usize(..silence.len())];
    // A 201 without a call is not among the ways in which Twilio fails.
    let unmade = silence[rng.usize(..silence.len() - 1)];
    let code = LEAD_CODES[rng.usize(..LEAD_CODES.len())];
    let retry_after_seconds = rng.bool().then_some(1);
    pick(
        rng,
        &[
            (faults.early_final, Fate::AcceptedAfterFinal),
            (faults.ambiguous_made, Fate::MadeUnknown(made)),
            (faults.ambiguous_unmade, Fate::UnmadeUnknown(unmade)),
            (
                faults.too_many,
                Fate::TooMany {
                    retry_after_seconds,
                },
            ),
            (faults.refused, Fate::Refused(code)),
        ],
    )
    .unwrap_or(Fate::Accepted)
}

/// Picks at most one thing by its share.
fn pick<T: Copy>(rng: &mut Rng, shares: &[(f64, T)]) -> Option<T> {
    let mut left = rng.f64();
    for &(share, thing) in shares {
        if left < share {
            return Some(thing);
        }
        left -= share;
    }
    None
}

/// A span drawn from `range`, to the microsecond.
pub(super) fn within(range: &RangeInclusive<Duration>, rng: &mut Rng) -> Duration {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let (from, to) = (micros(*range.start()), micros(*range.end()));
    Duration::from_micros(if from < to { rng.u64(from..=to) } else { from })
}

fn scaled(span: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() / speed).map_or(SPAN_MAX, |it| it.min(SPAN_MAX))
}

/// FNV-1a: small, and the same on every machine and in every version.
fn mix(seed: u64, number: &str, nth: u32) -> u64 {
    let bytes = seed
        .to_le_bytes()
        .into_iter()
        .chain(number.bytes())
        .chain(nth.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
