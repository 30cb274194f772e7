//! Reads phone numbers as people and spreadsheets write them.
//!
//! A number that comes out fits its country's numbering plan; where digits
//! may have been lost, nothing comes out: a wrong digit rings at a stranger's.

use std::str::FromStr;

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, Type, country};
use ringfence_core::caps::Country;
use ringfence_core::phone::PhoneNumber;
use thiserror::Error;

mod plan;
mod written;

use self::plan::{international, is_beside_valid_numbers, is_valid, likely_kinds};
use self::written::Written;

/// Finds the one number that a text means to somebody in `region`.
///
/// # Errors
///
/// Says whether there was nothing, too little left by a spreadsheet, or no valid number.
pub fn parse(text: &str, region: Region) -> Result<PhoneNumber, BadPhone> {
    let written = Written::read(text)?;
    let digits = &written.digits;
    let readings = match (written.has_plus, digits.strip_prefix("00")) {
        (true, None) => vec![international(digits)],
        (_, Some(international_digits)) => vec![international(international_digits)],
        // The library adds a missing trunk zero and knows the region's own country code. Where the
        // zero belongs to the number, as in Italy, one that a spreadsheet stripped must come back.
        (false, None) if digits.starts_with('0') => vec![national(region, digits)],
        (false, None) => vec![
            national(region, digits),
            national(region, &format!("0{digits}")),
        ],
    };
    let mut readings: Vec<_> = readings.into_iter().flatten().collect();
    readings.dedup();
    readings
        .iter()
        .find(|number| is_valid(number))
        .or_else(|| {
            readings
                .iter()
                .find(|number| is_beside_valid_numbers(number))
        })
        .and_then(|number| e164(number).parse().ok())
        .filter(reads_as_itself)
        .ok_or(BadPhone::Invalid)
}

/// Where a number is, unless it is in no country or in one that nobody can tell.
///
/// Countries that share a code are told apart by their numbers where the library can. A costly
/// number counts as in none: who may call a country may not call what its owner is paid for.
pub fn country_of(number: &PhoneNumber) -> Option<Country> {
    if kind(number) == Kind::Costly {
        return None;
    }
    let number = phonenumber::parse(None, number.expose()).ok()?;
    if let Some(country) = number.country().id() {
        return country.as_ref().parse().ok();
    }
    // Of the countries that share a code, all but the first are known by how their numbers
    // begin, and this one begins like none of theirs.
    let countries = DATABASE.region(&number.code().value())?;
    countries.first()?.parse().ok()
}

/// What is worth knowing of a number before it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mobile,
    /// Whoever calls it pays more than for a call: premium-rate, shared-cost, or a
    /// personal number, which leads anywhere.
    Costly,
    /// A fixed line, or any other; also where mobiles cannot be told from fixed lines.
    Other,
}

/// Finds out the kind by the country's numbering plan.
pub fn kind(number: &PhoneNumber) -> Kind {
    let digits = number.expose().trim_start_matches('+');
    let kinds = international(digits).map_or_else(Vec::new, |number| likely_kinds(&number));
    let is_costly = |kind: &Type| {
        matches!(
            kind,
            Type::PremiumRate | Type::SharedCost | Type::PersonalNumber
        )
    };
    if !kinds.is_empty() && kinds.iter().all(is_costly) {
        Kind::Costly
    } else if kinds.contains(&Type::Mobile) && !kinds.contains(&Type::FixedLine) {
        Kind::Mobile
    } else {
        Kind::Other
    }
}

/// Why a text is not a phone number; the text is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadPhone {
    #[error("no phone number")]
    Missing,
    /// A spreadsheet rounded it: `9.72501E+11`.
    #[error("phone number lost digits in a spreadsheet")]
    DigitsLost,
    #[error("phone number is not valid")]
    Invalid,
}

/// A country or territory whose numbering plan the library knows, by its CLDR code: `IL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(country::Id);

impl Region {
    /// The two capital letters.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

/// The text is not the code of a region with a numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("region is not known")]
pub struct BadRegion;

impl FromStr for Region {
    type Err = BadRegion;

    fn from_str(text: &str) -> Result<Self, BadRegion> {
        let id: country::Id = text.parse().map_err(|_| BadRegion)?;
        // The library lists codes without a plan, and panics when asked to parse for them.
        DATABASE
            .by_id(id.as_ref())
            .map(|_| Self(id))
            .ok_or(BadRegion)
    }
}

fn national(region: Region, digits: &str) -> Option<phonenumber::PhoneNumber> {
    phonenumber::parse(Some(region.0), digits).ok()
}

fn e164(number: &phonenumber::PhoneNumber) -> String {
    number.format().mode(Mode::E164).to_string()
}

/// Whether a number, as it is dialled, is the one that was read.
///
/// The library accepts zeros in front of some numbers that it takes off again when it reads them.
fn reads_as_itself(number: &PhoneNumber) -> bool {
    let digits = number.expose().trim_start_matches('+');
    international(digits).is_some_and(|again| {
        let is_number = is_valid(&again) || is_beside_valid_numbers(&again);
        is_number && e164(&again) == number.expose()
    })
}

#[cfg(test)]
mod tests;
