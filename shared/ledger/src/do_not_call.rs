//! Whom a business must not call.
//!
//! An entry lies under a keyed hash of its number, so it can outlive the number: once the
//! person is erased, the hash still bars whoever has it, and tells nothing without the key.
//! The list has a partition of its own, so that a long one cannot slow down the state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::DoNotCall;
use sha2::Sha256;
use thiserror::Error;
use uuid::Uuid;

use crate::Ledger;
use crate::batch::Reading;
use crate::item::{Fields, Item, bytes, put, text, time, version};
use crate::key::{Key, NUMBER, do_not_call_partition, id_of};
use crate::write::Failure;

/// A number that must not be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoNotCallEntry {
    pub id: EntryId,
    /// Absent once the person was erased.
    pub phone: Option<PhoneNumber>,
    pub reason: Option<String>,
    /// Where it comes from: a file, a form, a register.
    pub source: Option<String>,
    pub added_at: Timestamp,
    /// The id of the key that added it.
    pub added_by: String,
}

/// A number to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    pub phone: PhoneNumber,
    pub reason: Option<String>,
    pub source: Option<String>,
}

/// Names an entry: the keyed hash of its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(String);

/// The text names no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("entry id is not well-formed")]
pub struct BadEntryId;

impl std::str::FromStr for EntryId {
    type Err = BadEntryId;

    fn from_str(text: &str) -> Result<Self, BadEntryId> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(hash) if hash.len() == HASH_BYTES => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(BadEntryId),
        }
    }
}

impl EntryId {
    /// The hash in base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Half of a SHA-256: no two numbers of a list share it.
const HASH_BYTES: usize = 16;
/// How many hash keys are remembered before all are forgotten again.
const KEYS_MAX: usize = 4_096;

const PHONE: &str = "phone";
const REASON: &str = "why";
const SOURCE: &str = "origin";
const ADDED_AT: &str = "added_at";
const ADDED_BY: &str = "added_by";
const HASH_KEY: &str = "hash_key";

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
            .map(|number| (hash(&key, number), number))
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
            fresh.entry(hash(&key, &entry.phone)).or_insert(entry);
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
        let item = self
            .item(Key::Number(business, hash(&key, number).as_str()))
            .await;
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

    /// Forgets a number that is on the list, and keeps its hash there.
    ///
    /// # Errors
    ///
    /// It could not be found out whether it was forgotten; doing it again is safe.
    pub async fn forget_do_not_call(
        &self,
        business: &BusinessId,
        number: &PhoneNumber,
    ) -> Result<()> {
        let Some(key) = self.hash_key(business).await? else {
            return Ok(());
        };
        let id = hash(&key, number);
        let forgotten = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Number(business, id.as_str()).attributes()))
            .update_expression("REMOVE phone")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match forgotten.map_err(Failure::from) {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(Failure::Unclear(error)) => Err(error).context("failed to forget a number"),
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

    /// The key of a business's hashes, once its list was ever written to.
    async fn hash_key(&self, business: &BusinessId) -> Result<Option<HashKey>> {
        if let Some(key) = self.hash_keys.get(business) {
            return Ok(Some(key));
        }
        let item = self.item(Key::Hashes(business)).await;
        let Some(item) = item.context("failed to read a hash key")? else {
            return Ok(None);
        };
        let key: HashKey = Fields::of(&item)?.array(HASH_KEY)?;
        self.hash_keys.keep(business, key);
        Ok(Some(key))
    }

    async fn make_hash_key(&self, business: &BusinessId) -> Result<HashKey> {
        if let Some(key) = self.hash_key(business).await? {
            return Ok(key);
        }
        let mut item = Key::Hashes(business).attributes();
        let (name, value) = version();
        // Two random UUIDs are 244 random bits.
        let fresh = [Uuid::new_v4(), Uuid::new_v4()].map(|uuid| *uuid.as_bytes());
        put(
            &mut item,
            [(name, Some(value)), (HASH_KEY, Some(bytes(fresh.concat())))],
        );
        let made = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        // Whoever was first has made the key that holds, perhaps this very request.
        let is_refused = |error: &SdkError<PutItemError>| {
            let error = error.as_service_error();
            error.is_some_and(PutItemError::is_conditional_check_failed_exception)
        };
        if let Err(error) = made
            && !is_refused(&error)
        {
            return Err(error).context("failed to make a hash key");
        }
        let key = self.hash_key(business).await?;
        key.context("a hash key that was made must be there")
    }
}

type HashKey = [u8; 32];

fn hash(key: &HashKey, number: &PhoneNumber) -> EntryId {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a MAC takes keys of any length");
    mac.update(number.expose().as_bytes());
    let hash = mac.finalize().into_bytes();
    EntryId(URL_SAFE_NO_PAD.encode(&hash[..HASH_BYTES]))
}

fn to_item(business: &BusinessId, entry: &DoNotCallEntry) -> Item {
    let mut item = Key::Number(business, entry.id.as_str()).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (
                PHONE,
                entry.phone.as_ref().map(|phone| text(phone.expose())),
            ),
            (REASON, entry.reason.as_deref().map(text)),
            (SOURCE, entry.source.as_deref().map(text)),
            (ADDED_AT, Some(time(entry.added_at))),
            (ADDED_BY, Some(text(&entry.added_by))),
        ],
    );
    item
}

fn from_item(item: &Item) -> Result<DoNotCallEntry> {
    let fields = Fields::of(item).context("failed to read a do-not-call entry")?;
    Ok(DoNotCallEntry {
        id: entry_id(item)?,
        phone: fields.parsed_if_any(PHONE)?,
        reason: fields.text_if_any(REASON)?.map(str::to_owned),
        source: fields.text_if_any(SOURCE)?.map(str::to_owned),
        added_at: fields.time(ADDED_AT)?,
        added_by: fields.text(ADDED_BY)?.to_owned(),
    })
}

fn entry_id(item: &Item) -> Result<EntryId> {
    id_of(item, NUMBER)?
        .parse()
        .context("a do-not-call entry has no id")
}

/// Hash keys that this process has read. They never change.
#[derive(Default)]
pub(crate) struct HashKeys(Mutex<HashMap<BusinessId, HashKey>>);

impl HashKeys {
    fn get(&self, business: &BusinessId) -> Option<HashKey> {
        let keys = self.0.lock().expect("nothing panics while holding it");
        keys.get(business).copied()
    }

    fn keep(&self, business: &BusinessId, key: HashKey) {
        let mut keys = self.0.lock().expect("nothing panics while holding it");
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        keys.insert(business.clone(), key);
    }
}

#[cfg(test)]
mod tests;
