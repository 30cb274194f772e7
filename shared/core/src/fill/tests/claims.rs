//! Free slots pass to waiting leads, never more than there are.

use crate::call::Outcome;
use crate::fill::claims::SKIPPED_MAX;
use crate::fill::{Barred, Candidates, Fact};
use crate::state::tests::desk::{Desk, START, lead, number, run};
use crate::state::tests::script::Step::{
    Bar, Direct, End, Fill, HangUp, Limit, Misconfigured, Refuse, Run, RunAtMost, Stop, Wait,
};
use crate::state::tests::script::check;
use crate::state::tests::words::{claims, job, live};
use crate::timing::Timing;

#[test]
fn all_free_slots_are_given_away_in_one_decision() {
    check(3, &[Run(5), Fill], "1/0 1/1 1/2");
    check(3, &[Run(2), Fill], "1/0 1/1");
    check(3, &[Direct(7), Run(5), Fill], "d7 1/0 1/1");
    check(1, &[Direct(7), Run(5), Fill], "d7");
    check(3, &[Fill], "none");
}

#[test]
fn the_slot_of_a_call_that_ended_passes_on_in_the_same_decision() {
    check(2, &[Run(4), Fill, End("1/0")], "1/0 1/1 | 1/1 1/2");
    check(2, &[Run(4), Fill, End("1/0 1/1")], "1/0 1/1 | 1/2 1/3");
    check(1, &[Direct(7), Run(1), End("d7")], "1/0");
    check(1, &[Run(1), Run(1), Fill, End("1/0")], "1/0 | 2/0");
    check(
        2,
        &[Run(4), Fill, Misconfigured("1/0"), Run(1), Fill],
        "1/0 1/1 | 1/1 | 1/1 2/0",
    );
}

#[test]
fn every_lead_of_a_run_is_called_in_its_order() {
    let mut desk = Desk::new(2);
    desk.run(5, None);
    assert_eq!(claims(&desk.fill(&[])), "1/0 1/1");
    assert_eq!(claims(&desk.end("1/1")), "1/2");
    assert_eq!(claims(&desk.end("1/0 1/2")), "1/3 1/4");
    assert_eq!(claims(&desk.end("1/3 1/4")), "");
    assert_eq!(live(&desk.state), "");
    assert!(desk.state.runs[&run(1)].over_at.is_some());
}

#[test]
fn a_claim_says_whom_to_call_and_until_when() {
    let mut desk = Desk::new(1);
    desk.run(1, None);
    desk.wait(5);
    let filled = desk.fill(&[]);
    let [claim] = filled.claims.as_slice() else {
        panic!("one slot is one claim")
    };
    let (at, timing) = (desk.now, Timing::CLOUD);
    assert_eq!(job(claim.lease.job), "1/0");
    assert_eq!(
        (claim.lead, &claim.lease.to),
        (lead(100_000), &number(100_000))
    );
    assert_eq!(claim.lease.dial_by, at.after(timing.dial_window));
    assert_eq!(claim.lease.ask_at, at.after(timing.settle_after));
    assert_eq!(claim.lease.missing, 0);
    assert_eq!(claim.call.minted_at(), at);
    assert_eq!(desk.state.active.get(&claim.call), Some(&claim.lease));
    assert!(filled.is_changed);
    assert!(START < at);
}

#[test]
fn a_run_keeps_to_its_own_concurrency() {
    check(3, &[RunAtMost(5, 2), Fill, End("1/0")], "1/0 1/1 | 1/1 1/2");
    check(3, &[RunAtMost(5, 1), Run(5), Fill], "1/0 2/0 2/1");
    check(3, &[RunAtMost(5, 1), RunAtMost(5, 1), Fill], "1/0 2/0");
    check(3, &[RunAtMost(5, 2), Limit(9), Fill], "1/0 1/1");
    check(3, &[RunAtMost(5, 3), Limit(1), Fill], "1/0");
}

