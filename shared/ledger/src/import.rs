//! Imports leads, all of a file or none.
//!
//! The leads are written first, then the pages of their roster, and last the list, which
//! makes all of them exist at once. A crash before the last write leaves items that
//! nobody sees; leads among them that are a day old are deleted by the next import, and
//! those of a deleted business by whoever deletes it once more.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result, bail};
use ringfence_core::caps::Country;
use ringfence_core::ids::{BusinessId, LeadId, ListId, RosterId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::Rosters;
use uuid::Uuid;

use self::steps::Finish;
use crate::Ledger;
use crate::counters::Counters;
use crate::lead::LeadRecord;
use crate::list::ListRecord;
use crate::upload::{Ended, Ending};

mod steps;

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The list's name.
    pub name: String,
    /// In the order in which a run of the list dials them.
    pub leads: Vec<NewLead>,
    /// How many leads the business may have.
    pub leads_max: u32,
    pub now: Timestamp,
    /// The upload that ends with the import, or not at all.
    pub ending: Option<Ending>,
}

/// One lead to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLead {
    pub name: String,
    pub phone: PhoneNumber,
    /// Where the number is, if anybody knows.
    pub country: Option<Country>,
    pub city: Option<String>,
    pub notes: Option<String>,
    /// The columns that are none of the above, by header.
    pub variables: BTreeMap<String, String>,
}

/// What became of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Imported {
    /// The list exists, with so many leads.
    Stored {
        list: ListId,
        count: u32,
        duplicates: u32,
    },
    /// Every number is among the business's leads already. Nothing is stored.
    NothingNew { duplicates: u32 },
    /// The business has room for so many more leads only. Nothing is stored.
    NoRoom { room: u32 },
    /// The lease of the upload has lapsed, and somebody else has it or is done with it.
    /// Nothing is stored by this import.
    Superseded,
    /// The business was deleted meanwhile. Nothing is stored.
    BusinessGone,
}

/// How often an import decides again because another was first.
const ATTEMPTS_MAX: u32 = 8;

impl Ledger {
    /// Imports leads, without those whose number the business has already.
    ///
    /// In this order: takes numbers (a crash then wastes them), stores the leads, stores
    /// the roster (a crash then leaves both where nobody sees them), and stores the list
    /// together with the new count of leads (a crash then changes nothing any more).
    ///
    /// # Errors
    ///
    /// When it could not be found out whether they were imported. It was all of them or none.
    pub async fn import(&self, business: &BusinessId, import: Import) -> Result<Imported> {
        let Import {
            name,
            leads,
            leads_max,
            now,
            ending,
        } = import;
        let given = count(leads.len())?;
        let mut seen = HashSet::new();
        let is_first = |lead: &NewLead| seen.insert(lead.phone.clone());
        let mut fresh: Vec<NewLead> = leads.into_iter().filter(is_first).collect();

        let counters = self.counters(business).await?;
        let known = self.known_phones(business, now).await?;
        fresh.retain(|lead| !known.contains(&lead.phone));
        if let Some(nothing) = nothing_to_import(given, fresh.len(), counters, leads_max)? {
            return self.end_without_list(business, ending, nothing).await;
        }
        let taken = self.take_numbers(business, count(fresh.len())?).await?;
        let Some((list, first)) = taken else {
            return Ok(Imported::BusinessGone);
        };
        let records = (first.get()..).zip(fresh).map(|(id, lead)| {
            let NewLead {
                name,
                phone,
                country,
                city,
                notes,
                variables,
            } = lead;
            let id = LeadId::new(id).context("lead numbers start at 1")?;
            let phone = Some(phone);
            Ok(LeadRecord {
                id,
                name,
                phone,
                country,
                city,
                notes,
                list,
                variables,
                created_at: now,
            })
        });
        let records: Vec<LeadRecord> = records.collect::<Result<_>>()?;
        self.put_leads(business, &records).await?;
        let pending = Pending {
            list,
            name,
            given,
            leads_max,
            now,
            ending,
        };
        // In a box: its parts make it larger than a caller's stack should hold.
        Box::pin(self.finish_import(business, pending, records, counters)).await
    }

