//! Reads of leads, with those left out whose list was never finished.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, LeadId, ListId};
use ringfence_flows::records::Lead;

use crate::Ledger;
use crate::batch::Reading;
use crate::item::{Item, text};
use crate::key::{Key, leads_partition};
use crate::lead;

/// Up to so many leads are looked up one by one, a hundred in a request.
const LOOKED_UP_MAX: usize = 500;
/// A request reads about so many leads in a row (1 MB), and a hundred one by one; so a
/// range is cheaper while it is at most so many times wider than the leads are many.
const RANGE_FACTOR: u64 = 40;

impl Ledger {
    /// Reads those of these leads that exist.
    pub(crate) async fn some_leads(
        &self,
        business: &BusinessId,
        ids: &[LeadId],
        reading: Reading,
    ) -> Result<Vec<Lead>> {
        let ids: BTreeSet<_> = ids.iter().collect();
        let keys = ids
            .into_iter()
            .map(|&id| Key::Lead(business, id).attributes());
        let mut found = self
            .items(keys.collect(), Some(lead::OF_LEAD), reading)
            .await?;
        self.retain_finished(business, &mut found).await?;
        found.iter().map(lead::to_lead).collect()
    }

    /// Those of `wanted` that exist, as of now.
    ///
    /// Keeps the ids only, however many leads the range between them has.
    pub(crate) async fn existing_leads(
        &self,
        business: &BusinessId,
        wanted: &BTreeSet<LeadId>,
    ) -> Result<HashSet<LeadId>> {
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(HashSet::new());
        };
        let width = u64::from(last.get() - first.get()) + 1;
        let is_range_cheaper = width <= wanted.len() as u64 * RANGE_FACTOR;
        if wanted.len() <= LOOKED_UP_MAX || !is_range_cheaper {
            let keys = wanted
                .iter()
                .map(|&id| Key::Lead(business, id).attributes());
            let mut found = self
                .items(keys.collect(), Some("sk, list_id"), Reading::Consistent)
                .await?;
            self.retain_finished(business, &mut found).await?;
            return found.iter().map(lead::id_of).collect();
        }
        let mut existing = HashSet::with_capacity(wanted.len());
        let mut from = None;
        // Each request reads up to a megabyte, so the range is a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":pk", text(leads_partition(business)))
                .expression_attribute_values(":first", text(Key::Lead(business, *first).sk()))
                .expression_attribute_values(":last", text(Key::Lead(business, *last).sk()))
                .projection_expression("sk, list_id")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await?;
            let mut items = found.items.unwrap_or_default();
            self.retain_finished(business, &mut items).await?;
            for item in &items {
                let id = lead::id_of(item)?;
                if wanted.contains(&id) {
                    existing.insert(id);
                }
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(existing);
            }
        }
    }

    /// Leaves those leads in `items` whose list is finished; see [`crate::lead`].
    pub(crate) async fn retain_finished(
        &self,
        business: &BusinessId,
        items: &mut Vec<Item>,
    ) -> Result<()> {
        let lists = items.iter().map(lead::list_of);
        let lists: BTreeSet<ListId> = lists.collect::<Result<_>>()?;
        let finished = self.finished_lists(business, lists).await?;
        items.retain(|item| lead::list_of(item).is_ok_and(|list| finished.contains(&list)));
        Ok(())
    }

    /// Those of these lists that are finished, as of now.
    pub(crate) async fn finished_lists(
        &self,
        business: &BusinessId,
        lists: BTreeSet<ListId>,
    ) -> Result<HashSet<ListId>> {
        let (mut finished, mut unknown) = self.known_lists.sort(business, lists);
        // A list never goes away, so a cheap read that finds it is right.
        for reading in [Reading::Eventual, Reading::Consistent] {
            if unknown.is_empty() {
                break;
            }
            let keys = unknown
                .iter()
                .map(|&list| Key::List(business, list).attributes());
            let found = self.items(keys.collect(), Some("sk"), reading).await;
            for item in found.context("failed to look for lists")? {
                let list = crate::list::id_of(&item)?;
                self.known_lists.keep(business, list);
                unknown.retain(|other| *other != list);
                finished.insert(list);
            }
        }
        Ok(finished)
    }
}
