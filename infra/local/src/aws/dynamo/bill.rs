//! Reads off what a request costs in DynamoDB's units.

use dynoxide::types::{TRANSACTIONAL_CAPACITY_FACTOR, item_size, table_write_capacity_units};
use dynoxide::{DynoxideError, Item};
use serde_json::Value;

/// The field of an answer that says what it cost.
pub(super) const CONSUMED: &str = "ConsumedCapacity";

/// Asks the database to say what the request costs; tells whether the caller had asked as well.
pub(super) fn ask(operation: &str, request: &mut Value) -> bool {
    const WISH: &str = "ReturnConsumedCapacity";
    let is_about_tables = operation.contains("Table") || operation.contains("TimeToLive");
    let Some(fields) = request.as_object_mut().filter(|_| !is_about_tables) else {
        return true;
    };
    let is_wanted = fields.get(WISH).is_some_and(|wish| wish != "NONE");
    if !is_wanted {
        fields.insert(WISH.to_owned(), "TOTAL".into());
    }
    is_wanted
}

/// Read units and write units that an answer speaks of.
///
/// A transaction names its kind of unit: one that is replayed by its token costs reads.
pub(super) fn units(operation: &str, answer: &Value) -> (f64, f64) {
    let is_read = operation.contains("Get") || matches!(operation, "Query" | "Scan");
    let tables = match &answer[CONSUMED] {
        Value::Array(tables) => tables.as_slice(),
        table => std::slice::from_ref(table),
    };
    tables.iter().fold((0.0, 0.0), |(reads, writes), table| {
        let units = |kind: &str| table[kind].as_f64();
        let (read, write) = match (units("ReadCapacityUnits"), units("WriteCapacityUnits")) {
            (None, None) if is_read => (units("CapacityUnits"), None),
            (None, None) => (None, units("CapacityUnits")),
            named => named,
        };
        (
            reads + read.unwrap_or_default(),
            writes + write.unwrap_or_default(),
        )
    })
}

/// Whether a write, or any action of a transaction, has a condition.
pub(super) fn is_conditional(request: &Value) -> bool {
    let has_condition = |write: &Value| {
        write.get("ConditionExpression").is_some() || write.get("Expected").is_some()
    };
    has_condition(request) || actions(request).any(has_condition)
}

/// The size of each item that a request would put, in the order of its actions.
pub(super) fn new_images(request: &Value) -> Vec<Option<usize>> {
    let size = |write: &Value| {
        let item = serde_json::from_value::<Item>(write.get("Item")?.clone()).ok()?;
        Some(item_size(&item))
    };
    match request.get("TransactItems") {
        Some(_) => actions(request).map(size).collect(),
        None => vec![size(request)],
    }
}

/// What a write refused by its condition costs; nothing for any other error.
///
/// A refused write is charged for the larger of the item as it is and as it would have become, at
/// least one unit:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>.
/// The item as it is, is known here only if the request wants it back. A refused transaction is
/// counted as if all of it had been written, the most that it can cost.
pub(super) fn refused_units(error: &DynoxideError, new_images: &[Option<usize>]) -> Option<f64> {
    if let DynoxideError::ConditionalCheckFailedException(_, old) = error {
        let new = new_images.first().copied().flatten();
        return Some(table_write_capacity_units(old.as_ref().map(item_size), new));
    }
    let DynoxideError::TransactionCanceledException(_, reasons) = error else {
        return None;
    };
    if !reasons
        .iter()
        .any(|reason| reason.code == "ConditionalCheckFailed")
    {
        return None;
    }
    let units = reasons
        .iter()
        .zip(new_images)
        .map(|(reason, new)| table_write_capacity_units(reason.item.as_ref().map(item_size), *new));
    Some(TRANSACTIONAL_CAPACITY_FACTOR * units.sum::<f64>())
}

/// The puts, updates, deletes and checks of a transaction.
pub(super) fn actions(request: &Value) -> impl Iterator<Item = &Value> {
    let entries = request
        .get("TransactItems")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    entries.filter_map(|entry| entry.as_object()?.values().next())
}
