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

use crate::text::is_invisible;

/// Longer texts are not phone numbers, whatever they contain.
const TEXT_CHARS_MAX: usize = 64;

/// No country's numbers are shorter.
const DIGITS_MIN: usize = 4;

/// An international prefix, a country code and a number of 15 digits fit.
const DIGITS_MAX: usize = 20;

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
/// Countries that share a code are told apart by their numbers where the library can.
pub fn country_of(number: &PhoneNumber) -> Option<Country> {
    let number = phonenumber::parse(None, number.expose()).ok()?;
    if let Some(country) = number.country().id() {
        return country.as_ref().parse().ok();
    }
    // Of the countries that share a code, all but the first are known by how their numbers
    // begin, and this one begins like none of theirs.
    let countries = DATABASE.region(&number.code().value())?;
    countries.first()?.parse().ok()
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

fn international(digits: &str) -> Option<phonenumber::PhoneNumber> {
    phonenumber::parse(None, format!("+{digits}")).ok()
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

/// Whether the number is one of its country's plan, whole.
///
/// The library's own check is content with the beginning of a number: it calls `+97297250...` valid.
fn is_valid(number: &phonenumber::PhoneNumber) -> bool {
    const TYPES: [Type; 10] = [
        Type::Mobile,
        Type::FixedLine,
        Type::Voip,
        Type::TollFree,
        Type::SharedCost,
        Type::Uan,
        Type::PersonalNumber,
        Type::PremiumRate,
        Type::Pager,
        Type::Voicemail,
    ];
    // The library looks for the country without a leading zero, which Italian numbers need.
    let main_country = || {
        DATABASE
            .by_code(&number.country().code())?
            .into_iter()
            .next()
    };
    let Some(plan) = number.metadata(&DATABASE).or_else(main_country) else {
        return false;
    };
    let digits = number.national().to_string();
    let is_whole = |found: &str| found.len() == digits.len();
    TYPES
        .into_iter()
        .filter_map(|kind| plan.descriptors().get(kind))
        .any(|descriptor| {
            descriptor.is_match(&digits)
                && descriptor
                    .national_number()
                    .find(&digits)
                    .is_some_and(|found| is_whole(found.as_str()))
        })
}

/// Whether another third digit would make the number valid.
///
/// Numbering plans open block by block, and the library's copy of them is a snapshot that also
/// leaves out blocks nobody was given, such as 050-1. A block opened since must be callable, and a
/// number that nobody has harms nobody: the carrier refuses it.
fn is_beside_valid_numbers(number: &phonenumber::PhoneNumber) -> bool {
    let code = number.country().code();
    let digits = number.national().to_string();
    let (Some(head), Some(tail)) = (digits.get(..2), digits.get(3..)) else {
        return false;
    };
    (0..=9)
        .filter_map(|third| international(&format!("{code}{head}{third}{tail}")))
        .any(|neighbour| is_valid(&neighbour))
}

/// A number's digits in ASCII, once its decoration is gone.
struct Written {
    has_plus: bool,
    digits: String,
}

impl Written {
    fn read(text: &str) -> Result<Self, BadPhone> {
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(BadPhone::Invalid);
        }
        let plain: String = text
            .chars()
            .filter(|&c| !is_invisible(c))
            .map(ascii)
            .collect::<Option<_>>()
            .ok_or(BadPhone::Invalid)?;
        // `="050..."` and `'050...` are how spreadsheets are told to keep a leading zero.
        let plain = plain
            .trim()
            .trim_start_matches('=')
            .trim_matches(['"', '\'', ' ']);
        if plain.is_empty() {
            return Err(BadPhone::Missing);
        }
        if plain.contains(['e', 'E']) {
            let digits = scientific(plain)?;
            return Ok(Self {
                has_plus: false,
                digits,
            });
        }

        let plain = without_zero_fraction(plain);
        // A plus typed first may come last in right-to-left text.
        let (has_plus, plain) = match plain.trim_start_matches(['(', '[', ' ']).strip_prefix('+') {
            Some(rest) => (true, rest),
            None => plain
                .strip_suffix('+')
                .map_or((false, plain), |rest| (true, rest)),
        };
        let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
        let is_decorated_only = plain
            .chars()
            .all(|c| c.is_ascii_digit() || "-./()[]~ ".contains(c));
        if digits.len() < DIGITS_MIN || digits.len() > DIGITS_MAX || !is_decorated_only {
            return Err(BadPhone::Invalid);
        }
        Ok(Self { has_plus, digits })
    }
}

/// Folds the digits, dashes, pluses and spaces of the world's keyboards; letters have no place,
/// except the `E` of a number in scientific notation.
fn ascii(c: char) -> Option<char> {
    let digit = |zero: u32| char::from_digit(u32::from(c) - zero, 10);
    match c {
        '0'..='9'
        | '+'
        | '-'
        | '.'
        | ','
        | '/'
        | '('
        | ')'
        | '['
        | ']'
        | '~'
        | '='
        | '"'
        | '\''
        | 'e'
        | 'E' => Some(c),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{ff10}'..='\u{ff19}' => digit(0xff10),
        '\u{ff0b}' => Some('+'),
        '\u{5be}' | '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{ff0d}' => Some('-'),
        '\u{66b}' => Some('.'),
        '\u{ff08}' => Some('('),
        '\u{ff09}' => Some(')'),
        c if c.is_whitespace() => Some(' '),
        _ => None,
    }
}

/// The integer that `5.01234567E+08` stands for, if every digit of it is there.
fn scientific(text: &str) -> Result<String, BadPhone> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).ok_or(BadPhone::Invalid)?;
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let whole = whole.strip_prefix('+').unwrap_or(whole);
    let is_number = whole.len() == 1
        && [whole, fraction]
            .concat()
            .bytes()
            .all(|c| c.is_ascii_digit());
    let exponent: usize = exponent.parse().map_err(|_| BadPhone::Invalid)?;
    if !is_number || exponent >= DIGITS_MAX {
        return Err(BadPhone::Invalid);
    }
    match fraction.split_at_checked(exponent) {
        Some((kept, rest)) if rest.bytes().all(|c| c == b'0') => Ok(format!("{whole}{kept}")),
        Some(_) => Err(BadPhone::Invalid),
        None => Err(BadPhone::DigitsLost),
    }
}

/// Drops the `.0` with which a spreadsheet shows an integer stored as a float.
fn without_zero_fraction(text: &str) -> &str {
    match text.rsplit_once(['.', ',']) {
        Some((whole, zeros))
            if !zeros.is_empty()
                && zeros.bytes().all(|c| c == b'0')
                && zeros.len() <= 2
                && whole
                    .trim_start_matches('+')
                    .bytes()
                    .all(|c| c.is_ascii_digit()) =>
        {
            whole
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests;
