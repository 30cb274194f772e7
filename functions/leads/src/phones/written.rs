//! Reads the digits of a phone number out of what people, spreadsheets and right-to-left
//! editors put around them.

use super::BadPhone;
use crate::text::is_invisible;

/// Longer texts are not phone numbers, whatever they contain.
const TEXT_CHARS_MAX: usize = 64;

/// No country's numbers are shorter.
const DIGITS_MIN: usize = 4;

/// An international prefix, a country code and a number of 15 digits fit.
const DIGITS_MAX: usize = 20;

/// No country's code is longer.
const COUNTRY_DIGITS_MAX: usize = 3;

/// A number's digits in ASCII, once its decoration is gone.
pub(super) struct Written {
    pub(super) has_plus: bool,
    pub(super) digits: String,
}

impl Written {
    pub(super) fn read(text: &str) -> Result<Self, BadPhone> {
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(BadPhone::Invalid);
        }
        let visible: String = text.chars().filter(|&c| !is_invisible(c)).collect();
        let plain: String = without_scheme(visible.trim())
            .chars()
            .map(ascii)
            .collect::<Option<_>>()
            .ok_or(BadPhone::Invalid)?;
        // `="050..."` and `'050...` are how spreadsheets are told to keep a leading zero.
        let plain = plain
            .trim()
            .trim_start_matches('=')
            .trim_matches(['"', '\'', ' '])
            // One of a list whose others are in other cells.
            .trim_end_matches([',', ';', ' ']);
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
        let (has_plus, plain) = take_plus(plain);
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

/// Drops the `tel:` of a link.
fn without_scheme(text: &str) -> &str {
    match text.split_at_checked("tel:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel:") => rest,
        Some(_) | None => text,
    }
}

/// Takes the plus out, and says whether there was one.
///
/// One that was typed first may come last in right-to-left text, or after the country's code.
fn take_plus(text: &str) -> (bool, String) {
    let plain = text.trim_start_matches(['(', '[', ' ']);
    if let Some(rest) = plain.strip_prefix('+').or_else(|| text.strip_suffix('+')) {
        return (true, rest.to_owned());
    }
    match plain.split_once('+') {
        Some((code, rest))
            if code.len() <= COUNTRY_DIGITS_MAX && code.bytes().all(|c| c.is_ascii_digit()) =>
        {
            (true, [code, rest].concat())
        }
        Some(_) | None => (false, text.to_owned()),
    }
}

/// Folds the digits, dashes, pluses, quotes and spaces of the world's keyboards; letters have no place,
/// except the `E` of a number in scientific notation.
fn ascii(c: char) -> Option<char> {
    let digit = |zero: u32| char::from_digit(u32::from(c) - zero, 10);
    match c {
        '0'..='9'
        | '+'
        | '-'
        | '.'
        | ','
        | ';'
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
        '`' | '\u{b4}' | '\u{5f3}' | '\u{2018}' | '\u{2019}' | '\u{2032}' | '\u{ff07}' => {
            Some('\'')
        }
        '\u{5f4}' | '\u{201c}'..='\u{201e}' | '\u{2033}' | '\u{ff02}' => Some('"'),
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
