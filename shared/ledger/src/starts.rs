//! Starts: the state, the run record and the request key in one transaction.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use ringfence_core::ids::BusinessId;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{
    Commit, RequestKey, Start, StartCommit, Started, Starts, States, Stored, What,
};

use crate::Ledger;
use crate::item::time;
use crate::key::Key;
use crate::states::StateWrite;
use crate::write::{BY, canceled_by};
use crate::{request, run};

impl Starts for Ledger {
    async fn started(
        &self,
        business: &BusinessId,
        key: &RequestKey,
        now: Timestamp,
    ) -> Result<Option<Started>> {
        let item = self.item(Key::Request(business, &key.key)).await;
        match item.context("failed to read a request key")? {
            Some(item) => request::started(&item, now),
            None => Ok(None),
        }
    }

    async fn commit_start(
        &self,
        business: &BusinessId,
        from: &Stored,
        to: &State,
        start: &Start,
    ) -> Result<StartCommit> {
        let claimed: Vec<_> = match &start.what {
            What::Run { .. } => Vec::new(),
            What::Calls(calls) => calls.iter().map(|&(_, call)| call).collect(),
        };
        if start.run.is_none() && start.key.is_none() {
            return Ok(match self.commit(business, from, to, &claimed).await? {
                Commit::Applied => StartCommit::Applied,
                Commit::Stale(stored) => StartCommit::Stale(stored),
            });
        }
        let change = StateWrite::new(business, from, to, &claimed)?;
        let update = change.in_transaction(&self.table, business).build()?;
        let mut items = vec![TransactWriteItem::builder().update(update).build()];
        if let Some(run) = &start.run {
            let mut item = run::to_item(business, run);
            item.insert(BY.to_owned(), change.write.stamp());
            items.push(self.put_new(item)?);
        }
        if let Some(key) = &start.key {
            items.push(self.put_request(business, key, start, &change)?);
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(change.write.token())
            .send()
            .await;
        let error = match sent {
            Ok(_) => return Ok(StartCommit::Applied),
            Err(error) => error,
        };
        if let Some(refusal) = read_refusal(&error, start, &change)? {
            return Ok(refusal);
        }
        let found = self.look_for_start(business, start, &change).await;
        match found.context("failed to find out about a start")? {
            Some(commit) => Ok(commit),
            None => Err(error).context("failed to commit a start, or not yet applied"),
        }
    }
}

impl Ledger {
    fn put_request(
        &self,
        business: &BusinessId,
        key: &RequestKey,
        start: &Start,
        change: &StateWrite,
    ) -> Result<TransactWriteItem> {
        let item = request::to_item(business, key, &start.what, start.now, change.write);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR created_at < :oldest_good")
            .expression_attribute_values(":oldest_good", time(request::oldest_good(start.now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Reads what a start would have written, after a failure that left open whether it
    /// was. Finds nothing out when all is as it was: the write may still arrive.
    async fn look_for_start(
        &self,
        business: &BusinessId,
        start: &Start,
        change: &StateWrite,
    ) -> Result<Option<StartCommit>> {
        // The key and the run record stay as they are written, while others may have
        // changed the state since.
        if let Some(key) = &start.key
            && let Some(item) = self.item(Key::Request(business, &key.key)).await?
        {
            if change.write.wrote(&item) {
                return Ok(Some(StartCommit::Applied));
            }
            if let Some(started) = request::started(&item, start.now)? {
                return Ok(Some(StartCommit::KeyUsed(started)));
            }
        }
        if let Some(run) = &start.run
            && let Some(item) = self.item(Key::Run(business, run.run)).await?
            && change.write.wrote(&item)
        {
            return Ok(Some(StartCommit::Applied));
        }
        let commit = change.look_again(self, business).await?;
        Ok(commit.map(|commit| match commit {
            Commit::Applied => StartCommit::Applied,
            Commit::Stale(stored) => StartCommit::Stale(stored),
        }))
    }
}

/// Reads the reasons for which the store has refused a start; `None` if no condition of
/// ours was among them.
///
/// An attempt of ours that was applied while its answer was lost is not among the
/// refusals: its token makes the next attempt succeed. The items say the same.
fn read_refusal(
    error: &SdkError<TransactWriteItemsError>,
    start: &Start,
    change: &StateWrite,
) -> Result<Option<StartCommit>> {
    let run_at = 1;
    let key_at = if start.run.is_some() { 2 } else { 1 };
    if start.key.is_some()
        && let Some(item) = canceled_by(error, key_at)
    {
        let item = item.context("a refused request key must come with its item")?;
        return Ok(Some(if change.write.wrote(item) {
            StartCommit::Applied
        } else {
            StartCommit::KeyUsed(request::from_item(item)?)
        }));
    }
    if start.run.is_some()
        && let Some(Some(item)) = canceled_by(error, run_at)
        && change.write.wrote(item)
    {
        return Ok(Some(StartCommit::Applied));
    }
    match canceled_by(error, 0) {
        Some(item) => Ok(Some(match change.read_refusal(item)? {
            Commit::Applied => StartCommit::Applied,
            Commit::Stale(stored) => StartCommit::Stale(stored),
        })),
        // Only the run's number is taken: a newer state must say so too, to whoever reads it.
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
