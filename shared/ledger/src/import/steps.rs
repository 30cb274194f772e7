//! The writes and reads of an import, each once.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::{PutRequest, TransactWriteItem, Update, WriteRequest};
use ringfence_core::ids::{BusinessId, LeadId, RosterId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;

use super::Imported;
use crate::Ledger;
use crate::counters::Counters;
use crate::item::{number, text};
use crate::key::{Key, LEAD, leads_partition};
use crate::lead::{self, LeadRecord};
use crate::list::{self, ListRecord};
use crate::roster;
use crate::write::{WriteId, canceled_by};

/// No import lives as long, so leads of this age whose list does not exist are left over.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How many leads are in the form of requests at a time: a hundred thousand of them are
/// hundreds of megabytes. Of these, a hundred are under way, see `batch.rs`.
const AT_ONCE: usize = 1_000;

/// Whether an import was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Finished,
    /// Another import was finished since the counters were read, or the room is taken.
    Overtaken,
    /// It cannot be finished any more: the upload is no longer this import's, or the
    /// business is gone.
    Never(Imported),
}

impl Ledger {
    /// Stores the list if no other import was finished since `counters` were read and the
    /// business is still there, and with it `end`, the end of its upload.
    pub(super) async fn put_list(
        &self,
        business: &BusinessId,
        list: &ListRecord,
        counters: Counters,
        leads_max: u32,
        end: Option<TransactWriteItem>,
    ) -> Result<Finish> {
        ensure!(
            list.count <= leads_max,
            "an import must fit into the business's leads"
        );
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Counters(business).attributes()))
            .update_expression("SET rev = :next, lead_count = lead_count + :count")
            .condition_expression("rev = :rev AND lead_count <= :most")
            .expression_attribute_values(":rev", number(counters.rev))
            .expression_attribute_values(":next", number(counters.rev + 1))
            .expression_attribute_values(":count", number(list.count))
            .expression_attribute_values(":most", number(leads_max - list.count))
            .build()?;
        let count_in = TransactWriteItem::builder().update(update).build();
        let put = self.put_new(list::to_item(business, list))?;
        let is_there = self.was_never_deleted(business)?;
        let actions = [Some(is_there), Some(count_in), Some(put), end];
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions.into_iter().flatten().collect()))
            .client_request_token(WriteId::fresh().token())
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Finish::Finished);
        };
        if canceled_by(&error, 0).is_some() {
            return Ok(Finish::Never(Imported::BusinessGone));
        }
        if canceled_by(&error, 2).is_none() {
            if canceled_by(&error, 3).is_some() {
                return Ok(Finish::Never(Imported::Superseded));
            }
            if canceled_by(&error, 1).is_some() {
                return Ok(Finish::Overtaken);
            }
        }
        // An attempt may have been applied while its answer was lost. Otherwise it may
        // still be, so nothing that it would make visible is deleted.
        match self.list(business, list.id).await? {
            Some(stored) if stored.roster == list.roster => Ok(Finish::Finished),
            Some(_) | None => Err(error).context("failed to finish an import, or not yet done"),
        }
    }

    /// The numbers of the leads that exist, as of now. Deletes what dead imports left over.
    pub(super) async fn known_phones(
        &self,
        business: &BusinessId,
        now: Timestamp,
    ) -> Result<HashSet<PhoneNumber>> {
        let mut phones = HashSet::new();
        let mut from = None;
        // Each request reads up to a megabyte, so the business's leads are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :lead)")
                .expression_attribute_values(":pk", text(leads_partition(business)))
                .expression_attribute_values(":lead", text(LEAD))
                .projection_expression("sk, list_id, phone, created_at")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to read the numbers of leads")?;
            let items = found.items.unwrap_or_default();
            let lists = items
                .iter()
                .map(lead::list_of)
                .collect::<Result<BTreeSet<_>>>()?;
            let finished = self.finished_lists(business, lists).await?;
            let mut left_over = Vec::new();
            for item in &items {
                if finished.contains(&lead::list_of(item)?) {
                    phones.extend(lead::phone_of(item)?);
                } else if lead::created_at(item)?
                    .after(LEFT_OVER_AFTER)
                    .has_passed(now)
                {
                    left_over.push(Key::Lead(business, lead::id_of(item)?).attributes());
                }
            }
            // No condition: nobody sees these, and nobody writes them any more.
            self.delete_all(left_over)
                .await
                .context("failed to delete what was left over")?;
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(phones);
            }
        }
    }

    pub(super) async fn put_leads(
        &self,
        business: &BusinessId,
        leads: &[LeadRecord],
    ) -> Result<()> {
        // No condition: their numbers were taken for them, and a repeat writes the same.
        for some in leads.chunks(AT_ONCE) {
            let puts = some.iter().map(|record| {
                let item = lead::to_item(business, record);
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                anyhow::Ok(WriteRequest::builder().put_request(put).build())
            });
            let written = self.write_all(puts.collect::<Result<_>>()?).await;
            written.context("failed to store leads")?;
        }
        Ok(())
    }

    /// Deletes leads of ours whose list was not finished, and now never will be.
    pub(super) async fn delete_unfinished(
        &self,
        business: &BusinessId,
        leads: &[LeadRecord],
    ) -> Result<()> {
        let keys = leads
            .iter()
            .map(|lead| Key::Lead(business, lead.id).attributes());
        let deleted = self.delete_all(keys).await;
        deleted.context("failed to delete unfinished leads")
    }

    /// Deletes a roster that no run and no list has.
    pub(super) async fn delete_roster(&self, roster: RosterId, leads: &[LeadId]) -> Result<()> {
        let keys = roster::keys(roster, leads.len());
        let deleted = self.delete_all(keys).await;
        deleted.context("failed to delete an unused roster")
    }
}
