//! Whose account places the calls, and what it is told to report.
//!
//! Checked once, before anything starts: an error names the setting and never repeats its value.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// One Twilio account and the right to use it.
#[derive(Debug, Clone)]
pub struct Account {
    pub sid: AccountSid,
    /// An API key's SID, or the account's own.
    pub user: String,
    /// The API key's secret, or the account's auth token.
    pub secret: Secret,
    pub api_base: ApiBase,
}

/// The account's name, as Twilio writes it: `AC` and 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSid(String);

impl FromStr for AccountSid {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let digits = text.strip_prefix("AC").unwrap_or_default();
        if digits.len() == 32 && digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSetting {
                field: "account_sid",
                problem: "must be AC and 32 hex digits",
            })
        }
    }
}

impl AccountSid {
    /// The SID as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the REST API answers: an https origin, or an http one on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBase(Url);

impl ApiBase {
    /// Twilio's own, in its default region.
    pub const TWILIO: &str = "https://api.twilio.com";

    /// The address of `path_and_query` there, if that is where it leads.
    ///
    /// The credentials go with every request, so no answer may name another origin.
    pub(crate) fn join(&self, path_and_query: &str) -> Option<Url> {
        let url = self.0.join(path_and_query).ok()?;
        (url.origin() == self.0.origin() && !has_credentials(&url)).then_some(url)
    }
}

impl FromStr for ApiBase {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        origin("api_base", text).map(Self)
    }
}

/// A word that must not be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The word itself, for signing and authenticating.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How Twilio learns what is said in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallScript {
    /// It asks for it once somebody has answered.
    #[default]
    Asked,
    /// It is sent along with the request for the call, where it is short enough.
    Sent,
}

impl FromStr for CallScript {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        match text {
            "asked" => Ok(Self::Asked),
            "sent" => Ok(Self::Sent),
            _ => Err(BadSetting {
                field: "call_script",
                problem: "must be asked or sent",
            }),
        }
    }
}

/// A turn of a call that the carrier can report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEvent {
    /// It is being dialled.
    Initiated,
    /// It rings.
    Ringing,
    /// It was answered.
    Answered,
    /// It is over, whatever the outcome.
    Completed,
}

impl CallEvent {
    /// The end alone: each further event costs a webhook, a message and a write,
    /// and no promise needs one.
    pub const DEFAULT: [Self; 1] = [Self::Completed];

    const ALL: [Self; 4] = [
        Self::Initiated,
        Self::Ringing,
        Self::Answered,
        Self::Completed,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Completed => "completed",
        }
    }

    /// Reads a list separated by commas. It must contain `completed`, or no slot
    /// would be freed by a report.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, BadSetting> {
        let bad = |problem| BadSetting {
            field: "call_events",
            problem,
        };
        let mut events = Vec::new();
        for word in text.split(',').map(str::trim) {
            let event = Self::ALL.into_iter().find(|event| event.as_str() == word);
            let event = event.ok_or_else(|| {
                bad("may contain initiated, ringing, answered and completed only")
            })?;
            if !events.contains(&event) {
                events.push(event);
            }
        }
        if events.contains(&Self::Completed) {
            Ok(events)
        } else {
            Err(bad("must contain completed"))
        }
    }
}

/// A setting that cannot be used; its value is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{field} {problem}")]
pub struct BadSetting {
    pub field: &'static str,
    pub problem: &'static str,
}

/// Reads an origin: https, or http on this machine, and nothing after the host.
pub(crate) fn origin(field: &'static str, text: &str) -> Result<Url, BadSetting> {
    let bad = |problem| BadSetting { field, problem };
    let url = Url::parse(text).map_err(|_| bad("is not a URL"))?;
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    if !is_secure {
        return Err(bad("must be https, or http on a loopback address"));
    }
    if has_credentials(&url) {
        return Err(bad("must not contain credentials"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("must end with the host"));
    }
    Ok(url)
}

/// True if the URL itself tells a user name or a password.
pub(crate) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let account = Account {
            sid: "AC00000000000000000000000000000001".parse().unwrap(),
            user: "SK1".to_owned(),
            secret: Secret::new("hush"),
            api_base: ApiBase::TWILIO.parse().unwrap(),
        };
        assert!(!format!("{account:?}").contains("hush"));
    }

    #[test]
    fn an_account_sid_that_could_change_the_path_is_refused() {
        for text in ["", "AC", "AC../../..", "SK00000000000000000000000000000001"] {
            assert_eq!(
                text.parse::<AccountSid>().unwrap_err().field,
                "account_sid",
                "{text}"
            );
        }
    }

    #[test]
    fn the_api_is_reached_safely_or_on_this_machine() {
        for text in [
            "https://api.twilio.com",
            "http://127.0.0.1:9/",
            "http://localhost:80",
            "http://[::1]:1",
        ] {
            assert!(text.parse::<ApiBase>().is_ok(), "{text}");
        }
        for text in [
            "api.twilio.com",
            "http://api.twilio.com",
            "https://u:p@api.twilio.com",
            "https://h/x",
            "ftp://h",
        ] {
            assert_eq!(
                text.parse::<ApiBase>().unwrap_err().field,
                "api_base",
                "{text}"
            );
        }
    }

    #[test]
    fn credentials_never_follow_an_answer_to_another_origin() {
        let base: ApiBase = "https://api.twilio.com".parse().unwrap();
        assert!(base.join("/2010-04-01/x?Page=1").is_some());
        assert!(base.join("https://api.twilio.com/x").is_some());
        for elsewhere in [
            "//evil.example/x",
            "https://evil.example",
            "http://api.twilio.com/x",
            "https://a:b@api.twilio.com/",
        ] {
            assert!(base.join(elsewhere).is_none(), "{elsewhere}");
        }
    }

    #[test]
    fn the_end_of_a_call_is_always_reported() {
        assert_eq!(
            CallEvent::parse_list("completed").unwrap(),
            CallEvent::DEFAULT
        );
        assert_eq!(
            CallEvent::parse_list("ringing, completed,ringing").unwrap(),
            [CallEvent::Ringing, CallEvent::Completed]
        );
        for text in ["", "ringing", "completed,busy", "completed,"] {
            assert_eq!(
                CallEvent::parse_list(text).unwrap_err().field,
                "call_events",
                "{text}"
            );
        }
    }
}
