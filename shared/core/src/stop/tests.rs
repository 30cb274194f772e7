//! Tests of stopping runs and of changing what a business has set.

use super::LiveCalls::{Finish, HangUp as ThenHangUp};
use super::*;
use crate::fill::Fact;
use crate::state::tests::desk::{Desk, START, number, run};
use crate::state::tests::script;
use crate::state::tests::script::Step::{
    self, Direct, End, Fill, HangUp, Limit, Misconfigured, Refuse, Run, Share, Stop, Wait,
};
use crate::state::tests::words::{changes, job};

/// Checks what stopping run 1 answers and changes after these steps, at limit 2.
#[track_caller]
fn check(steps: &[Step], live_calls: LiveCalls, expected: &str) -> State {
    let mut desk = Desk::new(2);
    for step in steps {
        script::take(&mut desk, *step);
    }
    let before = desk.state;
    let (after, actual) = match stop(before.clone(), run(1), live_calls, desk.now) {
        StoppedRun::Stopped {
            state,
            canceled,
            in_progress,
        } => {
            let changes = changes(&before, &state, desk.now);
            let text = format!("{canceled} canceled, {in_progress} live: {changes}");
            (state, text)
        }
        StoppedRun::AlreadyOver {
            state,
            is_changed,
            status,
            in_progress,
        } => {
            assert_eq!(is_changed, state != before);
            let changes = changes(&before, &state, desk.now);
            let status = status.as_str();
            let text = format!("already {status}, {in_progress} live: {changes}");
            (state, text.trim_end_matches(": ").to_owned())
        }
        StoppedRun::NotHere => (before, "not here".to_owned()),
    };
    assert_eq!(actual, expected);
    after
}

#[test]
fn a_running_run_is_stopped() {
    check(
        &[Run(5)],
        Finish,
        "5 canceled, 0 live: run 1 next 5, run 1 +5 canceled, run 1 is Stopped, run 1 over",
    );
    check(
        &[Run(5), Fill],
        Finish,
        "3 canceled, 2 live: run 1 next 5, run 1 +3 canceled, run 1 is Stopped",
    );
    check(
        &[Run(5), Fill],
        ThenHangUp,
        "3 canceled, 2 live: run 1 next 5, run 1 +3 canceled, run 1 is HangingUp",
    );
    check(
        &[Run(2), Fill],
        Finish,
        "0 canceled, 2 live: run 1 is Stopped",
    );
    check(
        &[Run(5), Direct(7)],
        ThenHangUp,
        "5 canceled, 0 live: run 1 next 5, run 1 +5 canceled, run 1 is HangingUp, run 1 over",
    );
}

#[test]
fn leads_that_wait_again_are_canceled_too() {
    check(
        &[Run(5), Fill, Refuse("1/0")],
        Finish,
        "4 canceled, 1 live: run 1 next 5, run 1 returned [], run 1 +4 canceled, run 1 is Stopped",
    );
    check(
        &[Run(2), Fill, Refuse("1/0 1/1")],
        Finish,
        "2 canceled, 0 live: run 1 returned [], run 1 +2 canceled, run 1 is Stopped, run 1 over",
    );
    check(
        &[Direct(7), Run(2), Share(1, 0, 7), Fill],
        Finish,
        "1 canceled, 1 live: run 1 returned [], run 1 +1 canceled, run 1 is Stopped",
    );
}

#[test]
fn stopping_twice_is_stopping_once() {
    let stopping = "already stopping, 2 live";
    check(&[Run(5), Fill, Stop(1)], Finish, stopping);
    check(&[Run(5), Fill, HangUp(1)], ThenHangUp, stopping);
    check(&[Run(5), Fill, HangUp(1)], Finish, stopping);
    check(&[Run(5), Stop(1)], Finish, "already stopped, 0 live");
    check(&[Run(5), Stop(1)], ThenHangUp, "already stopped, 0 live");
}

#[test]
fn a_run_that_was_stopped_can_still_be_hung_up() {
    check(
        &[Run(5), Fill, Stop(1)],
        ThenHangUp,
        "already stopping, 2 live: run 1 is HangingUp",
    );
}

#[test]
fn a_run_that_is_over_is_left_alone() {
    let completed = "already completed, 0 live";
    check(&[Run(1), Fill, End("1/0")], Finish, completed);
    check(&[Run(1), Fill, End("1/0")], ThenHangUp, completed);
    let failed = [Run(5), Fill, Misconfigured("1/0")];
    check(&failed, Finish, "already failed, 1 live");
    let failed = [Run(5), Fill, Misconfigured("1/0"), End("1/1")];
    check(&failed, ThenHangUp, "already failed, 0 live");
}

