//! Runs that wait at the same time share the slots.

use crate::state::tests::desk::{Desk, run};
use crate::state::tests::script::Step::{
    Direct, End, Fill, Limit, Refuse, Run, RunAtMost, Share, Stop, Wait,
};
use crate::state::tests::script::check;
use crate::state::tests::words::{claims, live};

#[test]
fn the_run_with_the_fewest_live_calls_goes_first() {
    check(2, &[Run(9), Run(9), Fill], "1/0 2/0");
    check(
        3,
        &[Run(9), Fill, Run(9), End("1/0")],
        "1/0 1/1 1/2 | 1/1 1/2 2/0",
    );
    check(
        4,
        &[Run(9), Run(9), Fill, End("1/0 1/1"), End("2/0 2/1")],
        "1/0 1/1 2/0 2/1 | 1/2 1/3 2/0 2/1 | 1/2 1/3 2/2 2/3",
    );
    // Even when it was served more often.
    check(
        3,
        &[Run(9), Run(9), Fill, End("2/0"), End("2/1"), End("2/2")],
        "1/0 1/1 2/0 | 1/0 1/1 2/1 | 1/0 1/1 2/2 | 1/0 1/1 2/3",
    );
}

#[test]
fn of_runs_with_as_many_live_calls_the_least_served_goes_first() {
    check(
        1,
        &[
            Run(9),
            Run(9),
            Fill,
            End("1/0"),
            End("2/0"),
            End("1/1"),
            End("2/1"),
        ],
        "1/0 | 2/0 | 1/1 | 2/1 | 1/2",
    );
    check(
        3,
        &[Run(9), Run(9), Fill, End("1/0"), End("1/1 2/0")],
        "1/0 1/1 2/0 | 1/1 2/0 2/1 | 1/2 2/1 2/2",
    );
}

#[test]
fn direct_calls_and_other_runs_do_not_count_as_its_live_calls() {
    check(
        4,
        &[Direct(7), RunAtMost(9, 1), Run(9), Fill, Limit(5), Fill],
        "d7 1/0 2/0 2/1 | d7 1/0 2/0 2/1 2/2",
    );
}

#[test]
fn a_slot_that_one_run_cannot_use_goes_to_another() {
    check(
        3,
        &[RunAtMost(9, 1), Run(9), Fill, End("1/0")],
        "1/0 2/0 2/1 | 1/1 2/0 2/1",
    );
    check(
        3,
        &[Run(1), Run(9), Fill, End("1/0")],
        "1/0 2/0 2/1 | 2/0 2/1 2/2",
    );
    check(
        2,
        &[Run(9), Run(9), Fill, Stop(1), End("1/0")],
        "1/0 2/0 | 2/0 2/1",
    );
    check(
        3,
        &[Direct(7), Run(1), Share(1, 0, 7), Run(9), Fill],
        "d7 2/0 2/1",
    );
}

#[test]
fn a_lead_given_back_does_not_let_its_run_jump_the_queue() {
    check(
        1,
        &[
            Run(9),
            Run(9),
            Fill,
            Refuse("1/0"),
            Wait(1),
            Fill,
            End("2/0"),
            End("1/0"),
        ],
        "1/0 | none | 2/0 | 1/0 | 2/1",
    );
}

/// Lets `runs` long runs share `limit` slots for a while, and ends calls in an order
/// that favours nobody but is not regular either.
#[track_caller]
fn check_shared_evenly(limit: u32, runs: u32) {
    let mut desk = Desk::new(limit);
    for _ in 0..runs {
        desk.run(1_000, None);
    }
    let _ = desk.fill(&[]);
    let mut dice: u64 = u64::from(limit * 31 + runs);
    for _ in 0..200 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let jobs = live(&desk.state);
        let ending = jobs.split(' ').enumerate();
        let ending = ending.filter(|(i, _)| dice >> (20 + i) & 1 == 1);
        let ending = Vec::from_iter(ending.map(|(_, job)| job)).join(" ");
        let _ = desk.end(&ending);

        assert_eq!(desk.state.slots_free(), 0);
        let in_progress = (1..=runs).map(|id| desk.state.in_progress(run(id)));
        let in_progress = Vec::from_iter(in_progress);
        let (least, most) = (in_progress.iter().min(), in_progress.iter().max());
        let apart = most.unwrap() - least.unwrap();
        assert!(apart <= 1, "{in_progress:?} at limit {limit}");
    }
}

#[test]
fn runs_differ_by_at_most_one_live_call() {
    for limit in 1..=7 {
        for runs in 2..=4 {
            check_shared_evenly(limit, runs);
        }
    }
}

/// Ends the one live call again and again and says whose turns follow.
fn turns(desk: &mut Desk, count: usize) -> String {
    let mut turns = Vec::new();
    for _ in 0..count {
        let live = live(&desk.state);
        let claimed = claims(&desk.end(&live));
        turns.push(claimed.split('/').next().unwrap().to_owned());
    }
    turns.join(" ")
}

#[test]
fn a_run_that_comes_late_neither_waits_for_the_others_nor_makes_them_wait() {
    let mut desk = Desk::new(1);
    desk.run(1_000, None);
    let _ = desk.fill(&[]);
    let _ = turns(&mut desk, 100);
    desk.run(1_000, None);
    assert_eq!(turns(&mut desk, 6), "1 2 1 2 1 2");
    desk.run(1_000, None);
    assert_eq!(turns(&mut desk, 6), "1 2 3 1 2 3");
}

#[test]
fn a_run_that_comes_late_gets_its_share_as_calls_end() {
    check(
        4,
        &[
            Run(9),
            Fill,
            Run(9),
            End("1/0"),
            End("1/1"),
            End("1/2"),
            End("2/0"),
        ],
        "1/0 1/1 1/2 1/3 | 1/1 1/2 1/3 2/0 | 1/2 1/3 2/0 2/1 | 1/3 1/4 2/0 2/1 | 1/3 1/4 2/1 2/2",
    );
}

#[test]
fn a_run_that_was_stopped_does_not_put_a_newcomer_ahead() {
    let mut desk = Desk::new(2);
    desk.run(1_000, None);
    desk.run(1, None);
    let _ = desk.fill(&[]);
    desk.stop(2, crate::stop::LiveCalls::Finish);
    for _ in 0..50 {
        let of_first = live(&desk.state).split(' ').next().unwrap().to_owned();
        let _ = desk.end(&of_first);
    }
    desk.run(1_000, None);
    let served = |id| desk.state.runs[&run(id)].served;
    assert_eq!(served(3), served(1));
}
