//! Changes what a business has set, where it decides about calls.

use anyhow::{Result, bail};
use ringfence_core::caps::{Caps, Destinations};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::stop::{
    note_do_not_call, set_caller_id, set_caps, set_destinations, set_limit,
};

use crate::claim::ATTEMPTS_MAX;
use crate::ledger::{Commit, States};
use crate::world::{Office, wake_now};

/// What is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub limit: Option<u32>,
    pub caller_id: Option<PhoneNumber>,
    pub destinations: Option<Destinations>,
    pub caps: Option<Caps>,
}

/// Whether the settings were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum SetAnswer {
    Set(State),
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
        let mut state = stored.state.clone();
        if let Some(limit) = settings.limit {
            state = set_limit(state, limit);
        }
        if let Some(number) = &settings.caller_id {
            state = set_caller_id(state, number.clone());
        }
        if let Some(destinations) = &settings.destinations {
            state = set_destinations(state, destinations.clone());
        }
        if let Some(caps) = &settings.caps {
            state = set_caps(state, caps.clone());
        }
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
