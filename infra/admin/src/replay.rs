//! Puts the messages of the dead-letter queue back, each at most once.
//!
//! A message is sent before it is deleted: a crash in between doubles it, which is harmless.
//! One that comes back meanwhile is known by its id, and stays where it is. One that no
//! function could read stays too, for somebody to look at.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aws_sdk_sqs::types::Message as Received;
use ringfence_shell::message::Message;
use serde_json::json;

use crate::command::Replay;
use crate::target::Place;
use crate::terminal::{answer, confirm};

/// How long a message is hidden from others while it is put back, in seconds: longer than a
/// replay lasts, so that one which stays is met once. At the end it can be seen again.
const HIDDEN_SECONDS: i32 = 900;

/// The most that SQS hands over at once.
const BATCH: i32 = 10;

/// SQS may have messages and hand over none; so many empty answers running mean that it has none.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html>
const EMPTY_MAX: u32 = 2;

/// How long one receive waits, in seconds.
const WAIT_SECONDS: i32 = 1;

/// What became of the messages.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    replayed: u32,
    unreadable: u32,
    came_back: u32,
}

pub(crate) async fn replay(place: &Place, wish: Replay) -> Result<()> {
    let dead = place.dead_letter_queue_url.as_deref();
    let dead = dead.context("no dead-letter queue: give --stack or --dead-letter-queue-url")?;
    confirm("this has every dead letter worked on again", wish.yes)?;
    let tally = put_back(&place.sqs, dead, &place.queue_url, wish.max).await?;
    let Tally {
        replayed,
        unreadable,
        came_back,
    } = tally;
    let line = json!({ "replayed": replayed, "unreadable": unreadable, "came_back": came_back });
    answer(&line.to_string())
}

async fn put_back(
    client: &aws_sdk_sqs::Client,
    dead: &str,
    queue: &str,
    max: u32,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut sent, mut left_there) = (BTreeSet::new(), Vec::new());
    let mut empty = 0;
    // Bounded: each round receives messages that are then hidden or gone, or is empty.
    while tally.replayed + tally.unreadable + tally.came_back < max && empty < EMPTY_MAX {
        let left = max - tally.replayed - tally.unreadable - tally.came_back;
        let received = client
            .receive_message()
            .queue_url(dead)
            .max_number_of_messages(i32::try_from(left).unwrap_or(BATCH).min(BATCH))
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .send()
            .await
            .context("failed to receive dead letters")?;
        empty = if received.messages().is_empty() {
            empty + 1
        } else {
            0
        };
        for message in received.messages() {
            if message.message_id().is_some_and(|id| sent.contains(id)) {
                tally.came_back += 1;
                left_there.push(message.receipt_handle.clone());
                continue;
            }
            let body = message.body().unwrap_or_default();
            if Message::parse(body).is_err() {
                tally.unreadable += 1;
                left_there.push(message.receipt_handle.clone());
                continue;
            }
            sent.extend(send(client, queue, body).await?);
            delete(client, dead, message).await?;
            tally.replayed += 1;
        }
    }
    for receipt in left_there {
        let show = client.change_message_visibility().queue_url(dead);
        let show = show.set_receipt_handle(receipt).visibility_timeout(0);
        show.send().await.context("failed to leave a dead letter")?;
    }
    Ok(tally)
}

async fn send(client: &aws_sdk_sqs::Client, queue: &str, body: &str) -> Result<Option<String>> {
    let send = client.send_message().queue_url(queue).message_body(body);
    let sent = send.send().await.context("failed to put a message back")?;
    Ok(sent.message_id)
}

async fn delete(client: &aws_sdk_sqs::Client, dead: &str, message: &Received) -> Result<()> {
    client
        .delete_message()
        .queue_url(dead)
        .set_receipt_handle(message.receipt_handle.clone())
        .send()
        .await
        .context("failed to delete a dead letter that was put back")?;
    Ok(())
}
