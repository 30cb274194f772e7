//! A small table as a version has left it, with a run under way and the messages that were on
//! their way to it: today's code works the run on to its end.
//!
//! A file is never changed: when the stored form changes, the version after it gets one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use form_urlencoded::Serializer;
use ringfence_carrier::callback::Callback;
use ringfence_carrier::form::Form;
use ringfence_core::phone::PhoneNumber;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_shell::message::Message;
use serde_json::{Value, json};

use crate::story::{Office, Setting, Story};
use crate::twiml::{address, form};

/// What `RECORD=1` makes anew, once for a version. The key in it opens nothing but this table.
const RECORDED: &str = "v0_1_0.json";
/// The numbers of the recorded leads, in the order in which they are called.
const PHONES: [&str; 4] = [
    "+972555000001",
    "+972555000002",
    "+972555000003",
    "+972555000004",
];
/// Where the run was started, and with which key.
const ENQUEUE: &str = "/api/outbound/bulk-enqueue";
const IDEMPOTENCY_KEY: &str = "recorded";
/// The counts of a run, which say how it ended.
const COUNTS: [&str; 5] = ["total_leads", "completed", "failed", "canceled", "queued"];

/// What kinds of rows the recording has, by the beginnings of their keys.
const KINDS: [&str; 12] = [
    "BIZ APIKEY",
    "BIZ CALL",
    "BIZ CONFIG",
    "BIZ COUNTERS",
    "BIZ LIST",
    "BIZ REQ",
    "BIZ RUN",
    "BIZ STATE",
    "DNC KEY",
    "DNC NUM",
    "KEY KEY",
    "LEADS LEAD",
];

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("it/upgrades")
        .join(RECORDED)
}

fn recorded() -> Value {
    let text = std::fs::read_to_string(file()).expect("it was recorded with RECORD=1");
    serde_json::from_str(&text).expect("it is JSON")
}

#[track_caller]
fn text<'a>(recorded: &'a Value, name: &str) -> &'a str {
    recorded[name].as_str().expect("it is a text")
}

/// Asks the database as its wire protocol does, which no type of today's code has a say in.
#[track_caller]
fn raw(dynamo: &Dynamo, operation: &str, request: &Value) -> Value {
    let request = request.to_string();
    let answer = dynamo.handle(
        &format!("DynamoDB_20120810.{operation}"),
        request.as_bytes(),
    );
    assert!(answer.status().is_success(), "{:?}", answer.body());
    serde_json::from_slice(answer.body()).expect("it answers JSON")
}

fn counts(end: &Value) -> Value {
    let counts = COUNTS.map(|name| (name.to_owned(), end[name].clone()));
    Value::Object(counts.into_iter().collect())
}

/// The kind of a row: what its keys begin with.
fn kind(item: &Value) -> String {
    let begin = |name: &str| {
        let key = item[name]["S"].as_str().expect("keys are texts");
        let begin = key.split('#').next().unwrap_or_default();
        // The pages of a roster are numbered.
        begin
            .trim_matches(|it: char| it.is_ascii_digit())
            .to_owned()
    };
    format!("{} {}", begin("pk"), begin("sk")).trim().to_owned()
}

