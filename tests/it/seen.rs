//! What is written down of what happens: figures that agree with the carrier's own truth, and
//! log lines that say whose they are.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use ringfence_local::aws::queue::{Queue, QueueFaults, QueueSettings};
use ringfence_local::doors::Doors;
use ringfence_local::events::{Crashes, Events};
use ringfence_local::gateway::Gateway;
use ringfence_local::stack::RECEIVES_MAX;
use ringfence_local::twilio::{Ending, Fate, Faults, Script, Silence};
use ringfence_shell::config::LEADS_MAX_DEFAULT;
use ringfence_shell::metrics::{EmbeddedMetrics, Metric};
use serde_json::{Value, json};

use crate::listening::listen;
use crate::story::{PUBLIC_HOST, Setting, Story, straight_to};

/// The lines that CloudWatch would read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    /// Every value of a metric, in the order in which it was written.
    fn values(&self, metric: Metric) -> Vec<u64> {
        let lines = self.0.lock().expect("nobody panicked");
        let of_line = |line: &Value| match &line[metric.as_str()] {
            Value::Array(values) => values.clone(),
            Value::Null => Vec::new(),
            value => vec![value.clone()],
        };
        let values = lines.iter().flat_map(of_line);
        values
            .map(|value| value.as_u64().expect("a figure is a number"))
            .collect()
    }

    fn sum(&self, metric: Metric) -> u64 {
        self.values(metric).iter().sum()
    }
}

/// A story whose functions write figures down, as on AWS.
async fn metered(setting: Setting) -> (Story, Lines, Events) {
    let mut story = setting.begin().await;
    // The stack's own functions write nothing; these have a queue of their own.
    story.stack.plan.queue.misbehave(QueueFaults {
        lose: 1.0,
        ..QueueFaults::NONE
    });
    let lines = Lines::default();
    let kept = lines.clone();
    let mut plan = story.stack.plan.clone();
    plan.metrics = EmbeddedMetrics::to("Ringfence/test".to_owned(), move |line| {
        let line = serde_json::from_str(line).expect("a line is JSON");
        kept.0.lock().expect("nobody panicked").push(line);
    });
    let settings = QueueSettings {
        name: "metered".to_owned(),
        visibility_timeout: plan.timing.visibility_timeout,
        receives_max: RECEIVES_MAX,
    };
    plan.queue = Queue::new(settings, story.clock);
    let events = Events::start(&plan, Crashes::NONE);
    story.stack.gateway = Gateway::new(plan, LEADS_MAX_DEFAULT, &Doors::PLAIN);
    story.twilio.deliver_by(straight_to(&story.stack.gateway));
    (story, lines, events)
}

#[tokio::test(start_paused = true)]
async fn the_figures_of_a_run_are_those_of_the_carrier() {
    let (mut story, lines, _events) = metered(Setting::plain()).await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 10).await;
    story.twilio.refuse(numbers[0].clone(), 21211);
    let busy = Script {
        ending: Some(Ending::Busy),
        ..Script::default()
    };
    story.twilio.script(numbers[1].clone(), busy);
    let run = story.start_run(&office, &leads).await;
    story.end_of(&office, run, Duration::from_secs(200)).await;
    story.wait(61).await;
    assert_eq!(lines.sum(Metric::CallsPlaced), 9);
    assert_eq!(lines.sum(Metric::CallsRefused), 1);
    assert_eq!(lines.sum(Metric::CallsCompleted), 8);
    assert_eq!(lines.sum(Metric::CallsFailed), 1);
    assert_eq!(lines.sum(Metric::LeasesSettled), 0);
    assert_eq!(lines.sum(Metric::CallsUnknown), 0);
    // Each of the nine ends frees a slot, and six leads are left for them.
    let turnaround = lines.values(Metric::Turnaround);
    assert_eq!(turnaround.len(), 6);
    assert!(
        turnaround.iter().all(|&millis| millis < 1_000),
        "{turnaround:?}"
    );
    let in_use = lines.values(Metric::SlotsInUse);
    assert_eq!((in_use.iter().max(), in_use.last()), (Some(&3), Some(&0)));
    let with_work = lines.values(Metric::BusinessesWithWork);
    assert_eq!(with_work.last(), Some(&0), "{with_work:?}");
}

