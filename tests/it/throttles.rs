//! Floods: how much the doors take, what they say beyond it, and that a forged callback
//! costs next to nothing.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Method, StatusCode};
use ringfence_carrier::signature::sign;
use ringfence_local::doors::{Doors, Throttle, WEBHOOK_CONCURRENCY};
use serde_json::Value;

use crate::signatures::Line;
use crate::story::{Answer, Office, Setting, Story};

const COUNTS: &str = "/api/outbound_calls/counts";

async fn throttled(burst: u32, rate: u32) -> (Story, Office) {
    let throttle = Some(Throttle { burst, rate });
    let doors = Doors {
        throttle,
        ..Doors::PLAIN
    };
    let mut story = Setting {
        doors,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    (story, office)
}

/// How many of so many requests at once are answered.
async fn answered(story: &Story, office: &Office, path: &str, asked: u32) -> u32 {
    let mut answered = 0;
    for _ in 0..asked {
        let answer = story.get(office, path).await;
        if answer.status == 200 {
            answered += 1;
        } else {
            answer.assert_refused(429, "too_many_requests");
        }
    }
    answered
}

#[tokio::test(start_paused = true)]
async fn a_route_takes_its_burst_and_then_its_rate() {
    let (story, office) = throttled(20, 10).await;
    assert_eq!(answered(&story, &office, COUNTS, 30).await, 20);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(answered(&story, &office, COUNTS, 30).await, 5);
    story.wait(60).await;
    assert_eq!(answered(&story, &office, COUNTS, 30).await, 20);
}

#[tokio::test(start_paused = true)]
async fn a_flooded_route_leaves_the_others_and_the_webhook_alone() {
    let (mut story, office) = throttled(5, 1).await;
    let leads = story.import(&office, 3).await;
    story.start(&office, &leads).await.of_status(200);
    assert_eq!(answered(&story, &office, "/api/outbound/runs", 50).await, 5);
    story.wait(32).await;
    assert_eq!(story.active(&office).await, 0, "the reports came through");
}

#[tokio::test(start_paused = true)]
async fn a_refused_flood_says_when_to_come_again_and_reads_no_key() {
    let (story, office) = throttled(1, 1).await;
    story.get(&office, COUNTS).await.of_status(200);
    let requests = || story.stack.gateway.api_meter.snapshot().requests;
    let before = requests();
    let answer: Answer = story.get(&office, COUNTS).await;
    answer.assert_refused(429, "too_many_requests");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.body["retry_after"], 1);
    assert_eq!(requests(), before);
}

#[tokio::test(start_paused = true)]
async fn callbacks_beyond_their_share_are_turned_away() {
    let doors = Doors {
        webhook_concurrency: WEBHOOK_CONCURRENCY,
        ..Doors::PLAIN
    };
    let line = Line::open(Setting {
        doors,
        ..Setting::plain()
    })
    .await;
    // What the carrier itself asks when the call is answered takes a place too.
    line.story.wait(60).await;
    let (url, form) = (&line.url, line.form("in-progress"));
    let signature = sign(&line.token, url, &form);
    let tell = || line.tell(url, &form, Some(&signature));
    for beyond in [0, 1, 25, 0] {
        let at_once = (0..WEBHOOK_CONCURRENCY + beyond).map(|_| tell());
        let told = join_all(at_once).await;
        let count = |status: StatusCode| told.iter().filter(|it| **it == status).count();
        // Whoever came too late has taken nobody's place, and the places come back.
        assert_eq!(count(StatusCode::NO_CONTENT), WEBHOOK_CONCURRENCY);
        assert_eq!(count(StatusCode::TOO_MANY_REQUESTS), beyond);
    }
    assert_eq!(tell().await, StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn a_forged_oversized_or_truncated_callback_costs_no_read_and_no_message() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    story.wait(1).await;
    let dynamo = story.stack.plan.dynamo.meter().clone();
    let before = dynamo.snapshot().requests;
    let large = Bytes::from(vec![b'a'; 64 * 1024 + 1]);
    let largest = Bytes::from(vec![b'a'; 64 * 1024]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let path = format!("/webhook/call_status?b={}&c=x&l=1", office.id);
    for (body, status) in [
        (large, 413),
        (largest, 403),
        (Bytes::from_static(b"CallSid=CA&CallStatus=completed"), 403),
        (Bytes::from_static(b"CallSid=%"), 403),
        (Bytes::from_static(b"\xff\xfe"), 403),
        (Bytes::new(), 403),
    ] {
        let answer = story.send_with(Method::POST, &path, &form, body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.body["success"], Value::Bool(false));
    }
    // A message would make somebody read the state.
    story.wait(5).await;
    assert_eq!(dynamo.snapshot().requests, before);
}
