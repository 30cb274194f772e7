//! Carries the AWS SDK's requests as the carrier's go: over one HTTP and one TLS.
//!
//! Nothing is repeated here, and nothing is waited for but a connection; attempts and how long
//! each may take are the SDK's, which asks for the next one.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::{Request, Response};
use aws_smithy_types::body::SdkBody;
use reqwest::{Body, Client};
use ringfence_carrier::tls;

/// For DNS, TCP and TLS together.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// The client of all services that speak over this. What the SDK's settings say of
/// connections has no effect on it.
pub fn client(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_, _| connector.clone())
}

/// The way to all services. Connects to nothing yet.
///
/// # Errors
///
/// The HTTP client cannot be made.
pub fn connector() -> Result<SharedHttpConnector> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls::config())
        .connect_timeout(CONNECT_MAX)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
        .context("failed to prepare the HTTP client")?;
    Ok(SharedHttpConnector::new(Connector(client)))
}

#[derive(Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn call(&self, request: Request) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x();
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(body);
            let request = reqwest::Request::try_from(request).map_err(failure)?;
            let response = client.execute(request).await.map_err(failure)?;
            let response = http::Response::<Body>::from(response).map(SdkBody::from_body_1_x);
            Response::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What is in memory keeps its length; a file's length is in a header that is signed.
fn body(body: SdkBody) -> Body {
    match body.bytes() {
        Some(bytes) => Body::from(bytes.to_vec()),
        None => Body::wrap(body),
    }
}

/// Tells the SDK whether trying again may help: where a connection failed or broke, it may.
fn failure(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::byte_stream::ByteStream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn post(address: &str) -> Request {
        let request = http::Request::post(address).body(SdkBody::from("asked"));
        Request::try_from(request.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_request_goes_there_with_its_length_and_its_answer_comes_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/a%2Fb?c=d%20e", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"asked") {
                let read = stream.read_buf(&mut heard).await.unwrap();
                assert_ne!(read, 0, "it ends too early");
            }
            let answer = "HTTP/1.1 307 X\r\nlocation: /\r\ncontent-length: 4\r\n\r\nsaid";
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(heard).unwrap()
        });
        let answer = connector().unwrap().call(post(&address)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 307);
        let body = ByteStream::new(answer.into_body()).collect().await.unwrap();
        assert_eq!(body.into_bytes().as_ref(), b"said");
        let heard = heard.await.unwrap();
        assert!(
            heard.starts_with("POST /a%2Fb?c=d%20e HTTP/1.1\r\n"),
            "{heard}"
        );
        assert!(heard.contains("content-length: 5\r\n"), "{heard}");
    }

    #[tokio::test]
    async fn what_was_not_answered_may_be_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let accepted = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
        let connector = connector().unwrap();
        let error = connector.call(post(&address)).await.unwrap_err();
        assert!(error.is_io(), "a connection that was closed: {error:?}");
        accepted.await.unwrap();
        let error = connector.call(post(&address)).await.unwrap_err();
        assert!(error.is_io(), "a connection that was refused: {error:?}");
    }
}
