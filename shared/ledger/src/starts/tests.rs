use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::types::CancellationReason;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_smithy_mocks::{MockResponse, Rule, mock};
use proptest::collection::vec;
use proptest::prelude::*;
use ringfence_core::ids::{RosterId, RunId};
use ringfence_flows::records::RunRecord;
use uuid::Uuid;

use super::*;
use crate::arbitrary::{business, call_id, calls, lead_ids, runs};
use crate::item::Item;
use crate::mocked::{ledger, reads};
use crate::state;
use crate::write::WriteId;

const NOW: Timestamp = Timestamp::from_millis(1_731_412_345_678);

fn run(roster: u128) -> RunRecord {
    RunRecord {
        run: RunId::new(5).unwrap(),
        total: 100,
        concurrency: 3,
        roster: RosterId::new(Uuid::from_u128(roster)),
        list: None,
        created_at: NOW,
        created_by: "k1".to_owned(),
        end: None,
    }
}

fn key(digest: u8) -> RequestKey {
    RequestKey {
        key: "again".to_owned(),
        request_digest: [digest; 32],
    }
}

fn start() -> Start {
    Start {
        run: Some(run(1)),
        key: Some(key(1)),
        what: What::Run {
            run: RunId::new(5).unwrap(),
        },
        now: NOW,
    }
}

fn stored(rev: u64) -> Stored {
    Stored {
        state: State::new(3),
        rev,
    }
}

async fn commit(ledger: &Ledger) -> Result<StartCommit> {
    let from = stored(7);
    ledger
        .commit_start(&business(), &from, &from.state, &start())
        .await
}

/// Why one action was not carried out, and the item that was in its way.
type Reason = Option<Item>;

/// Cancels with a reason for each action that has one.
fn cancels(
    reasons: impl Fn(&TransactWriteItemsInput) -> [Option<Reason>; 3] + Send + Sync + 'static,
) -> Rule {
    mock!(Client::transact_write_items).then_compute_response(move |input| {
        let reasons = reasons(input).map(|reason| match reason {
            Some(item) => CancellationReason::builder()
                .code("ConditionalCheckFailed")
                .set_item(item)
                .build(),
            None => CancellationReason::builder().code("None").build(),
        });
        let canceled = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(reasons.into()))
            .build();
        MockResponse::Error(TransactWriteItemsError::TransactionCanceledException(
            canceled,
        ))
    })
}

fn state_item(rev: u64) -> Item {
    state::to_item(&business(), &stored(rev), WriteId::fresh())
}

