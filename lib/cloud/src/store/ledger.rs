//! The ledger: money that is booked, and credit.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use billing::{
    id::{CustomerId, InvoiceId},
    money::{Rupiah, adjustment::Adjustment, credit::CreditUse, ledger::Entry},
    payment::{
        invoice::Invoice,
        order::Order,
        settlement::{LedgerChange, Note},
    },
    telling::{event::Event, review::of_event},
};
use serde::Deserialize;
use time::OffsetDateTime;

use super::error::StoreError;
use super::id::{new_id, new_ids};
use super::item::{Versioned, check_version, put_new, to_item, write};
use super::keys;
use super::pages::Page;
use super::table::Store;

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
    /// Books a settlement: order, invoice, credit, ledger, events and what a person should look at, all or nothing.
    /// `read` is the invoice that it was decided from: if the invoice does not change it must at least not have moved.
    pub async fn settle(&self, change: LedgerChange, read: &Invoice, now: OffsetDateTime) -> Result<Order, StoreError> {
        let LedgerChange { order, invoice, credit, entries, events } = change;
        let mut items = vec![self.order_item(&order)?];
        items.push(match invoice {
            Some(invoice) => self.invoice_item(&invoice)?,
            None => check_version(&self.table, &keys::invoice(&read.customer_id, &read.id), read.version)?,
        });
        if !credit.is_zero() {
            items.push(self.credit_item(&order.customer_id, credit)?);
        }
        let told = new_ids(events.len(), now);
        items.extend(self.told_of(&order, &events, &told, now)?);
        items.extend(self.ledger_items(&entries, &told, now)?);
        self.transact(items).await?;
        Ok(order.stored())
    }

    /// What a report without money changes: the order, the invoice if its link is dead, and what a person should look
    /// at.
    pub async fn note(&self, note: Note, now: OffsetDateTime) -> Result<Order, StoreError> {
        let mut items = vec![self.order_item(&note.order)?];
        if let Some(invoice) = &note.invoice {
            items.push(self.invoice_item(invoice)?);
        }
        items.extend(self.told_of(&note.order, note.event.as_slice(), &new_ids(1, now), now)?);
        self.transact(items).await?;
        Ok(note.order.stored())
    }

    /// Events of a payment of `order`, and what a person should look at because of them.
    fn told_of(
        &self,
        order: &Order,
        events: &[Event],
        ids: &[String],
        now: OffsetDateTime,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = Vec::new();
        for (id, event) in ids.iter().zip(events) {
            items.push(self.event_item_as(id, event, now)?);
            if let Some(review) = of_event(order, event, now) {
                items.push(self.review_item(id, &review)?);
            }
        }
        Ok(items)
    }

    /// Pays an invoice out of credit: invoice, profile, ledger, and what follows if nothing is due any more.
    pub async fn use_credit(&self, used: &CreditUse, now: OffsetDateTime) -> Result<(), StoreError> {
        let CreditUse { invoice, profile, order, entries, event } = used;
        let mut items = vec![self.invoice_item(invoice)?, self.profile_item(profile)?];
        if let Some(order) = order {
            items.push(self.order_item(order)?);
        }
        if let Some(event) = event {
            items.push(self.event_item(event, now)?);
        }
        items.extend(self.ledger_items(entries, &[], now)?);
        self.transact(items).await
    }

    /// Adjusts credit: the profile over the version that it was decided from, and the entry with its reason.
    pub async fn adjust_credit(&self, adjustment: &Adjustment, now: OffsetDateTime) -> Result<(), StoreError> {
        let Adjustment { profile, entry, reason } = adjustment;
        let id = new_id("", now);
        let mut item = to_item(&keys::ledger(&entry.customer_id, &id), entry)?;
        item.insert("id".to_owned(), AttributeValue::S(id));
        item.insert("reason".to_owned(), AttributeValue::S(reason.clone()));
        self.transact(vec![self.profile_item(profile)?, put_new(&self.table, item)?]).await
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

    /// `told` are the ids of the events of the same transaction: the way from a payment to the events that left for it.
    pub(super) fn ledger_items(
        &self,
        entries: &[Entry],
        told: &[String],
        now: OffsetDateTime,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let ids = new_ids(entries.len(), now);
        ids.into_iter().zip(entries).map(|(id, entry)| self.ledger_item(id, entry, told)).collect()
    }

    fn ledger_item(&self, id: String, entry: &Entry, told: &[String]) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::ledger(&entry.customer_id, &id), entry)?;
        item.insert("id".to_owned(), AttributeValue::S(id));
        if !told.is_empty() {
            item.insert("events".to_owned(), AttributeValue::L(told.iter().cloned().map(AttributeValue::S).collect()));
        }
        put_new(&self.table, item)
    }

    /// Adds to the credit without reading the profile. Counts as a write of the profile, so decisions made from an
    /// older one fail.
    fn credit_item(&self, customer: &CustomerId, credit: Rupiah) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(keys::profile(customer).attributes()))
            .update_expression("ADD credit :credit, #version :one")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":credit", AttributeValue::N(credit.get().to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        write(update.build().map(|update| TransactWriteItem::builder().update(update)))
    }
}
