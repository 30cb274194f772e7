//! Second opinions: what a parser should say, found in another way than the parser does.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Whether this many ASCII digits stand in a row.
pub fn has_digits(text: &str, many: usize) -> bool {
    text.as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .any(|chunk| chunk.len() >= many && chunk[0].is_ascii_digit())
}

/// The name of a business, or something else.
pub fn is_business(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
}

/// An API key as it is written, case of the hex digits aside.
pub fn is_api_key(text: &str) -> bool {
    let mut parts = text.split('_');
    let (Some("rf"), Some(id), Some(secret), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_hex = |part: &str| part.chars().all(|c| c.is_ascii_hexdigit());
    id.len() == 16 && secret.len() == 64 && is_hex(id) && is_hex(secret)
}

/// The bytes that Twilio signs.
pub fn signed_text(url: &str, params: &[(String, String)]) -> Vec<u8> {
    let url = url.find('#').map_or(url, |at| &url[..at]);
    let params: BTreeSet<_> = params.iter().collect();
    let params = params.into_iter().flat_map(|(name, value)| [name, value]);
    let texts = std::iter::once(url).chain(params.map(String::as_str));
    texts.collect::<String>().into_bytes()
}

/// HMAC-SHA1 after RFC 2104, in base64.
pub fn signature(key: &[u8], text: &[u8]) -> String {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..20].copy_from_slice(&Sha1::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha1::digest([&padded(0x36)[..], text].concat());
    let outer = Sha1::digest([&padded(0x5c)[..], &inner[..]].concat());
    BASE64_STANDARD.encode(outer)
}

/// SHA-256 in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The parts of an input between line breaks; the last one has the rest.
pub fn parts<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut parts = input.splitn(N, |&byte| byte == b'\n');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}
