mod recorded;

use proptest::prelude::*;
use ringfence_core::call::Job;
use ringfence_core::caps::{DailyCap, Day, Destinations};
use ringfence_core::ids::{LeadId, RosterId};
use ringfence_core::state::{Lease, Phase, Run};
use ringfence_core::time::Timestamp;

use uuid::Uuid;

use super::*;
use crate::arbitrary::{business, call_id, states};
use crate::item::bytes;

proptest! {
    #[test]
    fn a_state_is_read_as_it_was_written(state in states(), rev: u64) {
        let stored = Stored { state, rev };
        let item = to_item(&business(), &stored, WriteId::fresh());
        prop_assert_eq!(from_item(&item).unwrap(), stored);
    }
}

fn run_of_100() -> Run {
    Run {
        roster: RosterId::new(Uuid::from_u128(0xab)),
        total: 100,
        concurrency: None,
        next: 51,
        returned: vec![7],
        completed: 45,
        failed: 2,
        canceled: 0,
        served: 48,
        phase: Phase::Running,
        created_at: Timestamp::from_millis(1_731_412_345_678),
        over_at: None,
        last_error: None,
    }
}

fn lease(job: Job) -> Lease {
    Lease {
        job,
        to: "+972501234567".parse().unwrap(),
        dial_by: Timestamp::from_millis(1_731_412_355_678),
        ask_at: Timestamp::from_millis(1_731_412_465_678),
        missing: 0,
    }
}

/// One lease of a run, one direct lease that was missed once.
fn example() -> Stored {
    let run = RunId::new(123).unwrap();
    let of_run = lease(Job::OfRun { run, index: 50 });
    let direct = Job::Direct {
        lead: LeadId::new(9).unwrap(),
    };
    let direct = Lease {
        missing: 1,
        ..lease(direct)
    };
    let mut state = State::new(3);
    state.active = [(call_id(1), of_run), (call_id(2), direct)].into();
    state.runs = [(run, run_of_100())].into();
    state.next_run = 124;
    state.pause = Some(Pause {
        until: Timestamp::from_millis(1_731_412_350_000),
        step: 2,
    });
    state.caller_ids = vec!["+97231234567".parse().unwrap()];
    state.destinations = Destinations::Only(vec!["IL".parse().unwrap()]);
    state.caps.per_day = Some(Box::new(DailyCap {
        calls: 500,
        time_zone: "Asia/Jerusalem".to_owned(),
    }));
    state.day = Some(Box::new(Day {
        began_at: Timestamp::from_millis(1_731_412_000_000),
        ends_at: Timestamp::from_millis(1_731_448_800_000),
        calls: 48,
    }));
    state.do_not_call_rev = 2;
    Stored { state, rev: 77 }
}

fn example_item() -> Item {
    let lease = |first, second| {
        map([
            first,
            second,
            ("to", Some(text("+972501234567"))),
            ("dial", Some(number(1_731_412_355_678_u64))),
            ("ask", Some(number(1_731_412_465_678_u64))),
        ])
    };
    let of_run = lease(("run", Some(number(123))), ("i", Some(number(50))));
    let direct = lease(("lead", Some(number(9))), ("miss", Some(number(1))));
    let run = map([
        ("ros", Some(bytes(0xab_u128.to_be_bytes()))),
        ("tot", Some(number(100))),
        ("nxt", Some(number(51))),
        ("ret", Some(AttributeValue::L(vec![number(7)]))),
        ("done", Some(number(45))),
        ("fail", Some(number(2))),
        ("srv", Some(number(48))),
        ("ph", Some(text("running"))),
        ("at", Some(number(1_731_412_345_678_u64))),
    ]);
    let pause = map([
        ("until", Some(number(1_731_412_350_000_u64))),
        ("step", Some(number(2))),
    ]);
    let active = map([
        ("AZMsB6XUcACAAAAAAAAAAQ", Some(of_run)),
        ("AZMsB6XUcACAAAAAAAAAAg", Some(direct)),
    ]);
    let day = map([
        ("from", Some(number(1_731_412_000_000_u64))),
        ("to", Some(number(1_731_448_800_000_u64))),
        ("n", Some(number(48))),
    ]);
    let spend = map([
        ("dest", Some(AttributeValue::L(vec![text("IL")]))),
        ("dnc", Some(number(2))),
        ("calls", Some(number(500))),
        ("zone", Some(text("Asia/Jerusalem"))),
        ("day", Some(day)),
    ]);
    let mut item = Item::new();
    put(
        &mut item,
        [
            ("pk", Some(text("BIZ#acme"))),
            ("sk", Some(text("STATE"))),
            ("v", Some(number(1))),
            ("rev", Some(number(77))),
            ("lim", Some(number(3))),
            ("n", Some(number(2))),
            ("act", Some(active)),
            ("runs", Some(map([("123", Some(run))]))),
            ("next_run", Some(number(124))),
            ("pause", Some(pause)),
            (
                "callers",
                Some(AttributeValue::L(vec![text("+97231234567")])),
            ),
            ("spend", Some(spend)),
            ("work", Some(text("7"))),
        ],
    );
    item
}

