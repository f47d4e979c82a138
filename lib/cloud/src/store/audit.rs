//! Reads for the audit: everything of one customer, and the whole table page by page. Nothing is decided from them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use billing::audit::{Books, Filed, KnownEvent, StoredEntry, is_kept, is_of};
use billing::id::CustomerId;
use billing::money::ledger::Entry;
use billing::payment::invoice::Invoice;
use billing::payment::order::Order;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::error::{StoreError, unavailable};
use super::item::{Item, WakeKind, from_item, seconds};
use super::keys::{self, Key};
use super::ledger::LedgerLine;
use super::outbox::EventState;
use super::table::Store;

/// Pages of a megabyte that are read of one customer: far more than a lifetime.
const BOOK_PAGES: usize = 50;
/// Rows of one page of the whole table.
const ROWS_PER_PAGE: i32 = 1_000;

/// What a row of the table is to the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A customer's profile.
    Profile(CustomerId),
    /// Something else in a customer's partition that belongs to their books.
    Of(CustomerId),
    /// An order.
    Order(Key),
    /// An event.
    Event(Key),
    /// Nothing to the audit.
    Other,
}

/// A page of the whole table.
#[derive(Debug, Clone)]
pub struct AuditRows {
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Key>,
}

impl Store {
    /// Everything of one customer; `None` without a profile. Several reads, one after the other: what is booked
    /// meanwhile can be in one and not in another, see [`Books`].
    pub async fn books(&self, customer: &CustomerId, now: OffsetDateTime) -> Result<Option<Books>, StoreError> {
        let mut profile = None;
        let (mut invoices, mut ledger, mut grants) = (Vec::new(), Vec::new(), Vec::new());
        for item in self.book_items(customer).await? {
            match text(&item, "SK") {
                "PROFILE" => profile = Some(from_item(item)?),
                sk if sk.starts_with(keys::INVOICE) => {
                    invoices.push(filed(item, WakeKind::Invoice, |invoice: &Invoice| invoice.id.as_str())?);
                }
                sk if sk.starts_with(keys::LEDGER) => ledger.push(line(from_item(item)?)),
                sk if sk.starts_with(keys::GRANT) => grants.push(from_item(item)?),
                _ => {}
            }
        }
        let Some(profile) = profile else { return Ok(None) };
        let orders = self.orders_of(&invoices, &ledger).await?;
        let told = ledger.iter().flat_map(|line| &line.events).filter(|id| is_kept(id, now));
        let events = self.events_told(told.collect::<BTreeSet<_>>()).await?;
        Ok(Some(Books { profile, invoices, ledger, grants, orders, events }))
    }

    /// An order as the audit wants it.
    pub async fn filed_order(&self, key: &Key) -> Result<Option<Filed<Order>>, StoreError> {
        let found = self.get_item(key).await?;
        found.map(|item| filed(item, WakeKind::Order, |order: &Order| order.id.as_str())).transpose()
    }

    /// An event as the audit wants it.
    pub async fn filed_event(&self, key: &Key) -> Result<Option<Filed<KnownEvent>>, StoreError> {
        let found = self.get_item(key).await?;
        found.map(event).transpose()
    }

    /// The ledger entries of an order.
    pub async fn entries_of(&self, order: &Order) -> Result<Vec<Entry>, StoreError> {
        let items = self
            .book_items(&order.customer_id)
            .await?
            .into_iter()
            .filter(|item| text(item, "SK").starts_with(keys::LEDGER));
        let lines = items.map(from_item::<LedgerLine>).collect::<Result<Vec<_>, _>>()?;
        Ok(lines.into_iter().map(|line| line.entry).filter(|entry| is_of(entry, order)).collect())
    }

