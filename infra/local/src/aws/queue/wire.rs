//! Answers SQS's JSON protocol from the queue.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, Uri};
use md5::{Digest, Md5};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::error::SqsError;
use super::requests::{
    Addressed, Batch, ChangeMessageVisibility, GetQueueAttributes, GetQueueUrl, Outgoing, Receipt,
    ReceiveMessage,
};
use super::{BATCH_MAX, BODY_BYTES_MAX, DELAY_MAX, Queue, Received, path};
use crate::aws::connector::{REGION, reply};

/// The longest that a message can be hidden, SQS's limit: twelve hours.
const VISIBILITY_SECONDS_MAX: u64 = 43_200;

/// The longest that a receive can wait, SQS's limit.
const WAIT_SECONDS_MAX: u64 = 20;

pub(super) async fn answer(queue: &Queue, operation: &str, body: &[u8]) -> Response<Bytes> {
    match carry_out(queue, operation, body).await {
        Ok(answer) => reply(StatusCode::OK, answer.to_string()),
        Err(error) => error.response(),
    }
}

async fn carry_out(queue: &Queue, operation: &str, body: &[u8]) -> Result<Value, SqsError> {
    if operation == "GetQueueUrl" {
        let wanted: GetQueueUrl = read(body)?;
        return if wanted.queue_name == queue.0.settings.name {
            Ok(json!({ "QueueUrl": queue.url() }))
        } else {
            Err(SqsError::QUEUE_DOES_NOT_EXIST)
        };
    }
    if named(body)? != path(&queue.0.settings.name) {
        return Err(SqsError::QUEUE_DOES_NOT_EXIST);
    }
    match operation {
        "SendMessage" => send(queue, read(body)?),
        "SendMessageBatch" => send_batch(queue, read(body)?),
        "ReceiveMessage" => receive(queue, read(body)?).await,
        "DeleteMessage" => {
            let message: Receipt = read(body)?;
            queue
                .shelf()
                .delete(&message.receipt_handle)
                .map(|()| json!({}))
        }
        "DeleteMessageBatch" => delete_batch(queue, read(body)?),
        "ChangeMessageVisibility" => change_visibility(queue, &read(body)?),
        "GetQueueAttributes" => Ok(attributes(queue, &read(body)?)),
        _ => Err(SqsError::UNSUPPORTED),
    }
}

/// The path of the queue that a request names: by another host it is the same queue.
pub(super) fn named(body: &[u8]) -> Result<String, SqsError> {
    let addressed: Addressed = read(body)?;
    let url: Uri = addressed
        .queue_url
        .parse()
        .map_err(|_| SqsError::QUEUE_DOES_NOT_EXIST)?;
    Ok(url.path().to_owned())
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|error| SqsError::invalid(error.to_string()))
}

fn send(queue: &Queue, message: Outgoing) -> Result<Value, SqsError> {
    let delay = inspect(&message)?;
    if queue.shelf().refuses() {
        return Err(SqsError::UNAVAILABLE);
    }
    Ok(store(queue, message.message_body, delay))
}

fn send_batch(queue: &Queue, batch: Batch<Outgoing>) -> Result<Value, SqsError> {
    check_batch(&batch)?;
    let bytes: usize = batch
        .entries
        .iter()
        .map(|entry| entry.content.message_body.len())
        .sum();
    if bytes > BODY_BYTES_MAX {
        return Err(SqsError::BATCH_TOO_LONG);
    }
    if queue.shelf().refuses() {
        return Err(SqsError::UNAVAILABLE);
    }
    Ok(each(batch, |message| {
        let delay = inspect(&message)?;
        Ok(store(queue, message.message_body, delay))
    }))
}

/// The message's delay, if SQS would accept the message.
fn inspect(message: &Outgoing) -> Result<Duration, SqsError> {
    if !message.message_attributes.is_empty() {
        return Err(SqsError::UNSUPPORTED);
    }
    let body = &message.message_body;
    if body.is_empty() || body.len() > BODY_BYTES_MAX {
        return Err(SqsError::invalid(
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes and not empty.",
        ));
    }
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if !body.chars().all(is_allowed) {
        return Err(SqsError::CONTENTS_INVALID);
    }
    seconds(
        "DelaySeconds",
        message.delay_seconds,
        0..=DELAY_MAX.as_secs(),
    )
}

fn store(queue: &Queue, body: String, delay: Duration) -> Value {
    let md5 = md5_hex(&body);
    json!({ "MessageId": queue.put(body, delay), "MD5OfMessageBody": md5 })
}

