//! Files that come past the API: from the promise of a place, through one import, to its answer.
//!
//! An upload is imported once. Whoever imports it holds its lease, and the write that makes
//! the imported list exist also ends the upload, if the lease is still the importer's: so a
//! lease that lapsed permits another try, and never a second list.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use ringfence_core::ids::{BusinessId, ListId};
use ringfence_core::time::Timestamp;
use uuid::Uuid;

use crate::Ledger;
use crate::item::{Fields, Item, number, put, text, time, version};
use crate::key::Key;
use crate::table::EXPIRES;
use crate::write::{Failure, WriteId};

/// Names an upload of one business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UploadId(Uuid);

impl UploadId {
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// The text is no upload's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("upload id is not well-formed")]
pub struct BadUploadId;

impl FromStr for UploadId {
    type Err = BadUploadId;

    fn from_str(text: &str) -> Result<Self, BadUploadId> {
        let uuid: Uuid = text.parse().map_err(|_| BadUploadId)?;
        Ok(Self(uuid))
    }
}

/// The right to import an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLease {
    pub upload: UploadId,
    write: WriteId,
}

/// An import that ends an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub lease: UploadLease,
    /// What is to be told of the file itself, kept for whoever asks again.
    pub summary: String,
}

/// How an imported upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// None if every number was known already.
    pub list: Option<ListId>,
    pub count: u32,
    /// Numbers of the file, once each, that were known already.
    pub duplicates: u32,
    pub summary: String,
}

/// What became of the wish to import an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum UploadClaim {
    /// The lease is the caller's until the time that it named.
    Claimed(UploadLease),
    /// Somebody else has it until then.
    Busy { until: Timestamp },
    /// It was imported before.
    Done(Ended),
    /// The business has no such upload.
    Missing,
}

const STAGE: &str = "stage";
const WAITING: &str = "waiting";
const IMPORTING: &str = "importing";
const DONE: &str = "done";
const LEASE: &str = "lease";
const LEASE_UNTIL: &str = "lease_until";
const LIST: &str = "list_id";
const COUNT: &str = "imported";
const DUPLICATES: &str = "duplicates";
const SUMMARY: &str = "summary";

impl Ledger {
    /// Promises a place to a file.
    ///
    /// # Errors
    ///
    /// When it may not have been written down.
    pub async fn open_upload(
        &self,
        business: &BusinessId,
        upload: UploadId,
        expires_at: Timestamp,
    ) -> Result<()> {
        let mut item = Key::Upload(business, upload).attributes();
        let (name, value) = version();
        put(
            &mut item,
            [
                (name, Some(value)),
                (STAGE, Some(text(WAITING))),
                // For DynamoDB, in seconds; it may take two days over it.
                (EXPIRES, Some(number(expires_at.as_millis() / 1000))),
            ],
        );
        // No condition: the name is fresh, and a repeat writes the same.
        let put = self.client.put_item().table_name(&self.table);
        put.set_item(Some(item))
            .send()
            .await
            .context("failed to open an upload")?;
        Ok(())
    }

