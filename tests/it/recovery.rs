//! Recovery: no slot stays lost, and none is freed while its call is live.

use std::time::Duration;

use http::Method;
use ringfence_local::aws::queue::QueueFaults;
use ringfence_local::twilio::{Ending, Fate, Faults, Queue, Script, Silence};
use serde_json::json;

use crate::story::{Answer, Office, Setting, Story};

/// Every final report is lost.
fn no_reports() -> Faults {
    Faults {
        lost: 1.0,
        ..Faults::none()
    }
}

/// Somebody answers at once and talks this long.
fn talks(seconds: u64) -> Script {
    Script::talks(Duration::ZERO, Duration::from_secs(seconds))
}

/// How long a call of so many seconds, placed so long after a sweep, keeps the only slot when
/// its report is lost, and how old it became itself.
async fn held(seconds: u64, after_sweep: u64) -> (Duration, Duration) {
    let mut story = Setting {
        faults: no_reports(),
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(1).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    for number in numbers {
        story.twilio.script(number, talks(seconds));
    }
    story.wait(after_sweep).await;
    story.start_run(&office, &leads).await;
    for _ in 0..seconds + 60 {
        story.wait(5).await;
        if story.twilio.truth().creates.len() == 2 {
            break;
        }
    }
    let truth = story.assert_promise(1);
    let (first, next) = (
        &truth.calls[0],
        truth.creates.get(1).expect("the slot is free again"),
    );
    let lifetime = first.lifetime().expect("it is over");
    (next.arrived.instant - first.accepted.instant, lifetime)
}

/// How long after a sweep the calls of a case are placed.
const AFTER_SWEEP: [u64; 4] = [1, 20, 40, 59];

#[tokio::test(start_paused = true)]
async fn a_slot_whose_report_was_lost_is_free_within_three_minutes_of_its_claim() {
    for seconds in [0, 1, 29, 59, 60] {
        for after_sweep in AFTER_SWEEP {
            let (held, _) = held(seconds, after_sweep).await;
            assert!(
                held <= Duration::from_secs(180),
                "{seconds}/{after_sweep}: {held:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_whose_report_was_lost_is_free_before_twice_the_age_of_a_longer_call() {
    for seconds in [91, 121, 122, 181, 182, 400, 3_000] {
        for after_sweep in AFTER_SWEEP {
            let (held, age) = held(seconds, after_sweep).await;
            assert!(held <= age * 2, "{seconds}/{after_sweep}: {held:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_slots_whose_reports_were_lost_are_free_within_three_minutes() {
    let mut story = Setting {
        faults: no_reports(),
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(100).await;
    let leads = story.import(&office, 100).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(20).await;
    assert_eq!(story.active(&office).await, 100);
    story.wait(161).await;
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(story.run(&office, run).await["completed"], 100);
    story.assert_promise(100);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_three_hours_keeps_its_slot_and_is_not_dialled_over() {
    for faults in [Faults::none(), no_reports()] {
        let mut story = Setting {
            faults,
            ..Setting::plain()
        }
        .begin()
        .await;
        let office = story.open(3).await;
        let (leads, numbers) = story.import_numbers(&office, 6).await;
        for number in &numbers[..3] {
            story.twilio.script(number.clone(), talks(3 * 3_600));
        }
        let run = story.start_run(&office, &leads).await;
        for _ in 0..17 {
            story.wait(600).await;
            assert_eq!(story.active(&office).await, 3);
            assert_eq!(
                story.truth().creates.len(),
                3,
                "nobody is dialled over a live call"
            );
        }
        story.wait(3_600).await;
        let end = story.run(&office, run).await;
        assert_eq!(
            (&end["status"], &end["completed"]),
            (&"completed".into(), &6.into()),
            "{end}"
        );
        story.assert_promise(3);
    }
}

#[tokio::test(start_paused = true)]
async fn stale_answers_free_no_live_call() {
    // The first question about a call may be answered from before it was made, and the second,
    // which comes with the next sweep, from when it was live and nothing else.
    let staleness = Duration::from_secs(180);
    let faults = Faults {
        stale: 1.0,
        staleness,
        ..no_reports()
    };
    let mut story = Setting {
        faults,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(6).await;
    let (leads, numbers) = story.import_numbers(&office, 9).await;
    for (place, number) in numbers.iter().enumerate() {
        let fate = (place % 2 == 0).then_some(Fate::MadeUnknown(Silence::Reset));
        let script = Script { fate, ..talks(600) };
        story.twilio.script(number.clone(), script);
    }
    // Just before a sweep, so that the first question comes when the calls are two minutes old.
    story.wait(58).await;
    let run = story.start_run(&office, &leads).await;
    for _ in 0..19 {
        story.wait(30).await;
        assert_eq!(story.active(&office).await, 6);
        assert_eq!(story.truth().creates.len(), 6);
    }
    let end = story.end_of(&office, run, Duration::from_secs(2_400)).await;
    assert_eq!(end["completed"], 9, "{end}");
    assert!(story.assert_promise(6).injected.stale > 10);
}

#[tokio::test(start_paused = true)]
async fn an_unclear_create_whose_call_waits_at_the_carrier_for_hours_keeps_its_slot() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    story.twilio.script(
        numbers[0].clone(),
        Script {
            fate: Some(Fate::MadeUnknown(Silence::Hang)),
            queue: Some(Queue::Waits(Duration::from_secs(3 * 3_600))),
            ending: Some(Ending::Talks(Duration::from_secs(30))),
            ..Script::default()
        },
    );
    let run = story.start_run(&office, &leads).await;
    for _ in 0..17 {
        story.wait(600).await;
        assert_eq!(story.active(&office).await, 1);
        assert_eq!(story.truth().creates.len(), 1);
    }
    story.wait(900).await;
    let end = story.run(&office, run).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&"completed".into(), &2.into()),
        "{end}"
    );
    story.assert_promise(1);
}

async fn clean(story: &Story, key: &str) -> Answer {
    let path = "/api/outbound/cleanup-stuck-jobs";
    story.send(key, Method::POST, path, json!({})).await
}

/// Four calls, 70 seconds ago: one is over, and its report was lost; one is live; one was
/// never made, and nothing said so; one has a report that will come.
async fn stuck() -> (Story, Office) {
    let mut story = Setting {
        faults: no_reports(),
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(4).await;
    let (leads, numbers) = story.import_numbers(&office, 4).await;
    story.twilio.script(numbers[1].clone(), talks(600));
    let unmade = Script::fated(Fate::UnmadeUnknown(Silence::Reset));
    story.twilio.script(numbers[2].clone(), unmade);
    let waits = Queue::Waits(Duration::from_secs(600));
    story.twilio.script(
        numbers[3].clone(),
        Script {
            queue: Some(waits),
            ..talks(10)
        },
    );
    story.start_run(&office, &leads).await;
    story.wait(70).await;
    assert_eq!(story.active(&office).await, 4);
    (story, office)
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_frees_what_is_over_and_nothing_else() {
    let (story, office) = stuck().await;
    let answer = clean(&story, &office.key).await.of_status(200);
    let expected = json!({
        "success": true, "cleaned_count": 1, "message": "נוקו 1 משימות תקועות",
        "still_live": 2, "undecided": 1,
    });
    assert_eq!(answer, expected);
    assert_eq!(story.active(&office).await, 3);
    story.assert_promise(4);
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_is_done_once_a_minute() {
    let (story, office) = stuck().await;
    clean(&story, &office.key).await.of_status(200);
    story.wait(20).await;
    let soon = clean(&story, &office.key).await;
    soon.assert_refused(429, "cleanup_too_soon");
    assert_eq!(soon.body["retry_after"], 40);
    story.wait(40).await;
    let answer = clean(&story, &office.key).await.of_status(200);
    assert_eq!(answer["still_live"], 2, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_is_for_administrators() {
    let (story, office) = stuck().await;
    let agent = story.key_for(&office, "agent").await;
    clean(&story, &agent).await.assert_refused(403, "forbidden");
    assert_eq!(story.active(&office).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_frees_nothing_that_may_still_be_dialled() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let unmade = Script::fated(Fate::UnmadeUnknown(Silence::Hang));
    story.twilio.script(numbers[0].clone(), unmade);
    story.twilio.script(numbers[1].clone(), talks(600));
    story.start_run(&office, &leads).await;
    story.wait(50).await;
    let answer = clean(&story, &office.key).await.of_status(200);
    assert_eq!(
        (&answer["cleaned_count"], &answer["undecided"]),
        (&0.into(), &2.into())
    );
    assert_eq!(story.active(&office).await, 2);
}

/// Runs six leads while the queue does this, for as long as it takes, and then nothing wrong.
async fn rough_queue(faults: QueueFaults) -> Story {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 6).await;
    story.stack.plan.queue.misbehave(faults);
    let run = story.start_run(&office, &leads).await;
    story.wait(200).await;
    let struck = story.stack.plan.queue.struck();
    assert!(
        struck.lost + struck.doubled + struck.delayed > 0,
        "{struck:?}"
    );
    story.stack.plan.queue.misbehave(QueueFaults::NONE);
    let end = story.end_of(&office, run, Duration::from_secs(400)).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&"completed".into(), &6.into()),
        "{end}"
    );
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(story.assert_promise(3).creates.len(), 6);
    story
}

#[tokio::test(start_paused = true)]
async fn lost_messages_are_made_up_for_by_the_sweep() {
    let story = rough_queue(QueueFaults {
        lose: 1.0,
        ..QueueFaults::NONE
    })
    .await;
    let first = story.truth().creates[0].arrived.at;
    let silence = first.since(story.clock.started_at());
    assert!(
        silence >= Duration::from_secs(200),
        "nothing was heard before: {silence:?}"
    );
    assert!(
        silence <= Duration::from_secs(261),
        "the next sweep brings it back: {silence:?}"
    );
    for seed in 0..4 {
        rough_queue(QueueFaults {
            seed,
            lose: 0.5,
            ..QueueFaults::NONE
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn doubled_and_late_messages_do_no_harm() {
    let delay_max = Duration::from_secs(90);
    for seed in 0..4 {
        let faults = QueueFaults {
            seed,
            double: 1.0,
            delay: 0.5,
            delay_max,
            ..QueueFaults::NONE
        };
        rough_queue(faults).await;
    }
}
