//! The keyed hashes by which numbers are known without being written down.

use std::collections::HashMap;
use std::sync::Mutex;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use sha2::Sha256;
use uuid::Uuid;

use super::entry::{EntryId, HASH_BYTES};
use crate::Ledger;
use crate::item::{Fields, bytes, put, version};
use crate::key::Key;

/// The key of a business's hashes.
#[derive(Clone, Copy)]
pub(crate) struct HashKey(pub(super) [u8; 32]);

impl HashKey {
    /// The id that the entry of a number has, whether there is one or not.
    pub(crate) fn hash(self, number: &PhoneNumber) -> EntryId {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("a MAC takes keys of any length");
        mac.update(number.expose().as_bytes());
        let hash = mac.finalize().into_bytes();
        EntryId(URL_SAFE_NO_PAD.encode(&hash[..HASH_BYTES]))
    }
}

const HASH_KEY: &str = "hash_key";
/// How many hash keys are remembered before all are forgotten again.
const KEYS_MAX: usize = 4_096;

impl Ledger {
    /// The key of a business's hashes, once its list was ever written to.
    pub(crate) async fn hash_key(&self, business: &BusinessId) -> Result<Option<HashKey>> {
        if let Some(key) = self.hash_keys.get(business) {
            return Ok(Some(key));
        }
        let item = self.item(Key::Hashes(business)).await;
        let Some(item) = item.context("failed to read a hash key")? else {
            return Ok(None);
        };
        let key = HashKey(Fields::of(&item)?.array(HASH_KEY)?);
        self.hash_keys.keep(business, key);
        Ok(Some(key))
    }

    /// The same, made if there is none.
    pub(crate) async fn make_hash_key(&self, business: &BusinessId) -> Result<HashKey> {
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
