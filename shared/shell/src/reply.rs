//! Answers over HTTP: one shape for every error, with a stable code.

use http::{HeaderName, HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::error;

use crate::texts::{Language, Text};

/// Something that a request cannot have, as its client is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub status: StatusCode,
    /// Stable, for programs.
    pub code: &'static str,
    /// For people.
    pub text: Text,
    /// What else may help, such as the offending field.
    pub details: Map<String, Value>,
}

impl Failure {
    /// A failure without details.
    pub fn new(status: StatusCode, code: &'static str, text: Text) -> Self {
        Self {
            status,
            code,
            text,
            details: Map::new(),
        }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// A value that the named field cannot have.
    pub fn bad_field(field: &str) -> Self {
        let text = Text::BadField(field.to_owned());
        Self::new(StatusCode::BAD_REQUEST, "bad_field", text).with("field", field)
    }

    /// A missing or wrong key.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", Text::Unauthorized)
    }

    /// A path that leads nowhere, or something that the caller's business does not have.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", Text::NotFound)
    }

    /// A path that does not take this method, but these.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            Text::MethodNotAllowed,
        )
        .with("allow", allow)
    }

    /// A body over its limit.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", Text::TooLarge)
    }

    /// More requests than there is room for, for the moment.
    pub fn too_many_requests() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            Text::TooManyRequests,
        )
        .with("retry_after", 1)
    }

    /// Logs an error of ours, and tells the client no more than where to find it.
    pub fn internal(error: &anyhow::Error, request_id: &str) -> Self {
        error!(
            request.id = request_id,
            "failed to answer a request: {error:#}"
        );
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            Text::Internal,
        )
        .with("request_id", request_id)
    }

    /// The answer.
    pub fn reply(&self, language: Language) -> Response<Body> {
        let mut body = Map::new();
        body.insert("success".to_owned(), Value::Bool(false));
        body.insert("error".to_owned(), Value::String(self.text.say(language)));
        body.insert("code".to_owned(), Value::String(self.code.to_owned()));
        body.extend(self.details.clone());
        let mut response = json(self.status, &body);
        let headers = response.headers_mut();
        if let Some(Value::Number(seconds)) = self.details.get("retry_after")
            && let Ok(value) = HeaderValue::from_str(&seconds.to_string())
        {
            headers.insert(header::RETRY_AFTER, value);
        }
        // RFC 9110 asks for these two.
        if let Some(Value::String(methods)) = self.details.get("allow")
            && let Ok(value) = HeaderValue::from_str(methods)
        {
            headers.insert(header::ALLOW, value);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(body).expect("answers are plain data");
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// An answer of another kind.
pub fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

/// Adds a header to an answer.
#[must_use]
pub fn with_header(mut response: Response<Body>, name: HeaderName, value: &str) -> Response<Body> {
    let value = HeaderValue::from_str(value).expect("our header values are visible ASCII");
    response.headers_mut().insert(name, value);
    response
}
