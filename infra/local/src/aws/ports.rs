//! Serves the embedded DynamoDB and SQS on ports, for clients in other processes.
//!
//! Whoever reaches a port may do everything: signatures are not checked. A page in a browser
//! cannot, for it may not send the header that names the operation.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tokio::net::TcpListener;

use super::connector::{Service, reply};
use super::dynamo::Dynamo;
use super::queue::Queues;

/// DynamoDB takes no larger request:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-api>
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Answers requests to DynamoDB until the task is dropped.
///
/// # Errors
///
/// The listener failed.
pub async fn serve_dynamo(listener: TcpListener, dynamo: Dynamo) -> std::io::Result<()> {
    serve(listener, dynamo).await
}

/// Answers requests to SQS until the task is dropped.
///
/// # Errors
///
/// The listener failed.
pub async fn serve_queues(listener: TcpListener, queues: Queues) -> std::io::Result<()> {
    serve(listener, queues).await
}

async fn serve<S: Service>(listener: TcpListener, service: S) -> std::io::Result<()> {
    let router = Router::new().fallback(answer::<S>).with_state(service);
    axum::serve(listener, router).await
}

async fn answer<S: Service>(State(service): State<S>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let (Some(target), Ok(body)) = (target, to_bytes(body, REQUEST_BYTES_MAX).await) else {
        return reply(StatusCode::BAD_REQUEST, "{}").map(Body::from);
    };
    service.answer(target, &body).await.map(Body::from)
}
