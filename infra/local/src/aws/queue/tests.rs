//! When messages are seen, and by whom.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use futures::future::join;
use ringfence_core::time::Timestamp;
use tokio::time::{advance, sleep};

use super::*;
use crate::aws::trap::{CrashPoint, Side};

mod failures;
mod sdk;

const VISIBILITY: Duration = Duration::from_secs(30);

const NO_WAIT: Duration = Duration::ZERO;

fn queue() -> Queue {
    let settings = QueueSettings {
        name: "wake-ups".to_owned(),
        visibility_timeout: VISIBILITY,
        receives_max: 3,
    };
    Queue::new(settings, Clock::starting_at(Timestamp::from_millis(1_000)))
}

async fn send(queue: &Queue, body: &str) -> String {
    let request = queue
        .client()
        .send_message()
        .queue_url(queue.url())
        .message_body(body);
    request.send().await.unwrap().message_id.unwrap()
}

async fn send_late(queue: &Queue, body: &str, delay_seconds: i32) {
    let request = queue
        .client()
        .send_message()
        .queue_url(queue.url())
        .message_body(body);
    request.delay_seconds(delay_seconds).send().await.unwrap();
}

/// The one message there is.
#[track_caller]
fn only(mut messages: Vec<Received>) -> Received {
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

fn bodies(messages: &[Received]) -> BTreeSet<&str> {
    messages
        .iter()
        .map(|message| message.body.as_str())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_is_hidden_while_it_is_in_flight_and_comes_back_if_it_is_not_deleted() {
    let queue = queue();
    let id = send(&queue, "hello").await;

    let first = only(queue.receive(10, NO_WAIT, None).await);
    assert_eq!((&first.message_id, first.receive_count), (&id, 1));
    advance(VISIBILITY - Duration::from_secs(1)).await;
    assert_eq!(queue.receive(10, NO_WAIT, None).await, []);
    advance(Duration::from_secs(1)).await;
    let second = only(queue.receive(10, NO_WAIT, None).await);
    assert_eq!((&second.message_id, second.receive_count), (&id, 2));
    assert_ne!(first.receipt, second.receipt);

    queue.delete(&[&first.receipt]);
    assert_eq!(
        queue.depth().in_flight,
        1,
        "an old receipt deleted a message"
    );
    queue.delete(&[&second.receipt]);
    assert_eq!(queue.depth(), Depth::default());
}

#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_becomes_a_dead_letter() {
    let queue = queue();
    send(&queue, "poison").await;
    for receive_count in 1..=3 {
        let message = only(queue.receive(1, NO_WAIT, Some(Duration::ZERO)).await);
        assert_eq!(message.receive_count, receive_count);
        assert_eq!(queue.dead_letters(), [""; 0]);
    }
    assert_eq!(queue.receive(1, NO_WAIT, None).await, []);
    assert_eq!(queue.dead_letters(), ["poison"]);
    assert_eq!(
        queue.depth(),
        Depth {
            dead: 1,
            ..Depth::default()
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_is_not_seen_before_its_time() {
    let queue = queue();
    send_late(&queue, "later", 900).await;
    send(&queue, "now").await;
    assert_eq!(
        queue.depth(),
        Depth {
            visible: 1,
            delayed: 1,
            ..Depth::default()
        }
    );
    assert_eq!(
        bodies(&queue.receive(10, NO_WAIT, None).await),
        ["now"].into()
    );

    let start = Instant::now();
    let prompt = only(queue.receive(10, Duration::from_secs(901), None).await);
    assert_eq!((prompt.body.as_str(), start.elapsed()), ("now", VISIBILITY));
    queue.delete(&[prompt.receipt]);
    let late = only(queue.receive(10, Duration::from_secs(901), None).await);
    assert_eq!(
        (late.body.as_str(), start.elapsed()),
        ("later", Duration::from_secs(900))
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_receiver_gets_a_message_at_the_moment_it_is_sent() {
    let queue = queue();
    let start = Instant::now();
    let receiver = queue.receive(10, Duration::from_secs(20), None);
    let sender = async {
        sleep(Duration::from_secs(7)).await;
        send(&queue, "hello").await;
    };
    let (received, ()) = join(receiver, sender).await;
    assert_eq!(only(received).body, "hello");
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_waits_in_vain_stops_at_its_deadline() {
    let queue = queue();
    let start = Instant::now();
    assert_eq!(queue.receive(10, Duration::from_secs(20), None).await, []);
    assert_eq!(start.elapsed(), Duration::from_secs(20));
    let usage = queue.meter().snapshot();
    assert_eq!((usage.requests, usage.empty_receives), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_given_back_wakes_a_waiting_receiver() {
    let queue = queue();
    send(&queue, "hello").await;
    let held = only(queue.receive(1, NO_WAIT, None).await);
    let start = Instant::now();
    let receiver = queue.receive(1, Duration::from_secs(20), None);
    let giver = async {
        sleep(Duration::from_secs(2)).await;
        queue
            .change_visibility(&held.receipt, Duration::ZERO)
            .unwrap();
    };
    let (received, ()) = join(receiver, giver).await;
    assert_eq!(only(received).receive_count, 2);
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn one_receive_never_hands_out_a_message_twice() {
    let queue = queue();
    for body in ["a", "b", "c"] {
        send(&queue, body).await;
    }
    let all = queue.receive(10, NO_WAIT, Some(Duration::ZERO)).await;
    assert_eq!(all.len(), 3);
    assert_eq!(bodies(&all), ["a", "b", "c"].into());
    assert_eq!(queue.receive(2, NO_WAIT, None).await.len(), 2);
}
