//! Lets the carrier's client talk to the simulated Twilio without a socket.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringfence_carrier::transport::{Transport, TransportError};
use tokio::time::{sleep_until, timeout_at};

use super::SimTwilio;
use super::script::Lost;

/// A client's connection to the simulated Twilio.
#[derive(Clone)]
pub struct InProcessTransport {
    twilio: SimTwilio,
    patience: Duration,
}

impl InProcessTransport {
    /// A connection whose client gives up on an answer after `patience`.
    pub fn new(twilio: SimTwilio, patience: Duration) -> Self {
        Self { twilio, patience }
    }
}

impl Transport for InProcessTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if self.twilio.world().is_unplugged {
            return Err(TransportError::NotSent);
        }
        let gives_up = tokio::time::Instant::now() + self.patience;
        match timeout_at(gives_up, self.twilio.handle(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Lost::Hang)) => {
                sleep_until(gives_up).await;
                Err(TransportError::Unknown)
            }
            Ok(Err(Lost::Reset)) | Err(_) => Err(TransportError::Unknown),
        }
    }
}
