//! What administrators have set: only they change it, only as they asked, and what one was
//! told to be in force was.

use ringfence_core::caps::{Caps, CapsChange, DailyCap, DailyChange, Destinations};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_flows::business::{NewZone, SetAnswer, Settings};

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
            region,
            destinations,
            caps,
            time_zone,
        } = settings.clone();
        let had = self.clone();
        let followed = match (had.destinations, region) {
            (Destinations::Region(_), Some(region)) => Destinations::Region(region),
            (known, _) => known,
        };
        let mut caps = with_caps(had.caps, caps.unwrap_or_default());
        if let (Some(cap), Some(NewZone::Anyway(zone))) = (&mut caps.per_day, time_zone) {
            cap.time_zone = zone;
        }
        Self {
            limit: limit.unwrap_or(had.limit),
            caller_id: caller_id.or(had.caller_id),
            destinations: destinations.unwrap_or(followed),
            caps,
        }
    }
}

fn with_caps(had: Caps, change: CapsChange) -> Caps {
    let CapsChange {
        leads_per_run,
        running_runs,
        per_day,
    } = change;
    let time_zone = had.per_day.as_ref().map(|cap| cap.time_zone.clone());
    Caps {
        leads_per_run: leads_per_run.unwrap_or(had.leads_per_run),
        running_runs: running_runs.unwrap_or(had.running_runs),
        per_day: match per_day {
            None => had.per_day,
            Some(DailyChange::Unbounded) => None,
            Some(DailyChange::Bounded(new)) => Some(Box::new(DailyCap {
                calls: new.calls,
                time_zone: time_zone.unwrap_or(new.time_zone),
            })),
        },
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
        let state = match answer {
            SetAnswer::Set(state) => state,
            SetAnswer::ZoneIsCapped | SetAnswer::NotFound => {
                return self.fail("settings", format!("b{b} was answered {answer:?}"));
            }
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
