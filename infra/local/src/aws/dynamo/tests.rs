//! The embedded database, as an SDK client sees it.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, CancellationReason, ConditionCheck,
    KeySchemaElement, KeyType, KeysAndAttributes, Put, PutRequest, ReturnConsumedCapacity,
    ReturnValue, ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TimeToLiveSpecification,
    TimeToLiveStatus, TransactGetItem, TransactWriteItem, Update, WriteRequest,
};

use super::*;
use crate::aws::meter::Usage;
use crate::aws::trap::CrashPoint;

mod bills;
mod failures;
mod operations;

const TABLE: &str = "ledger";

type Item = HashMap<String, AttributeValue>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u32) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(sk: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), text("BIZ#a")),
        ("sk".to_owned(), text(sk)),
    ])
}

fn item(sk: &str, rev: u32) -> Item {
    let mut item = key(sk);
    item.insert("rev".to_owned(), number(rev));
    item
}

/// A database with the ledger's table, and a client of it.
async fn ledger() -> (Dynamo, Client) {
    let dynamo = Dynamo::memory().unwrap();
    let client = dynamo.client();
    create_table(&client).await;
    (dynamo, client)
}

async fn create_table(client: &Client) {
    let mut request = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        request = request
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(element.build().unwrap());
    }
    request.send().await.unwrap();
}

async fn put(client: &Client, item: Item) {
    client
        .put_item()
        .table_name(TABLE)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
}

async fn get(client: &Client, sk: &str) -> Option<Item> {
    let request = client
        .get_item()
        .table_name(TABLE)
        .set_key(Some(key(sk)))
        .consistent_read(true);
    request.send().await.unwrap().item
}

/// Puts revision `rev` where there is nothing yet.
async fn create(client: &Client, sk: &str, rev: u32) -> Result<(), SdkError<PutItemError>> {
    let request = client
        .put_item()
        .table_name(TABLE)
        .set_item(Some(item(sk, rev)))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    request.send().await.map(drop)
}

/// Moves an item from revision `from` to the next.
async fn advance(
    client: &Client,
    sk: &str,
    from: u32,
) -> Result<Option<Item>, SdkError<UpdateItemError>> {
    let request = client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key(sk)))
        .update_expression("SET rev = :next")
        .condition_expression("rev = :rev")
        .expression_attribute_values(":rev", number(from))
        .expression_attribute_values(":next", number(from + 1))
        .return_values(ReturnValue::AllNew);
    request.send().await.map(|output| output.attributes)
}

fn put_action(item: Item, condition: Option<&str>) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .set_item(Some(item))
        .set_condition_expression(condition.map(str::to_owned))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder()
        .put(put.build().unwrap())
        .build()
}

/// Why a transaction was canceled.
#[track_caller]
fn reasons<T: fmt::Debug>(
    result: Result<T, SdkError<TransactWriteItemsError>>,
) -> Vec<CancellationReason> {
    match result.unwrap_err().into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(canceled) => {
            canceled.cancellation_reasons().to_vec()
        }
        other => panic!("expected a canceled transaction: {other:?}"),
    }
}

fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    reasons
        .iter()
        .map(|reason| reason.code().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn a_committed_write_outlives_a_process_that_never_closes_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let dynamo = Dynamo::open(&data).unwrap();
    create_table(&dynamo.client()).await;
    put(&dynamo.client(), item("STATE", 1)).await;
    // What is on disk at this moment is what a killed process would leave.
    let left_behind = directory.path().join("copy");
    std::fs::create_dir(&left_behind).unwrap();
    for entry in std::fs::read_dir(&data).unwrap() {
        let file = entry.unwrap();
        std::fs::copy(file.path(), left_behind.join(file.file_name())).unwrap();
    }

    let reopened = Dynamo::open(&left_behind).unwrap();

    assert_eq!(
        get(&reopened.client(), "STATE").await,
        Some(item("STATE", 1))
    );
}
