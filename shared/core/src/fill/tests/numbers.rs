//! Never two live calls of one business to one number.

use crate::fill::claims::ASIDE_MAX;
use crate::state::tests::desk::{Desk, run};
use crate::state::tests::script::Step::{Direct, End, Fill, Limit, Refuse, Run, Share, Stop, Wait};
use crate::state::tests::script::check;
use crate::state::tests::words::{claims, live};

#[test]
fn a_number_in_call_is_not_called_again_until_that_call_ends() {
    // Two leads of one run.
    check(
        3,
        &[
            Run(3),
            Share(1, 0, 7),
            Share(1, 1, 7),
            Fill,
            End("1/2"),
            End("1/0"),
        ],
        "1/0 1/2 | 1/0 | 1/1",
    );
    // Leads of two runs.
    check(
        3,
        &[
            Run(2),
            Run(2),
            Share(1, 0, 7),
            Share(2, 0, 7),
            Fill,
            End("1/0"),
            End("2/1"),
        ],
        "1/0 1/1 2/1 | 1/1 2/0 2/1 | 1/1 2/0",
    );
    // A direct call and a run.
    check(
        2,
        &[Direct(7), Run(2), Share(1, 0, 7), Fill, End("d7")],
        "d7 1/1 | 1/0 1/1",
    );
}

#[test]
fn a_number_freed_in_a_decision_is_called_in_the_same_decision() {
    check(
        1,
        &[Run(2), Share(1, 0, 7), Share(1, 1, 7), Fill, End("1/0")],
        "1/0 | 1/1",
    );
}

#[test]
fn leads_put_aside_go_first_and_in_their_order() {
    let mut desk = check(
        3,
        &[Direct(7), Run(6), Share(1, 0, 7), Share(1, 2, 7), Fill],
        "d7 1/1 1/3",
    );
    assert_eq!(desk.state.runs[&run(1)].returned, [0, 2]);
    assert_eq!(claims(&desk.end("d7 1/1 1/3")), "1/0 1/4 1/5");
    assert_eq!(claims(&desk.end("1/0")), "1/2");
}

#[test]
fn a_run_waits_when_all_it_has_is_in_call() {
    check(
        3,
        &[Direct(7), Run(1), Share(1, 0, 7), Fill, End("d7")],
        "d7 | 1/0",
    );
    // Another run takes the slot meanwhile.
    check(
        2,
        &[Direct(7), Run(1), Run(2), Share(1, 0, 7), Fill, End("2/0")],
        "d7 2/0 | d7 2/1",
    );
}

#[test]
fn leads_put_aside_are_bounded_and_none_is_lost() {
    let aside = u32::try_from(ASIDE_MAX).unwrap();
    let total = aside + 3;
    let mut desk = Desk::new(2);
    desk.direct(7);
    desk.run(total, None);
    for index in 0..=aside {
        desk.share(1, index, 7);
    }
    let filled = desk.fill(&[]);
    // One more than can be put aside is in call; those behind it wait.
    assert_eq!(claims(&filled), "");
    let waiting = &filled.state.runs[&run(1)];
    assert_eq!((waiting.returned.len(), waiting.next), (ASIDE_MAX, aside));

    let mut called = Vec::from_iter([claims(&desk.end("d7"))]);
    for _ in 0..2 * total {
        let live = live(&desk.state);
        called.push(claims(&desk.end(&live)));
    }
    let mut called = Vec::from_iter(called.iter().flat_map(|jobs| jobs.split_whitespace()));
    called.sort_by_key(|job| job[2..].parse::<u32>().unwrap());
    let all = Vec::from_iter((0..total).map(|i| format!("1/{i}")));
    assert_eq!(called, all);
}

#[test]
fn one_fewer_than_can_be_put_aside_lets_the_others_through() {
    let aside = u32::try_from(ASIDE_MAX).unwrap();
    let mut desk = Desk::new(2);
    desk.direct(7);
    desk.run(aside + 1, None);
    for index in 0..aside {
        desk.share(1, index, 7);
    }
    assert_eq!(claims(&desk.fill(&[])), format!("1/{aside}"));
}

#[test]
fn a_full_set_of_leads_put_aside_still_lets_a_callable_one_through() {
    let aside = u32::try_from(ASIDE_MAX).unwrap();
    let mut desk = Desk::new(3);
    desk.direct(7);
    desk.run(aside + 3, None);
    for index in 0..aside {
        desk.share(1, index, 7);
    }
    assert_eq!(
        claims(&desk.fill(&[])),
        format!("1/{aside} 1/{}", aside + 1)
    );
}

#[test]
fn stopping_cancels_leads_put_aside_too() {
    let desk = check(
        2,
        &[Direct(7), Run(3), Share(1, 0, 7), Fill, Stop(1), End("d7")],
        "d7 1/1 | 1/1",
    );
    assert_eq!(desk.state.runs[&run(1)].canceled, 2);
}

#[test]
fn a_number_given_back_is_free_for_others() {
    check(
        1,
        &[
            Run(1),
            Share(1, 0, 7),
            Fill,
            Refuse("1/0"),
            Direct(7),
            Limit(2),
            Wait(1),
            Fill,
            End("d7"),
        ],
        "1/0 | none | d7 | 1/0",
    );
}
