//! What a business may spend, besides its limit: whom it may call, and how much.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::ids::CallId;
use crate::state::State;
use crate::time::Timestamp;

/// Bounds on what a business starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// How many leads one run may have.
    pub leads_per_run: u32,
    /// How many runs may be under way.
    pub running_runs: u32,
    /// Boxed, because few businesses have one and every decision moves the state.
    pub per_day: Option<Box<DailyCap>>,
}

impl Caps {
    /// What holds where nobody says otherwise: as much as the system carries.
    pub const WIDEST: Self = Self {
        leads_per_run: 100_000,
        running_runs: 100,
        per_day: None,
    };

    /// These, but for what is to change.
    #[must_use]
    pub fn changed(mut self, change: CapsChange) -> Self {
        self.leads_per_run = change.leads_per_run.unwrap_or(self.leads_per_run);
        self.running_runs = change.running_runs.unwrap_or(self.running_runs);
        match (change.per_day, &mut self.per_day) {
            (None, _) => {}
            (Some(DailyChange::Unbounded), per_day) => *per_day = None,
            (Some(DailyChange::Bounded(new)), Some(cap)) => cap.calls = new.calls,
            (Some(DailyChange::Bounded(new)), per_day @ None) => *per_day = Some(Box::new(new)),
        }
        self
    }
}

/// What is to change of the caps. What is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CapsChange {
    pub leads_per_run: Option<u32>,
    pub running_runs: Option<u32>,
    pub per_day: Option<DailyChange>,
}

/// What is to become of the cap of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DailyChange {
    Unbounded,
    /// The zone is for a cap that is new: one that is there keeps its own.
    Bounded(DailyCap),
}

/// How many calls a day may have, where it is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyCap {
    pub calls: u32,
    /// The IANA name of the zone whose midnight ends the day.
    pub time_zone: String,
}

/// A day of a business whose calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub began_at: Timestamp,
    pub ends_at: Timestamp,
    /// Calls claimed since, but for those that the carrier did not take.
    pub calls: u32,
}

/// A country's two letters, as ISO 3166-1 has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

/// The text is not a country's two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("country is not two capital letters")]
pub struct BadCountry;

impl FromStr for Country {
    type Err = BadCountry;

    fn from_str(text: &str) -> Result<Self, BadCountry> {
        match text.as_bytes() {
            &[first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                Ok(Self([first, second]))
            }
            _ => Err(BadCountry),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).expect("they are capital letters"))
    }
}

/// The countries that a business may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destinations {
    Any,
    /// Those of its region, whichever that is: nobody has said otherwise.
    Region(Country),
    /// A number whose country nobody knows is in none of them.
    Only(Vec<Country>),
}

impl Destinations {
    /// True if a number of this country may be called.
    pub fn allow(&self, country: Option<Country>) -> bool {
        match (self, country) {
            (Self::Any, _) => true,
            (Self::Region(region), Some(country)) => *region == country,
            (Self::Only(allowed), Some(country)) => allowed.contains(&country),
            (Self::Region(_) | Self::Only(_), None) => false,
        }
    }
}

impl State {
    /// How many more calls may be claimed before the day ends.
    pub fn calls_left(&self) -> u32 {
        let Some(cap) = &self.caps.per_day else {
            return u32::MAX;
        };
        let made = self.day.as_ref().map_or(0, |day| day.calls);
        cap.calls.saturating_sub(made)
    }

    /// How many calls may be claimed now: free slots, as far as the day has room.
    pub fn room(&self) -> u32 {
        self.slots_free().min(self.calls_left())
    }

    /// When the day ends, if it has no room for another call.
    pub fn capped_until(&self, now: Timestamp) -> Option<Timestamp> {
        let ends_at = self.day.as_ref()?.ends_at;
        (self.calls_left() == 0 && !ends_at.has_passed(now)).then_some(ends_at)
    }

    /// The zone whose next midnight is to be given to [`State::begin_day`], if a day that
    /// is counted is due to begin.
    pub fn day_is_due(&self, now: Timestamp) -> Option<&str> {
        let cap = self.caps.per_day.as_ref()?;
        let is_due = self
            .day
            .as_ref()
            .is_none_or(|day| day.ends_at.has_passed(now));
        is_due.then_some(&cap.time_zone)
    }

    /// Begins a day without calls.
    pub fn begin_day(&mut self, now: Timestamp, ends_at: Timestamp) {
        self.day = Some(Box::new(Day {
            began_at: now,
            ends_at,
            calls: 0,
        }));
    }

    /// Forgets a day that is over and that none follows, because no day is counted any more.
    pub fn end_day(&mut self, now: Timestamp) {
        self.day.take_if(|day| day.ends_at.has_passed(now));
    }

    /// Counts a claim.
    pub(crate) fn count_call(&mut self) {
        if let Some(day) = &mut self.day {
            day.calls += 1;
        }
    }

    /// Takes a claim back that cost nothing: the carrier did not take the call.
    pub(crate) fn uncount_call(&mut self, call: CallId) {
        if let Some(day) = &mut self.day
            && day.began_at <= call.minted_at()
        {
            day.calls = day.calls.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
