//! Leads the requests of an AWS SDK client to a service inside the process.
//!
//! The SDK requires its transport to be `Send` and `Sync`, which is why the services behind it
//! share their state behind locks.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use tokio::task::yield_now;

use super::trap::Trap;

/// A service that speaks AWS's JSON protocol: a target such as `AmazonSQS.SendMessage`, and a body.
pub(super) trait Service: Clone + Debug + Send + Sync + 'static {
    fn answer(&self, target: &str, body: &[u8]) -> impl Future<Output = Response<Bytes>> + Send;
}

/// The transport of one SDK client.
#[derive(Debug, Clone)]
pub(super) struct Connector<S> {
    pub(super) service: S,
    /// The process that sends the requests, where a test may want it to die.
    pub(super) trap: Option<Trap>,
}

impl<S: Service> HttpConnector for Connector<S> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { service, trap } = self.clone();
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let body = request.body().bytes().unwrap_or_default();
            // Each way takes a turn of the scheduler, so that concurrent requests interleave, and
            // a caller that gives up may do so before or after the effect.
            let exchange = async {
                yield_now().await;
                let response = service.answer(target, body).await;
                yield_now().await;
                response
            };
            let response = match &trap {
                Some(trap) => {
                    let operation = target.rsplit('.').next().unwrap_or_default();
                    trap.around(operation, exchange).await
                }
                None => exchange.await,
            };
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl<S: Service> HttpClient for Connector<S> {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Reserved by RFC 6761: a request that strayed to the network would find no host.
pub(super) const ENDPOINT: &str = "http://embedded.invalid";

/// The region that requests are signed for.
pub(super) const REGION: &str = "us-east-1";

/// Keys that open nothing.
pub(super) fn credentials() -> Credentials {
    Credentials::new("embedded", "embedded", None, None, "embedded")
}

/// Three attempts, as in production, with waits that suit a service without a network.
pub(super) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(20))
        .with_max_backoff(Duration::from_secs(1))
}

/// A reply in AWS's JSON protocol.
pub(super) fn reply(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
