//! What a 4xx answer to a request for a call means.
//!
//! One table. A code that is not in it fails the lead and lets the run go on,
//! unless the HTTP status says that nobody here may call at all.

use http::StatusCode;
use ringfence_flows::carrier::Refusal;

/// What became of a request that was answered with 4xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The call does not exist and never will.
    Refused(Refusal),
    /// The call does not exist, and may be asked for again.
    NotProcessed,
    /// The answer does not tell.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Lead,
    Configuration,
    Load,
}

/// Why a call is refused whose request carries credentials that Twilio does not know.
pub const AUTHENTICATION_FAILED: &str = "authentication_failed";

/// <https://www.twilio.com/docs/api/errors>
const CODES: [(u32, About, &str); 23] = [
    (10001, About::Configuration, "account_not_active"),
    (10002, About::Configuration, "trial"),
    (10004, About::Load, "too_many_calls"),
    (10005, About::Configuration, "voice_disabled"),
    (13224, About::Lead, "invalid_number"),
    (20003, About::Configuration, AUTHENTICATION_FAILED),
    (20005, About::Configuration, "account_not_active"),
    (20006, About::Configuration, "access_denied"),
    (20404, About::Configuration, "account_not_found"),
    (20429, About::Load, "too_many_requests"),
    (21202, About::Lead, "premium_number"),
    (21203, About::Lead, "geo_permission"),
    (21205, About::Configuration, "bad_callback_url"),
    (21210, About::Configuration, "caller_id_not_allowed"),
    (21211, About::Lead, "invalid_number"),
    (21212, About::Configuration, "caller_id_not_allowed"),
    (21213, About::Configuration, "caller_id_not_allowed"),
    (21214, About::Lead, "unreachable_number"),
    // Per country, so the next lead may well be called.
    (21215, About::Lead, "geo_permission"),
    (21216, About::Lead, "blocked_number"),
    (21217, About::Lead, "invalid_number"),
    // A trial account may call the numbers that it has verified.
    (21219, About::Lead, "trial"),
    (21609, About::Configuration, "bad_callback_url"),
];

/// Reads the status of a 4xx answer and the code in its body, if there is one.
///
/// Where the body names no code, the refusal carries the HTTP status instead.
pub(crate) fn denial(status: StatusCode, code: Option<u32>) -> Denial {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Denial::NotProcessed;
    }
    // Comes from something between us and Twilio, and says only that it lost patience.
    if status == StatusCode::REQUEST_TIMEOUT {
        return Denial::Unknown;
    }
    let (about, reason) = code.and_then(known).unwrap_or(match status {
        StatusCode::UNAUTHORIZED => (About::Configuration, AUTHENTICATION_FAILED),
        StatusCode::FORBIDDEN => (About::Configuration, "access_denied"),
        StatusCode::NOT_FOUND => (About::Configuration, "account_not_found"),
        _ => (About::Lead, "refused"),
    });
    let code = code.unwrap_or_else(|| status.as_u16().into());
    match about {
        About::Lead => Denial::Refused(Refusal::Lead { code, reason }),
        About::Configuration => Denial::Refused(Refusal::Configuration { code, reason }),
        About::Load => Denial::NotProcessed,
    }
}

fn known(code: u32) -> Option<(About, &'static str)> {
    let (_, about, reason) = CODES.into_iter().find(|(known, _, _)| *known == code)?;
    Some((about, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: Option<u32>, expected: Denial) {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(denial(status, code), expected, "{status} {code:?}");
    }

    fn lead(code: u32, reason: &'static str) -> Denial {
        Denial::Refused(Refusal::Lead { code, reason })
    }

    fn configuration(code: u32, reason: &'static str) -> Denial {
        Denial::Refused(Refusal::Configuration { code, reason })
    }

    #[test]
    fn every_code_has_one_meaning() {
        for (code, reason) in [
            (13224, "invalid_number"),
            (21202, "premium_number"),
            (21203, "geo_permission"),
            (21211, "invalid_number"),
            (21214, "unreachable_number"),
            (21215, "geo_permission"),
            (21216, "blocked_number"),
            (21217, "invalid_number"),
            (21219, "trial"),
        ] {
            check(400, Some(code), lead(code, reason));
            check(403, Some(code), lead(code, reason));
        }
        for (code, reason) in [
            (10001, "account_not_active"),
            (10002, "trial"),
            (10005, "voice_disabled"),
            (20003, "authentication_failed"),
            (20005, "account_not_active"),
            (20006, "access_denied"),
            (20404, "account_not_found"),
            (21205, "bad_callback_url"),
            (21210, "caller_id_not_allowed"),
            (21212, "caller_id_not_allowed"),
            (21213, "caller_id_not_allowed"),
            (21609, "bad_callback_url"),
        ] {
            check(400, Some(code), configuration(code, reason));
        }
        for code in [10004, 20429] {
            check(400, Some(code), Denial::NotProcessed);
        }
        assert_eq!(
            CODES.len(),
            9 + 12 + 2,
            "a code is in the table and not in this test"
        );
    }

    #[test]
    fn the_table_is_sorted_and_names_no_code_twice() {
        assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn an_unknown_code_is_about_the_lead_unless_the_status_is_about_us() {
        check(400, Some(29999), lead(29999, "refused"));
        check(422, None, lead(422, "refused"));
        check(401, None, configuration(401, "authentication_failed"));
        check(403, Some(29999), configuration(29999, "access_denied"));
        check(404, None, configuration(404, "account_not_found"));
    }

    #[test]
    fn too_many_requests_were_not_processed_whatever_the_code() {
        check(429, Some(20429), Denial::NotProcessed);
        check(429, Some(21211), Denial::NotProcessed);
        check(429, None, Denial::NotProcessed);
    }

    #[test]
    fn a_gateway_that_lost_patience_proves_nothing() {
        check(408, None, Denial::Unknown);
    }
}
