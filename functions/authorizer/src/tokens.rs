//! Knows a caller by a token (JWT) of the one issuer that the deployment trusts.
//!
//! The token says how it was signed, but not what is accepted: RS256 and ES256, by a key
//! of the issuer's own set. Issuer, audience and both times are checked.

use anyhow::Result;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use ringfence_carrier::transport::Transport;
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_shell::caller::Role;
use ringfence_shell::config::{BadConfig, Lookup};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tracing::info;
use url::Url;

use crate::Known;
use crate::jwks::KeySet;

/// Whose tokens are believed, and for whom they must be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    issuer: String,
    audience: String,
}

/// Verifies the tokens of an issuer, whose keys come through a transport.
pub struct Tokens<T> {
    trusted: Trusted,
    keys: KeySet<T>,
}

/// Our clock and the issuer's may differ by so much.
const LEEWAY_SECONDS: f64 = 30.0;

#[derive(Deserialize)]
struct Claims {
    /// One issuer, and no list of them.
    iss: String,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    role: String,
    business_id: Option<String>,
}

impl Trusted {
    /// Reads `JWT_ISSUER` and `JWT_AUDIENCE`. Without both no tokens are taken.
    ///
    /// # Errors
    ///
    /// Names what is missing or bad.
    pub fn from_env(lookup: Lookup<'_>) -> Result<Option<Self>, BadConfig> {
        let read = |name: &str| lookup(name).filter(|text| !text.trim().is_empty());
        let bad = |problem: &str| Err(BadConfig(vec![problem.to_owned()]));
        match (read("JWT_ISSUER"), read("JWT_AUDIENCE")) {
            (None, None) => Ok(None),
            (Some(_), None) => bad("JWT_AUDIENCE is missing"),
            (None, Some(_)) => bad("JWT_ISSUER is missing"),
            (Some(issuer), Some(_)) if !is_issuer(&issuer) => {
                bad("JWT_ISSUER must be an https address without query and fragment")
            }
            (Some(issuer), Some(audience)) => Ok(Some(Self { issuer, audience })),
        }
    }
}

/// As <https://openid.net/specs/openid-connect-discovery-1_0.html#IssuerDiscovery> has it.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_plain = url.query().is_none() && url.fragment().is_none();
        let has_no_user = url.username().is_empty() && url.password().is_none();
        url.scheme() == "https" && url.has_host() && is_plain && has_no_user
    })
}

impl<T: Transport> Tokens<T> {
    /// Verifies tokens of this issuer. Nothing is fetched before the first token.
    pub fn new(trusted: Trusted, transport: T) -> Self {
        let keys = KeySet::new(trusted.issuer.clone(), transport);
        Self { trusted, keys }
    }

    /// Whose token this is.
    ///
    /// # Errors
    ///
    /// The issuer's keys are not known.
    pub(crate) async fn known(&self, token: &str, now: Timestamp) -> Result<Option<Known>> {
        let Some((algorithm, key_id)) = signing(token) else {
            info!("turned away a token of another form");
            return Ok(None);
        };
        let Some(key) = self.keys.key(&key_id, now).await? else {
            info!("turned away a token of an unknown key");
            return Ok(None);
        };
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.trusted.issuer]);
        validation.set_audience(&[&self.trusted.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library asks the machine for the time; here time is an argument.
        validation.validate_exp = false;
        if algorithm != key.algorithm {
            info!("turned away a token with another algorithm than its key's");
            return Ok(None);
        }
        let claims = match decode::<Claims>(token, &key.key, &validation) {
            Ok(token) => token.claims,
            Err(error) => {
                info!("turned away a token: {:?}", error.kind());
                return Ok(None);
            }
        };
        if !claims.are_in_time(now) || claims.iss != self.trusted.issuer {
            info!("turned away a token out of its time");
            return Ok(None);
        }
        Ok(claims.known())
    }
}

/// By which algorithm and key a token says that it was signed, if we take such.
fn signing(token: &str) -> Option<(Algorithm, String)> {
    let header = decode_header(token).ok()?;
    let is_taken = matches!(header.alg, Algorithm::RS256 | Algorithm::ES256);
    // What is critical must be understood, and we understand nothing further:
    // <https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11>
    let is_plain = header.crit.is_none();
    (is_taken && is_plain).then_some((header.alg, header.kid?))
}

impl Claims {
    fn are_in_time(&self, now: Timestamp) -> bool {
        let millis = u32::try_from(now.as_millis() % 1000).expect("below a thousand");
        let seconds = u32::try_from(now.as_millis() / 1000).unwrap_or(u32::MAX);
        let now = f64::from(seconds) + f64::from(millis) / 1000.0;
        let has_begun = self.nbf.is_none_or(|from| from <= now + LEEWAY_SECONDS);
        has_begun && now < self.exp + LEEWAY_SECONDS
    }

    /// Whom the claims name; nobody, unless they say for which business or for all.
    fn known(self) -> Option<Known> {
        let role = Role::parse(&self.role)?;
        let business: Option<BusinessId> = match role {
            Role::SystemAdmin => None,
            Role::Agent | Role::Admin => Some(self.business_id?.parse().ok()?),
        };
        // A subject may be an address or a number: only its hash is for the records.
        let digest: [u8; 32] = Sha256::digest(self.sub).into();
        let hex = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        Some(Known {
            id: format!("jwt-{}", hex.collect::<String>()),
            role,
            business,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(issuer: &str, audience: &str, expected: Result<bool, &str>) {
        let lookup = |name: &str| match name {
            "JWT_ISSUER" => Some(issuer.to_owned()),
            "JWT_AUDIENCE" => Some(audience.to_owned()),
            _ => None,
        };
        let read = Trusted::from_env(&lookup);
        let is_on = read.as_ref().map(Option::is_some);
        match expected {
            Ok(expected) => assert_eq!(is_on, Ok(expected), "{issuer}"),
            Err(name) => assert!(read.unwrap_err().to_string().contains(name), "{issuer}"),
        }
    }

    #[test]
    fn tokens_are_taken_from_an_https_issuer_for_an_audience_or_not_at_all() {
        check("", " ", Ok(false));
        check("https://login.example/tenant/", "ringfence", Ok(true));
        check("https://login.example", "", Err("JWT_AUDIENCE"));
        check("", "ringfence", Err("JWT_ISSUER"));
        for issuer in [
            "http://login.example",
            "http://127.0.0.1:8080",
            "login.example",
            "https://login.example?x=1",
            "https://login.example#x",
            "https://u:p@login.example",
            "file:///etc/passwd",
        ] {
            check(issuer, "ringfence", Err("JWT_ISSUER"));
        }
    }
}
