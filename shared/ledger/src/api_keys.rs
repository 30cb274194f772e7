//! Stores, finds, lists and revokes API keys, and notes that they are used.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;

use crate::Ledger;
use crate::api_key::{self, ApiKey, KeyListing};
use crate::batch::Reading;
use crate::businesses::Change;
use crate::item::{Fields, text, time};
use crate::key::{API_KEY, Key, partition};
use crate::table::PK;
use crate::write::{Failure, WriteId, canceled_by};

/// Whether a key was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Revocation {
    Revoked,
    /// The business has no such key.
    NoSuchKey,
}

/// Longer texts are no key ids of ours.
const KEY_ID_LEN_MAX: usize = 64;

impl Ledger {
    /// Stores a new key. Safe to repeat.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was stored, and when its id is taken.
    pub async fn put_key(&self, key: &ApiKey) -> Result<Change> {
        let mut items = vec![self.put_new(api_key::to_item(key))?];
        if let Some(business) = &key.business {
            items.push(self.put_new(api_key::to_listing(business, key))?);
            let check = ConditionCheck::builder()
                .table_name(&self.table)
                .set_key(Some(Key::Config(business).attributes()))
                .condition_expression("attribute_exists(pk)")
                .build()?;
            items.push(TransactWriteItem::builder().condition_check(check).build());
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(WriteId::fresh().token())
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Change::Changed);
        };
        if canceled_by(&error, 2).is_some() {
            return Ok(Change::NoSuchBusiness);
        }
        match canceled_by(&error, 0) {
            Some(item) => {
                let stored = item.context("a refused API key must come with its item")?;
                let stored = api_key::from_item(&key.key_id, stored)?;
                if stored.secret_digest != key.secret_digest || stored.business != key.business {
                    bail!("the id of an API key is taken");
                }
                Ok(Change::Changed)
            }
            None => Err(error).context("failed to store an API key"),
        }
    }

    /// The key of this id (a consistent read: a revoked key must not be found).
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn key(&self, key_id: &str) -> Result<Option<ApiKey>> {
        let is_plain = key_id.bytes().all(|c| c.is_ascii_alphanumeric());
        if !is_plain || !(1..=KEY_ID_LEN_MAX).contains(&key_id.len()) {
            return Ok(None);
        }
        let item = self.item(Key::Credential(key_id)).await;
        let item = item.context("failed to read an API key")?;
        item.as_ref()
            .map(|item| api_key::from_item(key_id, item))
            .transpose()
    }

    /// Notes that a key was used in the hour that begins at `hour`, if that is news.
    /// A key that was revoked meanwhile stays away.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was noted.
    pub async fn note_key_use(&self, key_id: &str, hour: Timestamp) -> Result<()> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Credential(key_id).attributes()))
            .update_expression("SET last_used_at = :hour")
            .condition_expression(
                "attribute_exists(pk) \
                 AND (attribute_not_exists(last_used_at) OR last_used_at < :hour)",
            )
            .expression_attribute_values(":hour", time(hour))
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(Failure::Unclear(error)) => Err(error).context("failed to note a key's use"),
        }
    }

    /// The keys of a business (consistent), and when each was last used.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn keys(&self, business: &BusinessId) -> Result<Vec<KeyListing>> {
        let mut keys = self.key_listings(business).await?;
        let credentials = keys
            .iter()
            .map(|key| Key::Credential(&key.key_id).attributes());
        let credentials = self
            .items(
                credentials.collect(),
                Some("pk, last_used_at"),
                Reading::Eventual,
            )
            .await
            .context("failed to read API keys")?;
        let mut uses = HashMap::new();
        for item in &credentials {
            let pk = Fields::inside(item).text(PK)?;
            uses.insert(pk.to_owned(), api_key::last_use(item)?);
        }
        for key in &mut keys {
            let pk = Key::Credential(&key.key_id).pk();
            key.last_used_at = uses.get(&pk).copied().flatten();
        }
        Ok(keys)
    }

    /// The keys of a business (consistent), without their uses.
    pub(crate) async fn key_listings(&self, business: &BusinessId) -> Result<Vec<KeyListing>> {
        let mut keys = Vec::new();
        let mut from = None;
        // Each request reads up to a megabyte, so the business's keys are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :key)")
                .expression_attribute_values(":pk", text(partition(business)))
                .expression_attribute_values(":key", text(API_KEY))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to read API keys")?;
            for item in found.items() {
                keys.push(api_key::from_listing(item)?);
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Revokes a key of this business.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was revoked.
    pub async fn delete_key(&self, business: &BusinessId, key_id: &str) -> Result<Revocation> {
        let key = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Credential(key_id).attributes()))
            .condition_expression("business_id = :business")
            .expression_attribute_values(":business", text(business.as_str()))
            .build()?;
        // No condition of its own: it goes with the key.
        let listing = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::CredentialOf(business, key_id).attributes()))
            .build()?;
        let sent = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().delete(key).build())
            .transact_items(TransactWriteItem::builder().delete(listing).build())
            .client_request_token(WriteId::fresh().token())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Revocation::Revoked),
            Err(error) if canceled_by(&error, 0).is_some() => Ok(Revocation::NoSuchKey),
            Err(error) => Err(error).context("failed to revoke an API key"),
        }
    }
}