#[tokio::test(start_paused = true)]
async fn lost_reports_and_unclear_answers_are_seen() {
    let faults = Faults {
        lost: 1.0,
        ..Faults::none()
    };
    let setting = Setting {
        faults,
        ..Setting::plain()
    };
    let (mut story, lines, _events) = metered(setting).await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let unclear = Script {
        fate: Some(Fate::MadeUnknown(Silence::Reset)),
        ..Script::default()
    };
    story.twilio.script(numbers[0].clone(), unclear);
    story.start(&office, &leads).await.of_status(200);
    story.wait(400).await;
    assert_eq!(lines.sum(Metric::CallsPlaced), 1, "direct calls count too");
    assert_eq!(lines.sum(Metric::CallsUnknown), 1);
    assert_eq!(lines.sum(Metric::LeasesSettled), 2);
    assert_eq!(lines.sum(Metric::CallsCompleted), 2);
    assert_eq!(lines.values(Metric::Turnaround), Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_told_from_other_refusals() {
    let (mut story, lines, _events) = metered(Setting::plain()).await;
    let office = story.open(1).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    story.twilio.refuse(numbers[0].clone(), 20003);
    story.twilio.refuse(numbers[1].clone(), 21210);
    for lead in &leads {
        story.start(&office, &[*lead]).await;
    }
    assert_eq!(lines.sum(Metric::AuthenticationFailed), 1);
    assert_eq!(lines.sum(Metric::ConfigurationRefused), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forged_callback_is_counted_by_its_reason() {
    let (story, lines, _events) = metered(Setting::plain()).await;
    let forged = |body: &'static [u8]| {
        Request::post(format!("{PUBLIC_HOST}/webhook/call_status?b=b1"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(body))
            .expect("the story is well-formed")
    };
    story.send_raw(forged(b"CallStatus=completed")).await;
    assert_eq!(lines.sum(Metric::CallbacksUnsigned), 1);
    assert_eq!(lines.sum(Metric::CallbacksOfOthers), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_names_its_business_and_no_metric_does() {
    let (mut story, lines, _events) = metered(Setting::plain()).await;
    let office = story.open(1).await;
    let leads = story.import(&office, 2).await;
    let run = story.start_run(&office, &leads).await;
    story.end_of(&office, run, Duration::from_secs(100)).await;
    let lines = lines.0.lock().expect("nobody panicked");
    let of_business = |line: &&Value| line["business.id"] == office.id.as_str();
    assert!(lines.iter().filter(of_business).count() >= 2);
    for line in lines.iter() {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([[]]), "{line}");
        assert_eq!(directive["Namespace"], "Ringfence/test");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_line_says_which_request_business_run_and_call_it_is_about() {
    let (notes, _guard) = listen("info");
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let leads = story.import(&office, 1).await;
    let run = story.start_run(&office, &leads).await;
    story.end_of(&office, run, Duration::from_secs(100)).await;
    let text = notes.text();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    let says = |line: &Value, name: &str| {
        let spans = line["spans"].as_array().into_iter().flatten();
        let mut parts = spans.chain([&line["fields"]]);
        parts.any(|part| part.get(name).is_some_and(|id| !id.is_null()))
    };
    let line = |message: &str| {
        let is_it = |line: &&Value| {
            let said = line["fields"]["message"].as_str();
            said.is_some_and(|said| said.starts_with(message))
        };
        lines.iter().find(is_it).expect("it was written down")
    };
    let started = line("started run");
    let placed = line("placed call");
    for (line, name) in [
        (started, "request.id"),
        (started, "key.id"),
        (started, "business.id"),
        (started, "run.id"),
        (placed, "business.id"),
        (placed, "run.id"),
        (placed, "call.id"),
        (placed, "call.sid"),
    ] {
        assert!(says(line, name), "{name} in {line}");
    }
}
