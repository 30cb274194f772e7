//! Speaks with the embedded DynamoDB past the SDK: to prepare and to look, uncounted.

use anyhow::{Context, Result, ensure};
use dynoxide::types::item_size;
use ringfence_core::ids::BusinessId;
use ringfence_local::aws::dynamo::Dynamo;
use serde_json::{Value, json};

/// The name of every table here.
pub(crate) const TABLE: &str = "ringfence";

/// A batch of writes may not have more.
const BATCH_MAX: usize = 25;

/// A way to the database that no meter of the bench counts.
pub(crate) struct Raw(Dynamo);

impl Raw {
    pub(crate) fn of(dynamo: &Dynamo) -> Self {
        Self(dynamo.metered_apart())
    }

    /// Sends one request.
    pub(crate) fn send(&self, operation: &str, request: &Value) -> Result<Value> {
        let body = request.to_string();
        let answer = self.0.handle(operation, body.as_bytes());
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status().is_success(), "{operation}: {text}");
        serde_json::from_str(&text).context("failed to read an answer")
    }

    /// An item in DynamoDB's JSON, if it is there.
    pub(crate) fn get(&self, pk: &str, sk: &str) -> Result<Option<Value>> {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let request = json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true });
        let mut answer = self.send("GetItem", &request)?;
        Ok(answer.get_mut("Item").map(Value::take))
    }

    /// The first item of a partition whose second key part begins so.
    pub(crate) fn first(&self, pk: &str, prefix: &str) -> Result<Option<Value>> {
        let request = json!({
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": { ":pk": { "S": pk }, ":prefix": { "S": prefix } },
            "Limit": 1,
        });
        let mut answer = self.send("Query", &request)?;
        Ok(answer["Items"].get_mut(0).map(Value::take))
    }

    /// Stores items, replacing what is there.
    pub(crate) fn put_all(&self, items: &[Value]) -> Result<()> {
        for batch in items.chunks(BATCH_MAX) {
            let puts: Vec<Value> = batch
                .iter()
                .map(|item| json!({ "PutRequest": { "Item": item } }))
                .collect();
            let request = json!({ "RequestItems": { TABLE: puts } });
            self.send("BatchWriteItem", &request)?;
        }
        Ok(())
    }

    /// The state of a business as it is stored.
    pub(crate) fn state(&self, business: &BusinessId) -> Result<Value> {
        let item = self.get(&format!("BIZ#{business}"), "STATE")?;
        item.context("the business has a state")
    }
}

/// The size of an item by which DynamoDB bills.
pub(crate) fn size_of(item: &Value) -> Result<usize> {
    let item = serde_json::from_value(item.clone()).context("failed to read an item")?;
    Ok(item_size(&item))
}
