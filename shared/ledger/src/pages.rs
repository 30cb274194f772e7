//! The roster pages that this process has read. They never change, so none is ever stale.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use ringfence_core::ids::{LeadId, RosterId};

/// How many pages are kept: 256 KiB.
const KEPT_MAX: usize = 64;

/// The pages last used, the latest first.
#[derive(Default)]
pub(crate) struct Pages(Mutex<VecDeque<Page>>);

struct Page {
    roster: RosterId,
    page: u32,
    leads: Vec<LeadId>,
}

impl Pages {
    /// The leads of a page, if it is kept.
    pub(crate) fn get(&self, roster: RosterId, page: u32) -> Option<Vec<LeadId>> {
        let mut kept = self.lock();
        let is_wanted = |kept: &Page| kept.roster == roster && kept.page == page;
        let found = kept.iter().position(is_wanted)?;
        let found = kept.remove(found)?;
        let leads = found.leads.clone();
        kept.push_front(found);
        Some(leads)
    }

    /// Keeps a page, in the place of the one that was not used for longest.
    pub(crate) fn keep(&self, roster: RosterId, page: u32, leads: &[LeadId]) {
        let leads = leads.to_vec();
        let mut kept = self.lock();
        kept.truncate(KEPT_MAX - 1);
        kept.push_front(Page {
            roster,
            page,
            leads,
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Page>> {
        self.0.lock().expect("nothing panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_pages_used_last_are_kept() {
        let roster = RosterId::new(Uuid::from_u128(1));
        let leads = [LeadId::new(1).unwrap()];
        let pages = Pages::default();
        for page in 0..64 {
            pages.keep(roster, page, &leads);
        }
        assert_eq!(pages.get(roster, 0), Some(leads.to_vec()));

        pages.keep(roster, 64, &leads);

        assert!(pages.get(roster, 0).is_some());
        assert_eq!(pages.get(roster, 1), None);
    }
}
