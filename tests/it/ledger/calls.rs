//! Call records: notes in any order, and the reads of many.

use std::time::Duration;

use ringfence_core::call::{CallStatus, Outcome};
use ringfence_core::ids::CallSid;
use ringfence_flows::ledger::Calls;
use ringfence_flows::records::{CallNote, CallRecord, Callee, News, Progress};
use ringfence_ledger::{CallCursor, Page, RecentFilter};

use super::*;

pub(super) fn sid(number: u64) -> CallSid {
    format!("CA{number:032x}").parse().expect("it is a SID")
}

pub(super) fn note(number: u64, run: Option<RunId>, news: News) -> CallNote {
    let lead = lead(u32::try_from(number).expect("the tests count to hundreds"));
    let job = run.map_or(Job::Direct { lead }, |run| Job::OfRun { run, index: 7 });
    CallNote {
        call: call(number),
        job,
        lead,
        who: None,
        checked_at: None,
        sid: None,
        news,
    }
}

pub(super) fn placed(number: u64, run: Option<RunId>) -> CallNote {
    let who = Some(Callee {
        name: "Dana".to_owned(),
        to: phone(1),
    });
    let sid = Some(sid(number));
    CallNote {
        who,
        checked_at: Some(NOW),
        sid,
        ..note(number, run, News::Live(CallStatus::Queued))
    }
}

pub(super) fn over(number: u64, run: Option<RunId>) -> CallNote {
    let news = News::Over {
        outcome: Outcome::Completed,
        status: Some(CallStatus::Completed),
        at: NOW,
        duration_seconds: Some(42),
        error: None,
    };
    CallNote {
        sid: Some(sid(number)),
        ..note(number, run, news)
    }
}

pub(super) async fn record(ledger: &Ledger, number: u64) -> CallRecord {
    let mut found = ledger
        .calls(&acme(), &[call(number)])
        .await
        .expect("the database answers");
    found.pop().expect("the call is recorded")
}

#[tokio::test]
async fn a_call_is_recorded_in_two_writes_of_one_unit() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let before = dynamo.meter().snapshot();
    ledger
        .note(&acme(), &placed(1, Some(run(1))))
        .await
        .unwrap();
    ledger.note(&acme(), &over(1, Some(run(1)))).await.unwrap();
    let usage = dynamo.meter().snapshot().since(&before);
    assert_eq!((usage.requests, usage.write_units), (2, 2.0));
    let expected = CallRecord {
        call: call(1),
        job: Some(Job::OfRun {
            run: run(1),
            index: 7,
        }),
        lead: Some(lead(1)),
        lead_name: Some("Dana".to_owned()),
        to: Some(phone(1)),
        checked_at: Some(NOW),
        sid: Some(sid(1)),
        progress: Progress::Over(Outcome::Completed, Some(CallStatus::Completed)),
        ended_at: Some(NOW),
        duration_seconds: Some(42),
        error: None,
    };
    assert_eq!(record(&ledger, 1).await, expected);
}

#[tokio::test]
async fn an_end_that_comes_first_stands_and_learns_who_was_called() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    ledger.note(&acme(), &placed(1, None)).await.unwrap();
    ledger.note(&acme(), &over(1, None)).await.unwrap();
    ledger.note(&acme(), &over(2, None)).await.unwrap();
    ledger.note(&acme(), &placed(2, None)).await.unwrap();
    let usual = record(&ledger, 1).await;
    let rare = record(&ledger, 2).await;
    let renamed = CallRecord {
        call: call(1),
        sid: Some(sid(1)),
        lead: Some(lead(1)),
        job: usual.job,
        ..rare
    };
    assert_eq!(renamed, usual);
}

#[tokio::test]
async fn a_note_that_comes_again_costs_one_request() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    ledger.note(&acme(), &placed(1, None)).await.unwrap();
    ledger.note(&acme(), &over(1, None)).await.unwrap();
    let once = record(&ledger, 1).await;
    let before = dynamo.meter().snapshot();
    ledger.note(&acme(), &placed(1, None)).await.unwrap();
    ledger.note(&acme(), &over(1, None)).await.unwrap();
    assert_eq!(dynamo.meter().snapshot().since(&before).requests, 2);
    assert_eq!(record(&ledger, 1).await, once);
}