    /// Makes the stored leads exist, but for those that another import was faster with.
    async fn finish_import(
        &self,
        business: &BusinessId,
        pending: Pending,
        mut records: Vec<LeadRecord>,
        mut counters: Counters,
    ) -> Result<Imported> {
        let Pending {
            list,
            name,
            given,
            leads_max,
            now,
            ending,
        } = pending;
        for _ in 0..ATTEMPTS_MAX {
            let record = ListRecord {
                id: list,
                name: name.clone(),
                count: count(records.len())?,
                roster: RosterId::new(Uuid::new_v4()),
                created_at: now,
            };
            let order: Vec<_> = records.iter().map(|lead| lead.id).collect();
            self.put_roster(record.roster, &order).await?;
            let end = match &ending {
                None => None,
                Some(ending) => {
                    let ended = Ended {
                        list: Some(list),
                        count: record.count,
                        duplicates: given - record.count,
                        summary: ending.summary.clone(),
                    };
                    Some(self.ending(business, ending, &ended)?)
                }
            };
            match self
                .put_list(business, &record, counters, leads_max, end)
                .await?
            {
                Finish::Finished => {
                    let duplicates = given - record.count;
                    return Ok(Imported::Stored {
                        list,
                        count: record.count,
                        duplicates,
                    });
                }
                Finish::Never(why) => {
                    self.delete_roster(record.roster, &order).await?;
                    self.delete_unfinished(business, &records).await?;
                    return Ok(why);
                }
                Finish::Overtaken => self.delete_roster(record.roster, &order).await?,
            }
            counters = self.counters(business).await?;
            let known = self.known_phones(business, now).await?;
            let is_known = |lead: &mut LeadRecord| {
                lead.phone
                    .as_ref()
                    .is_some_and(|phone| known.contains(phone))
            };
            let duplicates: Vec<_> = records.extract_if(.., is_known).collect();
            self.delete_unfinished(business, &duplicates).await?;
            if let Some(nothing) = nothing_to_import(given, records.len(), counters, leads_max)? {
                self.delete_unfinished(business, &records).await?;
                return self.end_without_list(business, ending, nothing).await;
            }
        }
        self.delete_unfinished(business, &records).await?;
        bail!("other imports of the business were first, time and again")
    }
}

impl Ledger {
    /// Ends the upload of an import that found nothing new, and of no other.
    async fn end_without_list(
        &self,
        business: &BusinessId,
        ending: Option<Ending>,
        nothing: Imported,
    ) -> Result<Imported> {
        let (Some(ending), Imported::NothingNew { duplicates }) = (ending, nothing) else {
            return Ok(nothing);
        };
        let ended = Ended {
            list: None,
            count: 0,
            duplicates,
            summary: ending.summary.clone(),
        };
        match self.end_upload(business, &ending, &ended).await? {
            true => Ok(nothing),
            false => Ok(Imported::Superseded),
        }
    }
}

/// An import whose leads are stored and do not exist yet.
struct Pending {
    list: ListId,
    name: String,
    given: u32,
    leads_max: u32,
    now: Timestamp,
    ending: Option<Ending>,
}

/// Why there is nothing to import, if so.
fn nothing_to_import(
    given: u32,
    fresh: usize,
    counters: Counters,
    leads_max: u32,
) -> Result<Option<Imported>> {
    let fresh = count(fresh)?;
    let room = leads_max.saturating_sub(counters.leads);
    Ok(match fresh {
        0 => Some(Imported::NothingNew { duplicates: given }),
        _ if fresh > room => Some(Imported::NoRoom { room }),
        _ => None,
    })
}

fn count(leads: usize) -> Result<u32> {
    u32::try_from(leads).context("too many leads")
}
