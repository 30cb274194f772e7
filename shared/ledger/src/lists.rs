//! Reads of lists, and the memory of those that are finished: a finished list stays so.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, ListId};

use crate::Ledger;
use crate::item::text;
use crate::key::{Key, LIST, partition};
use crate::list::{self, ListRecord};

/// How many lists are remembered before all are forgotten again.
const KNOWN_MAX: usize = 4_096;

impl Ledger {
    /// The lists of a business, the newest first. Sees every list that was imported before.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn lists(&self, business: &BusinessId) -> Result<Vec<ListRecord>> {
        let mut lists = Vec::new();
        let mut from = None;
        // Each request reads up to a megabyte, so the business's lists are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :list)")
                .expression_attribute_values(":pk", text(partition(business)))
                .expression_attribute_values(":list", text(LIST))
                .scan_index_forward(false)
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to read lists")?;
            for item in found.items() {
                lists.push(list::from_item(item)?);
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(lists);
            }
        }
    }

    /// One list (a consistent read).
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn list(&self, business: &BusinessId, list: ListId) -> Result<Option<ListRecord>> {
        let item = self.item(Key::List(business, list)).await;
        let item = item.context("failed to read a list")?;
        item.as_ref().map(list::from_item).transpose()
    }
}

/// Lists that this process has seen finished.
#[derive(Default)]
pub(crate) struct KnownLists(Mutex<HashSet<(BusinessId, ListId)>>);

impl KnownLists {
    /// Those of `lists` that are known to be finished, and the others.
    pub(crate) fn sort(
        &self,
        business: &BusinessId,
        lists: BTreeSet<ListId>,
    ) -> (HashSet<ListId>, Vec<ListId>) {
        let known = self.lock();
        let is_known = |list: &ListId| known.contains(&(business.clone(), *list));
        let (finished, unknown): (Vec<_>, Vec<_>) = lists.into_iter().partition(is_known);
        (finished.into_iter().collect(), unknown)
    }

    /// Remembers that a list is finished.
    pub(crate) fn keep(&self, business: &BusinessId, list: ListId) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert((business.clone(), list));
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(BusinessId, ListId)>> {
        self.0.lock().expect("nothing panics while holding it")
    }
}
