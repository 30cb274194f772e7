//! Lists and deletes leads.
//!
//! A deletion counts the leads that it really deletes, in the same transaction, so the
//! business's count of its leads stays right however deletions overlap.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use ringfence_core::ids::{BusinessId, LeadId, ListId};

use crate::batch::Reading;
use crate::item::{number, text};
use crate::key::{Key, LEAD, leads_partition};
use crate::lead::{self, LeadRecord};
use crate::write::{WriteId, canceled_by};
use crate::{Ledger, Page};

/// A transaction has at most 100 actions, and one of them counts:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const DELETIONS_MAX: usize = 99;
/// How often a deletion goes on without those leads that somebody else has deleted first.
const ATTEMPTS_MAX: u32 = 8;

impl Ledger {
    /// One lead with everything that was imported.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn lead(&self, business: &BusinessId, id: LeadId) -> Result<Option<LeadRecord>> {
        // A lead never changes, so a cheap read that finds it is right.
        for reading in [Reading::Eventual, Reading::Consistent] {
            let keys = vec![Key::Lead(business, id).attributes()];
            let found = self.items(keys, None, reading).await;
            let mut items = found.context("failed to read a lead")?;
            self.retain_finished(business, &mut items).await?;
            if let Some(item) = items.first() {
                return lead::from_item(item).map(Some);
            }
        }
        Ok(None)
    }

    /// Up to `limit` leads with numbers above `after`, in the order of their numbers.
    ///
    /// A page may be shorter and yet not the last: only [`Page::next`] tells. Consistent.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn leads_page(
        &self,
        business: &BusinessId,
        after: Option<LeadId>,
        limit: u32,
    ) -> Result<Page<LeadRecord, LeadId>> {
        let from = after.map(|after| Key::Lead(business, after).attributes());
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :lead)")
            .expression_attribute_values(":pk", text(leads_partition(business)))
            .expression_attribute_values(":lead", text(LEAD))
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from)
            .send()
            .await
            .context("failed to read leads")?;
        let next = found.last_evaluated_key().map(lead::id_of).transpose()?;
        let mut items = found.items.unwrap_or_default();
        self.retain_finished(business, &mut items).await?;
        let items = items.iter().map(lead::from_item);
        Ok(Page {
            items: items.collect::<Result<_>>()?,
            next,
        })
    }

    /// How many leads of each list there are now. Lists without any are not in it.
    ///
    /// Counted anew each time: a number that is kept could go wrong with each way of
    /// deleting leads.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn leads_by_list(&self, business: &BusinessId) -> Result<HashMap<ListId, u32>> {
        let (mut counts, mut from) = (HashMap::new(), None);
        // Each request reads up to a megabyte, so the business's leads are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :lead)")
                .expression_attribute_values(":pk", text(leads_partition(business)))
                .expression_attribute_values(":lead", text(LEAD))
                .projection_expression("list_id")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to count the leads of lists")?;
            for item in found.items() {
                *counts.entry(lead::list_of(item)?).or_insert(0) += 1;
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(counts);
            }
        }
    }

    /// Deletes those of these leads that exist, and says how many those were.
    ///
    /// # Errors
    ///
    /// When not all may have been deleted. Trying again deletes the others.
    pub async fn delete_leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<u32> {
        let ids: BTreeSet<_> = ids.iter().copied().collect();
        let existing = self.existing_leads(business, &ids).await;
        let existing = Vec::from_iter(existing.context("failed to look for leads")?);
        let mut deleted = 0;
        for leads in existing.chunks(DELETIONS_MAX) {
            deleted += self.delete_some(business, leads.to_vec()).await?;
        }
        Ok(deleted)
    }

    /// Deletes every lead that exists, and says how many those were.
    ///
    /// # Errors
    ///
    /// When not all may have been deleted. Trying again deletes the others.
    pub async fn delete_all_leads(&self, business: &BusinessId) -> Result<u32> {
        const AT_ONCE: u32 = 1_000;
        let mut deleted = 0;
        let mut after = None;
        // The leads are in the order of their numbers, so each page is further on.
        loop {
            let page = self.leads_page(business, after, AT_ONCE).await?;
            let ids: Vec<_> = page.items.iter().map(|lead| lead.id).collect();
            for leads in ids.chunks(DELETIONS_MAX) {
                deleted += self.delete_some(business, leads.to_vec()).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// Deletes leads that exist, or did a moment ago, and counts them off.
    pub(crate) async fn delete_some(
        &self,
        business: &BusinessId,
        mut leads: Vec<LeadId>,
    ) -> Result<u32> {
        for _ in 0..ATTEMPTS_MAX {
            if leads.is_empty() {
                return Ok(0);
            }
            let count = u32::try_from(leads.len()).context("too many leads")?;
            let mut items = vec![self.count_off(business, count)?];
            for &lead in &leads {
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(Key::Lead(business, lead).attributes()))
                    .condition_expression("attribute_exists(pk)")
                    .build()?;
                items.push(TransactWriteItem::builder().delete(delete).build());
            }
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items))
                .client_request_token(WriteId::fresh().token())
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(count);
            };
            let mut action = 0;
            let before = leads.len();
            leads.retain(|_| {
                action += 1;
                canceled_by(&error, action).is_none()
            });
            if leads.len() == before {
                return Err(error).context("failed to delete leads");
            }
        }
        bail!("failed to delete leads: others delete them too")
    }

    fn count_off(&self, business: &BusinessId, leads: u32) -> Result<TransactWriteItem> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Counters(business).attributes()))
            .update_expression("SET lead_count = lead_count - :leads")
            .condition_expression("lead_count >= :leads")
            .expression_attribute_values(":leads", number(leads))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
