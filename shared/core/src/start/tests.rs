//! Tests of starting runs and direct calls.

use uuid::Uuid;

use super::*;
use crate::call::Outcome;
use crate::fill::Fact;
use crate::state::RunStatus;
use crate::state::tests::desk::{Desk, START, lead, number, run};
use crate::state::tests::words::{changes, job};
use crate::stop::LiveCalls;

const ROSTER: RosterId = RosterId::new(Uuid::from_u128(7));

/// Checks whether a run with this concurrency is started at this limit, and with which.
#[track_caller]
fn check_run(limit: u32, concurrency: Option<u32>, expected: &str) {
    let new = NewRun {
        roster: ROSTER,
        total: 5,
        concurrency,
    };
    let before = State::new(limit);
    let actual = match start_run(before.clone(), new, START) {
        StartedRun::Started {
            state,
            run,
            concurrency,
        } => {
            let wish = state.runs[&run].concurrency;
            let changes = changes(&before, &state, START);
            format!("{changes}: {concurrency} at once, {wish:?} asked for")
        }
        StartedRun::BadConcurrency { limit } => format!("not within 1 and {limit}"),
        StartedRun::TooManyRuns { most } => format!("more than {most} runs"),
        StartedRun::TooManyLeads { most } => format!("more than {most} leads"),
    };
    assert_eq!(actual, expected);
}

#[test]
fn the_concurrency_of_a_run_is_within_one_and_the_limit() {
    check_run(3, Some(0), "not within 1 and 3");
    check_run(
        3,
        Some(1),
        "+run 1 of 5, next run 2: 1 at once, Some(1) asked for",
    );
    check_run(
        3,
        Some(3),
        "+run 1 of 5, next run 2: 3 at once, Some(3) asked for",
    );
    check_run(3, Some(4), "not within 1 and 3");
    check_run(
        1,
        None,
        "+run 1 of 5, next run 2: 1 at once, None asked for",
    );
    check_run(
        9,
        None,
        "+run 1 of 5, next run 2: 9 at once, None asked for",
    );
    check_run(0, None, "not within 1 and 0");
}

#[test]
fn a_new_run_waits_with_all_its_leads() {
    let new = NewRun {
        roster: ROSTER,
        total: 5,
        concurrency: None,
    };
    let StartedRun::Started { state, run, .. } = start_run(State::new(3), new, START) else {
        panic!("nothing speaks against it")
    };
    let expected = Run {
        roster: ROSTER,
        total: 5,
        concurrency: None,
        next: 0,
        returned: Vec::new(),
        completed: 0,
        failed: 0,
        canceled: 0,
        served: 0,
        phase: Phase::Running,
        created_at: START,
        over_at: None,
        last_error: None,
    };
    assert_eq!(state.runs[&run], expected);
    let (_, counts, status) = state.run_view(run).unwrap();
    assert_eq!((counts.queued, status), (5, RunStatus::Running));
}

#[test]
fn a_run_is_started_while_every_slot_is_taken() {
    let mut desk = Desk::new(1);
    desk.direct(7);
    desk.run(5, None);
    desk.set_limit(1);
    assert_eq!(desk.state.slots_free(), 0);
    assert!(desk.state.runs.contains_key(&run(1)));
}

#[test]
fn run_numbers_count_from_one_and_are_never_used_again() {
    let mut desk = Desk::new(1);
    assert_eq!(desk.run(1, None), run(1));
    let (state, failed) = number_failed_run(desk.state.clone());
    assert_eq!(changes(&desk.state, &state, START), "next run 3");
    assert_eq!(failed, run(2));
    desk.state = state;
    let _ = desk.fill(&[]);
    let _ = desk.end("1/0");
    let _ = desk.fill(&[Fact::Filed { run: run(1) }]);
    assert!(desk.state.runs.is_empty());
    assert_eq!(desk.run(1, None), run(3));
}

/// Checks how often a newcomer counts as served beside runs that were served so often.
#[track_caller]
fn check_newcomer(others: &[(u32, Phase)], expected: u32) {
    let mut desk = Desk::new(3);
    for (served, phase) in others {
        let id = desk.run(100, None);
        let other = desk.state.runs.get_mut(&id).unwrap();
        other.served = *served;
        if *phase != Phase::Running {
            other.cancel_queued(*phase);
        }
    }
    let newcomer = desk.run(5, None);
    assert_eq!(desk.state.runs[&newcomer].served, expected);
}

#[test]
fn a_newcomer_counts_as_served_like_the_least_served_that_runs() {
    check_newcomer(&[], 0);
    check_newcomer(&[(9, Phase::Running)], 9);
    check_newcomer(&[(9, Phase::Running), (4, Phase::Running)], 4);
    check_newcomer(&[(9, Phase::Running), (4, Phase::Stopped)], 9);
    check_newcomer(&[(9, Phase::Running), (4, Phase::HangingUp)], 9);
    check_newcomer(&[(9, Phase::Running), (4, Phase::Failed)], 9);
    check_newcomer(&[(4, Phase::Stopped)], 0);
}

