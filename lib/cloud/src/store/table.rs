//! The table: reads, queries, and transactions that carry out a decision.

use std::{collections::HashMap, ops::ControlFlow, time::Duration};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, TransactWriteItem};
use billing::id::CustomerId;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::error::{Cancelled, StoreError, unavailable, why_cancelled};
use super::item::{Item, from_item, seconds};
use super::keys::{self, Key};

/// Decisions made anew because the state moved on meanwhile.
const DECISIONS: usize = 5;
/// Keys in one read: DynamoDB's limit.
const KEYS_PER_READ: usize = 100;
/// Tries of a transaction that met another one (`TransactionConflict`), and of keys left unprocessed.
const TRIES: u32 = 4;
/// DynamoDB's limit is 100; a decision stays far below.
const ITEMS_PER_TRANSACTION: usize = 90;

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) client: Client,
    pub(super) table: String,
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
    pub(super) async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        self.get_item(key).await?.map(from_item).transpose()
    }

    pub(super) async fn get_item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes()));
        Ok(Box::pin(get.consistent_read(true).send()).await.map_err(|error| unavailable(&error))?.item)
    }

    /// One consistent read of several items, by key. Unprocessed keys are asked again and never taken for absent.
    pub(super) async fn get_all(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, StoreError> {
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
            let items = answer.responses.unwrap_or_default().into_values().flatten();
            found.extend(items.map(|item| (Key::of(&item), item)));
            wanted = answer.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
        }
        if wanted.is_empty() { Ok(found) } else { Err(StoreError::Unavailable("keys left unprocessed".to_owned())) }
    }

    /// Any number of items, in the order of their keys; those that do not exist are left out.
    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(KEYS_PER_READ) {
            let mut found = self.get_all(chunk).await?;
            items.extend(chunk.iter().filter_map(|key| found.remove(key)));
        }
        Ok(items)
    }

    /// A consistent query of a whole partition.
    pub(super) fn query(&self, partition: impl Into<String>) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).key_condition_expression("PK = :pk");
        query.expression_attribute_values(":pk", AttributeValue::S(partition.into())).consistent_read(true)
    }

    /// A consistent query of a customer's items whose sort keys begin with `prefix`.
    pub(super) fn query_customer(&self, customer: &CustomerId, prefix: &str) -> QueryFluentBuilder {
        self.query(keys::customer_partition(customer))
            .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
    }

    /// Everything that a query finds of `customer`; `Damaged` if there are more than `pages` of a megabyte.
    pub(super) async fn read_all(
        &self,
        customer: &CustomerId,
        query: QueryFluentBuilder,
        pages: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        for _ in 0..pages {
            let answer = query.clone().set_exclusive_start_key(start).send().await;
            let answer = answer.map_err(|error| unavailable(&error))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
        Err(StoreError::Damaged(format!("more items than can be read of one customer: {customer}")))
    }

    pub(super) fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(key.attributes()))
    }

    /// Writes an item whatever was there, alone.
    pub(super) async fn put(&self, item: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map_err(|error| unavailable(&error)).map(drop)
    }

    /// Counts a counter up, and answers the count. `ttl`: how long it is kept, if not for ever.
    pub(super) async fn count_up(&self, key: &Key, ttl: Option<OffsetDateTime>) -> Result<u64, StoreError> {
        let mut update = self.update(key).update_expression("ADD #count :one");
        if let Some(ttl) = ttl {
            update = update
                .update_expression("ADD #count :one SET #ttl = :ttl")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ttl", seconds(ttl));
        }
        let update = update
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew);
        let answer = update.send().await.map_err(|error| unavailable(&error))?;
        let count = answer.attributes().and_then(|attributes| attributes.get("count")?.as_n().ok()?.parse().ok());
        count.ok_or_else(|| StoreError::Damaged(format!("{key}: a counter without a count")))
    }

    /// Carries out one decision: all of it, or nothing.
    pub(super) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
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
                Err(Cancelled::Other(error)) => return Err(error),
            }
        }
    }
}

/// Reads, decides and writes, and does so again while the state moves on in between: `attempt` continues then, with
/// what the next one starts from (see [`unless_stale`]). A decision is never held against another state than it was made
/// from.
///
/// `attempt` is no async closure: futures that hold one are not `Send`, which Lambda's runtime wants.
pub async fn retry_stale<S, T, E, F>(start: S, mut attempt: impl FnMut(S) -> F) -> Result<T, E>
where
    E: From<StoreError>,
    F: Future<Output = Result<ControlFlow<T, S>, E>>,
{
    let mut state = start;
    for _ in 0..DECISIONS {
        // On the heap: an attempt holds all that it reads.
        match Box::pin(attempt(state)).await? {
            ControlFlow::Break(done) => return Ok(done),
            ControlFlow::Continue(moved_on) => state = moved_on,
        }
    }
    Err(StoreError::Stale.into())
}

/// Ends [`retry_stale`], unless the state had moved on since it was read, so that nothing was written.
pub fn unless_stale<T>(written: Result<T, StoreError>) -> Result<ControlFlow<T>, StoreError> {
    match written {
        Ok(written) => Ok(ControlFlow::Break(written)),
        Err(StoreError::Stale) => Ok(ControlFlow::Continue(())),
        Err(error) => Err(error),
    }
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
