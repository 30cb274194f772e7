//! Configuration, read once when a function starts.
//!
//! Every missing or bad variable is named in one error, and then the function does not
//! start. Values are never repeated: some are secrets.

use std::fmt;
use std::str::FromStr;

use ringfence_carrier::host::PublicHost;
use ringfence_carrier::settings::{Account, AccountSid, ApiBase, CallEvent, CallScript, Secret};
use ringfence_core::timing::Timing;
use ringfence_flows::world::CallBounds;
use thiserror::Error;

/// Reads one variable. A closure, so that a test needs no process environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the process environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Everything that is wrong with the configuration, at once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("bad configuration: {}", .0.join("; "))]
pub struct BadConfig(pub Vec<String>);

/// Where the records and the messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stores {
    /// `TABLE_NAME`
    pub table: String,
    /// `QUEUE_URL`; absent for functions that send nothing.
    pub queue_url: Option<String>,
}

/// How calls are placed and reported.
#[derive(Debug, Clone)]
pub struct Telephony {
    /// `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, `TWILIO_API_BASE`, and `TWILIO_API_KEY_SID`
    /// with `TWILIO_API_KEY_SECRET` where an API key places the calls.
    pub account: Account,
    /// `TWILIO_AUTH_TOKEN` and, while it is being rotated, `TWILIO_AUTH_TOKEN_PREVIOUS`.
    pub signing_tokens: Vec<Secret>,
    /// `PUBLIC_HOST`: where Twilio reaches the webhook. Without it nothing is called.
    pub public_host: Option<PublicHost>,
    /// `CALL_EVENTS`: the callbacks to ask for.
    pub call_events: Vec<CallEvent>,
    /// `CALL_SCRIPT`: how Twilio learns what is said in a call.
    pub call_script: CallScript,
    /// `RING_SECONDS_MAX` and `CALL_SECONDS_MAX`.
    pub bounds: CallBounds,
}

/// Whether somebody goes without the token that signs.
enum Signing {
    Needed,
    Unneeded,
}

/// Twilio's own default for how long a phone rings, in seconds.
const RING_SECONDS_DEFAULT: u32 = 60;
/// Twilio's own default for how long a call may last, in seconds: four hours.
const CALL_SECONDS_DEFAULT: u32 = 14_400;

impl Stores {
    /// Reads what a function needs that sends messages.
    ///
    /// # Errors
    ///
    /// Names every variable that is missing.
    pub fn from_env(lookup: Lookup<'_>) -> Result<Self, BadConfig> {
        let mut reader = Reader::new(lookup);
        let table = reader.required("TABLE_NAME");
        let queue_url = reader.required("QUEUE_URL");
        reader.finish(Self {
            table,
            queue_url: Some(queue_url),
        })
    }

    /// Reads what a function needs that sends no messages.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing.
    pub fn table_from_env(lookup: Lookup<'_>) -> Result<Self, BadConfig> {
        let mut reader = Reader::new(lookup);
        let table = reader.required("TABLE_NAME");
        reader.finish(Self {
            table,
            queue_url: None,
        })
    }
}

impl Telephony {
    /// Reads how calls are placed and reported.
    ///
    /// # Errors
    ///
    /// Names every variable that is missing or bad.
    pub fn from_env(lookup: Lookup<'_>) -> Result<Self, BadConfig> {
        Self::read(lookup, Signing::Needed)
    }

    /// Reads how calls are placed. An API key does without the token that signs.
    ///
    /// # Errors
    ///
    /// Names every variable that is missing or bad.
    pub fn placing_from_env(lookup: Lookup<'_>) -> Result<Self, BadConfig> {
        let has_key = lookup("TWILIO_API_KEY_SID").is_some_and(|key| !key.trim().is_empty());
        let signing = if has_key {
            Signing::Unneeded
        } else {
            Signing::Needed
        };
        Self::read(lookup, signing)
    }

    fn read(lookup: Lookup<'_>, signing: Signing) -> Result<Self, BadConfig> {
        let mut reader = Reader::new(lookup);
        let sid: Option<AccountSid> = reader.parsed("TWILIO_ACCOUNT_SID");
        let token = match signing {
            Signing::Needed => reader.required("TWILIO_AUTH_TOKEN"),
            Signing::Unneeded => reader.optional("TWILIO_AUTH_TOKEN").unwrap_or_default(),
        };
        let previous = reader.optional("TWILIO_AUTH_TOKEN_PREVIOUS");
        let api_base = reader.parsed_or("TWILIO_API_BASE", ApiBase::TWILIO);
        let key = reader.optional("TWILIO_API_KEY_SID");
        let key = key.map(|user| (user, reader.required("TWILIO_API_KEY_SECRET")));
        let public_host = reader.parsed_if("PUBLIC_HOST");
        let events = reader
            .optional("CALL_EVENTS")
            .unwrap_or_else(|| "completed".to_owned());
        let call_events = reader.keep("CALL_EVENTS", CallEvent::parse_list(&events));
        let call_script = reader.parsed_or("CALL_SCRIPT", "asked");
        let ring_seconds_max = reader.seconds("RING_SECONDS_MAX", RING_SECONDS_DEFAULT, 5..=600);
        let call_seconds_max = reader.seconds("CALL_SECONDS_MAX", CALL_SECONDS_DEFAULT, 1..=86_400);
        let problems = reader.problems;
        let (Some(sid), Some(api_base), Some(call_events), Some(call_script), true) =
            (sid, api_base, call_events, call_script, problems.is_empty())
        else {
            return Err(BadConfig(problems));
        };
        let (user, secret) = key.unwrap_or_else(|| (sid.as_str().to_owned(), token.clone()));
        let account = Account {
            sid,
            user,
            secret: Secret::new(secret),
            api_base,
        };
        let signing_tokens = [Some(token), previous]
            .into_iter()
            .flatten()
            .filter(|token| !token.is_empty())
            .map(Secret::new)
            .collect();
        let bounds = CallBounds {
            ring_seconds_max,
            call_seconds_max,
        };
        Ok(Self {
            account,
            signing_tokens,
            public_host,
            call_events,
            call_script,
            bounds,
        })
    }
}

