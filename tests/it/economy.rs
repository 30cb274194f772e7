//! Economy: a decision is committed at its first write while nobody else is about, nothing is
//! read or woken in vain, and whoever can be called does not wait behind those who cannot.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::meter::Usage;
use ringfence_local::aws::queue::QueueFaults;
use ringfence_local::aws::trap::Side;
use ringfence_local::environment::Environment;
use ringfence_local::twilio::{Fate, Script};
use ringfence_shell::message::Message;
use serde_json::json;

use crate::story::{Office, Setting, Story};

const START: &str = "/api/outbound_calls/start";

/// From here on only the sweep wakes anybody.
fn lose_messages(story: &Story) {
    story.stack.plan.queue.misbehave(QueueFaults {
        lose: 1.0,
        ..QueueFaults::NONE
    });
}

/// What DynamoDB has been asked for so far, by the API and by everybody else.
fn usage(story: &Story) -> Usage {
    let api = story.stack.gateway.api_meter.snapshot();
    story.stack.plan.dynamo.meter().snapshot().and(&api)
}

/// How many writes a condition has refused so far.
fn refused_writes(story: &Story) -> u64 {
    usage(story).failed_conditions
}

/// How often this has been asked for so far.
fn asked(story: &Story, operation: &str) -> u64 {
    let used = usage(story).by_operation;
    used.get(operation).copied().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn whoever_decides_twice_goes_on_from_the_first_decision() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    for number in &numbers[..3] {
        story.twilio.refuse(number.clone(), 21211);
    }
    for number in &numbers[3..] {
        story.twilio.script(number.clone(), Script::stays_queued());
    }
    let before = refused_writes(&story);
    let run = story.start_run(&office, &leads[..2]).await;
    story.wait(1).await;
    assert_eq!(story.run(&office, run).await["failed"], 2);
    assert_eq!(refused_writes(&story), before, "in a fill");

    lose_messages(&story);
    story.start(&office, &leads[2..3]).await.of_status(422);
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(refused_writes(&story), before, "in a direct start");

    story.stack.plan.queue.misbehave(QueueFaults::NONE);
    let run = story.start_run(&office, &leads[3..]).await;
    story.wait(1).await;
    lose_messages(&story);
    let before = refused_writes(&story);
    let path = "/api/outbound/stop-queue";
    let body = json!({ "run_id": run, "hang_up": true });
    story.post(&office, path, body).await.of_status(200);
    assert_eq!(story.active(&office).await, 0, "no message was needed");
    assert_eq!(refused_writes(&story), before, "in a stop");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_over_wakes_nobody_again() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let retry_after_seconds = Some(2);
    let busy = Script::fated(Fate::TooMany {
        retry_after_seconds,
    });
    story.twilio.script(numbers[0].clone(), busy);
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    story.twilio.script(numbers[0].clone(), Script::default());
    let end = story.end_of(&office, run, Duration::from_secs(60)).await;
    assert_eq!(end["completed"], 2, "{end}");
    story.wait(5).await;
    // Who looks at a business reads its state, and the sweep reads its index.
    let before = asked(&story, "GetItem");
    story.wait(300).await;
    assert_eq!(asked(&story, "GetItem"), before);
}

