//! Erases a person: the leads, and the name and the number in every call record.
//!
//! Whom it is about is known by the keyed hash of the number, as on the do-not-call list,
//! so that how far it is can be written down without writing the number down once more.
//! What is written of that stays true whoever writes it and when, and needs no conditions:
//! a lead's number never changes, and among the calls that are done there will be no others.

mod begun;
mod sought;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use ringfence_core::ids::{BusinessId, CallId, LeadId};
use ringfence_core::time::Timestamp;

use self::begun::{DONE, name_of};
use crate::Ledger;
use crate::call;
use crate::calls::first_at;
use crate::do_not_call::{EntryId, HashKey};
use crate::item::{Item, number, text, time};
use crate::key::{CALL, Key, LAST, LEAD, leads_partition, partition};
use crate::lead;
use crate::write::Failure;

pub use self::sought::Sought;

/// Who is to be erased, and how far that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Absent where only the number is known.
    lead: Option<LeadId>,
    /// The keyed hash of the number. Absent where nothing tells the number any more.
    number: Option<EntryId>,
    /// The calls up to this one are done.
    done: Option<CallId>,
}

/// What was erased now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Erased {
    pub count: u32,
    /// False if there is, or may be, something left. Doing it again erases that.
    pub is_complete: bool,
}

/// Nobody who began so long ago is still at work: no import, and nobody who places a call
/// and notes to whom. Twice the longest life of a function.
const AT_WORK_MAX: Duration = Duration::from_secs(10 * 60);
/// How many requests read calls, about four thousand each, before it is left to the next
/// request of the client to go on.
const LOOKS_MAX: u32 = 40;
/// How many calls are erased at once.
const ABREAST: usize = 16;

