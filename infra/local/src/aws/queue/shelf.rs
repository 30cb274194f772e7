//! The messages of a queue, with time as an argument.
//!
//! Every message has exactly one entry in the order in which messages fall due; to hide a message,
//! to delay it and to give it back is only to move that entry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use ringfence_core::time::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::error::SqsError;
use super::faults::{QueueFaults, Struck};
use crate::clock::Clock;

/// Everything that a queue holds.
#[derive(Debug)]
pub(super) struct Shelf {
    messages: BTreeMap<u64, Message>,
    /// When each message can next be received, and which it is.
    due: BTreeSet<(Instant, u64)>,
    next_serial: u64,
    receives_max: u32,
    clock: Clock,
    faults: QueueFaults,
    struck: Struck,
    rng: Rng,
}

#[derive(Debug)]
struct Message {
    id: String,
    body: String,
    sent_at: Timestamp,
    first_received_at: Option<Timestamp>,
    receive_count: u32,
    due_at: Instant,
}

/// A message that was received too often. It keeps its id and the date of its sending:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>
#[derive(Debug)]
pub(super) struct GivenUp(Message);

/// A message as a receiver gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    pub message_id: String,
    pub body: String,
    /// Good for this receive only.
    pub receipt: String,
    /// From 1.
    pub receive_count: u32,
    pub sent_at: Timestamp,
    pub first_received_at: Timestamp,
}

/// How many messages there are, by what keeps them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be received.
    pub visible: u32,
    /// Received and not yet deleted, or given back.
    pub in_flight: u32,
    /// Sent, and not yet ready.
    pub delayed: u32,
    /// Given up on.
    pub dead: u32,
}

/// The error for a message that is gone, or not with the caller.
const NOT_YOURS: &str = "Message does not exist or is not available for visibility timeout change.";

impl Shelf {
    pub(super) fn new(receives_max: u32, clock: Clock) -> Self {
        Self {
            messages: BTreeMap::new(),
            due: BTreeSet::new(),
            next_serial: 0,
            receives_max,
            clock,
            faults: QueueFaults::NONE,
            struck: Struck::default(),
            rng: Rng::with_seed(0),
        }
    }

    pub(super) fn misbehave(&mut self, faults: QueueFaults) {
        self.faults = faults;
        self.struck = Struck::default();
        self.rng = Rng::with_seed(faults.seed);
    }

    /// Whether the send that has just come is refused.
    pub(super) fn refuses(&mut self) -> bool {
        let is_refused = self.strikes(self.faults.refuse);
        self.struck.refused += u32::from(is_refused);
        is_refused
    }

    /// Stores a message, if nothing goes wrong; either way its sender gets an id for it.
    pub(super) fn put(&mut self, now: Instant, body: String, delay: Duration) -> String {
        let id = Uuid::new_v4().to_string();
        if self.strikes(self.faults.lose) {
            self.struck.lost += 1;
            return id;
        }
        if self.strikes(self.faults.double) {
            self.struck.doubled += 1;
            self.store(now, id.clone(), body.clone(), delay);
        }
        self.store(now, id.clone(), body, delay);
        id
    }

    fn store(&mut self, now: Instant, id: String, body: String, delay: Duration) {
        let mut due_at = now + delay;
        if self.strikes(self.faults.delay) {
            self.struck.delayed += 1;
            due_at += self.faults.delay_max.mul_f64(self.rng.f64());
        }
        self.shelve(Message {
            id,
            body,
            sent_at: self.clock.at(now),
            first_received_at: None,
            receive_count: 0,
            due_at,
        });
    }

    fn shelve(&mut self, message: Message) {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.due.insert((message.due_at, serial));
        self.messages.insert(serial, message);
    }

    /// Takes in what another queue has given up on.
    pub(super) fn take_in(&mut self, now: Instant, given_up: Vec<GivenUp>) {
        for GivenUp(message) in given_up {
            self.shelve(Message {
                first_received_at: None,
                receive_count: 0,
                due_at: now,
                ..message
            });
        }
    }

    fn strikes(&mut self, share: f64) -> bool {
        share > 0.0 && self.rng.f64() < share
    }

