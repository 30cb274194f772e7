//! The functions with a ledger and a queue that never answer: what a request is refused for is
//! found out before, and whatever passes ends as 500 or 503.

use std::collections::HashMap;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_lambda_events::event::apigw::{
    ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequestContext,
};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use leads::store::Store;
use ringfence_carrier::settings::{Account, Secret};
use ringfence_carrier::transport::{Transport, TransportError};
use ringfence_carrier::twilio::{Callbacks, Twilio};
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::world::CallBounds;
use ringfence_ledger::Ledger;
use ringfence_shell::caller::{BUSINESS, KEY_ID, ROLE, Role};
use ringfence_shell::cloud::{Cloud, Desk};
use ringfence_shell::message::Sqs;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

/// The business that every caller speaks for who is not told otherwise.
pub const OWN_BUSINESS: &str = "b1";

/// When everything happens.
pub const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

/// The auth token that signs in tests.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Nobody is there.
#[derive(Debug)]
pub struct Silence;

impl HttpConnector for Silence {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let error = ConnectorError::io("nobody is there".into());
        HttpConnectorFuture::ready(Err(error))
    }
}

impl Transport for Silence {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::NotSent)
    }
}

/// What all requests of one target share.
pub struct Service {
    runtime: Runtime,
    table: aws_sdk_dynamodb::Client,
    /// The world of functions that call nobody.
    pub desk: Desk,
    /// The world of functions that place calls.
    pub cloud: Cloud<Silence>,
    pub store: Store,
}

impl Service {
    /// Sets up clients that cannot connect.
    pub fn new() -> Self {
        let nobody: SharedHttpClient = http_client_fn(|_, _| SharedHttpConnector::new(Silence));
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let table = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .retry_config(RetryConfig::disabled())
            .http_client(nobody.clone())
            .build();
        let queue = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .retry_config(RetryConfig::disabled())
            .http_client(nobody.clone())
            .build();
        let bucket = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new("us-east-1"))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .http_client(nobody)
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without sockets can be had");
        let table = aws_sdk_dynamodb::Client::from_conf(table);
        let queue = Sqs::new(aws_sdk_sqs::Client::from_conf(queue), "queue".to_owned());
        let desk = Desk {
            ledger: Ledger::new(&table, "ledger"),
            queue: queue.clone(),
            clock: Arc::new(|| NOW),
        };
        Self {
            runtime,
            cloud: cloud(Ledger::new(&table, "ledger"), queue),
            store: Store::new(&aws_sdk_s3::Client::from_conf(bucket), "bucket"),
            desk,
            table,
        }
    }

    /// A ledger that does not answer.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.table, "ledger")
    }

    /// Waits for what cannot take long.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

fn cloud(ledger: Ledger, queue: Sqs) -> Cloud<Silence> {
    let account = Account {
        sid: format!("AC{}", "a".repeat(32)).parse().expect("it is one"),
        user: "user".to_owned(),
        secret: Secret::new(TOKEN),
        api_base: "https://api.example".parse().expect("it is an origin"),
    };
    let callbacks = Callbacks {
        host: None,
        events: Vec::new(),
    };
    Cloud {
        ledger,
        twilio: Twilio::new(account, callbacks, Silence),
        queue,
        clock: Arc::new(|| NOW),
        timing: Timing::CLOUD,
        bounds: CallBounds {
            ring_seconds_max: 30,
            call_seconds_max: 600,
        },
        public_host: ringfence_flows::start::PublicHost::Configured,
    }
}

impl Default for Service {
    fn default() -> Self {
        Self::new()
    }
}

/// A request by a caller with a valid key, unless its head is none.
pub fn request(role: Role, method: &str, uri: &[u8], body: &[u8]) -> Option<Request> {
    let request = http::Request::builder()
        .method(method)
        .uri(http::Uri::try_from(uri).ok()?);
    // As Lambda does: text where it is text.
    let body = match std::str::from_utf8(body) {
        Ok(text) => Body::Text(text.to_owned()),
        Err(_) => Body::Binary(body.to_vec()),
    };
    Some(from_caller(role, request.body(body).ok()?))
}

