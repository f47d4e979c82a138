//! The customer's payments, from the ledger, each with what happened on its way.

use std::collections::{BTreeMap, BTreeSet};

use billing::{
    id::OrderId,
    invoice::Invoice,
    ledger::{EntryKind, PaymentRef},
    order::Order,
    zone::format,
};
use cloud::store::{LedgerLine, keys};
use lambda_http::Request;
use serde_json::{Value, json};
use web::{
    answer::{self, Answer},
    caller::{claim, identify, store_problem},
};

use crate::{Account, Paging};

pub(crate) async fn list(account: &Account, request: &Request) -> Answer {
    let now = account.clock.now();
    let claim = claim(request.headers())?;
    let paging = Paging::read(request);
    let (after, limit) = paging.as_ref().map_or((None, 1), |paging| (paging.after.as_ref(), paging.limit));
    let page = account.store.ledger(&claim.customer_id, after, limit);
    let (caller, page) = tokio::join!(identify(&account.store, request.headers(), None, now), page);
    caller?;
    paging?;
    let page = page.map_err(store_problem)?;

    let payments: Vec<(&LedgerLine, &PaymentRef)> =
        page.entries.iter().filter_map(|line| Some((line, line.entry.payment.as_ref()?))).collect();
    let orders: BTreeSet<_> = payments.iter().map(|(_, payment)| (payment.gateway, &payment.order_id)).collect();
    let invoices: BTreeSet<_> = payments.iter().map(|(line, _)| &line.entry.invoice_id).collect();
    let order_keys: Vec<_> = orders.into_iter().map(|(gateway, order)| keys::order(gateway, order)).collect();
    let invoice_keys: Vec<_> = invoices.into_iter().map(|invoice| keys::invoice(&claim.customer_id, invoice)).collect();
    let (orders, invoices) = account.store.orders_and_invoices(&order_keys, &invoice_keys).await.map_err(store_problem)?;
    let orders: BTreeMap<&OrderId, &Order> = orders.iter().map(|order| (&order.id, order)).collect();

    let shapes: Vec<Value> = payments
        .into_iter()
        .map(|(line, payment)| {
            let invoice = invoices.iter().find(|invoice| invoice.id == line.entry.invoice_id);
            shape(line, payment, orders.get(&payment.order_id).copied(), invoice)
        })
        .collect();
    answer::ok(&json!({"success": true, "payments": shapes, "next": page.next}))
}

fn shape(line: &LedgerLine, payment: &PaymentRef, order: Option<&Order>, invoice: Option<&Invoice>) -> Value {
    let timeline = order.map(|order| order.timeline.as_slice()).unwrap_or_default();
    let mut moments: Vec<_> = timeline.iter().filter_map(|moment| Some((moment.at, told_to_customers(&moment.what)?))).collect();
    if let Some(applied_at) = invoice.and_then(|invoice| invoice.applied_at) {
        moments.push((applied_at, "service_extended"));
    }
    moments.sort_by_key(|(at, _)| *at);
    json!({
        "id": line.id,
        "invoiceId": line.entry.invoice_id,
        "gateway": payment.gateway,
        "method": payment.method,
        "amount": line.entry.amount.get().saturating_abs(),
        "kind": kind(line.entry.kind),
        "at": format::instant(line.entry.at),
        "timeline": moments.into_iter().map(|(at, what)| json!({"at": format::instant(at), "what": what})).collect::<Vec<_>>(),
    })
}

/// What a customer reads of an order's timeline. The rest (a card held for review, cancellations, retries) is the provider's.
fn told_to_customers(what: &str) -> Option<&'static str> {
    match what.split_once(':').map_or(what, |(kind, _)| kind) {
        "link_created" => Some("link_created"),
        "booked" => Some("paid"),
        "confirmed_by" => Some("confirmed"),
        _ => None,
    }
}

/// The customer's words: whether money filled an invoice or became credit is seen elsewhere.
const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Received | EntryKind::Surplus | EntryKind::Returned | EntryKind::Unused => "received",
        EntryKind::Reversal | EntryKind::SurplusReversal => "reversal",
        EntryKind::Refund | EntryKind::SurplusRefund => "refund",
        EntryKind::Chargeback => "chargeback",
    }
}
