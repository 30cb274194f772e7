//! What is said in a call: as the business has set it, to Twilio alone, the same each time.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use form_urlencoded::Serializer;
use futures::future::try_join_all;
use http::Method;
use ringfence_carrier::callback::CALL_PATH;
use ringfence_carrier::settings::CallScript;
use ringfence_carrier::signature::sign;
use ringfence_carrier::twiml::SENT_BYTES_MAX;
use ringfence_core::time::Timestamp;
use ringfence_ledger::Ledger;
use ringfence_local::twilio::{CreateTruth, Twiml};
use ringfence_shell::call_flows::CallFlows;
use serde_json::{Value, json};

use crate::story::{Answer, Office, PUBLIC_HOST, Setting, Story};

/// A business with this call flow and one lead of this name, whose call was answered.
pub(crate) async fn answered(story: &mut Story, name: &str, flow: Value) -> Office {
    let office = story.open(3).await;
    let body = json!({ "call_flow": flow });
    story
        .send(&office.key, Method::PUT, "/api/business", body)
        .await
        .of_status(200);
    let rows = json!([{ "name": name, "phone": "050-1234567", "Policy No": "77 & <up>" }]);
    let imported = story
        .post(&office, "/api/outbound/import-leads", rows)
        .await
        .of_status(200);
    let leads = story
        .lead_ids(&office, imported["list_id"].as_u64().expect("a list"))
        .await;
    story.start(&office, &leads).await.of_status(200);
    story.wait(10).await;
    office
}

/// The path and query at which the carrier was told to ask about its latest call.
pub(crate) fn address(story: &Story) -> String {
    let create = story
        .truth()
        .creates
        .last()
        .expect("a call was asked for")
        .clone();
    let url = create
        .parameters
        .iter()
        .find(|(name, _)| name == "Url")
        .expect("an address");
    url.1
        .strip_prefix(PUBLIC_HOST)
        .expect("at the public host")
        .to_owned()
}

