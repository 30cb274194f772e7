//! From which numbers calls may come.

use super::*;

const ELSEWHERE: &str = "+97239999999";

async fn listed(desk: &Desk, wanted: &str) -> Value {
    let wanted = wanted.replace('+', "%2B");
    let path = format!("/IncomingPhoneNumbers.json?PhoneNumber={wanted}");
    let list = desk.ask("GET", &path, "").await.body;
    let numbers = list["incoming_phone_numbers"].as_array().cloned();
    numbers
        .expect("a list")
        .iter()
        .map(|number| number["phone_number"].clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_told_its_numbers_calls_from_no_other() {
    let desk = Desk::calm();
    desk.twilio.owns([number(FROM)]);
    assert_eq!(desk.create("c=1", &[]).await.status, 201);
    let refused = desk.create("c=2", &[("From", ELSEWHERE)]).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (400, &21210.into())
    );
    // Twilio finds parts of numbers, too.
    assert_eq!(listed(&desk, "+97231").await, serde_json::json!([FROM]));
    assert_eq!(listed(&desk, ELSEWHERE).await, serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_told_none_has_any() {
    let desk = Desk::calm();
    let created = desk.create("c=1", &[("From", ELSEWHERE)]).await;
    assert_eq!(created.status, 201);
    assert_eq!(
        listed(&desk, ELSEWHERE).await,
        serde_json::json!([ELSEWHERE])
    );
    let verified = desk.ask("GET", "/OutgoingCallerIds.json", "").await.body;
    assert_eq!(verified["outgoing_caller_ids"], serde_json::json!([]));
}
