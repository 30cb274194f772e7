//! What happens in a call once it was answered, as a business has configured it.
//!
//! Checked when it is configured, so that no call finds out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::settings::has_credentials;

/// A business's call flow. Made by [`CallFlow::parse`] or from a [`CallFlowWire`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFlow {
    /// A text is read aloud. It may contain `{{name}}` and the lead's variables.
    Say {
        text: String,
        language: String,
        voice: Option<String>,
    },
    /// A recording is played.
    Play { url: Url },
    /// The call's sound goes to a program and back. The parameters may contain
    /// `{{name}}` and the lead's variables.
    Stream {
        url: Url,
        parameters: BTreeMap<String, String>,
    },
    /// Another server says what happens.
    Redirect { url: Url },
}

/// A call flow as JSON: `{"kind": "say", "text": "..."}` and so on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CallFlowWire {
    Say {
        #[schemars(length(min = 1, max = SAY_CHARS_MAX), regex(pattern = r"\S"))]
        text: String,
        #[serde(default = "hebrew")]
        #[schemars(regex(pattern = NAME))]
        language: String,
        #[schemars(regex(pattern = NAME))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        voice: Option<String>,
    },
    Play {
        #[schemars(extend("anyOf" = long_or_pathless(HTTPS, HTTPS_PATHLESS)))]
        url: String,
    },
    Stream {
        /// Without a query.
        #[schemars(extend("anyOf" = long_or_pathless(WSS, WSS_PATHLESS)))]
        url: String,
        /// Names that are not blank; each with its value shorter than 500 characters.
        #[serde(default)]
        #[schemars(extend("maxProperties" = PARAMETERS_MAX, "propertyNames" = { "pattern": r"\S" }))]
        parameters: BTreeMap<String, String>,
    },
    Redirect {
        #[schemars(extend("anyOf" = long_or_pathless(HTTPS, HTTPS_PATHLESS)))]
        url: String,
    },
}

/// As [`plain`] takes it.
const NAME: &str = "^[A-Za-z0-9._-]{1,64}$";
/// A host with a port or without, but for hosts that are numbers.
macro_rules! host {
    () => {
        r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}(:[1-9][0-9]{0,3})?"
    };
}

/// A path, but for other letters than these: the parser writes those as several.
macro_rules! path {
    () => {
        r"/[A-Za-z0-9._~:@!$&()*+,;=%/-]*"
    };
}

/// A query and a fragment, with the same letters.
macro_rules! rest {
    () => {
        r"(\?[A-Za-z0-9._~:@!$&()*+,;=%/?-]*)?(#[A-Za-z0-9._~:@!$&()*+,;=%/?-]*)?"
    };
}

/// What [`address`] takes. The parser adds a slash where there is no path, so what is
/// stored and shown has one.
const HTTPS: &str = concat!("^https://", host!(), path!(), rest!(), "$");
const HTTPS_PATHLESS: &str = concat!("^https://", host!(), rest!(), "$");
const WSS: &str = concat!("^wss://", host!(), path!(), "$");
const WSS_PATHLESS: &str = concat!("^wss://", host!(), "$");

/// A call flow that could not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{field} {problem}")]
pub struct BadCallFlow {
    pub field: &'static str,
    pub problem: &'static str,
}

/// Twilio's limit for one `<Say>`.
///
/// <https://www.twilio.com/docs/voice/twiml/say#limits-and-considerations>
pub const SAY_CHARS_MAX: usize = 4096;

/// Twilio's limit for a name and its value together, counted in characters.
///
/// <https://www.twilio.com/docs/voice/twiml/stream#custom-parameters>
pub const PARAMETER_CHARS_MAX: usize = 499;

/// Keeps the answer small; Twilio takes 64 KB of TwiML.
const PARAMETERS_MAX: usize = 32;

const URL_BYTES_MAX: usize = 2048;

/// A URL that fits once it has a path.
fn long_or_pathless(long: &str, pathless: &str) -> serde_json::Value {
    serde_json::json!([
        { "pattern": long, "maxLength": URL_BYTES_MAX },
        { "pattern": pathless, "maxLength": URL_BYTES_MAX - 1 },
    ])
}

fn hebrew() -> String {
    "he-IL".to_owned()
}

