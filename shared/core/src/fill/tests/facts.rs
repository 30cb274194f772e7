//! Every fact about every kind of call, and what it changes.
//!
//! The tables are matches without a wildcard: a fact or a phase without a line does not
//! compile.

use std::time::Duration;

use crate::call::Outcome::{Canceled, Completed, Failed};
use crate::fill::{Candidates, Fact};
use crate::ids::CallId;
use crate::state::Phase;
use crate::state::tests::desk::{Desk, START, call_minted, run};
use crate::state::tests::words::changes;
use crate::time::Timestamp;
use crate::timing::Timing;

/// Who holds the slot that a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Nobody ever did.
    Unknown,
    /// An earlier fact has freed it.
    Freed,
    /// Lead 7, called at once.
    Direct,
    /// The first of a run of five: the second is live too, three wait or were canceled.
    OfRun(Phase),
}

const HOLDERS: [Holder; 7] = [
    Holder::Unknown,
    Holder::Freed,
    Holder::Direct,
    Holder::OfRun(Phase::Running),
    Holder::OfRun(Phase::Stopped),
    Holder::OfRun(Phase::HangingUp),
    Holder::OfRun(Phase::Failed),
];

/// How old the call is, and whether the carrier missed it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// Somebody may still dial for it.
    BeforeFence,
    /// Nobody can any more, from this instant on.
    AtFence,
    /// Missed less than half a sweep ago.
    JustMissed,
    /// Missed half a sweep ago.
    MissedBefore,
}

const AGES: [Age; 4] = [
    Age::BeforeFence,
    Age::AtFence,
    Age::JustMissed,
    Age::MissedBefore,
];

fn every_fact(call: CallId, now: Timestamp) -> [Fact; 11] {
    let ended = |outcome| Fact::Ended { call, outcome };
    let not_processed = |retry_after| Fact::NotProcessed { call, retry_after };
    [
        ended(Completed),
        ended(Failed),
        ended(Canceled),
        Fact::LeadRefused { call },
        Fact::ConfigurationRefused {
            call,
            error: "bad caller id".to_owned(),
        },
        not_processed(None),
        not_processed(Some(Duration::from_secs(20))),
        Fact::StillLive { call },
        Fact::NotFound {
            call,
            asked_at: now,
        },
        Fact::Undecided { call },
        Fact::Filed { run: run(1) },
    ]
}

fn expected(holder: Holder, age: Age, fact: &Fact) -> String {
    use Fact::{
        ConfigurationRefused, Ended, Filed, LeadRefused, NotFound, NotProcessed, StillLive,
        Undecided,
    };
    use Holder::{Direct, Freed, OfRun, Unknown};
    match (holder, fact) {
        (Unknown | Freed | Direct | OfRun(_), Filed { .. }) => "NotOver",
        (
            Unknown | Freed,
            Ended { .. }
            | LeadRefused { .. }
            | ConfigurationRefused { .. }
            | NotProcessed { .. }
            | StillLive { .. }
            | NotFound { .. }
            | Undecided { .. },
        ) => "NotLeased",

        (Direct, Ended { .. } | LeadRefused { .. } | ConfigurationRefused { .. }) => "-d7",
        (Direct, NotProcessed { retry_after, .. }) => match retry_after {
            None => "-d7, paused for 1s step 0",
            Some(_) => "-d7, paused for 20s step 0",
        },
        (Direct, StillLive { .. }) => return still_live("d7", age),
        (Direct, NotFound { .. }) => return not_found("d7", "-d7", age),
        (Direct, Undecided { .. }) => return undecided("d7", age),

        (OfRun(_), Ended { outcome, .. }) => match outcome {
            Completed => "-1/0, run 1 +1 completed",
            Failed => "-1/0, run 1 +1 failed",
            Canceled => "-1/0, run 1 +1 canceled",
        },
        (OfRun(_), LeadRefused { .. }) => "-1/0, run 1 +1 failed",
        (OfRun(Phase::Running), ConfigurationRefused { .. }) => {
            "-1/0, run 1 next 5, run 1 +1 failed, run 1 +3 canceled, run 1 is Failed, \
             run 1 error Some(bad caller id)"
        }
        (OfRun(Phase::Stopped | Phase::HangingUp | Phase::Failed), ConfigurationRefused { .. }) => {
            "-1/0, run 1 +1 failed"
        }
        (OfRun(phase), NotProcessed { retry_after, .. }) => match (phase, retry_after) {
            (Phase::Running, None) => "-1/0, run 1 returned [0], paused for 1s step 0",
            (Phase::Running, Some(_)) => "-1/0, run 1 returned [0], paused for 20s step 0",
            (Phase::Stopped | Phase::HangingUp | Phase::Failed, None) => {
                "-1/0, run 1 +1 canceled, paused for 1s step 0"
            }
            (Phase::Stopped | Phase::HangingUp | Phase::Failed, Some(_)) => {
                "-1/0, run 1 +1 canceled, paused for 20s step 0"
            }
        },
        (OfRun(_), StillLive { .. }) => return still_live("1/0", age),
        (OfRun(_), NotFound { .. }) => return not_found("1/0", "-1/0, run 1 +1 failed", age),
        (OfRun(_), Undecided { .. }) => return undecided("1/0", age),
    }
    .to_owned()
}

fn still_live(who: &str, age: Age) -> String {
    match age {
        Age::BeforeFence => format!("{who} asked in 60s"),
        // That is when it was to be asked about anyway.
        Age::AtFence => String::new(),
        Age::JustMissed | Age::MissedBefore => format!("{who} asked in 60s, {who} missing 0"),
    }
}

