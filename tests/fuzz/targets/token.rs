//! `Authorization` of a caller with a token, or after a letter for who signs, a token's header and
//! claims in two lines: nobody is known but by what the issuer has signed, and as it says.

#![no_main]

use std::sync::Arc;

use authorizer::tokens::{Tokens, Trusted};
use authorizer::{Answer, Authorizer};
use aws_lambda_events::event::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use libfuzzer_sys::fuzz_target;
use ringfence_carrier::transport::{Transport, TransportError};
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::{is_api_key, is_business, parts, sha256_hex};
use ringfence_fuzz::service::{NOW, Service};
use ringfence_shell::caller::{BUSINESS, KEY_ID, ROLE};
use serde_json::{Value, json};

thread_local!(static DOOR: Door = Door::new());

fuzz_target!(|input: &[u8]| DOOR.with(|door| {
    bounded(input, Bounds::REQUEST, |input| check(door, input));
}));

const ISSUER: &str = "https://login.example/tenant/";
const AUDIENCE: &str = "ringfence";
const LEEWAY_SECONDS: f64 = 30.0;
/// Nobody's: it signs here, and its public part is the issuer's.
const ISSUERS_KEY: [u8; 32] = [7; 32];
const STRANGERS_KEY: [u8; 32] = [8; 32];
const ISSUERS_POINT: [&str; 2] = [
    "HhhTL9R1TALzBB2cdc6zO4P_2BrHzk_ogsyxyYvFiW4",
    "pGwxHE4v9A3ZajZT5uRURdMt_khuztdcepDGoYiBwKM",
];
const STRANGERS_POINT: [&str; 2] = [
    "OtqxXWYla_Fc1xYDWz8EFETlEv7R3WTUunVZfSDjZvE",
    "VG0skKg-uroBWVCZ5fP_u9M4THSU3mdZ_dXmXvrpzGc",
];
/// Its private part was thrown away: what is signed with it is in the corpus.
const MODULUS: &str = "7Zjjxjhu0KkcQbgd7Ct7bvndjT6IqS66M-SBFpMbArrPc5n76ajk1N-lvj1FJLz2sqKSbvtVZCvv\
    492XVUs0WvNmnfp7d2Fs9zVtX-beeS_4aW2zm6aCi_0v1fSoAa_1qRM3FzRo0xflJhR3wlEdqFhqSRnVeyO2ocnGNS27Lz2R\
    zgawrDoPVZApuVMffcniNalOKyNnt94WOPGSBVkuwvUnIi3vLOaM46CEGHLffEHBBbcijDFJbhwFIXYujsHD2p7o5eQbllO5\
    g-cohUH5PNTVO7voBHbLpS-k_Z_5I7DhdHhM_3zVPN1GWpjatxM4aSVlEaLSwkkSiiR7mRoyQw";
/// All good tokens that the issuer has signed before, as headers.
const ISSUED: [&str; 3] = [
    include_str!("../corpus/token/issued_agent"),
    include_str!("../corpus/token/issued_admin"),
    include_str!("../corpus/token/issued_system_admin"),
];

/// The issuer's configuration and keys.
struct Issuer;

impl Transport for Issuer {
    async fn send(&self, asked: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let [x, y] = ISSUERS_POINT;
        let body = if asked.uri().path().ends_with("/openid-configuration") {
            json!({ "issuer": ISSUER, "jwks_uri": "https://keys.login.example/jwks" })
        } else {
            json!({ "keys": [
                { "kty": "RSA", "kid": "r1", "use": "sig", "alg": "RS256", "n": MODULUS, "e": "AQAB" },
                { "kty": "EC", "kid": "e1", "crv": "P-256", "x": x, "y": y },
                { "kty": "oct", "kid": "h1", "k": base64(b"secret"), "alg": "HS256" },
            ] })
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    }
}

/// The authorizer, and who signs.
struct Door {
    service: Service,
    authorizer: Authorizer<Issuer>,
    issuer: EcdsaKeyPair,
    stranger: EcdsaKeyPair,
}

impl Door {
    fn new() -> Self {
        let lookup = |name: &str| match name {
            "JWT_ISSUER" => Some(ISSUER.to_owned()),
            "JWT_AUDIENCE" => Some(AUDIENCE.to_owned()),
            _ => None,
        };
        let trusted = Trusted::from_env(&lookup).ok().flatten();
        let tokens = Tokens::new(trusted.expect("both are set"), Issuer);
        let service = Service::new();
        Self {
            authorizer: Authorizer {
                ledger: service.ledger(),
                clock: Arc::new(|| NOW),
                tokens: Some(tokens),
            },
            service,
            issuer: signer(ISSUERS_KEY, ISSUERS_POINT),
            stranger: signer(STRANGERS_KEY, STRANGERS_POINT),
        }
    }

