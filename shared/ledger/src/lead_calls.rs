//! The calls of one lead, and how each lead's last call went.
//!
//! Calls are kept in the order of their claims and not by lead, so each of these reads all
//! calls of the business: about four thousand in a request, for 128 read units. That is
//! rare and a person's wish, while an index would be written with every call.

use std::collections::HashMap;

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, LeadId};
use ringfence_flows::records::CallRecord;

use crate::call::{self, status_word};
use crate::compact::CallCursor;
use crate::item::{Item, number, text};
use crate::key::{CALL, Key, partition};
use crate::{Ledger, Page};

/// How many requests look for calls before a page is given out as it is.
const LOOKS_MAX: u32 = 8;

impl Ledger {
    /// Up to `page_size` calls of a lead, the latest claim first.
    ///
    /// A page may be shorter and yet not the last: only [`Page::next`] tells. Eventually
    /// consistent.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn calls_of_lead(
        &self,
        business: &BusinessId,
        lead: LeadId,
        page_size: u32,
        after: Option<CallCursor>,
    ) -> Result<Page<CallRecord, CallCursor>> {
        let mut items: Vec<CallRecord> = Vec::new();
        let mut from = after.map(|CallCursor(call)| Key::Call(business, call).attributes());
        for _ in 0..LOOKS_MAX {
            let (found, next) = self.some_calls(business, Some(lead), None, from).await?;
            for item in &found {
                if items.len() >= page_size as usize {
                    let next = items.last().map(|record| CallCursor(record.call));
                    return Ok(Page { items, next });
                }
                items.push(call::from_item(item)?);
            }
            from = next;
            if from.is_none() {
                return Ok(Page { items, next: None });
            }
        }
        let next = from.as_ref().map(call::call_of).transpose()?;
        Ok(Page {
            items,
            next: next.map(CallCursor),
        })
    }

    /// The status word of each lead's last call. Leads that were never called are not in it.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn last_outcomes(
        &self,
        business: &BusinessId,
    ) -> Result<HashMap<LeadId, &'static str>> {
        let wanted = "sk, v, lead_id, run_id, roster_index, call_status, outcome";
        let (mut outcomes, mut from) = (HashMap::new(), None);
        // Each request reads up to a megabyte, so the business's calls are a bound.
        loop {
            let (found, next) = self.some_calls(business, None, Some(wanted), from).await?;
            for item in &found {
                let record = call::from_item(item)?;
                if let Some(lead) = record.lead {
                    let word = status_word(record.progress);
                    outcomes.entry(lead).or_insert(word);
                }
            }
            from = next;
            if from.is_none() {
                return Ok(outcomes);
            }
        }
    }

    /// One request's worth of calls, the latest first, and where to go on.
    async fn some_calls(
        &self,
        business: &BusinessId,
        lead: Option<LeadId>,
        projection: Option<&str>,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :call)")
            .expression_attribute_values(":pk", text(partition(business)))
            .expression_attribute_values(":call", text(CALL))
            .set_projection_expression(projection.map(str::to_owned))
            .scan_index_forward(false)
            .consistent_read(false)
            .set_exclusive_start_key(from);
        let query = match lead {
            Some(lead) => query
                .filter_expression("lead_id = :lead")
                .expression_attribute_values(":lead", number(lead)),
            None => query,
        };
        let found = query.send().await.context("failed to read calls")?;
        Ok((found.items.unwrap_or_default(), found.last_evaluated_key))
    }
}
