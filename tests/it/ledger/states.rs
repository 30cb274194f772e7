//! The one write that decides.

use std::cell::Cell;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join;
use ringfence_flows::ledger::Commit;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::Side;

use super::*;

/// Adds the lease of a call to a state.
fn with(mut state: State, number: u32) -> State {
    state.active.insert(call(u64::from(number)), lease(number));
    state
}

async fn commit_lease(ledger: &Ledger, from: &Stored, number: u32) -> anyhow::Result<Commit> {
    let to = with(from.state.clone(), number);
    ledger
        .commit(&acme(), from, &to, &[call(u64::from(number))])
        .await
}

#[tokio::test]
async fn a_business_is_there_from_its_creation_on() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    assert_eq!(ledger.load(&acme()).await.unwrap(), None);
    let stored = create(&ledger, &acme()).await;
    assert_eq!(
        stored,
        Stored {
            state: State::new(3),
            rev: 1
        }
    );
}

#[tokio::test]
async fn a_change_is_read_as_it_was_committed() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    assert_eq!(
        commit_lease(&ledger, &from, 1).await.unwrap(),
        Commit::Applied
    );
    let expected = Stored {
        state: with(from.state, 1),
        rev: 2,
    };
    assert_eq!(load(&ledger, &acme()).await, expected);
}

#[tokio::test]
async fn whoever_comes_second_gets_the_newer_state() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    assert_eq!(
        commit_lease(&ledger, &from, 1).await.unwrap(),
        Commit::Applied
    );
    let before = dynamo.meter().snapshot();
    let Commit::Stale(newer) = commit_lease(&ledger, &from, 2).await.unwrap() else {
        panic!("somebody was first");
    };
    assert_eq!(
        newer,
        Stored {
            state: with(from.state, 1),
            rev: 2
        }
    );
    assert_eq!(dynamo.meter().snapshot().since(&before).requests, 1);
}

#[tokio::test]
async fn a_write_that_was_applied_without_an_answer_counts_once() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    let lost = FaultKind::Unavailable(Side::After);
    // One answer is lost, then all of those that the SDK asks for.
    for (number, answers) in [(1, 1), (2, 3)] {
        let from = Stored {
            rev: u64::from(number),
            ..load(&ledger, &acme()).await
        };
        let fault = StoreFault {
            operation: Some("UpdateItem"),
            kind: lost,
            when: When::Next(answers),
        };
        dynamo.faults().plan(fault);
        assert_eq!(
            commit_lease(&ledger, &from, number).await.unwrap(),
            Commit::Applied
        );
    }
    let expected = Stored {
        state: with(with(from.state, 1), 2),
        rev: 3,
    };
    assert_eq!(load(&ledger, &acme()).await, expected);
}

#[tokio::test]
async fn a_write_that_was_not_applied_is_an_error() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    let kind = FaultKind::Unavailable(Side::Before);
    dynamo.faults().plan(StoreFault {
        operation: Some("UpdateItem"),
        kind,
        when: When::Next(3),
    });
    assert!(commit_lease(&ledger, &from, 1).await.is_err());
    assert_eq!(load(&ledger, &acme()).await, from);
}

#[tokio::test]
async fn a_write_waits_for_another_transaction() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    let kind = FaultKind::Conflict;
    dynamo.faults().plan(StoreFault {
        operation: Some("UpdateItem"),
        kind,
        when: When::Next(2),
    });
    assert_eq!(
        commit_lease(&ledger, &from, 1).await.unwrap(),
        Commit::Applied
    );
}

/// The key of acme's state, as anybody may write it.
fn state_key() -> Option<HashMap<String, AttributeValue>> {
    let key = [("pk", "BIZ#acme"), ("sk", "STATE")];
    let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
    Some(key.into())
}

/// Sets an attribute of acme's state to a number, past the ledger.
async fn meddle(dynamo: &Dynamo, update: &str, number: u32) {
    let update = dynamo
        .client()
        .update_item()
        .table_name(TABLE)
        .set_key(state_key())
        .update_expression(update)
        .expression_attribute_values(":number", AttributeValue::N(number.to_string()));
    update.send().await.expect("the database answers");
}

async fn raw_state(dynamo: &Dynamo) -> HashMap<String, AttributeValue> {
    let client = dynamo.client();
    let read = client.get_item().table_name(TABLE).set_key(state_key());
    let read = read.send().await.expect("the database answers");
    read.item.expect("the business is there")
}

#[tokio::test]
async fn attributes_of_others_survive() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    meddle(&dynamo, "SET newer = :number", 7).await;
    let commit = commit_lease(&ledger, &from, 1).await.unwrap();
    assert_eq!(commit, Commit::Applied);
    let kept = &raw_state(&dynamo).await["newer"];
    assert_eq!(*kept, AttributeValue::N("7".to_owned()));
}

