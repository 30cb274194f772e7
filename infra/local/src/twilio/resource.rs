//! Twilio's JSON for a call and for an account.
//!
//! Every field of the API's description is there, also those that are always null here.

use jiff::tz::TimeZone;
use ringfence_core::call::CallStatus;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use serde_json::{Value, json};

use super::call::View;
use super::settings::Settings;

/// The sub-resources of a call, by the names under which Twilio lists them.
const SUBRESOURCES: [(&str, &str); 9] = [
    ("events", "Events"),
    ("notifications", "Notifications"),
    ("payments", "Payments"),
    ("recordings", "Recordings"),
    ("siprec", "Siprec"),
    ("streams", "Streams"),
    ("transcriptions", "Transcriptions"),
    (
        "user_defined_message_subscriptions",
        "UserDefinedMessageSubscriptions",
    ),
    ("user_defined_messages", "UserDefinedMessages"),
];

/// The Call resource.
pub(super) fn call(settings: &Settings, view: &View<'_>) -> Value {
    let call = view.call;
    let base = format!(
        "/2010-04-01/Accounts/{}/Calls/{}",
        settings.account_sid, call.sid
    );
    let subresources = SUBRESOURCES
        .iter()
        .map(|(name, path)| ((*name).to_owned(), json!(format!("{base}/{path}.json"))))
        .collect();
    let dialled = view.reached(CallStatus::Initiated);
    let queue_time = dialled.map(|dialled| dialled.at.since(view.accepted().at).as_millis());
    let completed = view.reached(CallStatus::Completed);
    let is_answered = view.reached(CallStatus::InProgress).is_some();
    json!({
        "sid": call.sid.as_str(),
        "date_created": date(view.accepted().at),
        "date_updated": date(view.updated().at),
        "parent_call_sid": null,
        "account_sid": settings.account_sid,
        "to": call.order.to.expose(),
        "to_formatted": formatted(&call.order.to),
        "from": call.order.from.expose(),
        "from_formatted": formatted(&call.order.from),
        "phone_number_sid": phone_number_sid(&call.order.from),
        "status": view.rest_status().as_str(),
        "start_time": dialled.map(|mark| date(mark.at)),
        // Both are empty for a call that was not answered, says the API's description.
        "end_time": completed.map(|mark| date(mark.at)),
        "duration": view.talk_seconds(settings.speed).map(|seconds| seconds.to_string()),
        "price": null,
        "price_unit": "USD",
        "direction": "outbound-api",
        "answered_by": (is_answered && call.order.detects_machines).then_some("human"),
        "api_version": "2010-04-01",
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": queue_time.unwrap_or(0).to_string(),
        "trunk_sid": null,
        "uri": format!("{base}.json"),
        "subresource_uris": Value::Object(subresources),
    })
}

/// The Account resource, without its token.
pub(super) fn account(settings: &Settings, now: Timestamp) -> Value {
    let sid = &settings.account_sid;
    json!({
        "sid": sid,
        "owner_account_sid": sid,
        "friendly_name": "Simulated",
        "status": "active",
        "type": "Full",
        "auth_token": "",
        "date_created": date(settings.clock.started_at()),
        "date_updated": date(now),
        "uri": format!("/2010-04-01/Accounts/{sid}.json"),
        "subresource_uris": { "calls": format!("/2010-04-01/Accounts/{sid}/Calls.json") },
    })
}

/// RFC 2822 in UTC, as Twilio writes dates.
pub(super) fn date(at: Timestamp) -> String {
    zoned(at).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// Whole seconds, as the API's dates have them, and as its filters compare them.
pub(super) fn zoned(at: Timestamp) -> jiff::Zoned {
    let seconds = i64::try_from(at.as_millis() / 1_000).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(TimeZone::UTC)
}

/// North American numbers as people there write them, others as they are.
fn formatted(number: &PhoneNumber) -> String {
    let number = number.expose();
    match number.strip_prefix("+1") {
        Some(own) if own.len() == 10 => {
            format!("({}) {}-{}", &own[..3], &own[3..6], &own[6..])
        }
        Some(_) | None => number.to_owned(),
    }
}

fn phone_number_sid(number: &PhoneNumber) -> String {
    format!("PN{:0>32}", number.expose().trim_start_matches('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_twilio_writes_them() {
        let at = Timestamp::from_millis(1_571_418_000_999);
        assert_eq!(date(at), "Fri, 18 Oct 2019 17:00:00 +0000");
    }

    #[test]
    fn north_american_numbers_are_shown_in_their_own_way() {
        assert_eq!(
            formatted(&"+14158675309".parse().unwrap()),
            "(415) 867-5309"
        );
        assert_eq!(
            formatted(&"+972501234567".parse().unwrap()),
            "+972501234567"
        );
    }
}
