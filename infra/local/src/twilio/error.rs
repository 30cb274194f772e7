//! Twilio's way of saying no.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// Answers with an error code of Twilio's; `path` is the one that was asked for.
pub(super) fn refusal(code: u32, path: &str) -> Response<Bytes> {
    let status = match code {
        20003 => StatusCode::UNAUTHORIZED,
        20004 => StatusCode::METHOD_NOT_ALLOWED,
        20404 => StatusCode::NOT_FOUND,
        20429 => StatusCode::TOO_MANY_REQUESTS,
        20500 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let message = match code {
        20404 => format!("The requested resource {path} was not found"),
        _ => text(code).to_owned(),
    };
    let body = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    let mut response = answer(status, &body);
    if status == StatusCode::UNAUTHORIZED {
        let realm = HeaderValue::from_static("Basic realm=\"Twilio API\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, realm);
    }
    response
}

/// Answers that the request was one too many.
pub(super) fn too_many(retry_after_seconds: Option<u32>) -> Response<Bytes> {
    let mut response = refusal(20429, "");
    if let Some(seconds) = retry_after_seconds {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Answers with a JSON body.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// <https://www.twilio.com/docs/api/errors>
fn text(code: u32) -> &'static str {
    match code {
        10001 => "Account is not active",
        10004 => "Call concurrency limit exceeded",
        13224 => "Dial: Twilio does not support calling this number or the number is invalid",
        20001 => "Invalid parameter",
        20003 => "Authenticate",
        20004 => "Method not allowed",
        20429 => "Too Many Requests",
        20500 => "Internal Server Error",
        21201 => "No 'To' number is specified",
        21205 => "Url parameter is required, and must be a valid URL",
        21208 => "Invalid Timeout",
        21210 => "The source phone number provided is not yet verified for your account",
        21211 => "The phone number you are attempting to call is not valid",
        21212 => {
            "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID"
        }
        21213 => "No 'From' number is specified",
        21214 => "The phone number you are attempting to call cannot be reached",
        21215 => {
            "Account not authorized to call this number. Perhaps you need to enable some international permissions"
        }
        21216 => "Account not allowed to call this number",
        21217 => "The phone number does not appear to be valid",
        21220 => "Call is not in-progress. Cannot redirect",
        21609 => "The StatusCallback URL is not a valid URL",
        21626 => "The StatusCallbackEvent is not valid",
        _ => "Bad Request",
    }
}