fn not_found(who: &str, lost: &str, age: Age) -> String {
    match age {
        Age::BeforeFence | Age::JustMissed => "TooEarly".to_owned(),
        Age::AtFence => format!("{who} asked in 30s, {who} missing 1"),
        Age::MissedBefore => format!("{lost}, lost"),
    }
}

/// An unanswered question is asked again half a sweep later, or when it was to be anyway.
fn undecided(who: &str, age: Age) -> String {
    match age {
        Age::BeforeFence | Age::AtFence => String::new(),
        Age::JustMissed | Age::MissedBefore => format!("{who} asked in 30s"),
    }
}

/// The business before the fact, with the call that the fact is about.
fn situation(holder: Holder, age: Age) -> (Desk, CallId) {
    let mut desk = Desk::new(4);
    desk.run(5, Some(2));
    let _ = desk.fill(&[]);
    desk.direct(7);
    let call = match holder {
        Holder::Unknown => call_minted(START, 99),
        Holder::Freed => {
            desk.direct(8);
            let call = desk.call("d8");
            let _ = desk.end("d8");
            call
        }
        Holder::Direct => desk.call("d7"),
        Holder::OfRun(phase) => {
            if phase != Phase::Running {
                let run = desk.state.runs.get_mut(&run(1)).unwrap();
                run.cancel_queued(phase);
            }
            desk.call("1/0")
        }
    };
    let fence = START.after(Timing::CLOUD.fence());
    let asked_again = fence.after(Timing::CLOUD.sweep_every / 2);
    let instant = Duration::from_millis(1);
    let (is_missed, now) = match age {
        Age::BeforeFence => (false, fence.before(instant)),
        Age::AtFence => (false, fence),
        Age::JustMissed => (true, asked_again.before(instant)),
        Age::MissedBefore => (true, asked_again),
    };
    if is_missed {
        desk.now = fence;
        let missed = desk.decide(
            &[Fact::NotFound {
                call,
                asked_at: fence,
            }],
            &Candidates::new(),
        );
        desk.state = missed.state;
    }
    desk.now = now;
    (desk, call)
}

/// Says what a fact changes, or why it changes nothing.
pub(super) fn told(desk: &mut Desk, fact: &Fact) -> String {
    let before = desk.state.clone();
    let filled = desk.decide(std::slice::from_ref(fact), &Candidates::new());
    desk.state = filled.state;
    let mut changes = changes(&before, &desk.state, desk.now);
    for (call, lease) in &filled.lost {
        assert_eq!(before.active.get(call).map(|old| &old.to), Some(&lease.to));
        changes += ", lost";
    }
    match filled.ignored.as_slice() {
        [] => {
            assert!(filled.is_changed, "{fact:?}");
            changes
        }
        [(ignored, why)] => {
            assert_eq!((ignored, changes.as_str()), (fact, ""));
            assert!(!filled.is_changed, "{fact:?}");
            format!("{why:?}")
        }
        more => panic!("one fact was ignored {} times", more.len()),
    }
}

#[track_caller]
fn check(holder: Holder, age: Age, fact: &Fact, expected: &str) {
    let (mut desk, call) = situation(holder, age);
    let case = format!("{fact:?} for {holder:?}, {age:?}");
    let slots = desk.state.slots_in_use();
    assert_eq!(told(&mut desk, fact), expected, "{case}");
    let freed = slots - desk.state.slots_in_use();
    assert_eq!(freed, u32::from(expected.starts_with('-')), "{case}");

    let once = desk.state.clone();
    let _ = told(&mut desk, fact);
    assert_eq!(changes(&once, &desk.state, desk.now), "", "{case}, twice");
    let is_kept = desk.state.active.contains_key(&call);
    assert_eq!(is_kept, once.active.contains_key(&call), "{case}, twice");
}

#[test]
fn every_fact_changes_what_the_table_says_and_only_once() {
    for holder in HOLDERS {
        for age in AGES {
            let (desk, call) = situation(holder, age);
            for fact in every_fact(call, desk.now) {
                check(holder, age, &fact, &expected(holder, age, &fact));
            }
        }
    }
}

#[test]
fn one_decision_with_a_fact_twice_is_the_decision_with_it_once() {
    for holder in HOLDERS {
        for age in AGES {
            let (mut desk, call) = situation(holder, age);
            for fact in every_fact(call, desk.now) {
                let once = desk.decide(std::slice::from_ref(&fact), &Candidates::new());
                let twice = desk.decide(&[fact.clone(), fact.clone()], &Candidates::new());
                let changes = changes(&once.state, &twice.state, desk.now);
                assert_eq!(changes, "", "{fact:?} for {holder:?}, {age:?}");
            }
        }
    }
}

#[test]
fn each_fact_of_a_decision_that_changes_nothing_is_named_in_order() {
    let mut desk = Desk::new(2);
    desk.direct(7);
    let ended = Fact::Ended {
        call: desk.call("d7"),
        outcome: Completed,
    };
    let missed = Fact::NotFound {
        call: desk.call("d7"),
        asked_at: desk.now,
    };
    let filed = Fact::Filed { run: run(1) };
    let facts = [missed.clone(), ended.clone(), filed.clone(), ended.clone()];
    let filled = desk.fill(&facts);
    let why = Vec::from_iter(
        filled
            .ignored
            .iter()
            .map(|(fact, why)| (fact, format!("{why:?}"))),
    );
    let named = [
        (&missed, "TooEarly".to_owned()),
        (&filed, "NotOver".to_owned()),
        (&ended, "NotLeased".to_owned()),
    ];
    assert_eq!(why, named);
}
