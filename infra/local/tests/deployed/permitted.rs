//! What the template's `AdminPolicy` permits is what the commands ask of AWS, and no more.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::{Account, admin, deployed, forward, serve};

/// The actions that the policy allows.
fn permitted() -> BTreeSet<String> {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = std::fs::read_to_string(template).expect("it is readable");
    let (_, policy) = template
        .split_once("\n  AdminPolicy:\n")
        .expect("it has one");
    let lines = policy.lines().take_while(|line| line.starts_with("    "));
    let actions = lines.filter_map(|line| {
        let line = line.trim();
        let action = line
            .strip_prefix("- ")
            .or_else(|| line.strip_prefix("Action: "))?;
        let (service, name) = action.split_once(':')?;
        let is_word = |text: &str| text.chars().all(|c| c.is_ascii_alphabetic());
        (is_word(service) && is_word(name)).then(|| action.to_owned())
    });
    actions.collect()
}

/// What has to be permitted for a request.
pub(super) fn actions(target: Option<&str>, path: &str, body: &[u8]) -> Vec<String> {
    if let Some(target) = target {
        return of_target(target, body);
    }
    if path.starts_with("/2015-03-31/event-source-mappings/") {
        return vec!["lambda:GetEventSourceMapping".to_owned()];
    }
    match path.rsplit('/').next() {
        Some("live") => vec!["lambda:GetAlias".to_owned()],
        Some("configuration") => vec!["lambda:GetFunctionConfiguration".to_owned()],
        _ => {
            let form = form_urlencoded::parse(body);
            let action = form.filter(|(name, _)| name == "Action");
            action
                .map(|it| format!("cloudformation:{}", it.1))
                .collect()
        }
    }
}

/// The same of a request whose header names it: a transaction is as its parts.
fn of_target(target: &str, body: &[u8]) -> Vec<String> {
    let (service, name) = target.split_once('.').expect("it names both");
    let service = match service {
        "AWSEvents" => "events",
        "AmazonSQS" => "sqs",
        "AmazonSSM" => "ssm",
        "DynamoDB_20120810" => "dynamodb",
        _ => panic!("{target}"),
    };
    let names: Vec<String> = match name {
        "TransactWriteItems" => {
            let asked: Value = serde_json::from_slice(body).expect("it is JSON");
            let parts = asked["TransactItems"].as_array().expect("it has parts");
            let of_part = |part: &Value| {
                let part = part.as_object().expect("it is an object");
                let kind = part.keys().next().expect("it has a kind");
                format!("{kind}Item")
            };
            parts.iter().map(of_part).collect()
        }
        _ if service == "sqs" => vec![name.trim_end_matches("Batch").to_owned()],
        _ => vec![name.to_owned()],
    };
    names
        .into_iter()
        .map(|name| format!("{service}:{name}"))
        .collect()
}

/// Puts a message among the dead letters.
async fn bury(account: &Account, body: &str) {
    let (_, url) = account
        .outputs
        .iter()
        .find(|(name, _)| *name == "WakeUpDeadLetterQueueUrl")
        .expect("the stack has one");
    let message = json!({ "QueueUrl": url, "MessageBody": body }).to_string();
    forward(&account.sqs, "AmazonSQS.SendMessage", message.into()).await;
}

#[tokio::test]
async fn administrators_are_permitted_what_the_commands_do_and_no_more() {
    let (_twilio, _stack, account) = deployed();
    bury(&account, r#"{"business":"local"}"#).await;
    bury(&account, "nobody can read this").await;
    let used = account.used.clone();
    let endpoint = serve(account).await;
    let run = async |arguments: &[&str]| {
        let (said, is_good) = admin(&endpoint, arguments).await;
        assert!(is_good, "{arguments:?}: {said}");
        said
    };

    let made = run(&["create-business", "--name", "X", "--phone", "+97231234567"]).await;
    let made: Value = serde_json::from_str(made.trim()).expect("it is JSON");
    let business = made["business_id"].as_str().expect("an id");
    let of = ["--business", business];
    run(&[&["create-key"][..], &of].concat()).await;
    run(&["create-key", "--system-admin"]).await;
    let mut file = tempfile::NamedTempFile::with_suffix(".csv").expect("a file can be made");
    writeln!(file, "name,phone\nA,0501234567\nB,0501234568").expect("it is written");
    let path = file.path().to_str().expect("its name is plain");
    run(&[&["import"][..], &of, &[path]].concat()).await;
    let first = [&of[..], &["--run", "1"]].concat();
    run(&[&["start"][..], &of, &["--list", "1", "--yes"]].concat()).await;
    run(&[&["stop"][..], &first, &["--hang-up", "--yes"]].concat()).await;
    run(&[&["settle"][..], &of].concat()).await;
    run(&[&["watch"][..], &first].concat()).await;
    run(&[&["export-calls"][..], &first].concat()).await;
    run(&[&["show-state"][..], &of].concat()).await;
    let replayed = run(&["replay-dead-letters", "--yes"]).await;
    assert!(replayed.contains(r#""replayed":1"#), "{replayed}");
    admin(&endpoint, &[&["doctor"][..], &of].concat()).await;

    let used = used.lock().expect("nobody panics with it").clone();
    assert_eq!(used, permitted());
}
