//! Form bodies, in both directions.
//!
//! What arrives is kept whole and in order, blanks and repetitions included:
//! the signature covers it all, also what we do not know.

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

/// The pairs of a form that somebody sent us.
///
/// `Debug` tells their number only, since phone numbers are among them.
#[derive(Clone, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// Twilio's callbacks have some thirty parameters and two kilobytes.
const BODY_BYTES_MAX: usize = 64 * 1024;
const PAIRS_MAX: usize = 256;

/// A form larger than any callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("form is too large")]
pub struct FormTooLarge;

impl Form {
    /// Reads a raw body or a raw query. Bytes that are not UTF-8 are replaced, so
    /// that no signature fits them.
    pub fn parse(raw: &[u8]) -> Result<Self, FormTooLarge> {
        if raw.len() > BODY_BYTES_MAX {
            return Err(FormTooLarge);
        }
        let pairs: Vec<_> = form_urlencoded::parse(raw).take(PAIRS_MAX + 1).collect();
        if pairs.len() > PAIRS_MAX {
            return Err(FormTooLarge);
        }
        Ok(Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        ))
    }

    /// Everything, in the order in which it came.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The value of a name that occurs at most once.
    pub(crate) fn only(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self
            .0
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Repeated),
        }
    }
}

/// A name has several values, and nobody can say which one is meant.
#[derive(Debug)]
pub(crate) struct Repeated;

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({} pairs)", self.0.len())
    }
}

/// Writes a form. A repeated name is written as often as it occurs.
pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Writes the body of a request.
pub(crate) fn body(pairs: &[(&str, &str)]) -> Bytes {
    Bytes::from(encode(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_signs_spaces_and_hebrew_are_encoded() {
        assert_eq!(
            encode(&[("To", "+972501234567"), ("a b", "שלום & c=d")]),
            "To=%2B972501234567&a+b=%D7%A9%D7%9C%D7%95%D7%9D+%26+c%3Dd"
        );
    }

    #[test]
    fn blanks_and_repetitions_survive() {
        let form = Form::parse(b"b=&a=2&a=1&a=1&c&%D7%A9=+").unwrap();
        let pairs: Vec<_> = form
            .pairs()
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("b", ""),
                ("a", "2"),
                ("a", "1"),
                ("a", "1"),
                ("c", ""),
                ("ש", " ")
            ]
        );
    }

    #[test]
    fn a_repeated_name_has_no_only_value() {
        let form = Form::parse(b"a=1&b=2&b=2").unwrap();
        assert_eq!(form.only("a").unwrap(), Some("1"));
        assert_eq!(form.only("c").unwrap(), None);
        assert!(form.only("b").is_err());
    }

    #[test]
    fn a_form_is_bounded() {
        assert!(Form::parse(&vec![b'a'; BODY_BYTES_MAX]).is_ok());
        assert_eq!(
            Form::parse(&vec![b'a'; BODY_BYTES_MAX + 1]),
            Err(FormTooLarge)
        );
        assert!(Form::parse("a=1&".repeat(PAIRS_MAX).as_bytes()).is_ok());
        assert_eq!(
            Form::parse("a=1&".repeat(PAIRS_MAX + 1).as_bytes()),
            Err(FormTooLarge)
        );
    }

    #[test]
    fn debug_shows_no_values() {
        let form = Form::parse(b"To=%2B972501234567").unwrap();
        assert_eq!(format!("{form:?}"), "Form(1 pairs)");
    }
}
