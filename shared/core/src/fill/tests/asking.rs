//! What the carrier answers about a call, time after time.

use std::time::Duration;

use super::facts::told;
use crate::fill::Fact;
use crate::state::tests::desk::{Desk, START};
use crate::timing::Timing;

#[test]
fn a_live_call_is_asked_about_ever_more_rarely() {
    let mut desk = Desk::new(1);
    desk.direct(7);
    let fact = Fact::StillLive {
        call: desk.call("d7"),
    };
    for (age, expected) in [
        (119, "d7 asked in 60s"),
        (300, "d7 asked in 240s"),
        (600, "d7 asked in 540s"),
        (5_000, "d7 asked in 900s"),
    ] {
        desk.now = START.after(Duration::from_secs(age));
        assert_eq!(told(&mut desk, &fact), expected);
    }
}

#[test]
fn a_call_found_between_two_misses_is_missed_afresh() {
    let mut desk = Desk::new(1);
    desk.direct(7);
    let call = desk.call("d7");
    let found = Fact::StillLive { call };
    let missed = |desk: &Desk| Fact::NotFound {
        call,
        asked_at: desk.now,
    };
    desk.wait(120);
    let fact = missed(&desk);
    assert_eq!(told(&mut desk, &fact), "d7 asked in 30s, d7 missing 1");
    desk.wait(30);
    assert_eq!(told(&mut desk, &found), "d7 asked in 90s, d7 missing 0");
    desk.wait(90);
    let fact = missed(&desk);
    assert_eq!(told(&mut desk, &fact), "d7 asked in 30s, d7 missing 1");
    desk.wait(30);
    let fact = missed(&desk);
    assert_eq!(told(&mut desk, &fact), "-d7, lost");
}

#[test]
fn two_answers_to_questions_of_one_moment_are_one_whenever_they_are_heard() {
    let mut desk = Desk::new(1);
    desk.direct(7);
    desk.wait(120);
    let missed = Fact::NotFound {
        call: desk.call("d7"),
        asked_at: desk.now,
    };
    assert_eq!(told(&mut desk, &missed), "d7 asked in 30s, d7 missing 1");
    desk.wait(39);
    assert_eq!(told(&mut desk, &missed), "TooEarly");
}

#[test]
fn the_fence_of_a_call_is_its_own() {
    let mut desk = Desk::new(2);
    desk.direct(7);
    desk.wait(30);
    desk.direct(8);
    desk.now = START.after(Timing::CLOUD.fence());
    let of = |desk: &Desk, job| Fact::NotFound {
        call: desk.call(job),
        asked_at: desk.now,
    };
    let (old, new) = (of(&desk, "d7"), of(&desk, "d8"));
    assert_eq!(told(&mut desk, &new), "TooEarly");
    assert_eq!(told(&mut desk, &old), "d7 asked in 30s, d7 missing 1");
    let fence_of_new = START.after(Duration::from_secs(30) + Timing::CLOUD.fence());
    desk.now = fence_of_new;
    assert_eq!(told(&mut desk, &new), "TooEarly", "it was asked before");
    let new = of(&desk, "d8");
    assert_eq!(told(&mut desk, &new), "d8 asked in 30s, d8 missing 1");
}
