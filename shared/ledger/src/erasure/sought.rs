//! Finds out whom an erasure is about.

use anyhow::Result;
use ringfence_core::call::Job;
use ringfence_core::ids::{BusinessId, LeadId};
use ringfence_core::state::{Lease, State};
use ringfence_flows::ledger::Rosters;

use super::begun::{Begun, SEARCHED, name_of};
use super::{Erasure, LOOKS_MAX};
use crate::Ledger;
use crate::call;
use crate::do_not_call::EntryId;

/// What is known of whom somebody wants erased.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Sought {
    Found(Erasure),
    /// Nothing.
    Nobody,
    /// Nothing in as many calls as one request reads; the next goes on from there.
    Further,
}

impl Ledger {
    /// Finds out whose number a lead's is, or was: by what an erasure that is under way
    /// knows, by the lead, by its live call, or by its calls.
    ///
    /// # Errors
    ///
    /// The table could not be read. Nothing was erased.
    pub async fn erasure_of_lead(
        &self,
        business: &BusinessId,
        state: &State,
        lead: LeadId,
    ) -> Result<Sought> {
        let name = name_of(lead);
        let begun = self.begun(business, &name).await?;
        if let Some(Begun {
            number: Some(number),
            done,
            ..
        }) = begun
        {
            return Ok(Sought::Found(Erasure {
                lead: Some(lead),
                number: Some(number),
                done,
            }));
        }
        let known = self.lead(business, lead).await?;
        let is_known = known.is_some();
        let phone = match known.and_then(|known| known.phone) {
            Some(phone) => Some(phone),
            None => self
                .lease_of(state, lead)
                .await?
                .map(|lease| lease.to.clone()),
        };
        let begun = begun.unwrap_or_default();
        let erasure = Erasure {
            lead: Some(lead),
            number: None,
            done: begun.done,
        };
        if let Some(phone) = phone {
            let number = self.make_hash_key(business).await?.hash(&phone);
            return Ok(Sought::Found(Erasure {
                number: Some(number),
                ..erasure
            }));
        }
        if is_known {
            // It never had a number, and so no calls.
            return Ok(Sought::Found(erasure));
        }
        let (mut from, mut has_calls) = (begun.searched, false);
        for _ in 0..LOOKS_MAX {
            let (found, next) = self.calls_after(business, &erasure, from).await?;
            has_calls |= !found.is_empty();
            let mut phones = found
                .iter()
                .filter_map(|item| call::to_of(item).transpose());
            if let Some(phone) = phones.next() {
                let number = self.make_hash_key(business).await?.hash(&phone?);
                return Ok(Sought::Found(Erasure {
                    number: Some(number),
                    ..erasure
                }));
            }
            from = next;
            if from.is_none() {
                return Ok(if has_calls {
                    Sought::Found(erasure)
                } else {
                    Sought::Nobody
                });
            }
        }
        self.keep(business, &name, SEARCHED, from).await?;
        Ok(Sought::Further)
    }

    /// The erasure of whoever has the number of a do-not-call entry.
    ///
    /// # Errors
    ///
    /// The table could not be read.
    pub async fn erasure_of_entry(&self, business: &BusinessId, id: &EntryId) -> Result<Sought> {
        let begun = self.begun(business, id.as_str()).await?;
        if begun.is_none() && self.do_not_call_entry_of(business, id).await?.is_none() {
            return Ok(Sought::Nobody);
        }
        Ok(Sought::Found(Erasure {
            lead: None,
            number: Some(id.clone()),
            done: begun.and_then(|begun| begun.done),
        }))
    }

    /// Whether a call to the person holds a slot.
    ///
    /// # Errors
    ///
    /// The table could not be read.
    pub async fn is_person_in_call(
        &self,
        business: &BusinessId,
        state: &State,
        erasure: &Erasure,
    ) -> Result<bool> {
        match (&erasure.number, erasure.lead) {
            (Some(number), _) => {
                let Some(key) = self.hash_key(business).await? else {
                    return Ok(false);
                };
                let mut leases = state.active.values();
                Ok(leases.any(|lease| key.hash(&lease.to) == *number))
            }
            (None, Some(lead)) => Ok(self.lease_of(state, lead).await?.is_some()),
            (None, None) => Ok(false),
        }
    }

    /// The live call of a lead.
    async fn lease_of<'a>(&self, state: &'a State, lead: LeadId) -> Result<Option<&'a Lease>> {
        for lease in state.active.values() {
            let of = match lease.job {
                Job::Direct { lead } => Some(lead),
                Job::OfRun { run, index } => match state.runs.get(&run) {
                    Some(run) => self.roster_leads(run.roster, &[index]).await?.pop(),
                    None => None,
                },
            };
            if of == Some(lead) {
                return Ok(Some(lease));
            }
        }
        Ok(None)
    }
}
