//! Starts, run records, rosters, and the turn to settle by hand.

use std::time::Duration;

use ringfence_core::start::{NewRun, StartedRun, start_run};
use ringfence_core::state::{Counts, RunStatus};
use ringfence_flows::ledger::{
    RequestKey, Rosters, Runs, Start, StartCommit, Started, Starts, Turn, What,
};
use ringfence_flows::records::{RunEnd, RunRecord};
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn key(digest: u8) -> RequestKey {
    RequestKey {
        key: "once".to_owned(),
        request_digest: [digest; 32],
    }
}

fn record(number: u32, total: u32) -> RunRecord {
    RunRecord {
        run: run(number),
        total,
        concurrency: 3,
        roster: roster(u128::from(number)),
        list: None,
        created_at: NOW,
        created_by: "k1".to_owned(),
        end: None,
    }
}

/// Starts the next run of a business, as of `from`.
async fn start(
    ledger: &Ledger,
    from: &Stored,
    key: Option<RequestKey>,
    now: Timestamp,
) -> anyhow::Result<StartCommit> {
    let record = record(from.state.next_run, 100);
    let new = NewRun {
        roster: record.roster,
        total: record.total,
        concurrency: None,
    };
    let StartedRun::Started { state, run, .. } = start_run(from.state.clone(), new, now) else {
        panic!("no concurrency was asked for");
    };
    let start = Start {
        run: Some(record),
        key,
        what: What::Run { run },
        now,
    };
    ledger.commit_start(&acme(), from, &state, &start).await
}

#[tokio::test]
async fn a_start_stores_state_run_and_key_together() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    assert_eq!(ledger.started(&acme(), &key(1), NOW).await.unwrap(), None);

    assert_eq!(
        start(&ledger, &from, Some(key(1)), NOW).await.unwrap(),
        StartCommit::Applied
    );

    assert!(
        load(&ledger, &acme())
            .await
            .state
            .runs
            .contains_key(&run(1))
    );
    assert_eq!(
        ledger.run(&acme(), run(1)).await.unwrap(),
        Some(record(1, 100))
    );
    let started = Started {
        request_digest: [1; 32],
        what: What::Run { run: run(1) },
    };
    assert_eq!(
        ledger.started(&acme(), &key(1), NOW).await.unwrap(),
        Some(started)
    );
    let other = ledger.started(&id("other"), &key(1), NOW).await.unwrap();
    assert_eq!(other, None, "a key belongs to one business");
}

#[tokio::test]
async fn a_key_starts_one_thing_a_day() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    assert_eq!(
        start(&ledger, &from, Some(key(1)), NOW).await.unwrap(),
        StartCommit::Applied
    );

    let from = load(&ledger, &acme()).await;
    let started = Started {
        request_digest: [1; 32],
        what: What::Run { run: run(1) },
    };
    let used = start(&ledger, &from, Some(key(2)), NOW.after(DAY))
        .await
        .unwrap();
    assert_eq!(used, StartCommit::KeyUsed(started));
    assert_eq!(
        load(&ledger, &acme()).await,
        from,
        "a refused start must change nothing"
    );
    assert_eq!(ledger.run(&acme(), run(2)).await.unwrap(), None);

    let next_day = NOW.after(DAY).after(Duration::from_millis(1));
    assert_eq!(
        ledger.started(&acme(), &key(2), next_day).await.unwrap(),
        None
    );
    let again = start(&ledger, &from, Some(key(2)), next_day).await.unwrap();
    assert_eq!(again, StartCommit::Applied);
}

#[tokio::test]
async fn a_start_that_lost_the_race_gets_the_newer_state() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    assert_eq!(
        start(&ledger, &from, None, NOW).await.unwrap(),
        StartCommit::Applied
    );
    let mut other = record(1, 100);
    other.roster = roster(99);
    let what = What::Run { run: run(1) };
    let start = Start {
        run: Some(other),
        key: Some(key(1)),
        what,
        now: NOW,
    };
    let commit = ledger
        .commit_start(&acme(), &from, &from.state, &start)
        .await
        .unwrap();
    assert_eq!(commit, StartCommit::Stale(load(&ledger, &acme()).await));
    assert_eq!(ledger.started(&acme(), &key(1), NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_start_that_was_applied_without_an_answer_counts_once() {
    for answers in [1, 3] {
        let dynamo = database().await;
        let ledger = ledger(&dynamo);
        let from = create(&ledger, &acme()).await;
        let kind = FaultKind::Unavailable(Side::After);
        let operation = Some("TransactWriteItems");
        dynamo.faults().plan(StoreFault {
            operation,
            kind,
            when: When::Next(answers),
        });
        assert_eq!(
            start(&ledger, &from, None, NOW).await.unwrap(),
            StartCommit::Applied
        );
        let stored = load(&ledger, &acme()).await;
        assert_eq!((stored.rev, stored.state.runs.len()), (2, 1));
    }
}

#[tokio::test]
async fn a_start_waits_for_another_transaction() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    let operation = Some("TransactWriteItems");
    let fault = StoreFault {
        operation,
        kind: FaultKind::Conflict,
        when: When::Next(2),
    };
    dynamo.faults().plan(fault);
    assert_eq!(
        start(&ledger, &from, Some(key(1)), NOW).await.unwrap(),
        StartCommit::Applied
    );
}

#[tokio::test]
async fn direct_calls_are_started_under_a_key() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    let mut to = from.state.clone();
    to.active.insert(call(1), lease(1));
    let what = What::Calls(vec![(lead(1), call(1))]);
    let start = Start {
        run: None,
        key: Some(key(1)),
        what: what.clone(),
        now: NOW,
    };
    let commit = ledger
        .commit_start(&acme(), &from, &to, &start)
        .await
        .unwrap();
    assert_eq!(commit, StartCommit::Applied);
    let started = ledger.started(&acme(), &key(1), NOW).await.unwrap();
    assert_eq!(
        started,
        Some(Started {
            request_digest: [1; 32],
            what
        })
    );

    let unkeyed = Start { key: None, ..start };
    let commit = ledger
        .commit_start(&acme(), &from, &to, &unkeyed)
        .await
        .unwrap();
    assert_eq!(
        commit,
        StartCommit::Applied,
        "its lease shows that it was applied"
    );
}

