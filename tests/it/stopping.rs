//! Stopping: from the answer on nobody new is called, and every lead is accounted for.

use std::time::Duration;

use futures::future::join;
use http::StatusCode;
use ringfence_local::twilio::{Behaviour, Fate, Faults, Script, Silence};
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story};

async fn stop(story: &Story, office: &Office, run: u64) -> Answer {
    story
        .post(office, "/api/outbound/stop-queue", json!({ "run_id": run }))
        .await
}

async fn hang_up(story: &Story, office: &Office, run: u64) -> Answer {
    let body = json!({ "run_id": run, "hang_up": true });
    story.post(office, "/api/outbound/stop-queue", body).await
}

fn count(answer: &Value, name: &str) -> u64 {
    answer[name].as_u64().expect("a count")
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_cancels_who_waits_and_lets_live_calls_end() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 100).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    let answer = stop(&story, &office, run).await.of_status(200);
    let expected = json!({
        "success": true, "message": "התור נעצר (97 שיחות בוטלו, שיחות פעילות יסתיימו)",
        "cancelled_jobs": 97, "in_progress": 3,
    });
    assert_eq!(answer, expected);
    let now = story.run(&office, run).await;
    assert_eq!(
        (&now["status"], &now["queued"]),
        (&"stopping".into(), &0.into()),
        "{now}"
    );
    let end = story.end_of(&office, run, Duration::from_secs(30)).await;
    assert_eq!(end["status"], "stopped");
    assert_eq!(
        (&end["completed"], &end["canceled"]),
        (&3.into(), &97.into()),
        "{end}"
    );
    assert!(end["completed_at"].is_string(), "{end}");
    story.wait(600).await;
    assert_eq!(
        story.assert_promise(3).creates.len(),
        3,
        "nobody was dialled later"
    );
    assert_eq!(story.run(&office, run).await, end);
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_counts_who_was_called_before() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 20).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(70).await;
    let answer = stop(&story, &office, run).await.of_status(200);
    assert_eq!(
        (
            count(&answer, "cancelled_jobs"),
            count(&answer, "in_progress")
        ),
        (11, 3)
    );
    let end = story.end_of(&office, run, Duration::from_secs(60)).await;
    assert_eq!(
        (&end["completed"], &end["canceled"]),
        (&9.into(), &11.into()),
        "{end}"
    );
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_says_that_it_is_over() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 10).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    stop(&story, &office, run).await.of_status(200);
    let again = stop(&story, &office, run).await.of_status(200);
    assert_eq!(again["message"], "התור כבר הסתיים (סטטוס: stopping)");
    assert_eq!(
        (
            count(&again, "cancelled_jobs"),
            count(&again, "in_progress")
        ),
        (0, 3)
    );
    story.end_of(&office, run, Duration::from_secs(60)).await;
    story.wait(5).await;
    let later = stop(&story, &office, run).await.of_status(200);
    assert_eq!(later["message"], "התור כבר הסתיים (סטטוס: stopped)");
    assert_eq!(
        (
            count(&later, "cancelled_jobs"),
            count(&later, "in_progress")
        ),
        (0, 0)
    );

    let done = story.start_run(&office, &leads[..1]).await;
    story.end_of(&office, done, Duration::from_secs(60)).await;
    let after = stop(&story, &office, done).await.of_status(200);
    assert_eq!(after["message"], "התור כבר הסתיים (סטטוס: completed)");
    assert_eq!(after["success"], true);
}

#[tokio::test(start_paused = true)]
async fn a_stop_needs_a_run_of_the_business() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let leads = story.import(&other, 6).await;
    let others = story.start_run(&other, &leads).await;
    for run in [json!(99), json!(0), json!(others)] {
        let body = json!({ "run_id": run });
        let answer = story.post(&office, "/api/outbound/stop-queue", body).await;
        answer.assert_refused(404, "run_not_found");
        assert_eq!(answer.body["error"], "הרצה לא נמצאה");
    }
    let missing = story
        .post(&office, "/api/outbound/stop-queue", json!({}))
        .await;
    missing.assert_refused(400, "missing_run_id");
    assert_eq!(missing.body["error"], "חסר run_id");
    assert_eq!(story.run(&other, others).await["status"], "running");
}

