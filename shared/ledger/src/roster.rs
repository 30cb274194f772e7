//! One page of a roster: packed lead ids, four bytes each, in dial order.
//!
//! A page is written once and never changes, so it may be kept in memory for ever and a
//! stale read of it does not exist. A hundred thousand leads are 98 of them.

use anyhow::{Context, Result, ensure};
use ringfence_core::ids::{LeadId, RosterId};

use crate::item::{Fields, Item, bytes, put, version};
use crate::key::Key;

/// How many leads a page holds: 4 KiB.
pub(crate) const PAGE_LEADS: usize = 1_024;
const IDS: &str = "ids";

/// The page that holds a position, and where on it.
pub(crate) fn place_of(position: u32) -> (u32, usize) {
    let leads = u32::try_from(PAGE_LEADS).expect("a page has thousands of leads at most");
    let place = usize::try_from(position % leads).expect("a page has thousands of leads at most");
    (position / leads, place)
}

/// The items of a roster's pages.
pub(crate) fn to_items(roster: RosterId, leads: &[LeadId]) -> Vec<Item> {
    let pages = (0_u32..).zip(leads.chunks(PAGE_LEADS));
    let pages = pages.map(|(page, leads)| {
        let packed: Vec<u8> = leads
            .iter()
            .flat_map(|lead| lead.get().to_be_bytes())
            .collect();
        let mut item = Key::RosterPage(roster, page).attributes();
        let (name, value) = version();
        put(&mut item, [(name, Some(value)), (IDS, Some(bytes(packed)))]);
        item
    });
    pages.collect()
}

/// The keys of the pages of a roster of so many leads.
pub(crate) fn keys(roster: RosterId, leads: usize) -> impl Iterator<Item = Item> {
    let pages = (0_u32..).take(leads.div_ceil(PAGE_LEADS));
    pages.map(move |page| Key::RosterPage(roster, page).attributes())
}

/// The leads of a page.
pub(crate) fn from_item(item: &Item) -> Result<Vec<LeadId>> {
    let fields = Fields::of(item).context("failed to read a roster page")?;
    let (ids, rest) = fields.bytes(IDS)?.as_chunks::<4>();
    ensure!(rest.is_empty(), "a roster page ends within a lead id");
    let leads = ids.iter().map(|id| LeadId::new(u32::from_be_bytes(*id)));
    let leads = leads.map(|lead| lead.context("a roster page has the lead 0"));
    leads.collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::arbitrary::{lead_ids, rosters};
    use crate::item::{number, text};

    proptest! {
        #[test]
        fn every_lead_is_found_at_its_position(roster in rosters(), leads in vec(lead_ids(), 1..3_000)) {
            let pages = to_items(roster, &leads);
            let pages: Vec<_> = pages.iter().map(|page| from_item(page).unwrap()).collect();
            for (position, lead) in (0..).zip(&leads) {
                let (page, place) = place_of(position);
                prop_assert_eq!(&pages[page as usize][place], lead);
            }
        }

        #[test]
        fn the_keys_of_a_roster_are_those_of_its_pages(roster in rosters(), leads in 0_usize..3_000) {
            let pages = to_items(roster, &vec![LeadId::new(1).unwrap(); leads]);
            let keys: Vec<_> = keys(roster, leads).collect();
            prop_assert_eq!(pages.len(), keys.len());
            for (page, key) in pages.iter().zip(&keys) {
                prop_assert!(key.iter().all(|(name, value)| page.get(name) == Some(value)));
            }
        }
    }

    #[test]
    fn the_stored_form_is_this() {
        let leads = [1, 0x0102_0304].map(|lead| LeadId::new(lead).unwrap());
        let expected = [
            ("pk", text("ROSTER#000000000000000000000000000000ab")),
            ("sk", text("00000")),
            ("v", number(1)),
            ("ids", bytes([0, 0, 0, 1, 1, 2, 3, 4])),
        ];
        let expected = Item::from(expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(
            to_items(RosterId::new(Uuid::from_u128(0xab)), &leads),
            [expected]
        );
    }

    #[test]
    fn a_page_that_ends_within_a_lead_is_an_error() {
        let roster = RosterId::new(Uuid::from_u128(0xab));
        let mut item = to_items(roster, &[LeadId::new(1).unwrap()]).remove(0);
        item.insert("ids".to_owned(), bytes([0, 0, 0, 1, 0]));
        assert!(from_item(&item).is_err());
    }
}
