//! What a business may spend, as it is stored in its state: nothing for what is not bounded.

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::caps::{Caps, Country, DailyCap, Day, Destinations};
use ringfence_core::state::State;

use crate::item::{Fields, Item, as_map, map, number, text, time};

const DESTINATIONS: &str = "dest";
/// Set where the destinations are the region and go with it.
const OF_REGION: &str = "home";
const DO_NOT_CALL: &str = "dnc";
const LEADS_PER_RUN: &str = "leads";
const RUNNING_RUNS: &str = "runs";
const CALLS_PER_DAY: &str = "calls";
const TIME_ZONE: &str = "zone";
const DAY: &str = "day";
const BEGAN_AT: &str = "from";
const ENDS_AT: &str = "to";
const CALLS: &str = "n";

pub(super) fn to_value(state: &State) -> AttributeValue {
    let Caps {
        leads_per_run,
        running_runs,
        per_day,
    } = &state.caps;
    let countries = match &state.destinations {
        Destinations::Any => None,
        Destinations::Region(region) => Some(std::slice::from_ref(region)),
        Destinations::Only(countries) => Some(countries.as_slice()),
    };
    let destinations = countries.map(|countries| {
        let countries = countries.iter().map(|country| text(country.to_string()));
        AttributeValue::L(countries.collect())
    });
    let is_of_region = matches!(state.destinations, Destinations::Region(_));
    let unless = |most: u32, widest: u32| (most != widest).then(|| number(most));
    let per_day = per_day.as_ref();
    let day = state.day.as_ref().map(|day| {
        map([
            (BEGAN_AT, Some(time(day.began_at))),
            (ENDS_AT, Some(time(day.ends_at))),
            (CALLS, Some(number(day.calls))),
        ])
    });
    let revised = (state.do_not_call_rev > 0).then(|| number(state.do_not_call_rev));
    map([
        (DESTINATIONS, destinations),
        (OF_REGION, is_of_region.then(|| number(1_u32))),
        (DO_NOT_CALL, revised),
        (
            LEADS_PER_RUN,
            unless(*leads_per_run, Caps::WIDEST.leads_per_run),
        ),
        (
            RUNNING_RUNS,
            unless(*running_runs, Caps::WIDEST.running_runs),
        ),
        (CALLS_PER_DAY, per_day.map(|cap| number(cap.calls))),
        (TIME_ZONE, per_day.map(|cap| text(&cap.time_zone))),
        (DAY, day),
    ])
}

/// What [`to_value`] has written, into a state.
pub(super) fn read_into(state: &mut State, value: &AttributeValue) -> Result<()> {
    let fields = as_map(value, super::SPENDING)?;
    if fields.has(DESTINATIONS) {
        let countries = fields.list(DESTINATIONS)?.iter().map(|country| {
            let AttributeValue::S(country) = country else {
                bail!("a destination of a state is not a string");
            };
            country
                .parse()
                .context("a destination of a state is not a country")
        });
        let countries: Vec<Country> = countries.collect::<Result<_>>()?;
        state.destinations = match (fields.has(OF_REGION), &countries[..]) {
            (true, &[region]) => Destinations::Region(region),
            (true, _) => bail!("a state has a region that is not one country"),
            (false, _) => Destinations::Only(countries),
        };
    }
    state.do_not_call_rev = fields.number_if_any(DO_NOT_CALL)?.unwrap_or(0);
    let widest = Caps::WIDEST;
    state.caps = Caps {
        leads_per_run: fields
            .number_if_any(LEADS_PER_RUN)?
            .unwrap_or(widest.leads_per_run),
        running_runs: fields
            .number_if_any(RUNNING_RUNS)?
            .unwrap_or(widest.running_runs),
        per_day: per_day(fields)?,
    };
    if fields.has(DAY) {
        state.day = Some(Box::new(day(fields.map(DAY)?)?));
    }
    Ok(())
}

fn per_day(fields: Fields<'_>) -> Result<Option<Box<DailyCap>>> {
    let Some(calls) = fields.number_if_any(CALLS_PER_DAY)? else {
        return Ok(None);
    };
    let time_zone = fields.text(TIME_ZONE)?.to_owned();
    Ok(Some(Box::new(DailyCap { calls, time_zone })))
}

fn day(item: &Item) -> Result<Day> {
    let fields = Fields::inside(item);
    Ok(Day {
        began_at: fields.time(BEGAN_AT)?,
        ends_at: fields.time(ENDS_AT)?,
        calls: fields.number(CALLS)?,
    })
}