#[tokio::test]
async fn the_store_itself_refuses_leases_without_room() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    // As if the state that was decided on had been wrong.
    meddle(&dynamo, "SET n = :number", 3).await;
    assert!(commit_lease(&ledger, &from, 1).await.is_err());
    let rev = &raw_state(&dynamo).await["rev"];
    assert_eq!(*rev, AttributeValue::N("1".to_owned()));
}

#[tokio::test]
async fn a_busy_state_costs_one_write_unit() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let mut from = create(&ledger, &acme()).await;
    for number in 1..=3 {
        let before = dynamo.meter().snapshot();
        assert_eq!(
            commit_lease(&ledger, &from, number).await.unwrap(),
            Commit::Applied
        );
        let usage = dynamo.meter().snapshot().since(&before);
        // The first puts the state into the index, which is written besides.
        let expected = if number == 1 { 2.0 } else { 1.0 };
        assert!(usage.write_units <= expected, "{usage:?}");
        from = load(&ledger, &acme()).await;
    }
}

/// Takes a slot for each of `calls` as long as there are any, and gives it back at once.
async fn contend(ledger: &Ledger, calls: impl Iterator<Item = u32>, most: &Cell<u32>) {
    for number in calls {
        let mut from = load(ledger, &acme()).await;
        // Each refusal is somebody else's success, of which there are few.
        loop {
            let to = with(from.state.clone(), number);
            let claimed = [call(u64::from(number))];
            if from.state.slots_free() == 0 {
                from = load(ledger, &acme()).await;
                continue;
            }
            match ledger
                .commit(&acme(), &from, &to, &claimed)
                .await
                .expect("it answers")
            {
                Commit::Applied => break,
                Commit::Stale(newer) => from = newer,
            }
        }
        let mut from = load(ledger, &acme()).await;
        most.set(most.get().max(from.state.slots_in_use()));
        let number = call(u64::from(number));
        assert!(from.state.active.contains_key(&number), "its slot was lost");
        loop {
            let mut to = from.state.clone();
            if to.active.remove(&number).is_none() {
                // It was given back by a write whose answer was lost.
                break;
            }
            match ledger
                .commit(&acme(), &from, &to, &[])
                .await
                .expect("it answers")
            {
                Commit::Applied => break,
                Commit::Stale(newer) => from = newer,
            }
        }
    }
}

#[tokio::test]
async fn two_writers_never_pass_the_limit_between_them() {
    let dynamo = database().await;
    let (one, other) = (ledger(&dynamo), ledger(&dynamo));
    let created = one
        .create_business(&acme(), &config(), &State::new(1))
        .await;
    assert_eq!(created.unwrap(), Creation::Created);
    // Answers get lost all the while.
    let kind = FaultKind::Unavailable(Side::After);
    let fault = StoreFault {
        operation: Some("UpdateItem"),
        kind,
        when: When::Share(0.1),
    };
    dynamo.faults().plan(fault);
    let most = Cell::new(0);

    join(
        contend(&one, 1..=20, &most),
        contend(&other, 101..=120, &most),
    )
    .await;

    let stored = load(&one, &acme()).await;
    assert_eq!(
        (most.get(), stored.state, stored.rev),
        (1, State::new(1), 81)
    );
}

#[tokio::test]
async fn the_index_has_the_businesses_with_work() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let from = create(&ledger, &acme()).await;
    // In one shard with acme.
    let peers = (0..200).map(|n| id(&format!("peer-{n}")));
    let shard = table::work_shard(&acme());
    let peers: Vec<_> = peers
        .filter(|peer| table::work_shard(peer) == shard)
        .collect();
    for peer in &peers {
        let from = create(&ledger, peer).await;
        let to = with(from.state.clone(), 1);
        assert_eq!(
            ledger.commit(peer, &from, &to, &[call(1)]).await.unwrap(),
            Commit::Applied
        );
    }
    let found = ledger.businesses_with_work(shard, None).await.unwrap();
    assert_eq!(found.next, None);
    let mut expected = peers.clone();
    expected.sort();
    assert_eq!(found.items, expected);
    let rest = ledger
        .businesses_with_work(shard, Some(&expected[2]))
        .await
        .unwrap();
    assert_eq!(rest.items, expected[3..]);
    let elsewhere = ledger
        .businesses_with_work((shard + 1) % 8, None)
        .await
        .unwrap();
    assert!(elsewhere.items.is_empty());

    assert_eq!(
        commit_lease(&ledger, &from, 1).await.unwrap(),
        Commit::Applied
    );
    let found = ledger.businesses_with_work(shard, None).await.unwrap();
    assert!(found.items.contains(&acme()));

    let from = load(&ledger, &acme()).await;
    let commit = ledger
        .commit(&acme(), &from, &State::new(3), &[])
        .await
        .unwrap();
    assert_eq!(commit, Commit::Applied);
    let found = ledger.businesses_with_work(shard, None).await.unwrap();
    assert!(!found.items.contains(&acme()));
}
