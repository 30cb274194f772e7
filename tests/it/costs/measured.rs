//! Counts what calls ask for, at the pace of life, and holds the page against it.

use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::BusinessId;
use ringfence_local::aws::meter::Usage;
use ringfence_local::twilio::{Behaviour, Twiml};
use ringfence_shell::metrics::{EmbeddedMetrics, Figures, Metric};
use serde_json::{Value, json};

use super::page::{Kind, number, tables};
use super::{counted, quantity};
use crate::listening::listen_as_deployed;
use crate::story::{Office, Setting, Story};

const START: &str = "/api/outbound_calls/start";

/// What the functions write down as deployed, without the local stack's own.
const FILTER: &str = "info,ringfence_local=off";

/// What `lambda_runtime` adds to a line that is written inside a span of ours.
const RUNTIME_SPAN: &str = r#"{"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","xrayTraceId":"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0","name":"Lambda runtime invoke"},"#;

/// What Lambda writes down itself of each invocation, when one starts and when it has ended.
const PLATFORM_LINES: [&str; 2] = [
    r#"{"time":"2026-11-21T18:56:24.046Z","type":"platform.start","record":{"requestId":"79b4f56e-95b1-4643-9700-2807f4e68189","functionArn":"arn:aws:lambda:us-east-1:123456789012:function:ringfence-WebhookFunction-0123456789AB","version":"$LATEST"}}"#,
    r#"{"time":"2026-11-21T18:56:24.246Z","type":"platform.report","record":{"requestId":"79b4f56e-95b1-4643-9700-2807f4e68189","metrics":{"durationMs":101.511,"billedDurationMs":102,"memorySizeMB":512,"maxMemoryUsedMB":33},"status":"success"}}"#,
];

/// DynamoDB adds these to every item that it stores.
const ITEM_OVERHEAD: usize = 100;

/// What a thousand calls ask for.
#[derive(Debug)]
struct Counted {
    writes: f64,
    /// Without those of the sweep's index, which is read however many calls there are.
    reads: f64,
    sqs: f64,
    fills: f64,
    reports: f64,
    scripts: f64,
    log_bytes: f64,
    record_bytes: f64,
}

/// The length of the line that CloudWatch reads these figures from.
fn embedded(figures: Figures) -> usize {
    let length = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&length);
    let metrics = EmbeddedMetrics::to("Ringfence/ringfence".to_owned(), move |line| {
        seen.store(line.len() + 1, std::sync::atomic::Ordering::Relaxed);
    });
    metrics.write(
        figures,
        ringfence_core::time::Timestamp::from_millis(1_760_000_000_000),
    );
    length.load(std::sync::atomic::Ordering::Relaxed)
}

fn platform_bytes() -> f64 {
    PLATFORM_LINES
        .iter()
        .map(|line| line.len() + 1)
        .sum::<usize>() as f64
}

/// What a sweep that finds nothing writes down.
pub(super) fn sweep_log_bytes() -> f64 {
    let mut figures = Figures::default();
    figures.observe(Metric::BusinessesWithWork, 0);
    let line = r#"{"level":"INFO","fields":{"message":"woke 0 of 0 businesses with work","businesses":0,"woken":0},"target":"sweep","span":,"spans":[]}"#;
    let line = line.len() + 1 + 2 * RUNTIME_SPAN.len();
    (embedded(figures) + line) as f64 + platform_bytes()
}

/// What two kinds of looks at a business add: one that hears an end and places a call, and
/// one that finds nothing to do.
fn embedded_by_fills(business: &BusinessId) -> [f64; 2] {
    let mut busy = Figures::default();
    for metric in [Metric::CallsPlaced, Metric::CallsCompleted] {
        busy.count(metric, 1);
    }
    busy.observe(Metric::Turnaround, 250);
    let mut idle = Figures::default();
    for figures in [&mut busy, &mut idle] {
        figures.observe(Metric::SlotsInUse, 3);
        figures.about("business.id", business);
    }
    [busy, idle].map(|figures| embedded(figures) as f64)
}

/// The bytes of an item as DynamoDB reckons them, nearly.
fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::M(map) => {
            let entries = map
                .iter()
                .map(|(name, value)| name.len() + 1 + bytes(value));
            3 + entries.sum::<usize>()
        }
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + bytes(value)).sum::<usize>(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        _ => 1,
    }
}

