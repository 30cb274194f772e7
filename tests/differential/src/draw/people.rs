//! The people who are called, and those who must not be.

use std::collections::BTreeMap;

use fastrand::Rng;
use ringfence_core::caps::Country;
use ringfence_core::ids::LeadId;
use ringfence_core::phone::PhoneNumber;
use ringfence_flows::records::Lead;

use super::phone;

/// The numbers that somebody may bar, from 1 on: few, so that they are met again.
const NUMBERS: u32 = 6;
/// Two more than any business has.
const LEADS: u32 = 8;

/// A lead as both kinds of ledgers begin with it.
#[derive(Debug, Clone)]
pub struct Contact {
    pub name: String,
    pub phone: PhoneNumber,
    pub country: Option<Country>,
    /// Whether the number is erased once it is imported.
    pub is_erased: bool,
}

impl Contact {
    /// The lead of this number of a business: the same in every sequence.
    pub fn of(business: u32, lead: u32) -> Self {
        let letters = ["IL", "DE", "US"].get(((business + lead) % 4) as usize);
        Self {
            name: format!("Lead {lead} of b{business} ליד"),
            phone: phone(1_000 * (business + 1) + lead),
            country: letters.map(|letters| country(letters)),
            is_erased: lead == 3,
        }
    }

    /// What is read of it.
    pub fn lead(self, id: LeadId) -> Lead {
        let Self {
            name,
            phone,
            country,
            is_erased,
        } = self;
        Lead {
            id,
            name,
            phone: (!is_erased).then_some(phone),
            country,
            variables: BTreeMap::new(),
        }
    }
}

/// A lead by its number.
pub fn lead(number: u32) -> LeadId {
    LeadId::new(number).expect("they count from 1")
}

pub(super) fn country(letters: &str) -> Country {
    letters.parse().expect("they are two capital letters")
}

/// A few leads, some of which exist; at times more than go into one request, twice over,
/// or so many that a range is read.
pub(super) fn leads(rng: &mut Rng) -> Vec<LeadId> {
    match rng.u32(0..10) {
        0 => (1..=130).chain(1..=9).map(lead).collect(),
        1 => (1..=520).map(lead).collect(),
        2..=9 => few_leads(rng),
        10.. => unreachable!("it is below ten"),
    }
}

pub(super) fn few_leads(rng: &mut Rng) -> Vec<LeadId> {
    let count = rng.u32(0..7);
    (0..count).map(|_| lead(rng.u32(1..=LEADS))).collect()
}

/// Every lead that may exist.
pub(super) fn all_leads() -> Vec<LeadId> {
    (1..=LEADS).map(lead).collect()
}

/// A few numbers, some of them twice; at times more than go into one request.
pub(super) fn numbers(rng: &mut Rng) -> Vec<PhoneNumber> {
    if rng.u32(0..12) == 0 {
        return (1..=130).chain(1..=9).map(phone).collect();
    }
    (0..rng.u32(0..5)).map(|_| number(rng)).collect()
}

pub(super) fn number(rng: &mut Rng) -> PhoneNumber {
    phone(rng.u32(1..=NUMBERS))
}

/// Every number that may be barred.
pub(super) fn all_numbers() -> Vec<PhoneNumber> {
    (1..=130).map(phone).collect()
}
