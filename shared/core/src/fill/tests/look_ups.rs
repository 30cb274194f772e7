//! What a decision wants looked up is what it could use, and not much more.

use crate::fill::Candidates;
use crate::fill::claims::{ASIDE_MAX, SKIPPED_MAX};
use crate::state::tests::desk::{Desk, run};
use crate::state::tests::script;
use crate::state::tests::script::Step::{
    self, Direct, Fill, Limit, Refuse, Run, RunAtMost, Share, Stop, Wait,
};
use crate::state::tests::words::{claims, wanted};

/// Checks what a decision wants that follows on these steps and knows no lead.
#[track_caller]
fn check(limit: u32, steps: &[Step], expected: &str) {
    let mut desk = Desk::new(limit);
    for step in steps {
        script::take(&mut desk, *step);
    }
    let filled = desk.decide(&[], &Candidates::new());
    assert_eq!(wanted(&filled), expected);
    assert!(!filled.is_changed && !filled.has_more);
}

#[test]
fn as_many_leads_are_wanted_as_slots_are_free() {
    check(3, &[Run(9)], "1/0 1/1 1/2");
    check(3, &[Direct(7), Run(9)], "1/0 1/1");
    check(2, &[Run(9), Fill, Limit(5)], "1/2 1/3 1/4");
}

#[test]
fn no_more_are_wanted_than_the_run_has_or_may_call() {
    check(3, &[Run(2)], "1/0 1/1");
    check(3, &[RunAtMost(9, 2)], "1/0 1/1");
}

#[test]
fn nothing_is_wanted_that_could_not_be_called_now() {
    check(3, &[], "");
    check(1, &[Direct(7), Run(9)], "");
    check(3, &[Run(9), Fill], "");
    check(3, &[RunAtMost(9, 1), Fill], "");
    check(3, &[Run(2), Fill], "");
    check(3, &[Run(9), Stop(1)], "");
    check(2, &[Run(9), Fill, Limit(1)], "");
    check(3, &[Run(9), Fill, Refuse("1/0")], "");
}

#[test]
fn leads_that_wait_again_are_wanted_first() {
    check(
        2,
        &[Run(9), Fill, Refuse("1/1 1/0"), Wait(1)],
        "1/1 1/0 1/2 1/3",
    );
    check(2, &[Run(2), Fill, Refuse("1/1"), Wait(1)], "1/1");
    check(
        3,
        &[Direct(7), Run(9), Share(1, 0, 7), Fill, Limit(4)],
        "1/0 1/3",
    );
}

#[test]
fn one_run_for_each_free_slot_has_its_leads_wanted() {
    check(2, &[Run(9), Run(9), RunAtMost(9, 1)], "1/0 1/1 2/0 2/1");
    check(
        3,
        &[Run(9), Run(9), RunAtMost(9, 1)],
        "1/0 1/1 1/2 2/0 2/1 2/2 3/0",
    );
}

#[test]
fn a_run_that_is_all_in_calls_lets_no_more_be_wanted() {
    check(3, &[Run(1), Run(9), Run(9), Fill, Limit(4)], "2/1");
}

#[test]
fn a_run_whose_numbers_are_in_calls_has_two_others_looked_up_in_its_place() {
    let mut desk = Desk::new(3);
    for total in [2, 9, 9] {
        desk.run(total, None);
    }
    desk.share(1, 1, 7);
    desk.share(1, 0, 7);
    let _ = desk.fill(&[]);
    desk.set_limit(4);
    let known = Candidates::from([((run(1), 1), desk.lead_at(run(1), 1))]);
    assert_eq!(wanted(&desk.decide(&[], &known)), "2/1 3/1");
}

#[test]
fn past_a_lead_in_a_call_one_more_is_wanted_than_can_be_put_aside() {
    let mut desk = Desk::new(2);
    desk.run(40, None);
    for index in 0..40 {
        desk.share(1, index, 7);
    }
    let known = Candidates::from([0, 1].map(|i| ((run(1), i), desk.lead_at(run(1), i))));
    let filled = desk.decide(&[], &known);
    assert_eq!(claims(&filled), "1/0");
    let ahead = filled.wanted.iter().filter(|(_, index)| *index > 1);
    assert_eq!(ahead.count(), ASIDE_MAX + 1);
}

