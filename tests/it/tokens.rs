//! Tokens of a trusted issuer beside keys: who they let in, and what they cannot be.

use std::sync::{Arc, Mutex};

use authorizer::tokens::Trusted;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ringfence_local::doors::{Doors, IssuerWay};
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story};

const ISSUER: &str = "https://login.example/tenant/";
const AUDIENCE: &str = "ringfence";
const COUNTS: &str = "/api/outbound_calls/counts";

/// An issuer with two keys, who answers within the process and remembers what was asked.
pub(crate) struct Issuer {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    published: Arc<Mutex<Value>>,
    pub(crate) configuration: Arc<Mutex<Value>>,
    asked: Arc<Mutex<Vec<String>>>,
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    fn new() -> Self {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("the story has it");
        let ec =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the story has it");
        let public = rsa.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        let point = ec.public_key().as_ref().to_vec();
        let published = json!({ "keys": [
            {
                "kty": "RSA", "kid": "r1", "use": "sig", "alg": "RS256",
                "n": base64(n.big_endian_without_leading_zero()),
                "e": base64(e.big_endian_without_leading_zero()),
            },
            {
                "kty": "EC", "kid": "e1", "crv": "P-256",
                "x": base64(&point[1..33]), "y": base64(&point[33..]),
            },
            { "kty": "oct", "kid": "h1", "k": base64("secret"), "alg": "HS256" },
            { "kty": "strange", "kid": "s1" },
        ]});
        let configuration = json!({
            "issuer": ISSUER,
            "jwks_uri": "https://keys.login.example/jwks",
        });
        Self {
            rsa,
            ec,
            published: Arc::new(Mutex::new(published)),
            configuration: Arc::new(Mutex::new(configuration)),
            asked: Arc::default(),
        }
    }

    fn doors(&self) -> Doors {
        let (published, configuration) = (self.published.clone(), self.configuration.clone());
        let asked = self.asked.clone();
        let way = IssuerWay::InProcess(Arc::new(move |request| {
            let address = request.uri().to_string();
            asked
                .lock()
                .expect("the story has it")
                .push(address.clone());
            let body = match address.as_str() {
                "https://login.example/tenant/.well-known/openid-configuration" => &configuration,
                "https://keys.login.example/jwks" => &published,
                _ => panic!("{address} was fetched"),
            };
            let body = body.lock().expect("the story has it").clone();
            let mut answer = Response::new(Bytes::from(body.to_string()));
            if body.is_null() {
                *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            answer
        }));
        let lookup = |name: &str| match name {
            "JWT_ISSUER" => Some(ISSUER.to_owned()),
            "JWT_AUDIENCE" => Some(AUDIENCE.to_owned()),
            _ => None,
        };
        let trusted = Trusted::from_env(&lookup)
            .expect("the story has it")
            .expect("the story has it");
        Doors {
            issuer: Some((trusted, way)),
            ..Doors::PLAIN
        }
    }

    /// How often the keys were fetched.
    fn fetches(&self) -> usize {
        self.asked.lock().expect("the story has it").len() / 2
    }

    /// Signs as the header says, or not at all.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = format!(
            "{}.{}",
            base64(header.to_string()),
            base64(claims.to_string())
        );
        let rng = SystemRandom::new();
        let signature = match header["alg"].as_str() {
            Some("RS256") => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let message = text.as_bytes();
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                    .expect("the story has it");
                signature
            }
            Some("ES256") => self
                .ec
                .sign(&rng, text.as_bytes())
                .expect("the story has it")
                .as_ref()
                .to_vec(),
            Some("HS256") => {
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"secret");
                aws_lc_rs::hmac::sign(&key, text.as_bytes())
                    .as_ref()
                    .to_vec()
            }
            _ => Vec::new(),
        };
        format!("{text}.{}", base64(signature))
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": "e1" }), claims)
    }
}

