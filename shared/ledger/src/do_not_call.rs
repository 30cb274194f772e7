//! Whom a business must not call.
//!
//! An entry lies under a keyed hash of its number, so it can outlive the number: once the
//! person is erased, the hash still bars whoever has it, and tells nothing without the key.
//! The list has a partition of its own, so that a long one cannot slow down the state.

mod entry;
mod hashes;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::DoNotCall;

use self::entry::{entry_id, from_item, to_item};
use crate::Ledger;
use crate::batch::Reading;
use crate::item::text;
use crate::key::{Key, NUMBER, do_not_call_partition};
use crate::write::Failure;

pub use self::entry::{BadEntryId, DoNotCallEntry, EntryId, NewEntry};
pub(crate) use self::hashes::{HashKey, HashKeys};

/// How much was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Additions {
    pub added: u32,
    /// On the list before, or twice among what was given. Nothing of them is changed.
    pub known: u32,
}

impl DoNotCall for Ledger {
    async fn listed(
        &self,
        business: &BusinessId,
        numbers: &[PhoneNumber],
    ) -> Result<BTreeSet<PhoneNumber>> {
        let Some(key) = self.hash_key(business).await? else {
            return Ok(BTreeSet::new());
        };
        let ids: BTreeMap<EntryId, &PhoneNumber> = numbers
            .iter()
            .map(|number| (key.hash(number), number))
            .collect();
        let found = self.known_entries(business, ids.keys()).await?;
        Ok(found
            .iter()
            .filter_map(|id| ids.get(id).copied().cloned())
            .collect())
    }
}

impl Ledger {
    /// Adds numbers to a business's list. They hold once `flows::business::heed_do_not_call`
    /// has raised the state's revision.
    ///
    /// Safe to repeat; a crash leaves some of them added, and a repeat adds the others.
    ///
    /// # Errors
    ///
    /// The table could not be read or written; some of them may have been added.
    pub async fn add_do_not_call(
        &self,
        business: &BusinessId,
        entries: &[NewEntry],
        added_by: &str,
        now: Timestamp,
    ) -> Result<Additions> {
        let key = self.make_hash_key(business).await?;
        let given = entries.len();
        let mut fresh: BTreeMap<EntryId, &NewEntry> = BTreeMap::new();
        for entry in entries {
            fresh.entry(key.hash(&entry.phone)).or_insert(entry);
        }
        let known = self.known_entries(business, fresh.keys()).await?;
        fresh.retain(|id, _| !known.contains(id));
        let added = fresh.len();
        // No condition: whoever adds the same number at the same moment adds the same.
        let puts = fresh.into_iter().map(|(id, entry)| {
            let NewEntry {
                phone,
                reason,
                source,
            } = entry.clone();
            let entry = DoNotCallEntry {
                id,
                phone: Some(phone),
                reason,
                source,
                added_at: now,
                added_by: added_by.to_owned(),
            };
            let item = to_item(business, &entry);
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            anyhow::Ok(WriteRequest::builder().put_request(put).build())
        });
        let written = self.write_all(puts.collect::<Result<_>>()?).await;
        written.context("failed to add to the do-not-call list")?;
        let count = |n: usize| u32::try_from(n).context("too many numbers");
        Ok(Additions {
            added: count(added)?,
            known: count(given - added)?,
        })
    }

    /// A page of the list in an order of its own, and where the next one begins.
    ///
    /// # Errors
    ///
    /// The table could not be read.
    pub async fn do_not_call(
        &self,
        business: &BusinessId,
        limit: u32,
        after: Option<&EntryId>,
    ) -> Result<(Vec<DoNotCallEntry>, Option<EntryId>)> {
        let from = after.map(|id| Key::Number(business, id.as_str()).attributes());
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :number)")
            .expression_attribute_values(":pk", text(do_not_call_partition(business)))
            .expression_attribute_values(":number", text(NUMBER))
            .consistent_read(true)
            .limit(i32::try_from(limit).context("too long a page")?)
            .set_exclusive_start_key(from)
            .send()
            .await
            .context("failed to read the do-not-call list")?;
        let entries: Vec<DoNotCallEntry> =
            found.items().iter().map(from_item).collect::<Result<_>>()?;
        let next = found.last_evaluated_key.is_some();
        let next = entries.last().filter(|_| next).map(|last| last.id.clone());
        Ok((entries, next))
    }

    /// The entry of a number, if it is on the list (a consistent read).
    ///
    /// # Errors
    ///
    /// The table could not be read.
    pub async fn do_not_call_entry(
        &self,
        business: &BusinessId,
        number: &PhoneNumber,
    ) -> Result<Option<DoNotCallEntry>> {
        let Some(key) = self.hash_key(business).await? else {
            return Ok(None);
        };
        self.do_not_call_entry_of(business, &key.hash(number)).await
    }

    /// The entry of this id (a consistent read).
    ///
    /// # Errors
    ///
    /// The table could not be read.
    pub async fn do_not_call_entry_of(
        &self,
        business: &BusinessId,
        id: &EntryId,
    ) -> Result<Option<DoNotCallEntry>> {
        let item = self.item(Key::Number(business, id.as_str())).await;
        let item = item.context("failed to read the do-not-call list")?;
        item.as_ref().map(from_item).transpose()
    }

    /// Takes an entry off the list. False if there is none.
    ///
    /// # Errors
    ///
    /// It could not be found out whether it was taken off; doing it again is safe.
    pub async fn remove_do_not_call(&self, business: &BusinessId, id: &EntryId) -> Result<bool> {
        let removed = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::Number(business, id.as_str()).attributes()))
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        let Err(error) = removed else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(false),
            Some(_) | None => Err(error).context("failed to remove from the do-not-call list"),
        }
    }

    /// Forgets the number of an entry and what was said of it, and keeps the hash: it
    /// still bars whoever has the number. Nothing happens if there is no such entry.
    ///
    /// # Errors
    ///
    /// It could not be found out whether it was forgotten; doing it again is safe.
    pub async fn forget_do_not_call(&self, business: &BusinessId, id: &EntryId) -> Result<()> {
        let forgotten = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Number(business, id.as_str()).attributes()))
            .update_expression("REMOVE phone, why, origin")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match forgotten.map_err(Failure::from) {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(Failure::Unclear(error)) => Err(error).context("failed to forget a number"),
        }
    }

    /// Deletes the whole list of a business that is gone.
    ///
    /// # Errors
    ///
    /// Not all may have been deleted. Doing it again, or deleting the business once more,
    /// deletes the others.
    pub async fn drop_do_not_call(&self, business: &BusinessId) -> Result<()> {
        // Each request reads up to a megabyte and deletes it, so the list is a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(do_not_call_partition(business)))
                .projection_expression("pk, sk")
                .consistent_read(true)
                .send()
                .await
                .context("failed to read the list of a business that is gone")?;
            let items = found.items.unwrap_or_default();
            if items.is_empty() {
                return Ok(());
            }
            let dropped = self.delete_all(items).await;
            dropped.context("failed to delete the list of a business that is gone")?;
        }
    }

    async fn known_entries<'a>(
        &self,
        business: &BusinessId,
        ids: impl Iterator<Item = &'a EntryId>,
    ) -> Result<BTreeSet<EntryId>> {
        let keys = ids.map(|id| Key::Number(business, id.as_str()).attributes());
        let found = self
            .items(keys.collect(), Some("sk"), Reading::Consistent)
            .await;
        let found = found.context("failed to look at the do-not-call list")?;
        found.iter().map(entry_id).collect()
    }
}

#[cfg(test)]
mod tests;
