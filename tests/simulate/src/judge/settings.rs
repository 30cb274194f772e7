//! What administrators have set: only they change it, only as they asked, and what one was
//! told to be in force was.

use ringfence_core::caps::{Caps, Destinations};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_flows::business::{SetAnswer, Settings};

use super::Judge;
use crate::kernel::TaskId;
use crate::world::{Role, Who};

/// What a business has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InForce {
    limit: u32,
    caller_id: Option<PhoneNumber>,
    destinations: Destinations,
    caps: Caps,
}

/// A wish of an administrator, and after which write it was uttered.
pub struct AskedSettings {
    b: usize,
    seq: u64,
    settings: Settings,
}

impl InForce {
    pub(super) fn of(state: &State) -> Self {
        Self {
            limit: state.limit,
            caller_id: state.caller_id().cloned(),
            destinations: state.destinations.clone(),
            caps: state.caps.clone(),
        }
    }

    fn with(&self, settings: &Settings) -> Self {
        let Settings {
            limit,
            caller_id,
            destinations,
            caps,
        } = settings.clone();
        let had = self.clone();
        Self {
            limit: limit.unwrap_or(had.limit),
            caller_id: caller_id.or(had.caller_id),
            destinations: destinations.unwrap_or(had.destinations),
            caps: caps.unwrap_or(had.caps),
        }
    }
}

impl Judge {
    /// An administrator asks a worker for other settings.
    pub fn ask_settings(&mut self, b: usize, worker: TaskId, settings: &Settings) -> AskedSettings {
        let settings = settings.clone();
        self.wishes.insert(worker, settings.clone());
        let seq = self.seq;
        AskedSettings { b, seq, settings }
    }

    /// A state was replaced: what is set differs by what was asked of this worker.
    pub(super) fn check_settings(&mut self, b: usize, [old, new]: [&State; 2], who: Who) {
        let (before, after) = (InForce::of(old), InForce::of(new));
        let is_administrators = who.role == Role::Settings;
        let wish = self.wishes.get(&who.worker);
        let expected = match wish.filter(|_| is_administrators) {
            Some(wish) => before.with(wish),
            None => before.clone(),
        };
        if after == before {
            return;
        }
        if after != expected {
            let role = who.role;
            let words = format!("b{b}: {role:?} set {after:?} where {before:?} was");
            self.fail("settings", words);
        }
        let seq = self.seq;
        self.books[b].in_force.push((seq, after));
    }

    /// An administrator has an answer.
    pub fn told_settings(&mut self, asked: &AskedSettings, answer: &SetAnswer) {
        let AskedSettings { b, seq, settings } = asked;
        let SetAnswer::Set(state) = answer else {
            return self.fail("settings", format!("b{b} was said not to exist"));
        };
        let is_so = |in_force: &InForce| *in_force == in_force.with(settings);
        let history = &self.books[*b].in_force;
        // What was in force when it was asked, and all that has been since.
        let first = history.iter().rposition(|(since, _)| since <= seq);
        let mut since = history[first.unwrap_or(0)..].iter();
        let was_in_force = since.any(|(_, in_force)| is_so(in_force));
        if !was_in_force || !is_so(&InForce::of(state)) {
            let words = format!("b{b} never had {settings:?}, and somebody was told that");
            self.fail("settings", words);
        }
    }
}
