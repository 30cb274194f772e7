//! Reads a request for a call as strictly as Twilio does, or more so.

use std::time::Duration;

use http::{Method, Uri};
use ringfence_core::call::CallStatus;
use ringfence_core::phone::PhoneNumber;
use url::Url;

use super::overrides::Overrides;

/// A well-formed request for a call.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) to: PhoneNumber,
    pub(super) from: PhoneNumber,
    pub(super) script: CallScript,
    pub(super) callback: Option<StatusCallback>,
    pub(super) ring_seconds: u32,
    pub(super) talk_max: Duration,
    pub(super) detects_machines: bool,
}

/// Where the words that the called person hears come from.
#[derive(Clone)]
pub(super) enum CallScript {
    /// Fetched when the call is answered.
    Fetched(Webhook),
    /// Given with the request.
    Inline(String),
    /// Kept at Twilio, out of our sight.
    Application,
}

/// Whom to tell about which events.
#[derive(Clone)]
pub(super) struct StatusCallback {
    pub(super) webhook: Webhook,
    /// The statuses that make an event; a final one stands for all of them.
    pub(super) events: Vec<&'static str>,
}

impl StatusCallback {
    /// True if whoever asked wants to hear of this status.
    pub(super) fn wants(&self, status: CallStatus) -> bool {
        event(status).is_some_and(|name| self.events.contains(&name))
    }
}

/// An address of the client's.
#[derive(Clone)]
pub(super) struct Webhook {
    /// As a request will name it, which is what is signed; the fragment stays here.
    pub(super) url: String,
    pub(super) method: Method,
    pub(super) overrides: Overrides,
}

/// The error code with which Twilio would refuse the request.
pub(super) type Refusal = u32;

/// Parameters in the order in which they were sent.
pub(super) type Form = Vec<(String, String)>;

const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>
const RING_SECONDS_DEFAULT: u32 = 60;
const RING_SECONDS_MAX: u32 = 600;
const TALK_SECONDS_DEFAULT: u32 = 4 * 3600;
const TALK_SECONDS_MAX: u32 = 24 * 3600;
const TWIML_CHARS_MAX: usize = 4_000;

/// The first value of a parameter, unless it is empty.
pub(super) fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = form.iter().find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// The values in the query of a URL.
pub(super) fn query_of(url: &str) -> Form {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// Reads the parameters of a request for a call.
pub(super) fn read(form: &[(String, String)]) -> Result<Order, Refusal> {
    let to = value(form, "To").ok_or(21201_u32)?;
    let from = value(form, "From").ok_or(21213_u32)?;
    let to: PhoneNumber = to.parse().map_err(|_| 21211_u32)?;
    let from: PhoneNumber = from.parse().map_err(|_| 21212_u32)?;
    magic(&to, &from)?;
    let script = script(form)?;
    let callback = match script {
        // Twilio ignores the parameter beside an application, which has its own.
        CallScript::Application => None,
        CallScript::Fetched(_) | CallScript::Inline(_) => status_callback(form)?,
    };
    let ring_seconds =
        number(form, "Timeout", RING_SECONDS_DEFAULT, RING_SECONDS_MAX).ok_or(21208_u32)?;
    let talk_seconds =
        number(form, "TimeLimit", TALK_SECONDS_DEFAULT, TALK_SECONDS_MAX).ok_or(20001_u32)?;
    Ok(Order {
        to,
        from,
        script,
        callback,
        ring_seconds,
        talk_max: Duration::from_secs(talk_seconds.into()),
        detects_machines: value(form, "MachineDetection").is_some(),
    })
}

/// Twilio's name for the event of reaching this status.
pub(super) fn event(status: CallStatus) -> Option<&'static str> {
    match status {
        CallStatus::Queued => None,
        CallStatus::Initiated => Some("initiated"),
        CallStatus::Ringing => Some("ringing"),
        CallStatus::InProgress => Some("answered"),
        CallStatus::Completed
        | CallStatus::Busy
        | CallStatus::Failed
        | CallStatus::NoAnswer
        | CallStatus::Canceled => Some("completed"),
    }
}

/// The numbers that Twilio sets aside for tests.
///
/// <https://www.twilio.com/docs/iam/test-credentials#test-calls>
fn magic(to: &PhoneNumber, from: &PhoneNumber) -> Result<(), Refusal> {
    if from.expose() == "+15005550001" {
        return Err(21212);
    }
    match to.expose() {
        "+15005550001" => Err(21217),
        "+15005550002" => Err(21214),
        "+15005550003" => Err(21215),
        "+15005550004" => Err(21216),
        _ => Ok(()),
    }
}

