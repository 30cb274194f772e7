//! Which rows of the table a function may reach are those that it reaches, and nobody finds keys
//! who needs none.

use std::collections::BTreeSet;

use http::Method;
use ringfence_carrier::callback::STATUS_PATH;
use ringfence_local::aws::meter::{Counts, Usage};
use ringfence_local::aws::queue::QueueFaults;
use serde_json::json;

use super::with_template;
use crate::story::{Setting, Story};
use crate::twiml::{address, answered, ask, form};

/// The statements of a function's role, each in its lines.
fn statements(function: &str) -> Vec<Vec<String>> {
    with_template(|template| {
        let role = format!("{function}FunctionRole");
        let lines = template.at(&["Resources", &role, "Properties", "Policies"]);
        let mut found: Vec<Vec<String>> = Vec::new();
        // What tracing adds comes last.
        let lines = lines
            .texts()
            .into_iter()
            .take_while(|line| *line != "- !If");
        for line in lines {
            if line.starts_with("- Effect: ") {
                found.push(Vec::new());
            }
            if let Some(last) = found.last_mut() {
                last.push(line.to_owned());
            }
        }
        found
    })
}

/// The one statement of a function that has this line.
#[track_caller]
fn statement(function: &str, line: &str) -> Vec<String> {
    let mut all = statements(function).into_iter();
    let found = all.find(|lines| lines.iter().any(|it| it == line));
    found.unwrap_or_else(|| panic!("{function} has no {line}"))
}

/// What the webhook may do, and to which kinds of partitions.
fn permitted() -> (BTreeSet<String>, BTreeSet<String>) {
    let lines = statement("Webhook", "Resource: !GetAtt Ledger.Arn");
    assert!(lines.contains(&"ForAllValues:StringLike:".to_owned()));
    let actions = lines.iter().filter_map(|it| it.strip_prefix("- dynamodb:"));
    let kinds = lines
        .iter()
        .find_map(|it| it.strip_prefix("dynamodb:LeadingKeys: "))
        .expect("it may not reach every row");
    let kinds = kinds.trim_matches(['[', ']']).split(", ").map(|kind| {
        let kind = kind.trim_matches('\'').strip_suffix("#*");
        kind.expect("it is a kind").to_owned()
    });
    (actions.map(str::to_owned).collect(), kinds.collect())
}

/// What the table has been asked for so far, by the webhook and fill among others.
fn asked(story: &Story) -> Usage {
    story.stack.plan.dynamo.meter().snapshot()
}

fn names(counts: &Counts) -> BTreeSet<String> {
    counts.keys().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn the_webhook_reaches_the_rows_that_it_may_and_all_of_them() {
    let mut story = Setting::plain().begin().await;
    let flow = json!({ "kind": "say", "text": "Hello {{name}}, {{policy_no}}" });
    answered(&mut story, "Dana", flow).await;
    // It has forgotten the call flow.
    story.wait(121).await;
    // Else fill would be counted as well.
    story.stack.plan.queue.misbehave(QueueFaults {
        lose: 1.0,
        ..QueueFaults::NONE
    });
    let before = asked(&story);
    let (path, mut form) = (address(&story), form(&story, None));
    let said = ask(&story, &path, &form).await;
    assert!(said.text.contains("Hello Dana, 77"), "{}", said.text);
    let (_, query) = path.split_once('?').expect("it tells the call");
    for (name, value) in &mut form {
        if name == "CallStatus" {
            "completed".clone_into(value);
        }
    }
    let reported = ask(&story, &format!("{STATUS_PATH}?{query}"), &form).await;
    assert_eq!(reported.status, 204, "{}", reported.text);
    let used = asked(&story).since(&before);
    let (actions, kinds) = permitted();
    assert_eq!(names(&used.by_partition), kinds);
    assert!(
        names(&used.by_operation).is_subset(&actions),
        "{:?}",
        used.by_operation
    );
}

/// Who is kept from keys.
const KEYLESS: [&str; 5] = ["Fill", "Leads", "Start", "Status", "Stop"];

#[test]
fn keys_are_kept_from_everybody_who_reaches_the_table_and_needs_none() {
    for function in KEYLESS {
        let expected = [
            "- Effect: Deny",
            "Action: dynamodb:*",
            "Resource: !GetAtt Ledger.Arn",
            "Condition:",
            "ForAnyValue:StringLike:",
            "dynamodb:LeadingKeys: KEY#*",
        ];
        assert_eq!(statement(function, expected[0]), expected, "{function}");
    }
    let (_, of_the_webhook) = permitted();
    assert!(!of_the_webhook.contains("KEY"));
    let of_the_sweep: Vec<_> = statements("Sweep")
        .into_iter()
        .filter(|lines| lines.iter().any(|line| line.contains("dynamodb:")))
        .collect();
    let index = [
        "- Effect: Allow",
        "Action: dynamodb:Query",
        "Resource: !Sub ${Ledger.Arn}/index/work",
    ];
    let states = [
        "- Effect: Allow",
        "Action: dynamodb:BatchGetItem",
        "Resource: !GetAtt Ledger.Arn",
        "Condition:",
        "ForAllValues:StringLike:",
        "dynamodb:LeadingKeys: BIZ#*",
    ];
    assert_eq!(of_the_sweep, [index.to_vec(), states.to_vec()]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_kept_from_keys_does_without() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    // From here on, and for a minute, it is known whose key this is.
    let leads = story.import(&office, 3).await;
    let all = |story: &Story| asked(story).and(&story.stack.gateway.api_meter.snapshot());
    let before = all(&story);
    let run = story.start_run(&office, &leads).await;
    story.wait(5).await;
    story.run(&office, run).await;
    for path in [
        "/api/outbound_calls/counts",
        "/api/outbound/recent-calls",
        "/api/outbound/import-leads",
        "/api/outbound/import-lists",
    ] {
        story.get(&office, path).await.of_status(200);
    }
    let entry = json!({ "phone": "050-1234567" });
    story
        .post(&office, "/api/outbound/do-not-call", entry)
        .await
        .of_status(200);
    let stop = json!({ "run_id": run, "hang_up": true });
    story
        .post(&office, "/api/outbound/stop-queue", stop)
        .await
        .of_status(200);
    story.import(&office, 1).await;
    let path = format!("/api/outbound/leads/{}/erase", leads[0]);
    story.post(&office, &path, json!({})).await.of_status(200);
    story.wait(20).await;
    let used = all(&story).since(&before).by_partition;
    assert!(used.contains_key("ROSTER"), "{used:?}");
    assert!(!used.contains_key("KEY"), "{used:?}");

    let path = format!("/api/businesses/{}/keys", office.id);
    let body = json!({ "role": "agent" });
    story
        .send(&office.key, Method::POST, &path, body)
        .await
        .of_status(201);
    let used = all(&story).since(&before).by_partition;
    assert!(used.contains_key("KEY"), "it would be noticed: {used:?}");
}