#[tokio::test(start_paused = true)]
async fn no_call_is_claimed_once_a_stop_is_answered() {
    // The stop meets the claims of the first fill, or those that follow the first reports,
    // each time a little later.
    for (wait, turns) in (0..12)
        .map(|turn| (0, turn))
        .chain((0..30).map(|turn| (30, turn)))
    {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 9).await;
        let run = story.start_run(&office, &leads).await;
        story.wait(wait).await;
        let stopped = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            let answer = stop(&story, &office, run).await.of_status(200);
            (answer, story.run(&office, run).await)
        };
        let watched = async { story.run(&office, run).await };
        let ((answer, after), _) = Box::pin(join(stopped, watched)).await;
        let called = 9 - count(&answer, "cancelled_jobs");
        assert_eq!(count(&after, "queued"), 0, "{after}");
        story.wait(120).await;
        let end = story.run(&office, run).await;
        assert_eq!(end["status"], "stopped", "at {wait}/{turns}: {end}");
        assert_eq!(count(&end, "completed"), called, "at {wait}/{turns}: {end}");
        assert_eq!(
            count(&end, "canceled"),
            9 - called,
            "at {wait}/{turns}: {end}"
        );
        let truth = story.assert_promise(3);
        assert_eq!(
            u64::try_from(truth.creates.len()).unwrap(),
            called,
            "at {wait}/{turns}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_up_ends_live_calls() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 10).await;
    let hour = Duration::from_secs(3_600);
    story
        .twilio
        .script(numbers[0].clone(), Script::talks(Duration::ZERO, hour));
    story
        .twilio
        .script(numbers[1].clone(), Script::never_answers());
    story
        .twilio
        .script(numbers[2].clone(), Script::stays_queued());
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    let answer = hang_up(&story, &office, run).await.of_status(200);
    assert_eq!(
        (
            count(&answer, "cancelled_jobs"),
            count(&answer, "in_progress")
        ),
        (7, 3)
    );
    story.wait(1).await;
    assert_eq!(story.truth().live(), 0, "ended at once");
    assert_eq!(
        story.active(&office).await,
        0,
        "also the one of which no report comes"
    );
    let end = story.end_of(&office, run, Duration::from_secs(5)).await;
    assert_eq!(end["status"], "stopped");
    assert_eq!(
        (&end["completed"], &end["canceled"]),
        (&1.into(), &9.into()),
        "{end}"
    );
    assert_eq!(story.assert_promise(3).creates.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn hanging_up_ends_a_hundred_calls_at_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(100).await;
    let (leads, numbers) = story.import_numbers(&office, 120).await;
    for number in &numbers {
        story.twilio.script(number.clone(), Script::stays_queued());
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    let answer = hang_up(&story, &office, run).await.of_status(200);
    assert_eq!(count(&answer, "in_progress"), 100);
    let end = story.end_of(&office, run, Duration::from_secs(5)).await;
    assert_eq!(
        (&end["status"], &end["canceled"]),
        (&"stopped".into(), &120.into()),
        "{end}"
    );
    assert_eq!((story.truth().live(), story.active(&office).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_can_still_be_hung_up() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 5).await;
    for number in &numbers {
        story.twilio.script(number.clone(), Script::stays_queued());
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    stop(&story, &office, run).await.of_status(200);
    story.wait(100).await;
    assert_eq!(story.truth().live(), 3);
    let answer = hang_up(&story, &office, run).await.of_status(200);
    assert_eq!(
        (
            count(&answer, "cancelled_jobs"),
            count(&answer, "in_progress")
        ),
        (0, 3)
    );
    let end = story.end_of(&office, run, Duration::from_secs(5)).await;
    assert_eq!(
        (&end["status"], &end["canceled"]),
        (&"stopped".into(), &5.into()),
        "{end}"
    );
    assert_eq!((story.truth().live(), story.active(&office).await), (0, 0));
}

/// Hangs up while the answers to the first requests for calls are still on their way, if they
/// come at all: within `within` every call is over.
async fn hang_up_early(fate: Option<Fate>, within: u64) {
    let api_latency = Duration::from_secs(4)..=Duration::from_secs(4);
    let behaviour = Behaviour {
        api_latency,
        ..Setting::plain().behaviour
    };
    let mut story = Setting {
        behaviour,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 4).await;
    for number in &numbers {
        let talks = Script::talks(Duration::ZERO, Duration::from_secs(3_600));
        story
            .twilio
            .script(number.clone(), Script { fate, ..talks });
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    assert_eq!(
        (story.truth().creates.len(), story.truth().calls.len()),
        (2, 0)
    );
    let answer = hang_up(&story, &office, run).await.of_status(200);
    assert_eq!(
        (
            count(&answer, "cancelled_jobs"),
            count(&answer, "in_progress")
        ),
        (2, 2)
    );
    story.wait(within).await;
    assert_eq!(story.truth().live(), 0, "{fate:?}");
    let end = story.end_of(&office, run, Duration::from_secs(5)).await;
    assert_eq!(
        (&end["status"], &end["canceled"]),
        (&"stopped".into(), &2.into()),
        "{end}"
    );
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(story.assert_promise(2).creates.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_being_placed_is_hung_up_once_it_is_known() {
    hang_up_early(None, 70).await;
    hang_up_early(Some(Fate::MadeUnknown(Silence::Hang)), 260).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_could_hang_up_is_hung_up_by_the_sweep() {
    let faults = Faults {
        too_many: 0.0,
        ..Faults::none()
    };
    let mut story = Setting {
        faults,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    for number in &numbers {
        story.twilio.script(number.clone(), Script::stays_queued());
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(5).await;
    story.twilio.unplug();
    let answer = hang_up(&story, &office, run).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "it is stopped, whatever the carrier says"
    );
    story.wait(60).await;
    assert_eq!((story.truth().live(), story.active(&office).await), (2, 2));
    story.twilio.plug_in();
    let end = story.end_of(&office, run, Duration::from_secs(65)).await;
    assert_eq!(
        (&end["status"], &end["canceled"]),
        (&"stopped".into(), &2.into()),
        "{end}"
    );
    assert_eq!((story.truth().live(), story.active(&office).await), (0, 0));
}