/// How much the records of an office's calls take, on average.
async fn record_bytes(story: &Story, office: &Office) -> f64 {
    let client = story.stack.plan.dynamo.client();
    let pages = client
        .query()
        .table_name(&story.stack.plan.table)
        .key_condition_expression("pk = :pk AND begins_with(sk, :call)")
        .expression_attribute_values(":pk", AttributeValue::S(format!("BIZ#{}", office.id)))
        .expression_attribute_values(":call", AttributeValue::S("CALL#".to_owned()));
    let found = pages.send().await.expect("the table can be read");
    let of_item = |item: &std::collections::HashMap<String, AttributeValue>| {
        let attributes = item.iter().map(|(name, value)| name.len() + bytes(value));
        ITEM_OVERHEAD + attributes.sum::<usize>()
    };
    let sizes = found.items().iter().map(of_item);
    sizes.sum::<usize>() as f64 / found.items().len() as f64
}

/// Counts runs of a hundred leads, one of each business, all at once.
async fn count(seed: u64, businesses: u32) -> Counted {
    let (notes, _kept) = listen_as_deployed(FILTER);
    let setting = Setting {
        behaviour: Behaviour::ordinary(),
        seed,
        ..Setting::plain()
    };
    let mut story = setting.begin().await;
    let mut offices = Vec::new();
    for _ in 0..businesses {
        let office = story.open(3).await;
        let list = story.import_list(&office, 100).await;
        offices.push((office, list));
    }
    let (api, rest) = (
        &story.stack.gateway.api_meter,
        story.stack.plan.dynamo.meter(),
    );
    let before = (api.snapshot(), rest.snapshot(), sqs(&story));
    let written_before = notes.text().len();
    let mut runs = Vec::new();
    for (office, list) in &offices {
        let answer = story.post(office, START, json!({ "list_id": list })).await;
        let run = answer.of_status(201)["run_id"].as_u64().expect("a number");
        runs.push((office, run));
    }
    let started = api.snapshot().since(&before.0);
    for (office, run) in &runs {
        story
            .end_of(office, *run, std::time::Duration::from_secs(7_200))
            .await;
    }
    let dynamo = rest.snapshot().since(&before.1).and(&started);
    let queue = sqs(&story).since(&before.2);
    let lines = notes.text();
    let written = &lines[written_before..];
    let office = &offices[0].0;
    let record_bytes = record_bytes(&story, office).await;
    reckon(&story, &office.id, [&dynamo, &queue], written, record_bytes)
}

fn sqs(story: &Story) -> Usage {
    story.stack.plan.queue.meter().snapshot()
}

fn asked(usage: &Usage, operation: &str) -> f64 {
    usage.by_operation.get(operation).copied().unwrap_or(0) as f64
}

fn reckon(
    story: &Story,
    business: &BusinessId,
    [dynamo, queue]: [&Usage; 2],
    written: &str,
    record_bytes: f64,
) -> Counted {
    let calls = story.truth().calls;
    let has = |is: fn(&ringfence_local::twilio::CallTruth) -> bool| {
        calls.iter().filter(|call| is(call)).count() as f64
    };
    let (reports, scripts) = (
        has(|call| call.final_sent.is_some()),
        has(|call| call.twiml != Twiml::NotAsked),
    );
    let fills = asked(queue, "ReceiveMessage") - queue.empty_receives as f64;
    let looks_at_nothing = (fills - reports).max(0.0);
    let [busy, idle] = embedded_by_fills(business);
    let is_of_call = |line: &&str| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        line["target"] != "sweep"
    };
    let own = written.lines().filter(is_of_call);
    let own: usize = own.map(|line| line.len() + 1 + RUNTIME_SPAN.len()).sum();
    let log_bytes = own as f64
        + reports * busy
        + looks_at_nothing * idle
        + (fills + reports + scripts) * platform_bytes();
    let thousands = calls.len() as f64 / 1_000.0;
    Counted {
        writes: dynamo.write_units / thousands,
        reads: (dynamo.read_units - 0.5 * asked(dynamo, "Query")) / thousands,
        sqs: (queue.requests - queue.empty_receives) as f64 / thousands,
        fills: fills / thousands,
        reports: reports / thousands,
        scripts: scripts / thousands,
        log_bytes: log_bytes / thousands,
        record_bytes,
    }
}

