use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::update_item::{
    UpdateItemError, UpdateItemInput, UpdateItemOutput,
};
use aws_sdk_dynamodb::types::error::{
    ConditionalCheckFailedException, TransactionConflictException,
};
use aws_smithy_mocks::{MockResponse, Rule, mock};
use ringfence_core::call::Job;
use ringfence_core::ids::LeadId;
use ringfence_core::state::Lease;
use ringfence_core::time::Timestamp;

use super::*;
use crate::arbitrary::{business, call_id};
use crate::item::bytes;
use crate::mocked::{ledger, reads};

const LIMIT: u32 = 3;

fn with_leases(calls: impl IntoIterator<Item = u16>) -> State {
    let lease = |lead: u16| Lease {
        job: Job::Direct {
            lead: LeadId::new(u32::from(lead)).unwrap(),
        },
        to: format!("+97250{lead:07}").parse().unwrap(),
        dial_by: Timestamp::from_millis(1_000),
        ask_at: Timestamp::from_millis(9_000),
        missing: 0,
    };
    let mut state = State::new(LIMIT);
    state.active = calls
        .into_iter()
        .map(|call| (call_id(call), lease(call)))
        .collect();
    state
}

fn stored(rev: u64, calls: impl IntoIterator<Item = u16>) -> Stored {
    Stored {
        state: with_leases(calls),
        rev,
    }
}

/// The item that somebody else wrote.
fn theirs(stored: &Stored) -> Item {
    state::to_item(&business(), stored, WriteId::fresh())
}

/// Refuses with an item, as it is once the request's stamp is known.
fn refuses(item: impl Fn(&UpdateItemInput) -> Option<Item> + Send + Sync + 'static) -> Rule {
    mock!(Client::update_item).then_compute_response(move |input| {
        let refused = ConditionalCheckFailedException::builder()
            .set_item(item(input))
            .build();
        MockResponse::Error(UpdateItemError::ConditionalCheckFailedException(refused))
    })
}

/// Fails so that nobody can tell whether the write was applied.
fn fails() -> Rule {
    mock!(Client::update_item)
        .sequence()
        .http_status(500, None)
        .repeatedly()
        .build()
}