#[test]
fn a_lead_not_looked_up_holds_up_its_own_run_only() {
    let mut desk = Desk::new(2);
    desk.run(9, None);
    desk.run(9, None);
    let known = Candidates::from([((run(2), 0), desk.lead_at(run(2), 0))]);
    let filled = desk.decide(&[], &known);
    assert_eq!(claims(&filled), "2/0");
    assert_eq!(wanted(&filled), "1/0 1/1");
}

#[test]
fn a_lead_not_looked_up_is_not_passed_over() {
    let mut desk = Desk::new(2);
    desk.run(9, None);
    let known = Candidates::from([((run(1), 1), desk.lead_at(run(1), 1))]);
    let filled = desk.decide(&[], &known);
    assert_eq!(
        (claims(&filled).as_str(), wanted(&filled).as_str()),
        ("", "1/0 1/1")
    );
}

#[test]
fn a_lead_that_waits_again_and_is_not_looked_up_is_not_passed_over() {
    let mut desk = Desk::new(1);
    desk.run(9, None);
    let _ = desk.fill(&[]);
    script::take(&mut desk, Refuse("1/0"));
    desk.wait(1);
    let known = Candidates::from([((run(1), 1), desk.lead_at(run(1), 1))]);
    let filled = desk.decide(&[], &known);
    assert_eq!(
        (claims(&filled).as_str(), wanted(&filled).as_str()),
        ("", "1/0 1/1")
    );
}

/// Decides as the flows do, and says how many leads each round of look-ups wanted.
fn rounds(desk: &mut Desk) -> Vec<usize> {
    let mut known = Candidates::new();
    let mut rounds = Vec::new();
    loop {
        let filled = desk.decide(&[], &known);
        if filled.wanted.is_empty() {
            return rounds;
        }
        rounds.push(filled.wanted.len());
        for (run, index) in filled.wanted {
            let again = known.insert((run, index), desk.lead_at(run, index));
            assert!(again.is_none(), "{run}/{index} is looked up once");
        }
    }
}

#[test]
fn one_round_is_enough_for_good_leads() {
    let mut desk = Desk::new(3);
    desk.run(100, None);
    desk.run(100, Some(2));
    assert_eq!(rounds(&mut desk), [5]);
}

#[test]
fn a_stretch_of_barred_leads_costs_few_rounds() {
    let mut desk = Desk::new(3);
    desk.run(100, None);
    for index in 0..40 {
        desk.bar(1, index);
    }
    assert_eq!(rounds(&mut desk), [3, 6, 18, 54]);
}

#[test]
fn what_one_round_wants_is_bounded() {
    let mut desk = Desk::new(3);
    desk.run(100_000, None);
    for index in 0..1_000 {
        desk.bar(1, index);
    }
    let rounds = rounds(&mut desk);
    assert!(
        rounds.iter().all(|&wanted| wanted <= 2 * SKIPPED_MAX),
        "{rounds:?}"
    );
    assert!(rounds.len() <= 6, "{rounds:?}");
}

#[test]
fn a_run_of_numbers_in_calls_is_seen_through_in_few_looks() {
    let mut desk = Desk::new(3);
    desk.run(40, Some(2));
    desk.run(40, None);
    for index in 0..40 {
        desk.share(1, index, 1);
        desk.share(2, index, 1);
    }
    let _ = desk.fill(&[]);
    let mut known = Candidates::new();
    let mut looks = 0;
    loop {
        let filled = desk.decide(&[], &known);
        if filled.wanted.is_empty() {
            assert!(!filled.is_changed);
            break;
        }
        looks += 1;
        assert!(
            looks < 5,
            "nobody can be called, and it looked {looks} times"
        );
        for (id, index) in filled.wanted {
            known.insert((id, index), desk.lead_at(id, index));
        }
    }
}
