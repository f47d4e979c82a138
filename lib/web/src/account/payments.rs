//! The customer's payments, from the ledger, each with what happened on its way.

use std::collections::{BTreeMap, BTreeSet};

use billing::{
    id::{InvoiceId, OrderId},
    money::{Rupiah, ledger::EntryKind},
    payment::{gateway::GatewayName, invoice::Invoice, order::Order},
    zone::format,
};
use cloud::store::{Caller, LedgerLine, Page, Store, keys};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::Paging;
use crate::caller::{Claim, identify};
use crate::problem::Problem;

/// The channel of what credit paid.
pub const CREDIT: &str = "credit";

/// A movement of the customer's money at a gateway, or credit that paid an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// UUIDv7.
    pub id: String,
    pub invoice_id: InvoiceId,
    #[serde(skip)]
    pub invoice_number: Option<String>,
    /// Where it was paid; `None` if credit paid.
    pub gateway: Option<GatewayName>,
    /// The channel, such as `bank_transfer/bca`, or [`CREDIT`].
    pub method: Option<String>,
    /// How much, in either direction.
    pub amount: Rupiah,
    pub kind: Kind,
    /// It went into the customer's credit, or came out of it, and not the invoice's.
    pub credit: bool,
    #[serde(serialize_with = "format::write_instant")]
    pub at: OffsetDateTime,
    /// What happened on its way, oldest first.
    #[serde(serialize_with = "write_timeline")]
    pub timeline: Vec<(OffsetDateTime, Moment)>,
}

fn write_timeline<S: Serializer>(timeline: &[(OffsetDateTime, Moment)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Step {
        #[serde(serialize_with = "format::write_instant")]
        at: OffsetDateTime,
        what: Moment,
    }
    serializer.collect_seq(timeline.iter().map(|&(at, what)| Step { at, what }))
}

/// What a movement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Paid.
    Received,
    /// Given back.
    Refund,
    /// Taken back by the gateway: it was not paid after all.
    Reversal,
    /// Charged back by the payer's bank.
    Chargeback,
}

/// What customers read of an order's timeline. The rest (a card held for review, cancellations, retries) is the
/// provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The link was made.
    LinkCreated,
    /// The money was booked.
    Paid,
    /// The gateway confirmed it.
    Confirmed,
    /// The service was extended.
    ServiceExtended,
}

/// Who is calling, with a page of their payments.
pub async fn payments(
    store: &Store,
    claim: &Claim,
    paging: Result<Paging, Problem>,
    now: OffsetDateTime,
) -> Result<(Caller, Page<Payment>), Problem> {
    let (after, limit) = paging.as_ref().map_or((None, 1), |paging| (paging.after.as_ref(), paging.limit));
    let (caller, page) =
        tokio::join!(identify(store, claim, None, now), store.ledger(&claim.customer_id, after, limit));
    let caller = caller?;
    paging?;
    let page = page?;

    let is_shown = |line: &&LedgerLine| line.entry.payment.is_some() || line.entry.kind == EntryKind::FromCredit;
    let lines: Vec<(&LedgerLine, &InvoiceId)> =
        page.entries.iter().filter(is_shown).filter_map(|line| Some((line, line.entry.invoice_id.as_ref()?))).collect();
    let payments = lines.iter().filter_map(|(line, _)| line.entry.payment.as_ref());
    let orders: BTreeSet<_> = payments.map(|payment| (payment.gateway, &payment.order_id)).collect();
    let invoices: BTreeSet<_> = lines.iter().map(|(_, invoice)| *invoice).collect();
    let order_keys: Vec<_> = orders.into_iter().map(|(gateway, order)| keys::order(gateway, order)).collect();
    let invoice_keys: Vec<_> = invoices.into_iter().map(|invoice| keys::invoice(&claim.customer_id, invoice)).collect();
    let (orders, invoices) = store.orders_and_invoices(&order_keys, &invoice_keys).await?;
    let orders: BTreeMap<&OrderId, &Order> = orders.iter().map(|order| (&order.id, order)).collect();
    let seen = lines.into_iter().map(|(line, invoice_id)| {
        let invoice = invoices.iter().find(|invoice| invoice.id == *invoice_id);
        let order = line.entry.payment.as_ref().and_then(|payment| orders.get(&payment.order_id)).copied();
        as_seen(line, invoice_id, order, invoice)
    });
    Ok((caller, Page { entries: seen.collect(), next: page.next }))
}

fn as_seen(line: &LedgerLine, invoice_id: &InvoiceId, order: Option<&Order>, invoice: Option<&Invoice>) -> Payment {
    let payment = line.entry.payment.as_ref();
    let told = order.map(|order| order.timeline.as_slice()).unwrap_or_default();
    let mut timeline: Vec<_> =
        told.iter().filter_map(|moment| Some((moment.at, told_to_customers(&moment.what)?))).collect();
    if let Some(applied_at) = invoice.and_then(|invoice| invoice.applied_at) {
        timeline.push((applied_at, Moment::ServiceExtended));
    }
    timeline.sort_by_key(|(at, _)| *at);
    Payment {
        id: line.id.clone(),
        invoice_id: invoice_id.clone(),
        invoice_number: invoice.map(|invoice| invoice.number.clone()),
        gateway: payment.map(|payment| payment.gateway),
        method: payment.map_or_else(|| Some(CREDIT.to_owned()), |payment| payment.method.clone()),
        amount: line.entry.amount.max(Rupiah::ZERO.minus(line.entry.amount).unwrap_or_default()),
        kind: kind(line.entry.kind),
        credit: line.entry.kind.moves_credit(),
        at: line.entry.at,
        timeline,
    }
}

fn told_to_customers(what: &str) -> Option<Moment> {
    match what.split_once(':').map_or(what, |(kind, _)| kind) {
        "link_created" => Some(Moment::LinkCreated),
        "booked" => Some(Moment::Paid),
        "confirmed_by" => Some(Moment::Confirmed),
        _ => None,
    }
}

const fn kind(kind: EntryKind) -> Kind {
    match kind {
        EntryKind::Received
        | EntryKind::Surplus
        | EntryKind::FromCredit
        | EntryKind::CreditUsed
        | EntryKind::Carried
        | EntryKind::Owed
        | EntryKind::Returned
        | EntryKind::Unused
        | EntryKind::Adjusted => Kind::Received,
        EntryKind::Reversal | EntryKind::SurplusReversal => Kind::Reversal,
        EntryKind::Refund | EntryKind::SurplusRefund => Kind::Refund,
        EntryKind::Chargeback | EntryKind::SurplusChargeback => Kind::Chargeback,
    }
}
