//! Reports: whatever comes twice, late, too early or not at all, a slot is freed once and no
//! lead is dialled again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use ringfence_carrier::callback::STATUS_PATH;
use ringfence_local::gateway::Gateway;
use ringfence_local::twilio::{Delivery, Ending, Fate, Faults, Script, Silence};
use serde_json::Value;

use crate::story::{Office, Setting, Story};

/// Everything that was delivered, in order.
type Log = Arc<Mutex<Vec<Request<Bytes>>>>;

/// Delivers everything three times, and keeps a copy.
fn three_times(gateway: &Arc<Gateway>, log: &Log) -> Delivery {
    let (gateway, log) = (Arc::clone(gateway), Arc::clone(log));
    Delivery::in_process(move |request| {
        let (gateway, log) = (Arc::clone(&gateway), Arc::clone(&log));
        Box::pin(async move {
            log.lock().unwrap().push(request.clone());
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
                let mut held = held.lock().unwrap();
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
    let form = std::str::from_utf8(request.body()).unwrap();
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(given, _)| *given == name);
    found.expect("the report has it").1.to_owned()
}

/// The record of the only call to a lead.
async fn record(story: &Story, office: &Office, lead: u64) -> Value {
    let answer = story
        .get(office, "/api/outbound/recent-calls?page_size=100")
        .await;
    let items = answer.body["items"].as_array().unwrap();
    let mut of_lead = items.iter().filter(|item| item["lead_id"] == lead);
    let record = of_lead.next().expect("the lead has a record").clone();
    assert_eq!(of_lead.next(), None, "the lead has one record");
    record
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
        let record = record(&story, &office, lead).await;
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
        told.push(record(&story, &office, leads[0]).await["status"].clone());
        story.wait(4).await;
    }
    assert_eq!(told, ["ringing", "in-progress", "in-progress"]);
    story.wait(20).await;
    assert_eq!(
        record(&story, &office, leads[0]).await["status"],
        "completed"
    );
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
    let record = record(&story, &office, leads[0]).await;
    assert_eq!(record["status"], "failed");
    assert_eq!(record["call_sid"], truth.calls[0].sid.as_str());
    assert_eq!(record["to_number"], numbers[0].expose());
    assert!(
        record["lead_name"].as_str().unwrap().starts_with("Lead "),
        "{record}"
    );
    assert!(record["ended_at"].is_string(), "{record}");
}

/// The ways of not answering a request for a call.
const SILENCES: [Silence; 4] = [
    Silence::Reset,
    Silence::Hang,
    Silence::ServerError,
    Silence::Garbled,
];

/// Calls four leads of which no usable answer tells that they are called: while they talk each
/// keeps its slot, in the end each is counted as completed, and none was dialled twice.
async fn unclear_but_made(faults: Faults, limit: u32) {
    let mut story = Setting {
        faults,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(limit).await;
    let (leads, numbers) = story.import_numbers(&office, 4).await;
    for (number, silence) in numbers.into_iter().zip(SILENCES) {
        let ending = Some(Ending::Talks(Duration::from_secs(90)));
        let fate = Some(Fate::MadeUnknown(silence));
        story.twilio.script(
            number,
            Script {
                fate,
                ending,
                ..Script::default()
            },
        );
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(90).await;
    assert_eq!(story.active(&office).await, u64::from(limit));
    assert_eq!(story.truth().live(), usize::try_from(limit).unwrap());
    let end = story.end_of(&office, run, Duration::from_secs(900)).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&"completed".into(), &4.into()),
        "{end}"
    );
    assert_eq!(story.active(&office).await, 0);
    let truth = story.assert_promise(limit);
    assert_eq!((truth.injected.ambiguous_made, truth.creates.len()), (4, 4));
    for (lead, call) in leads.iter().zip(&truth.calls) {
        let record = record(&story, &office, *lead).await;
        assert_eq!(record["status"], "completed");
        assert_eq!(
            record["call_sid"],
            call.sid.as_str(),
            "its name became known"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_create_had_no_clear_answer_is_ended_by_its_report() {
    unclear_but_made(Faults::none(), 4).await;
    unclear_but_made(Faults::none(), 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_create_had_no_clear_answer_is_found_when_its_report_is_lost() {
    unclear_but_made(
        Faults {
            lost: 1.0,
            ..Faults::none()
        },
        4,
    )
    .await;
    unclear_but_made(
        Faults {
            lost: 1.0,
            ..Faults::none()
        },
        2,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_carrier_never_knew_is_not_dialled_again_and_fails_as_unconfirmed() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    for (number, silence) in numbers.iter().zip(&SILENCES[..3]) {
        story
            .twilio
            .script(number.clone(), Script::fated(Fate::UnmadeUnknown(*silence)));
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(110).await;
    let halfway = story.run(&office, run).await;
    assert_eq!(
        halfway["in_progress"], 3,
        "a phone may be ringing: {halfway}"
    );
    let end = story.end_of(&office, run, Duration::from_secs(400)).await;
    assert_eq!(
        (&end["failed"], &end["completed"]),
        (&3.into(), &2.into()),
        "{end}"
    );
    for &lead in &leads[..3] {
        assert_eq!(record(&story, &office, lead).await["error"], "unconfirmed");
    }
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(
        story.assert_promise(3).creates.len(),
        5,
        "none was asked for twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_direct_call_without_a_clear_answer_is_told_as_unknown_and_keeps_its_slot() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let unclear = Script::fated(Fate::MadeUnknown(Silence::Reset));
    story.twilio.script(numbers[0].clone(), unclear);
    let calls = story.start(&office, &leads).await.of_status(200)["calls"].clone();
    assert_eq!(
        (&calls[0]["status"], &calls[1]["status"]),
        (&"unknown".into(), &"initiated".into())
    );
    assert_eq!(story.active(&office).await, 2);
    story.wait(40).await;
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(
        record(&story, &office, leads[0]).await["status"],
        "completed"
    );
    assert_eq!(story.assert_promise(3).calls.len(), 2);
}
