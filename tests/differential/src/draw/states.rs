//! States, and changes of them that no decision has to make sense of.

use std::collections::btree_map::Entry;
use std::time::Duration;

use fastrand::Rng;
use ringfence_core::caps::{Caps, DailyCap, Day, Destinations};
use ringfence_core::ids::{CallId, RosterId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Lease, Pause, Phase, Run, State};
use ringfence_core::time::Timestamp;
use uuid::Uuid;

use super::people::country;
use super::{calls, run_id};

/// The state that a business begins with.
pub fn first(limit: u32) -> State {
    let mut state = State::new(limit);
    state.caller_ids.push(phone(900));
    state
}

/// A phone number of our own invention.
pub fn phone(number: u32) -> PhoneNumber {
    let number = format!("+97250{number:07}").parse();
    number.expect("it is in E.164 form")
}

/// A changed state, and the calls that have new leases in it.
pub(super) fn change(rng: &mut Rng, now: Timestamp, from: &State) -> (State, Vec<CallId>) {
    let mut to = from.clone();
    let mut claimed = Vec::new();
    for _ in 0..rng.u32(1..=3) {
        if rng.u32(0..4) == 0 {
            claimed.extend(claim(rng, now, &mut to));
        } else {
            change_field(rng, now, &mut to);
        }
    }
    claimed.retain(|call| to.active.contains_key(call));
    (to, claimed)
}

/// Changes one field. A new one has to be named here, and wants a number below.
fn change_field(rng: &mut Rng, now: Timestamp, to: &mut State) {
    let State {
        limit,
        active,
        runs,
        next_run,
        pause,
        caller_ids,
        destinations,
        do_not_call_rev,
        caps,
        day,
    } = to;
    match rng.u32(0..13) {
        0..=2 => {
            active.remove(&calls::any(rng));
        }
        3 => *limit = rng.u32(0..=4),
        4 => {
            runs.insert(run_id(rng.u32(1..=3)), run(rng, now));
        }
        5 => {
            runs.remove(&run_id(rng.u32(1..=3)));
        }
        6 => *next_run += rng.u32(0..=1),
        7 => {
            let until = now.after(Duration::from_secs(rng.u64(1..=32)));
            let step = rng.u32(0..6);
            *pause = rng.bool().then_some(Pause { until, step });
        }
        8 => {
            caller_ids.truncate(2);
            caller_ids.push(phone(900 + rng.u32(0..4)));
        }
        9 => *destinations = some_destinations(rng),
        10 => {
            // Mostly as an addition to the list does.
            *do_not_call_rev = match rng.u32(0..8) {
                0 => 0,
                1 => u32::MAX,
                2.. => do_not_call_rev.saturating_add(1),
            };
        }
        11 => *caps = some_caps(rng),
        12 => *day = some_day(rng, now),
        13.. => unreachable!("it is below thirteen"),
    }
}

/// Any countries, none, some of which one may be twice.
fn some_destinations(rng: &mut Rng) -> Destinations {
    if rng.u32(0..3) == 0 {
        return Destinations::Any;
    }
    let letters = ["IL", "DE", "US", "ZZ"];
    let some = (0..rng.u32(0..4)).map(|_| country(letters[rng.usize(0..4)]));
    Destinations::Only(some.collect())
}

/// Each bound as it is where nobody says otherwise, at an end, or in between.
fn some_caps(rng: &mut Rng) -> Caps {
    let widest = Caps::WIDEST;
    let mut bound = |widest: u32| match rng.u32(0..4) {
        0 => 0,
        1 => u32::MAX,
        2 => rng.u32(1..=widest),
        3.. => widest,
    };
    let leads_per_run = bound(widest.leads_per_run);
    let running_runs = bound(widest.running_runs);
    let calls = bound(40);
    let time_zone = ["UTC", "Asia/Jerusalem", ""][rng.usize(0..3)].to_owned();
    let cap = DailyCap { calls, time_zone };
    Caps {
        leads_per_run,
        running_runs,
        per_day: rng.bool().then(|| Box::new(cap)),
    }
}

fn some_day(rng: &mut Rng, now: Timestamp) -> Option<Box<Day>> {
    let day = Day {
        began_at: now,
        ends_at: now.after(Duration::from_secs(rng.u64(0..=25 * 60 * 60))),
        calls: rng.u32(0..=40),
    };
    (rng.u32(0..4) > 0).then(|| Box::new(day))
}

/// Adds leases, mostly as many as there is room for.
pub(super) fn claim(rng: &mut Rng, now: Timestamp, to: &mut State) -> Vec<CallId> {
    let room = if rng.u32(0..8) == 0 {
        2
    } else {
        to.slots_free().min(2)
    };
    let mut claimed = Vec::new();
    for _ in 0..room {
        let number = rng.u64(0..6);
        let call = calls::call(number);
        if let Entry::Vacant(free) = to.active.entry(call) {
            free.insert(lease(rng, now, number));
            claimed.push(call);
        }
    }
    claimed
}

fn lease(rng: &mut Rng, now: Timestamp, number: u64) -> Lease {
    Lease {
        job: calls::job(number),
        to: phone(rng.u32(1..=6)),
        dial_by: now.after(Duration::from_secs(10)),
        ask_at: now.after(Duration::from_secs(rng.u64(60..=180))),
        missing: rng.u32(0..3),
    }
}

/// Any run, whether its figures add up or not.
pub(super) fn run(rng: &mut Rng, now: Timestamp) -> Run {
    let phases = [
        Phase::Running,
        Phase::Stopped,
        Phase::HangingUp,
        Phase::Failed,
    ];
    let total = rng.u32(1..=2_100);
    Run {
        roster: RosterId::new(Uuid::from_u128(rng.u128(..))),
        total,
        concurrency: rng.bool().then(|| rng.u32(1..=5)),
        next: rng.u32(0..=total),
        returned: (0..rng.u32(0..3)).map(|_| rng.u32(0..total)).collect(),
        completed: rng.u32(0..9),
        failed: rng.u32(0..9),
        canceled: rng.u32(0..9),
        served: rng.u32(0..9),
        phase: phases[rng.usize(0..4)],
        created_at: now,
        over_at: rng.bool().then_some(now),
        last_error: rng.bool().then(|| "no caller id \"✗\"".to_owned()),
    }
}
