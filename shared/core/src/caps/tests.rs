use std::time::Duration;

use super::*;
use crate::call::Outcome;
use crate::fill::{Barred, Candidate, Fact};
use crate::ids::RosterId;
use crate::start::{DirectLead, NewRun, StartedCalls, StartedRun, start_calls, start_run};
use crate::state::tests::desk::{Desk, START, lead, number, run};
use crate::state::tests::words::{claims, live};
use crate::stop::{note_do_not_call, set_caps, set_destinations, set_region, set_time_zone};
use crate::timing::Timing;

#[test]
fn a_country_is_two_capital_letters() {
    assert_eq!("IL".parse::<Country>().unwrap().to_string(), "IL");
    for text in ["", "I", "il", "ISR", "I1", "Ä"] {
        assert!(text.parse::<Country>().is_err(), "{text}");
    }
}

#[test]
fn an_unknown_country_is_on_no_list() {
    assert!(only("IL").allow(Some(country("IL"))));
    assert!(!only("IL").allow(Some(country("US"))));
    assert!(!only("IL").allow(None));
    assert!(Destinations::Any.allow(None));
    assert!(Destinations::Region(country("IL")).allow(Some(country("IL"))));
    assert!(!Destinations::Region(country("IL")).allow(Some(country("US"))));
    assert!(!Destinations::Region(country("IL")).allow(None));
}

#[test]
fn destinations_go_with_the_region_until_somebody_has_set_them() {
    let mut state = State::new(1);
    state.destinations = Destinations::Region(country("IL"));
    state = set_region(state, country("US"));
    assert_eq!(state.destinations, Destinations::Region(country("US")));
    for set in [only("IL"), Destinations::Any] {
        state = set_destinations(state, set.clone());
        state = set_region(state, country("FR"));
        assert_eq!(state.destinations, set);
    }
}

#[test]
fn a_lead_in_a_country_that_is_not_allowed_fails_without_a_call() {
    let mut desk = Desk::new(3);
    desk.state = set_destinations(desk.state, only("IL"));
    desk.run(3, None);
    for (index, place) in [(0, "IL"), (1, "US"), (2, "IL")] {
        let callable = Candidate::Callable {
            lead: lead(index + 1),
            to: number(index),
            country: Some(country(place)),
        };
        desk.book.insert((run(1), index), callable);
    }
    let filled = desk.fill(&[]);
    assert_eq!(claims(&filled), "1/0 1/2");
    assert_eq!(filled.skipped[0].reason, Barred::Destination);
    assert_eq!(desk.state.runs[&run(1)].failed, 1);
    assert_eq!(desk.state.day, None, "nothing is counted without a cap");
}

#[test]
fn a_run_waits_while_the_day_has_no_room() {
    let mut desk = capped(3, 4);
    desk.run(9, None);
    assert_eq!(claims(&desk.fill(&[])), "1/0 1/1 1/2");
    assert_eq!(claims(&desk.end("1/0")), "1/3");
    assert_eq!(claims(&desk.end("1/1")), "", "four calls were the day's");
    assert_eq!(desk.state.capped_until(desk.now), Some(midnight()));
    assert_eq!(live(&desk.state), "1/2 1/3", "no call is cut");

    desk.wait(DAY_SECONDS);
    assert_eq!(desk.state.capped_until(desk.now), None);
    assert_eq!(desk.state.day_is_due(desk.now), Some(ZONE));
    let next_midnight = desk.now.after(DAY);
    desk.state.begin_day(desk.now, next_midnight);
    assert_eq!(claims(&desk.fill(&[])), "1/4");
    assert_eq!(desk.state.calls_left(), 3);
}

#[test]
fn a_day_that_goes_on_is_not_begun_again() {
    let mut desk = capped(3, 4);
    assert_eq!(desk.state.day_is_due(desk.now), None);
    desk.state.day = None;
    assert_eq!(desk.state.day_is_due(desk.now), Some(ZONE));
    desk.state.caps.per_day = None;
    assert_eq!(desk.state.day_is_due(desk.now), None);
}

