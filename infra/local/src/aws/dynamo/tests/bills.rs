//! What requests cost.

use super::*;

/// What `Usage` a span of requests cost.
#[track_caller]
fn check_units(span: &Usage, reads: f64, writes: f64, conditional: u64, failed: u64) {
    let counted = (
        span.read_units,
        span.write_units,
        span.conditional_writes,
        span.failed_conditions,
    );
    assert_eq!(counted, (reads, writes, conditional, failed), "{span:?}");
}

#[tokio::test]
async fn requests_are_metered_in_the_units_that_aws_bills() {
    let (dynamo, client) = ledger().await;
    let mut large = item("STATE", 1);
    large.insert("active".to_owned(), text(&"x".repeat(1500)));

    let start = dynamo.meter().snapshot();
    put(&client, large).await;
    check_units(&dynamo.meter().snapshot().since(&start), 0.0, 2.0, 0, 0);

    let start = dynamo.meter().snapshot();
    get(&client, "STATE").await;
    client
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key("STATE")))
        .send()
        .await
        .unwrap();
    check_units(&dynamo.meter().snapshot().since(&start), 1.5, 0.0, 0, 0);

    let start = dynamo.meter().snapshot();
    advance(&client, "STATE", 1).await.unwrap();
    check_units(&dynamo.meter().snapshot().since(&start), 0.0, 2.0, 1, 0);

    let start = dynamo.meter().snapshot();
    let request = client.transact_write_items();
    request
        .transact_items(put_action(item("RUN#1", 1), None))
        .send()
        .await
        .unwrap();
    let span = dynamo.meter().snapshot().since(&start);
    check_units(&span, 0.0, 2.0, 0, 0);
    assert_eq!(span.by_operation["TransactWriteItems"], 1);
}

#[tokio::test]
async fn a_refused_write_costs_what_it_would_have_written_over() {
    let (dynamo, client) = ledger().await;
    let mut large = item("STATE", 7);
    large.insert("active".to_owned(), text(&"x".repeat(2500)));
    put(&client, large).await;

    let start = dynamo.meter().snapshot();
    create(&client, "STATE", 1).await.unwrap_err();
    check_units(&dynamo.meter().snapshot().since(&start), 0.0, 3.0, 1, 1);

    // The old item is not asked for, and so not known.
    let start = dynamo.meter().snapshot();
    advance(&client, "STATE", 1).await.unwrap_err();
    check_units(&dynamo.meter().snapshot().since(&start), 0.0, 1.0, 1, 1);

    let start = dynamo.meter().snapshot();
    let request = client
        .transact_write_items()
        .transact_items(put_action(item("RUN#1", 1), None))
        .transact_items(put_action(
            item("STATE", 1),
            Some("attribute_not_exists(pk)"),
        ));
    request.send().await.unwrap_err();
    check_units(&dynamo.meter().snapshot().since(&start), 0.0, 8.0, 1, 1);
}

#[tokio::test]
async fn a_bill_reaches_only_the_caller_who_asked_for_it() {
    let (_dynamo, client) = ledger().await;
    let put = || {
        client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item("STATE", 1)))
    };
    assert_eq!(put().send().await.unwrap().consumed_capacity, None);
    let asked = put()
        .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
        .send()
        .await;
    assert_eq!(
        asked.unwrap().consumed_capacity.unwrap().capacity_units(),
        Some(1.0)
    );
}
