//! The keys by which an issuer signs, fetched from the address that its configuration
//! names, over https only, and kept.
//!
//! No address comes from a request, and requests cannot make us fetch more than once a minute.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use ringfence_carrier::transport::Transport;
use ringfence_core::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::warn;

/// After so long the keys are fetched anew, so that a withdrawn one is not believed for ever.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);
/// Keys that cannot be fetched anew are still believed for so long: an issuer's outage
/// shuts nobody out.
const GOOD_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// The least time between two fetches, whatever the reason.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Far more than issuers have.
const KEYS_MAX: usize = 64;
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// An issuer's keys.
pub(crate) struct KeySet<T> {
    issuer: String,
    transport: T,
    kept: Mutex<Kept>,
}

/// A key, and the only algorithm that it is good for.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

#[derive(Default)]
struct Kept {
    keys: HashMap<String, Key>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl<T: Transport> KeySet<T> {
    /// The keys of this issuer, none of them fetched yet.
    pub(crate) fn new(issuer: String, transport: T) -> Self {
        Self {
            issuer,
            transport,
            kept: Mutex::default(),
        }
    }

    /// The issuer's key of this id. An unknown one, or old keys, are a reason to fetch.
    ///
    /// # Errors
    ///
    /// No keys are known that are not too old.
    pub(crate) async fn key(&self, key_id: &str, now: Timestamp) -> Result<Option<Key>> {
        let mut kept = self.kept.lock().await;
        let is_within = |at: Option<Timestamp>, span| at.is_some_and(|at| now.since(at) < span);
        let is_fresh = is_within(kept.fetched_at, FRESH_FOR);
        let is_wanted = !is_fresh || !kept.keys.contains_key(key_id);
        if is_wanted && !is_within(kept.tried_at, AGAIN_AFTER) {
            kept.tried_at = Some(now);
            match self.fetch().await {
                Ok(keys) => {
                    kept.keys = keys;
                    kept.fetched_at = Some(now);
                }
                Err(error) => warn!("failed to fetch the issuer's keys: {error:#}"),
            }
        }
        ensure!(
            is_within(kept.fetched_at, GOOD_FOR),
            "the issuer's keys are not known"
        );
        Ok(kept.keys.get(key_id).cloned())
    }

    async fn fetch(&self) -> Result<HashMap<String, Key>> {
        let base = self.issuer.trim_end_matches('/');
        let address = format!("{base}/.well-known/openid-configuration");
        let configuration: Configuration = self.get(&address).await?;
        ensure!(
            configuration.issuer == self.issuer,
            "the configuration is another issuer's"
        );
        let published: Published = self.get(&configuration.jwks_uri).await?;
        let keys = published.keys.into_iter().take(KEYS_MAX);
        Ok(keys.filter_map(usable).collect())
    }

    async fn get<A: DeserializeOwned>(&self, address: &str) -> Result<A> {
        ensure!(address.starts_with("https://"), "an address is not https");
        let request = Request::get(address)
            .header("accept", "application/json")
            .body(Bytes::new())
            .context("an address is malformed")?;
        let answer = self.transport.send(request).await?;
        ensure!(
            answer.status() == StatusCode::OK,
            "the issuer answered {}",
            answer.status()
        );
        ensure!(
            answer.body().len() <= ANSWER_BYTES_MAX,
            "the issuer's answer is too large"
        );
        serde_json::from_slice(answer.body()).context("the issuer's answer is no such JSON")
    }
}

/// A published key under its id, if it is one that signs as we take it.
fn usable(published: Value) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(published).ok()?;
    let (algorithm, word) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref();
    let is_usable = signs.is_none_or(|it| *it == PublicKeyUse::Signature)
        && common.key_algorithm.is_none_or(|named| named == word);
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let id = jwk.common.key_id?;
    is_usable.then_some((id, Key { algorithm, key }))
}
