//! Serves the front door on a loopback port.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use ringfence_shell::reply::Failure;
use ringfence_shell::texts::Language;
use tokio::net::TcpListener;

use crate::aws::objects::{OBJECT_BYTES_MAX, Objects};
use crate::event::http_response;
use crate::gateway::{Gateway, REQUEST_BYTES_MAX};

/// Answers requests until the task is dropped.
///
/// # Errors
///
/// The listener failed.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>) -> std::io::Result<()> {
    let app = Router::new().fallback(answer).with_state(gateway);
    axum::serve(listener, app).await
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let most = if Objects::is_for(parts.uri.path()) {
        OBJECT_BYTES_MAX
    } else {
        REQUEST_BYTES_MAX
    };
    let response = match Limited::new(body, most).collect().await {
        Ok(body) => {
            gateway
                .answer(Request::from_parts(parts, body.to_bytes()))
                .await
        }
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            http_response(Failure::too_large().reply(Language::Hebrew))
        }
        // The client went away in the middle of its request.
        Err(_) => {
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    };
    response.map(Body::from)
}
