//! The store: one DynamoDB table, one index of wake-ups, every decision one transaction.
//!
//! Every write is conditional on the version that the decision was made from. So a decision made from a state that
//! moved on changes nothing ([`StoreError::Stale`]), and the caller reads and decides again.

mod access;
pub mod admin;
mod apply;
pub mod audit;
mod device;
mod item;
pub mod keys;
mod login;
mod message;
mod network;
mod notice;
pub mod outbox;
mod pages;
mod pay_page;
mod payment;
pub mod review;
pub mod show;
mod wake;

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{KeysAndAttributes, TransactWriteItem},
};
use serde::de::DeserializeOwned;

pub use access::{Caller, Session};
pub use device::DeviceMemory;
pub use item::WakeKind;
pub use message::{Recorded, StatusReport};
pub use notice::{NoticeContext, Recipient};
pub use pages::{LedgerLine, Page};

use item::{Item, from_item};
use keys::Key;

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

/// Tries of a transaction that met another one (`TransactionConflict`), and of keys left unprocessed.
const TRIES: u32 = 4;
/// DynamoDB's limit is 100; a decision stays far below.
const ITEMS_PER_TRANSACTION: usize = 90;

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// One consistent read.
    async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await;
        answer.map_err(|error| unavailable(&error))?.item.map(from_item).transpose()
    }

    /// One consistent read of several items, by key. Unprocessed keys are asked again and never taken for absent.
    async fn get_all(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, StoreError> {
        let mut found = HashMap::with_capacity(keys.len());
        let mut wanted: Vec<HashMap<_, _>> = keys.iter().map(Key::attributes).collect();
        for attempt in 0..TRIES {
            if wanted.is_empty() {
                return Ok(found);
            }
            pause(attempt).await;
            let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
            let request = request.map_err(|error| StoreError::Damaged(error.to_string()))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
                let key = Key { pk: text("PK"), sk: text("SK") };
                found.insert(key, item);
            }
            wanted = answer.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
        }
        if wanted.is_empty() { Ok(found) } else { Err(StoreError::Unavailable("keys left unprocessed".to_owned())) }
    }

    /// Carries out one decision: all of it, or nothing.
    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        if items.len() > ITEMS_PER_TRANSACTION {
            return Err(StoreError::Damaged(format!("a decision of {} items", items.len())));
        }
        let mut attempt = 0;
        loop {
            pause(attempt).await;
            let sent = self.client.transact_write_items().set_transact_items(Some(items.clone())).send().await;
            attempt = attempt.saturating_add(1);
            match sent.map_err(|error| why_cancelled(&error)) {
                Ok(_) => return Ok(()),
                Err(Cancelled::Conflict) if attempt < TRIES => {}
                Err(Cancelled::Conflict) => return Err(StoreError::Unavailable("transactions in conflict".to_owned())),
                Err(Cancelled::Condition) => return Err(StoreError::Stale),
                Err(Cancelled::Other(cause)) => return Err(StoreError::Unavailable(cause)),
            }
        }
    }
}

enum Cancelled {
    /// A condition did not hold.
    Condition,
    /// Another transaction was at work on an item.
    Conflict,
    /// Throttled, timed out, refused.
    Other(String),
}

fn why_cancelled(error: &SdkError<TransactWriteItemsError>) -> Cancelled {
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
    Cancelled::Other(DisplayErrorContext(error).to_string().chars().take(500).collect())
}

fn unavailable<E>(error: &SdkError<E>) -> StoreError
where
    E: std::error::Error + 'static,
{
    StoreError::Unavailable(DisplayErrorContext(error).to_string().chars().take(500).collect())
}

/// No wait before the first try; then 50 to 100 ms, doubled each time: two that met do not meet again.
async fn pause(attempt: u32) {
    if attempt == 0 {
        return;
    }
    let mut random = [0_u8; 1];
    let _ = getrandom::fill(&mut random);
    let base = 50_u64.saturating_mul(1 << attempt.saturating_sub(1).min(4));
    let jitter = base.saturating_mul(u64::from(random[0])).checked_div(255).unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(base.saturating_add(jitter))).await;
}
