//! API keys: `rf_<key id>_<secret>`. Only a SHA-256 of the secret is stored.

use std::fmt;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// An API key as its owner holds it. `Debug` shows the key id only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key; not secret.
    pub key_id: String,
    secret: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rf_{}_…", self.key_id)
    }
}

/// Bytes of chance in a key id: enough that two never meet.
const KEY_ID_BYTES: usize = 8;
/// Bytes of chance in a secret: beyond guessing, so a plain hash of it suffices.
const SECRET_BYTES: usize = 32;

impl ApiKey {
    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// The system has no randomness to give.
    pub fn generate() -> Result<Self> {
        Ok(Self {
            key_id: random_hex(KEY_ID_BYTES)?,
            secret: random_hex(SECRET_BYTES)?,
        })
    }

    /// Reads a key as a client sends it. `None` for anything of another form.
    pub fn parse(text: &str) -> Option<Self> {
        let (key_id, secret) = text.strip_prefix("rf_")?.split_once('_')?;
        let is_hex = |text: &str, bytes: usize| {
            text.len() == 2 * bytes && text.bytes().all(|c| c.is_ascii_hexdigit())
        };
        (is_hex(key_id, KEY_ID_BYTES) && is_hex(secret, SECRET_BYTES)).then(|| Self {
            key_id: key_id.to_owned(),
            secret: secret.to_owned(),
        })
    }

    /// What is stored of the secret.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.secret.as_bytes()).into()
    }

    /// Compares with a stored digest, in a time that does not depend on where they differ.
    pub fn matches(&self, digest: &[u8]) -> bool {
        self.digest().ct_eq(digest).into()
    }

    /// The whole key, to be shown once to its owner.
    pub fn expose(&self) -> String {
        format!("rf_{}_{}", self.key_id, self.secret)
    }
}

/// Makes a name for a new business.
///
/// # Errors
///
/// The system has no randomness to give.
pub fn random_business_id() -> Result<String> {
    Ok(format!("b{}", random_hex(5)?))
}

fn random_hex(bytes: usize) -> Result<String> {
    let mut chance = vec![0; bytes];
    getrandom::fill(&mut chance).context("failed to read the system's randomness")?;
    Ok(chance.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_matches_its_digest_only() {
        let (key, other) = (ApiKey::generate().unwrap(), ApiKey::generate().unwrap());
        let read = ApiKey::parse(&key.expose()).unwrap();
        assert!(read.matches(&key.digest()));
        assert!(!read.matches(&other.digest()));
        assert!(!read.matches(&[]));
    }

    #[test]
    fn debug_keeps_the_secret() {
        let key = ApiKey::generate().unwrap();
        let secret = key.expose().split('_').nth(2).unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&secret));
    }

    #[test]
    fn other_forms_are_no_keys() {
        for text in [
            "",
            "rf_",
            "rf_a_b",
            "Bearer x",
            "rf__",
            "rf_0011223344556677_zz",
        ] {
            assert!(ApiKey::parse(text).is_none(), "{text}");
        }
    }
}
