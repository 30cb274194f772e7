//! The numbers that an account has: those that it was told, or else any that is asked for.

use ringfence_core::phone::PhoneNumber;
use serde_json::{Value, json};

use super::request::value;
use super::world::World;

impl World {
    /// Whether calls may come from a number.
    pub(super) fn has_number(&self, number: &PhoneNumber) -> bool {
        let numbers = self.numbers.as_ref();
        numbers.is_none_or(|numbers| numbers.contains(number))
    }

    /// The account's numbers in which the query's `PhoneNumber` occurs, as Twilio lists them:
    /// <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>
    pub(super) fn incoming_numbers(&self, query: &[(String, String)]) -> Value {
        let wanted = value(query, "PhoneNumber").unwrap_or_default();
        let found: Vec<&str> = match &self.numbers {
            Some(numbers) => {
                let all = numbers.iter().map(PhoneNumber::expose);
                all.filter(|number| number.contains(wanted)).collect()
            }
            None => wanted
                .parse::<PhoneNumber>()
                .map_or_else(|_| Vec::new(), |_| vec![wanted]),
        };
        let number = |number: &&str| {
            json!({
                "phone_number": number,
                "account_sid": self.settings.account_sid,
                "capabilities": { "voice": true, "sms": false, "mms": false, "fax": false },
            })
        };
        let found: Vec<Value> = found.iter().map(number).collect();
        json!({ "incoming_phone_numbers": found, "next_page_uri": null })
    }
}

/// The numbers of others that the account may call from: none.
/// <https://www.twilio.com/docs/voice/api/outgoing-caller-ids>
pub(super) fn verified() -> Value {
    json!({ "outgoing_caller_ids": [], "next_page_uri": null })
}