fn script(form: &[(String, String)]) -> Result<CallScript, Refusal> {
    if value(form, "ApplicationSid").is_some() {
        return Ok(CallScript::Application);
    }
    match (value(form, "Url"), value(form, "Twiml")) {
        (Some(url), _) => webhook(form, url, "Method")
            .map(CallScript::Fetched)
            .ok_or(21205),
        (None, Some(twiml)) if twiml.chars().count() <= TWIML_CHARS_MAX => {
            Ok(CallScript::Inline(twiml.to_owned()))
        }
        (None, Some(_)) => Err(20001),
        (None, None) => Err(21205),
    }
}

fn status_callback(form: &[(String, String)]) -> Result<Option<StatusCallback>, Refusal> {
    let Some(url) = value(form, "StatusCallback") else {
        return Ok(None);
    };
    let webhook = webhook(form, url, "StatusCallbackMethod").ok_or(21609_u32)?;
    let mut events = Vec::new();
    for (_, asked) in form
        .iter()
        .filter(|(name, _)| name == "StatusCallbackEvent")
    {
        events.push(
            *EVENTS
                .iter()
                .find(|event| *event == asked)
                .ok_or(21626_u32)?,
        );
    }
    if events.is_empty() {
        events.push("completed");
    }
    Ok(Some(StatusCallback { webhook, events }))
}

fn webhook(form: &[(String, String)], given: &str, method_name: &str) -> Option<Webhook> {
    let (url, fragment) = given.split_once('#').unwrap_or((given, ""));
    let uri: Uri = url.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_good_host = uri
        .host()
        .is_some_and(|host| !host.is_empty() && !host.contains('_'));
    let method = match value(form, method_name) {
        None | Some("POST") => Method::POST,
        Some("GET") => Method::GET,
        Some(_) => return None,
    };
    let overrides = Overrides::read(fragment);
    // An HTTP client adds the path that was left out, and escapes what no request may carry.
    let requested = Url::parse(url).ok()?;
    (is_web && has_good_host).then(|| Webhook {
        url: requested.into(),
        method,
        overrides,
    })
}

fn number(form: &[(String, String)], name: &str, default: u32, max: u32) -> Option<u32> {
    match value(form, name) {
        None => Some(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (1..=max).contains(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "To=%2B972501234567&From=%2B97231234567&Url=https%3A%2F%2Fa.example%2Ftwiml";

    #[track_caller]
    fn check(extra: &str, expected: Option<u32>) {
        let form = format!("{GOOD}{extra}");
        let form: Form = form_urlencoded::parse(form.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(read(&form).err(), expected, "{extra}");
    }

    #[test]
    fn parameters_are_refused_with_twilio_s_codes() {
        check("", None);
        check("&Timeout=600&TimeLimit=86400", None);
        check("&Timeout=601", Some(21208));
        check("&Timeout=0", Some(21208));
        check("&TimeLimit=86401", Some(20001));
        check("&StatusCallback=https%3A%2F%2Fa.example%2Fcb", None);
        check(
            "&StatusCallback=https%3A%2F%2Fa_b.example%2Fcb",
            Some(21609),
        );
        check("&StatusCallback=nonsense", Some(21609));
        let callback = "&StatusCallback=https%3A%2F%2Fa.example%2F&StatusCallbackEvent=";
        check(
            &format!("{callback}ringing&StatusCallbackEvent=completed"),
            None,
        );
        check(&format!("{callback}ringing+completed"), Some(21626));
    }

    #[test]
    fn an_address_is_kept_as_it_will_be_requested() {
        for (given, requested) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example?b=1#rc=5", "https://a.example/?b=1"),
            (
                "https://a.example/x?n=O'Neil",
                "https://a.example/x?n=O%27Neil",
            ),
            (
                "https://a.example/?n=שלום",
                "https://a.example/?n=%D7%A9%D7%9C%D7%95%D7%9D",
            ),
            (
                "https://a.example/%7e?x=%7e&y=&&",
                "https://a.example/%7e?x=%7e&y=&&",
            ),
        ] {
            let kept = webhook(&[], given, "Method").unwrap();
            assert_eq!(kept.url, requested, "{given}");
        }
    }

    #[test]
    fn the_three_required_parameters_are_required() {
        for (dropped, code) in [("To", 21201), ("From", 21213), ("Url", 21205)] {
            let form = form_urlencoded::parse(GOOD.as_bytes()).into_owned();
            let form: Form = form.filter(|(name, _)| name != dropped).collect();
            assert_eq!(read(&form).err(), Some(code), "{dropped}");
        }
    }

    #[test]
    fn numbers_that_are_not_e164_are_invalid() {
        for (name, code) in [("To", 21211), ("From", 21212)] {
            let mut form: Form = form_urlencoded::parse(GOOD.as_bytes())
                .into_owned()
                .collect();
            form.iter_mut()
                .filter(|(key, _)| key == name)
                .for_each(|(_, v)| *v = "0501".into());
            assert_eq!(read(&form).err(), Some(code), "{name}");
        }
    }
}
