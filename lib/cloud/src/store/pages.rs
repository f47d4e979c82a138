//! Pages of a customer's items, newest first.

use billing::id::CustomerId;
use serde::de::DeserializeOwned;

use super::error::{StoreError, unavailable};
use super::item::from_item;
use super::keys::{self, Key};
use super::table::Store;

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub entries: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

impl Store {
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        customer: &CustomerId,
        prefix: &str,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Page<T>, StoreError> {
        let start = after.map(|id| Key { pk: keys::customer_partition(customer), sk: format!("{prefix}{id}") });
        let query = self.query_customer(customer, prefix).scan_index_forward(false).limit(limit);
        let query = query.set_exclusive_start_key(start.as_ref().map(Key::attributes));
        let answer = query.send().await.map_err(|error| unavailable(&error))?;
        let next = answer
            .last_evaluated_key()
            .and_then(|key| key.get("SK")?.as_s().ok()?.strip_prefix(prefix).map(str::to_owned));
        let entries = answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok(Page { entries, next })
    }
}
