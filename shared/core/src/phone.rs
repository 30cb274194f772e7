//! A phone number that does not leak.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The text is not an E.164 number; it is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("phone number is not in E.164 form")]
pub struct BadPhoneNumber;

/// An E.164 number: `+`, then 7 to 15 digits, the first not zero.
///
/// `Debug` shows the last four digits only and there is no `Display`; the
/// whole number comes from [`PhoneNumber::expose`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(String);

impl FromStr for PhoneNumber {
    type Err = BadPhoneNumber;

    fn from_str(text: &str) -> Result<Self, BadPhoneNumber> {
        let digits = text.strip_prefix('+').ok_or(BadPhoneNumber)?;
        let is_number = (7..=15).contains(&digits.len())
            && digits.bytes().all(|c| c.is_ascii_digit())
            && !digits.starts_with('0');
        if is_number {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPhoneNumber)
        }
    }
}

impl PhoneNumber {
    /// The whole number, for the carrier, the table and the business that owns it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…{}", &self.0[self.0.len() - 4..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_four_digits() {
        let number: PhoneNumber = "+972501234567".parse().unwrap();
        assert_eq!(format!("{number:?}"), "…4567");
        assert_eq!(number.expose(), "+972501234567");
    }

    #[test]
    fn only_e164_is_accepted() {
        for text in [
            "",
            "+",
            "0501234567",
            "+0501234567",
            "+97250123456789012",
            "+9725o1234567",
        ] {
            assert!(text.parse::<PhoneNumber>().is_err(), "{text}");
        }
    }
}
