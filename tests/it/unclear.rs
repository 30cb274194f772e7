//! Unclear creates: a phone may be ringing, so the slot is kept and nobody dials again.

use std::time::Duration;

use ringfence_local::twilio::{Ending, Fate, Faults, Script, Silence};

use crate::story::Setting;

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
    assert_eq!(
        story.truth().live(),
        usize::try_from(limit).expect("it fits")
    );
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
        let record = story.record(&office, *lead).await;
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
        assert_eq!(story.record(&office, lead).await["error"], "unconfirmed");
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
    assert_eq!(story.record(&office, leads[0]).await["status"], "completed");
    assert_eq!(story.assert_promise(3).calls.len(), 2);
}