fn from_caller(role: Role, request: Request) -> Request {
    let mut authorizer = ApiGatewayRequestAuthorizer::default();
    authorizer.fields = HashMap::from([
        (ROLE.to_owned(), Value::from(role.as_str())),
        (KEY_ID.to_owned(), Value::from("0011223344556677")),
        (BUSINESS.to_owned(), Value::from(OWN_BUSINESS)),
    ]);
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.authorizer = Some(authorizer);
    context.request_id = Some("r".to_owned());
    request.with_request_context(RequestContext::ApiGatewayV2(context))
}

/// What a client was told, where that is not what it asked for.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub field: Option<String>,
}

/// Codes that a request can be refused with before anything is looked up, and the ones that
/// say that looking up failed.
const CODES: [(u16, &str); 20] = [
    (400, "ambiguous_phone_column"),
    (400, "bad_json"),
    (400, "bad_field"),
    (400, "bad_concurrency"),
    (400, "bad_multipart"),
    (400, "empty_file"),
    (400, "no_leads"),
    (400, "no_valid_phones"),
    (400, "unsupported_file"),
    (400, "missing_run_id"),
    (403, "forbidden"),
    (403, "bad_signature"),
    (404, "not_found"),
    (404, "run_not_found"),
    (404, "lead_not_found"),
    (404, "list_not_found"),
    (404, "upload_not_found"),
    (413, "too_large"),
    (413, "too_many_leads"),
    (405, "method_not_allowed"),
];

/// Reads an answer that must be a refusal of the documented form.
///
/// # Panics
///
/// It has another form, an unknown code, or digits that could be of a phone number.
pub fn refusal(response: &Response<Body>) -> Refusal {
    let status = response.status().as_u16();
    let Body::Text(text) = response.body() else {
        panic!("an answer is text");
    };
    let told: Map<String, Value> = serde_json::from_str(text).expect("a refusal is JSON");
    assert_eq!(told.get("success"), Some(&Value::Bool(false)));
    let word = |name: &str| Some(told.get(name)?.as_str()?.to_owned());
    let code = word("code").expect("a refusal has a code");
    let is_known = CODES.contains(&(status, &code))
        || (status, code.as_str()) == (500, "internal")
        || (status, code.as_str()) == (503, "unavailable");
    assert!(is_known, "{status} {code}");
    assert!(!word("error").expect("a refusal has a text").is_empty());
    // Row errors quote a cell that is no number, columns are told by their titles, and a limit
    // is one of ours.
    let is_ours = |name: &str| matches!(name, "candidates" | "errors_sample" | "limit");
    let rest = told.iter().filter(|(name, _)| !is_ours(name));
    let rest: Map<String, Value> = rest
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    assert!(
        !crate::opinion::has_digits(&Value::from(rest).to_string(), 7),
        "{text}"
    );
    Refusal {
        status,
        code,
        field: word("field"),
    }
}

impl Refusal {
    /// Whether nothing was wrong with the request, so that the ledger was asked.
    pub fn is_past_parsing(&self) -> bool {
        self.status >= 500
    }

    /// Holds the refusal of a JSON body against the body and the fields that it may have.
    ///
    /// # Panics
    ///
    /// JSON is called none, none is taken for JSON, or a field is named that is not there.
    pub fn check_body(&self, body: &[u8], fields: &[&str]) {
        let is_json = serde_json::from_slice::<Value>(body).is_ok();
        assert!(self.code != "bad_json" || !is_json);
        if self.code == "bad_field" {
            let field = self.field.as_deref().expect("the field is named");
            // `lead_ids[17]` is one of `lead_ids`; in a body that is a list, fields have no names.
            let name = field.split(['[', '.']).next().unwrap_or_default();
            assert!(fields.contains(&name), "{field}");
        }
    }
}

/// The whole number that a value is; `7.0` is one, too.
pub fn whole(value: &Value) -> Option<u64> {
    let of_float = |number: f64| {
        let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        is_whole.then(|| format!("{number}").parse().expect("it is a whole number"))
    };
    value.as_u64().or_else(|| value.as_f64().and_then(of_float))
}
