//! Changes what a business has set, where it decides about calls.

use anyhow::{Result, bail};
use ringfence_core::caps::{CapsChange, Country, Destinations};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::stop::{
    note_do_not_call, set_caller_id, set_caps, set_destinations, set_limit, set_region,
    set_time_zone,
};

use crate::claim::ATTEMPTS_MAX;
use crate::ledger::{Commit, States};
use crate::world::{Office, wake_now};

/// What is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub limit: Option<u32>,
    pub caller_id: Option<PhoneNumber>,
    pub region: Option<Country>,
    pub destinations: Option<Destinations>,
    pub caps: Option<CapsChange>,
    pub time_zone: Option<NewZone>,
}

/// Another time zone, by its IANA name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewZone {
    /// From somebody whom a daily cap is to bound: whoever moves its midnight again and
    /// again has a new day each time, so this holds only where there is no such cap.
    UnlessCapped(String),
    Anyway(String),
}

/// Whether the settings were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum SetAnswer {
    Set(State),
    /// A daily cap keeps the time zone as it is. Nothing has changed.
    ZoneIsCapped,
    NotFound,
}

/// Commits new settings, and wakes the business, which may have more slots now.
///
/// # Errors
///
/// It could not be found out whether they were stored; setting them again is safe.
pub async fn set(
    office: &impl Office,
    business: &BusinessId,
    settings: &Settings,
) -> Result<SetAnswer> {
    let Some(mut stored) = office.ledger().load(business).await? else {
        return Ok(SetAnswer::NotFound);
    };
    for _ in 0..ATTEMPTS_MAX {
        let Some(state) = decide(&stored.state, settings) else {
            return Ok(SetAnswer::ZoneIsCapped);
        };
        if state == stored.state {
            return Ok(SetAnswer::Set(state));
        }
        match office
            .ledger()
            .commit(business, &stored, &state, &[])
            .await?
        {
            Commit::Applied => {
                wake_now(office, business).await;
                return Ok(SetAnswer::Set(state));
            }
            Commit::Stale(newer) => stored = newer,
        }
    }
    bail!("the state of business {business} kept changing")
}

/// The state with its new settings, unless they are not for whoever asks.
fn decide(before: &State, settings: &Settings) -> Option<State> {
    let mut state = before.clone();
    if let Some(limit) = settings.limit {
        state = set_limit(state, limit);
    }
    if let Some(number) = &settings.caller_id {
        state = set_caller_id(state, number.clone());
    }
    if let Some(region) = settings.region {
        state = set_region(state, region);
    }
    if let Some(destinations) = &settings.destinations {
        state = set_destinations(state, destinations.clone());
    }
    if let Some(change) = &settings.caps {
        state = set_caps(state, change.clone());
    }
    match &settings.time_zone {
        None => {}
        Some(NewZone::Anyway(zone)) => state = set_time_zone(state, zone),
        Some(NewZone::UnlessCapped(zone)) => {
            let cap = state.caps.per_day.as_ref();
            if cap.is_some_and(|cap| cap.time_zone != *zone) {
                return None;
            }
        }
    }
    Some(state)
}

/// Whether what was added to the do-not-call list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Heeded {
    /// From now on no call to a number on the list is claimed.
    Yes,
    NoSuchBusiness,
}

/// Makes additions to the do-not-call list hold, once they are stored.
///
/// A claim that was decided before them is refused by its condition, and decided again with
/// them. A crash before this leaves a list that a business which had one heeds already, and
/// a business whose list is new does not yet: whoever added was not answered, and adds again.
///
/// # Errors
///
/// It could not be found out whether it was stored; doing it again is safe.
pub async fn heed_do_not_call(office: &impl Office, business: &BusinessId) -> Result<Heeded> {
    let Some(mut stored) = office.ledger().load(business).await? else {
        return Ok(Heeded::NoSuchBusiness);
    };
    for _ in 0..ATTEMPTS_MAX {
        let state = note_do_not_call(stored.state.clone());
        match office
            .ledger()
            .commit(business, &stored, &state, &[])
            .await?
        {
            Commit::Applied => return Ok(Heeded::Yes),
            Commit::Stale(newer) => stored = newer,
        }
    }
    bail!("the state of business {business} kept changing")
}
