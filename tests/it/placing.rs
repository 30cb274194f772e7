//! Placing calls: what a refusal, a wrong configuration or a busy carrier costs, and whom.

use std::time::Duration;

use ringfence_core::phone::PhoneNumber;
use ringfence_local::aws::queue::QueueFaults;
use ringfence_local::twilio::{Fate, Script, Verdict};
use serde_json::Value;

use crate::story::{Office, Setting, Story};

/// The error words of an office's calls, by lead.
async fn errors(story: &Story, office: &Office, leads: &[u64]) -> Vec<Value> {
    let answer = story
        .get(office, "/api/outbound/recent-calls?page_size=100")
        .await;
    let items = answer.body["items"].as_array().expect("items");
    let of_lead = |lead: &u64| items.iter().find(|item| item["lead_id"] == *lead);
    leads
        .iter()
        .map(|lead| of_lead(lead).expect("a record")["error"].clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn three_invalid_numbers_hold_up_nobody() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 9).await;
    for number in &numbers[..3] {
        story.twilio.refuse(number.clone(), 21211);
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    assert_eq!(story.truth().live(), 3, "the next three are called at once");
    let end = story.end_of(&office, run, Duration::from_secs(62)).await;
    assert_eq!(
        (&end["failed"], &end["completed"]),
        (&3.into(), &6.into()),
        "{end}"
    );
    assert_eq!(end["status"], "completed");
    let words = errors(&story, &office, &leads[..4]).await;
    assert_eq!(
        words[..3],
        ["invalid_number", "invalid_number", "invalid_number"]
    );
    assert_eq!(words[3], Value::Null);
    assert_eq!(story.assert_promise(3).creates.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_about_one_number_fails_its_lead_only_and_says_why() {
    let refusals = [
        (13224, "invalid_number"),
        (21211, "invalid_number"),
        (21214, "unreachable_number"),
        (21215, "geo_permission"),
        (21216, "blocked_number"),
        (21217, "invalid_number"),
    ];
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let (leads, numbers) = story.import_numbers(&office, 8).await;
    for (number, (code, _)) in numbers.iter().zip(refusals) {
        story.twilio.refuse(number.clone(), code);
    }
    let run = story.start_run(&office, &leads).await;
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!(
        (&end["failed"], &end["completed"]),
        (&6.into(), &2.into()),
        "{end}"
    );
    let words = errors(&story, &office, &leads[..6]).await;
    assert_eq!(words, refusals.map(|(_, word)| word));
    story.assert_promise(2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_configuration_fails_the_run_and_burns_no_more_leads() {
    for code in [20003, 21210] {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 20).await;
        story.twilio.fail_configuration(Some(code));
        let run = story.start_run(&office, &leads).await;
        let end = story.end_of(&office, run, Duration::from_secs(30)).await;
        assert_eq!(end["status"], "failed");
        assert!(
            end["last_error"]
                .as_str()
                .unwrap()
                .contains(&code.to_string()),
            "{end}"
        );
        let creates = story.truth().creates.len();
        assert!((1..=3).contains(&creates), "{creates} requests told it");
        assert_eq!(end["failed"], creates);
        assert_eq!(end["canceled"], 20 - creates);
        assert_eq!(story.active(&office).await, 0);

        story.wait(300).await;
        assert_eq!(
            story.truth().creates.len(),
            creates,
            "a failed run stays failed"
        );
        story.twilio.fail_configuration(None);
        let again = story.start_run(&office, &leads).await;
        let end = story.end_of(&office, again, Duration::from_secs(300)).await;
        assert_eq!(
            end["completed"], 20,
            "once it is right everybody can be called: {end}"
        );
        story.assert_promise(3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_configuration_fails_a_direct_start_and_frees_its_slots() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    story.twilio.fail_configuration(Some(20003));
    let answer = story.start(&office, &leads).await.of_status(502);
    assert_eq!(answer["success"], false);
    assert_eq!(answer["calls"][2]["status"], "failed");
    assert_eq!(answer["calls"][2]["code"], "carrier_authentication_failed");
    assert_eq!(story.active(&office).await, 0);
    assert!(story.truth().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn refused_leads_of_a_direct_start_are_told_one_by_one() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 3).await;
    story.twilio.refuse(numbers[1].clone(), 21211);
    let answer = story.start(&office, &leads).await.of_status(200);
    assert_eq!(answer["message"], "הופעלו 2 שיחות מתוך 3");
    let status = |lead: usize| answer["calls"][lead]["status"].clone();
    assert_eq!(
        [status(0), status(1), status(2)],
        ["initiated", "failed", "initiated"]
    );
    assert_eq!(story.active(&office).await, 2);
    story.twilio.refuse(numbers[0].clone(), 21211);
    story.wait(40).await;
    story.start(&office, &leads[..2]).await.of_status(422);
    assert_eq!(story.active(&office).await, 0);
}

/// Makes the carrier too busy for these numbers, or not any more.
fn busy(story: &Story, numbers: &[PhoneNumber], fate: Option<Fate>) {
    for number in numbers {
        story.twilio.script(
            number.clone(),
            Script {
                fate,
                ..Script::default()
            },
        );
    }
}

/// Starts six leads while the carrier asks to wait. Three seconds later it has time again.
async fn begin_busy(retry_after_seconds: Option<u32>) -> (Story, Office, u64) {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 6).await;
    busy(
        &story,
        &numbers,
        Some(Fate::TooMany {
            retry_after_seconds,
        }),
    );
    let run = story.start_run(&office, &leads).await;
    story.wait(3).await;
    busy(&story, &numbers, None);
    let waiting = story.run(&office, run).await;
    assert_eq!(
        (&waiting["queued"], &waiting["failed"]),
        (&6.into(), &0.into()),
        "{waiting}"
    );
    (story, office, run)
}

/// When the first request and the first call were, and how many requests came to nothing.
fn pause(story: &Story) -> (Duration, usize) {
    let truth = story.truth();
    let (first, called) = (truth.creates[0].arrived, truth.calls[0].accepted);
    let refused = truth
        .creates
        .iter()
        .filter(|create| create.verdict == Verdict::TooMany);
    (called.instant - first.instant, refused.count())
}

#[tokio::test(start_paused = true)]
async fn a_lead_for_which_the_carrier_had_no_time_is_called_after_the_pause_it_asked_for() {
    let (story, office, run) = begin_busy(Some(7)).await;
    assert_eq!(
        story.truth().creates.len(),
        3,
        "no request during the pause"
    );
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!(end["completed"], 6, "{end}");
    let (pause, refused) = pause(&story);
    assert!((7..=9).contains(&pause.as_secs()), "{pause:?}");
    assert_eq!(refused, 3);
    assert_eq!(story.assert_promise(3).calls.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_the_carrier_names_none() {
    let (story, office, run) = begin_busy(None).await;
    let requests = story.truth().creates.len();
    assert!(
        (6..=9).contains(&requests),
        "{requests} requests in three seconds"
    );
    let end = story.end_of(&office, run, Duration::from_secs(120)).await;
    assert_eq!(end["completed"], 6, "{end}");
    let (pause, _) = pause(&story);
    assert!((3..=8).contains(&pause.as_secs()), "{pause:?}");
    assert_eq!(story.assert_promise(3).calls.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_lost_wake_up_after_a_pause_costs_no_more_than_the_time_to_the_next_sweep() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 6).await;
    busy(
        &story,
        &numbers,
        Some(Fate::TooMany {
            retry_after_seconds: Some(5),
        }),
    );
    // A business that has the first wake-up already; only the one after the pause is lost.
    let run = story.start_run(&office, &leads).await;
    story.stack.plan.queue.misbehave(QueueFaults {
        lose: 1.0,
        ..QueueFaults::NONE
    });
    story.wait(20).await;
    assert_eq!(story.truth().creates.len(), 3, "nobody was woken");
    story.stack.plan.queue.misbehave(QueueFaults::NONE);
    busy(&story, &numbers, None);
    let end = story.end_of(&office, run, Duration::from_secs(150)).await;
    assert_eq!(end["completed"], 6, "{end}");
    assert!(pause(&story).0 <= Duration::from_secs(61));
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_cannot_be_reached_costs_no_lead() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 6).await;
    story.twilio.unplug();
    let run = story.start_run(&office, &leads).await;
    story.wait(100).await;
    let waiting = story.run(&office, run).await;
    assert_eq!(
        (&waiting["status"], &waiting["queued"]),
        (&"running".into(), &6.into())
    );
    story.twilio.plug_in();
    let end = story.end_of(&office, run, Duration::from_secs(200)).await;
    assert_eq!(end["completed"], 6, "{end}");
    assert_eq!(story.assert_promise(3).creates.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_cannot_be_reached_fails_a_direct_start_at_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 2).await;
    story.twilio.unplug();
    let answer = story.start(&office, &leads).await.of_status(502);
    assert_eq!(answer["calls"][0]["code"], "carrier_busy");
    assert_eq!(story.active(&office).await, 0);
    story.twilio.plug_in();
    story.start(&office, &leads).await.of_status(200);
    assert_eq!(story.assert_promise(3).calls.len(), 2);
}
