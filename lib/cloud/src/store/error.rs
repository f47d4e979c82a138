//! What can go wrong with the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state moved on since it was read: read and decide again.
    #[error("the state moved on since it was read")]
    Stale,
    /// No answer, too busy, or keys left unprocessed: try again. Nothing is known to have happened.
    #[error("the table gave no answer: {0}")]
    Unavailable(String),
    /// An item cannot be read or written as it is: a person has to look.
    #[error("damaged item: {0}")]
    Damaged(String),
}

impl StoreError {
    /// Only damage needs a person. What is stale or unavailable is done again.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

pub enum Cancelled {
    /// A condition did not hold.
    Condition,
    /// Another transaction was at work on an item.
    Conflict,
    /// Throttled, timed out, refused.
    Other(StoreError),
}

pub fn why_cancelled(error: &SdkError<TransactWriteItemsError>) -> Cancelled {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let has = |code: &str| cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code));
        if has("ConditionalCheckFailed") {
            return Cancelled::Condition;
        }
        if has("TransactionConflict") {
            return Cancelled::Conflict;
        }
    }
    if error.code() == Some("TransactionInProgressException") {
        return Cancelled::Conflict;
    }
    Cancelled::Other(unavailable(error))
}

/// The item whose condition did not hold, if it was asked for; `None` = there is no item.
pub fn failed_condition(
    error: SdkError<UpdateItemError>,
) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
    let unavailable = unavailable(&error);
    match error.into_service_error() {
        UpdateItemError::ConditionalCheckFailedException(failed) => Ok(failed.item.filter(|item| !item.is_empty())),
        _ => Err(unavailable),
    }
}

pub fn unavailable<E>(error: &SdkError<E>) -> StoreError
where
    E: std::error::Error + 'static,
{
    StoreError::Unavailable(DisplayErrorContext(error).to_string().chars().take(500).collect())
}
