//! `infra/sam-local`: what SAM local and `cargo lambda watch` give the functions is what they read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::outline::{Outline, lines};
use super::variables::{FUNCTIONS, Reads, configure, variables};
use super::with_template;

/// What the SDK reads, and no function does.
const OF_THE_SDK: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
];

/// What `prepare` adds to the template.
const ADDED: [&str; 3] = [
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SQS",
    "TWILIO_AUTH_TOKEN",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    let path = root().join("infra/sam-local").join(name);
    std::fs::read_to_string(path).expect("it is there")
}

type Variables = BTreeMap<String, String>;

/// What `sam local --env-vars` is given, for all functions.
fn of_sam() -> Variables {
    let file: serde_json::Value = serde_json::from_str(&read("env.json")).expect("it is JSON");
    serde_json::from_value(file["Parameters"].clone()).expect("they are texts")
}

/// What `cargo lambda watch --env-file` is given.
fn of_cargo_lambda() -> Variables {
    let text = read("watch.env");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The names that any function's environment has in the template.
fn declared(template: Outline<'_>) -> BTreeSet<String> {
    let all = FUNCTIONS
        .iter()
        .flat_map(|(function, _)| variables(template, function));
    all.map(|(name, _)| name).collect()
}

#[track_caller]
fn check(given: &Variables, function: &str, reads: Reads) {
    let lookup = |name: &str| given.get(name).cloned();
    configure(reads, &lookup).unwrap_or_else(|error| panic!("{function}: {error}"));
}

#[test]
fn sam_local_starts_every_function() {
    let ours = of_sam();
    with_template(|template| {
        for (function, reads) in FUNCTIONS {
            let mut given = variables(template, function);
            given.extend(ADDED.map(|name| (name.to_owned(), "none".to_owned())));
            // SAM overrides what the template names, and adds nothing.
            for (name, value) in &mut given {
                if let Some(own) = ours.get(name) {
                    value.clone_from(own);
                }
            }
            check(&given, function, reads);
        }
    });
}

#[test]
fn cargo_lambda_watch_starts_every_function() {
    let given = of_cargo_lambda();
    for (function, reads) in FUNCTIONS {
        check(&given, function, reads);
    }
}

#[test]
fn nothing_is_given_that_nobody_reads() {
    with_template(|template| {
        let known = declared(template);
        for name in of_sam().into_keys().chain(of_cargo_lambda().into_keys()) {
            let is_read = known.contains(&name)
                || ADDED.contains(&name.as_str())
                || OF_THE_SDK.contains(&name.as_str());
            assert!(is_read, "{name}");
        }
    });
}

#[test]
fn the_template_for_sam_local_names_the_endpoints_and_changes_nothing_else() {
    let folder = tempfile::tempdir().expect("a directory can be made");
    let file = folder.path().join("sam-local.yaml");
    let prepared = Command::new(root().join("infra/sam-local/prepare"))
        .arg(&file)
        .status()
        .expect("there is a shell");
    assert!(prepared.success());
    let text = std::fs::read_to_string(&file).expect("it was written");
    let prepared = lines(&text);
    let common = ["Globals", "Function", "Environment", "Variables"];
    let named = Outline::of(&prepared).at(&common);
    let ours = of_sam();
    for name in ADDED {
        assert_eq!(named.value(&[name]), "none");
        assert!(ours.contains_key(name), "{name}");
    }
    let original = std::fs::read_to_string(root().join("template.yaml")).expect("it is there");
    let rest = text
        .lines()
        .filter(|line| !ADDED.iter().any(|name| line.contains(name)));
    assert!(rest.eq(original.lines()));
}
