//! Time as clients read it.

use jiff::Timestamp as Instant;
use ringfence_core::time::Timestamp;

/// RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    let instant = Instant::from_millisecond(millis).unwrap_or(Instant::MAX);
    format!("{instant:.3}")
}

/// True for a name of the IANA time zone database.
pub fn is_time_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(
            rfc3339(Timestamp::from_millis(1_700_000_000_123)),
            "2023-11-14T22:13:20.123Z"
        );
    }

    #[test]
    fn zones_are_iana_names() {
        assert!(is_time_zone("Asia/Jerusalem"));
        assert!(!is_time_zone("+02:00"));
        assert!(!is_time_zone("Mars/Base"));
    }
}