/// The form that Twilio sends, for our account or another.
pub(crate) fn form(story: &Story, account: Option<&str>) -> Vec<(String, String)> {
    let call = story.truth().calls.last().expect("a call was made").clone();
    let own = story.stack.plan.telephony.account.sid.as_str();
    [
        ("AccountSid", account.unwrap_or(own)),
        ("CallSid", call.sid.as_str()),
        ("CallStatus", "in-progress"),
        ("From", call.from.expose()),
        ("To", call.to.expose()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Asks as Twilio does, with a valid signature.
pub(crate) async fn ask(story: &Story, path: &str, form: &[(String, String)]) -> Answer {
    let token = &story.stack.plan.telephony.signing_tokens[0];
    let signature = sign(token, &format!("{PUBLIC_HOST}{path}"), form);
    send(story, Method::POST, path, form, Some(&signature)).await
}

async fn send(
    story: &Story,
    method: Method,
    path: &str,
    form: &[(String, String)],
    signature: Option<&str>,
) -> Answer {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(signature.map(|signature| ("x-twilio-signature", signature)));
    story.send_with(method, path, &headers, body).await
}

/// Checks what is answered in a call to a lead of this name.
async fn check(name: &str, flow: Value, expected: &str) {
    let mut story = Setting::plain().begin().await;
    answered(&mut story, name, flow).await;
    assert_eq!(
        story.truth().calls[0].twiml,
        Twiml::Speaks,
        "the carrier understood it"
    );
    let (path, form) = (address(&story), form(&story, None));
    let first = ask(&story, &path, &form).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(first.headers["content-type"], "text/xml; charset=utf-8");
    let head = r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#;
    assert_eq!(first.text, format!("{head}{expected}</Response>"));
    let before = story.truth().calls.len();
    for _ in 0..2 {
        let again = ask(&story, &path, &form).await;
        assert_eq!(
            (again.status, again.text),
            (first.status, first.text.clone())
        );
    }
    assert_eq!(story.truth().calls.len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_lead_is_greeted_by_name() {
    let flow = json!({ "kind": "say", "text": "שלום {{name}}, פוליסה {{policy_no}}{{unknown}}." });
    let said = r#"<Say language="he-IL">שלום דנה כהן, פוליסה 77 &amp; &lt;up&gt;.</Say>"#;
    check("דנה כהן", flow, said).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_cannot_break_out_of_what_is_said() {
    let flow = json!({
        "kind": "say", "text": "{{name}}!", "language": "en-US", "voice": "Polly.Joanna",
    });
    let said = "<Say language=\"en-US\" voice=\"Polly.Joanna\">\
                &lt;/Say&gt;&lt;Dial&gt;&amp;{{policy_no}}&lt;/Dial&gt;!</Say>";
    check("</Say><Dial>&{{policy_no}}</Dial>", flow, said).await;
}

#[tokio::test(start_paused = true)]
async fn a_recording_is_played() {
    let flow = json!({ "kind": "play", "url": "https://media.example/a.mp3?x=1&y=2" });
    check(
        "דנה",
        flow,
        "<Play>https://media.example/a.mp3?x=1&amp;y=2</Play>",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_gets_its_parameters() {
    let flow = json!({
        "kind": "stream",
        "url": "wss://ai.example/call",
        "parameters": { "lead": "{{name}}", "plan": "{{policy_no}}", "kind": "a\"b" },
    });
    let expected = "<Connect><Stream url=\"wss://ai.example/call\">\
                    <Parameter name=\"kind\" value=\"a&quot;b\"/>\
                    <Parameter name=\"lead\" value=\"דנה\"/>\
                    <Parameter name=\"plan\" value=\"77 &amp; &lt;up&gt;\"/>\
                    </Stream></Connect>";
    check("דנה", flow, expected).await;
}

#[tokio::test(start_paused = true)]
async fn another_server_says_what_happens() {
    let flow = json!({ "kind": "redirect", "url": "https://flow.example/next?a=1" });
    let expected = "<Redirect method=\"POST\">https://flow.example/next?a=1</Redirect>";
    check("דנה", flow, expected).await;
}

#[tokio::test(start_paused = true)]
async fn only_twilio_is_answered_and_only_about_our_account() {
    let mut story = Setting::plain().begin().await;
    answered(
        &mut story,
        "דנה",
        json!({ "kind": "say", "text": "{{name}}" }),
    )
    .await;
    let (path, own) = (address(&story), form(&story, None));
    let token = &story.stack.plan.telephony.signing_tokens[0];
    let right = sign(token, &format!("{PUBLIC_HOST}{path}"), &own);
    for signature in [None, Some(""), Some("x"), Some(&right.to_lowercase()[..])] {
        let answer = send(&story, Method::POST, &path, &own, signature).await;
        answer.assert_refused(403, "bad_signature");
        assert!(!answer.text.contains("דנה"));
    }
    // A right signature is not right for another address, another form or another account.
    let elsewhere = format!("{path}&x=1");
    let more: Vec<_> = own
        .iter()
        .cloned()
        .chain([("X".to_owned(), "1".to_owned())])
        .collect();
    for (path, form) in [(&elsewhere, &own), (&path, &more)] {
        let answer = send(&story, Method::POST, path, form, Some(&right)).await;
        answer.assert_refused(403, "bad_signature");
    }
    let strangers = form(&story, Some("AC11111111111111111111111111111111"));
    ask(&story, &path, &strangers)
        .await
        .assert_refused(403, "bad_signature");
    ask(&story, &path, &own[1..])
        .await
        .assert_refused(403, "bad_signature");
    assert_eq!(ask(&story, &path, &own).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_signed_question_about_nothing_of_ours_is_404() {
    let mut story = Setting::plain().begin().await;
    let office = answered(
        &mut story,
        "דנה",
        json!({ "kind": "say", "text": "{{name}}" }),
    )
    .await;
    let (path, form) = (address(&story), form(&story, None));
    for path in [
        CALL_PATH.to_owned(),
        format!("{CALL_PATH}?x=1"),
        path.replace(office.id.as_str(), "b0123456789"),
    ] {
        ask(&story, &path, &form)
            .await
            .assert_refused(404, "not_found");
    }
    send(&story, Method::GET, &path, &[], None)
        .await
        .assert_refused(405, "method_not_allowed");
}

#[tokio::test(start_paused = true)]
async fn the_call_of_a_lead_that_was_deleted_goes_on_without_the_name() {
    let mut story = Setting::plain().begin().await;
    let flow = json!({ "kind": "say", "text": "שלום {{name}}" });
    let office = answered(&mut story, "דנה", flow).await;
    let (path, form) = (address(&story), form(&story, None));
    let all = json!({ "delete_all": true });
    story
        .post(&office, "/api/outbound/import-leads/bulk-delete", all)
        .await
        .of_status(200);
    let answer = ask(&story, &path, &form).await;
    assert!(answer.text.contains(">שלום<"), "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn a_changed_call_flow_is_in_force_after_two_minutes() {
    let mut story = Setting::plain().begin().await;
    let flow = |text: &str| json!({ "kind": "say", "text": text });
    let office = answered(&mut story, "דנה", flow("one")).await;
    let (path, form) = (address(&story), form(&story, None));
    let body = json!({ "call_flow": flow("two") });
    story
        .send(&office.key, Method::PUT, "/api/business", body)
        .await
        .of_status(200);
    assert!(ask(&story, &path, &form).await.text.contains(">one<"));
    story.wait(120).await;
    assert!(ask(&story, &path, &form).await.text.contains(">two<"));
}

#[tokio::test(start_paused = true)]
async fn a_call_flow_is_read_once_for_all_who_want_it() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let plan = &story.stack.plan;
    let (dynamo, flows) = (&plan.dynamo, CallFlows::default());
    let ledger = Ledger::new(&dynamo.client(), &plan.table);
    dynamo.take_time(Duration::from_millis(5));
    let before = dynamo.meter().snapshot();
    let now = Timestamp::from_millis(1);
    let many = (0..5).map(|_| flows.of(&ledger, &office.id, now));
    let found = try_join_all(many).await.expect("it can be read");
    assert!(found.iter().all(Option::is_some));
    let used = dynamo.meter().snapshot().since(&before);
    // The sweep may ask for something else.
    assert_eq!(used.by_operation["GetItem"], 1, "{used:?}");
}

/// What the carrier was given for its latest call: its instructions, or where to ask for them.
fn given(story: &Story) -> Vec<(String, String)> {
    let creates = story.truth().creates;
    let create = creates.last().expect("a call was asked for");
    let is_it = |(name, _): &&(String, String)| name == "Url" || name == "Twiml";
    create.parameters.iter().filter(is_it).cloned().collect()
}

fn sent_along() -> Setting {
    Setting {
        call_script: CallScript::Sent,
        ..Setting::plain()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_sent_along_where_it_is_so_set() {
    let mut story = sent_along().begin().await;
    let flow = json!({ "kind": "say", "text": "שלום {{name}}, פוליסה {{policy_no}}." });
    let office = answered(&mut story, "דנה", flow).await;
    let text = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say language="he-IL">"#,
        "שלום דנה, פוליסה 77 &amp; &lt;up&gt;.</Say></Response>"
    );
    assert_eq!(given(&story), [("Twiml".to_owned(), text.to_owned())]);
    assert_eq!(story.truth().calls[0].twiml, Twiml::Speaks);
    story.wait(60).await;
    assert_eq!(story.active(&office).await, 0, "its end was reported");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_in_the_calls_of_a_run_is_sent_along_too() {
    let mut story = sent_along().begin().await;
    let office = story.open(1).await;
    let body = json!({ "call_flow": { "kind": "say", "text": "{{name}}" } });
    story
        .send(&office.key, Method::PUT, "/api/business", body)
        .await
        .of_status(200);
    let leads = story.import(&office, 2).await;
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!(end["completed"], 2, "{end}");
    let creates = story.truth().creates;
    let of_create = |create: &CreateTruth| {
        let mut said = create.parameters.iter().filter(|(name, _)| name == "Twiml");
        said.next().map(|(_, text)| text.contains(">Lead "))
    };
    let said: Vec<_> = creates.iter().map(of_create).collect();
    assert_eq!(said, [Some(true), Some(true)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_to_be_sent_along_is_asked_for() {
    let mut story = sent_along().begin().await;
    let flow = json!({ "kind": "say", "text": "א".repeat(SENT_BYTES_MAX / 2) });
    answered(&mut story, "דנה", flow).await;
    assert_eq!(given(&story).len(), 1);
    assert!(address(&story).starts_with(CALL_PATH));
    assert_eq!(story.truth().calls[0].twiml, Twiml::Speaks);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_to_be_sent_along_is_asked_for() {
    let mut story = sent_along().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    let key = |text: String| AttributeValue::S(text);
    let client = story.stack.plan.dynamo.client();
    let spoil = client
        .update_item()
        .table_name(&story.stack.plan.table)
        .key("pk", key(format!("BIZ#{}", office.id)))
        .key("sk", key("CONFIG".to_owned()))
        .update_expression("SET call_flow = :none")
        .expression_attribute_values(":none", key("no call flow".to_owned()));
    spoil.send().await.expect("the table can be written");
    story.start(&office, &leads).await.of_status(200);
    assert_eq!(given(&story).len(), 1);
    assert!(address(&story).starts_with(CALL_PATH));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_what_is_said() {
    let mut story = sent_along().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    story
        .stack
        .plan
        .dynamo
        .take_time(Duration::from_millis(1_500));
    story.start(&office, &leads).await.of_status(200);
    assert_eq!(given(&story).len(), 1);
    assert!(
        address(&story).starts_with(CALL_PATH),
        "it is asked for instead"
    );
}