#[test]
fn a_call_that_the_carrier_did_not_take_is_not_of_the_day() {
    for refusal in [
        |call| Fact::LeadRefused { call },
        |call| Fact::NotProcessed {
            call,
            retry_after: None,
        },
        |call| Fact::ConfigurationRefused {
            call,
            error: String::new(),
        },
    ] {
        let mut desk = capped(1, 2);
        desk.run(1, None);
        let call = desk.fill(&[]).claims[0].call;
        assert_eq!(desk.state.calls_left(), 1);
        let _filled = desk.fill(&[refusal(call), refusal(call)]);
        assert_eq!(desk.state.calls_left(), 2, "once, however often it is told");
    }
}

#[test]
fn a_call_of_yesterday_takes_nothing_off_today() {
    let mut desk = capped(2, 2);
    desk.run(3, None);
    let call = desk.fill(&[]).claims[0].call;
    desk.wait(DAY_SECONDS);
    desk.state.begin_day(desk.now, desk.now.after(DAY));
    assert_eq!(claims(&desk.end("1/1")), "1/2");
    assert_eq!(desk.state.calls_left(), 1);
    assert_eq!(claims(&desk.fill(&[Fact::LeadRefused { call }])), "");
    assert_eq!(desk.state.calls_left(), 1);
}

#[test]
fn an_end_is_counted_with_the_calls_of_the_day() {
    let mut desk = capped(1, 2);
    desk.run(2, None);
    let call = desk.fill(&[]).claims[0].call;
    let outcome = Outcome::Completed;
    assert_eq!(claims(&desk.fill(&[Fact::Ended { call, outcome }])), "1/1");
    assert_eq!(desk.state.calls_left(), 0);
}

#[test]
fn direct_calls_need_room_in_the_day_for_all_of_them() {
    let mut desk = capped(3, 2);
    let leads = [1, 2, 3].map(|id| DirectLead {
        lead: lead(id),
        to: Ok(number(id)),
        country: None,
    });
    let started = |desk: &mut Desk, leads: &[DirectLead]| {
        let (state, now) = (desk.state.clone(), desk.now);
        start_calls(state, leads, &mut desk.mint(), now, &Timing::CLOUD)
    };
    let (left, ends_at) = (2, midnight());
    assert_eq!(
        started(&mut desk, &leads),
        StartedCalls::DailyCap { left, ends_at }
    );
    let StartedCalls::Decided { state, .. } = started(&mut desk, &leads[..2]) else {
        panic!("two calls are allowed")
    };
    assert_eq!((state.calls_left(), state.slots_in_use()), (0, 2));
}

#[test]
fn a_direct_call_to_a_country_that_is_not_allowed_is_not_made() {
    let mut desk = Desk::new(1);
    desk.state = set_destinations(desk.state, only("IL"));
    let asked = DirectLead {
        lead: lead(1),
        to: Ok(number(1)),
        country: Some(country("FR")),
    };
    let (state, now) = (desk.state.clone(), desk.now);
    let started = start_calls(state, &[asked], &mut desk.mint(), now, &Timing::CLOUD);
    let StartedCalls::Decided { state, answers } = started else {
        panic!("it has its answer")
    };
    assert_eq!(state.slots_in_use(), 0);
    assert_eq!(
        answers,
        [crate::start::Direct::Barred(lead(1), Barred::Destination)]
    );
}

#[test]
fn a_business_starts_no_more_than_its_caps() {
    let caps = CapsChange {
        leads_per_run: Some(10),
        running_runs: Some(1),
        per_day: None,
    };
    let new = |total| NewRun {
        roster: RosterId::new(uuid::Uuid::nil()),
        total,
        concurrency: None,
    };
    let state = set_caps(State::new(3), caps);
    assert_eq!(
        start_run(state.clone(), new(11), START),
        StartedRun::TooManyLeads { most: 10 }
    );
    let StartedRun::Started { state, .. } = start_run(state, new(10), START) else {
        panic!("ten leads are allowed")
    };
    assert_eq!(
        start_run(state, new(1), START),
        StartedRun::TooManyRuns { most: 1 }
    );
}

#[test]
fn a_cap_that_is_gone_keeps_nobody_waiting() {
    let desk = capped(1, 0);
    assert_eq!(desk.state.room(), 0);
    let state = set_caps(desk.state, unbounded());
    assert_eq!((state.room(), state.capped_until(START)), (1, None));
}

