//! Reads and writes of run records, and the turn to settle by hand.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use ringfence_core::ids::{BusinessId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Runs, Turn};
use ringfence_flows::records::{RunEnd, RunRecord};

use crate::Ledger;
use crate::item::{Fields, text, time, version};
use crate::key::{Key, RUN, partition};
use crate::run;
use crate::write::{BY, Failure, WriteId};

/// How often somebody may settle by hand: each time asks the carrier about every overdue call.
const CLEANUP_EVERY: Duration = Duration::from_secs(60);

impl Runs for Ledger {
    async fn run(&self, business: &BusinessId, run: RunId) -> Result<Option<RunRecord>> {
        let item = self.item(Key::Run(business, run)).await;
        let item = item.context("failed to read a run")?;
        item.as_ref().map(run::from_item).transpose()
    }

    async fn file_run(&self, business: &BusinessId, run: RunId, end: &RunEnd) -> Result<()> {
        let mut values = run::end_attributes(end);
        let update = match end.last_error {
            Some(_) => {
                "SET run_status = :run_status, queued = :queued, in_progress = :in_progress, \
                 completed = :completed, failed = :failed, canceled = :canceled, \
                 over_at = :over_at, last_error = :last_error"
            }
            None => {
                "SET run_status = :run_status, queued = :queued, in_progress = :in_progress, \
                 completed = :completed, failed = :failed, canceled = :canceled, \
                 over_at = :over_at"
            }
        };
        let values = values
            .drain()
            .map(|(name, value)| (format!(":{name}"), value));
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Run(business, run).attributes()))
            .update_expression(update)
            // The first end stands.
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(run_status)")
            .set_expression_attribute_values(Some(values.collect()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(_) | Err(Failure::Refused(Some(_))) => Ok(()),
            Err(Failure::Refused(None)) => bail!("a run without a record cannot be filed"),
            Err(Failure::Unclear(error)) => Err(error).context("failed to file a run"),
        }
    }

    async fn take_cleanup_turn(&self, business: &BusinessId, now: Timestamp) -> Result<Turn> {
        const AT: &str = "taken_at";
        let write = WriteId::fresh();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Cleanup(business).attributes()))
            .update_expression("SET taken_at = :now, #by = :by, v = :v")
            .condition_expression("attribute_not_exists(pk) OR taken_at <= :long_ago")
            .expression_attribute_names("#by", BY)
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":by", write.stamp())
            .expression_attribute_values(":v", version().1)
            .expression_attribute_values(":long_ago", time(now.before(CLEANUP_EVERY)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(_) => Ok(Turn::Taken),
            Err(Failure::Refused(Some(item))) if write.wrote(&item) => Ok(Turn::Taken),
            Err(Failure::Refused(item)) => {
                let item = item.context("a turn that was taken must be returned")?;
                let taken_at = Fields::of(&item)?.time(AT)?;
                Ok(Turn::NotBefore(taken_at.after(CLEANUP_EVERY)))
            }
            Err(Failure::Unclear(error)) => Err(error).context("failed to take a cleanup turn"),
        }
    }
}

impl Ledger {
    /// At most `limit` runs with numbers below `before`, the newest first.
    ///
    /// Eventually consistent: a run of a moment ago may be missing.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn runs(
        &self,
        business: &BusinessId,
        limit: u32,
        before: Option<RunId>,
    ) -> Result<Vec<RunRecord>> {
        let last = before.map_or(u32::MAX, |before| before.get() - 1);
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(partition(business)))
            .expression_attribute_values(":first", text(RUN))
            .expression_attribute_values(":last", text(format!("{RUN}{last:010}")))
            .scan_index_forward(false)
            .consistent_read(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .context("failed to list runs")?;
        found.items().iter().map(run::from_item).collect()
    }
}
