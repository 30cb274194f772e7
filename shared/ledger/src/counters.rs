//! The numbers that leads and lists get, and how many leads a business has.
//!
//! They go with their business, and no import makes them anew then.
//!
//! Imports take turns by `rev`: one commits only if no other has since it read which
//! numbers are imported already. Deletions need no turn: they only make room.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::ReturnValue;
use ringfence_core::ids::{BusinessId, LeadId, ListId};

use crate::Ledger;
use crate::item::{Fields, Item, number, put, version};
use crate::key::Key;
use crate::write::{Failure, WriteId, canceled_by};

/// How the imports of a business stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Goes up by one with each finished import.
    pub(crate) rev: u64,
    /// How many leads exist.
    pub(crate) leads: u32,
}

const REV: &str = "rev";
const LEAD_COUNT: &str = "lead_count";
const LAST_LEAD: &str = "last_lead";
const LAST_LIST: &str = "last_list";

/// Reads the counters, which a business has from its first import on.
pub(crate) fn from_item(item: &Item) -> Result<Counters> {
    let fields = Fields::of(item).context("failed to read counters")?;
    Ok(Counters {
        rev: fields.number(REV)?,
        leads: fields.number(LEAD_COUNT)?,
    })
}

impl Ledger {
    /// How many leads a business has (a consistent read).
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn lead_count(&self, business: &BusinessId) -> Result<u32> {
        Ok(self.counters(business).await?.leads)
    }

    pub(crate) async fn counters(&self, business: &BusinessId) -> Result<Counters> {
        let item = self.item(Key::Counters(business)).await;
        match item.context("failed to read counters")? {
            Some(item) => from_item(&item),
            None => Ok(Counters::default()),
        }
    }

    /// Takes a list's number, and numbers for `leads` leads, of which the first is returned.
    /// `None` if the business was deleted.
    pub(crate) async fn take_numbers(
        &self,
        business: &BusinessId,
        leads: u32,
    ) -> Result<Option<(ListId, LeadId)>> {
        if let Some(taken) = self.take(business, leads).await? {
            return Ok(Some(taken));
        }
        match self.make_counters(business).await? {
            Made::Yes => self.take(business, leads).await,
            Made::BusinessGone => Ok(None),
        }
    }

    /// The same. `None` if there are no counters, which go with their business.
    async fn take(&self, business: &BusinessId, leads: u32) -> Result<Option<(ListId, LeadId)>> {
        // Harmless when sent twice: numbers may be left out.
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Counters(business).attributes()))
            .update_expression("ADD last_lead :leads, last_list :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":leads", number(leads))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await;
        let taken = match sent {
            Ok(taken) => taken,
            Err(error) => match Failure::from(error) {
                Failure::Refused(_) => return Ok(None),
                Failure::Unclear(error) => return Err(error).context("failed to take numbers"),
            },
        };
        let taken = taken.attributes.context("taken numbers must be returned")?;
        let taken = Fields::inside(&taken);
        let last: u32 = taken.number(LAST_LEAD)?;
        let first = LeadId::new(last - leads + 1).context("lead numbers start at 1")?;
        let list = ListId::new(taken.number(LAST_LIST)?).context("list numbers start at 1")?;
        Ok(Some((list, first)))
    }

    /// Makes the counters of a business that has none yet, unless it was deleted.
    async fn make_counters(&self, business: &BusinessId) -> Result<Made> {
        let mut item = Key::Counters(business).attributes();
        let (name, value) = version();
        let zero = || Some(number(0));
        put(
            &mut item,
            [(name, Some(value)), (REV, zero()), (LEAD_COUNT, zero())],
        );
        let sent = self
            .client
            .transact_write_items()
            .transact_items(self.was_never_deleted(business)?)
            .transact_items(self.put_new(item)?)
            .client_request_token(WriteId::fresh().token())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Made::Yes),
            Err(error) if canceled_by(&error, 0).is_some() => Ok(Made::BusinessGone),
            // Another import was first.
            Err(error) if canceled_by(&error, 1).is_some() => Ok(Made::Yes),
            Err(error) => Err(error).context("failed to make counters"),
        }
    }
}

enum Made {
    /// They are there, whoever made them.
    Yes,
    BusinessGone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_this() {
        let item = [
            ("v", 1),
            ("rev", 3),
            ("lead_count", 98),
            ("last_lead", 120),
            ("last_list", 4),
        ];
        let item = Item::from(item.map(|(name, value)| (name.to_owned(), number(value))));
        assert_eq!(from_item(&item).unwrap(), Counters { rev: 3, leads: 98 });
    }
}