/// A stack that trusts the issuer, and a business.
pub(crate) async fn scene() -> (Story, Office, Issuer) {
    let issuer = Issuer::new();
    let mut story = Setting {
        doors: issuer.doors(),
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    (story, office, issuer)
}

/// The story's clock, in seconds.
fn now(story: &Story) -> u64 {
    story.clock.now().as_millis() / 1000
}

/// What a good token of an office's agent says.
pub(crate) fn claims(story: &Story, office: &Office) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "exp": now(story) + 300,
        "business_id": office.id.as_str(), "role": "agent",
    })
}

async fn ask(story: &Story, token: &str) -> Answer {
    story.send(token, Method::GET, COUNTS, Value::Null).await
}

/// The claims with one of them changed; without it where the value is null.
fn with(mut claims: Value, name: &str, value: Value) -> Value {
    let fields = claims.as_object_mut().expect("the story has it");
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
    claims
}

#[tokio::test(start_paused = true)]
async fn a_token_lets_its_subject_into_the_business_that_it_names() {
    let (mut story, office, issuer) = scene().await;
    let other = story.open(7).await;
    let good = claims(&story, &office);
    for header in [
        json!({ "alg": "RS256", "kid": "r1", "typ": "JWT" }),
        json!({ "alg": "ES256", "kid": "e1" }),
    ] {
        let token = issuer.sign(&header, &good);
        assert_eq!(ask(&story, &token).await.of_status(200)["max_outbound"], 3);
        let refused = story.send(&token, Method::GET, "/api/business", Value::Null);
        refused.await.assert_refused(403, "forbidden");
    }
    let many = with(good.clone(), "aud", json!(["other", AUDIENCE]));
    ask(&story, &issuer.token(&many)).await.of_status(200);
    let theirs = with(good.clone(), "business_id", json!(other.id.as_str()));
    let answer = ask(&story, &issuer.token(&theirs)).await.of_status(200);
    assert_eq!(answer["max_outbound"], 7);
    let admin = issuer.token(&with(good.clone(), "role", json!("admin")));
    story
        .send(&admin, Method::GET, "/api/business", Value::Null)
        .await
        .of_status(200);
    // Keys go on working, and a business that is not there is 404.
    story.get(&office, COUNTS).await.of_status(200);
    let nobodys = with(good, "business_id", json!("b0123456789"));
    let answer = ask(&story, &issuer.token(&nobodys)).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_not_signed_by_the_issuer_is_none() {
    let (story, office, issuer) = scene().await;
    let stranger = Issuer::new();
    let good = claims(&story, &office);
    let signed = issuer.token(&good);
    let (head, signature) = signed.rsplit_once('.').unwrap();
    let admin = base64(with(good.clone(), "role", json!("admin")).to_string());
    let header = base64(r#"{"alg":"ES256","kid":"e1"}"#);
    let own_key = stranger.published.lock().unwrap()["keys"][1].clone();
    let sign = |header: Value| issuer.sign(&header, &good);
    let forged = [
        stranger.token(&good),
        stranger.sign(&json!({ "alg": "RS256", "kid": "r1" }), &good),
        stranger.sign(
            &json!({ "alg": "ES256", "kid": "e1", "jwk": own_key, "jku": "https://evil.example/" }),
            &good,
        ),
        sign(json!({ "alg": "none" })),
        sign(json!({ "alg": "none", "kid": "e1" })),
        sign(json!({ "alg": "None", "kid": "e1" })),
        sign(json!({ "alg": "HS256", "kid": "h1" })),
        sign(json!({ "alg": "HS256", "kid": "r1" })),
        sign(json!({ "alg": "RS256", "kid": "e1" })),
        sign(json!({ "alg": "ES256", "kid": "r1" })),
        sign(json!({ "alg": "ES256" })),
        sign(json!({ "alg": "ES256", "kid": "e1", "crit": ["b64"], "b64": false })),
        format!("{header}.{admin}.{signature}"),
        format!("{head}."),
        head.to_owned(),
        format!("{signed}.x"),
        "..".to_owned(),
        "x".repeat(9_000),
    ];
    for (case, token) in forged.iter().enumerate() {
        let answer = ask(&story, token).await;
        assert_eq!(answer.status, 401, "case {case}: {}", answer.text);
    }
    ask(&story, &signed).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn a_token_must_be_for_us_in_its_time_and_say_for_which_business() {
    let (story, office, issuer) = scene().await;
    let good = claims(&story, &office);
    let at = now(&story);
    let bad = [
        ("iss", json!("https://login.example/tenant")),
        ("iss", json!([ISSUER, "https://evil.example"])),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("exp", json!(at - 31)),
        ("exp", json!("9999999999")),
        ("exp", Value::Null),
        ("nbf", json!(at + 32)),
        ("nbf", json!("soon")),
        ("sub", Value::Null),
        ("role", json!("owner")),
        ("role", Value::Null),
        ("business_id", json!("A B")),
        ("business_id", Value::Null),
    ];
    for (name, value) in bad {
        let token = issuer.token(&with(good.clone(), name, value.clone()));
        let answer = ask(&story, &token).await;
        assert_eq!(answer.status, 401, "{name} {value}: {}", answer.text);
    }
    for (name, value) in [("exp", json!(at - 29)), ("nbf", json!(at + 29))] {
        let token = issuer.token(&with(good.clone(), name, value));
        ask(&story, &token).await.of_status(200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_admin_s_token_names_the_business_by_the_header_as_a_key_does() {
    let (story, office, issuer) = scene().await;
    let all = with(claims(&story, &office), "role", json!("system_admin"));
    let token = issuer.token(&all);
    assert_eq!(
        ask(&story, &token).await.assert_refused(400, "bad_field"),
        Some("x-business-id")
    );
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-business-id", office.id.as_str()),
    ];
    let answer = story.send_with(Method::GET, COUNTS, &headers, "").await;
    answer.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_once_a_minute_at_most_whatever_is_asked() {
    let (story, office, issuer) = scene().await;
    let good = claims(&story, &office);
    ask(&story, &issuer.token(&good)).await.of_status(200);
    for number in 0..50 {
        let header = json!({ "alg": "ES256", "kid": format!("x{number}") });
        ask(&story, &issuer.sign(&header, &good))
            .await
            .assert_refused(401, "unauthorized");
    }
    assert_eq!(issuer.fetches(), 1);
    // The issuer has a new key: an unknown one is a reason to look, a minute later.
    issuer.published.lock().unwrap()["keys"][1]["kid"] = json!("e2");
    story.wait(60).await;
    let header = json!({ "alg": "ES256", "kid": "e2" });
    let good = claims(&story, &office);
    ask(&story, &issuer.sign(&header, &good))
        .await
        .of_status(200);
    assert_eq!(issuer.fetches(), 2);
    ask(&story, &issuer.token(&good))
        .await
        .assert_refused(401, "unauthorized");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_s_outage_shuts_nobody_out_for_a_day() {
    let (story, office, issuer) = scene().await;
    ask(&story, &issuer.token(&claims(&story, &office)))
        .await
        .of_status(200);
    *issuer.published.lock().unwrap() = Value::Null;
    story.wait(23 * 3600).await;
    ask(&story, &issuer.token(&claims(&story, &office)))
        .await
        .of_status(200);
    story.wait(2 * 3600).await;
    ask(&story, &issuer.token(&claims(&story, &office)))
        .await
        .assert_refused(500, "internal");
    story.get(&office, COUNTS).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn keys_come_over_https_and_from_the_issuer_s_own_configuration_only() {
    for (name, value) in [
        ("jwks_uri", json!("http://keys.login.example/jwks")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("jwks_uri", Value::Null),
        ("issuer", json!("https://evil.example")),
    ] {
        let (story, office, issuer) = scene().await;
        issuer.configuration.lock().unwrap()[name] = value.clone();
        let token = issuer.token(&claims(&story, &office));
        ask(&story, &token).await.assert_refused(500, "internal");
        assert_eq!(issuer.asked.lock().unwrap().len(), 1, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_issuer_no_token_is_taken() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let token = Issuer::new().token(&claims(&story, &office));
    ask(&story, &token)
        .await
        .assert_refused(401, "unauthorized");
}
