//! Pages of a customer's invoices and ledger, newest first.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::{
    id::{CustomerId, InvoiceId},
    money::ledger::Entry,
    payment::invoice::Invoice,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Store, StoreError, item::from_item, keys, unavailable};

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub entries: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// A ledger entry with its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerLine {
    /// UUIDv7.
    pub id: String,
    /// Ids of the events that were written with it.
    #[serde(default)]
    pub events: Vec<String>,
    /// Why, if the provider adjusted credit.
    #[serde(default)]
    pub reason: Option<String>,
    /// What it records.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Store {
    /// Invoices, newest first. `after` is the `next` of the page before; anything else starts somewhere else in the
    /// same customer's invoices, never in another's.
    pub async fn invoices(
        &self,
        customer: &CustomerId,
        after: Option<&InvoiceId>,
        limit: i32,
    ) -> Result<Page<Invoice>, StoreError> {
        self.page(customer, keys::INVOICE, after.map(InvoiceId::as_str), limit).await
    }

    /// Ledger entries, newest first.
    pub async fn ledger(
        &self,
        customer: &CustomerId,
        after: Option<&InvoiceId>,
        limit: i32,
    ) -> Result<Page<LedgerLine>, StoreError> {
        self.page(customer, keys::LEDGER, after.map(InvoiceId::as_str), limit).await
    }

    async fn page<T: DeserializeOwned>(
        &self,
        customer: &CustomerId,
        prefix: &str,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Page<T>, StoreError> {
        let partition = keys::customer_partition(customer);
        let start = after.map(|id| keys::Key { pk: partition.clone(), sk: format!("{prefix}{id}") }.attributes());
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(partition))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let next = answer
            .last_evaluated_key()
            .and_then(|key| key.get("SK")?.as_s().ok()?.strip_prefix(prefix).map(str::to_owned));
        let entries = answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok(Page { entries, next })
    }
}
