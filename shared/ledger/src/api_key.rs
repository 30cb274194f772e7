//! An API key as it is stored, twice: to be found by its id, and in its business's list.
//!
//! The secret itself is stored nowhere.

use anyhow::{Context, Result};
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;

use crate::item::{Fields, Item, bytes, put, text, time, version};
use crate::key::{API_KEY, Key, id_of};

/// A key by which somebody uses the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub key_id: String,
    /// SHA-256 of the secret.
    pub secret_digest: [u8; 32],
    /// Whose key it is; nobody's for one that is good for every business.
    pub business: Option<BusinessId>,
    /// A word that means nothing here.
    pub role: String,
    pub created_at: Timestamp,
    /// The hour in which it was last used, as far as that was noted.
    pub last_used_at: Option<Timestamp>,
}

/// A key as its business sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyListing {
    pub key_id: String,
    pub role: String,
    pub created_at: Timestamp,
    /// The hour in which it was last used, as far as that was noted.
    pub last_used_at: Option<Timestamp>,
}

/// The attribute that says whose key it is.
pub(crate) const BUSINESS: &str = "business_id";
const DIGEST: &str = "secret_digest";
const ROLE: &str = "key_role";
const CREATED_AT: &str = "created_at";
const LAST_USED_AT: &str = "last_used_at";

pub(crate) fn to_item(key: &ApiKey) -> Item {
    let mut item = Key::Credential(&key.key_id).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (DIGEST, Some(bytes(key.secret_digest))),
            (
                BUSINESS,
                key.business
                    .as_ref()
                    .map(|business| text(business.as_str())),
            ),
            (ROLE, Some(text(&key.role))),
            (CREATED_AT, Some(time(key.created_at))),
            (LAST_USED_AT, key.last_used_at.map(time)),
        ],
    );
    item
}

/// Reads the key of this id.
pub(crate) fn from_item(key_id: &str, item: &Item) -> Result<ApiKey> {
    let fields = Fields::of(item).context("failed to read an API key")?;
    Ok(ApiKey {
        key_id: key_id.to_owned(),
        secret_digest: fields.array(DIGEST)?,
        business: fields.parsed_if_any(BUSINESS)?,
        role: fields.text(ROLE)?.to_owned(),
        created_at: fields.time(CREATED_AT)?,
        last_used_at: fields.time_if_any(LAST_USED_AT)?,
    })
}

/// The hour in which a key was last used, of its item.
pub(crate) fn last_use(item: &Item) -> Result<Option<Timestamp>> {
    Fields::inside(item).time_if_any(LAST_USED_AT)
}

/// The entry in the list of the key's business.
pub(crate) fn to_listing(business: &BusinessId, key: &ApiKey) -> Item {
    let mut item = Key::CredentialOf(business, &key.key_id).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (ROLE, Some(text(&key.role))),
            (CREATED_AT, Some(time(key.created_at))),
        ],
    );
    item
}

/// Reads an entry, which does not know when its key was last used.
pub(crate) fn from_listing(item: &Item) -> Result<KeyListing> {
    let fields = Fields::of(item).context("failed to read the listing of an API key")?;
    Ok(KeyListing {
        key_id: id_of(item, API_KEY)?.to_owned(),
        role: fields.text(ROLE)?.to_owned(),
        created_at: fields.time(CREATED_AT)?,
        last_used_at: None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{business, times};
    use crate::item::number;

    proptest! {
        #[test]
        fn a_key_is_read_as_it_was_written(
            key_id in "[a-z0-9]{1,64}",
            secret_digest: [u8; 32],
            business in option::of(Just(business())),
            role in ".*",
            created_at in times(),
            last_used_at in option::of(times()),
        ) {
            let key = ApiKey { key_id, secret_digest, business, role, created_at, last_used_at };
            prop_assert_eq!(&from_item(&key.key_id, &to_item(&key)).unwrap(), &key);
            let listing = from_listing(&to_listing(&crate::arbitrary::business(), &key)).unwrap();
            let ApiKey { key_id, role, created_at, .. } = key;
            prop_assert_eq!(listing, KeyListing { key_id, role, created_at, last_used_at: None });
        }
    }

    #[test]
    fn the_stored_forms_are_these() {
        let key = ApiKey {
            key_id: "k1".to_owned(),
            secret_digest: [7; 32],
            business: Some(business()),
            role: "admin".to_owned(),
            created_at: Timestamp::from_millis(1_731_412_345_678),
            last_used_at: Some(Timestamp::from_millis(1_731_412_800_000)),
        };
        let stored = [
            ("pk", text("KEY#k1")),
            ("sk", text("KEY")),
            ("v", number(1)),
            ("secret_digest", bytes([7; 32])),
            ("business_id", text("acme")),
            ("key_role", text("admin")),
            ("created_at", number(1_731_412_345_678_u64)),
            ("last_used_at", number(1_731_412_800_000_u64)),
        ];
        let stored = Item::from(stored.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(to_item(&key), stored);
        let listed = [
            ("pk", text("BIZ#acme")),
            ("sk", text("APIKEY#k1")),
            ("v", number(1)),
            ("key_role", text("admin")),
            ("created_at", number(1_731_412_345_678_u64)),
        ];
        let listed = Item::from(listed.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(to_listing(&business(), &key), listed);
    }
}
