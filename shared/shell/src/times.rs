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

/// Every such name.
pub fn time_zones() -> Vec<String> {
    let names = jiff::tz::db().available().map(|name| name.to_string());
    let mut names: Vec<String> = names.filter(|name| is_time_zone(name)).collect();
    names.sort_unstable();
    names
}

/// The next midnight after `now` in a zone of the IANA database; in UTC if it has none such.
///
/// Where a change of the clocks skips midnight, the day begins when the clocks go on.
pub fn day_end(time_zone: &str, now: Timestamp) -> Timestamp {
    let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let millis = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let instant = Instant::from_millisecond(millis).unwrap_or(Instant::MAX);
    let today = instant.to_zoned(zone);
    let tomorrow = today.tomorrow().and_then(|day| day.start_of_day());
    let Ok(tomorrow) = tomorrow else {
        return now;
    };
    let millis = u64::try_from(tomorrow.timestamp().as_millisecond());
    millis.map_or(now, Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_where_the_business_is() {
        let check = |zone: &str, now: &str, ends: &str| {
            let now: Instant = now.parse().unwrap();
            let now = Timestamp::from_millis(now.as_millisecond().try_into().unwrap());
            assert_eq!(rfc3339(day_end(zone, now)), ends, "{zone}");
        };
        check("UTC", "2026-03-01T10:00:00Z", "2026-03-02T00:00:00.000Z");
        check("UTC", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00.000Z");
        let zone = "Asia/Jerusalem";
        check(zone, "2026-01-10T21:59:59Z", "2026-01-10T22:00:00.000Z");
        check(zone, "2026-01-10T22:00:00Z", "2026-01-11T22:00:00.000Z");
        // The clocks go on by an hour in the night from the 26th to the 27th.
        check(zone, "2026-03-26T22:00:00Z", "2026-03-27T21:00:00.000Z");
        // There is no midnight on this day.
        check(
            "Africa/Cairo",
            "2026-04-23T12:00:00Z",
            "2026-04-23T22:00:00.000Z",
        );
        check(
            "Mars/Base",
            "2026-03-01T10:00:00Z",
            "2026-03-02T00:00:00.000Z",
        );
    }

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
