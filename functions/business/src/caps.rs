//! What a business may spend, as clients say and see it.

use std::fmt;

use ringfence_core::caps::{Caps, CapsChange, DailyCap, DailyChange};
use ringfence_shell::reply::Failure;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What a business may spend. What is not said stays; null bounds no more than the system does.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
pub(crate) struct CapsWish {
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<u32>", range(min = 1, max = Caps::WIDEST.leads_per_run))]
    leads_per_run: Option<Cap>,
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<u32>", range(min = 1, max = Caps::WIDEST.running_runs))]
    running_runs: Option<Cap>,
    #[serde(default, deserialize_with = "said")]
    #[schemars(with = "Option<u32>")]
    calls_per_day: Option<Cap>,
}

/// A cap that somebody says.
#[derive(Clone, Copy)]
enum Cap {
    /// `null`
    Widest,
    Of(u32),
}

fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cap>, D::Error> {
    let cap = Option::<u32>::deserialize(deserializer)?;
    Ok(Some(cap.map_or(Cap::Widest, Cap::Of)))
}

/// Reads caps by their names only: a struct would be read from a list, too.
pub(crate) fn by_name<'de, D>(deserializer: D) -> Result<Option<CapsWish>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ByName)
}

struct ByName;

impl<'de> Visitor<'de> for ByName {
    type Value = Option<CapsWish>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("caps by their names, or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        CapsWish::deserialize(MapAccessDeserializer::new(fields)).map(Some)
    }
}

impl Cap {
    fn or(self, widest: u32) -> u32 {
        match self {
            Self::Widest => widest,
            Self::Of(cap) => cap,
        }
    }
}

impl CapsWish {
    pub(crate) fn check(self) -> Result<Self, Failure> {
        let widest = Caps::WIDEST;
        let is_within =
            |cap: Option<Cap>, most: u32| cap.is_none_or(|cap| (1..=most).contains(&cap.or(most)));
        if !is_within(self.leads_per_run, widest.leads_per_run) {
            return Err(Failure::bad_field("caps.leads_per_run"));
        }
        if !is_within(self.running_runs, widest.running_runs) {
            return Err(Failure::bad_field("caps.running_runs"));
        }
        Ok(self)
    }

    /// The change; the days of a cap that is new end at midnight in this zone.
    pub(crate) fn in_zone(self, time_zone: &str) -> CapsChange {
        let widest = Caps::WIDEST;
        let per_day = self.calls_per_day.map(|cap| match cap {
            Cap::Widest => DailyChange::Unbounded,
            Cap::Of(calls) => DailyChange::Bounded(DailyCap {
                calls,
                time_zone: time_zone.to_owned(),
            }),
        });
        CapsChange {
            leads_per_run: self.leads_per_run.map(|cap| cap.or(widest.leads_per_run)),
            running_runs: self.running_runs.map(|cap| cap.or(widest.running_runs)),
            per_day,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CapsView {
    #[schemars(range(min = 1, max = Caps::WIDEST.leads_per_run))]
    leads_per_run: u32,
    #[schemars(range(min = 1, max = Caps::WIDEST.running_runs))]
    running_runs: u32,
    /// Null while days are not counted.
    calls_per_day: Option<u32>,
}

impl CapsView {
    pub(crate) fn of(caps: &Caps) -> Self {
        Self {
            leads_per_run: caps.leads_per_run,
            running_runs: caps.running_runs,
            calls_per_day: caps.per_day.as_ref().map(|cap| cap.calls),
        }
    }
}
