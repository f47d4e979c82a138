//! Links and settlements.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use billing::{
    id::{CustomerId, InvoiceId, OrderId},
    money::{Rupiah, credit::CreditUse, ledger::Entry},
    payment::{
        gateway::GatewayName,
        invoice::{Invoice, NextLook, PaymentLink},
        link::Opening,
        order::Order,
        settlement::{LedgerChange, Note},
    },
    telling::{event::Event, reminder::Reminder, review::of_event},
};
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError, WakeKind,
    item::{check_version, from_item, put_new, put_version, seconds, set_wake, to_item, write},
    keys::{self, Key},
    outbox::new_ids,
    unavailable,
};

impl Store {
    /// An order, read consistently.
    pub async fn order(&self, gateway: GatewayName, order: &OrderId) -> Result<Option<Order>, StoreError> {
        self.get(&keys::order(gateway, order)).await
    }

    /// The order behind an invoice's link, which customers may be paying right now.
    pub async fn order_behind(&self, link: Option<&PaymentLink>) -> Result<Option<Order>, StoreError> {
        match link {
            Some(link) => self.order(link.gateway, &link.order_id).await,
            None => Ok(None),
        }
    }

    /// The order behind a row of the index, if it is still due.
    pub async fn woken_order(&self, key: &Key, now: OffsetDateTime) -> Result<Option<Order>, StoreError> {
        let order: Option<Order> = self.get(key).await?;
        Ok(order.filter(|order| order.wake_at.is_some_and(|wake_at| wake_at <= now)))
    }

    /// An invoice, read consistently.
    pub async fn invoice(&self, customer: &CustomerId, invoice: &InvoiceId) -> Result<Option<Invoice>, StoreError> {
        self.get(&keys::invoice(customer, invoice)).await
    }

    /// Before the gateway is called: the order, the invoice under lease, and the order that is replaced, if any.
    pub async fn open_order(&self, opening: &Opening) -> Result<(), StoreError> {
        let mut items = vec![self.order_item(&opening.order)?, self.invoice_item(&opening.invoice)?];
        if let Some(replaced) = &opening.replaced {
            items.push(self.order_item(replaced)?);
        }
        self.transact(items).await
    }

    /// After the gateway answered: the order, the replaced one if it was closed, and the invoice if it changes. The
    /// order takes along the invoice as it then stands, for the settlement to start from.
    pub async fn record_answer(
        &self,
        order: &Order,
        invoice: Option<&Invoice>,
        closed: Option<&Order>,
    ) -> Result<(), StoreError> {
        let mut order = order.clone();
        let mut items = Vec::with_capacity(3);
        if let Some(closed) = closed {
            items.push(self.order_item(closed)?);
        }
        if let Some(invoice) = invoice {
            items.push(self.invoice_item(invoice)?);
            let as_stored = Invoice { version: invoice.version.saturating_add(1), ..invoice.clone() };
            order.invoice = invoice.link.is_some().then(|| Box::new(as_stored));
        }
        items.push(self.order_item(&order)?);
        self.transact(items).await
    }

    /// An order whose next look moves.
    pub async fn note_order(&self, order: &Order) -> Result<(), StoreError> {
        self.transact(vec![self.order_item(order)?]).await
    }

