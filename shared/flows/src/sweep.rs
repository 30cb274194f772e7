//! Says who is woken when a minute is over.

use ringfence_core::fill;
use ringfence_core::state::State;

use crate::world::{Office, begin_day};

/// True if a wake-up would find something to do, going by a state that may be a moment old.
///
/// What a newer state would say is found by the next sweep: whatever is late is late by a
/// minute more, and never forgotten.
pub fn needs_wake_up(office: &impl Office, state: &State) -> bool {
    let now = office.now();
    let mut state = state.clone();
    begin_day(office, &mut state, now);
    fill::needs_look(&state, now)
}