fn key_item(digest: u8) -> Item {
    let what = What::Calls(Vec::new());
    request::to_item(&business(), &key(digest), &what, NOW, WriteId::fresh())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_lost_a_race_brings_the_newer_state() {
    let ledger = ledger(&[&cancels(|_| [Some(Some(state_item(8))), None, None])]);
    assert_eq!(
        commit(&ledger).await.unwrap(),
        StartCommit::Stale(stored(8))
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_key_is_used_brings_what_it_has_started() {
    let ledger = ledger(&[&cancels(|_| {
        [Some(Some(state_item(8))), None, Some(Some(key_item(2)))]
    })]);
    let started = Started {
        request_digest: [2; 32],
        what: What::Calls(Vec::new()),
    };
    assert_eq!(
        commit(&ledger).await.unwrap(),
        StartCommit::KeyUsed(started)
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_this_very_start_has_put_is_no_obstacle() {
    let rule = cancels(|input| {
        let put = input.transact_items()[2].put().unwrap();
        [
            Some(Some(state_item(9))),
            None,
            Some(Some(put.item().clone())),
        ]
    });
    assert_eq!(
        commit(&ledger(&[&rule])).await.unwrap(),
        StartCommit::Applied
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_record_that_this_very_start_has_put_is_no_obstacle() {
    let rule = cancels(|input| {
        let put = input.transact_items()[1].put().unwrap();
        [
            Some(Some(state_item(9))),
            Some(Some(put.item().clone())),
            None,
        ]
    });
    assert_eq!(
        commit(&ledger(&[&rule])).await.unwrap(),
        StartCommit::Applied
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_record_of_the_same_list_is_another_start() {
    let other = run::to_item(&business(), &run(1));
    let rule = cancels(move |_| [Some(Some(state_item(9))), Some(Some(other.clone())), None]);
    assert_eq!(
        commit(&ledger(&[&rule])).await.unwrap(),
        StartCommit::Stale(stored(9))
    );
}

fn fails() -> Rule {
    mock!(Client::transact_write_items)
        .sequence()
        .http_status(500, None)
        .repeatedly()
        .build()
}

#[tokio::test(start_paused = true)]
async fn a_start_without_an_answer_is_looked_for() {
    // Every read finds the run that the start has put; the key is not asked about.
    let unkeyed = Start {
        key: None,
        ..start()
    };
    let put = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&put);
    let fails = mock!(Client::transact_write_items)
        .match_requests(move |input| {
            let put = input.transact_items()[1].put().unwrap();
            *seen.lock().unwrap() = Some(put.item().clone());
            true
        })
        .sequence()
        .http_status(500, None)
        .repeatedly()
        .build();
    let reads = mock!(Client::get_item).then_compute_output(move |_| {
        let item = put.lock().unwrap().clone();
        GetItemOutput::builder().set_item(item).build()
    });
    let from = stored(7);
    let commit = ledger(&[&fails, &reads])
        .commit_start(&business(), &from, &from.state, &unkeyed)
        .await;
    assert_eq!(commit.unwrap(), StartCommit::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_start_without_an_answer_may_still_arrive_if_nothing_is_there() {
    let ledger = ledger(&[&fails(), &reads(None)]);
    assert!(commit(&ledger).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn other_transactions_are_waited_for() {
    let conflict = || {
        let codes = ["TransactionConflict", "None", "None"];
        let reasons = codes.map(|code| CancellationReason::builder().code(code).build());
        let canceled = TransactionCanceledException::builder()
            .set_cancellation_reasons(Some(reasons.into()))
            .build();
        TransactWriteItemsError::TransactionCanceledException(canceled)
    };
    let rule = mock!(Client::transact_write_items)
        .sequence()
        .error(conflict)
        .output(|| TransactWriteItemsOutput::builder().build())
        .build();
    assert_eq!(
        commit(&ledger(&[&rule])).await.unwrap(),
        StartCommit::Applied
    );
    assert_eq!(rule.num_calls(), 2);
}

#[test]
fn a_key_of_over_a_day_ago_is_free_again() {
    let item = key_item(1);
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let is_known = |now| request::started(&item, now).unwrap().is_some();
    assert!(is_known(NOW.after(day)));
    assert!(!is_known(
        NOW.after(day).after(std::time::Duration::from_millis(1))
    ));
}

fn whats() -> impl Strategy<Value = What> {
    prop_oneof![
        runs().prop_map(|run| What::Run { run }),
        vec((lead_ids(), calls()), 0..5).prop_map(What::Calls),
    ]
}

proptest! {
    #[test]
    fn a_key_is_read_as_it_was_written(what in whats(), key in ".*", request_digest: [u8; 32]) {
        let key = RequestKey { key, request_digest };
        let item = request::to_item(&business(), &key, &what, NOW, WriteId::fresh());
        prop_assert_eq!(request::from_item(&item).unwrap(), Started { request_digest, what });
    }
}

#[test]
fn a_key_is_stored_like_this() {
    use crate::item::{bytes, map, number, put};
    use aws_sdk_dynamodb::types::AttributeValue;
    use ringfence_core::ids::LeadId;

    let write = WriteId::fresh();
    let lead = LeadId::new(7).unwrap();
    let what = What::Calls(vec![(lead, call_id(1))]);
    let item = request::to_item(&business(), &key(9), &what, NOW, write);

    let call = map([
        ("lead", Some(number(7))),
        ("call", Some(bytes(*call_id(1).uuid().as_bytes()))),
    ]);
    let mut expected = Key::Request(&business(), "again").attributes();
    put(
        &mut expected,
        [
            ("v", Some(number(1))),
            ("by", Some(write.stamp())),
            ("digest", Some(bytes([9; 32]))),
            ("calls", Some(AttributeValue::L(vec![call]))),
            ("created_at", Some(number(1_731_412_345_678_u64))),
            ("expires", Some(number(1_731_502_345))),
        ],
    );
    assert_eq!(item, expected);
    assert_eq!(
        request::from_item(&item).unwrap(),
        Started {
            request_digest: [9; 32],
            what
        }
    );
}
