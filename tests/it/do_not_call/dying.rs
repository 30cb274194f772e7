//! Additions whose process dies: whoever asks again is told only once they hold.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use ringfence_local::aws::objects::BUCKET;
use ringfence_local::aws::trap::{CrashPoint, Side};
use ringfence_local::environment::Environment;
use ringfence_local::event::{lambda_request, payload};
use serde_json::{Value, json};

use super::{PATH, add};
use crate::story::{Office, Setting, Story};

/// Adds a number as a process that dies at `crash`, and says whether it did.
async fn add_and_die(story: &Story, office: &Office, body: &Value, crash: CrashPoint) -> bool {
    let process = Environment::start(&story.stack.plan);
    process.trap.arm(crash);
    let objects = story.stack.plan.objects.client_with(&process.trap);
    let store = leads::store::Store::new(&objects, BUCKET);
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(PATH)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("the story is well-formed");
    let now = (story.stack.plan.clock)();
    let context = json!({ "role": "admin", "key_id": "k", "business": office.id.as_str() });
    let payload = payload(&request, &format!("POST {PATH}"), context.as_object(), now);
    let event = lambda_request(&payload.expect("the story is well-formed"));
    let event = event.expect("the story is well-formed");
    tokio::select! {
        _ = leads::handle(&process.world, &store, 5_000, now, event) => false,
        () = process.trap.sprung() => true,
    }
}

#[tokio::test(start_paused = true)]
async fn an_addition_that_died_anywhere_holds_once_a_repeat_is_answered() {
    let mut story = Setting::plain().begin().await;
    let mut deaths = 0;
    for nth in 1..100 {
        let mut died = false;
        for side in [Side::Before, Side::After] {
            let office = story.open(3).await;
            let (leads, numbers) = story.import_numbers(&office, 1).await;
            let number = numbers[0].expose();
            let body = json!({ "phone": number });
            if !add_and_die(&story, &office, &body, CrashPoint { nth, side }).await {
                continue;
            }
            died = true;
            deaths += 1;
            let [added, known, _] = add(&story, &office, &[number]).await;
            assert_eq!(added + known, 1, "{nth} {side:?}");
            let run = story.start_run(&office, &leads).await;
            let end = story.end_of(&office, run, Duration::from_secs(60)).await;
            assert_eq!(end["failed"], 1, "{nth} {side:?}: {end}");
        }
        if !died {
            break;
        }
    }
    assert!(deaths > 8, "{deaths}");
    assert_eq!(story.truth().creates.len(), 0);
}
