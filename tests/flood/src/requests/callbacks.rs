//! What comes in Twilio's name: about calls that were made and others, signed well and badly.

use bytes::Bytes;
use http::Request;
use http::request::Builder;
use ringfence_carrier::signature::{HEADER, sign};
use serde_json::Value;

use super::Maker;

/// A call as Twilio knows it.
#[derive(Clone)]
pub(super) struct Call {
    /// Of the addresses that Twilio was given.
    pub(super) query: String,
    pub(super) sid: Option<String>,
}

impl Call {
    /// The call that a row of an answer about this business names, if it does.
    pub(super) fn of(business: &str, row: &Value) -> Option<Self> {
        let call = row["call_id"].as_str()?;
        let mut query = format!("b={business}&c={call}&l={}", row["lead_id"]);
        if let (Some(run), Some(index)) = (row["run_id"].as_u64(), row["index"].as_u64()) {
            query.push_str(&format!("&r={run}&i={index}"));
        }
        let sid = row["call_sid"].as_str().map(str::to_owned);
        Some(Self { query, sid })
    }
}

impl Maker<'_> {
    /// A report or a question of Twilio's, every other one well signed.
    pub(super) fn callback(
        &mut self,
        request: Builder,
        path: &str,
        sid: Option<String>,
    ) -> http::Result<Request<Bytes>> {
        let status = ["completed", "busy", "no-answer", "ringing", "x"][self.rng.usize(..5)];
        let sid = sid.unwrap_or_else(|| format!("CA{:032x}", self.rng.u128(..)));
        let form = [
            ("AccountSid", self.account.as_str()),
            ("CallSid", &sid),
            ("CallStatus", status),
        ];
        let body = form
            .map(|(name, value)| format!("{name}={value}"))
            .join("&");
        let signature = sign(&self.token, &format!("https://flood.example{path}"), &form);
        let signature = if self.one_in(2) {
            signature
        } else {
            signature.to_lowercase()
        };
        let body = match self.rng.u32(..20) {
            0 => Bytes::from(vec![b'a'; 65 * 1024]),
            1 => Bytes::from_static(b"\xff\xfe%"),
            _ => Bytes::from(body),
        };
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .header(HEADER, signature)
            .body(body)
    }
}
