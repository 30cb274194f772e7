//! A queue and its dead-letter queue behind one address, as SQS has all of an account's.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::error::SqsError;
use super::requests::{GetQueueUrl, ListQueues};
use super::{Queue, path, wire};
use crate::aws::connector::{Service, reply};

/// The queues that are reached at one address.
#[derive(Debug, Clone)]
pub struct Queues {
    origin: String,
    queues: Vec<Queue>,
}

impl Queues {
    /// `queue` and its dead-letter queue, reached at `origin`, such as `http://127.0.0.1:9324`.
    pub fn new(queue: &Queue, origin: impl Into<String>) -> Self {
        let dead_letters = queue.dead_letter_queue().cloned();
        Self {
            origin: origin.into(),
            queues: std::iter::once(queue.clone()).chain(dead_letters).collect(),
        }
    }

    /// The address by which requests name a queue of these.
    pub fn url(&self, queue: &Queue) -> String {
        format!("{}{}", self.origin, path(&queue.0.settings.name))
    }

    /// Answers one request, given its `x-amz-target` and its JSON body.
    pub async fn handle(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        let operation = target.strip_prefix("AmazonSQS.").unwrap_or(target);
        let answer = match operation {
            "ListQueues" => self.list(body),
            "GetQueueUrl" => self.find(body),
            _ => match self.addressed(body) {
                Ok(queue) => return queue.handle(target, body).await,
                Err(error) => Err(error),
            },
        };
        match answer {
            Ok(answer) => reply(StatusCode::OK, answer.to_string()),
            Err(error) => error.response(),
        }
    }

    fn list(&self, body: &[u8]) -> Result<Value, SqsError> {
        let ListQueues { queue_name_prefix } = wire::read(body)?;
        let is_wanted = |queue: &&Queue| queue.0.settings.name.starts_with(&queue_name_prefix);
        let wanted = self.queues.iter().filter(is_wanted);
        let urls: Vec<String> = wanted.map(|queue| self.url(queue)).collect();
        Ok(json!({ "QueueUrls": urls }))
    }

    fn find(&self, body: &[u8]) -> Result<Value, SqsError> {
        let GetQueueUrl { queue_name } = wire::read(body)?;
        let mut queues = self.queues.iter();
        let queue = queues.find(|queue| queue.0.settings.name == queue_name);
        let queue = queue.ok_or(SqsError::QUEUE_DOES_NOT_EXIST)?;
        Ok(json!({ "QueueUrl": self.url(queue) }))
    }

    fn addressed(&self, body: &[u8]) -> Result<&Queue, SqsError> {
        let named = wire::named(body)?;
        let mut queues = self.queues.iter();
        queues
            .find(|queue| path(&queue.0.settings.name) == named)
            .ok_or(SqsError::QUEUE_DOES_NOT_EXIST)
    }
}

impl Service for Queues {
    async fn answer(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        self.handle(target, body).await
    }
}