#[test]
fn a_run_that_is_filed_or_never_was_is_not_here() {
    check(&[], Finish, "not here");
    let mut desk = Desk::new(2);
    desk.run(1, None);
    desk.stop(1, Finish);
    let _ = desk.fill(&[Fact::Filed { run: run(1) }]);
    let stopped = stop(desk.state, run(1), Finish, desk.now);
    assert_eq!(stopped, StoppedRun::NotHere);
}

#[test]
fn stopping_one_run_leaves_the_others() {
    let mut desk = Desk::new(2);
    desk.run(5, None);
    desk.run(5, None);
    let _ = desk.fill(&[]);
    let before = desk.state.clone();
    desk.stop(2, ThenHangUp);
    assert_eq!(
        changes(&before, &desk.state, desk.now),
        "run 2 next 5, run 2 +4 canceled, run 2 is HangingUp"
    );
}

#[test]
fn a_run_is_over_when_it_was_stopped_with_nothing_live() {
    let state = check(
        &[Run(5), Fill, Refuse("1/0 1/1"), Wait(9)],
        Finish,
        "5 canceled, 0 live: run 1 next 5, run 1 returned [], run 1 +5 canceled, \
         run 1 is Stopped, run 1 over",
    );
    let at = START.after(std::time::Duration::from_secs(9));
    assert_eq!(state.runs[&run(1)].over_at, Some(at));
}

/// Checks which calls are to be hung up after these steps, at limit 4.
#[track_caller]
fn check_hang_up(steps: &[Step], expected: &str) {
    let mut desk = Desk::new(4);
    for step in steps {
        script::take(&mut desk, *step);
    }
    let calls = desk.state.to_hang_up();
    let jobs = calls.map(|call| job(desk.state.active[&call].job));
    assert_eq!(Vec::from_iter(jobs).join(" "), expected);
}

#[test]
fn only_calls_of_runs_that_want_it_are_hung_up() {
    check_hang_up(&[Run(2), Fill], "");
    check_hang_up(&[Run(2), Fill, Stop(1)], "");
    check_hang_up(&[Run(2), Fill, HangUp(1)], "1/0 1/1");
    check_hang_up(&[Run(2), Fill, Stop(1), HangUp(1)], "1/0 1/1");
    check_hang_up(&[Run(2), Fill, HangUp(1), Stop(1)], "1/0 1/1");
    check_hang_up(&[Run(2), Fill, HangUp(1), End("1/0")], "1/1");
    check_hang_up(&[Direct(7), Run(1), Run(1), Fill, HangUp(2)], "2/0");
    check_hang_up(&[Run(2), Fill, Misconfigured("1/0")], "");
}

#[test]
fn a_new_limit_changes_nothing_else() {
    for limit in [1, 2, 9] {
        let mut desk = Desk::new(3);
        desk.run(5, None);
        let _ = desk.fill(&[]);
        let before = desk.state.clone();
        script::take(&mut desk, Limit(limit));
        let expected = format!("limit {limit}");
        assert_eq!(changes(&before, &desk.state, desk.now), expected);
    }
}

/// Checks the caller ids after these are set in turn, each with or without a live call.
#[track_caller]
fn check_caller_ids(set: &[(u32, bool)], expected: &[u32]) {
    let mut desk = Desk::new(1);
    for &(n, is_live) in set {
        if is_live {
            desk.direct(7);
        }
        desk.state = set_caller_id(desk.state.clone(), number(n));
        assert_eq!(desk.state.caller_id(), Some(&number(n)));
        if is_live {
            let _ = desk.end("d7");
        }
    }
    let expected = Vec::from_iter(expected.iter().map(|&n| number(n)));
    assert_eq!(desk.state.caller_ids, expected);
}

#[test]
fn earlier_caller_ids_are_kept_while_a_call_may_be_from_them() {
    assert_eq!(State::new(1).caller_id(), None);
    check_caller_ids(&[(1, false)], &[1]);
    check_caller_ids(&[(1, false), (2, false)], &[2]);
    check_caller_ids(&[(1, false), (2, true)], &[1, 2]);
    check_caller_ids(&[(1, false), (2, true), (3, true)], &[1, 2, 3]);
    check_caller_ids(&[(1, false), (2, true), (3, false)], &[3]);
}

#[test]
fn a_caller_id_is_kept_once() {
    check_caller_ids(&[(1, true), (1, true)], &[1]);
    check_caller_ids(&[(1, true), (2, true), (1, true)], &[2, 1]);
}
