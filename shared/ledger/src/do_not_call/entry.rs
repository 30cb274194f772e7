//! An entry of the do-not-call list as it is stored.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use thiserror::Error;

use crate::item::{Fields, Item, put, text, time, version};
use crate::key::{Key, NUMBER, id_of};

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
pub struct EntryId(pub(super) String);

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
pub(super) const HASH_BYTES: usize = 16;

const PHONE: &str = "phone";
const REASON: &str = "why";
const SOURCE: &str = "origin";
const ADDED_AT: &str = "added_at";
const ADDED_BY: &str = "added_by";

pub(super) fn to_item(business: &BusinessId, entry: &DoNotCallEntry) -> Item {
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

pub(super) fn from_item(item: &Item) -> Result<DoNotCallEntry> {
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

pub(super) fn entry_id(item: &Item) -> Result<EntryId> {
    id_of(item, NUMBER)?
        .parse()
        .context("a do-not-call entry has no id")
}
