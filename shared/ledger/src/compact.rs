//! A call id in 22 characters of base64url, where 36 of hex would cost.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringfence_core::ids::CallId;
use thiserror::Error;
use uuid::Uuid;

/// A place in the calls of a business, as clients get it to go on from there.
///
/// It says which call came last and nothing else: whose calls are read is up to whoever
/// reads them, so another business's cursor finds nothing of that business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCursor(pub(crate) CallId);

/// The text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("cursor is not well-formed")]
pub struct BadCursor;

impl FromStr for CallCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        expand(text).map(Self).ok_or(BadCursor)
    }
}

impl fmt::Display for CallCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&compact(self.0))
    }
}

pub(crate) fn compact(call: CallId) -> String {
    URL_SAFE_NO_PAD.encode(call.uuid().as_bytes())
}

pub(crate) fn expand(text: &str) -> Option<CallId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let bytes = <[u8; 16]>::try_from(bytes).ok()?;
    Some(CallId::new(Uuid::from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_is_read_back_from_its_22_characters() {
        let call: CallId = "01932c07-a5d4-7000-8000-00000000abcd".parse().unwrap();
        assert_eq!(compact(call), "AZMsB6XUcACAAAAAAACrzQ");
        assert_eq!(expand("AZMsB6XUcACAAAAAAACrzQ"), Some(call));
    }

    #[test]
    fn other_texts_are_no_cursors() {
        for text in ["", "AZMsB6XUcACAAAAAAACrz", "AZMsB6XUcACAAAAAAACrzQ==", "§"] {
            assert_eq!(text.parse::<CallCursor>(), Err(BadCursor), "{text}");
        }
    }
}
