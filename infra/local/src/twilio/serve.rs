//! Lets the simulated Twilio listen on a port, by itself or with its truth beside it.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::SimTwilio;
use super::script::Lost;

/// Where a judge reads the [`Truth`](super::Truth); nothing of Twilio's own is there.
const TRUTH_PATH: &str = "/truth";

/// Larger than any request that Twilio accepts.
const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// Longer than any client waits for an answer that never comes.
const HANG_MAX: Duration = Duration::from_secs(600);

impl SimTwilio {
    /// Serves the REST API until the listener fails or the caller drops this.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        let router = Router::new().fallback(answer).with_state(self);
        axum::serve(listener, router).await
    }

    /// Serves the REST API, and at `GET /truth` all that a judge may want to know, to anybody.
    pub async fn serve_with_truth(self, listener: TcpListener) -> std::io::Result<()> {
        let router = Router::new()
            .route(TRUTH_PATH, get(truth))
            .fallback(answer)
            .with_state(self);
        axum::serve(listener, router).await
    }
}

async fn truth(State(twilio): State<SimTwilio>) -> Response {
    let body = twilio.truth().to_json().to_string();
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

async fn answer(State(twilio): State<SimTwilio>, request: Request) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REQUEST_BYTES_MAX).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let answer = twilio.handle(Request::from_parts(parts, body)).await;
    match answer {
        Ok(response) => return Ok(response.map(Body::from)),
        Err(Lost::Reset) => {}
        Err(Lost::Hang) => sleep(HANG_MAX).await,
    }
    // A body that fails before its first byte makes the server close the connection
    // without having sent anything.
    let broken = futures::stream::once(async { Err::<&[u8], _>(std::io::Error::other("lost")) });
    Ok(Response::new(Body::from_stream(broken)))
}
