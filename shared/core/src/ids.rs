//! The names of things, one type each, made only by parsing or at the edge.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

use crate::time::Timestamp;

/// Says which identifier could not be read; never repeats what was given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0} is not well-formed")]
pub struct BadId(&'static str);

/// A business's name: 1 to 32 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusinessId(String);

impl FromStr for BusinessId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId("business id"))
        }
    }
}

impl BusinessId {
    /// The name as stored and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BusinessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The carrier's name for a call, as Twilio writes it: `CA` and 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallSid(String);

impl FromStr for CallSid {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let digits = text.strip_prefix("CA").ok_or(BadId("call SID"))?;
        if digits.len() == 32 && digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId("call SID"))
        }
    }
}

impl CallSid {
    /// The SID as stored and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Our name for a call: a UUIDv7 minted when its slot is claimed.
///
/// Lease key, lock token, record key and webhook parameter in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Uuid);

impl CallId {
    /// Takes a UUID that the edge has minted.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bits, for compact storage.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// When the call was claimed, by the clock of the worker that did, in its first 48 bits.
    pub fn minted_at(self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.0.as_u128() >> 80).expect("48 bits fit"))
    }
}

impl FromStr for CallId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.get_version_num() == 7 => Ok(Self(uuid)),
            Ok(_) | Err(_) => Err(BadId("call id")),
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// Names the immutable pages that hold a run's leads in dial order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RosterId(Uuid);

impl RosterId {
    /// Takes a UUID that the edge has minted.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bits, for compact storage.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for RosterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// Whole numbers from 1, counted per business.
macro_rules! counted_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The number, unless it is zero.
            pub fn new(number: u32) -> Option<Self> {
                NonZeroU32::new(number).map(Self)
            }

            /// The number as stored and sent.
            pub const fn get(self) -> u32 {
                self.0.get()
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                text.parse().map(Self).map_err(|_| BadId($what))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counted_id! {
    /// A run of a business.
    RunId, "run id"
}
counted_id! {
    /// A lead of a business.
    LeadId, "lead id"
}
counted_id! {
    /// An imported list of a business.
    ListId, "list id"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_tells_when_it_was_minted() {
        let id: CallId = "01932c07-a5d4-7000-8000-000000000000".parse().unwrap();
        assert_eq!(id.minted_at(), Timestamp::from_millis(0x0193_2c07_a5d4));
    }

    #[test]
    fn only_version_7_is_a_call_id() {
        assert!(
            "550e8400-e29b-41d4-a716-446655440000"
                .parse::<CallId>()
                .is_err()
        );
    }

    #[test]
    fn an_id_reads_as_it_was_written() {
        #[track_caller]
        fn check<T: FromStr<Err: fmt::Debug> + fmt::Display>(text: &str) {
            assert_eq!(text.parse::<T>().unwrap().to_string(), text);
        }
        check::<BusinessId>("acme-1");
        check::<CallSid>("CA0123456789abcdef0123456789abcdef");
        check::<CallId>("01932c07-a5d4-7000-8000-000000000000");
        check::<RunId>("7");
        check::<LeadId>("8");
        let business: BusinessId = "acme".parse().unwrap();
        assert_eq!(business.as_str(), "acme");
        let sid: CallSid = "CA0123456789abcdef0123456789abcdef".parse().unwrap();
        assert_eq!(sid.as_str(), "CA0123456789abcdef0123456789abcdef");
        let roster = RosterId::new(Uuid::from_u128(5));
        assert_eq!(roster.to_string(), format!("{:032}", 5));
    }

    #[test]
    fn ids_of_the_wrong_form_are_refused() {
        assert!("".parse::<BusinessId>().is_err());
        assert!("a#b".parse::<BusinessId>().is_err());
        assert!("0".parse::<RunId>().is_err());
        assert!("-1".parse::<LeadId>().is_err());
        assert!("CA12".parse::<CallSid>().is_err());
    }
}