    /// Who has sent this header, if anybody is known by it.
    fn known(&self, header: &str) -> Option<Answer> {
        let mut request = ApiGatewayV2CustomAuthorizerV2Request::default();
        let value = HeaderValue::from_str(header).ok()?;
        request.headers.insert(header::AUTHORIZATION, value);
        match self
            .service
            .wait(authorizer::handle(&self.authorizer, request))
        {
            Ok(answer) => {
                assert!(answer.is_authorized);
                Some(answer).filter(|answer| !answer.context.is_empty())
            }
            Err(error) => {
                // Only a key of ours is looked up where nobody answers.
                let bearer = header.split_once(' ').map(|(_, bearer)| bearer.trim());
                assert!(bearer.is_some_and(is_api_key), "{error:#}");
                None
            }
        }
    }
}

fn check(door: &Door, input: &[u8]) {
    let (letter, rest) = input.split_first().unwrap_or((&b' ', input));
    let [head, claims] = parts(rest);
    let signed = format!("{}.{}", base64(head), base64(claims));
    let bearer = |signature: &[u8]| format!("Bearer {signed}.{}", base64(signature));
    match letter {
        b'e' => {
            let answer = door.known(&bearer(&sign(&door.issuer, &signed)));
            check_claims(head, claims, answer.as_ref());
        }
        b's' => assert!(
            door.known(&bearer(&sign(&door.stranger, &signed)))
                .is_none()
        ),
        b'h' => {
            // A public key as the secret, in each form that somebody may have it in.
            let [x, y] = ISSUERS_POINT;
            let raw = BASE64_URL_SAFE_NO_PAD.decode(x).expect("it is base64");
            for secret in [
                b"secret",
                MODULUS.as_bytes(),
                x.as_bytes(),
                y.as_bytes(),
                &raw,
            ] {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                let mac = hmac::sign(&key, signed.as_bytes());
                assert!(door.known(&bearer(mac.as_ref())).is_none());
            }
        }
        _ => {
            let Ok(header) = std::str::from_utf8(input) else {
                return;
            };
            let is_known = door.known(header).is_some();
            let is_issued = || {
                ISSUED
                    .iter()
                    .any(|issued| signed_part(issued) == signed_part(header))
            };
            assert!(!is_known || is_issued(), "{header}");
            assert!(is_known || !ISSUED.contains(&header), "{header}");
        }
    }
}

/// What a token's signature is about.
fn signed_part(header: &str) -> Option<&str> {
    let (_, token) = header.split_once(' ')?;
    Some(token.trim().rsplit_once('.')?.0)
}

/// Holds what is known against what the issuer has signed.
fn check_claims(head: &[u8], claims: &[u8], answer: Option<&Answer>) {
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap_or_default();
    let (header, told) = (read(head), read(claims));
    let Some(answer) = answer else {
        // A text that is written in one way only leaves nothing to doubt.
        let is_plain =
            told.to_string().as_bytes() == claims && head == br#"{"alg":"ES256","kid":"e1"}"#;
        assert!(!(is_plain && is_good(&told)), "{told}");
        return;
    };
    assert!(header["alg"] == "ES256" && header["kid"] == "e1" && header["crit"].is_null());
    assert!(is_good(&told), "{told}");
    let context = &answer.context;
    let is_for_all = told["role"] == "system_admin";
    assert_eq!(context.get(ROLE), Some(&told["role"]));
    assert_eq!(
        context.get(BUSINESS),
        (!is_for_all).then_some(&told["business_id"])
    );
    let subject = told["sub"].as_str().expect("it is good");
    let id = format!("jwt-{}", &sha256_hex(subject.as_bytes())[..16]);
    assert_eq!(context.get(KEY_ID), Some(&Value::from(id)));
    assert_eq!(context.len(), if is_for_all { 2 } else { 3 });
}

/// Whether claims let somebody in.
fn is_good(told: &Value) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "it is far below 2^53")]
    let now = NOW.as_millis() as f64 / 1000.0;
    let is_audience = match &told["aud"] {
        Value::Array(many) => many.iter().any(|one| one == AUDIENCE),
        one => one == AUDIENCE,
    };
    let ends = told["exp"]
        .as_f64()
        .is_some_and(|at| now < at + LEEWAY_SECONDS);
    let begins = match &told["nbf"] {
        Value::Null => true,
        from => from
            .as_f64()
            .is_some_and(|from| from <= now + LEEWAY_SECONDS),
    };
    let is_somebody = match told["role"].as_str() {
        Some("system_admin") => matches!(&told["business_id"], Value::Null | Value::String(_)),
        Some("agent" | "admin") => told["business_id"].as_str().is_some_and(is_business),
        Some(_) | None => false,
    };
    told["iss"] == ISSUER && is_audience && told["sub"].is_string() && ends && begins && is_somebody
}

fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn signer(key: [u8; 32], point: [&str; 2]) -> EcdsaKeyPair {
    let point = point.map(|number| BASE64_URL_SAFE_NO_PAD.decode(number).expect("it is base64"));
    let public = [&[4], &point.concat()[..]].concat();
    let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(signing, &key, &public).expect("they are a pair")
}

fn sign(signer: &EcdsaKeyPair, text: &str) -> Vec<u8> {
    let signed = signer.sign(&SystemRandom::new(), text.as_bytes());
    signed.expect("any text can be signed").as_ref().to_vec()
}
