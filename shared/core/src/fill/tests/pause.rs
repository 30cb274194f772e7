//! The carrier asked us to slow down.

use std::time::Duration;

use crate::call::Outcome;
use crate::fill::Fact;
use crate::fill::apply::PAUSE_ASKED_MAX;
use crate::fill::apply::PAUSE_MAX;
use crate::state::Pause;
use crate::state::tests::desk::{Desk, START, run};
use crate::state::tests::script::Step::{Bar, Direct, End, Fill, Refuse, RefuseFor, Run, Wait};
use crate::state::tests::script::check;
use crate::state::tests::words::{claims, live};

#[test]
fn no_run_claims_a_slot_until_the_pause_passes() {
    check(
        2,
        &[Run(5), Fill, Refuse("1/0"), End("1/1"), Wait(1), Fill],
        "1/0 1/1 | 1/1 | none | 1/0 1/2",
    );
    check(
        2,
        &[
            Run(5),
            Fill,
            RefuseFor("1/0", 9),
            Wait(8),
            Fill,
            Wait(1),
            Fill,
        ],
        "1/0 1/1 | 1/1 | 1/1 | 1/0 1/1",
    );
}

#[test]
fn the_pause_holds_to_the_last_instant() {
    let mut desk = check(1, &[Run(1), Fill, Refuse("1/0")], "1/0 | none");
    desk.now = START.after(Duration::from_millis(999));
    assert_eq!(claims(&desk.fill(&[])), "");
    desk.now = START.after(Duration::from_secs(1));
    assert_eq!(claims(&desk.fill(&[])), "1/0");
}

#[test]
fn a_paused_decision_wants_nothing_and_counts_nobody() {
    let mut desk = check(
        2,
        &[Run(5), Fill, Bar(1, 2), Refuse("1/0")],
        "1/0 1/1 | 1/1",
    );
    let filled = desk.fill(&[]);
    assert_eq!((filled.wanted.len(), filled.skipped.len()), (0, 0));
    assert!(!filled.is_changed && !filled.has_more);
}

#[test]
fn a_paused_business_still_hears_the_end_of_its_calls() {
    let desk = check(
        2,
        &[Run(2), Fill, Refuse("1/0"), End("1/1")],
        "1/0 1/1 | 1/1 | none",
    );
    assert_eq!(desk.state.runs[&run(1)].completed, 1);
}

#[test]
fn direct_calls_are_placed_during_a_pause() {
    check(
        2,
        &[Run(2), Fill, Refuse("1/0"), Direct(7), Fill],
        "1/0 1/1 | 1/1 | d7 1/1",
    );
}

#[test]
fn a_refused_direct_call_pauses_the_runs_too() {
    check(
        2,
        &[Direct(7), Run(2), Refuse("d7"), Wait(1), Fill],
        "none | 1/0 1/1",
    );
}

/// Checks the pauses, in seconds, that refusals so many seconds after the last pause make.
#[track_caller]
fn check_pauses(refusals: &[(u64, Option<u64>)], expected: &[u64]) {
    let mut desk = Desk::new(1);
    desk.run(1, None);
    let mut pauses = Vec::new();
    for &(later, retry_after) in refusals {
        let begin = desk.state.pause.map_or(START, |pause| pause.until);
        desk.now = begin.after(Duration::from_secs(later));
        let _ = desk.fill(&[]);
        let refused = Fact::NotProcessed {
            call: desk.call("1/0"),
            retry_after: retry_after.map(Duration::from_secs),
        };
        let _ = desk.fill(&[refused]);
        let pause = desk.state.pause.unwrap();
        pauses.push(pause.until.since(desk.now).as_secs());
    }
    assert_eq!(pauses, expected);
}

#[test]
fn each_pause_is_twice_the_last_up_to_the_longest() {
    check_pauses(
        &[(0, None); 12],
        &[1, 2, 4, 8, 16, 32, 32, 32, 32, 32, 32, 32],
    );
}

#[test]
fn the_longest_pause_stays_the_longest_however_often() {
    check_pauses(
        &[(0, None); 40],
        &[&[1, 2, 4, 8, 16][..], &[32; 35]].concat(),
    );
}

