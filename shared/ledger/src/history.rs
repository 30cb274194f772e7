//! Reads of many call records, a page at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_flows::records::CallRecord;

use crate::call::{self, status_word};
use crate::calls::first_at;
use crate::compact::CallCursor;
use crate::item::{Item, number, text};
use crate::key::{CALL, Key, partition};
use crate::{Ledger, Page};

/// Which calls are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentFilter {
    /// Of this run only.
    pub run: Option<RunId>,
    /// With one of these words for a status, as [`status_word`] gives it; with any if there are none.
    pub statuses: Vec<String>,
}

/// How many records one request reads while it looks for those that are wanted.
const LOOK_AT: u32 = 250;
/// How many requests look for them before the page is given out as it is.
const LOOKS_MAX: u32 = 8;
/// How far the clock of whoever claimed a call may be from that of whoever started its run.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(60);

impl Ledger {
    /// Up to `page_size` of the wanted calls, the latest claim first.
    ///
    /// A page may be shorter and yet not the last, where few calls are wanted: only
    /// [`Page::next`] tells. Eventually consistent.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn recent_calls(
        &self,
        business: &BusinessId,
        filter: &RecentFilter,
        page_size: u32,
        after: Option<CallCursor>,
    ) -> Result<Page<CallRecord, CallCursor>> {
        let has_filter = *filter != RecentFilter::default();
        // One more than is given out tells whether there is more.
        let enough = page_size as usize + 1;
        let limit = if has_filter { LOOK_AT } else { page_size + 1 };
        let mut items = Vec::with_capacity(enough);
        let mut from = after.map(|CallCursor(call)| Key::Call(business, call).attributes());
        for _ in 0..LOOKS_MAX {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :call)")
                .expression_attribute_values(":pk", text(partition(business)))
                .expression_attribute_values(":call", text(CALL))
                .scan_index_forward(false)
                .consistent_read(false)
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to read recent calls")?;
            for item in found.items() {
                let record = call::from_item(item)?;
                if filter.wants(&record) {
                    items.push(record);
                }
            }
            if items.len() >= enough {
                items.truncate(enough - 1);
                let next = items.last().map(|record| CallCursor(record.call));
                return Ok(Page { items, next });
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(Page { items, next: None });
            }
        }
        Ok(Page {
            items,
            next: cursor_at(from.as_ref())?,
        })
    }

    /// Calls of a run, the earliest claim first: some of those between the run's start
    /// and its end, if it has one.
    ///
    /// A page may be empty and yet not the last: only [`Page::next`] tells. Consistent.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn calls_of_run(
        &self,
        business: &BusinessId,
        run: RunId,
        started_at: Timestamp,
        over_at: Option<Timestamp>,
        after: Option<CallCursor>,
    ) -> Result<Page<CallRecord, CallCursor>> {
        let first = started_at.before(CLOCKS_APART_MAX);
        let last = match over_at {
            Some(over_at) => first_at(business, over_at.after(CLOCKS_APART_MAX)),
            None => format!("{CALL}{}", crate::key::LAST),
        };
        let from = after.map(|CallCursor(call)| Key::Call(business, call).attributes());
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .filter_expression("run_id = :run")
            .expression_attribute_values(":pk", text(partition(business)))
            .expression_attribute_values(":first", text(first_at(business, first)))
            .expression_attribute_values(":last", text(last))
            .expression_attribute_values(":run", number(run))
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .send()
            .await
            .context("failed to read the calls of a run")?;
        let items = found.items().iter().map(call::from_item);
        Ok(Page {
            items: items.collect::<Result<_>>()?,
            next: cursor_at(found.last_evaluated_key())?,
        })
    }
}

impl RecentFilter {
    fn wants(&self, record: &CallRecord) -> bool {
        let is_of_run = self.run.is_none() || record.job.and_then(|job| job.run()) == self.run;
        let word = status_word(record.progress);
        let has_status = self.statuses.is_empty() || self.statuses.iter().any(|one| one == word);
        is_of_run && has_status
    }
}

fn cursor_at(last: Option<&Item>) -> Result<Option<CallCursor>> {
    last.map(|key| call::call_of(key).map(CallCursor))
        .transpose()
}
