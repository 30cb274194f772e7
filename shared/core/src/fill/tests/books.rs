//! Whatever happens in whatever order, the books balance and the promise holds.

mod fates;
mod second;

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use self::second::Books;
use crate::call::Outcome;
use crate::fill::{Fact, needs_look};
use crate::ids::CallId;
use crate::state::tests::desk::run;
use crate::stop::LiveCalls;
use crate::time::Timestamp;

const LIMIT_MAX: u32 = 5;
const RUNS_MAX: u32 = 5;

/// What somebody does, or what becomes known.
#[derive(Debug, Clone)]
enum Op {
    StartRun {
        total: u32,
        concurrency: Option<u32>,
    },
    /// The numbers of leads to call at once; `None` is a lead without one.
    Direct(Vec<Option<u32>>),
    Fill(Vec<(Index, News)>),
    Stop(u32, LiveCalls),
    SetLimit(u32),
    Wait(Duration),
}

/// A fact about some call that was made, or about one that never was.
#[derive(Debug, Clone)]
enum News {
    Ended(Outcome),
    LeadRefused,
    ConfigurationRefused,
    NotProcessed(Option<Duration>),
    StillLive,
    NotFound,
    Undecided,
    Filed(u32),
}

fn op() -> impl Strategy<Value = Op> {
    let start = (1..12_u32, of(1..=LIMIT_MAX));
    let numbers = vec(weighted(0.8, 0..12_u32), 1..4);
    let stop = (
        1..=RUNS_MAX,
        select(vec![LiveCalls::Finish, LiveCalls::HangUp]),
    );
    let waits = select(vec![1, 999, 30_000, 61_000, 120_000, 900_000]);
    prop_oneof![
        2 => start.prop_map(|(total, concurrency)| Op::StartRun { total, concurrency }),
        1 => numbers.prop_map(Op::Direct),
        9 => vec((any::<Index>(), news()), 0..4).prop_map(Op::Fill),
        1 => stop.prop_map(|(run, live_calls)| Op::Stop(run, live_calls)),
        1 => (1..=LIMIT_MAX).prop_map(Op::SetLimit),
        4 => waits.prop_map(|millis| Op::Wait(Duration::from_millis(millis))),
    ]
}

fn news() -> impl Strategy<Value = News> {
    let outcomes = vec![Outcome::Completed, Outcome::Failed, Outcome::Canceled];
    let wishes = of((0..400_u64).prop_map(Duration::from_secs));
    prop_oneof![
        8 => select(outcomes).prop_map(News::Ended),
        1 => Just(News::LeadRefused),
        1 => Just(News::ConfigurationRefused),
        4 => wishes.prop_map(News::NotProcessed),
        1 => Just(News::StillLive),
        4 => Just(News::NotFound),
        1 => Just(News::Undecided),
        2 => (1..=RUNS_MAX).prop_map(News::Filed),
    ]
}

/// The numbers of the leads of all runs: few, so that many are shared; some have none.
fn numbers() -> impl Strategy<Value = Vec<Option<u32>>> {
    vec(weighted(0.85, 0..30_u32), 1..40)
}

fn fact(call: CallId, news: &News, now: Timestamp) -> Fact {
    match *news {
        News::Ended(outcome) => Fact::Ended { call, outcome },
        News::LeadRefused => Fact::LeadRefused { call },
        News::ConfigurationRefused => Fact::ConfigurationRefused {
            call,
            error: "bad caller id".to_owned(),
        },
        News::NotProcessed(retry_after) => Fact::NotProcessed { call, retry_after },
        News::StillLive => Fact::StillLive { call },
        News::NotFound => Fact::NotFound {
            call,
            asked_at: now,
        },
        News::Undecided => Fact::Undecided { call },
        News::Filed(id) => Fact::Filed { run: run(id) },
    }
}

fn take(books: &mut Books, op: &Op) {
    match op {
        Op::StartRun { total, concurrency } => books.start(*total, *concurrency),
        Op::Direct(numbers) => books.direct(numbers),
        Op::Fill(news) => {
            let about =
                |(index, news): &(Index, News)| fact(books.any_call(*index), news, books.desk.now);
            let facts = Vec::from_iter(news.iter().map(about));
            books.fill(&facts);
        }
        Op::Stop(id, live_calls) => books.stop(run(*id), *live_calls),
        Op::SetLimit(limit) => books.desk.set_limit(*limit),
        Op::Wait(span) => books.desk.now = books.desk.now.after(*span),
    }
    books.compare();
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn books_balance_whatever_happens(
        limit in 1..=LIMIT_MAX,
        numbers in numbers(),
        ops in vec(op(), 1..80),
    ) {
        let mut books = Books::new(limit, numbers);
        for op in &ops {
            take(&mut books, op);
        }
        books.drive_to_the_end();
    }

    #[test]
    fn a_look_at_whoever_needs_none_changes_nothing(
        limit in 1..=LIMIT_MAX,
        numbers in numbers(),
        ops in vec(op(), 1..80),
    ) {
        let mut books = Books::new(limit, numbers);
        for op in &ops {
            take(&mut books, op);
            let desk = &mut books.desk;
            if !needs_look(&desk.state, desk.now) {
                let filled = desk.fill(&[]);
                assert!(!filled.is_changed && filled.claims.is_empty());
                assert_eq!(desk.state.overdue(desk.now).count(), 0);
                assert_eq!(desk.state.to_hang_up().count(), 0);
                assert!(desk.state.runs.values().all(|run| run.over_at.is_none()));
            }
        }
    }
}
