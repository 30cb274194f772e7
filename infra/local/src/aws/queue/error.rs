//! The ways in which SQS refuses a request.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode};
use serde_json::json;

use crate::aws::connector::reply;

/// A refusal, with the two names that SQS has for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsError {
    /// The name in the JSON protocol.
    shape: &'static str,
    /// The name in the query protocol, which the SDK goes by where the two differ.
    code: &'static str,
    message: Cow<'static, str>,
}

impl SqsError {
    pub(super) const QUEUE_DOES_NOT_EXIST: Self = Self::named(
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    );
    pub(super) const MESSAGE_NOT_IN_FLIGHT: Self = Self::named(
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "The message referred to is not in flight.",
    );
    pub(super) const RECEIPT_INVALID: Self = Self::named(
        "ReceiptHandleIsInvalid",
        "ReceiptHandleIsInvalid",
        "The input receipt handle is invalid.",
    );
    pub(super) const CONTENTS_INVALID: Self = Self::named(
        "InvalidMessageContents",
        "InvalidMessageContents",
        "Invalid binary character was found in the message body.",
    );
    pub(super) const BATCH_EMPTY: Self = Self::named(
        "EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest",
        "There should be at least one entry in the request.",
    );
    pub(super) const BATCH_TOO_LARGE: Self = Self::named(
        "TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10.",
    );
    pub(super) const BATCH_TOO_LONG: Self = Self::named(
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes.",
    );
    pub(super) const BATCH_IDS_NOT_DISTINCT: Self = Self::named(
        "BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "Two or more batch entries have the same id.",
    );
    pub(super) const UNSUPPORTED: Self = Self::named(
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "The embedded queue does not support this.",
    );
    pub(super) const UNAVAILABLE: Self = Self::named(
        "InternalFailure",
        "InternalFailure",
        "The request has failed.",
    );

    const fn named(shape: &'static str, code: &'static str, message: &'static str) -> Self {
        Self {
            shape,
            code,
            message: Cow::Borrowed(message),
        }
    }

    /// A value outside its bounds.
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self {
            shape: "InvalidParameterValue",
            code: "InvalidParameterValue",
            message,
        }
    }

    /// The name that an entry of a batch is refused with.
    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// The refusal of a whole request.
    pub(super) fn response(&self) -> Response<Bytes> {
        let (status, blame) = if *self == Self::UNAVAILABLE {
            (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
        } else {
            (StatusCode::BAD_REQUEST, "Sender")
        };
        let error = json!({
            "__type": format!("com.amazonaws.sqs#{}", self.shape),
            "message": self.message,
        });
        let mut response = reply(status, error.to_string());
        let code = HeaderValue::try_from(format!("{};{blame}", self.code));
        response
            .headers_mut()
            .insert("x-amzn-query-error", code.expect("the codes are plain"));
        response
    }
}

impl fmt::Display for SqsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SqsError {}