    /// Takes up to `max` messages that are due, longest due first, and hides each for `visibility`.
    ///
    /// One that has been received often enough is given up on instead.
    pub(super) fn take(
        &mut self,
        now: Instant,
        max: usize,
        visibility: Duration,
    ) -> (Vec<Received>, Vec<GivenUp>) {
        let (mut taken, mut given_up) = (Vec::new(), Vec::new());
        // Each round takes one entry out. They go back only after all are picked, or a visibility
        // of zero would hand out a message twice in one receive.
        let mut hidden = Vec::new();
        while taken.len() < max
            && let Some(entry) = self.due.first().copied()
            && entry.0 <= now
        {
            self.due.remove(&entry);
            let serial = entry.1;
            let message = self
                .messages
                .get_mut(&serial)
                .expect("every entry has its message");
            if message.receive_count >= self.receives_max {
                given_up.extend(self.messages.remove(&serial).map(GivenUp));
                continue;
            }
            let received_at = self.clock.at(now);
            message.receive_count += 1;
            message.due_at = now + visibility;
            hidden.push((message.due_at, serial));
            taken.push(Received {
                message_id: message.id.clone(),
                body: message.body.clone(),
                receipt: format!("{serial}-{}", message.receive_count),
                receive_count: message.receive_count,
                sent_at: message.sent_at,
                first_received_at: *message.first_received_at.get_or_insert(received_at),
            });
        }
        self.due.extend(hidden);
        (taken, given_up)
    }

    /// When the next message falls due, or has.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due_at, _)| *due_at)
    }

    /// Deletes the message if the receipt is of its latest receive, and otherwise does nothing.
    pub(super) fn delete(&mut self, receipt: &str) -> Result<(), SqsError> {
        let (serial, receive_count) = read_receipt(receipt)?;
        if self
            .messages
            .get(&serial)
            .is_some_and(|known| known.receive_count == receive_count)
        {
            let message = self
                .messages
                .remove(&serial)
                .expect("it has just been found");
            self.due.remove(&(message.due_at, serial));
        }
        Ok(())
    }

    /// Makes a message in flight fall due after `visibility` from now.
    pub(super) fn change_visibility(
        &mut self,
        now: Instant,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), SqsError> {
        let (serial, receive_count) = read_receipt(receipt)?;
        let message = self.messages.get_mut(&serial);
        let Some(message) = message.filter(|message| message.receive_count == receive_count) else {
            return Err(SqsError::invalid(NOT_YOURS));
        };
        if message.due_at <= now {
            return Err(SqsError::MESSAGE_NOT_IN_FLIGHT);
        }
        self.due.remove(&(message.due_at, serial));
        message.due_at = now + visibility;
        self.due.insert((message.due_at, serial));
        Ok(())
    }

    pub(super) fn depth(&self, now: Instant) -> Depth {
        let mut depth = Depth::default();
        for message in self.messages.values() {
            let place = if message.due_at <= now {
                &mut depth.visible
            } else if message.receive_count == 0 {
                &mut depth.delayed
            } else {
                &mut depth.in_flight
            };
            *place += 1;
        }
        depth
    }

    pub(super) const fn struck(&self) -> Struck {
        self.struck
    }

    /// How many messages there are, whatever keeps them.
    pub(super) fn count(&self) -> u32 {
        count(self.messages.len())
    }

    /// The bodies of all messages, oldest first.
    pub(super) fn bodies(&self) -> Vec<String> {
        let messages = self.messages.values();
        messages.map(|message| message.body.clone()).collect()
    }
}

/// A receipt is the message's serial number and which of its receives it stands for.
fn read_receipt(receipt: &str) -> Result<(u64, u32), SqsError> {
    let parts = receipt.split_once('-');
    parts
        .and_then(|(serial, receive)| Some((serial.parse().ok()?, receive.parse().ok()?)))
        .ok_or(SqsError::RECEIPT_INVALID)
}

fn count(messages: usize) -> u32 {
    u32::try_from(messages).expect("so many messages do not fit in memory")
}

/// A body may hold a phone number.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("message_id", &self.message_id)
            .field("receive_count", &self.receive_count)
            .finish_non_exhaustive()
    }
}
