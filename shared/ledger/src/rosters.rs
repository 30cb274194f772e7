//! Who is next: roster pages, kept in memory once read, and the leads on them.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use ringfence_core::ids::{BusinessId, LeadId, RosterId};
use ringfence_flows::ledger::Rosters;
use ringfence_flows::records::Lead;

use crate::Ledger;
use crate::batch::Reading;
use crate::key::Key;
use crate::roster;

impl Rosters for Ledger {
    async fn roster_leads(&self, roster: RosterId, positions: &[u32]) -> Result<Vec<LeadId>> {
        let places = positions.iter().map(|&position| roster::place_of(position));
        let places: Vec<_> = places.collect();
        // What was just read is used from here: the cache may have dropped it again.
        let mut pages: HashMap<u32, Vec<LeadId>> = HashMap::new();
        let wanted: BTreeSet<u32> = places.iter().map(|&(page, _)| page).collect();
        for page in wanted {
            let leads = match self.pages.get(roster, page) {
                Some(leads) => leads,
                None => {
                    let leads = self.read_page(roster, page).await;
                    let leads = leads.context("failed to read a roster page")?;
                    self.pages.keep(roster, page, &leads);
                    leads
                }
            };
            pages.insert(page, leads);
        }
        let leads = places.into_iter().map(|(page, place)| {
            let lead = pages.get(&page).and_then(|leads| leads.get(place));
            lead.copied()
                .context("a position is beyond the end of its roster")
        });
        leads.collect()
    }

    async fn put_roster(&self, roster: RosterId, leads: &[LeadId]) -> Result<()> {
        // No condition: nobody else has this roster's id, and a repeat writes the same.
        let puts = roster::to_items(roster, leads).into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            anyhow::Ok(WriteRequest::builder().put_request(put).build())
        });
        let written = self.write_all(puts.collect::<Result<_>>()?).await;
        written.context("failed to store a roster")
    }

    async fn leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<Vec<Lead>> {
        let found = self.some_leads(business, ids, Reading::Eventual).await;
        let mut leads = found.context("failed to read leads")?;
        let found: HashSet<LeadId> = leads.iter().map(|lead| lead.id).collect();
        let missed = ids.iter().copied().filter(|id| !found.contains(id));
        let missed: Vec<_> = missed.collect();
        if !missed.is_empty() {
            // Only an up-to-date answer proves that a lead does not exist.
            let found = self
                .some_leads(business, &missed, Reading::Consistent)
                .await;
            leads.extend(found.context("failed to read leads")?);
        }
        Ok(leads)
    }

    async fn missing_leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<Vec<LeadId>> {
        let wanted: BTreeSet<LeadId> = ids.iter().copied().collect();
        let found = self.existing_leads(business, &wanted).await;
        let found = found.context("failed to look for leads")?;
        Ok(wanted
            .into_iter()
            .filter(|id| !found.contains(id))
            .collect())
    }
}

impl Ledger {
    /// Reads a page. Pages never change, so a cheap read that finds one is right; only
    /// one that was written a moment ago may take a second look.
    async fn read_page(&self, roster: RosterId, page: u32) -> Result<Vec<LeadId>> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(Key::RosterPage(roster, page).attributes()))
            .consistent_read(false)
            .send()
            .await?;
        let item = match read.item {
            Some(item) => Some(item),
            None => self.item(Key::RosterPage(roster, page)).await?,
        };
        roster::from_item(&item.context("a roster page is missing")?)
    }
}
