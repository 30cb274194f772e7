//! The S3 of the local stack: one bucket in memory, for SDK clients and for signed addresses.
//!
//! A signed address is as good as on AWS: until it expires, for its own key, and with the
//! headers that were signed. Objects are gone after a day, and with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Region, RequestChecksumCalculation, StalledStreamProtectionConfig,
};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use ringfence_core::time::Timestamp;
use tokio::task::yield_now;

use super::connector::{self, ENDPOINT, REGION};
use super::trap::Trap;
use crate::clock::Clock;

/// An embedded bucket. Clones share it.
#[derive(Clone)]
pub struct Objects(Arc<Inner>);

struct Inner {
    clock: Clock,
    origin: OnceLock<String>,
    shelf: Mutex<HashMap<String, Object>>,
}

struct Object {
    bytes: Bytes,
    put_at: Timestamp,
}

/// The name of the bucket.
pub const BUCKET: &str = "ringfence-uploads";

/// As the bucket's lifecycle rule has it in the template.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// S3 takes five gigabytes at once; this one is kept in memory.
pub const OBJECT_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Objects {
    /// A new, empty bucket.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            origin: OnceLock::new(),
            shelf: Mutex::default(),
        }))
    }

    /// Says by which origin clients reach the bucket. Signed addresses begin with it.
    pub fn reached_at(&self, origin: &str) {
        // It is said once, when the stack starts to listen.
        let _ = self.0.origin.set(origin.to_owned());
    }

    /// An SDK client of this bucket, of a process that may be made to die at any of its requests.
    pub fn client_with(&self, trap: &Trap) -> Client {
        let origin = self.0.origin.get().map_or(ENDPOINT, String::as_str);
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(connector::credentials())
            .endpoint_url(origin)
            .force_path_style(true)
            .http_client(Door {
                objects: self.clone(),
                trap: trap.clone(),
            })
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .retry_config(connector::retries())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    /// Whether a request is for the bucket and not for the API.
    pub fn is_for(path: &str) -> bool {
        key_of(path).is_some()
    }

    /// Answers a request from outside, which must be under a signed address.
    pub async fn put_signed(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(key) = key_of(request.uri().path()) else {
            return refusal(StatusCode::NOT_FOUND, "NoSuchBucket");
        };
        if request.method() != Method::PUT {
            return refusal(StatusCode::FORBIDDEN, "AccessDenied");
        }
        if request.body().len() > OBJECT_BYTES_MAX {
            return refusal(StatusCode::BAD_REQUEST, "EntityTooLarge");
        }
        if !self.is_signed(key, request).await {
            return refusal(StatusCode::FORBIDDEN, "AccessDenied");
        }
        self.answer(&Method::PUT, key, request.body().clone())
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.shelf().len()
    }

    /// Whether an address was signed here, for this key and these headers, and has not expired.
    ///
    /// It is signed again on its own terms: whatever was changed in it, the signature differs.
    async fn is_signed(&self, key: &str, request: &Request<Bytes>) -> bool {
        let query = request.uri().query().unwrap_or_default();
        let values: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let value = |name: &str| values.get(name).map(AsRef::as_ref);
        let signed_at = value("X-Amz-Date").and_then(|text: &str| {
            let form = "%Y%m%dT%H%M%SZ";
            let told = jiff::civil::DateTime::strptime(form, text).ok()?;
            let told = told.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            u64::try_from(told.timestamp().as_second()).ok()
        });
        let valid_for = value("X-Amz-Expires").and_then(|text| text.parse().ok());
        let (Some(signed_at), Some(valid_for)) = (signed_at, valid_for) else {
            return false;
        };
        let expires = signed_at.saturating_add(valid_for).saturating_mul(1000);
        if Timestamp::from_millis(expires) <= self.0.clock.now() {
            return false;
        }
        let terms = PresigningConfig::builder()
            .start_time(UNIX_EPOCH + Duration::from_secs(signed_at))
            .expires_in(Duration::from_secs(valid_for));
        let Ok(terms) = terms.build() else {
            return false;
        };
        let has_length = value("X-Amz-SignedHeaders")
            .is_some_and(|names| names.split(';').any(|name| name == "content-length"));
        let length = i64::try_from(request.body().len()).ok();
        let again = self
            .client_with(&Trap::default())
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .set_content_length(length.filter(|_| has_length))
            .presigned(terms)
            .await;
        let again: Option<Uri> = again.ok().and_then(|again| again.uri().parse().ok());
        again.is_some_and(|again| again.query() == Some(query))
    }

    fn answer(&self, method: &Method, key: &str, body: Bytes) -> Response<Bytes> {
        let now = self.0.clock.now();
        let mut shelf = self.shelf();
        shelf.retain(|_, object| !object.put_at.after(KEPT_FOR).has_passed(now));
        match method.as_str() {
            "PUT" => {
                let put_at = now;
                shelf.insert(
                    key.to_owned(),
                    Object {
                        bytes: body,
                        put_at,
                    },
                );
                Response::new(Bytes::new())
            }
            "GET" => match shelf.get(key) {
                Some(object) => Response::new(object.bytes.clone()),
                None => refusal(StatusCode::NOT_FOUND, "NoSuchKey"),
            },
            "DELETE" => {
                shelf.remove(key);
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        }
    }

    fn shelf(&self) -> MutexGuard<'_, HashMap<String, Object>> {
        self.0
            .shelf
            .lock()
            .expect("nothing panics while holding it")
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

/// The transport of one SDK client.
#[derive(Debug, Clone)]
struct Door {
    objects: Objects,
    trap: Trap,
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { objects, trap } = self.clone();
        HttpConnectorFuture::new(async move {
            let method: Method = request
                .method()
                .parse()
                .map_err(|_| ConnectorError::user("a bad method".into()))?;
            let uri: Uri = request
                .uri()
                .parse()
                .map_err(|_| ConnectorError::user("a bad address".into()))?;
            let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
            let exchange = async {
                yield_now().await;
                let response = match key_of(uri.path()) {
                    Some(key) => objects.answer(&method, key, body),
                    None => refusal(StatusCode::NOT_FOUND, "NoSuchBucket"),
                };
                yield_now().await;
                response
            };
            let response = trap.around("Object", exchange).await;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The key in a path of the bucket's, with nothing in it that would have to be escaped.
fn key_of(path: &str) -> Option<&str> {
    let key = path.strip_prefix('/')?.strip_prefix(BUCKET)?;
    let key = key.strip_prefix('/')?;
    Some(key).filter(|key| !key.is_empty())
}

/// An error in S3's form.
fn refusal(status: StatusCode, code: &str) -> Response<Bytes> {
    let body =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/xml");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    response
}