#[tokio::test]
async fn only_recorded_calls_of_the_business_are_found() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    for number in 1..=150 {
        ledger.note(&acme(), &placed(number, None)).await.unwrap();
    }
    let all: Vec<_> = (1..=200).chain(1..=3).map(call).collect();
    assert_eq!(ledger.calls(&acme(), &all).await.unwrap().len(), 150);
    assert!(ledger.calls(&id("other"), &all).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_sids_of_recent_calls_are_known() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    for number in [10, 20, 30] {
        ledger.note(&acme(), &placed(number, None)).await.unwrap();
    }
    ledger
        .note(&acme(), &note(40, None, News::Unknown))
        .await
        .unwrap();
    let since = NOW.after(Duration::from_millis(20));
    assert_eq!(
        ledger.sids_since(&acme(), since).await.unwrap(),
        [(call(20), sid(20)), (call(30), sid(30))]
    );
}

/// The pages of recent calls, as the numbers of their calls.
async fn pages(ledger: &Ledger, filter: &RecentFilter, page_size: u32) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    let mut after: Option<CallCursor> = None;
    for _ in 0..100 {
        let page = ledger.recent_calls(&acme(), filter, page_size, after).await;
        let Page { items, next } = page.expect("the database answers");
        let minted = items
            .iter()
            .map(|record| record.call.minted_at().as_millis());
        pages.push(minted.map(|minted| minted - NOW.as_millis()).collect());
        match next {
            // As a client would give it back.
            Some(next) => after = Some(next.to_string().parse().expect("it is a cursor")),
            None => return pages,
        }
    }
    panic!("the pages never end");
}

#[tokio::test]
async fn recent_calls_are_paged_from_the_latest() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    for number in 1..=7 {
        ledger.note(&acme(), &placed(number, None)).await.unwrap();
    }
    let all = RecentFilter::default();
    assert_eq!(
        pages(&ledger, &all, 3).await,
        [vec![7, 6, 5], vec![4, 3, 2], vec![1]]
    );
    assert_eq!(pages(&ledger, &all, 7).await, [vec![7, 6, 5, 4, 3, 2, 1]]);
}

#[tokio::test]
async fn recent_calls_are_filtered_by_run_and_status() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    for number in 1..=600 {
        let of = (number % 100 == 0).then(|| run(1));
        ledger.note(&acme(), &placed(number, of)).await.unwrap();
    }
    ledger
        .note(&acme(), &over(300, Some(run(1))))
        .await
        .unwrap();
    ledger.note(&acme(), &over(301, None)).await.unwrap();
    let of_run = RecentFilter {
        run: Some(run(1)),
        statuses: Vec::new(),
    };
    assert_eq!(
        pages(&ledger, &of_run, 4).await,
        [vec![600, 500, 400, 300], vec![200, 100]]
    );
    let completed = vec!["completed".to_owned()];
    let done = RecentFilter {
        statuses: completed.clone(),
        ..RecentFilter::default()
    };
    assert_eq!(pages(&ledger, &done, 4).await, [[301, 300]]);
    let both = RecentFilter {
        statuses: completed,
        ..of_run
    };
    assert_eq!(pages(&ledger, &both, 4).await, [[300]]);
}

#[tokio::test]
async fn a_cursor_of_another_business_finds_nothing_of_it() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    for number in 1..=5 {
        ledger.note(&acme(), &placed(number, None)).await.unwrap();
    }
    let all = RecentFilter::default();
    let next = ledger
        .recent_calls(&acme(), &all, 2, None)
        .await
        .unwrap()
        .next;
    assert!(next.is_some());
    let found = ledger
        .recent_calls(&id("other"), &all, 2, next)
        .await
        .unwrap();
    assert_eq!(
        found,
        Page {
            items: Vec::new(),
            next: None
        }
    );
}

#[tokio::test]
async fn the_calls_of_a_run_are_found_between_its_start_and_its_end() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    for number in 1..=30 {
        let of = (number % 3 == 0).then(|| run(1));
        ledger.note(&acme(), &placed(number, of)).await.unwrap();
    }
    for over_at in [None, Some(NOW)] {
        let page = ledger
            .calls_of_run(&acme(), run(1), NOW, over_at, None)
            .await
            .unwrap();
        let calls: Vec<_> = page.items.iter().map(|record| record.call).collect();
        let expected: Vec<_> = (1..=10).map(|n| call(n * 3)).collect();
        assert_eq!((calls, page.next), (expected, None));
    }
    let later = NOW.after(Duration::from_secs(61));
    let page = ledger
        .calls_of_run(&acme(), run(1), later, None, None)
        .await
        .unwrap();
    assert!(page.items.is_empty());
}