#[test]
fn a_cap_that_comes_back_finds_the_calls_of_its_day() {
    let mut desk = capped(1, 2);
    desk.run(4, None);
    assert_eq!(claims(&desk.fill(&[])), "1/0");
    desk.state = set_caps(desk.state, unbounded());
    assert_eq!(claims(&desk.end("1/0")), "1/1");
    let day = desk.state.day.clone();
    desk.state = set_caps(desk.state, daily(2));
    assert_eq!(desk.state.day, day);
    assert_eq!(claims(&desk.end("1/1")), "", "two calls were the day's");
    assert_eq!(desk.state.capped_until(desk.now), Some(midnight()));
}

#[test]
fn without_a_cap_a_day_is_forgotten_once_it_is_over() {
    let mut desk = capped(1, 2);
    let day = desk.state.day.clone();
    desk.state = set_caps(desk.state, unbounded());
    desk.state.end_day(desk.now);
    assert_eq!(desk.state.day, day);
    desk.wait(DAY_SECONDS);
    desk.state.end_day(desk.now);
    assert_eq!(desk.state.day, None);
}

#[test]
fn what_is_not_said_of_the_caps_stays() {
    let before = capped(3, 5).state;
    let change = CapsChange {
        running_runs: Some(9),
        ..CapsChange::default()
    };
    let after = set_caps(before.clone(), change);
    assert_eq!(after.caps.running_runs, 9);
    assert_eq!(after.caps.per_day, before.caps.per_day);
    assert_eq!(after.caps.leads_per_run, before.caps.leads_per_run);
    assert_eq!(after.day, before.day);
    let after = set_caps(after, daily(6));
    assert_eq!((after.caps.running_runs, after.calls_left()), (9, 6));
}

#[test]
fn in_another_zone_a_day_ends_when_it_was_to_end() {
    let mut desk = capped(3, 4);
    desk.run(9, None);
    assert_eq!(claims(&desk.fill(&[])), "1/0 1/1 1/2");
    let day = desk.state.day.clone();
    desk.state = set_time_zone(desk.state, "Pacific/Auckland");
    assert_eq!(desk.state.day, day);
    assert_eq!(desk.state.day_is_due(desk.now), None);
    desk.wait(DAY_SECONDS);
    assert_eq!(desk.state.day_is_due(desk.now), Some("Pacific/Auckland"));
    let state = set_caps(desk.state, daily(7));
    assert_eq!(state.day_is_due(desk.now), Some("Pacific/Auckland"));
}

#[test]
fn a_zone_alone_bounds_nothing() {
    let state = set_time_zone(State::new(1), ZONE);
    assert_eq!(state, State::new(1));
}

#[test]
fn each_addition_to_the_do_not_call_list_is_another_state() {
    let state = note_do_not_call(State::new(1));
    assert_eq!(state.do_not_call_rev, 1);
    assert_eq!(note_do_not_call(state).do_not_call_rev, 2);
}

const ZONE: &str = "Asia/Jerusalem";
const DAY_SECONDS: u64 = 24 * 60 * 60;
const DAY: Duration = Duration::from_secs(DAY_SECONDS);

fn midnight() -> Timestamp {
    START.after(DAY)
}

/// A business that may make so many calls a day, whose day has just begun.
fn capped(limit: u32, calls: u32) -> Desk {
    let mut desk = Desk::new(limit);
    desk.state = set_caps(desk.state, daily(calls));
    desk.state.begin_day(START, midnight());
    desk
}

fn daily(calls: u32) -> CapsChange {
    let time_zone = ZONE.to_owned();
    CapsChange {
        per_day: Some(DailyChange::Bounded(DailyCap { calls, time_zone })),
        ..CapsChange::default()
    }
}

fn unbounded() -> CapsChange {
    CapsChange {
        per_day: Some(DailyChange::Unbounded),
        ..CapsChange::default()
    }
}

fn country(letters: &str) -> Country {
    letters.parse().unwrap()
}

fn only(letters: &str) -> Destinations {
    Destinations::Only(vec![country(letters)])
}
