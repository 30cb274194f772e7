//! Notes on calls, and reads of their records.

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use ringfence_core::ids::{BusinessId, CallId, CallSid};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::Calls;
use ringfence_flows::records::{CallNote, CallRecord};
use uuid::Uuid;

use crate::Ledger;
use crate::batch::Reading;
use crate::call::{self, Assignments};
use crate::item::{Fields, text};
use crate::key::{CALL, Key, LAST, partition};
use crate::write::Failure;

impl Calls for Ledger {
    /// Usually one request: the placed call, then its end. Where the end came first, the
    /// later note's news is refused, and a second request adds who was called, if that is
    /// still missing. Where the person was erased meanwhile, all but that is noted.
    async fn note(&self, business: &BusinessId, note: &CallNote) -> Result<()> {
        match self.add_note(business, note).await? {
            Noted::Yes => return Ok(()),
            Noted::PersonErased => {}
        }
        let nameless = CallNote {
            who: None,
            ..note.clone()
        };
        match self.add_note(business, &nameless).await? {
            Noted::Yes => Ok(()),
            Noted::PersonErased => bail!("a note that names nobody must not be refused"),
        }
    }

    async fn calls(&self, business: &BusinessId, calls: &[CallId]) -> Result<Vec<CallRecord>> {
        let mut calls = calls.to_vec();
        calls.sort_unstable();
        calls.dedup();
        let keys = calls
            .into_iter()
            .map(|call| Key::Call(business, call).attributes());
        let found = self.items(keys.collect(), None, Reading::Consistent).await;
        let found = found.context("failed to read calls")?;
        found.iter().map(call::from_item).collect()
    }

    async fn sids_since(
        &self,
        business: &BusinessId,
        since: Timestamp,
    ) -> Result<Vec<(CallId, CallSid)>> {
        let mut sids = Vec::new();
        let mut from = None;
        // Each request reads up to a megabyte, so the calls since then are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":pk", text(partition(business)))
                .expression_attribute_values(":first", text(first_at(business, since)))
                .expression_attribute_values(":last", text(format!("{CALL}{LAST}")))
                .projection_expression("sk, sid")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to read the SIDs of calls")?;
            for item in found.items() {
                if let Some(sid) = Fields::inside(item).parsed_if_any(call::SID)? {
                    sids.push((call::call_of(item)?, sid));
                }
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(sids);
            }
        }
    }
}

/// Whether a note was added.
#[derive(PartialEq, Eq)]
enum Noted {
    Yes,
    /// It names somebody who was erased. Nothing of it was added.
    PersonErased,
}

impl Ledger {
    async fn add_note(&self, business: &BusinessId, note: &CallNote) -> Result<Noted> {
        let mut assignments = Assignments::identity(note);
        assignments.add_news(&note.news)?;
        let (update, values) = assignments.into_expression();
        let names_somebody = note.who.is_some();
        let is_news = "attribute_not_exists(call_rank) OR call_rank < :rank";
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Call(business, note.call).attributes()))
            .update_expression(update)
            .condition_expression(match names_somebody {
                true => format!("({is_news}) AND {IS_NOT_ERASED}"),
                false => is_news.to_owned(),
            })
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let item = match sent.map_err(Failure::from) {
            Ok(_) => return Ok(Noted::Yes),
            Err(Failure::Refused(Some(item))) => item,
            Err(Failure::Refused(None)) => bail!("a refused note must come with its record"),
            Err(Failure::Unclear(error)) => return Err(error).context("failed to note a call"),
        };
        if names_somebody && call::is_erased(&item) {
            return Ok(Noted::PersonErased);
        }
        if !call::lacks_identity(&item, note) {
            return Ok(Noted::Yes);
        }
        // Every note that says whose call it is says the same, unless the person is erased.
        let (update, values) = Assignments::identity(note).into_expression();
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Call(business, note.call).attributes()))
            .update_expression(update)
            .set_condition_expression(names_somebody.then(|| IS_NOT_ERASED.to_owned()))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(_) => Ok(Noted::Yes),
            Err(Failure::Refused(_)) => Ok(Noted::PersonErased),
            Err(Failure::Unclear(error)) => Err(error).context("failed to note whose call it is"),
        }
    }
}

/// The condition of every write that names somebody.
const IS_NOT_ERASED: &str = "attribute_not_exists(erased_at)";

/// A part of something longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<C>,
}

/// The second key part that comes before those of all calls claimed at `time` or later.
pub(crate) fn first_at(business: &BusinessId, time: Timestamp) -> String {
    let first = Uuid::from_u128(u128::from(time.as_millis()) << 80);
    Key::Call(business, CallId::new(first)).sk()
}
