//! Deletes businesses, in an order that a crash at any point leaves safe to repeat.
//!
//! First, in one transaction, what makes the business exist gives way to a mark: from
//! then on nothing finds it, nothing can be started or claimed in its name, and no key
//! can be made for it. Then go its keys, and last its records, a bounded number at a time.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use ringfence_core::ids::{BusinessId, RosterId};
use ringfence_core::time::Timestamp;
use uuid::Uuid;

use crate::Ledger;
use crate::item::{Fields, Item, number, put, text, time, version};
use crate::key::{GONE, Key, do_not_call_partition, leads_partition, partition};
use crate::table::{PK, SK};
use crate::write::{WriteId, canceled_by};

/// Whether a business was marked as deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Mark {
    Marked,
    /// Its state is not the one that was looked at. Decide again.
    Stale,
}

/// What is left of a deleted business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Rest {
    /// Only its mark. So many records were deleted now.
    Nothing { deleted: usize },
    /// Perhaps something: the bound was reached.
    Something,
}

/// Where runs and lists keep the id of their roster.
const ROSTER: &str = "roster";
const DELETED_AT: &str = "deleted_at";
/// How many records are read, and then deleted, at a time.
const PAGE: i32 = 500;

impl Ledger {
    /// Puts the mark in the place of a business whose state is the one of revision `rev`.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was marked. Look again.
    pub async fn mark_deleted(
        &self,
        business: &BusinessId,
        rev: u64,
        now: Timestamp,
    ) -> Result<Mark> {
        let state = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::State(business).attributes()))
            .condition_expression("rev = :rev")
            .expression_attribute_values(":rev", number(rev))
            .build()?;
        // No conditions on these two: they go with the state.
        let config = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Config(business).attributes()))
            .build()?;
        let mut mark = Key::Gone(business).attributes();
        let (name, value) = version();
        put(
            &mut mark,
            [(name, Some(value)), (DELETED_AT, Some(time(now)))],
        );
        let mark = Put::builder()
            .table_name(&self.table)
            .set_item(Some(mark))
            .build()?;
        let sent = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().delete(state).build())
            .transact_items(TransactWriteItem::builder().delete(config).build())
            .transact_items(TransactWriteItem::builder().put(mark).build())
            .client_request_token(WriteId::fresh().token())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Mark::Marked),
            Err(error) if canceled_by(&error, 0).is_some() => Ok(Mark::Stale),
            Err(error) => Err(error).context("failed to mark a business as deleted"),
        }
    }

    /// Whether there was a business of this id that was deleted (a consistent read).
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn is_deleted(&self, business: &BusinessId) -> Result<bool> {
        let item = self.item(Key::Gone(business)).await;
        Ok(item.context("failed to look for a mark")?.is_some())
    }

    /// Deletes what is left of a business that is marked: its keys, and then its records,
    /// until there are none or more than `most` were deleted. Safe to repeat.
    ///
    /// # Errors
    ///
    /// When something could not be read or deleted. Do it again.
    pub async fn delete_rest(&self, business: &BusinessId, most: usize) -> Result<Rest> {
        let keys = self.key_listings(business).await?;
        for key in &keys {
            // Gone already, or not: either way it is gone now.
            let _ = self.delete_key(business, &key.key_id).await?;
        }
        let mut deleted = keys.len();
        // The leads and the do-not-call list are in partitions of their own.
        let mut partitions = [
            leads_partition(business),
            do_not_call_partition(business),
            partition(business),
        ]
        .into_iter();
        let mut pk = partitions.next().context("there are three")?;
        while deleted <= most {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(pk.as_str()))
                .projection_expression("pk, sk, roster")
                .consistent_read(true)
                .limit(PAGE)
                .send()
                .await
                .context("failed to read what is left of a business")?;
            let rows = found.items().iter().filter(|item| !is_mark(item));
            let rows: Vec<&Item> = rows.collect();
            if rows.is_empty() {
                match partitions.next() {
                    Some(next) => pk = next,
                    None => return Ok(Rest::Nothing { deleted }),
                }
                continue;
            }
            // First what only a record leads to.
            for row in &rows {
                let row = Fields::inside(row);
                if row.has(ROSTER) {
                    let roster = RosterId::new(Uuid::from_bytes(row.array(ROSTER)?));
                    deleted += self.delete_roster_pages(roster).await?;
                }
            }
            deleted += rows.len();
            // No conditions: nothing finds them any more.
            let gone = self.delete_all(rows.into_iter().map(key_of)).await;
            gone.context("failed to delete what is left of a business")?;
        }
        Ok(Rest::Something)
    }

    async fn delete_roster_pages(&self, roster: RosterId) -> Result<usize> {
        // A roster's keys are far below the megabyte that one request reads.
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(Key::RosterPage(roster, 0).pk()))
            .projection_expression("pk, sk")
            .consistent_read(true)
            .send()
            .await
            .context("failed to read the pages of a roster")?;
        let pages = found.items();
        let gone = self.delete_all(pages.iter().map(key_of)).await;
        gone.context("failed to delete the pages of a roster")?;
        Ok(pages.len())
    }
}

fn is_mark(item: &Item) -> bool {
    item.get(SK) == Some(&text(GONE))
}

fn key_of(item: &Item) -> Item {
    let parts = [PK, SK].map(|name| Some((name.to_owned(), item.get(name)?.clone())));
    parts.into_iter().flatten().collect()
}
