//! Carries callbacks to the client: over HTTP, or within the process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{Request, Response};
use tokio::time::timeout;

/// How callbacks reach the client.
#[derive(Clone)]
pub enum Delivery {
    /// As requests to the addresses that the client gave.
    Http(reqwest::Client),
    /// As calls of a function, which sees the same requests.
    InProcess(Arc<InProcess>),
    /// Not at all: every attempt finds no connection.
    Nowhere,
}

/// A client in the same process.
pub type InProcess =
    dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, Unanswered>> + Send + Sync;

/// Why a callback got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// It never reached anybody.
    NoConnection,
    /// Somebody may have it, but did not answer in time, or not to the end.
    NoAnswer,
}

/// Much more than any TwiML; what a misdirected webhook answers is cut here.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

impl Delivery {
    /// Prepares delivery over HTTP.
    pub fn over_http() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .build()
            .context("failed to prepare the HTTP client for callbacks")?;
        Ok(Self::Http(client))
    }

    /// Delivers by calling `client`.
    pub fn in_process<F>(client: F) -> Self
    where
        F: Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, Unanswered>>
            + Send
            + Sync
            + 'static,
    {
        Self::InProcess(Arc::new(client))
    }

    /// Makes one attempt.
    pub(super) async fn send(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, Unanswered> {
        let answer = match self {
            Self::Http(client) => timeout(limit, over_http(client, request)).await,
            Self::InProcess(client) => timeout(limit, client(request)).await,
            Self::Nowhere => return Err(Unanswered::NoConnection),
        };
        answer.unwrap_or(Err(Unanswered::NoAnswer))
    }
}

async fn over_http(
    client: &reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Unanswered> {
    let request = request
        .try_into()
        .map_err(|_: reqwest::Error| Unanswered::NoConnection)?;
    let answer = client.execute(request).await.map_err(|error| {
        if error.is_connect() {
            Unanswered::NoConnection
        } else {
            Unanswered::NoAnswer
        }
    })?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    let mut answer = answer;
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| Unanswered::NoAnswer)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    *response.body_mut() = body.freeze();
    Ok(response)
}
