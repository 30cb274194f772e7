//! Tests of how a business and its runs are read, and what the tests of all decisions share.

pub(crate) mod desk;
pub(crate) mod script;
pub(crate) mod words;

use std::time::Duration;

use self::desk::{Desk, START, number, run};
use super::*;
use crate::fill::Fact;
use crate::stop::LiveCalls;

/// Checks status and counts, in the order queued, in progress, completed, failed, canceled.
#[track_caller]
fn check(desk: &Desk, expected: &str) {
    let (run, counts, status) = desk.state.run_view(run(1)).unwrap();
    let Counts {
        queued,
        in_progress,
        completed,
        failed,
        canceled,
    } = counts;
    assert_eq!(counts.total(), run.total);
    let actual = format!(
        "{}: {queued} {in_progress} {completed} {failed} {canceled}",
        status.as_str()
    );
    assert_eq!(actual, expected);
}

#[test]
fn a_run_is_completed_when_nothing_waits_and_nothing_is_live() {
    let mut desk = Desk::new(2);
    desk.run(3, None);
    check(&desk, "running: 3 0 0 0 0");
    let _ = desk.fill(&[]);
    check(&desk, "running: 1 2 0 0 0");
    let _ = desk.end("1/0 1/1");
    check(&desk, "running: 0 1 2 0 0");
    let _ = desk.end("1/2");
    check(&desk, "completed: 0 0 3 0 0");
}

#[test]
fn a_lead_that_waits_again_keeps_its_run_running() {
    let mut desk = Desk::new(1);
    desk.run(1, None);
    let _ = desk.fill(&[]);
    let refused = Fact::NotProcessed {
        call: desk.call("1/0"),
        retry_after: None,
    };
    let _ = desk.fill(&[refused]);
    check(&desk, "running: 1 0 0 0 0");
}

#[test]
fn a_stopped_run_is_stopping_until_its_last_call_ends() {
    for live_calls in [LiveCalls::Finish, LiveCalls::HangUp] {
        let mut desk = Desk::new(2);
        desk.run(5, None);
        let _ = desk.fill(&[]);
        desk.stop(1, live_calls);
        check(&desk, "stopping: 0 2 0 0 3");
        let _ = desk.end("1/0");
        check(&desk, "stopping: 0 1 1 0 3");
        let _ = desk.end("1/1");
        check(&desk, "stopped: 0 0 2 0 3");
    }
}

#[test]
fn a_failed_run_is_failed_while_its_calls_go_on() {
    let mut desk = Desk::new(2);
    desk.run(5, None);
    let _ = desk.fill(&[]);
    let refused = Fact::ConfigurationRefused {
        call: desk.call("1/0"),
        error: "no".to_owned(),
    };
    let _ = desk.fill(&[refused]);
    check(&desk, "failed: 0 1 0 1 3");
    let _ = desk.end("1/1");
    check(&desk, "failed: 0 0 1 1 3");
}

#[test]
fn every_status_is_read_back() {
    for status in RunStatus::ALL {
        assert_eq!(RunStatus::parse(status.as_str()), Some(status));
    }
    assert_eq!(RunStatus::parse("Running"), None);
}

#[test]
fn a_run_nobody_started_has_no_view() {
    let mut desk = Desk::new(2);
    assert_eq!(desk.state.run_view(run(1)), None);
    desk.run(1, None);
    assert!(desk.state.run_view(run(1)).is_some());
    assert_eq!(desk.state.run_view(run(2)), None);
}

#[test]
fn slots_count_runs_and_direct_calls_alike() {
    let mut desk = Desk::new(4);
    desk.run(2, Some(1));
    desk.direct(7);
    let _ = desk.fill(&[]);
    assert_eq!((desk.state.slots_in_use(), desk.state.slots_free()), (2, 2));
    assert_eq!(desk.state.in_progress(run(1)), 1);
    assert_eq!(desk.state.in_progress(run(2)), 0);
    desk.set_limit(1);
    assert_eq!((desk.state.slots_in_use(), desk.state.slots_free()), (2, 0));
}

#[test]
fn a_business_has_work_while_it_has_calls_or_runs() {
    let mut desk = Desk::new(2);
    assert!(!desk.state.has_work());
    desk.direct(7);
    assert!(desk.state.has_work());
    let _ = desk.end("d7");
    assert!(!desk.state.has_work());
    desk.run(1, None);
    assert!(desk.state.has_work());
}

#[test]
fn a_number_is_in_call_while_its_call_holds_a_slot() {
    let mut desk = Desk::new(2);
    desk.direct(7);
    assert!(desk.state.is_in_call(&number(7)));
    assert!(!desk.state.is_in_call(&number(8)));
    let _ = desk.end("d7");
    assert!(!desk.state.is_in_call(&number(7)));
}

#[test]
fn a_call_is_overdue_from_the_instant_it_is_to_be_asked_about() {
    let timing = Timing::CLOUD;
    let mut desk = Desk::new(2);
    desk.direct(7);
    let due = START.after(timing.settle_after);
    let just_before = due.before(Duration::from_millis(1));
    assert_eq!(desk.state.overdue(just_before).count(), 0);
    let (call, lease) = desk.state.overdue(due).next().unwrap();
    assert_eq!((call, &lease.to), (desk.call("d7"), &number(7)));
}

#[test]
fn a_call_is_fenced_off_once_its_window_a_worker_and_the_margin_are_over() {
    let timing = Timing::CLOUD;
    let mut desk = Desk::new(2);
    desk.direct(7);
    let fence = START.after(timing.fence());
    let just_before = fence.before(Duration::from_millis(1));
    assert_eq!(desk.state.fenced_off(just_before, &timing).count(), 0);
    let (call, lease) = desk.state.fenced_off(fence, &timing).next().unwrap();
    assert_eq!((call, &lease.to), (desk.call("d7"), &number(7)));
}

#[test]
fn books_that_do_not_balance_are_noticed() {
    let mut desk = Desk::new(1);
    desk.run(2, None);
    let _ = desk.fill(&[]);
    desk.state.assert_balanced();
    let is_noticed = |change: fn(&mut State)| {
        let mut state = desk.state.clone();
        change(&mut state);
        std::panic::catch_unwind(move || state.assert_balanced()).is_err()
    };
    assert!(is_noticed(|state| state.active.clear()));
    assert!(is_noticed(|state| state.runs.clear()));
    assert!(is_noticed(|state| {
        state.runs.get_mut(&run(1)).unwrap().completed += 1;
    }));
    assert!(!is_noticed(|_| ()));
}