impl Ledger {
    /// Forgets the number of the person on the do-not-call list, where its hash stays, and
    /// deletes every lead with that number.
    ///
    /// An import under way may have stored such a lead already, which is then left to
    /// whoever does this again: deleting it would make the import's counts wrong.
    ///
    /// # Errors
    ///
    /// Not all may have been deleted. Doing it again deletes the others.
    pub async fn erase_leads(
        &self,
        business: &BusinessId,
        erasure: &Erasure,
        now: Timestamp,
    ) -> Result<Erased> {
        let key = self.hash_key(business).await?;
        let (Some(number), Some(key)) = (&erasure.number, key) else {
            let leads: Vec<LeadId> = erasure.lead.into_iter().collect();
            let count = self.delete_leads(business, &leads).await?;
            let is_complete = true;
            return Ok(Erased { count, is_complete });
        };
        self.forget_do_not_call(business, number).await?;
        let (mut count, mut is_complete, mut from) = (0, true, None);
        // Each request reads up to a megabyte, so the business's leads are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :lead)")
                .expression_attribute_values(":pk", text(leads_partition(business)))
                .expression_attribute_values(":lead", text(LEAD))
                .projection_expression("sk, list_id, phone, created_at")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to look for the leads of a person")?;
            let mut theirs = Vec::new();
            for item in found.items() {
                let has_number =
                    lead::phone_of(item)?.is_some_and(|phone| key.hash(&phone) == *number);
                if has_number || erasure.lead == Some(lead::id_of(item)?) {
                    theirs.push(item.clone());
                }
            }
            let mut finished = theirs.clone();
            self.retain_finished(business, &mut finished).await?;
            let finished = finished
                .iter()
                .map(lead::id_of)
                .collect::<Result<Vec<_>>>()?;
            for item in &theirs {
                let (id, created_at) = (lead::id_of(item)?, lead::created_at(item)?);
                if finished.contains(&id) {
                    count += self.delete_some(business, vec![id]).await?;
                } else if created_at.after(AT_WORK_MAX).has_passed(now) {
                    // Its import has died.
                    let key = Key::Lead(business, id).attributes();
                    self.delete_all([key]).await?;
                } else {
                    is_complete = false;
                }
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                return Ok(Erased { count, is_complete });
            }
        }
    }

    /// Whether somebody may still note that a call was to this person: a report has come
    /// before the note of whoever placed it, and its lead is gone, so nobody knows yet.
    ///
    /// # Errors
    ///
    /// The table could not be read.
    pub async fn may_be_noted(
        &self,
        business: &BusinessId,
        erasure: &Erasure,
        now: Timestamp,
    ) -> Result<bool> {
        let mut leads = BTreeSet::new();
        let mut from = None;
        // Each request reads up to a megabyte, so the calls of these minutes are a bound.
        loop {
            let found = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .filter_expression(
                    "attribute_exists(sid) AND attribute_not_exists(to_number) \
                     AND attribute_not_exists(erased_at)",
                )
                .expression_attribute_values(":pk", text(partition(business)))
                .expression_attribute_values(
                    ":first",
                    text(first_at(business, now.before(AT_WORK_MAX))),
                )
                .expression_attribute_values(":last", text(format!("{CALL}{LAST}")))
                .projection_expression("lead_id")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .context("failed to look for calls to somebody unknown")?;
            for item in found.items() {
                leads.extend(call::lead_of(item)?);
            }
            from = found.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        // Those of the lead itself are erased whatever is noted.
        leads.retain(|lead| Some(*lead) != erasure.lead);
        let known = self.existing_leads(business, &leads).await?;
        Ok(known.len() < leads.len())
    }

    /// Takes the name and the number out of the calls of a person, of whom no call is
    /// live and no lead is left. What stays is that there were calls: when, how long, and
    /// how they ended.
    ///
    /// Goes on where the last one stopped, earliest first, so that what comes meanwhile is
    /// ahead of it; and stops when it has read as much as one request may.
    ///
    /// # Errors
    ///
    /// Not all may have been erased. Doing it again erases the others.
    pub async fn erase_calls(
        &self,
        business: &BusinessId,
        erasure: &Erasure,
        now: Timestamp,
    ) -> Result<Erased> {
        let key = self.hash_key(business).await?;
        let name = match (erasure.lead, &erasure.number) {
            (Some(lead), _) => name_of(lead),
            (None, Some(number)) => number.as_str().to_owned(),
            (None, None) => String::new(),
        };
        let (mut count, mut from) = (0, erasure.done);
        for _ in 0..LOOKS_MAX {
            let (found, next) = self.calls_after(business, erasure, from).await?;
            let mut theirs = Vec::new();
            for item in found.iter().filter(|item| !call::is_erased(item)) {
                if erasure.is_about(item, key)? {
                    theirs.push(item);
                }
            }
            for some in theirs.chunks(ABREAST) {
                let erased = some.iter().map(|item| self.erase_call(business, item, now));
                count += try_join_all(erased).await?.into_iter().sum::<u32>();
            }
            from = next;
            if from.is_none() {
                // No condition: whoever goes on with it finds nothing to do.
                let key = Key::Erasure(business, &name).attributes();
                self.delete_all([key]).await?;
                let is_complete = true;
                return Ok(Erased { count, is_complete });
            }
        }
        self.keep(business, &name, DONE, from).await?;
        let is_complete = false;
        Ok(Erased { count, is_complete })
    }

    /// Erases whom a call was to, so that no note names them again; 1 if one did.
    async fn erase_call(&self, business: &BusinessId, item: &Item, now: Timestamp) -> Result<u32> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Call(business, call::call_of(item)?).attributes()))
            .update_expression("SET erased_at = :now REMOVE lead_name, to_number")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(erased_at)")
            .expression_attribute_values(":now", time(now))
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(_) => Ok(u32::from(call::to_of(item)?.is_some())),
            Err(Failure::Refused(_)) => Ok(0),
            Err(Failure::Unclear(error)) => {
                Err(error).context("failed to erase whom a call was to")
            }
        }
    }

    /// One request's worth of the calls after `from` that may be a person's, the earliest
    /// first, and where to go on.
    async fn calls_after(
        &self,
        business: &BusinessId,
        erasure: &Erasure,
        from: Option<CallId>,
    ) -> Result<(Vec<Item>, Option<CallId>)> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :call)")
            .expression_attribute_values(":pk", text(partition(business)))
            .expression_attribute_values(":call", text(CALL))
            .projection_expression("sk, lead_id, to_number, erased_at")
            .consistent_read(true)
            .set_exclusive_start_key(from.map(|call| Key::Call(business, call).attributes()));
        let query = match (erasure.lead, &erasure.number) {
            (Some(lead), number_known) => query
                .filter_expression(match number_known {
                    Some(_) => "lead_id = :lead OR attribute_exists(to_number)",
                    None => "lead_id = :lead",
                })
                .expression_attribute_values(":lead", number(lead)),
            (None, _) => query.filter_expression("attribute_exists(to_number)"),
        };
        let found = query.send().await.context("failed to read calls")?;
        let next = found.last_evaluated_key().map(call::call_of).transpose()?;
        Ok((found.items.unwrap_or_default(), next))
    }
}

impl Erasure {
    fn is_about(&self, item: &Item, key: Option<HashKey>) -> Result<bool> {
        if self.lead.is_some() && call::lead_of(item)? == self.lead {
            return Ok(true);
        }
        let (Some(number), Some(key), Some(to)) = (&self.number, key, call::to_of(item)?) else {
            return Ok(false);
        };
        Ok(key.hash(&to) == *number)
    }
}

#[cfg(test)]
mod tests;
