//! Reads what the fragment of a webhook's URL asks for: how often and when to try again.
//!
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>

use std::time::Duration;

/// How one webhook is called. A value out of its range leaves the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) retries: u32,
    pub(super) policy: Policy,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    /// For all attempts together.
    pub(super) total_timeout: Duration,
}

/// The failures after which another attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) connect: bool,
    pub(super) read: bool,
    pub(super) client_error: bool,
    pub(super) server_error: bool,
}

const RETRIES_MAX: u32 = 5;
const TOTAL_MAX: Duration = Duration::from_secs(15);

impl Overrides {
    /// Reads `rc=5&rp=all&rt=3000` and the like; names that are not known mean nothing.
    pub(super) fn read(fragment: &str) -> Self {
        let mut it = Self {
            retries: 1,
            policy: Policy {
                connect: true,
                read: false,
                client_error: false,
                server_error: false,
            },
            connect_timeout: Duration::from_secs(5),
            read_timeout: TOTAL_MAX,
            total_timeout: TOTAL_MAX,
        };
        for (name, value) in form_urlencoded::parse(fragment.as_bytes()) {
            match name.as_ref() {
                "rc" => set(
                    &mut it.retries,
                    value.parse().ok().filter(|it| *it <= RETRIES_MAX),
                ),
                "rp" => it.policy = Policy::read(&value),
                "ct" => set(
                    &mut it.connect_timeout,
                    span(&value, Duration::from_secs(10)),
                ),
                "rt" => set(&mut it.read_timeout, span(&value, TOTAL_MAX)),
                "tt" => set(&mut it.total_timeout, span(&value, TOTAL_MAX)),
                _ => {}
            }
        }
        it
    }
}

impl Policy {
    fn read(list: &str) -> Self {
        let has = |word: &str| {
            list.split(',')
                .any(|it| it.trim() == word || it.trim() == "all")
        };
        Self {
            connect: has("ct"),
            read: has("rt"),
            client_error: has("4xx"),
            server_error: has("5xx"),
        }
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn span(millis: &str, max: Duration) -> Option<Duration> {
    let span = Duration::from_millis(millis.parse().ok()?);
    (Duration::from_millis(100)..=max)
        .contains(&span)
        .then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_only_a_missing_connection_is_tried_again_and_once() {
        let it = Overrides::read("");
        assert_eq!(it.retries, 1);
        assert!(it.policy.connect && !it.policy.read && !it.policy.server_error);
    }

    #[test]
    fn the_fragment_asks_for_more() {
        let it = Overrides::read("rc=5&rp=all&rt=3000");
        assert_eq!((it.retries, it.read_timeout), (5, Duration::from_secs(3)));
        assert!(it.policy.connect && it.policy.read && it.policy.server_error);
    }

    #[test]
    fn values_out_of_range_change_nothing() {
        assert_eq!(
            Overrides::read("rc=6&rt=16000&ct=5&x=1"),
            Overrides::read("")
        );
    }
}