#[test]
fn a_run_without_its_own_concurrency_follows_the_limit() {
    check(
        2,
        &[Run(5), Fill, Limit(4), Fill],
        "1/0 1/1 | 1/0 1/1 1/2 1/3",
    );
    check(4, &[Limit(2), Run(5), Limit(3), Fill], "1/0 1/1 1/2");
}

#[test]
fn a_lowered_limit_drains_and_cuts_nobody() {
    check(
        3,
        &[
            Run(9),
            Fill,
            Limit(1),
            Fill,
            End("1/0"),
            End("1/1"),
            End("1/2"),
        ],
        "1/0 1/1 1/2 | 1/0 1/1 1/2 | 1/1 1/2 | 1/2 | 1/3",
    );
    check(
        2,
        &[Run(9), Fill, Limit(1), End("1/0 1/1")],
        "1/0 1/1 | 1/2",
    );
    check(
        2,
        &[Run(9), Fill, Limit(0), End("1/0 1/1"), Limit(1), Fill],
        "1/0 1/1 | none | 1/2",
    );
}

#[test]
fn a_run_that_was_stopped_or_failed_claims_nothing_more() {
    check(
        2,
        &[Run(5), Fill, Stop(1), End("1/0"), End("1/1")],
        "1/0 1/1 | 1/1 | none",
    );
    check(2, &[Run(5), Fill, HangUp(1), End("1/0")], "1/0 1/1 | 1/1");
    check(2, &[Run(5), Stop(1), Fill], "none");
    check(
        2,
        &[Run(5), Fill, Misconfigured("1/0"), End("1/1")],
        "1/0 1/1 | 1/1 | none",
    );
    check(
        1,
        &[Run(5), Fill, Refuse("1/0"), Stop(1), Wait(9), Fill],
        "1/0 | none | none",
    );
    check(
        2,
        &[Run(5), Fill, Stop(1), Refuse("1/0"), Wait(9), Fill],
        "1/0 1/1 | 1/1 | 1/1",
    );
}

#[test]
fn a_lead_given_back_goes_before_those_never_taken() {
    check(
        2,
        &[Run(5), Fill, Refuse("1/1 1/0"), Wait(1), Fill, End("1/0")],
        "1/0 1/1 | none | 1/0 1/1 | 1/1 1/2",
    );
    let mut desk = check(
        2,
        &[Run(5), Fill, Refuse("1/1 1/0"), Wait(1)],
        "1/0 1/1 | none",
    );
    assert_eq!(desk.state.runs[&run(1)].returned, [1, 0]);
    assert_eq!(claims(&desk.fill(&[])), "1/1 1/0");
}

#[test]
fn a_lead_given_back_is_served_twice() {
    let desk = check(
        1,
        &[Run(2), Fill, Refuse("1/0"), Wait(1), Fill],
        "1/0 | none | 1/0",
    );
    assert_eq!(desk.state.runs[&run(1)].served, 2);
}

#[test]
fn a_barred_lead_is_counted_and_takes_no_slot() {
    let desk = check(2, &[Run(4), Bar(1, 0), Bar(1, 2), Fill], "1/1 1/3");
    let counted = &desk.state.runs[&run(1)];
    assert_eq!((counted.failed, counted.served), (2, 2));
    let desk = check(2, &[Run(2), Bar(1, 0), Bar(1, 1), Fill], "none");
    assert_eq!(desk.state.runs[&run(1)].over_at, Some(START));
}

#[test]
fn a_barred_lead_is_named_with_its_reason_and_an_id_of_its_own() {
    let mut desk = Desk::new(2);
    desk.run(3, None);
    desk.bar(1, 0);
    desk.bar(1, 1);
    let filled = desk.fill(&[]);
    let [first, second] = filled.skipped.as_slice() else {
        panic!("two leads are barred")
    };
    assert_eq!(
        (job(first.job), job(second.job)),
        ("1/0".to_owned(), "1/1".to_owned())
    );
    assert_eq!((first.lead, first.reason), (lead(1), Barred::NoPhone));
    assert_ne!(first.call, second.call);
    assert!(!desk.state.active.contains_key(&first.call));
    assert!(filled.is_changed && !filled.has_more);
}