    /// Does the index of wake-ups have the item under that instant? It may follow a write by a moment.
    pub async fn is_indexed(
        &self,
        kind: WakeKind,
        id: &str,
        key: &Key,
        wake_time: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("wake")
            .key_condition_expression("wake_key = :key AND wake_time = :at")
            .filter_expression("PK = :pk AND SK = :sk")
            .expression_attribute_values(":key", AttributeValue::S(kind.partition(id)))
            .expression_attribute_values(":at", seconds(wake_time))
            .expression_attribute_values(":pk", AttributeValue::S(key.pk.clone()))
            .expression_attribute_values(":sk", AttributeValue::S(key.sk.clone()));
        let mut pages = query.into_paginator().send();
        for _ in 0..BOOK_PAGES {
            let Some(page) = pages.next().await else { break };
            if !page.map_err(|error| unavailable(&error))?.items().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A page of the whole table, keys only: for the audit, which nobody waits for. Everything else reads by key.
    pub async fn rows(&self, after: Option<&Key>) -> Result<AuditRows, StoreError> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .projection_expression("PK, SK")
            .limit(ROWS_PER_PAGE)
            .set_exclusive_start_key(after.map(Key::attributes))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let next = answer.last_evaluated_key().map(Key::of);
        Ok(AuditRows { rows: answer.items().iter().map(|item| row(Key::of(item))).collect(), next })
    }

    /// How many items the table holds, as AWS last counted: every six hours or so.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let answer =
            self.client.describe_table().table_name(&self.table).send().await.map_err(|error| unavailable(&error))?;
        Ok(answer.table().and_then(|table| u64::try_from(table.item_count()?).ok()).unwrap_or_default())
    }

    /// Grants, invoices, ledger and profile; they lie side by side, devices before and sessions after them.
    async fn book_items(&self, customer: &CustomerId) -> Result<Vec<Item>, StoreError> {
        let query = self
            .query(keys::customer_partition(customer))
            .key_condition_expression("PK = :pk AND SK BETWEEN :first AND :last")
            .expression_attribute_values(":first", AttributeValue::S(keys::GRANT.to_owned()))
            .expression_attribute_values(":last", AttributeValue::S(keys::profile(customer).sk));
        self.read_all(customer, query, BOOK_PAGES).await
    }

    async fn orders_of(
        &self,
        invoices: &[Filed<Invoice>],
        ledger: &[StoredEntry],
    ) -> Result<Vec<Filed<Order>>, StoreError> {
        let mut named = BTreeSet::new();
        for payment in ledger.iter().filter_map(|line| line.entry.payment.as_ref()) {
            named.insert(keys::order(payment.gateway, &payment.order_id));
        }
        for invoice in invoices.iter().map(|filed| &filed.state) {
            if let Some(link) = &invoice.link {
                named.insert(keys::order(link.gateway, &link.order_id));
            }
            // A lease does not say at which gateway: the order lies with one of them.
            for gateway in billing::payment::gateway::GatewayName::ALL {
                named.extend(invoice.lease.as_ref().map(|lease| keys::order(gateway, &lease.order_id)));
            }
        }
        let keys: Vec<Key> = named.into_iter().collect();
        let found = self.get_many(&keys).await?;
        found.into_iter().map(|item| filed(item, WakeKind::Order, |order: &Order| order.id.as_str())).collect()
    }

    async fn events_told(&self, ids: BTreeSet<&String>) -> Result<Vec<Filed<KnownEvent>>, StoreError> {
        let keys: Vec<Key> = ids.into_iter().map(|id| keys::event(id)).collect();
        self.get_many(&keys).await?.into_iter().map(event).collect()
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn row(key: Key) -> Row {
    let customer = || key.pk.strip_prefix("CUSTOMER#").and_then(|id| CustomerId::parse(id).ok());
    match key.sk.as_str() {
        "PROFILE" => customer().map_or(Row::Other, Row::Profile),
        "ORDER" => Row::Order(key),
        "EVENT" => Row::Event(key),
        sk if [keys::INVOICE, keys::LEDGER, keys::GRANT].iter().any(|prefix| sk.starts_with(prefix)) => {
            customer().map_or(Row::Other, Row::Of)
        }
        _ => Row::Other,
    }
}

fn line(line: LedgerLine) -> StoredEntry {
    StoredEntry { id: line.id, events: line.events, entry: line.entry }
}

fn event(item: Item) -> Result<Filed<KnownEvent>, StoreError> {
    let filed = filed(item, WakeKind::Event, |event: &EventState| event.id.as_str())?;
    let EventState { id, kind, relayed_at } = filed.state;
    Ok(Filed { state: KnownEvent { id, kind, relayed_at }, filed: filed.filed })
}

/// A state, and the instant that the index has it under: it is in the index by its attributes, if the partition is the
/// right one.
fn filed<T: DeserializeOwned>(item: Item, kind: WakeKind, id: impl Fn(&T) -> &str) -> Result<Filed<T>, StoreError> {
    let wake_key = text(&item, "wake_key").to_owned();
    let wake_time = item.get("wake_time").and_then(|value| value.as_n().ok()?.parse().ok());
    let wake_time = wake_time.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let state = from_item(item)?;
    let filed = if wake_key == kind.partition(id(&state)) { wake_time } else { None };
    Ok(Filed { state, filed })
}
