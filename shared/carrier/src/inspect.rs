//! Looks an account over without placing a call, for whoever sets it up.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use serde::Deserialize;

use crate::form::encode;
use crate::transport::Transport;
use crate::twilio::Twilio;
use crate::wire;

/// What Twilio says when it is asked about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Inspected<T> {
    Seen(T),
    /// These credentials do not open this account.
    Unauthorized,
    /// Another answer, with this HTTP status; nothing may be concluded.
    Unclear(u16),
    NoAnswer,
}

impl<T> Inspected<T> {
    /// Reads what was seen; an answer that cannot be read is unclear.
    fn read<U>(self, read: impl FnOnce(T) -> Option<U>) -> Inspected<U> {
        match self {
            Self::Seen(seen) => {
                read(seen).map_or(Inspected::Unclear(StatusCode::OK.as_u16()), Inspected::Seen)
            }
            Self::Unauthorized => Inspected::Unauthorized,
            Self::Unclear(status) => Inspected::Unclear(status),
            Self::NoAnswer => Inspected::NoAnswer,
        }
    }
}

/// An account, as Twilio describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSeen {
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// A trial account calls verified numbers only.
    pub is_trial: bool,
    /// When Twilio answered, by its clock, to the second.
    pub answered_at: Option<Timestamp>,
}

/// Whether calls may come from a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// It is the account's, and can call.
    Owned,
    /// It is the account's, and has no voice.
    WithoutVoice,
    /// It is somebody's who has let the account call from it.
    Verified,
    /// Twilio would refuse calls from it.
    NotOurs,
}

#[derive(Deserialize)]
struct AccountJson {
    status: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct IncomingJson {
    incoming_phone_numbers: Vec<NumberJson>,
}

#[derive(Deserialize)]
struct VerifiedJson {
    outgoing_caller_ids: Vec<NumberJson>,
}

#[derive(Deserialize)]
struct NumberJson {
    phone_number: String,
    #[serde(default)]
    capabilities: Option<Capabilities>,
}

#[derive(Deserialize)]
struct Capabilities {
    voice: bool,
}

impl<T: Transport> Twilio<T> {
    /// Asks for the account itself. API keys of the standard kind may not:
    /// <https://www.twilio.com/docs/iam/api-keys>
    pub async fn inspect_account(&self) -> Inspected<AccountSeen> {
        self.look(".json").await.read(|answer| {
            let account: AccountJson = wire::read(answer.body())?;
            let date = answer.headers().get(header::DATE);
            let date = date.and_then(|date| date.to_str().ok());
            Some(AccountSeen {
                status: account.status,
                is_trial: account.kind == "Trial",
                answered_at: date.and_then(wire::date),
            })
        })
    }

    /// Asks for one call, which whoever places calls may do.
    pub async fn inspect_calls(&self) -> Inspected<()> {
        self.look("/Calls.json?PageSize=1").await.read(|_| Some(()))
    }

    /// Asks whether calls may come from `number`.
    ///
    /// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>, `From`
    pub async fn inspect_caller_id(&self, number: &PhoneNumber) -> Inspected<Ownership> {
        // The filter finds parts of numbers too.
        let filter = encode(&[("PhoneNumber", number.expose())]);
        let is_it = |found: &NumberJson| found.phone_number == number.expose();
        let incoming = format!("/IncomingPhoneNumbers.json?{filter}");
        let owned = self.look(&incoming).await.read(|answer| {
            let list: IncomingJson = wire::read(answer.body())?;
            let mut numbers = list.incoming_phone_numbers.into_iter();
            Some(numbers.find(is_it).map(|number| {
                match number.capabilities.is_none_or(|can| can.voice) {
                    true => Ownership::Owned,
                    false => Ownership::WithoutVoice,
                }
            }))
        });
        if owned != Inspected::Seen(None) {
            return owned.read(|ownership| ownership);
        }
        let verified = format!("/OutgoingCallerIds.json?{filter}");
        self.look(&verified).await.read(|answer| {
            let list: VerifiedJson = wire::read(answer.body())?;
            Some(match list.outgoing_caller_ids.iter().any(is_it) {
                true => Ownership::Verified,
                false => Ownership::NotOurs,
            })
        })
    }

    /// Reads what is at `rest` of the account.
    async fn look(&self, rest: &str) -> Inspected<Response<Bytes>> {
        let path = format!("{}{rest}", self.account_path());
        match self.send(Method::GET, &path, None).await {
            Ok(answer) if answer.status() == StatusCode::OK => Inspected::Seen(answer),
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => Inspected::Unauthorized,
            Ok(answer) => Inspected::Unclear(answer.status().as_u16()),
            Err(_) => Inspected::NoAnswer,
        }
    }
}

#[cfg(test)]
mod tests;