    /// What a report without money changes: the order, the invoice if its link is dead, and what a person should look
    /// at.
    pub async fn note(&self, note: &Note, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = vec![self.order_item(&note.order)?];
        if let Some(invoice) = &note.invoice {
            items.push(self.invoice_item(invoice)?);
        }
        items.extend(self.told_of(&note.order, note.event.as_slice(), &new_ids(1, now), now)?);
        self.transact(items).await
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

    /// Books a settlement: order, invoice, credit, ledger, events and what a person should look at, all or nothing.
    /// `read` is the invoice that it was decided from: if the invoice does not change it must at least not have moved.
    pub async fn settle(&self, change: &LedgerChange, read: &Invoice, now: OffsetDateTime) -> Result<(), StoreError> {
        let LedgerChange { order, invoice, credit, entries, events } = change;
        let mut items = vec![self.order_item(order)?];
        items.push(match invoice {
            Some(invoice) => self.invoice_item(invoice)?,
            None => check_version(&self.table, &keys::invoice(&read.customer_id, &read.id), read.version)?,
        });
        if !credit.is_zero() {
            items.push(self.credit_item(&order.customer_id, *credit)?);
        }
        let told = new_ids(events.len(), now);
        items.extend(self.told_of(order, events, &told, now)?);
        items.extend(self.ledger_items(entries, &told, now)?);
        self.transact(items).await
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

    /// The invoice behind a row of the index, if it is still due.
    pub async fn woken_invoice(&self, key: &Key, now: OffsetDateTime) -> Result<Option<Invoice>, StoreError> {
        let invoice: Option<Invoice> = self.get(key).await?;
        Ok(invoice.filter(|invoice| invoice.wake_at.is_some_and(|wake_at| wake_at <= now)))
    }

    /// The invoice behind a row of the index, if its customer is still to be reminded of it now.
    pub async fn woken_reminder(&self, key: &Key, now: OffsetDateTime) -> Result<Option<Invoice>, StoreError> {
        let invoice: Option<Invoice> = self.get(key).await?;
        Ok(invoice.filter(|invoice| matches!(invoice.next_look(), Some(NextLook::Remind(at)) if at <= now)))
    }

    /// A reminder: what is told, and when the next one follows.
    pub async fn remind(&self, reminder: &Reminder, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = vec![self.invoice_item(&reminder.invoice)?];
        if let Some(event) = &reminder.event {
            items.push(self.event_item(event, now)?);
        }
        self.transact(items).await
    }

    /// Claims the right to ask an invoice's gateway: one per `every`, in whichever process. Answers how long to wait if
    /// somebody had it; it is not given back when asking fails, or a gateway in trouble would be asked all the more.
    pub async fn claim_check(
        &self,
        invoice: &InvoiceId,
        every: Duration,
        now: OffsetDateTime,
    ) -> Result<Option<Duration>, StoreError> {
        let milliseconds =
            |at: OffsetDateTime| AttributeValue::N((at.unix_timestamp_nanos().div_euclid(1_000_000)).to_string());
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::check(invoice).attributes()))
            .update_expression("SET asked_at = :now, #ttl = :ttl")
            .condition_expression("attribute_not_exists(PK) OR asked_at <= :before")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":before", milliseconds(now.saturating_sub(every)))
            .expression_attribute_values(":ttl", seconds(now.saturating_add(every)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent.map_err(|error| (unavailable(&error), error.into_service_error())) {
            Ok(_) => Ok(None),
            Err((_, UpdateItemError::ConditionalCheckFailedException(held))) => {
                let asked_at = held.item().and_then(|item| item.get("asked_at")?.as_n().ok()?.parse().ok());
                let asked_at =
                    asked_at.map(|asked: i64| OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(asked)));
                let wait = asked_at.map_or(every, |asked_at| asked_at.saturating_add(every) - now);
                Ok(Some(wait.clamp(Duration::ZERO, every)))
            }
            Err((error, _)) => Err(error),
        }
    }

    pub(super) fn order_item(&self, order: &Order) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::order(order.gateway, &order.id), order)?;
        set_wake(&mut item, WakeKind::Order, order.id.as_str(), order.wake_at);
        put_version(&self.table, item, order.version)
    }

    pub(super) fn invoice_item(&self, invoice: &Invoice) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::invoice(&invoice.customer_id, &invoice.id), invoice)?;
        match invoice.next_look() {
            Some(NextLook::Reconcile(wake_at)) => {
                set_wake(&mut item, WakeKind::Invoice, invoice.id.as_str(), Some(wake_at));
            }
            Some(NextLook::Remind(wake_at)) => {
                set_wake(&mut item, WakeKind::Reminder, invoice.id.as_str(), Some(wake_at));
            }
            None => {}
        }
        put_version(&self.table, item, invoice.version)
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

    /// Several orders and invoices at once, for lists; those that do not exist are left out.
    pub async fn orders_and_invoices(
        &self,
        orders: &[Key],
        invoices: &[Key],
    ) -> Result<(Vec<Order>, Vec<Invoice>), StoreError> {
        let wanted: Vec<Key> = orders.iter().chain(invoices).cloned().collect();
        let mut found = self.get_all(&wanted).await?;
        let orders = orders.iter().filter_map(|key| found.remove(key)).map(from_item).collect::<Result<_, _>>()?;
        let invoices = invoices.iter().filter_map(|key| found.remove(key)).map(from_item).collect::<Result<_, _>>()?;
        Ok((orders, invoices))
    }
}