#[tokio::test]
async fn a_hundred_thousand_leads_start_in_a_few_requests() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let leads: Vec<_> = (1..=100_000).rev().map(lead).collect();
    let from = create(&ledger, &acme()).await;
    let before = dynamo.meter().snapshot();

    ledger.put_roster(roster(1), &leads).await.unwrap();
    assert_eq!(
        start(&ledger, &from, Some(key(1)), NOW).await.unwrap(),
        StartCommit::Applied
    );

    let usage = dynamo.meter().snapshot().since(&before);
    assert!(usage.requests <= 10, "{usage:?}");
    let positions = [99_999, 0, 1_023, 1_024, 0];
    let found = ledger.roster_leads(roster(1), &positions).await.unwrap();
    assert_eq!(found, [1, 100_000, 98_977, 98_976, 100_000].map(lead));
    assert!(ledger.roster_leads(roster(1), &[100_000]).await.is_err());
}

#[tokio::test]
async fn a_roster_page_is_read_once() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let leads: Vec<_> = (1..=2_000).map(lead).collect();
    ledger.put_roster(roster(1), &leads).await.unwrap();
    let before = dynamo.meter().snapshot();
    for position in [0, 1, 1_500, 2] {
        let found = ledger.roster_leads(roster(1), &[position]).await.unwrap();
        assert_eq!(found, [lead(position + 1)]);
    }
    assert_eq!(dynamo.meter().snapshot().since(&before).requests, 2);
}

#[tokio::test]
async fn a_missing_roster_page_is_an_error() {
    let dynamo = database().await;
    assert!(ledger(&dynamo).roster_leads(roster(1), &[0]).await.is_err());
}

fn end(completed: u32) -> RunEnd {
    let counts = Counts {
        queued: 0,
        in_progress: 0,
        completed,
        failed: 0,
        canceled: 0,
    };
    RunEnd {
        status: RunStatus::Completed,
        counts,
        at: NOW,
        last_error: None,
    }
}

#[tokio::test]
async fn the_first_end_of_a_run_stands() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    assert_eq!(
        start(&ledger, &from, None, NOW).await.unwrap(),
        StartCommit::Applied
    );
    ledger.file_run(&acme(), run(1), &end(100)).await.unwrap();
    let other = RunEnd {
        last_error: Some("late".to_owned()),
        ..end(99)
    };
    ledger.file_run(&acme(), run(1), &other).await.unwrap();
    let filed = ledger.run(&acme(), run(1)).await.unwrap().unwrap();
    assert_eq!(
        filed,
        RunRecord {
            end: Some(end(100)),
            ..record(1, 100)
        }
    );
    assert!(ledger.file_run(&acme(), run(2), &end(1)).await.is_err());
}

#[tokio::test]
async fn runs_are_listed_from_the_newest() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    create(&ledger, &acme()).await;
    for _ in 0..5 {
        let from = load(&ledger, &acme()).await;
        assert_eq!(
            start(&ledger, &from, None, NOW).await.unwrap(),
            StartCommit::Applied
        );
    }
    let ids = async |limit, before| -> Vec<u32> {
        let runs = ledger.runs(&acme(), limit, before).await.unwrap();
        runs.iter().map(|record| record.run.get()).collect()
    };
    assert_eq!(ids(3, None).await, [5, 4, 3]);
    assert_eq!(ids(3, Some(run(3))).await, [2, 1]);
    assert!(ids(3, Some(run(1))).await.is_empty());
    assert!(ledger.runs(&id("other"), 3, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cleanup_turn_comes_once_a_minute() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let at = |seconds| NOW.after(Duration::from_secs(seconds));
    let turn = async |seconds| {
        ledger
            .take_cleanup_turn(&acme(), at(seconds))
            .await
            .unwrap()
    };
    assert_eq!(turn(0).await, Turn::Taken);
    assert_eq!(turn(0).await, Turn::NotBefore(at(60)));
    assert_eq!(turn(59).await, Turn::NotBefore(at(60)));
    let kind = FaultKind::Unavailable(Side::After);
    dynamo.faults().plan(StoreFault {
        operation: None,
        kind,
        when: When::Next(1),
    });
    assert_eq!(turn(60).await, Turn::Taken);
    assert_eq!(turn(61).await, Turn::NotBefore(at(120)));
    assert_eq!(
        ledger
            .take_cleanup_turn(&id("other"), at(61))
            .await
            .unwrap(),
        Turn::Taken
    );
}
