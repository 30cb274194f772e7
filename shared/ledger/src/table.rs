//! The table itself: its names, which the template repeats, and how a local stack makes it.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use ringfence_core::ids::BusinessId;

/// The partition key, a string.
pub const PK: &str = "pk";
/// The sort key, a string.
pub const SK: &str = "sk";
/// The index of the businesses that have work: hash [`WORK`], range [`PK`], keys only.
pub const WORK_INDEX: &str = "work";
/// The attribute that puts a state into the index: its shard, while there is work.
pub const WORK: &str = "work";
/// The attribute of records that are deleted some time after it, in seconds since the epoch.
pub const EXPIRES: &str = "expires";
/// How many shards the index has. A thousand businesses changing at once would be one
/// hot partition of it; eight carry eight thousand writes a second.
pub const WORK_SHARDS: u32 = 8;

/// Makes an empty table, for a local stack. Leaves one that is there as it is.
///
/// # Errors
///
/// When the table could not be made.
pub async fn create_table(client: &Client, table: &str) -> Result<()> {
    let work_index = GlobalSecondaryIndex::builder()
        .index_name(WORK_INDEX)
        .key_schema(key(WORK, KeyType::Hash)?)
        .key_schema(key(PK, KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()?;
    let made = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(string(PK)?)
        .attribute_definitions(string(SK)?)
        .attribute_definitions(string(WORK)?)
        .key_schema(key(PK, KeyType::Hash)?)
        .key_schema(key(SK, KeyType::Range)?)
        .global_secondary_indexes(work_index)
        .send()
        .await;
    match made {
        Ok(_) => {}
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception()) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error).context("failed to create the table"),
    }
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name(EXPIRES)
        .enabled(true)
        .build()?;
    client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(expiry)
        .send()
        .await
        .context("failed to set the expiry of the table")?;
    Ok(())
}

/// The shard of the index that a business is in: FNV-1a of its id, the same for ever.
pub fn work_shard(business: &BusinessId) -> u32 {
    let hash = business
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    hash % WORK_SHARDS
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement> {
    let key = KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind);
    Ok(key.build()?)
}

fn string(name: &str) -> Result<AttributeDefinition> {
    let attribute = AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S);
    Ok(attribute.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_keeps_its_shard() {
        let shards = ["acme", "globex", "initech", "a", "b-1"];
        let shards = shards.map(|id| work_shard(&id.parse().unwrap()));
        assert_eq!(shards, [7, 6, 1, 4, 3]);
    }
}
