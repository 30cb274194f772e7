//! The events of `infra/sam-local` are ones that the functions understand.

use business::defaults::Defaults;
use std::path::Path;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_http::Response;
use leads::store::Store;
use ringfence_core::timing::Timing;
use ringfence_ledger::Creation;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::aws::objects::BUCKET;
use ringfence_local::clock::Clock;
use ringfence_local::doors::Doors;
use ringfence_local::environment::Environment;
use ringfence_local::event::lambda_request;
use ringfence_local::events::Crashes;
use ringfence_local::ports::LOCAL_BUSINESS;
use ringfence_local::settings::{Simulation, in_process};
use ringfence_local::stack::{Parts, Stack, first_business};
use ringfence_local::twilio::{Behaviour, Faults};
use ringfence_shell::config::{LEADS_MAX_DEFAULT, Telephony};
use ringfence_shell::metrics::EmbeddedMetrics;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sam-local")
}

fn event<T: DeserializeOwned>(function: &str) -> T {
    let path = folder().join(format!("events/{function}.json"));
    let text = std::fs::read_to_string(&path).expect("every function has an event");
    serde_json::from_str(&text).expect("it has the form of an event")
}

fn request(function: &str) -> lambda_http::Request {
    lambda_request(&event(function)).expect("it is a request")
}

/// A variable of the file that `cargo lambda watch` reads.
fn watched(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(folder().join("watch.env")).expect("it is there");
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
}

async fn stack() -> Stack {
    let (clock, timing) = (Clock::wall(), Timing::CLOUD);
    let simulation = Simulation {
        seed: 1,
        speed: 1_000.0,
        behaviour: Behaviour::ordinary(),
        faults: Faults::none(),
    };
    let line = in_process(Some("http://127.0.0.1:9000"), &timing, simulation, clock);
    let line = line.expect("it needs nothing");
    let parts = Parts {
        dynamo: Dynamo::memory().expect("a database can be made"),
        clock,
        timing,
        telephony: line.telephony,
        way: line.way,
        table: "ringfence".to_owned(),
        leads_max: LEADS_MAX_DEFAULT,
        defaults: Defaults::standard(),
        doors: Doors::PLAIN,
    };
    let stack = Stack::start(parts, Crashes::NONE).await.expect("it starts");
    let id = LOCAL_BUSINESS.parse().expect("it is an id");
    let new = first_business(clock.now()).expect("it is well-formed");
    let made = business::settings::found_as(&stack.ledger(), &id, &new).await;
    assert_eq!(made.expect("it is stored"), Creation::Created);
    stack
}

#[track_caller]
fn check(function: &str, answer: &Response<lambda_http::Body>, status: u16) {
    let body = String::from_utf8_lossy(answer.body());
    assert_eq!(answer.status(), status, "{function}: {body}");
}

#[tokio::test]
async fn every_function_understands_its_event() {
    let stack = stack().await;
    let plan = &stack.plan;
    let (world, now) = (Environment::start(plan).world, (plan.clock)());
    let silent = EmbeddedMetrics::SILENT;

    let answer = business::handle(&world, &plan.defaults, request("business")).await;
    check("business", &answer, 200);
    let store = Store::new(&plan.objects.client_with(&Default::default()), BUCKET);
    let answer = leads::handle(&world, &store, LEADS_MAX_DEFAULT, now, request("leads")).await;
    check("leads", &answer, 200);
    let answer = status::handle(&world.ledger, now, request("status")).await;
    check("status", &answer, 200);
    let answer = stop::handle(&world, &silent, request("stop")).await;
    check("stop", &answer, 200);
    let answer = start::handle(&world, world.public_host, &silent, request("start")).await;
    check("start", &answer, 200);

    // The event is signed with what the file has.
    let telephony = Telephony::from_env(&watched).expect("the file has all of it");
    let hears = webhook::Webhook::new(webhook::Parts {
        account: telephony.account.sid,
        tokens: telephony.signing_tokens,
        host: telephony.public_host,
        queue: Environment::start(plan).world.queue,
        ledger: stack.ledger(),
        clock: plan.clock.clone(),
        metrics: silent.clone(),
    });
    let answer = webhook::handle(&hears, request("webhook")).await;
    check("webhook", &answer, 204);

    let wake_up: SqsEvent = event("fill");
    let answer = fill::handle(&world, &silent, wake_up).await;
    assert_eq!(answer.batch_item_failures.len(), 0);
    let _: EventBridgeEvent<Value> = event("sweep");
    sweep::handle(&world, &silent).await.expect("it sweeps");

    let authorizer: authorizer::Authorizer<ringfence_local::doors::IssuerWay> =
        authorizer::Authorizer {
            ledger: stack.ledger(),
            clock: plan.clock.clone(),
            tokens: None,
        };
    let told = authorizer::handle(&authorizer, event("authorizer")).await;
    assert!(
        told.expect("it answers").is_authorized,
        "it lets everybody through, as nobody"
    );
}

#[test]
fn every_function_has_an_event_and_every_event_a_function() {
    let names = |folder: std::path::PathBuf| {
        let entries = std::fs::read_dir(folder).expect("it is readable");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("it is readable")
                    .file_name()
                    .display()
                    .to_string()
            })
            // What cargo is to do for the functions stands beside them.
            .filter(|name| name != ".cargo")
            .map(|name| name.trim_end_matches(".json").to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names(folder().join("events")),
        names(folder().join("../../functions"))
    );
}

#[test]
fn what_is_built_for_sam_local_is_what_it_runs() {
    let readme = std::fs::read_to_string(folder().join("../../README.md")).expect("it is there");
    let asked: Vec<&str> = readme
        .lines()
        .filter(|line| line.contains("sam build -t sam-local") || line.contains("sam local "))
        .filter(|line| line.starts_with("$ "))
        .collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    for line in asked {
        assert!(
            line.contains("--parameter-overrides Architecture=x86_64"),
            "{line}"
        );
    }
}
