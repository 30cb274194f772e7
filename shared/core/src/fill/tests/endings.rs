//! How runs come to their end, and when they are filed.

use super::facts::told;
use crate::call::Outcome::Completed;
use crate::fill::Fact;
use crate::ids::CallId;
use crate::state::Phase;
use crate::state::tests::desk::{Desk, START, run};
use crate::stop::LiveCalls;

/// Checks what a fact does to the last call of a run of one lead.
#[track_caller]
fn check_last(fact: fn(CallId) -> Fact, expected: &str) {
    let mut desk = Desk::new(1);
    desk.run(1, None);
    let _ = desk.fill(&[]);
    let fact = fact(desk.call("1/0"));
    desk.wait(5);
    assert_eq!(told(&mut desk, &fact), expected);
    let over_at = desk.state.runs[&run(1)].over_at;
    let is_over = expected.ends_with("over");
    assert_eq!(over_at, is_over.then_some(desk.now));
}

#[test]
fn a_run_is_over_when_its_last_lead_has_its_outcome() {
    check_last(
        |call| Fact::Ended {
            call,
            outcome: Completed,
        },
        "-1/0, run 1 +1 completed, run 1 over",
    );
    check_last(
        |call| Fact::LeadRefused { call },
        "-1/0, run 1 +1 failed, run 1 over",
    );
    check_last(
        |call| Fact::NotProcessed {
            call,
            retry_after: None,
        },
        "-1/0, run 1 returned [0], paused for 1s step 0",
    );
    check_last(|call| Fact::StillLive { call }, "1/0 asked in 60s");
}

#[test]
fn a_run_is_over_once_whatever_comes_later() {
    let mut desk = Desk::new(2);
    desk.run(1, None);
    let _ = desk.fill(&[]);
    desk.direct(7);
    let _ = desk.end("1/0");
    desk.wait(5);
    let _ = desk.end("d7");
    assert_eq!(desk.state.runs[&run(1)].over_at, Some(START));
}

#[test]
fn only_a_run_that_is_over_is_filed_and_only_once() {
    let filed = Fact::Filed { run: run(1) };
    let mut desk = Desk::new(2);
    assert_eq!(told(&mut desk, &filed), "NotOver");
    desk.run(2, None);
    desk.run(1, None);
    assert_eq!(told(&mut desk, &filed), "NotOver");
    let _ = desk.fill(&[]);
    desk.stop(1, LiveCalls::Finish);
    assert_eq!(told(&mut desk, &filed), "NotOver");
    let _ = desk.end("1/0");
    assert_eq!(told(&mut desk, &filed), "-run 1");
    assert_eq!(told(&mut desk, &filed), "NotOver");
}

#[test]
fn the_error_of_a_failed_run_is_the_first() {
    let mut desk = Desk::new(2);
    desk.run(2, None);
    let _ = desk.fill(&[]);
    let refused = |job, error: &str| Fact::ConfigurationRefused {
        call: desk.call(job),
        error: error.to_owned(),
    };
    let facts = [refused("1/0", "first"), refused("1/1", "second")];
    let _ = desk.fill(&facts);
    let run = &desk.state.runs[&run(1)];
    assert_eq!(run.last_error.as_deref(), Some("first"));
    assert_eq!((run.failed, run.phase), (2, Phase::Failed));
}