#[test]
fn the_stored_form_is_this() {
    let mut item = to_item(&business(), &example(), WriteId::fresh());
    let Some(AttributeValue::B(stamp)) = item.remove("by") else {
        panic!("a state must be stamped");
    };
    assert_eq!(stamp.as_ref().len(), 8);
    assert_eq!(item, example_item());
    assert_eq!(from_item(&example_item()).unwrap(), example());
}

#[test]
fn where_a_business_is_tells_where_it_calls_until_somebody_else_does() {
    let mut state = State::new(3);
    state.destinations = Destinations::Region("FR".parse().unwrap());
    let stored = Stored { state, rev: 1 };
    let mut item = to_item(&business(), &stored, WriteId::fresh());
    let spend = map([
        ("dest", Some(AttributeValue::L(vec![text("FR")]))),
        ("home", Some(number(1))),
    ]);
    assert_eq!(item["spend"], spend);
    assert_eq!(from_item(&item).unwrap(), stored);
    let both = map([
        (
            "dest",
            Some(AttributeValue::L(vec![text("FR"), text("IL")])),
        ),
        ("home", Some(number(1))),
    ]);
    item.insert("spend".to_owned(), both);
    assert!(from_item(&item).is_err());
}

#[test]
fn a_business_without_work_is_not_in_the_index() {
    let stored = Stored {
        state: State::new(3),
        rev: 1,
    };
    let item = to_item(&business(), &stored, WriteId::fresh());
    assert!(!item.contains_key(WORK));
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Item), error: &str) {
    let mut item = example_item();
    change(&mut item);
    let refusal = from_item(&item).unwrap_err();
    assert_eq!(format!("{refusal:#}"), error);
}

fn set(name: &'static str, value: AttributeValue) -> impl FnOnce(&mut Item) {
    move |item| {
        item.insert(name.to_owned(), value);
    }
}

#[test]
fn what_is_not_understood_is_an_error() {
    check_refused(
        set("v", number(2)),
        "failed to read a state: a record has the unknown version 2",
    );
    check_refused(
        set("n", number(3)),
        "a state says that it has 3 leases, and has 2",
    );
    check_refused(set("rev", text("77")), "attribute rev is not a number");
    let phase = |item: &mut Item| {
        let Some(AttributeValue::M(runs)) = item.get_mut("runs") else {
            unreachable!()
        };
        let Some(AttributeValue::M(run)) = runs.get_mut("123") else {
            unreachable!()
        };
        run.insert("ph".to_owned(), text("resting"));
    };
    check_refused(phase, "attribute ph is an unknown word");
    let no_uuid = map([("short", Some(map([])))]);
    check_refused(set("act", no_uuid), "a lease of a state has no call id");
}

/// What DynamoDB counts, to the byte or a little more:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|one| 1 + size(one)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map
                .iter()
                .map(|(name, one)| 1 + name.len() + size(one))
                .sum::<usize>()
        }
        _ => 1,
    }
}

fn size_of(stored: &Stored) -> usize {
    let business = "a-business-of-thirty-two-letters".parse().unwrap();
    let item = to_item(&business, stored, WriteId::fresh());
    item.iter()
        .map(|(name, value)| name.len() + size(value))
        .sum()
}

/// So many live calls, of so many runs of a hundred thousand leads each.
fn busy(calls: u16, runs: u32) -> Stored {
    let runs = (1_000_001..)
        .take(runs as usize)
        .map(|run| RunId::new(run).unwrap());
    let runs: Vec<_> = runs.collect();
    let mut state = State::new(u32::from(calls));
    state.active = (0..calls)
        .map(|call| {
            let job = Job::OfRun {
                run: runs[usize::from(call) % runs.len()],
                index: 77_777,
            };
            (call_id(call), lease(job))
        })
        .collect();
    let run = Run {
        total: 100_000,
        concurrency: Some(2),
        next: 88_888,
        returned: vec![66_666, 77_776],
        completed: 45_678,
        failed: 12_345,
        served: 88_888,
        ..run_of_100()
    };
    state.runs = runs.into_iter().map(|id| (id, run.clone())).collect();
    state.next_run = 1_000_004;
    state.pause = Some(Pause {
        until: Timestamp::from_millis(1_731_412_350_000),
        step: 5,
    });
    state.caller_ids = vec!["+972312345678".parse().unwrap()];
    Stored {
        state,
        rev: 123_456_789,
    }
}

#[test]
fn a_busy_business_at_the_usual_limit_costs_one_write_unit() {
    let size = size_of(&busy(3, 3));
    assert!(size <= 1_024, "{size}");
}

#[test]
fn a_further_live_call_costs_some_ninety_bytes() {
    let each = size_of(&busy(4, 3)) - size_of(&busy(3, 3));
    assert!(each <= 90, "{each}");
}
