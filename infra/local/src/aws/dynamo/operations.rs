//! Leads each DynamoDB operation that the product uses to the embedded database.

use dynoxide::{Database, DynoxideError, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Carries out `operation`. Another than these is refused with a 501, which no client retries.
pub(super) fn call(database: &Database, operation: &str, request: Value) -> Result<Value> {
    match operation {
        "GetItem" => answer(database.get_item(read(request)?)?),
        "PutItem" => answer(database.put_item(read(request)?)?),
        "UpdateItem" => answer(database.update_item(read(request)?)?),
        "DeleteItem" => answer(database.delete_item(read(request)?)?),
        "Query" => answer(database.query(read(request)?)?),
        "Scan" => answer(database.scan(read(request)?)?),
        "BatchGetItem" => answer(database.batch_get_item(read(request)?)?),
        "BatchWriteItem" => answer(database.batch_write_item(read(request)?)?),
        "TransactWriteItems" => answer(database.transact_write_items(read(request)?)?),
        "TransactGetItems" => answer(database.transact_get_items(read(request)?)?),
        "CreateTable" => answer(database.create_table(read(request)?)?),
        "DescribeTable" => answer(database.describe_table(read(request)?)?),
        "ListTables" => answer(database.list_tables(read(request)?)?),
        "UpdateTimeToLive" => answer(database.update_time_to_live(read(request)?)?),
        "DescribeTimeToLive" => answer(database.describe_time_to_live(read(request)?)?),
        unknown => Err(DynoxideError::UnsupportedCapability(unknown.to_owned())),
    }
}

fn answer(response: impl Serialize) -> Result<Value> {
    serde_json::to_value(response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Reads a request, and refuses a bad one as DynamoDB does.
fn read<T: DeserializeOwned>(request: Value) -> Result<T> {
    serde_json::from_value(request).map_err(|error| {
        // The database marks its own refusals so, and expects its caller to take the mark off.
        let message = error.to_string();
        match message.split_once(':') {
            Some((mark, rest)) if mark.starts_with("VALIDATION") => {
                DynoxideError::ValidationException(rest.to_owned())
            }
            Some((mark, rest)) if mark.starts_with("SERIALIZATION") => {
                DynoxideError::SerializationException(rest.to_owned())
            }
            Some(_) | None => DynoxideError::ValidationException(message),
        }
    })
}
