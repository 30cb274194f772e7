//! What request keys stand for: within a day one request, and what that has started; after
//! it nothing.

use std::collections::BTreeSet;

use super::Judge;
use super::history::AskedStart;

/// What is known of a key, in one of its days.
#[derive(Default)]
pub(super) struct KeyFacts {
    /// The requests that have come with it.
    senders: BTreeSet<u64>,
    /// The one of which somebody was told that it has started something.
    holder: Option<u64>,
}

/// When a start was asked for, and answered, as its key counts the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    First,
    /// It was asked in the first, and answered in the second.
    Between,
    Second,
}

impl Day {
    /// Its place among both, if it is one.
    pub(super) fn number(self) -> Option<usize> {
        match self {
            Self::First => Some(0),
            Self::Between => None,
            Self::Second => Some(1),
        }
    }
}

impl Judge {
    /// A day has passed for the request keys of a business.
    pub fn day_passed(&mut self, b: usize, now: u64) {
        self.books[b].aged_at = Some(now);
    }

    /// In which day a question falls that was asked at `at`, and is answered now.
    pub(super) fn day(&self, asked: &AskedStart) -> Day {
        match self.books[asked.b].aged_at {
            Some(aged_at) if asked.key.is_some() => {
                if asked.at >= aged_at {
                    Day::Second
                } else {
                    Day::Between
                }
            }
            Some(_) | None => Day::First,
        }
    }

    /// Somebody sends a request with a key.
    pub(super) fn send_key(&mut self, asked: &mut AskedStart) {
        let Some(key) = asked.key.clone() else {
            return;
        };
        let days = self.keys.entry((asked.b, key)).or_default();
        for day in &mut *days {
            day.senders.insert(asked.request);
        }
        asked.holders = [days[0].holder, days[1].holder];
    }

    /// A request with a key was told that it has started something.
    pub(super) fn hold_key(&mut self, asked: &AskedStart) {
        let Some(facts) = self.key_facts(asked) else {
            return;
        };
        let holder = *facts.holder.get_or_insert(asked.request);
        if holder != asked.request {
            let (b, request) = (asked.b, asked.request);
            let words = format!("b{b}: the key of request {holder} started {request} too");
            self.fail("history", words);
        }
    }

    /// A request was told that its key is another's.
    pub(super) fn key_is_others(&mut self, asked: &AskedStart) {
        let request = asked.request;
        let Some(facts) = self.key_facts(asked) else {
            return;
        };
        let has_others = facts.senders.iter().any(|&sender| sender != request);
        if !has_others || facts.holder == Some(request) {
            let words = format!(
                "b{}: the key of {request} was said to be another's",
                asked.b
            );
            self.fail("history", words);
        }
    }

    /// A request was told that it has started nothing, for another reason than its key.
    pub(super) fn key_is_free(&mut self, asked: &AskedStart) {
        let day = self.day(asked).number();
        let holder = day.and_then(|day| asked.holders[day]);
        if holder.is_some_and(|holder| holder != asked.request) {
            let words = format!("b{}: the used key of {} passed", asked.b, asked.request);
            self.fail("history", words);
        }
    }

    fn key_facts(&mut self, asked: &AskedStart) -> Option<&mut KeyFacts> {
        let day = self.day(asked).number()?;
        let key = asked.key.clone()?;
        Some(&mut self.keys.get_mut(&(asked.b, key))?[day])
    }
}