#[tokio::test(start_paused = true)]
async fn the_do_not_call_list_is_read_only_once_there_is_one() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    let reads = || asked(&story, "GetItem") + asked(&story, "BatchGetItem");
    let mut costs = Vec::new();
    for lead in &leads {
        let before = reads();
        story.start(&office, &[*lead]).await.of_status(200);
        costs.push(reads() - before);
        if costs.len() == 2 {
            let body = json!({ "phones": ["0501112233"] });
            let path = "/api/outbound/do-not-call";
            story.post(&office, path, body).await.of_status(200);
        }
    }
    assert!(costs[2] > costs[1], "{costs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_start_with_a_key_costs_one_look_at_the_key_more() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(6).await;
    let leads = story.import(&office, 5).await;
    lose_messages(&story);
    story.start(&office, &leads[..1]).await.of_status(200);
    let enqueue = "/api/outbound/bulk-enqueue";
    for (path, some) in [(START, [1, 2]), (enqueue, [3, 4])] {
        let [plain, keyed] = some.map(|place| json!({ "lead_ids": [leads[place]] }));
        let before = asked(&story, "GetItem");
        let answer = story.post(&office, path, plain).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        let between = asked(&story, "GetItem");
        let answer = story.post_keyed(&office, path, path, &keyed).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        let (plain, keyed) = (between - before, asked(&story, "GetItem") - between);
        assert_eq!(keyed, plain + 1, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_can_be_called_does_not_wait_for_a_sweep_behind_those_who_cannot() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let leads = story.import(&office, 151).await;
    for lead in &leads[..150] {
        story.set_phone(&office, *lead, None).await;
    }
    story.wait(5).await;
    story.start_run(&office, &leads).await;
    story.wait(3).await;
    assert_eq!(story.truth().calls.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_does_not_wait_for_a_sweep_behind_forty_of_leads_who_are_talking() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 7).await;
    let [caller, barred, ref same @ .., free] = leads[..] else {
        panic!("seven leads");
    };
    let hour = Duration::from_secs(3_600);
    let talks = Script::talks(Duration::ZERO, hour);
    story.twilio.script(numbers[0].clone(), talks);
    story.set_phone(&office, barred, None).await;
    for lead in same {
        let number = Some(numbers[0].expose());
        story.set_phone(&office, *lead, number).await;
    }
    story.start(&office, &[caller]).await.of_status(200);
    // Nobody looks at the first forty runs before the last is there too.
    lose_messages(&story);
    story.start_run(&office, &[&[barred], same].concat()).await;
    for _ in 1..40 {
        story.start_run(&office, same).await;
    }
    story.stack.plan.queue.misbehave(QueueFaults::NONE);
    story.start_run(&office, &[free]).await;
    story.wait(5).await;
    assert_eq!(story.truth().calls.len(), 2);
    story.assert_promise(2);
}

/// How many wake-ups were sent in batches, as the sweep sends them.
fn swept(story: &Story) -> u64 {
    let sent = story.stack.plan.queue.meter().snapshot().by_operation;
    sent.get("SendMessageBatch").copied().unwrap_or(0)
}

/// An office whose three slots are taken by calls that last for ten minutes, while leads wait.
async fn busy(story: &mut Story) -> Office {
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 6).await;
    for number in numbers {
        let talks = Script::talks(Duration::ZERO, Duration::from_secs(600));
        story.twilio.script(number, talks);
    }
    story.start_run(&office, &leads).await;
    story.wait(2).await;
    assert_eq!(story.active(&office).await, 3);
    office
}

#[tokio::test(start_paused = true)]
async fn the_sweep_wakes_nobody_whose_calls_all_go_on() {
    let mut story = Setting::plain().begin().await;
    busy(&mut story).await;
    let sweeps = || asked(&story, "BatchGetItem");
    let before = (sweeps(), swept(&story));
    story.wait(110).await;
    assert!(sweeps() > before.0, "it looked");
    assert_eq!(swept(&story), before.1);
    story.wait(70).await;
    assert!(swept(&story) > before.1, "silent calls are asked about");
}

#[tokio::test(start_paused = true)]
async fn the_sweep_wakes_whom_it_cannot_read() {
    let mut story = Setting::plain().begin().await;
    busy(&mut story).await;
    let before = swept(&story);
    story.stack.plan.dynamo.faults().plan(StoreFault {
        operation: Some("BatchGetItem"),
        kind: FaultKind::Unavailable(Side::Before),
        when: When::Share(1.0),
    });
    story.wait(61).await;
    assert!(swept(&story) > before);
}

/// Leaves a business without its runs, but with their calls.
async fn spoil(story: &Story, office: &Office) {
    let none = AttributeValue::M(HashMap::new());
    let client = story.stack.plan.dynamo.client();
    let spoil = client
        .update_item()
        .table_name(&story.stack.plan.table)
        .key("pk", AttributeValue::S(format!("BIZ#{}", office.id)))
        .key("sk", AttributeValue::S("STATE".to_owned()))
        .update_expression("SET runs = :none")
        .expression_attribute_values(":none", none);
    spoil.send().await.expect("the table can be written");
}

/// A busy office whose books do not balance, another one, and its run, of which nobody heard.
async fn spoiled_and_other(story: &mut Story) -> (Office, Office, u64) {
    let spoiled = busy(story).await;
    let other = story.open(1).await;
    let leads = story.import(&other, 2).await;
    spoil(story, &spoiled).await;
    lose_messages(story);
    let run = story.start_run(&other, &leads).await;
    (spoiled, other, run)
}

#[tokio::test(start_paused = true)]
async fn books_that_do_not_balance_are_nobody_else_s_trouble_in_a_sweep() {
    let mut story = Setting::plain().begin().await;
    let (_, other, run) = spoiled_and_other(&mut story).await;
    story.stack.plan.queue.misbehave(QueueFaults::NONE);
    let end = story.end_of(&other, run, Duration::from_secs(240)).await;
    assert_eq!(end["completed"], 2, "{end}");
}

#[tokio::test(start_paused = true)]
async fn books_that_do_not_balance_are_nobody_else_s_trouble_in_a_batch() {
    let mut story = Setting::plain().begin().await;
    let (spoiled, other, _) = spoiled_and_other(&mut story).await;
    let wake_up = |office: &Office| {
        let message = Message {
            business: office.id.clone(),
            report: None,
        };
        json!({ "messageId": office.id.to_string(), "body": message.to_json() })
    };
    let batch = json!({ "Records": [wake_up(&spoiled), wake_up(&other)] });
    let batch = serde_json::from_value(batch).expect("it has the form of an event");
    let plan = &story.stack.plan;
    let world = Environment::start(plan).world;
    let answer = fill::handle(&world, &plan.metrics, batch).await;
    let again = answer.batch_item_failures.into_iter();
    let again: Vec<_> = again.map(|failure| failure.item_identifier).collect();
    assert_eq!(again, [spoiled.id.to_string()]);
    assert_eq!(story.active(&other).await, 1);
}