/// Checks what becomes of these leads, called at once; `0` stands for a lead without a
/// number. Leads with one last digit share a number.
#[track_caller]
fn check_calls(desk: &mut Desk, leads: &[u32], expected: &str) {
    let asked = Vec::from_iter(leads.iter().map(|&id| DirectLead {
        lead: lead(id.max(1)),
        to: match id {
            0 => Err(Barred::NoPhone),
            id => Ok(number(id % 10)),
        },
        country: None,
    }));
    let (before, now) = (desk.state.clone(), desk.now);
    let started = start_calls(
        before.clone(),
        &asked,
        &mut desk.mint(),
        now,
        &Timing::CLOUD,
    );
    let actual = match started {
        StartedCalls::DailyCap { left, .. } => format!("{left} left today"),
        StartedCalls::SlotsBusy {
            active,
            limit,
            available,
        } => format!("busy: {active} of {limit} taken, {available} free"),
        StartedCalls::Decided { state, answers } => {
            assert_eq!(answers.len(), leads.len());
            let told = Vec::from_iter(answers.iter().map(|answer| tell(&state, answer)));
            let claimed = answers.iter().filter(|answer| match answer {
                Direct::Claimed(_) => true,
                Direct::Barred(..) | Direct::AlreadyInCall(_) => false,
            });
            assert_eq!(state.active.len() - before.active.len(), claimed.count());
            desk.state = state;
            told.join(", ")
        }
    };
    assert_eq!(actual, expected);
}

fn tell(state: &State, answer: &Direct) -> String {
    match answer {
        Direct::Claimed(claim) => {
            assert_eq!(state.active.get(&claim.call), Some(&claim.lease));
            assert_eq!(claim.lease.job, Job::Direct { lead: claim.lead });
            format!("{} claimed", job(claim.lease.job))
        }
        Direct::Barred(lead, reason) => format!("d{lead} {}", reason.as_str()),
        Direct::AlreadyInCall(lead) => format!("d{lead} in call"),
    }
}

#[test]
fn direct_calls_get_a_slot_each_or_none_does() {
    let all = "d1 claimed, d2 claimed, d3 claimed";
    check_calls(&mut Desk::new(3), &[1, 2, 3], all);
    check_calls(&mut Desk::new(2), &[1, 2, 3], "busy: 0 of 2 taken, 2 free");
    check_calls(&mut Desk::new(0), &[1], "busy: 0 of 0 taken, 0 free");
    check_calls(&mut Desk::new(2), &[], "");

    let mut desk = Desk::new(2);
    check_calls(&mut desk, &[1], "d1 claimed");
    let before = desk.state.clone();
    check_calls(&mut desk, &[2, 3], "busy: 1 of 2 taken, 1 free");
    assert_eq!(desk.state, before);
    check_calls(&mut desk, &[2], "d2 claimed");
    check_calls(&mut desk, &[3], "busy: 2 of 2 taken, 0 free");
    desk.set_limit(1);
    check_calls(&mut desk, &[3], "busy: 2 of 1 taken, 0 free");
}

#[test]
fn direct_calls_share_the_slots_with_runs() {
    let mut desk = Desk::new(3);
    desk.run(2, None);
    let _ = desk.fill(&[]);
    check_calls(&mut desk, &[1, 2], "busy: 2 of 3 taken, 1 free");
    check_calls(&mut desk, &[1], "d1 claimed");
}

#[test]
fn leads_that_cannot_be_called_take_no_slot() {
    let mut desk = Desk::new(1);
    check_calls(
        &mut desk,
        &[0, 1, 0],
        "d1 no_phone, d1 claimed, d1 no_phone",
    );
    check_calls(&mut desk, &[0], "d1 no_phone");
    check_calls(&mut desk, &[1, 0], "d1 in call, d1 no_phone");
}

#[test]
fn one_number_is_called_once_at_a_time() {
    let mut desk = Desk::new(3);
    check_calls(
        &mut desk,
        &[1, 11, 2],
        "d1 claimed, d11 in call, d2 claimed",
    );
    check_calls(&mut desk, &[21, 3], "d21 in call, d3 claimed");
    let _ = desk.end("d1");
    check_calls(&mut desk, &[21], "d21 claimed");

    let mut desk = Desk::new(3);
    desk.run(1, None);
    desk.share(1, 0, 7);
    let _ = desk.fill(&[]);
    check_calls(&mut desk, &[17], "d17 in call");
}

#[test]
fn a_direct_call_has_the_same_fence_as_any_other() {
    let mut desk = Desk::new(1);
    desk.wait(5);
    check_calls(&mut desk, &[1], "d1 claimed");
    let expected = lease(
        Job::Direct { lead: lead(1) },
        number(1),
        desk.now,
        &Timing::CLOUD,
    );
    let call = desk.call("d1");
    assert_eq!(desk.state.active[&call], expected);
    assert_eq!(call.minted_at(), desk.now);
    let ended = Fact::Ended {
        call,
        outcome: Outcome::Failed,
    };
    let _ = desk.fill(&[ended]);
    assert!(!desk.state.has_work());
}

#[test]
fn a_newcomer_after_everybody_was_stopped_starts_at_nothing() {
    let mut desk = Desk::new(2);
    desk.run(9, None);
    let _ = desk.fill(&[]);
    desk.stop(1, LiveCalls::Finish);
    let newcomer = desk.run(9, None);
    assert_eq!(desk.state.runs[&newcomer].served, 0);
}

#[test]
fn a_business_has_only_so_many_runs_under_way() {
    let mut desk = Desk::new(1);
    for _ in 0..RUNS_MAX {
        desk.run(1, None);
    }
    let new = NewRun {
        roster: ROSTER,
        total: 1,
        concurrency: None,
    };
    let most = RUNS_MAX;
    assert_eq!(
        start_run(desk.state, new, START),
        StartedRun::TooManyRuns { most }
    );
}
