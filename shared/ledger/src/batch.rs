//! Many items in few requests, with a bound on how often what was left over is tried again.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use futures::future::try_join_all;

use crate::Ledger;
use crate::item::Item;

/// DynamoDB's limit for one request:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
const WRITES_MAX: usize = 25;
/// DynamoDB's limit for one request:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
const READS_MAX: usize = 100;
/// How many requests are under way at once.
const ABREAST: usize = 4;
/// How often what a request left over is sent again. DynamoDB leaves items over where it
/// is short of capacity, which passes.
const AGAIN_MAX: u32 = 8;
/// The first wait before sending again; each further one doubles.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Whether a read must see every write before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Consistent,
    /// Half the price, and may miss the last second.
    Eventual,
}

impl Reading {
    pub(crate) fn is_consistent(self) -> bool {
        self == Self::Consistent
    }
}

impl Ledger {
    /// Reads the items of these keys that exist, in no particular order. Each key only once.
    ///
    /// `projection` names the attributes that are wanted, separated by commas, none of
    /// them a reserved word.
    pub(crate) async fn items(
        &self,
        keys: Vec<Item>,
        projection: Option<&str>,
        reading: Reading,
    ) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let chunks: Vec<_> = keys.chunks(READS_MAX).collect();
        for abreast in chunks.chunks(ABREAST) {
            let reads = abreast
                .iter()
                .map(|keys| self.some_items(keys, projection, reading));
            items.extend(try_join_all(reads).await?.into_iter().flatten());
        }
        Ok(items)
    }

    async fn some_items(
        &self,
        keys: &[Item],
        projection: Option<&str>,
        reading: Reading,
    ) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(keys.len());
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.to_vec()))
            .set_projection_expression(projection.map(str::to_owned))
            .consistent_read(reading.is_consistent())
            .build()?;
        for again in 0..=AGAIN_MAX {
            let read = self
                .client
                .batch_get_item()
                .request_items(&self.table, wanted);
            let read = read
                .send()
                .await
                .context("failed to read a batch of items")?;
            let found = read
                .responses
                .and_then(|mut tables| tables.remove(&self.table));
            items.extend(found.unwrap_or_default());
            match read
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.table))
            {
                Some(left) => wanted = left,
                None => return Ok(items),
            }
            tokio::time::sleep(AGAIN_AFTER * 2_u32.pow(again)).await;
        }
        bail!("failed to read a batch of items: the table is short of capacity")
    }

    /// Carries out all writes, in no particular order. What a failure leaves undone is unknown.
    ///
    /// There are no conditions in batches: only for items that nobody else writes.
    pub(crate) async fn write_all(&self, writes: Vec<WriteRequest>) -> Result<()> {
        let chunks: Vec<_> = writes.chunks(WRITES_MAX).collect();
        for abreast in chunks.chunks(ABREAST) {
            try_join_all(abreast.iter().map(|writes| self.write_some(writes))).await?;
        }
        Ok(())
    }

    /// Deletes the items of these keys, which nobody else writes.
    pub(crate) async fn delete_all(&self, keys: impl IntoIterator<Item = Item>) -> Result<()> {
        let deletes = keys.into_iter().map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key)).build()?;
            anyhow::Ok(WriteRequest::builder().delete_request(delete).build())
        });
        self.write_all(deletes.collect::<Result<_>>()?).await
    }

    async fn write_some(&self, writes: &[WriteRequest]) -> Result<()> {
        let mut writes = writes.to_vec();
        for again in 0..=AGAIN_MAX {
            let write = self
                .client
                .batch_write_item()
                .request_items(&self.table, writes);
            let written = write
                .send()
                .await
                .context("failed to write a batch of items")?;
            let left = written
                .unprocessed_items
                .and_then(|mut tables| tables.remove(&self.table));
            match left {
                Some(left) if !left.is_empty() => writes = left,
                Some(_) | None => return Ok(()),
            }
            tokio::time::sleep(AGAIN_AFTER * 2_u32.pow(again)).await;
        }
        bail!("failed to write a batch of items: the table is short of capacity")
    }
}
