//! Orders at gateways: opened, closed, looked at again.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use billing::id::{InvoiceId, OrderId};
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, PaymentLink};
use billing::payment::link::Opening;
use billing::payment::order::Order;
use time::{Duration, OffsetDateTime};

use super::error::{StoreError, failed_condition};
use super::item::{Versioned, WakeKind, from_item, put_version, seconds, set_wake, to_item};
use super::keys::{self, Key};
use super::table::Store;

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

    /// The orders with that id, whichever gateway has them: one at most in practice, ids are random.
    pub async fn orders_named(&self, order: &OrderId) -> Result<Vec<Order>, StoreError> {
        let keys: Vec<_> = GatewayName::ALL.into_iter().map(|gateway| keys::order(gateway, order)).collect();
        let (orders, _) = self.orders_and_invoices(&keys, &[]).await?;
        Ok(orders)
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

    /// The order behind a row of the index, if it is still due.
    pub async fn woken_order(&self, key: &Key, now: OffsetDateTime) -> Result<Option<Order>, StoreError> {
        let order: Option<Order> = self.get(key).await?;
        Ok(order.filter(|order| order.wake_at.is_some_and(|wake_at| wake_at <= now)))
    }

    /// Before the gateway is called: the order, the invoice under lease, and the order that is replaced, if any.
    pub async fn open_order(&self, opening: Opening) -> Result<Opening, StoreError> {
        let mut items = vec![self.order_item(&opening.order)?, self.invoice_item(&opening.invoice)?];
        if let Some(replaced) = &opening.replaced {
            items.push(self.order_item(replaced)?);
        }
        self.transact(items).await?;
        let Opening { order, invoice, replaced } = opening;
        Ok(Opening { order: order.stored(), invoice: invoice.stored(), replaced: replaced.map(Versioned::stored) })
    }

    /// After the gateway answered: the order, the replaced one if it was closed, and the invoice if it changes. The
    /// order takes along the invoice as it then stands, for the settlement to start from.
    pub async fn record_answer(
        &self,
        order: &Order,
        invoice: Option<Invoice>,
        closed: Option<&Order>,
    ) -> Result<Option<Invoice>, StoreError> {
        let mut order = order.clone();
        let mut items = Vec::with_capacity(3);
        if let Some(closed) = closed {
            items.push(self.order_item(closed)?);
        }
        let mut stored = None;
        if let Some(invoice) = invoice {
            items.push(self.invoice_item(&invoice)?);
            let invoice = invoice.stored();
            order.invoice = if invoice.link.is_some() { Some(Box::new(invoice.clone())) } else { None };
            stored = Some(invoice);
        }
        items.push(self.order_item(&order)?);
        self.transact(items).await?;
        Ok(stored)
    }

    /// An order whose next look moves.
    pub async fn note_order(&self, order: &Order) -> Result<(), StoreError> {
        self.transact(vec![self.order_item(order)?]).await
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
            .update(&keys::check(invoice))
            .update_expression("SET asked_at = :now, #ttl = :ttl")
            .condition_expression("attribute_not_exists(PK) OR asked_at <= :before")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", milliseconds(now))
            .expression_attribute_values(":before", milliseconds(now.saturating_sub(every)))
            .expression_attribute_values(":ttl", seconds(now.saturating_add(every)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(None) };
        let held = failed_condition(error)?;
        let asked_at = held.and_then(|item| item.get("asked_at")?.as_n().ok()?.parse().ok());
        let asked_at =
            asked_at.map(|asked: i64| OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(asked)));
        let wait = asked_at.map_or(every, |asked_at| asked_at.saturating_add(every) - now);
        Ok(Some(wait.clamp(Duration::ZERO, every)))
    }

    pub(super) fn order_item(&self, order: &Order) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::order(order.gateway, &order.id), order)?;
        set_wake(&mut item, WakeKind::Order, order.id.as_str(), order.wake_at);
        put_version(&self.table, item, order.version)
    }
}
