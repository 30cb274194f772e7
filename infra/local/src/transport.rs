//! The way to the carrier: a socket, or a call within the process.

use bytes::Bytes;
use http::{Request, Response};
use ringfence_carrier::transport::{HttpTransport, Transport, TransportError};

use crate::aws::trap::Trap;
use crate::twilio::InProcessTransport;

/// A way to the carrier.
#[derive(Clone)]
pub enum Way {
    Http(HttpTransport),
    InProcess(InProcessTransport),
}

/// A way to the carrier for one environment, which may be made to die on it.
pub struct LocalTransport {
    way: Way,
    trap: Trap,
}

impl LocalTransport {
    /// The way for an environment whose requests pass through `trap`.
    pub fn new(way: Way, trap: Trap) -> Self {
        Self { way, trap }
    }
}

impl Transport for LocalTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let name = format!("Twilio {}", request.method());
        self.trap.around(&name, self.way.send(request)).await
    }
}

impl Transport for Way {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match self {
            Self::Http(http) => http.send(request).await,
            Self::InProcess(twilio) => twilio.send(request).await,
        }
    }
}