#[test]
fn pauses_begin_anew_once_the_carrier_was_content_for_the_longest() {
    let content = PAUSE_MAX.as_secs();
    check_pauses(&[(0, None), (content - 1, None)], &[1, 2]);
    check_pauses(&[(0, None), (content, None)], &[1, 1]);
    check_pauses(
        &[
            (0, None),
            (0, None),
            (0, None),
            (content + 9, None),
            (0, None),
        ],
        &[1, 2, 4, 1, 2],
    );
}

#[test]
fn the_carriers_own_wish_is_followed_within_reason() {
    let longest = PAUSE_ASKED_MAX.as_secs();
    check_pauses(&[(0, Some(20))], &[20]);
    check_pauses(&[(0, Some(0))], &[1]);
    check_pauses(&[(0, Some(20)), (0, None)], &[20, 2]);
    check_pauses(&[(0, None), (0, None), (0, Some(3))], &[1, 2, 4]);
    check_pauses(&[(0, Some(longest))], &[longest]);
    check_pauses(&[(0, Some(longest + 1))], &[longest]);
    check_pauses(&[(0, Some(u64::MAX))], &[longest]);
}

fn refusal(desk: &Desk, job: &str, retry_after: Option<u64>) -> Fact {
    Fact::NotProcessed {
        call: desk.call(job),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

/// Checks the pause, in milliseconds from the first refusal, after three refusals of one round.
#[track_caller]
fn check_round(refusals: [(u64, Option<u64>); 3], expected: (u64, u32)) {
    let mut desk = Desk::new(3);
    desk.run(3, None);
    let _ = desk.fill(&[]);
    for (job, (at, retry_after)) in ["1/0", "1/1", "1/2"].into_iter().zip(refusals) {
        desk.now = START.after(Duration::from_millis(at));
        let fact = refusal(&desk, job, retry_after);
        let _ = desk.fill(&[fact]);
    }
    let Pause { until, step } = desk.state.pause.unwrap();
    let millis = u64::try_from(until.since(START).as_millis()).unwrap();
    assert_eq!((millis, step), expected);
}

#[test]
fn several_refusals_of_one_round_are_one() {
    check_round([(0, None), (0, None), (0, None)], (1_000, 0));
    check_round([(0, None), (200, None), (999, None)], (1_999, 0));
    check_round([(0, None), (200, Some(5)), (300, None)], (5_200, 0));
    check_round([(0, Some(5)), (200, Some(2)), (4_999, None)], (5_999, 0));
    check_round([(0, None), (1_000, None), (1_000, None)], (3_000, 1));
}

#[test]
fn refusals_in_one_decision_are_one() {
    let mut desk = check(3, &[Run(9), Fill], "1/0 1/1 1/2");
    let facts = ["1/0", "1/1", "1/2"].map(|job| refusal(&desk, job, None));
    let _ = desk.fill(&facts);
    let once = Pause {
        until: START.after(Duration::from_secs(1)),
        step: 0,
    };
    assert_eq!(
        (desk.state.pause, live(&desk.state).as_str()),
        (Some(once), "")
    );
}

#[test]
fn an_early_refusal_does_not_shorten_a_long_pause() {
    let mut desk = check(
        2,
        &[Run(2), Fill, RefuseFor("1/0", 60), Wait(5)],
        "1/0 1/1 | 1/1",
    );
    let fact = refusal(&desk, "1/1", None);
    let _ = desk.fill(&[fact]);
    let until = START.after(Duration::from_secs(60));
    assert_eq!(desk.state.pause, Some(Pause { until, step: 0 }));
}

#[test]
fn a_call_that_is_gone_pauses_nobody() {
    let mut desk = check(1, &[Run(2), Fill], "1/0");
    let call = desk.call("1/0");
    let ended = Fact::Ended {
        call,
        outcome: Outcome::Completed,
    };
    let refused = refusal(&desk, "1/0", None);
    let _ = desk.fill(&[ended, refused]);
    assert_eq!(
        (desk.state.pause, live(&desk.state).as_str()),
        (None, "1/1")
    );
}
