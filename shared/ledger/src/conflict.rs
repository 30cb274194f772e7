//! Tries again where another transaction holds an item.
//!
//! A transaction holds its items for milliseconds only, and a refusal for that reason
//! was not applied; the SDK does not try again by itself.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Knows the refusals that are only about another transaction.
#[derive(Debug)]
pub(crate) struct Conflicts;

impl ClassifyRetry for Conflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = match context.output_or_error() {
            Some(Err(error)) => error.as_operation_error(),
            Some(Ok(_)) | None => None,
        };
        let Some(error) = error else {
            return RetryAction::NoActionIndicated;
        };
        let is_conflict = if let Some(update) = error.downcast_ref::<UpdateItemError>() {
            update.is_transaction_conflict_exception()
        } else if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.downcast_ref()
        {
            let codes = canceled.cancellation_reasons().iter();
            let codes = codes.filter_map(|reason| reason.code());
            // A condition that failed is an answer, whatever else was in the way.
            codes.clone().any(|code| code == CONFLICT) && codes.clone().all(|code| code != REFUSED)
        } else {
            false
        };
        if is_conflict {
            RetryAction::throttling_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "transaction conflicts"
    }
}

/// The reason of an item whose condition did not hold.
pub(crate) const REFUSED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";
