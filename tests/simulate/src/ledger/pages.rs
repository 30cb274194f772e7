//! Rosters as they are stored: in pages, each an item of its own, written in batches.
//! Nothing says that a roster is whole but the run that begins with it.

use std::rc::Rc;

use ringfence_core::ids::{LeadId, RosterId};

use super::Store;

/// How much goes into one item, and how many items into one request.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub page_leads: usize,
    pub writes_max: usize,
    pub reads_max: usize,
    /// How many items a query returns at once.
    pub query_max: usize,
}

/// A part of a roster: its number, and the leads.
pub type Page = (u32, Rc<[LeadId]>);

impl Scale {
    /// As `ringfence_ledger` has it: every roster here has a single page.
    pub const REAL: Self = Self {
        page_leads: 1_024,
        writes_max: 25,
        reads_max: 100,
        query_max: 1_000,
    };
    /// So small that the stories' rosters have many pages, and their batches many requests.
    pub const SMALL: Self = Self {
        page_leads: 3,
        writes_max: 2,
        reads_max: 4,
        query_max: 1,
    };

    /// The page that holds a position, and where on it.
    pub fn place_of(self, position: u32) -> (u32, usize) {
        let leads = u32::try_from(self.page_leads).expect("a page has thousands at most");
        (position / leads, (position % leads) as usize)
    }

    /// The pages of a roster.
    pub fn pages_of(self, leads: &[LeadId]) -> Vec<Page> {
        let pages = leads.chunks(self.page_leads).map(Rc::from);
        (0..).zip(pages).collect()
    }
}

impl Store {
    /// Stores a page.
    pub fn put_page(&mut self, roster: RosterId, (number, leads): &Page) {
        self.pages.insert((roster, *number), Rc::clone(leads));
    }

    /// Stores all pages of a roster.
    pub fn put_roster(&mut self, roster: RosterId, leads: &[LeadId]) {
        for page in self.scale.pages_of(leads) {
            self.put_page(roster, &page);
        }
    }

    /// All leads of a roster, as far as its pages are there.
    pub fn roster(&self, roster: RosterId) -> impl Iterator<Item = LeadId> {
        let pages = self.pages.range((roster, 0)..=(roster, u32::MAX));
        pages.flat_map(|(_, leads)| leads.iter().copied())
    }
}
