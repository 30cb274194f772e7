//! Asks the handlers, as API Gateway does once its authorizer has let somebody in.
//!
//! Whoever has credentials for the table needs no key: they speak as a `system_admin`.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, Method};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use ringfence_core::ids::BusinessId;
use ringfence_shell::caller::{BUSINESS_HEADER, KEY_ID, ROLE, Role};
use serde_json::{Value, json};

/// Who is noted as having asked.
const ASKED_BY: &str = "command-line";

/// A request without a body.
pub(crate) fn get(business: &BusinessId, path_and_query: &str) -> Result<Request> {
    request(Method::GET, Some(business), path_and_query, "", Body::Empty)
}

/// A request with a JSON body.
pub(crate) fn post(business: Option<&BusinessId>, path: &str, body: &Value) -> Result<Request> {
    let body = Body::Text(body.to_string());
    request(Method::POST, business, path, "application/json", body)
}

/// A request with a body of any kind.
pub(crate) fn request(
    method: Method,
    business: Option<&BusinessId>,
    path_and_query: &str,
    content_type: &str,
    body: Body,
) -> Result<Request> {
    let mut request = http::Request::builder()
        .method(method)
        .uri(path_and_query)
        .header(http::header::ACCEPT_LANGUAGE, "en")
        .header(http::header::CONTENT_TYPE, content_type);
    if let Some(business) = business {
        request = request.header(BUSINESS_HEADER, business.as_str());
    }
    let request = request.body(body).context("a bad path")?;
    let context = json!({
        "authorizer": { "lambda": { ROLE: Role::SystemAdmin.as_str(), KEY_ID: ASKED_BY } },
        "http": { "method": "GET" },
        "timeEpoch": 0,
    });
    let context = serde_json::from_value(context).context("a bad context")?;
    Ok(request.with_request_context(RequestContext::ApiGatewayV2(context)))
}

/// The headers and the body of an answer.
///
/// # Errors
///
/// It is a refusal, in words.
pub(crate) fn text(answer: Response<Body>) -> Result<(HeaderMap, String)> {
    let (parts, body) = answer.into_parts();
    let body = String::from_utf8_lossy(&body).into_owned();
    if parts.status.is_success() {
        return Ok((parts.headers, body));
    }
    let refusal: Value = serde_json::from_str(&body).unwrap_or_default();
    let words = refusal["error"].as_str().unwrap_or("no reason was given");
    let code = refusal["code"].as_str().unwrap_or("unknown");
    let field = refusal["field"].as_str().map(|field| format!(" ({field})"));
    bail!("{words} [{code}{}]", field.unwrap_or_default())
}

/// An answer in JSON.
///
/// # Errors
///
/// It is a refusal, in words.
pub(crate) fn json_of(answer: Response<Body>) -> Result<Value> {
    let (_, body) = text(answer)?;
    serde_json::from_str(&body).context("failed to understand an answer")
}
