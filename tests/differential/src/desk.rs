//! What people change past the flows, as far as the answers of the ports depend on it.

use anyhow::Result;
use ringfence_core::ids::{BusinessId, LeadId};
use ringfence_core::phone::PhoneNumber;
use ringfence_ledger::{Additions, Ledger, NewEntry};
use simulate::ledger::Shelf;
use simulate::world::{SimWorld, number_of};

use crate::draw::BEGIN;

/// The do-not-call list and the leads, as their owners change them.
pub trait Desk {
    /// Adds numbers to the do-not-call list.
    fn bar(
        &self,
        business: &BusinessId,
        numbers: &[PhoneNumber],
    ) -> impl Future<Output = Result<Additions>>;

    /// Takes a number off the list. False if it is not there.
    fn lift(
        &self,
        business: &BusinessId,
        number: &PhoneNumber,
    ) -> impl Future<Output = Result<bool>>;

    /// Forgets a number that stays on the list.
    fn forget(
        &self,
        business: &BusinessId,
        number: &PhoneNumber,
    ) -> impl Future<Output = Result<()>>;

    /// Deletes those of these leads that exist, and says how many those were.
    fn drop_leads(
        &self,
        business: &BusinessId,
        ids: &[LeadId],
    ) -> impl Future<Output = Result<u32>>;
}

impl Desk for Ledger {
    async fn bar(&self, business: &BusinessId, numbers: &[PhoneNumber]) -> Result<Additions> {
        let entries: Vec<NewEntry> = numbers
            .iter()
            .map(|number| NewEntry {
                phone: number.clone(),
                reason: None,
                source: Some("a form".to_owned()),
            })
            .collect();
        self.add_do_not_call(business, &entries, "key-1", BEGIN)
            .await
    }

    async fn lift(&self, business: &BusinessId, number: &PhoneNumber) -> Result<bool> {
        match self.do_not_call_entry(business, number).await? {
            Some(entry) => self.remove_do_not_call(business, &entry.id).await,
            None => Ok(false),
        }
    }

    async fn forget(&self, business: &BusinessId, number: &PhoneNumber) -> Result<()> {
        match self.do_not_call_entry(business, number).await? {
            Some(entry) => self.forget_do_not_call(business, &entry.id).await,
            None => Ok(()),
        }
    }

    async fn drop_leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<u32> {
        self.delete_leads(business, ids).await
    }
}

impl Desk for SimWorld {
    async fn bar(&self, business: &BusinessId, numbers: &[PhoneNumber]) -> Result<Additions> {
        let added = on_shelf(self, business, |shelf| {
            let is_new = |number: &&PhoneNumber| shelf.do_not_call.insert((*number).clone());
            numbers.iter().filter(is_new).count()
        });
        Ok(Additions {
            added: u32::try_from(added)?,
            known: u32::try_from(numbers.len() - added)?,
        })
    }

    async fn lift(&self, business: &BusinessId, number: &PhoneNumber) -> Result<bool> {
        Ok(on_shelf(self, business, |shelf| {
            shelf.do_not_call.remove(number)
        }))
    }

    async fn forget(&self, _: &BusinessId, _: &PhoneNumber) -> Result<()> {
        // What is stored of a number here is only that it is listed, which it stays.
        Ok(())
    }

    async fn drop_leads(&self, business: &BusinessId, ids: &[LeadId]) -> Result<u32> {
        let deleted = on_shelf(self, business, |shelf| {
            let is_there = |id: &&LeadId| shelf.leads.remove(*id).is_some();
            ids.iter().filter(is_there).count()
        });
        Ok(u32::try_from(deleted)?)
    }
}

fn on_shelf<T>(world: &SimWorld, business: &BusinessId, change: impl FnOnce(&mut Shelf) -> T) -> T {
    change(&mut world.sim.store.borrow_mut().shelves[number_of(business)])
}
