//! The calls of one lead, and how each lead's last call went.
//!
//! Calls are kept in the order of their claims and not by lead, so each of these reads calls
//! of the whole business: about four thousand in a request, for 128 read units, up to a
//! bound. That is rare and a person's wish, while an index would be written with every call.

use std::collections::HashMap;

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, CallId, LeadId};
use ringfence_core::time::Timestamp;
use ringfence_flows::records::CallRecord;

use crate::call::{self, status_word};
use crate::compact::CallCursor;
use crate::item::{Item, number, text};
use crate::key::{CALL, Key, partition};
use crate::{Ledger, Page};

/// How many requests look for calls before a page is given out as it is.
const LOOKS_MAX: u32 = 8;

/// As many for all leads at once: of a hundred and sixty thousand calls.
const OUTCOME_LOOKS_MAX: u32 = 40;

/// How each lead's last call went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOutcomes {
    /// Leads that were not called are not in it.
    pub words: HashMap<LeadId, &'static str>,
    /// No earlier call than this was looked at; `None` if all were.
    pub since: Option<Timestamp>,
}

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

    /// The status word of each lead's last call, as far back as one request may read.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn last_outcomes(&self, business: &BusinessId) -> Result<LastOutcomes> {
        let wanted = "sk, v, lead_id, run_id, roster_index, call_status, outcome";
        let (mut words, mut from) = (HashMap::new(), None);
        for _ in 0..OUTCOME_LOOKS_MAX {
            let (found, next) = self.some_calls(business, None, Some(wanted), from).await?;
            for item in &found {
                let record = call::from_item(item)?;
                if let Some(lead) = record.lead {
                    let word = status_word(record.progress);
                    words.entry(lead).or_insert(word);
                }
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        let last = from.as_ref().map(call::call_of).transpose()?;
        Ok(LastOutcomes {
            words,
            since: last.map(CallId::minted_at),
        })
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

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_smithy_mocks::mock;

    use super::*;
    use crate::arbitrary::{business, call_id};
    use crate::mocked;

    #[tokio::test]
    async fn the_last_outcomes_are_looked_for_within_a_bound_that_is_told() {
        let far = mock!(Client::query).then_output(|| {
            let last = Key::Call(&business(), call_id(7)).attributes();
            let page = QueryOutput::builder().set_last_evaluated_key(Some(last));
            page.build()
        });
        let ledger = mocked::ledger(&[&far]);
        let found = ledger.last_outcomes(&business()).await.unwrap();
        assert_eq!(found.since, Some(call_id(7).minted_at()));
        assert_eq!(far.num_calls(), OUTCOME_LOOKS_MAX as usize);
    }
}