async fn receive(queue: &Queue, request: ReceiveMessage) -> Result<Value, SqsError> {
    let max = match usize::try_from(request.max_number_of_messages.unwrap_or(1)) {
        Ok(max @ 1..=BATCH_MAX) => max,
        Ok(_) | Err(_) => {
            return Err(SqsError::invalid(
                "MaxNumberOfMessages must be from 1 to 10",
            ));
        }
    };
    let wait = seconds(
        "WaitTimeSeconds",
        request.wait_time_seconds,
        0..=WAIT_SECONDS_MAX,
    )?;
    let visibility = request
        .visibility_timeout
        .map(|timeout| seconds("VisibilityTimeout", timeout, 0..=VISIBILITY_SECONDS_MAX))
        .transpose()?;
    let mut wanted = request.attribute_names;
    wanted.extend(request.message_system_attribute_names);

    let taken = queue.collect(max, wait, visibility).await;
    if taken.is_empty() {
        return Ok(json!({}));
    }
    let messages: Vec<_> = taken
        .iter()
        .map(|message| incoming(message, &wanted))
        .collect();
    Ok(json!({ "Messages": messages }))
}

fn incoming(message: &Received, wanted: &[String]) -> Value {
    let attributes = select(
        wanted,
        [
            ("ApproximateReceiveCount", message.receive_count.to_string()),
            ("SentTimestamp", message.sent_at.as_millis().to_string()),
            (
                "ApproximateFirstReceiveTimestamp",
                message.first_received_at.as_millis().to_string(),
            ),
        ],
    );
    json!({
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": md5_hex(&message.body),
        "Body": message.body,
        "Attributes": attributes,
    })
}

fn delete_batch(queue: &Queue, batch: Batch<Receipt>) -> Result<Value, SqsError> {
    check_batch(&batch)?;
    Ok(each(batch, |message| {
        queue
            .shelf()
            .delete(&message.receipt_handle)
            .map(|()| json!({}))
    }))
}

fn change_visibility(queue: &Queue, request: &ChangeMessageVisibility) -> Result<Value, SqsError> {
    let visibility = seconds(
        "VisibilityTimeout",
        request.visibility_timeout,
        0..=VISIBILITY_SECONDS_MAX,
    )?;
    queue
        .reschedule(&request.receipt_handle, visibility)
        .map(|()| json!({}))
}

fn attributes(queue: &Queue, request: &GetQueueAttributes) -> Value {
    let depth = queue.shelf().depth(Instant::now());
    let settings = &queue.0.settings;
    let redrive = queue.0.dead_letters.as_ref().map(|dead| {
        let arn = arn(&dead.0.settings.name);
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": settings.receives_max }).to_string()
    });
    let all = [
        ("ApproximateNumberOfMessages", depth.visible.to_string()),
        (
            "ApproximateNumberOfMessagesNotVisible",
            depth.in_flight.to_string(),
        ),
        (
            "ApproximateNumberOfMessagesDelayed",
            depth.delayed.to_string(),
        ),
        (
            "VisibilityTimeout",
            settings.visibility_timeout.as_secs().to_string(),
        ),
        ("QueueArn", arn(&settings.name)),
    ];
    let redrive = redrive.map(|redrive| ("RedrivePolicy", redrive));
    let all = all.into_iter().chain(redrive);
    json!({ "Attributes": select(&request.attribute_names, all) })
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:000000000000:{name}")
}

/// The attributes that were asked for by name, or by `All`.
fn select(
    wanted: &[String],
    all: impl IntoIterator<Item = (&'static str, String)>,
) -> Map<String, Value> {
    let is_wanted = |name: &str| wanted.iter().any(|wish| wish == "All" || wish == name);
    let chosen = all.into_iter().filter(|(name, _)| is_wanted(name));
    chosen
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

fn check_batch<T>(batch: &Batch<T>) -> Result<(), SqsError> {
    let ids: BTreeSet<_> = batch.entries.iter().map(|entry| &entry.id).collect();
    match batch.entries.len() {
        0 => Err(SqsError::BATCH_EMPTY),
        1..=BATCH_MAX if ids.len() == batch.entries.len() => Ok(()),
        1..=BATCH_MAX => Err(SqsError::BATCH_IDS_NOT_DISTINCT),
        _ => Err(SqsError::BATCH_TOO_LARGE),
    }
}

/// Does the same to each entry of a batch; one that is refused does not stop the others.
fn each<T>(batch: Batch<T>, mut act: impl FnMut(T) -> Result<Value, SqsError>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in batch.entries {
        match act(entry.content) {
            Ok(mut answer) => {
                answer["Id"] = entry.id.into();
                successful.push(answer);
            }
            Err(error) => failed.push(json!({
                "Id": entry.id,
                "Code": error.code(),
                "Message": error.to_string(),
                "SenderFault": true,
            })),
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}

fn seconds(name: &str, value: i64, bounds: RangeInclusive<u64>) -> Result<Duration, SqsError> {
    match u64::try_from(value) {
        Ok(seconds) if bounds.contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err(SqsError::invalid(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {} and {}.",
            bounds.start(),
            bounds.end(),
        ))),
    }
}

fn md5_hex(body: &str) -> String {
    Md5::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