    /// Takes the lease of an upload that nobody imports or has imported.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was taken. It lapses.
    pub async fn claim_upload(
        &self,
        business: &BusinessId,
        upload: UploadId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<UploadClaim> {
        let write = WriteId::fresh();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Upload(business, upload).attributes()))
            .update_expression("SET stage = :importing, lease = :lease, lease_until = :until")
            .condition_expression(
                "expires > :seconds AND \
                 (stage = :waiting OR (stage = :importing AND lease_until <= :now))",
            )
            .expression_attribute_values(":importing", text(IMPORTING))
            .expression_attribute_values(":waiting", text(WAITING))
            .expression_attribute_values(":lease", write.stamp())
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":seconds", number(now.as_millis() / 1000))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let lease = UploadLease { upload, write };
        match sent.map_err(Failure::from) {
            Ok(_) => Ok(UploadClaim::Claimed(lease)),
            Err(Failure::Refused(None)) => Ok(UploadClaim::Missing),
            Err(Failure::Refused(Some(item))) => refused(&item, lease, now),
            Err(Failure::Unclear(error)) => Err(error).context("failed to claim an upload"),
        }
    }

    /// Gives a lease back, if the caller still has it, so that the file can be tried again.
    ///
    /// # Errors
    ///
    /// When it may not have been given back. It lapses.
    pub async fn release_upload(&self, business: &BusinessId, lease: UploadLease) -> Result<()> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Upload(business, lease.upload).attributes()))
            .update_expression("SET stage = :waiting REMOVE lease, lease_until")
            .condition_expression("stage = :importing AND lease = :lease")
            .expression_attribute_values(":importing", text(IMPORTING))
            .expression_attribute_values(":waiting", text(WAITING))
            .expression_attribute_values(":lease", lease.write.stamp())
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(Failure::Unclear(error)) => Err(error).context("failed to release an upload"),
        }
    }

    /// Ends an upload that brought nothing new, if the lease is still the caller's.
    pub(crate) async fn end_upload(
        &self,
        business: &BusinessId,
        ending: &Ending,
        ended: &Ended,
    ) -> Result<bool> {
        let end = self.ending(business, ending, ended)?;
        let sent = self
            .client
            .transact_write_items()
            .transact_items(end)
            .client_request_token(WriteId::fresh().token())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if crate::write::canceled_by(&error, 0).is_some() => Ok(false),
            Err(error) => Err(error).context("failed to end an upload"),
        }
    }

    /// The end of an upload, as a part of a transaction.
    pub(crate) fn ending(
        &self,
        business: &BusinessId,
        ending: &Ending,
        ended: &Ended,
    ) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(
                Key::Upload(business, ending.lease.upload).attributes(),
            ))
            .update_expression(match ended.list {
                Some(_) => {
                    "SET stage = :done, summary = :summary, imported = :count, \
                     duplicates = :duplicates, list_id = :list REMOVE lease, lease_until"
                }
                None => {
                    "SET stage = :done, summary = :summary, imported = :count, \
                     duplicates = :duplicates REMOVE lease, lease_until"
                }
            })
            .condition_expression("stage = :importing AND lease = :lease")
            .expression_attribute_values(":done", text(DONE))
            .expression_attribute_values(":importing", text(IMPORTING))
            .expression_attribute_values(":lease", ending.lease.write.stamp())
            .expression_attribute_values(":summary", text(&ending.summary))
            .expression_attribute_values(":count", number(ended.count))
            .expression_attribute_values(":duplicates", number(ended.duplicates));
        let update = match ended.list {
            Some(list) => update.expression_attribute_values(":list", number(list)),
            None => update,
        };
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

/// Why an upload could not be claimed, by its record.
fn refused(item: &Item, lease: UploadLease, now: Timestamp) -> Result<UploadClaim> {
    let fields = Fields::of(item).context("failed to read an upload")?;
    let expires: u64 = fields.number(EXPIRES)?;
    if item.get(LEASE) == Some(&lease.write.stamp()) {
        // Ours: an attempt was applied while its answer was lost.
        return Ok(UploadClaim::Claimed(lease));
    }
    if expires <= now.as_millis() / 1000 {
        return Ok(UploadClaim::Missing);
    }
    match fields.text(STAGE)? {
        DONE => {
            let list: Option<u32> = fields.number_if_any(LIST)?;
            let list = list.map(|list| ListId::new(list).context("an upload has the list 0"));
            Ok(UploadClaim::Done(Ended {
                list: list.transpose()?,
                count: fields.number(COUNT)?,
                duplicates: fields.number(DUPLICATES)?,
                summary: fields.text(SUMMARY)?.to_owned(),
            }))
        }
        IMPORTING if fields.time(LEASE_UNTIL)? > now => Ok(UploadClaim::Busy {
            until: fields.time(LEASE_UNTIL)?,
        }),
        _ => bail!("an upload is at an unknown stage"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let id = UploadId::new(Uuid::from_u128(0xcd));
        assert_eq!(id.to_string(), "000000000000000000000000000000cd");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("".parse::<UploadId>(), Err(BadUploadId));
        assert_eq!("x/../y".parse::<UploadId>(), Err(BadUploadId));
    }
}
