//! What a test prescribes for the calls to one number, and what may become of a request.

use std::time::Duration;

/// Prescribes the calls to one number; `None` leaves that part to the seed.
///
/// Times are before `speed`, as in [`Behaviour`](super::Behaviour).
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub fate: Option<Fate>,
    pub queue: Option<Queue>,
    pub dials: Option<Duration>,
    pub rings: Option<Duration>,
    pub ending: Option<Ending>,
}

impl Script {
    /// Rings, is answered, and lasts.
    pub fn talks(rings: Duration, talk: Duration) -> Self {
        Self {
            rings: Some(rings),
            ending: Some(Ending::Talks(talk)),
            ..Self::default()
        }
    }

    /// Rings until the request's `Timeout`.
    pub fn never_answers() -> Self {
        Self {
            rings: Some(Duration::MAX),
            ending: Some(Ending::NoAnswer),
            ..Self::default()
        }
    }

    /// Is accepted, and never dialled.
    pub fn stays_queued() -> Self {
        Self {
            queue: Some(Queue::ForEver),
            ..Self::default()
        }
    }

    /// Treats the request so, and leaves the call itself to the seed.
    pub fn fated(fate: Fate) -> Self {
        Self {
            fate: Some(fate),
            ..Self::default()
        }
    }
}

/// How long an accepted call waits before it is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    Waits(Duration),
    ForEver,
}

/// How a dialled call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Answered, and over after that long.
    Talks(Duration),
    Busy,
    NoAnswer,
    Fails,
}

/// What becomes of a well-formed request for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The call is made, and the answer says so.
    Accepted,
    /// The call is made, and the answer waits until its final callback was sent.
    AcceptedAfterFinal,
    /// The call is made, and no usable answer says so.
    MadeUnknown(Silence),
    /// No call is made, and no usable answer says so.
    UnmadeUnknown(Silence),
    /// 429: not processed.
    TooMany { retry_after_seconds: Option<u32> },
    /// Refused with this error code.
    Refused(u32),
}

/// The ways of not answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The connection breaks.
    Reset,
    /// Nothing ever comes.
    Hang,
    /// A 500.
    ServerError,
    /// A 201 whose body cannot be read.
    Garbled,
}

/// A request was taken, and there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Lost {
    /// The connection breaks now.
    Reset,
    /// Nothing will come; the client has to give up by itself.
    Hang,
}
