//! Changes what a business has set, where it decides about calls.

use anyhow::{Result, bail};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::stop::{set_caller_id, set_limit};

use crate::claim::ATTEMPTS_MAX;
use crate::ledger::{Commit, States};
use crate::world::{Office, wake_now};

/// What is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub limit: Option<u32>,
    pub caller_id: Option<PhoneNumber>,
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
