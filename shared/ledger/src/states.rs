//! The one write that decides: the state of a business, replaced whole or not at all.
//!
//! The condition is that nobody else has written it, and that there is room for the
//! leases that the write adds. Nothing in the table is counted up or down by the store.

use std::collections::HashMap;
use std::mem::take;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, Update};
use ringfence_core::ids::{BusinessId, CallId};
use ringfence_core::state::State;
use ringfence_flows::ledger::{Commit, States, Stored};

use crate::Ledger;
use crate::batch::Reading;
use crate::item::{Item, number};
use crate::key::Key;
use crate::state::{self, SET};
use crate::table::WORK;
use crate::write::{BY, Failure, WriteId};

impl States for Ledger {
    async fn load(&self, business: &BusinessId) -> Result<Option<Stored>> {
        let item = self.item(Key::State(business)).await;
        let item = item.context("failed to load a state")?;
        item.as_ref().map(state::from_item).transpose()
    }

    async fn glance(&self, business: &BusinessId) -> Result<Option<Stored>> {
        let item = self
            .item_read(Key::State(business), Reading::Eventual)
            .await;
        match item.context("failed to glance at a state")? {
            Some(item) => state::from_item(&item).map(Some),
            // Only an up-to-date answer proves that it does not exist.
            None => self.load(business).await,
        }
    }

    async fn commit(
        &self,
        business: &BusinessId,
        from: &Stored,
        to: &State,
        claimed: &[CallId],
    ) -> Result<Commit> {
        let mut change = StateWrite::new(business, from, to, claimed)?;
        let (names, values) = (take(&mut change.names), take(&mut change.values));
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::State(business).attributes()))
            .update_expression(change.update)
            .condition_expression(StateWrite::CONDITION)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let failure = match sent {
            Ok(_) => return Ok(Commit::Applied),
            Err(error) => Failure::from(error),
        };
        match failure {
            Failure::Refused(item) => change.read_refusal(item.as_ref()),
            Failure::Unclear(error) => {
                let read = change.look_again(self, business).await;
                match read.context("failed to find out about a commit")? {
                    Some(commit) => Ok(commit),
                    None => Err(error).context("failed to commit a state, or not yet applied"),
                }
            }
        }
    }
}

/// One conditional write of a state.
pub(crate) struct StateWrite {
    pub(crate) write: WriteId,
    from_rev: u64,
    claimed: Vec<CallId>,
    update: &'static str,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl StateWrite {
    /// Nobody has written since, and there is room. The second says nothing new where
    /// the first holds; it keeps the limit even if whoever decided has a bug.
    const CONDITION: &'static str = "rev = :from AND n <= :room";

    /// Replaces `from` by `to`, which adds the leases of `claimed`.
    ///
    /// # Errors
    ///
    /// When `to` adds leases beyond the limit, which no decision does.
    pub(crate) fn new(
        business: &BusinessId,
        from: &Stored,
        to: &State,
        claimed: &[CallId],
    ) -> Result<Self> {
        let added = to
            .active
            .keys()
            .filter(|call| !from.state.active.contains_key(call));
        let added = u32::try_from(added.count()).context("too many leases")?;
        let room = if added == 0 {
            // Where a lowered limit drains there are more leases than slots, and a write
            // that adds none must pass.
            u32::MAX
        } else {
            ensure!(
                to.slots_in_use() <= to.limit,
                "a change of a state must not add leases beyond the limit"
            );
            let kept = to.slots_in_use() - added;
            let removed = from.state.slots_in_use() - kept;
            to.limit - added + removed
        };
        let write = WriteId::fresh();
        let stored = Stored {
            state: to.clone(),
            rev: from.rev + 1,
        };
        let mut item = state::to_item(business, &stored, write);
        let mut names = HashMap::from([("#by".to_owned(), BY.to_owned())]);
        names.insert("#work".to_owned(), WORK.to_owned());
        let mut values: HashMap<_, _> = SET
            .into_iter()
            .filter_map(|name| Some((format!(":{name}"), item.remove(name)?)))
            .collect();
        values.insert(":from".to_owned(), number(from.rev));
        values.insert(":room".to_owned(), number(room));
        let update = match item.remove(WORK) {
            Some(shard) => {
                values.insert(":work".to_owned(), shard);
                "SET rev = :rev, #by = :by, v = :v, lim = :lim, n = :n, act = :act, runs = :runs, \
                 next_run = :next_run, pause = :pause, callers = :callers, spend = :spend, #work = :work"
            }
            None => {
                "SET rev = :rev, #by = :by, v = :v, lim = :lim, n = :n, act = :act, runs = :runs, \
                 next_run = :next_run, pause = :pause, callers = :callers, spend = :spend REMOVE #work"
            }
        };
        Ok(Self {
            write,
            from_rev: from.rev,
            claimed: claimed.to_vec(),
            update,
            names,
            values,
        })
    }

    /// The same write as a part of a transaction.
    pub(crate) fn in_transaction(&self, table: &str, business: &BusinessId) -> UpdateBuilder {
        Update::builder()
            .table_name(table)
            .set_key(Some(Key::State(business).attributes()))
            .update_expression(self.update)
            .condition_expression(Self::CONDITION)
            .set_expression_attribute_names(Some(self.names.clone()))
            .set_expression_attribute_values(Some(self.values.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// What it means that the store has refused this write, and what is there instead.
    ///
    /// An attempt of this very write that was applied while its answer was lost refuses
    /// the next: it shows by its stamp, or, once somebody has written after it, by its leases.
    pub(crate) fn read_refusal(&self, item: Option<&Item>) -> Result<Commit> {
        let item = item.context("a business that has no state cannot change it")?;
        match self.recognise(item)? {
            Seen::Ours => Ok(Commit::Applied),
            Seen::Newer(stored) => Ok(Commit::Stale(stored)),
            Seen::Unchanged => bail!("a change of a state was refused for want of room"),
        }
    }

    /// Reads the state after a failure that left open whether the write was applied.
    /// Finds nothing out when it is as it was: the write may still arrive.
    pub(crate) async fn look_again(
        &self,
        ledger: &Ledger,
        business: &BusinessId,
    ) -> Result<Option<Commit>> {
        let Some(item) = ledger.item(Key::State(business)).await? else {
            return Ok(None);
        };
        Ok(match self.recognise(&item)? {
            Seen::Ours => Some(Commit::Applied),
            Seen::Newer(stored) => Some(Commit::Stale(stored)),
            Seen::Unchanged => None,
        })
    }

    fn recognise(&self, item: &Item) -> Result<Seen> {
        if self.write.wrote(item) || state::has_any(item, &self.claimed) {
            return Ok(Seen::Ours);
        }
        let stored = state::from_item(item)?;
        Ok(if stored.rev == self.from_rev {
            Seen::Unchanged
        } else {
            Seen::Newer(stored)
        })
    }
}

/// Whose work a stored state is.
enum Seen {
    Ours,
    Newer(Stored),
    Unchanged,
}

#[cfg(test)]
mod tests;