/// How far a quantity may lie above what was counted.
const MARGIN: f64 = 1.06;

/// Holds a quantity of the page against what was counted.
#[track_caller]
fn assert_said(said: f64, was: f64, what: &str) {
    assert!(
        (0.97 * was..=MARGIN * was).contains(&said),
        "the page says {said} of {what}, and there were {was}"
    );
}

/// The average of several stories.
fn average(all: &[Counted], figure: fn(&Counted) -> f64) -> f64 {
    all.iter().map(figure).sum::<f64>() / all.len() as f64
}

#[tokio::test(start_paused = true)]
async fn one_business_asks_for_what_the_page_says() {
    let mut all = Vec::new();
    for seed in 1..=4 {
        all.push(count(seed, 1).await);
    }
    let said = |what| counted("One business", what);
    let was = |figure| average(&all, figure);
    assert_said(
        said("DynamoDB write units"),
        was(|one| one.writes),
        "writes",
    );
    assert_said(said("DynamoDB read units"), was(|one| one.reads), "reads");
    assert_said(said("SQS requests"), was(|one| one.sqs), "messages");
    let log_bytes = 1e9 * said("CloudWatch Logs, taken in");
    assert_said(log_bytes, was(|one| one.log_bytes), "log bytes");
    let record_bytes = 1e6 * said("call records");
    let most = was(|one| one.record_bytes);
    assert!((most..=1.2 * most).contains(&record_bytes), "{most}");

    let ran = |what| quantity("How long functions run", Kind::Time, what);
    let fills = ran("fill, which") + ran("fill, woken");
    assert_said(fills, was(|one| one.fills), "looks");
    assert_said(ran("webhook, a report"), was(|one| one.reports), "reports");
    assert_said(
        ran("webhook, what"),
        was(|one| one.scripts),
        "answered calls",
    );
    let listed = fills + ran("webhook, a report") + ran("webhook, what");
    let listed = listed + ran("start") + ran("authorizer");
    assert!(
        (said("Lambda requests") - listed).abs() <= 0.01 * listed,
        "{listed}"
    );
}

#[tokio::test(start_paused = true)]
async fn many_businesses_ask_for_no_more_than_the_page_says() {
    let ten = count(1, 10).await;
    let said = |what| counted("10,000 businesses at once", what);
    assert_said(said("DynamoDB write units"), ten.writes, "writes");
    // How many wake-ups are received together is a matter of chance.
    let messages = ten.sqs..=1.2 * ten.sqs;
    assert!(messages.contains(&said("SQS requests")), "{messages:?}");
    // In one process much is remembered that is read again where there are hundreds: the
    // page of a roster, and the call flow, at half a unit.
    let reads = ten.reads..=ten.reads + 1_000.0 + 0.5 * ten.scripts;
    assert!(reads.contains(&said("DynamoDB read units")), "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn importing_and_watching_ask_for_what_the_page_says() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let before = story.stack.gateway.api_meter.snapshot();
    let list = story.import_list(&office, 1_000).await;
    let imported = story.stack.gateway.api_meter.snapshot().since(&before);
    let heading = "Beside the calls";
    let imports = tables(super::PAGE).into_iter();
    let imports = imports.filter(|table| table.heading == heading).nth(1);
    let writes = imports.and_then(|table| number(table.rows[0][1]));
    assert_said(
        writes.expect("it has writes"),
        imported.write_units,
        "writes",
    );

    let answer = story.post(&office, START, json!({ "list_id": list })).await;
    let run = answer.of_status(201)["run_id"].as_u64().expect("a number");
    story.run(&office, run).await;
    let before = story.stack.gateway.api_meter.snapshot();
    story.run(&office, run).await;
    let watched = story.stack.gateway.api_meter.snapshot().since(&before);
    // Who asks is remembered for a minute, here as by API Gateway.
    assert_eq!((watched.read_units, watched.write_units), (1.0, 0.0));
    assert_eq!(counted(heading, "DynamoDB read units"), 1_084.0);
}
