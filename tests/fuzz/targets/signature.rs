//! Signatures: a path and query, what was given as a signature, another path and query, and a
//! form, in four lines. What verifies is what a second implementation of HMAC and of Twilio's
//! rules would have signed, and nothing else.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_carrier::form::Form;
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature::{sign, verify, verify_json};
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::{parts, sha256_hex, signature, signed_text};
use ringfence_fuzz::service::TOKEN;

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let [path, given, elsewhere, body] = parts(input);
    let (Ok(path), Ok(elsewhere)) = (std::str::from_utf8(path), std::str::from_utf8(elsewhere))
    else {
        return;
    };
    let Ok(form) = Form::parse(body) else {
        return;
    };
    let given = String::from_utf8_lossy(given);
    let url = format!("https://calls.example{path}");
    let tokens = [Secret::new("an older one"), Secret::new(TOKEN)];
    let verifies = |url: &str, signature: &str| verify(&tokens, url, form.pairs(), signature);

    let ours = signature(TOKEN.as_bytes(), &signed_text(&url, form.pairs()));
    assert_eq!(sign(&tokens[1], &url, form.pairs()), ours);
    assert!(verifies(&url, &ours));
    assert!(!verify(
        &[Secret::new("")],
        &url,
        form.pairs(),
        &signature(b"", &signed_text(&url, form.pairs()))
    ));
    assert!(!verifies(&url, &ours.to_ascii_lowercase()) || ours == ours.to_ascii_lowercase());

    let is_signed = |text: &str| {
        let text = signed_text(text, form.pairs());
        tokens
            .iter()
            .any(|token| *given == signature(token.expose().as_bytes(), &text))
    };
    assert_eq!(
        verifies(&url, &given),
        spellings(&url).iter().any(|url| is_signed(url))
    );

    // The same form at another address, under this one's signature.
    let other = format!("https://calls.example{elsewhere}");
    let texts = spellings(&other);
    let ours_text = signed_text(&url, form.pairs());
    let is_same = texts
        .iter()
        .any(|text| signed_text(text, form.pairs()) == ours_text);
    assert_eq!(verifies(&other, &ours), is_same);
    check_json(&url, &tokens, body);
}

fn check_json(url: &str, tokens: &[Secret; 2], body: &[u8]) {
    let url = url.split('#').next().unwrap_or_default();
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{mark}bodySHA256={}", sha256_hex(body));
    let ours = signature(TOKEN.as_bytes(), &signed_text(&url, &[]));
    let is_told_once = url.matches("bodySHA256=").count() == 1;
    assert!(!is_told_once || verify_json(tokens, &url, body, &ours));
    assert!(!verify_json(tokens, &url, &[body, b" "].concat(), &ours));
    assert!(!verify_json(tokens, &format!("{url}&x=1"), body, &ours));
}

/// How Twilio may have written an address at our host.
fn spellings(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or_default();
    let rest = url.strip_prefix("https://").expect("every one is https");
    let authority_to = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_to);
    let host_from = authority.rfind('@').map_or(0, |at| at + 1);
    let host = &authority[host_from..];
    let name_to = host.rfind(']').unwrap_or(0);
    let toggled = match host[name_to..].find(':') {
        Some(colon) => authority[..host_from + name_to + colon].to_owned(),
        None => format!("{authority}:443"),
    };
    let plain = [url.to_owned(), format!("https://{toggled}{tail}")];
    let encoded = plain.clone().map(|url| match url.find('?') {
        Some(at) => format!("{}{}", &url[..at], url[at..].replace('\'', "%27")),
        None => url,
    });
    plain.into_iter().chain(encoded).collect()
}
