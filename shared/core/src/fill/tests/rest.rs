//! Who has to be looked at although there is no news.

use crate::fill::needs_look;
use crate::state::tests::desk::Desk;
use crate::state::tests::script;
use crate::state::tests::script::Step::{
    self, Direct, End, Fill, HangUp, Limit, Misconfigured, Refuse, Run, RunAtMost, Stop, Wait,
};

/// Checks whether the business has to be looked at after these steps.
#[track_caller]
fn check(limit: u32, steps: &[Step], expected: bool) {
    let mut desk = Desk::new(limit);
    for step in steps {
        script::take(&mut desk, *step);
    }
    assert_eq!(needs_look(&desk.state, desk.now), expected);
}

#[test]
fn nobody_is_looked_at_whose_calls_all_go_on() {
    check(3, &[], false);
    check(3, &[Direct(7)], false);
    check(3, &[Run(9), Fill], false);
    check(3, &[Run(9), Fill, Wait(119)], false);
    check(3, &[Run(2), Fill, Wait(119)], false);
    check(3, &[RunAtMost(9, 1), Fill], false);
    check(3, &[Run(9), Fill, Stop(1)], false);
    check(2, &[Run(9), Fill, Limit(1)], false);
}

#[test]
fn a_slot_that_a_lead_waits_for_needs_a_look() {
    check(3, &[Run(1)], true);
    check(3, &[Run(9), Fill, Limit(4)], true);
    check(3, &[RunAtMost(9, 1), Fill, Run(1)], true);
}

#[test]
fn a_slot_needs_a_look_once_the_pause_is_over() {
    let refused = [Run(1), Fill, Refuse("1/0")];
    check(1, &refused, false);
    check(1, &[&refused[..], &[Wait(1)]].concat(), true);
}

#[test]
fn a_silent_call_needs_a_look() {
    check(3, &[Direct(7), Wait(120)], true);
    check(3, &[Run(9), Fill, Wait(120)], true);
}

#[test]
fn a_call_that_is_to_be_ended_needs_a_look() {
    check(3, &[Run(9), Fill, HangUp(1)], true);
}

#[test]
fn a_run_that_is_over_needs_a_look_until_it_is_filed() {
    check(3, &[Run(1), Fill, End("1/0")], true);
    check(1, &[Run(9), Fill, Misconfigured("1/0")], true);
    check(3, &[Run(9), Stop(1)], true);
}
