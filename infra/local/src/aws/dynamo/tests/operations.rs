//! What the SDK gets back from each operation.

use super::*;

#[tokio::test]
async fn every_single_item_operation_works_through_the_sdk() {
    let (_dynamo, client) = ledger().await;
    let table = client
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .unwrap()
        .table
        .unwrap();
    assert_eq!(table.key_schema().len(), 2);
    assert_eq!(
        client.list_tables().send().await.unwrap().table_names(),
        [TABLE]
    );

    put(&client, item("RUN#1", 1)).await;
    put(&client, item("RUN#2", 1)).await;
    assert_eq!(get(&client, "RUN#1").await, Some(item("RUN#1", 1)));
    assert_eq!(
        advance(&client, "RUN#1", 1).await.unwrap(),
        Some(item("RUN#1", 2))
    );

    let query = client
        .query()
        .table_name(TABLE)
        .key_condition_expression("pk = :pk AND begins_with(sk, :run)")
        .expression_attribute_values(":pk", text("BIZ#a"))
        .expression_attribute_values(":run", text("RUN#"))
        .scan_index_forward(false);
    assert_eq!(
        query.send().await.unwrap().items(),
        [item("RUN#2", 1), item("RUN#1", 2)]
    );

    client
        .delete_item()
        .table_name(TABLE)
        .set_key(Some(key("RUN#1")))
        .send()
        .await
        .unwrap();
    assert_eq!(get(&client, "RUN#1").await, None);
    assert_eq!(
        client
            .scan()
            .table_name(TABLE)
            .send()
            .await
            .unwrap()
            .count(),
        1
    );
}

#[tokio::test]
async fn batches_write_and_read_many_items() {
    let (_dynamo, client) = ledger().await;
    let writes = (0..25).map(|n| {
        let put = PutRequest::builder().set_item(Some(item(&format!("LEAD#{n:02}"), n)));
        WriteRequest::builder()
            .put_request(put.build().unwrap())
            .build()
    });
    let written = client
        .batch_write_item()
        .request_items(TABLE, writes.collect())
        .send()
        .await;
    assert!(
        written
            .unwrap()
            .unprocessed_items
            .unwrap_or_default()
            .is_empty()
    );

    let wanted = KeysAndAttributes::builder()
        .keys(key("LEAD#03"))
        .keys(key("LEAD#24"));
    let read = client
        .batch_get_item()
        .request_items(TABLE, wanted.build().unwrap())
        .send()
        .await;
    let mut found = read.unwrap().responses.unwrap().remove(TABLE).unwrap();
    found.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    assert_eq!(found, [item("LEAD#03", 3), item("LEAD#24", 24)]);
}

#[tokio::test]
async fn a_time_to_live_is_remembered() {
    let (_dynamo, client) = ledger().await;
    let wish = TimeToLiveSpecification::builder()
        .attribute_name("ttl")
        .enabled(true);
    let request = client.update_time_to_live().table_name(TABLE);
    request
        .time_to_live_specification(wish.build().unwrap())
        .send()
        .await
        .unwrap();

    let told = client
        .describe_time_to_live()
        .table_name(TABLE)
        .send()
        .await
        .unwrap();
    let told = told.time_to_live_description.unwrap();
    assert_eq!(told.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    assert_eq!(told.attribute_name(), Some("ttl"));
}

#[tokio::test]
async fn a_refused_put_hands_back_the_item_that_it_lost_to() {
    let (_dynamo, client) = ledger().await;
    create(&client, "STATE", 7).await.unwrap();
    let lost = create(&client, "STATE", 1)
        .await
        .unwrap_err()
        .into_service_error();
    let PutItemError::ConditionalCheckFailedException(refusal) = lost else {
        panic!("expected a refused condition: {lost:?}");
    };
    assert_eq!(refusal.item(), Some(&item("STATE", 7)));
}

#[tokio::test]
async fn a_canceled_transaction_says_which_action_failed_and_on_what() {
    let (_dynamo, client) = ledger().await;
    put(&client, item("STATE", 7)).await;
    let result = client
        .transact_write_items()
        .transact_items(put_action(item("RUN#1", 1), None))
        .transact_items(put_action(
            item("STATE", 1),
            Some("attribute_not_exists(pk)"),
        ))
        .send()
        .await;

    let reasons = reasons(result);

    assert_eq!(codes(&reasons), ["None", "ConditionalCheckFailed"]);
    assert_eq!(reasons[1].item(), Some(&item("STATE", 7)));
    assert_eq!(
        get(&client, "RUN#1").await,
        None,
        "half of a transaction was written"
    );
}

#[tokio::test]
async fn a_transaction_commits_all_of_its_actions() {
    let (_dynamo, client) = ledger().await;
    put(&client, item("CONFIG", 1)).await;
    put(&client, item("STATE", 7)).await;
    let check = ConditionCheck::builder()
        .table_name(TABLE)
        .set_key(Some(key("CONFIG")))
        .condition_expression("attribute_exists(pk)");
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key("STATE")))
        .update_expression("ADD rev :one")
        .expression_attribute_values(":one", number(1));
    let request = client
        .transact_write_items()
        .transact_items(
            TransactWriteItem::builder()
                .condition_check(check.build().unwrap())
                .build(),
        )
        .transact_items(
            TransactWriteItem::builder()
                .update(update.build().unwrap())
                .build(),
        )
        .transact_items(put_action(item("RUN#1", 1), None));
    request.send().await.unwrap();

    let mut read = client.transact_get_items();
    for sk in ["STATE", "RUN#1"] {
        let get = aws_sdk_dynamodb::types::Get::builder()
            .table_name(TABLE)
            .set_key(Some(key(sk)));
        read = read.transact_items(TransactGetItem::builder().get(get.build().unwrap()).build());
    }
    let read = read.send().await.unwrap();
    let found: Vec<_> = read
        .responses()
        .iter()
        .map(|response| response.item().unwrap().clone())
        .collect();
    assert_eq!(found, [item("STATE", 8), item("RUN#1", 1)]);
}

#[tokio::test]
async fn a_mistake_in_a_request_is_the_callers_and_is_not_retried() {
    let (dynamo, client) = ledger().await;
    let before = dynamo.meter().snapshot();
    let missing = client
        .get_item()
        .table_name("nowhere")
        .set_key(Some(key("STATE")))
        .send()
        .await;
    assert!(
        missing
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let keyless = client
        .put_item()
        .table_name(TABLE)
        .item("pk", text("BIZ#a"))
        .send()
        .await;
    let refused = keyless.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
    let unknown = client
        .describe_limits()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(unknown.meta().code(), Some("UnsupportedOperation"));
    assert_eq!(dynamo.meter().snapshot().since(&before).requests, 3);
}