/// Makes a recording: one call has ended, one is live, one lead waits, and one is not to be called.
async fn record() -> Value {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let rows: Vec<Value> = PHONES
        .iter()
        .enumerate()
        .map(|(at, phone)| json!({ "name": format!("Lead {at}"), "phone": phone, "Policy No": at }))
        .collect();
    let import = "/api/outbound/import-leads";
    let imported = story
        .post(&office, import, json!(rows))
        .await
        .of_status(200);
    let list = imported["list_id"].as_u64().expect("a list");
    let leads = story.lead_ids(&office, list).await;
    let body = json!({ "lead_ids": leads });
    let run = story
        .post_keyed(&office, ENQUEUE, IDEMPOTENCY_KEY, &body)
        .await
        .of_status(201)["run_id"]
        .clone();
    let entry = json!({ "phone": PHONES[3] });
    let listed = story
        .post(&office, "/api/outbound/do-not-call", entry)
        .await;
    listed.of_status(200);
    // A call takes half a minute.
    story.wait(40).await;
    let calls = story.truth().calls;
    assert_eq!(calls.len(), 2);
    assert!(calls[1].is_live());

    let scan = json!({ "TableName": story.stack.plan.table, "ConsistentRead": true });
    let scanned = raw(&story.stack.plan.dynamo, "Scan", &scan);
    let mut items = scanned["Items"].as_array().expect("items").clone();
    items.sort_by_key(|item| format!("{} {}", item["pk"], item["sk"]));
    let now = story.clock.now();
    let path = address(&story);
    let (_, query) = path.split_once('?').expect("it tells the call");
    let mut body = Serializer::new(String::new());
    for (name, value) in form(&story, None) {
        let is_status = name == "CallStatus";
        body.append_pair(&name, if is_status { "completed" } else { &value });
    }
    let form = Form::parse(body.finish().as_bytes()).expect("it is not large");
    let callback = Callback::parse(query, &form, now).expect("it is Twilio's");
    let report = callback.report();
    assert!(report.is_some(), "it says that the call is over");
    let business = office.id.clone();
    let message = |report| {
        let business = business.clone();
        Message { business, report }.to_json()
    };
    let run_id = run.as_u64().expect("a run id");
    let end = story
        .end_of(&office, run_id, Duration::from_secs(300))
        .await;
    json!({
        "at_ms": now.as_millis(),
        "business": office.id.as_str(),
        "key": office.key,
        "run": run_id,
        "leads": leads,
        "items": items,
        "wake_up": message(None),
        "report": message(report),
        "end": counts(&end),
    })
}

async fn deliver(story: &Story, message: &str) {
    let queue = &story.stack.plan.queue;
    let request = json!({ "QueueUrl": queue.url(), "MessageBody": message }).to_string();
    let sent = queue
        .handle("AmazonSQS.SendMessage", request.as_bytes())
        .await;
    assert!(sent.status().is_success());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_0_1_0_has_begun_is_called_to_the_same_end() {
    if std::env::var_os("RECORD").is_some() {
        let mut made = record().await;
        made.sort_all_objects();
        let text = serde_json::to_string_pretty(&made).expect("it becomes JSON");
        std::fs::write(file(), text + "\n").expect("it can be written");
    }
    let recorded = recorded();
    let story = Setting::plain().begin().await;
    let passed = recorded["at_ms"].as_u64().expect("a time") - story.clock.now().as_millis();
    tokio::time::sleep(Duration::from_millis(passed)).await;
    for item in recorded["items"].as_array().expect("items") {
        let put = json!({ "TableName": story.stack.plan.table, "Item": item });
        raw(&story.stack.plan.dynamo, "PutItem", &put);
    }
    let office = Office {
        id: text(&recorded, "business").parse().expect("an id"),
        key: text(&recorded, "key").to_owned(),
    };
    assert_eq!(story.active(&office).await, 1, "the call that is live");
    deliver(&story, text(&recorded, "wake_up")).await;
    story.wait(5).await;
    assert_eq!(story.truth().calls.len(), 0, "its slot is taken");
    deliver(&story, text(&recorded, "report")).await;
    let run = recorded["run"].as_u64().expect("a run id");
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(counts(&end), recorded["end"]);
    assert_eq!(story.active(&office).await, 0);

    // Who was called is not called again, and who must not be is not called.
    let called: Vec<PhoneNumber> = story
        .assert_promise(1)
        .calls
        .into_iter()
        .map(|it| it.to)
        .collect();
    assert_eq!(called, [PHONES[2].parse().expect("a number")]);
    let body = json!({ "lead_ids": recorded["leads"] });
    let again = story
        .post_keyed(&office, ENQUEUE, IDEMPOTENCY_KEY, &body)
        .await;
    assert_eq!(again.body["run_id"], recorded["run"], "{}", again.text);
    for (path, count) in [
        ("/api/outbound/import-leads", 4),
        ("/api/outbound/do-not-call", 1),
        ("/api/outbound/recent-calls", 4),
    ] {
        let page = story.get(&office, path).await.of_status(200);
        assert_eq!(
            page["items"].as_array().map(Vec::len),
            Some(count),
            "{path}: {page}"
        );
    }
}

#[test]
fn the_recording_has_a_row_of_every_kind() {
    let recorded = recorded();
    let items = recorded["items"].as_array().expect("items");
    let mut kinds: BTreeSet<String> = items.iter().map(kind).collect();
    assert!(kinds.remove("ROSTER"), "{kinds:?}");
    assert_eq!(kinds, KINDS.map(str::to_owned).into());
}
