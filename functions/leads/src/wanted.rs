//! Which leads somebody wants to see.

use ringfence_core::call::CallStatus;
use ringfence_core::ids::ListId;
use ringfence_core::time::Timestamp;
use ringfence_ledger::{LastOutcomes, LeadRecord};
use ringfence_shell::reply::Failure;

use crate::api::Desk;

/// All that a lead must be; where something is absent, any will do.
pub(crate) struct Wanted {
    pub(crate) list: Option<ListId>,
    pub(crate) search: Option<Search>,
    pub(crate) outcome: Option<Outcome>,
}

impl Wanted {
    pub(crate) fn is(&self, record: &LeadRecord) -> bool {
        let has_outcome = self.outcome.as_ref().is_none_or(|it| it.is_of(record));
        let is_found = self.search.as_ref().is_none_or(|it| it.finds(record));
        has_outcome && is_found && self.list.is_none_or(|list| record.list == list)
    }
}

/// How the last call went of those leads that are wanted.
pub(crate) struct Outcome {
    word: String,
    last: LastOutcomes,
}

/// What a lead has that was never called.
const NEVER_CALLED: &str = "none";

impl Outcome {
    /// 400 if the word is none that a call or a lead can have.
    pub(crate) async fn of(desk: &Desk<'_>, word: Option<String>) -> Result<Option<Self>, Failure> {
        let Some(word) = word else {
            return Ok(None);
        };
        let is_known = CallStatus::parse(&word).is_some();
        if !is_known && ![NEVER_CALLED, "unknown"].contains(&word.as_str()) {
            return Err(Failure::bad_field("outcome"));
        }
        let last = desk.ledger.last_outcomes(desk.business).await;
        let last = last.map_err(|error| desk.internal(&error))?;
        Ok(Some(Self { word, last }))
    }

    /// No earlier call than this was looked at.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.last.since
    }

    fn is_of(&self, record: &LeadRecord) -> bool {
        match (self.last.words.get(&record.id), self.last.since) {
            (Some(word), _) => *word == self.word,
            // It may have been called before anything that was looked at.
            (None, Some(since)) if record.created_at <= since => false,
            (None, _) => self.word == NEVER_CALLED,
        }
    }
}

/// What somebody looks for: a part of a name, or of a number however it is written.
pub(crate) struct Search {
    name: String,
    number: Option<String>,
}

impl Search {
    pub(crate) fn of(text: &str) -> Self {
        let is_digit = |c: &char| c.is_ascii_digit();
        let is_decorated = |c: char| c.is_ascii_digit() || "+-(). ".contains(c);
        let is_number = text.chars().all(is_decorated) && text.chars().any(|c| is_digit(&c));
        let digits: String = text.chars().filter(|c| is_digit(c) || *c == '+').collect();
        // A national zero is not in the stored form.
        let number = is_number.then(|| digits.trim_start_matches('0').to_owned());
        Self {
            name: text.to_lowercase(),
            number,
        }
    }

    fn finds(&self, record: &LeadRecord) -> bool {
        let phone = record
            .phone
            .as_ref()
            .map(|phone| phone.expose())
            .unwrap_or_default();
        let has_number = self
            .number
            .as_ref()
            .is_some_and(|number| phone.contains(number));
        has_number || record.name.to_lowercase().contains(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use ringfence_core::ids::LeadId;

    use super::*;

    fn lead(id: u32, created_at: u64) -> LeadRecord {
        LeadRecord {
            id: LeadId::new(id).unwrap(),
            name: String::new(),
            phone: None,
            country: None,
            city: None,
            notes: None,
            list: ListId::new(1).unwrap(),
            variables: BTreeMap::new(),
            created_at: Timestamp::from_millis(created_at),
        }
    }

    #[test]
    fn nothing_is_said_of_a_lead_whose_calls_were_not_all_looked_at() {
        let is_of = |word: &str, since: Option<u64>, record: &LeadRecord| {
            let called = LeadId::new(1).unwrap();
            let outcome = Outcome {
                word: word.to_owned(),
                last: LastOutcomes {
                    words: HashMap::from([(called, "busy")]),
                    since: since.map(Timestamp::from_millis),
                },
            };
            outcome.is_of(record)
        };
        for since in [None, Some(50)] {
            assert!(is_of("busy", since, &lead(1, 10)));
            assert!(!is_of("none", since, &lead(1, 10)));
            assert!(is_of("none", since, &lead(2, 60)));
            assert!(!is_of("busy", since, &lead(2, 60)));
        }
        assert!(is_of("none", None, &lead(2, 10)));
        assert!(!is_of("none", Some(50), &lead(2, 10)));
    }
}
