//! Carries one request to the carrier and one answer back.
//!
//! A request leaves at most once: nothing here repeats one on its own.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use thiserror::Error;
use tracing::{debug, warn};

use crate::settings::ApiBase;
use crate::tls;

/// Somebody who can carry a request. Never repeats it.
pub trait Transport {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, TransportError>>;
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TransportError {
    /// The request provably never left: no connection was made for it.
    #[error("request was not sent")]
    NotSent,
    /// The request may have arrived and been acted upon.
    #[error("request may have been sent, and has no usable answer")]
    Unknown,
}

/// The real thing: HTTP/1.1 over TLS.
#[derive(Debug, Clone)]
pub struct HttpTransport(reqwest::Client);

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For DNS, TCP and TLS together. Running out of it is provably `NotSent`,
    /// so it should be well below `total`.
    pub connect: Duration,
    /// For everything, from the first packet to the end of the answer.
    pub total: Duration,
}

/// A page of 200 calls has about 400 KB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A connection that has been idle for longer may be dead without our knowing, and
/// a request on a dead one counts as `Unknown`, which costs its slot for minutes.
const IDLE_MAX: Duration = Duration::from_secs(5);

impl HttpTransport {
    /// Prepares a client; connects to nothing yet.
    ///
    /// `reqwest` would repeat a request that the peer turned away unprocessed; that
    /// is switched off. What remains is in `hyper-util`: a request that was still in
    /// our hands when an idle connection turned out to be closed takes a fresh one.
    pub fn new(timeouts: Timeouts) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .pool_idle_timeout(IDLE_MAX)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .build()
            .context("failed to prepare the HTTP client")?;
        Ok(Self(client))
    }

    /// Opens a connection, which the next request takes: asks for the headers of the front
    /// page, without an account.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub async fn open(&self, to: &ApiBase) -> Result<(), TransportError> {
        let address = to.join("/").ok_or(TransportError::NotSent)?;
        let request = Request::head(address.as_str()).body(Bytes::new());
        let request = request.map_err(|_| TransportError::NotSent)?;
        self.send(request).await?;
        Ok(())
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(no_answer)?;
        let mut response = self.0.execute(request).await.map_err(no_answer)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                warn!("the carrier's answer is larger than {ANSWER_BYTES_MAX} bytes");
                return Err(TransportError::Unknown);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = Response::new(body.freeze());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

/// Tells whether the request can have left.
///
/// `is_connect` covers DNS, TCP and the TLS handshake, timeouts of these included.
fn no_answer(error: reqwest::Error) -> TransportError {
    let never_left = error.is_builder() || error.is_connect();
    // The address may hold a phone number.
    let error = anyhow::Error::new(error.without_url());
    if never_left {
        debug!("request was not sent: {error:#}");
        TransportError::NotSent
    } else {
        warn!("no answer from the carrier: {error:#}");
        TransportError::Unknown
    }
}

#[cfg(test)]
mod tests;
