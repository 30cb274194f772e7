//! Reports: whatever comes twice, late, too early or not at all, a slot is freed once and no
//! lead is dialled again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use ringfence_carrier::callback::STATUS_PATH;
use ringfence_local::gateway::Gateway;
use ringfence_local::twilio::{Delivery, Fate, Faults, Script};

use crate::story::Setting;

/// Everything that was delivered, in order.
type Log = Arc<Mutex<Vec<Request<Bytes>>>>;

/// Delivers everything three times, and keeps a copy.
fn three_times(gateway: &Arc<Gateway>, log: &Log) -> Delivery {
    let (gateway, log) = (Arc::clone(gateway), Arc::clone(log));
    Delivery::in_process(move |request| {
        let (gateway, log) = (Arc::clone(&gateway), Arc::clone(&log));
        Box::pin(async move {
            log.lock().expect("nobody panicked").push(request.clone());
            Arc::clone(&gateway).answer(request.clone()).await;
            Arc::clone(&gateway).answer(request.clone()).await;
            Ok(gateway.answer(request).await)
        })
    })
}

/// Holds back the reports on each call until its last, and delivers them from the last to
/// the first.
fn backwards(gateway: &Arc<Gateway>) -> Delivery {
    let gateway = Arc::clone(gateway);
    let held: Arc<Mutex<HashMap<String, Vec<Request<Bytes>>>>> = Arc::default();
    Delivery::in_process(move |request| {
        let (gateway, held) = (Arc::clone(&gateway), Arc::clone(&held));
        Box::pin(async move {
            if request.uri().path() != STATUS_PATH {
                return Ok(gateway.answer(request).await);
            }
            let is_last = field(&request, "CallStatus") == "completed";
            let mut reports = {
                let mut held = held.lock().expect("nobody panicked");
                let reports = held.entry(field(&request, "CallSid")).or_default();
                reports.push(request);
                if is_last {
                    std::mem::take(reports)
                } else {
                    Vec::new()
                }
            };
            while let Some(report) = reports.pop() {
                let answer = Arc::clone(&gateway).answer(report).await;
                assert_eq!(answer.status(), StatusCode::NO_CONTENT);
            }
            Ok(Response::new(Bytes::new()))
        })
    })
}

/// A parameter of a report, as it stands in the form.
fn field(request: &Request<Bytes>, name: &str) -> String {
    let form = std::str::from_utf8(request.body()).expect("a form is ASCII");
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(given, _)| *given == name);
    found.expect("the report has it").1.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_report_that_comes_three_times_frees_one_slot() {
    let mut story = Setting::plain().begin().await;
    story
        .twilio
        .deliver_by(three_times(&story.stack.gateway, &Log::default()));
    let office = story.open(3).await;
    let leads = story.import(&office, 12).await;
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(end["completed"], 12, "{end}");
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(story.assert_promise(3).creates.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn doubled_and_late_reports_change_no_count() {
    let late = Duration::from_secs(1)..=Duration::from_secs(20);
    let faults = Faults {
        doubled: 1.0,
        late: 0.5,
        lateness: late,
        ..Faults::none()
    };
    let mut story = Setting {
        faults,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let leads = story.import(&office, 12).await;
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(600)).await;
    story.wait(60).await;
    assert_eq!(end["completed"], 12, "{end}");
    assert_eq!(
        story.run(&office, run).await,
        end,
        "what came later changes nothing"
    );
    assert_eq!(story.assert_promise(3).injected.doubled, 12);
}

#[tokio::test(start_paused = true)]
async fn an_old_report_frees_nothing_for_the_slot_s_next_call() {
    let mut story = Setting::plain().begin().await;
    let log = Log::default();
    story
        .twilio
        .deliver_by(three_times(&story.stack.gateway, &log));
    let office = story.open(3).await;
    let leads = story.import(&office, 9).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(40).await;
    let old: Vec<_> = log.lock().unwrap().clone();
    assert!(old.len() >= 3, "the first three calls are over");
    for report in old {
        assert!(
            story.send_raw(report).await.status.is_success(),
            "it is signed"
        );
    }
    story.wait(5).await;
    assert_eq!(story.active(&office).await, 3);
    assert_eq!(
        story.truth().creates.len(),
        6,
        "nobody was dialled over a live call"
    );
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(end["completed"], 9, "{end}");
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn reports_in_reverse_order_give_the_same_end() {
    let call_events = "initiated,ringing,answered,completed";
    let mut story = Setting {
        call_events,
        ..Setting::plain()
    }
    .begin()
    .await;
    story.twilio.deliver_by(backwards(&story.stack.gateway));
    let office = story.open(3).await;
    let leads = story.import(&office, 7).await;
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&"completed".into(), &7.into()),
        "{end}"
    );
    story.wait(5).await;
    for &lead in &leads {
        let record = story.record(&office, lead).await;
        assert_eq!(
            (&record["status"], &record["duration"]),
            (&"completed".into(), &25.into())
        );
    }
    assert_eq!(story.assert_promise(3).calls.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn every_turn_of_a_call_is_told_when_it_is_asked_for() {
    let call_events = "initiated,ringing,answered,completed";
    let mut story = Setting {
        call_events,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    story.start(&office, &leads).await.of_status(200);
    let mut told = Vec::new();
    for _ in 0..3 {
        story.wait(2).await;
        told.push(story.record(&office, leads[0]).await["status"].clone());
        story.wait(4).await;
    }
    assert_eq!(told, ["ringing", "in-progress", "in-progress"]);
    story.wait(20).await;
    assert_eq!(story.record(&office, leads[0]).await["status"], "completed");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_overtakes_the_answer_frees_the_slot_once_and_the_record_is_whole() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    story
        .twilio
        .script(numbers[0].clone(), Script::fated(Fate::AcceptedAfterFinal));
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(
        (&end["failed"], &end["completed"]),
        (&1.into(), &4.into()),
        "{end}"
    );
    let truth = story.assert_promise(2);
    assert_eq!(truth.injected.early_finals, 1);
    assert_eq!(truth.creates.len(), 5);
    let record = story.record(&office, leads[0]).await;
    assert_eq!(record["status"], "failed");
    assert_eq!(record["call_sid"], truth.calls[0].sid.as_str());
    assert_eq!(record["to_number"], numbers[0].expose());
    assert!(
        record["lead_name"].as_str().unwrap().starts_with("Lead "),
        "{record}"
    );
    assert!(record["ended_at"].is_string(), "{record}");
}
