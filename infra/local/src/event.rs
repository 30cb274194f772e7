//! HTTP requests as Lambda gets them, and its answers as HTTP.
//!
//! An event is made as JSON and read by `lambda_http` itself, so that handlers see just
//! what they see behind API Gateway and function URLs:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use jiff::Timestamp as Instant;
use lambda_http::Body;
use ringfence_core::time::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The domain that events name. Clients cannot choose it, as they cannot on AWS.
const DOMAIN: &str = "local.ringfence.invalid";

/// A request as a payload of format 2.0, with what the authorizer said, if one was asked.
///
/// # Errors
///
/// It is nothing that API Gateway would pass on.
pub fn payload(
    request: &Request<Bytes>,
    route: &str,
    authorizer: Option<&Map<String, Value>>,
    now: Timestamp,
) -> Result<Value> {
    let (body, is_base64) = body(request);
    let mut context = json!({
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": DOMAIN,
        "domainPrefix": "local",
        "http": {
            "method": request.method().as_str(),
            "path": request.uri().path(),
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": text(request.headers(), header::USER_AGENT.as_str()),
        },
        "requestId": Uuid::new_v4().to_string(),
        "routeKey": route,
        "stage": "$default",
        "time": time(now)?,
        "timeEpoch": now.as_millis(),
    });
    if let Some(fields) = authorizer {
        context["authorizer"] = json!({ "lambda": fields });
    }
    Ok(json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": request.uri().path(),
        "rawQueryString": request.uri().query().unwrap_or_default(),
        "headers": headers(request.headers()),
        "requestContext": context,
        "body": body,
        "isBase64Encoded": is_base64,
    }))
}

/// A payload as a handler gets it.
///
/// # Errors
///
/// The payload is not one of an HTTP request.
pub fn lambda_request(payload: &Value) -> Result<lambda_http::Request> {
    lambda_http::request::from_str(&payload.to_string()).context("failed to read a payload")
}

/// A payload as an authorizer gets it.
///
/// # Errors
///
/// The payload is not one of an HTTP request.
pub fn authorizer_request<T: serde::de::DeserializeOwned>(payload: &Value) -> Result<T> {
    let mut event = payload.clone();
    event["type"] = json!("REQUEST");
    event["routeArn"] = json!("arn:aws:execute-api:local:000000000000:local/$default");
    event["identitySource"] = json!([event["headers"]["authorization"]]);
    serde_json::from_value(event).context("failed to read a payload")
}

/// A handler's answer, to be sent.
pub fn http_response(answer: lambda_http::Response<Body>) -> Response<Bytes> {
    let (parts, body) = answer.into_parts();
    let bytes = match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    };
    Response::from_parts(parts, bytes)
}

/// Text stays text; the rest is base64, as AWS has it.
fn body(request: &Request<Bytes>) -> (Option<String>, bool) {
    let kind = text(request.headers(), header::CONTENT_TYPE.as_str());
    let is_text = kind.starts_with("text/") || kind.starts_with("application/json");
    match std::str::from_utf8(request.body()) {
        _ if request.body().is_empty() => (None, false),
        Ok(text) if is_text || kind.is_empty() => (Some(text.to_owned()), false),
        Ok(_) | Err(_) => (Some(BASE64_STANDARD.encode(request.body())), true),
    }
}

/// Headers by lower-case name, several values of one joined by commas.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined: Map<String, Value> = Map::new();
    for name in headers.keys() {
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        joined.insert(name.as_str().to_owned(), Value::String(values.join(",")));
    }
    joined.insert("host".to_owned(), Value::String(DOMAIN.to_owned()));
    joined.insert(
        "x-forwarded-proto".to_owned(),
        Value::String("http".to_owned()),
    );
    joined
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn time(now: Timestamp) -> Result<String> {
    let millis = i64::try_from(now.as_millis()).context("the clock is out of range")?;
    let instant = Instant::from_millisecond(millis).context("the clock is out of range")?;
    Ok(instant.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
}
