//! The addresses that we give to Twilio, and what comes back to them.
//!
//! An address names the call it is for, so a callback can be understood without
//! looking anything up. It is believed only once its signature was verified.

use ringfence_core::call::{CallStatus, Job, Report};
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId};
use ringfence_core::time::Timestamp;
use ringfence_flows::carrier::Order;
use thiserror::Error;

use crate::form::{Form, encode};
use crate::host::PublicHost;
use crate::wire;

/// Where status callbacks arrive.
pub const STATUS_PATH: &str = "/webhook/call_status";

/// Where Twilio asks what to say once a call was answered.
pub const CALL_PATH: &str = "/webhook/outbound_call";

/// Asks Twilio to repeat a failed callback up to five times, whatever the failure.
/// By default it repeats once, and only when it cannot connect.
///
/// <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>
const RETRIES: &str = "#rc=5&rp=all";

/// What Twilio told us about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub tag: CallTag,
    /// To be compared with our own account's.
    pub account_sid: String,
    pub sid: CallSid,
    pub status: StatusWord,
    /// When Twilio said so, by its clock; by ours where it does not tell.
    pub at: Timestamp,
    /// Seconds from answer to end, where it tells.
    pub duration_seconds: Option<u32>,
}

/// Whose call an address is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTag {
    pub business: BusinessId,
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
}

/// A call status, as far as we understand it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusWord {
    Known(CallStatus),
    /// Never final. To be logged and acknowledged.
    Unknown(String),
}

/// A callback that does not say what it must, though its signature may be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("callback parameter {field} is {problem}")]
pub struct BadCallback {
    pub field: &'static str,
    pub problem: &'static str,
}

/// Far above what we put into an address.
const QUERY_BYTES_MAX: usize = 2048;

/// Longer than any status.
const WORD_CHARS_MAX: usize = 32;

impl Callback {
    /// Reads the raw query of the address and the form sent to it.
    ///
    /// What is needed must be there exactly once. A date or a duration that cannot be
    /// read does not stop a report, which may be the last about its call.
    pub fn parse(query: &str, form: &Form, now: Timestamp) -> Result<Self, BadCallback> {
        let tag = CallTag::parse(query)?;
        let word = required(form, "CallStatus")?;
        let status = CallStatus::parse(word).map_or_else(
            || StatusWord::Unknown(word.chars().take(WORD_CHARS_MAX).collect()),
            StatusWord::Known,
        );
        let optional = |field| form.only(field).ok().flatten();
        Ok(Self {
            tag,
            account_sid: required(form, "AccountSid")?.to_owned(),
            sid: parsed(form, "CallSid")?,
            status,
            at: optional("Timestamp").and_then(wire::date).unwrap_or(now),
            duration_seconds: optional("CallDuration").and_then(|seconds| seconds.parse().ok()),
        })
    }

    /// The fact to hand on, unless the status is one that we do not know.
    pub fn report(&self) -> Option<Report> {
        let StatusWord::Known(status) = self.status else {
            return None;
        };
        let was_answered = status == CallStatus::Completed;
        Some(Report {
            call: self.tag.call,
            job: self.tag.job,
            lead: self.tag.lead,
            sid: self.sid.clone(),
            status,
            at: self.at,
            duration_seconds: self.duration_seconds.filter(|_| was_answered),
        })
    }
}

impl CallTag {
    /// Reads a raw query; what does not belong to the tag is passed over.
    pub fn parse(query: &str) -> Result<Self, BadCallback> {
        let too_long = BadCallback {
            field: "query",
            problem: "too long",
        };
        if query.len() > QUERY_BYTES_MAX {
            return Err(too_long);
        }
        let query = Form::parse(query.as_bytes()).map_err(|_| too_long)?;
        let lead = parsed(&query, "l")?;
        let run = once(&query, "r")?;
        let index = once(&query, "i")?;
        let job = match (run, index) {
            (None, None) => Job::Direct { lead },
            (_, _) => Job::OfRun {
                run: parsed(&query, "r")?,
                index: parsed(&query, "i")?,
            },
        };
        Ok(Self {
            business: parsed(&query, "b")?,
            call: parsed(&query, "c")?,
            job,
            lead,
        })
    }

    /// The address for reports on the call.
    pub fn status_url(&self, host: &PublicHost) -> String {
        format!(
            "{}{RETRIES}",
            host.url(&format!("{STATUS_PATH}?{}", self.query()))
        )
    }

    /// The address that answers what to say in the call.
    pub fn call_url(&self, host: &PublicHost) -> String {
        host.url(&format!("{CALL_PATH}?{}", self.query()))
    }

    fn query(&self) -> String {
        let (call, lead) = (self.call.to_string(), self.lead.to_string());
        let mut pairs = vec![("b", self.business.as_str()), ("c", &call), ("l", &lead)];
        match self.job {
            Job::Direct { lead: _ } => encode(&pairs),
            Job::OfRun { run, index } => {
                let (run, index) = (run.to_string(), index.to_string());
                pairs.extend([("r", run.as_str()), ("i", index.as_str())]);
                encode(&pairs)
            }
        }
    }
}

impl From<&Order> for CallTag {
    fn from(order: &Order) -> Self {
        Self {
            business: order.business.clone(),
            call: order.call,
            job: order.job,
            lead: order.lead,
        }
    }
}

fn once<'a>(form: &'a Form, field: &'static str) -> Result<Option<&'a str>, BadCallback> {
    form.only(field).map_err(|_| BadCallback {
        field,
        problem: "repeated",
    })
}

fn required<'a>(form: &'a Form, field: &'static str) -> Result<&'a str, BadCallback> {
    once(form, field)?.ok_or(BadCallback {
        field,
        problem: "missing",
    })
}

fn parsed<T: std::str::FromStr>(form: &Form, field: &'static str) -> Result<T, BadCallback> {
    required(form, field)?.parse().map_err(|_| BadCallback {
        field,
        problem: "malformed",
    })
}

#[cfg(test)]
mod tests;
