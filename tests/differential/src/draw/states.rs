//! States, and changes of them that no decision has to make sense of.

use std::collections::btree_map::Entry;
use std::time::Duration;

use fastrand::Rng;
use ringfence_core::ids::{CallId, RosterId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Lease, Pause, Phase, Run, State};
use ringfence_core::time::Timestamp;
use uuid::Uuid;

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
        match rng.u32(0..11) {
            0..=2 => claimed.extend(claim(rng, now, &mut to)),
            3..=5 => {
                let call = calls::any(rng);
                to.active.remove(&call);
            }
            6 => to.limit = rng.u32(0..=4),
            7 => {
                to.runs.insert(run_id(rng.u32(1..=3)), run(rng, now));
            }
            8 => {
                to.runs.remove(&run_id(rng.u32(1..=3)));
            }
            9 => {
                let until = now.after(Duration::from_secs(rng.u64(1..=32)));
                let step = rng.u32(0..6);
                to.pause = rng.bool().then_some(Pause { until, step });
            }
            _ => {
                to.caller_ids.truncate(2);
                to.caller_ids.push(phone(900 + rng.u32(0..4)));
            }
        }
    }
    claimed.retain(|call| to.active.contains_key(call));
    (to, claimed)
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
