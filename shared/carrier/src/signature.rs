//! `X-Twilio-Signature`: only Twilio, and whoever knows the auth token, can report on a call.
//!
//! Nothing in a signature stops a replay; replays are harmless by state.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::settings::Secret;

/// The header that carries the signature.
pub const HEADER: &str = "x-twilio-signature";

/// Tells whether one of the auth tokens made `signature` for a form sent to `url`.
///
/// `url` is our configured origin and the path and raw query as they came. The
/// tokens are the current one and, during a rotation, the old one. A GET has no `params`.
pub fn verify<S: AsRef<str>>(
    tokens: &[Secret],
    url: &str,
    params: &[(S, S)],
    signature: &str,
) -> bool {
    let mut is_valid = false;
    for token in tokens.iter().filter(|token| !token.expose().is_empty()) {
        for url in spellings(url) {
            let expected = sign(token, &url, params);
            is_valid |= bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        }
    }
    is_valid
}

/// Tells whether one of the auth tokens made `signature` for a JSON body sent to `url`.
///
/// Such a body is covered by its SHA-256 in the query, and the query by the signature.
pub fn verify_json(tokens: &[Secret], url: &str, body: &[u8], signature: &str) -> bool {
    let query = without_fragment(url)
        .split_once('?')
        .map_or("", |(_, query)| query);
    let mut told = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("bodySHA256="));
    let (Some(told), None) = (told.next(), told.next()) else {
        return false;
    };
    let actual: String = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let is_this_body = bool::from(
        actual
            .as_bytes()
            .ct_eq(told.to_ascii_lowercase().as_bytes()),
    );
    is_this_body && verify(tokens, url, &[] as &[(&str, &str)], signature)
}

/// Signs a form for `url`, as Twilio does: base64 of HMAC-SHA1, keyed with the auth
/// token, over the URL without its fragment and each parameter's name and value.
///
/// Parameters are sorted by the bytes of their names; of several values of one name
/// each is taken once, sorted.
///
/// <https://www.twilio.com/docs/usage/webhooks/webhooks-security>
pub fn sign<S: AsRef<str>>(token: &Secret, url: &str, params: &[(S, S)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.expose().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(without_fragment(url).as_bytes());
    let sorted: BTreeSet<_> = params
        .iter()
        .map(|(n, v)| (n.as_ref(), v.as_ref()))
        .collect();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The ways in which Twilio may have written a URL before it signed it.
///
/// With its port and without; and, since some of its systems encode an apostrophe in
/// the query and some do not, in both manners.
fn spellings(url: &str) -> Vec<String> {
    let url = without_fragment(url);
    let mut spellings = vec![url.to_owned()];
    spellings.extend(with_port_toggled(url));
    for known in spellings.clone() {
        if let Some((path, query)) = known.split_once('?')
            && query.contains('\'')
        {
            spellings.push(format!("{path}?{}", query.replace('\'', "%27")));
        }
    }
    spellings
}

/// Takes away the port, or adds the scheme's default one.
fn with_port_toggled(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host_from = authority.rfind('@').map_or(0, |at| at + 1);
    // The colons of an IPv6 address stand in brackets.
    let name_to = authority[host_from..]
        .rfind(']')
        .map_or(host_from, |at| host_from + at);
    Some(match authority[name_to..].find(':') {
        Some(colon) => format!("{scheme}://{}{tail}", &authority[..name_to + colon]),
        None if scheme == "http" => format!("{scheme}://{authority}:80{tail}"),
        None => format!("{scheme}://{authority}:443{tail}"),
    })
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

#[cfg(test)]
mod tests;