/// Adds the lease of call 2 to a state at revision 7 that has that of call 1.
async fn commit(ledger: &Ledger) -> Result<Commit> {
    let to = with_leases([1, 2]);
    ledger
        .commit(&business(), &stored(7, [1]), &to, &[call_id(2)])
        .await
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_brings_the_newer_state() {
    let newer = stored(8, [1, 3]);
    let item = theirs(&newer);
    let ledger = ledger(&[&refuses(move |_| Some(item.clone()))]);
    assert_eq!(commit(&ledger).await.unwrap(), Commit::Stale(newer));
}

#[tokio::test(start_paused = true)]
async fn a_retried_write_is_recognised_by_its_stamp() {
    let item = theirs(&stored(8, []));
    let rule = refuses(move |input| {
        let mut item = item.clone();
        let stamp = input.expression_attribute_values().unwrap()[":by"].clone();
        item.insert("by".to_owned(), stamp);
        // Even if a newer program wrote something else beside it.
        item.insert("v".to_owned(), number(2));
        Some(item)
    });
    // It adds no lease by which it could be recognised.
    let ledger = ledger(&[&rule]);
    let from = stored(7, [1]);
    let commit = ledger
        .commit(&business(), &from, &with_leases([]), &[])
        .await;
    assert_eq!(commit.unwrap(), Commit::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_retried_write_that_others_wrote_after_is_recognised_by_its_leases() {
    let item = theirs(&stored(12, [2, 4]));
    let ledger = ledger(&[&refuses(move |_| Some(item.clone()))]);
    assert_eq!(commit(&ledger).await.unwrap(), Commit::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_state_that_it_was_decided_on_is_an_error() {
    let item = theirs(&stored(7, [1]));
    let ledger = ledger(&[&refuses(move |_| Some(item.clone()))]);
    assert!(commit(&ledger).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_looked_for() {
    let ours = theirs(&stored(8, [1, 2]));
    let ledger = ledger(&[&fails(), &reads(Some(ours))]);
    assert_eq!(commit(&ledger).await.unwrap(), Commit::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_has_lost_if_somebody_else_has_written() {
    let newer = stored(8, [1, 3]);
    let ledger = ledger(&[&fails(), &reads(Some(theirs(&newer)))]);
    assert_eq!(commit(&ledger).await.unwrap(), Commit::Stale(newer));
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_may_still_arrive_if_nothing_has_changed() {
    let before = theirs(&stored(7, [1]));
    let ledger = ledger(&[&fails(), &reads(Some(before))]);
    assert!(commit(&ledger).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn another_transaction_is_waited_for() {
    let conflict = || {
        let conflict = TransactionConflictException::builder().message("").build();
        UpdateItemError::TransactionConflictException(conflict)
    };
    let rule = mock!(Client::update_item)
        .sequence()
        .error(conflict)
        .times(2)
        .output(|| UpdateItemOutput::builder().build())
        .build();
    assert_eq!(commit(&ledger(&[&rule])).await.unwrap(), Commit::Applied);
    assert_eq!(rule.num_calls(), 3);
}

/// The room that a write of `to` over `from` asks for.
#[track_caller]
fn check_room(from: Vec<u16>, to: Vec<u16>, limit: u32, room: Option<u32>) {
    let to = State {
        limit,
        ..with_leases(to)
    };
    let write = StateWrite::new(&business(), &stored(7, from), &to, &[]);
    let asked = write.ok().map(|write| write.values[":room"].clone());
    assert_eq!(asked, room.map(number));
}

#[test]
fn a_write_asks_for_room_for_the_leases_that_it_adds() {
    check_room(vec![], vec![1], 3, Some(2));
    check_room(vec![1, 2], vec![1, 2, 3], 3, Some(2));
    check_room(vec![1, 2, 3], vec![2, 3, 4], 3, Some(3));
    check_room(vec![1, 2, 3], vec![1, 2, 3, 4], 3, None);
}

#[test]
fn a_write_that_adds_no_lease_passes_while_a_lowered_limit_drains() {
    let any = Some(u32::MAX);
    check_room(vec![1, 2, 3], vec![1, 2, 3], 1, any);
    check_room(vec![1, 2, 3], vec![1, 2], 1, any);
    check_room(vec![1, 2, 3], vec![4], 1, Some(3));
    check_room(vec![1, 2, 3], vec![1, 4], 1, None);
}

#[test]
fn two_writes_have_two_stamps() {
    let from = stored(7, [1]);
    let stamp = || {
        let write = StateWrite::new(&business(), &from, &from.state, &[]).unwrap();
        write.values[":by"].clone()
    };
    assert_ne!(stamp(), stamp());
    assert_ne!(stamp(), bytes([0; 8]));
}

#[tokio::test(start_paused = true)]
async fn a_glance_is_cheap_and_a_load_is_as_of_now() {
    let (old, new) = (stored(7, [1]), stored(8, [1, 2]));
    let answer = |consistent: bool, stored: &Stored| {
        let item = theirs(stored);
        mock!(Client::get_item)
            .match_requests(move |input| input.consistent_read() == Some(consistent))
            .then_output(move || {
                GetItemOutput::builder()
                    .set_item(Some(item.clone()))
                    .build()
            })
    };
    let ledger = ledger(&[&answer(false, &old), &answer(true, &new)]);
    assert_eq!(ledger.glance(&business()).await.unwrap(), Some(old));
    assert_eq!(ledger.load(&business()).await.unwrap(), Some(new));
}

#[tokio::test(start_paused = true)]
async fn a_business_that_a_glance_misses_is_looked_for_as_of_now() {
    let answer = |consistent: bool, item: Option<Item>| {
        mock!(Client::get_item)
            .match_requests(move |input| input.consistent_read() == Some(consistent))
            .then_output(move || GetItemOutput::builder().set_item(item.clone()).build())
    };
    let new = stored(1, []);
    let (missed, made) = (answer(false, None), answer(true, Some(theirs(&new))));
    let ledger = ledger(&[&missed, &made]);
    assert_eq!(ledger.glance(&business()).await.unwrap(), Some(new));
    // What is there is no business's settings, and to read it as such fails.
    assert!(ledger.glance_at_config(&business()).await.is_err());
}
