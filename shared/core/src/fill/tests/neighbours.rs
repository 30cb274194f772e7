//! Runs do not keep slots from one another.

use crate::fill::Candidates;
use crate::state::tests::desk::{Desk, run};
use crate::state::tests::words::{claims, live};

#[test]
fn a_newcomer_does_not_overtake_because_of_a_run_with_nothing_left_to_call() {
    let mut desk = Desk::new(2);
    desk.run(1, None); // one long call
    desk.run(1_000, None);
    let _ = desk.fill(&[]);
    for _ in 0..50 {
        let jobs = live(&desk.state);
        let of_second = jobs.split(' ').find(|job| job.starts_with("2/")).unwrap();
        let _ = desk.end(of_second);
    }
    desk.run(1_000, None);
    let mut turns = String::new();
    for _ in 0..8 {
        let jobs = live(&desk.state);
        let job = jobs
            .split(' ')
            .find(|job| !job.starts_with("1/"))
            .unwrap()
            .to_owned();
        turns += &claims(&desk.end(&job))[..2];
    }
    assert_eq!(turns, "2/3/2/3/2/3/2/3/");
}

#[test]
fn a_run_without_leads_is_over_at_once() {
    let mut desk = Desk::new(2);
    desk.run(0, None);
    let _ = desk.fill(&[]);
    assert!(desk.state.runs[&run(1)].over_at.is_some());
}

#[test]
fn barred_leads_of_one_run_do_not_keep_slots_from_another() {
    let mut desk = Desk::new(3);
    desk.run(200, None);
    desk.run(9, None);
    for i in 0..200 {
        desk.bar(1, i);
    }
    let filled = desk.fill(&[]);
    assert_eq!(claims(&filled), "2/0 2/1 2/2");
}

#[test]
fn one_slot_wants_few() {
    let mut desk = Desk::new(1);
    for _ in 0..50 {
        desk.run(9, None);
    }
    let filled = desk.decide(&[], &Candidates::new());
    assert!(filled.wanted.len() < 10, "{}", filled.wanted.len());
}
