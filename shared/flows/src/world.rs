//! Everything outside: the ports, the clock and chance, handed to every flow.

use std::future::Future;
use std::time::Duration;

use ringfence_core::ids::{BusinessId, CallId};
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use tracing::warn;
use uuid::Uuid;

use crate::carrier::Carrier;
use crate::ledger::Ports;

/// What a flow can reach that calls nobody.
pub trait Office {
    type Ledger: Ports;
    type WakeUps: WakeUps;

    fn ledger(&self) -> &Self::Ledger;
    fn wake_ups(&self) -> &Self::WakeUps;
    /// Reads the clock.
    fn now(&self) -> Timestamp;
    /// The next midnight after `now` in a zone with this IANA name.
    fn day_end(&self, time_zone: &str, now: Timestamp) -> Timestamp;
    /// Mints a UUIDv7 whose time is `now`.
    fn fresh_uuid(&self, now: Timestamp) -> Uuid;
}

/// What a flow can reach that places, ends or asks about calls.
pub trait World: Office {
    type Carrier: Carrier;

    fn carrier(&self) -> &Self::Carrier;
    /// The spans in force.
    fn timing(&self) -> &Timing;
    /// How long a phone may ring and a call may last.
    fn call_bounds(&self) -> CallBounds;
}

/// Bounds that every call is placed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBounds {
    /// Seconds. Twilio allows 600 and may add 5.
    pub ring_seconds_max: u32,
    /// Seconds. Without one Twilio takes the account's, hours by default.
    pub call_seconds_max: u32,
}

/// Says that a business may have work.
pub trait WakeUps {
    /// Sends a wake-up that arrives no earlier than `delay` from now, if it arrives at all.
    fn wake(
        &self,
        business: &BusinessId,
        delay: Duration,
    ) -> impl Future<Output = anyhow::Result<()>>;
}

/// Begins the day whose calls are counted, if the last one is over.
pub(crate) fn begin_day(world: &impl Office, state: &mut State, now: Timestamp) {
    let ends_at = state.day_is_due(now).map(|zone| world.day_end(zone, now));
    match ends_at {
        Some(ends_at) => state.begin_day(now, ends_at),
        None => state.end_day(now),
    }
}

/// Mints a call id.
pub(crate) fn mint(world: &impl Office, now: Timestamp) -> CallId {
    CallId::new(world.fresh_uuid(now))
}

/// Has somebody look at the business now. Only a hint: if it is lost, the sweep comes round.
pub(crate) async fn wake_now(world: &impl Office, business: &BusinessId) {
    if let Err(error) = world.wake_ups().wake(business, Duration::ZERO).await {
        warn!(business.id = %business, "failed to send a wake-up: {error:#}");
    }
}