/// The spans in force: the production ones, unless `SETTLE_SECONDS` says otherwise.
///
/// # Errors
///
/// Names the variable that is bad.
pub fn timing_from_env(lookup: Lookup<'_>) -> Result<Timing, BadConfig> {
    let mut reader = Reader::new(lookup);
    let settle = reader.optional("SETTLE_SECONDS");
    let timing = match settle {
        None => Timing::CLOUD,
        Some(text) => {
            let seconds = reader
                .keep("SETTLE_SECONDS", text.parse::<u64>())
                .unwrap_or_default();
            let sweep = Timing::CLOUD.sweep_every.as_secs();
            reader
                .keep("SETTLE_SECONDS", Timing::scaled(seconds, sweep))
                .unwrap_or(Timing::CLOUD)
        }
    };
    reader.finish(timing)
}

/// Where the carrier is: `TWILIO_API_BASE`, or Twilio's own. A bad one is none: [`Telephony`]
/// names it, with all else that is bad.
pub fn api_base_from_env(lookup: Lookup<'_>) -> Option<ApiBase> {
    Reader::new(lookup).parsed_or("TWILIO_API_BASE", ApiBase::TWILIO)
}

/// How many leads a business may have: `LEADS_MAX`, or 5,000.
///
/// # Errors
///
/// Names the variable that is bad.
pub fn leads_max_from_env(lookup: Lookup<'_>) -> Result<u32, BadConfig> {
    let mut reader = Reader::new(lookup);
    let leads_max = match reader.optional("LEADS_MAX") {
        Some(text) => reader.keep("LEADS_MAX", text.parse()).unwrap_or_default(),
        None => LEADS_MAX_DEFAULT,
    };
    reader.finish(leads_max)
}

/// How many leads a business may have unless configured.
pub const LEADS_MAX_DEFAULT: u32 = 5_000;

/// Reads variables and gathers what is wrong with them.
struct Reader<'a> {
    lookup: Lookup<'a>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    /// A variable that is set to the empty text counts as absent: that is how a template
    /// passes on a parameter that was left blank.
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is missing"));
            String::new()
        })
    }

    fn keep<T, E: fmt::Display>(&mut self, name: &str, parsed: Result<T, E>) -> Option<T> {
        parsed
            .map_err(|error| self.problems.push(format!("{name}: {error}")))
            .ok()
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        match self.optional(name) {
            Some(text) => self.keep(name, text.parse()),
            None => {
                self.problems.push(format!("{name} is missing"));
                None
            }
        }
    }

    fn parsed_or<T: FromStr<Err: fmt::Display>>(&mut self, name: &str, default: &str) -> Option<T> {
        let text = self.optional(name).unwrap_or_else(|| default.to_owned());
        self.keep(name, text.parse())
    }

    fn parsed_if<T: FromStr<Err: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.optional(name)?;
        self.keep(name, text.parse())
    }

    fn seconds(&mut self, name: &str, default: u32, range: std::ops::RangeInclusive<u32>) -> u32 {
        let Some(text) = self.optional(name) else {
            return default;
        };
        match text.parse() {
            Ok(seconds) if range.contains(&seconds) => seconds,
            Ok(_) | Err(_) => {
                let (least, most) = (range.start(), range.end());
                self.problems
                    .push(format!("{name} must be {least} to {most} seconds"));
                default
            }
        }
    }

    fn finish<T>(self, value: T) -> Result<T, BadConfig> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(BadConfig(self.problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_variable_is_named_in_one_error_and_no_value_is_repeated() {
        let lookup = |name: &str| match name {
            "TWILIO_ACCOUNT_SID" => Some("nonsense".to_owned()),
            "PUBLIC_HOST" => Some("bad_host".to_owned()),
            "RING_SECONDS_MAX" => Some("1000".to_owned()),
            _ => None,
        };
        let text = Telephony::from_env(&lookup).unwrap_err().to_string();
        for name in [
            "TWILIO_ACCOUNT_SID",
            "TWILIO_AUTH_TOKEN",
            "PUBLIC_HOST",
            "RING_SECONDS_MAX",
        ] {
            assert!(text.contains(name), "{name} in {text}");
        }
        assert!(
            !text.contains("nonsense") && !text.contains("bad_host"),
            "{text}"
        );
    }

    #[test]
    fn a_blank_public_host_is_none() {
        let lookup = |name: &str| match name {
            "TWILIO_ACCOUNT_SID" => Some(format!("AC{}", "0".repeat(32))),
            "TWILIO_AUTH_TOKEN" => Some("token".to_owned()),
            "PUBLIC_HOST" => Some(" ".to_owned()),
            _ => None,
        };
        let telephony = Telephony::from_env(&lookup).unwrap();
        assert!(telephony.public_host.is_none());
        assert_eq!(telephony.bounds.call_seconds_max, CALL_SECONDS_DEFAULT);
    }
}
