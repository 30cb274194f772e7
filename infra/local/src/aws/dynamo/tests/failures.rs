//! Requests that are made to fail, and processes that are made to die.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_repeated_by_the_sdk() {
    let (dynamo, client) = ledger().await;
    put(&client, item("STATE", 1)).await;
    let start = dynamo.meter().snapshot();
    dynamo.faults().plan(StoreFault {
        operation: Some("UpdateItem"),
        kind: FaultKind::Unavailable(Side::After),
        when: When::Next(1),
    });

    let result = advance(&client, "STATE", 1).await;

    let refused = result.unwrap_err().into_service_error();
    assert!(
        refused.is_conditional_check_failed_exception(),
        "{refused:?}"
    );
    assert_eq!(get(&client, "STATE").await, Some(item("STATE", 2)));
    assert_eq!(dynamo.faults().struck(), 1);
    assert_eq!(
        dynamo.meter().snapshot().since(&start).by_operation["UpdateItem"],
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_transaction_whose_answer_was_lost_is_applied_once() {
    let (dynamo, client) = ledger().await;
    put(&client, item("STATE", 1)).await;
    dynamo.faults().plan(StoreFault {
        operation: Some("TransactWriteItems"),
        kind: FaultKind::Unavailable(Side::After),
        when: When::Next(1),
    });
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key("STATE")))
        .update_expression("ADD rev :one")
        .expression_attribute_values(":one", number(1));
    let action = TransactWriteItem::builder()
        .update(update.build().unwrap())
        .build();

    client
        .transact_write_items()
        .transact_items(action)
        .send()
        .await
        .unwrap();

    assert_eq!(get(&client, "STATE").await, Some(item("STATE", 2)));
    assert_eq!(dynamo.faults().struck(), 1);
}

/// Plans `times` faults of a kind on writes: does a write survive, and how many attempts reach it?
async fn check_retries(kind: FaultKind, times: u32, survives: bool, attempts: u64) {
    let (dynamo, client) = ledger().await;
    dynamo.faults().plan(StoreFault {
        operation: Some("PutItem"),
        kind,
        when: When::Next(times),
    });
    let result = create(&client, "STATE", 1).await;
    assert_eq!(result.is_ok(), survives, "{kind:?} {times}");
    assert_eq!(
        get(&client, "STATE").await.is_some(),
        survives,
        "{kind:?} {times}"
    );
    assert_eq!(
        dynamo.meter().snapshot().by_operation["PutItem"],
        attempts,
        "{kind:?} {times}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_sdk_outlasts_two_failures_and_gives_up_at_the_third() {
    check_retries(FaultKind::Unavailable(Side::Before), 2, true, 3).await;
    check_retries(FaultKind::Unavailable(Side::Before), 3, false, 3).await;
    check_retries(FaultKind::Throttled, 2, true, 3).await;
    check_retries(FaultKind::Throttled, 3, false, 3).await;
    check_retries(FaultKind::Conflict, 1, false, 1).await;
}

#[tokio::test]
async fn a_conflicting_transaction_is_canceled_for_that_reason() {
    let (dynamo, client) = ledger().await;
    dynamo.faults().plan(StoreFault {
        operation: None,
        kind: FaultKind::Conflict,
        when: When::Next(1),
    });
    let transact = || {
        client
            .transact_write_items()
            .transact_items(put_action(item("RUN#1", 1), None))
            .transact_items(put_action(item("STATE", 1), None))
            .send()
    };
    assert_eq!(
        codes(&reasons(transact().await)),
        ["TransactionConflict", "None"]
    );
    assert_eq!(get(&client, "STATE").await, None);
    transact().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_share_of_failures_is_the_same_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (dynamo, client) = ledger().await;
        dynamo.faults().reset(42);
        dynamo.faults().plan(StoreFault {
            operation: Some("GetItem"),
            kind: FaultKind::Throttled,
            when: When::Share(0.2),
        });
        for _ in 0..50 {
            let request = client
                .get_item()
                .table_name(TABLE)
                .set_key(Some(key("STATE")));
            let _ = request.send().await;
        }
        runs.push(dynamo.faults().struck());
    }
    assert_eq!(runs[0], runs[1]);
    assert!((5..25).contains(&runs[0]), "{runs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_after_a_write_leaves_the_write_and_nothing_later() {
    for (side, written) in [(Side::Before, None), (Side::After, Some(item("STATE", 1)))] {
        let (dynamo, outside) = ledger().await;
        let trap = Trap::default();
        let inside = dynamo.client_with(&trap);
        trap.arm(CrashPoint { nth: 2, side });
        let process = async {
            get(&inside, "STATE").await;
            put(&inside, item("STATE", 1)).await;
            put(&inside, item("RUN#1", 1)).await;
        };
        tokio::select! {
            () = process => panic!("the process outlived its crash"),
            () = trap.sprung() => {}
        }
        assert_eq!(trap.requests(), ["GetItem", "PutItem"]);
        assert_eq!(get(&outside, "STATE").await, written, "{side:?}");
        assert_eq!(get(&outside, "RUN#1").await, None);
    }
}
