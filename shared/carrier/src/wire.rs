//! What Twilio's REST API answers.
//!
//! Only what is needed is read, so that an addition or an oddity elsewhere in an
//! answer does not turn a placed call into an unknown one.

use std::time::Duration;

use http::{HeaderMap, Response, StatusCode, header};
use jiff::fmt::rfc2822::DateTimeParser;
use ringfence_core::call::CallStatus;
use ringfence_core::ids::CallSid;
use ringfence_core::time::Timestamp;
use ringfence_flows::carrier::Sighting;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The answer to a request for a call.
#[derive(Debug, Deserialize)]
struct CreatedJson {
    sid: String,
}

/// One call, as described or listed.
#[derive(Debug, Deserialize)]
pub(crate) struct CallJson {
    sid: String,
    status: String,
    date_created: Option<String>,
    /// A number in a string; null or absent while the call is not over.
    duration: Option<String>,
}

/// One page of a list of calls.
#[derive(Debug, Deserialize)]
pub(crate) struct PageJson {
    pub(crate) calls: Vec<CallJson>,
    pub(crate) next_page_uri: Option<String>,
}

/// Every refusal.
#[derive(Debug, Deserialize)]
struct ErrorJson {
    code: u32,
}

impl CallJson {
    /// The call, unless it has no usable name.
    pub(crate) fn sighting(self) -> Option<Sighting> {
        Some(Sighting {
            sid: self.sid.parse().ok()?,
            status: CallStatus::parse(&self.status),
            created_at: self.date_created.as_deref().and_then(date),
            duration_seconds: self.duration.and_then(|seconds| seconds.parse().ok()),
        })
    }
}

/// The SID of a call that was just accepted.
pub(crate) fn created(body: &[u8]) -> Option<CallSid> {
    read::<CreatedJson>(body)?.sid.parse().ok()
}

/// The answer in the expected form.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// Twilio's error code, if the answer has one.
pub(crate) fn error_code(body: &[u8]) -> Option<u32> {
    read::<ErrorJson>(body).map(|error| error.code)
}

/// True if Twilio itself says that there is no such thing, and not something in between.
pub(crate) fn is_not_found(answer: &Response<bytes::Bytes>) -> bool {
    answer.status() == StatusCode::NOT_FOUND && error_code(answer.body()) == Some(20404)
}

/// How long we are asked to wait, if it is told in seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u32 = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.into()))
}

/// Reads an RFC 2822 date, which is how Twilio writes every one.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let parsed = DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()?;
    u64::try_from(parsed.as_millisecond())
        .ok()
        .map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "CAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[track_caller]
    fn seen(json: &str) -> Option<Sighting> {
        read::<CallJson>(json.as_bytes()).and_then(CallJson::sighting)
    }

    #[test]
    fn a_described_call_is_read() {
        let json = format!(
            r#"{{"sid":"{SID}","status":"no-answer","date_created":"Sun, 24 Aug 2025 13:49:54 +0000","duration":"0","price":null,"new":[1]}}"#
        );
        assert_eq!(
            seen(&json).unwrap(),
            Sighting {
                sid: SID.parse().unwrap(),
                status: Some(CallStatus::NoAnswer),
                created_at: Some(Timestamp::from_millis(1_756_043_394_000)),
                duration_seconds: Some(0),
            }
        );
    }

    #[test]
    fn a_queued_call_has_neither_duration_nor_start() {
        let json =
            format!(r#"{{"sid":"{SID}","status":"queued","date_created":null,"duration":null}}"#);
        let sighting = seen(&json).unwrap();
        assert_eq!(
            (sighting.created_at, sighting.duration_seconds),
            (None, None)
        );
    }

    #[test]
    fn an_unknown_status_is_kept_as_unknown() {
        assert_eq!(
            seen(&format!(r#"{{"sid":"{SID}","status":"on-hold"}}"#))
                .unwrap()
                .status,
            None
        );
    }

    #[test]
    fn a_call_without_a_usable_name_is_not_one() {
        assert_eq!(seen(r#"{"sid":"CA1","status":"queued"}"#), None);
        assert_eq!(seen(r#"{"status":"queued"}"#), None);
        assert_eq!(created(br#"{"sid":null}"#), None);
        assert_eq!(created(b"<html>"), None);
    }

    #[test]
    fn dates_are_rfc_2822() {
        assert_eq!(
            date("Sun, 24 Aug 2025 13:49:54 +0000"),
            Some(Timestamp::from_millis(1_756_043_394_000))
        );
        assert_eq!(
            date("Sun, 24 Aug 2025 16:49:54 +0300"),
            Some(Timestamp::from_millis(1_756_043_394_000))
        );
        for text in [
            "",
            "2025-08-24T13:49:54Z",
            "Sun, 24 Aug 1925 13:49:54 +0000",
            "Sun, 24 Aug 2025",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_wait_is_told_in_seconds() {
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("3"), Some(Duration::from_secs(3)));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("99999999999"), None);
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