#[test]
fn a_barred_lead_waits_for_a_slot_like_the_others() {
    let desk = check(1, &[Direct(7), Run(1), Bar(1, 0), Fill], "d7");
    assert_eq!(desk.state.runs[&run(1)].failed, 0);
}

#[test]
fn a_lead_barred_after_it_was_given_back_is_counted_once() {
    let mut desk = check(
        1,
        &[Run(1), Fill, Refuse("1/0"), Wait(1), Bar(1, 0)],
        "1/0 | none",
    );
    assert_eq!(desk.fill(&[]).skipped.len(), 1);
    let counted = &desk.state.runs[&run(1)];
    assert_eq!((counted.failed, counted.over_at), (1, Some(desk.now)));
}

#[test]
fn a_long_stretch_of_barred_leads_is_taken_in_bounded_bites() {
    let bite = u32::try_from(SKIPPED_MAX).unwrap();
    let mut desk = Desk::new(2);
    desk.run(2 * bite + 2, None);
    for index in 1..=2 * bite {
        desk.bar(1, index);
    }
    let filled = desk.fill(&[]);
    assert_eq!(
        (claims(&filled).as_str(), filled.skipped.len()),
        ("1/0", SKIPPED_MAX)
    );
    assert!(filled.has_more);
    let filled = desk.fill(&[]);
    assert_eq!(
        (claims(&filled), filled.skipped.len()),
        (format!("1/{}", 2 * bite + 1), SKIPPED_MAX)
    );
    assert!(!filled.has_more);
}

#[test]
fn a_decision_without_news_or_room_changes_nothing() {
    let mut desk = check(1, &[Run(2), Fill], "1/0");
    let before = desk.state.clone();
    let filled = desk.fill(&[]);
    assert_eq!((filled.state, filled.is_changed), (before, false));
    assert!(!filled.has_more);
}

#[test]
fn a_report_that_comes_twice_frees_no_slot_of_another() {
    let mut desk = check(1, &[Run(3), Fill], "1/0");
    let ended = Fact::Ended {
        call: desk.call("1/0"),
        outcome: Outcome::Completed,
    };
    let both = [ended.clone(), ended.clone()];
    assert_eq!(claims(&desk.fill(&both)), "1/1");
    assert_eq!(claims(&desk.fill(&[ended])), "");
    assert_eq!(live(&desk.state), "1/1");
    assert_eq!(desk.state.runs[&run(1)].completed, 1);
}

#[test]
fn a_late_report_about_a_call_given_back_does_not_touch_the_next_one() {
    let mut desk = check(1, &[Run(2), Fill], "1/0");
    let first = desk.call("1/0");
    let refused = Fact::NotProcessed {
        call: first,
        retry_after: None,
    };
    let _ = desk.fill(&[refused]);
    desk.wait(1);
    let _ = desk.fill(&[]);
    let ended = Fact::Ended {
        call: first,
        outcome: Outcome::Failed,
    };
    let filled = desk.fill(&[ended]);
    assert_eq!(filled.ignored.len(), 1);
    assert_ne!(desk.call("1/0"), first);
    assert_eq!(desk.state.runs[&run(1)].failed, 0);
}

#[test]
fn a_claim_needs_its_lead_looked_up() {
    let mut desk = Desk::new(2);
    desk.run(2, None);
    let filled = desk.decide(&[], &Candidates::new());
    assert_eq!((claims(&filled).as_str(), filled.is_changed), ("", false));
    let known = Candidates::from([((run(1), 0), desk.lead_at(run(1), 0))]);
    assert_eq!(claims(&desk.decide(&[], &known)), "1/0");
}
