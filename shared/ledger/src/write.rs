//! How a write is told apart from every other, and what its failure leaves to know.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::conflict::REFUSED;
use crate::item::{Item, bytes};

/// Names one logical write, however often it is sent.
///
/// The store keeps its stamp with what was written: a write that was applied while its
/// answer was lost is refused when it is sent again, and the stamp shows whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WriteId(Uuid);

/// The attribute that keeps the stamp of the last write.
pub(crate) const BY: &str = "by";

impl WriteId {
    /// A name that no other write has.
    pub(crate) fn fresh() -> Self {
        Self(Uuid::new_v4())
    }

    /// What the store keeps: eight bytes, for they are paid for with each write.
    pub(crate) fn stamp(self) -> AttributeValue {
        let (_, random) = self.0.as_bytes().split_at(8);
        bytes(random)
    }

    /// Whether this write was the last to write the item.
    pub(crate) fn wrote(self, item: &Item) -> bool {
        item.get(BY) == Some(&self.stamp())
    }

    /// The token by which DynamoDB recognises a transaction for ten minutes:
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
    pub(crate) fn token(self) -> String {
        self.0.simple().to_string()
    }
}

/// Why a conditional update has failed.
pub(crate) enum Failure {
    /// The condition did not hold. Here is the item as it is, if there is one.
    Refused(Option<Item>),
    /// Anything else. An earlier attempt of the SDK may have been applied, whatever the
    /// last one was told.
    Unclear(anyhow::Error),
}

impl From<SdkError<UpdateItemError>> for Failure {
    fn from(error: SdkError<UpdateItemError>) -> Self {
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Self::Refused(refused.item().cloned())
            }
            Some(_) | None => Self::Unclear(error.into()),
        }
    }
}

/// Whether a transaction was canceled because the condition of its action at `index` did
/// not hold, and with which item, if there is one and it was asked for.
pub(crate) fn canceled_by(
    error: &SdkError<TransactWriteItemsError>,
    index: usize,
) -> Option<Option<&Item>> {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        error.as_service_error()
    else {
        return None;
    };
    let reason = canceled.cancellation_reasons().get(index)?;
    (reason.code() == Some(REFUSED)).then(|| reason.item())
}