impl CallFlow {
    /// Reads a stored call flow.
    pub fn parse(json: &str) -> Result<Self, BadCallFlow> {
        let wire: CallFlowWire = serde_json::from_str(json).map_err(|_| BadCallFlow {
            field: "call_flow",
            problem: "is not a call flow",
        })?;
        wire.try_into()
    }

    /// Tells whether something of the lead stands in it.
    pub fn has_variables(&self) -> bool {
        match self {
            Self::Say { text, .. } => text.contains("{{"),
            Self::Stream { parameters, .. } => {
                parameters.values().any(|value| value.contains("{{"))
            }
            Self::Play { .. } | Self::Redirect { .. } => false,
        }
    }

    /// Writes a call flow to be stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&CallFlowWire::from(self)).expect("texts and maps of texts are JSON")
    }
}

impl TryFrom<CallFlowWire> for CallFlow {
    type Error = BadCallFlow;

    fn try_from(wire: CallFlowWire) -> Result<Self, BadCallFlow> {
        Ok(match wire {
            CallFlowWire::Say {
                text,
                language,
                voice,
            } => Self::Say {
                text: say_text(&text)?,
                language: plain("language", language)?,
                voice: voice.map(|voice| plain("voice", voice)).transpose()?,
            },
            CallFlowWire::Play { url } => Self::Play {
                url: address(&url, "https")?,
            },
            CallFlowWire::Stream { url, parameters } => {
                let url = address(&url, "wss")?;
                if url.query().is_some() {
                    let problem = "must not have a query; use parameters";
                    return Err(BadCallFlow {
                        field: "url",
                        problem,
                    });
                }
                check_parameters(&parameters)?;
                Self::Stream { url, parameters }
            }
            CallFlowWire::Redirect { url } => Self::Redirect {
                url: address(&url, "https")?,
            },
        })
    }
}

impl From<&CallFlow> for CallFlowWire {
    fn from(flow: &CallFlow) -> Self {
        match flow.clone() {
            CallFlow::Say {
                text,
                language,
                voice,
            } => Self::Say {
                text,
                language,
                voice,
            },
            CallFlow::Play { url } => Self::Play { url: url.into() },
            CallFlow::Stream { url, parameters } => Self::Stream {
                url: url.into(),
                parameters,
            },
            CallFlow::Redirect { url } => Self::Redirect { url: url.into() },
        }
    }
}

fn say_text(text: &str) -> Result<String, BadCallFlow> {
    let bad = |problem| BadCallFlow {
        field: "text",
        problem,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(bad("is empty"));
    }
    if text.chars().count() > SAY_CHARS_MAX {
        return Err(bad("is longer than 4096 characters"));
    }
    Ok(text.to_owned())
}

/// A name of a language or a voice, such as `he-IL` or `Google.he-IL-Wavenet-A`.
fn plain(field: &'static str, name: String) -> Result<String, BadCallFlow> {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        Ok(name)
    } else {
        Err(BadCallFlow {
            field,
            problem: "is not a name that Twilio could know",
        })
    }
}

fn address(text: &str, scheme: &'static str) -> Result<Url, BadCallFlow> {
    let bad = |problem| BadCallFlow {
        field: "url",
        problem,
    };
    let is_long = |text: &str| text.len() > URL_BYTES_MAX;
    if is_long(text) {
        return Err(bad("is longer than 2048 bytes"));
    }
    if text.contains("{{") {
        return Err(bad("must not contain {{variables}}"));
    }
    let url = Url::parse(text).map_err(|_| bad("is not a URL"))?;
    // It is stored as the parser writes it, which may be longer, and read again.
    if is_long(url.as_str()) {
        return Err(bad("is longer than 2048 bytes"));
    }
    if url.scheme() != scheme {
        return Err(bad(if scheme == "wss" {
            "must be wss"
        } else {
            "must be https"
        }));
    }
    if has_credentials(&url) {
        return Err(bad("must not contain credentials"));
    }
    Ok(url)
}

fn check_parameters(parameters: &BTreeMap<String, String>) -> Result<(), BadCallFlow> {
    let bad = |problem| {
        Err(BadCallFlow {
            field: "parameters",
            problem,
        })
    };
    if parameters.len() > PARAMETERS_MAX {
        return bad("are more than 32");
    }
    for (name, value) in parameters {
        if name.trim().is_empty() {
            return bad("must have names");
        }
        if name.chars().count() + value.chars().count() > PARAMETER_CHARS_MAX {
            return bad("must be shorter than 500 characters each, name and value together");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
