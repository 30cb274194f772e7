//! Callbacks as they arrive, a query and a form in two lines: unsigned they are turned away, and
//! signed they are handed on or passed over.

#![no_main]

use lambda_http::{Body, Request};
use libfuzzer_sys::fuzz_target;
use ringfence_carrier::callback::{Callback, STATUS_PATH};
use ringfence_carrier::form::Form;
use ringfence_carrier::settings::Secret;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::{parts, signature, signed_text};
use ringfence_fuzz::service::{NOW, Service, TOKEN, refusal, request};
use ringfence_shell::caller::Role;
use ringfence_shell::metrics::EmbeddedMetrics;
use webhook::{Parts, Webhook};

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

thread_local!(static SERVICE: (Service, Webhook) = {
    let service = Service::new();
    let webhook = Webhook::new(Parts {
        account: ACCOUNT.parse().expect("it is one"),
        tokens: vec![Secret::new(TOKEN)],
        host: Some("https://calls.example".parse().expect("it is an origin")),
        queue: service.desk.queue.clone(),
        ledger: service.ledger(),
        clock: std::sync::Arc::new(|| NOW),
        metrics: EmbeddedMetrics::SILENT,
    });
    (service, webhook)
});

fuzz_target!(|input: &[u8]| SERVICE.with(|(service, webhook)| {
    bounded(input, Bounds::REQUEST, |input| {
        check(service, webhook, input)
    });
}));

fn check(service: &Service, webhook: &Webhook, input: &[u8]) {
    let [query, body] = parts(input);
    let uri = [STATUS_PATH.as_bytes(), b"?", query].concat();
    let Some(unsigned) = request(Role::Agent, "POST", &uri, body) else {
        return;
    };
    if unsigned.uri().path() != STATUS_PATH {
        return;
    }
    let query = unsigned.uri().query().unwrap_or_default().to_owned();
    let Ok(form) = Form::parse(body) else {
        return;
    };
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("https://calls.example{STATUS_PATH}{mark}{query}");
    let right = signature(TOKEN.as_bytes(), &signed_text(&url, form.pairs()));
    let answer = |request: Request| service.wait(webhook::handle(webhook, request));
    let signed = |signature: &str| -> Request {
        let mut request = request(Role::Agent, "POST", &uri, body).expect("it was one");
        let signature = signature.parse().expect("base64 can stand in a header");
        request
            .headers_mut()
            .insert("x-twilio-signature", signature);
        request
    };
    assert_eq!(refusal(&answer(unsigned)).code, "bad_signature");
    assert_eq!(refusal(&answer(signed(&right[1..]))).code, "bad_signature");

    let mut accounts = form.pairs().iter().filter(|(name, _)| name == "AccountSid");
    let is_ours = accounts
        .next()
        .is_some_and(|(_, account)| account == ACCOUNT);
    let is_ours = is_ours && accounts.next().is_none();
    let response = answer(signed(&right));
    let report = Callback::parse(&query, &form, NOW);
    match response.status().as_u16() {
        204 => {
            assert!(is_ours && matches!(response.body(), Body::Empty));
            assert!(report.is_err() || report.is_ok_and(|report| report.report().is_none()));
        }
        503 => assert!(is_ours && report.is_ok_and(|report| report.report().is_some())),
        _ => {
            assert_eq!(refusal(&response).code, "bad_signature");
            assert!(!is_ours);
        }
    }
}
