//! Orders: what they booked, and when they are looked at again.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::books::{Audited, Filed, Place, is_filed_at, sum, when};
use super::finding::{Pending, Rule, Wait};
use crate::money::ledger::{Entry, EntryKind};
use crate::money::{MoneyError, Rupiah};
use crate::payment::invoice::Invoice;
use crate::payment::order::{Booked, Order, OrderStatus};

/// Is it an entry of that order?
#[must_use]
pub fn is_of(entry: &Entry, order: &Order) -> bool {
    entry.payment.as_ref().is_some_and(|payment| payment.gateway == order.gateway && payment.order_id == order.id)
}

/// Audits one order. `invoice` is the one that it names, if that exists; `entries` are those of the order, and of no
/// other.
#[must_use]
pub fn order(filed: &Filed<Order>, invoice: Option<&Invoice>, entries: &[&Entry], now: OffsetDateTime) -> Audited {
    let order = &filed.state;
    let place = Place { invoice: Some(&order.invoice_id), order: Some(&order.id) };
    let mut said = Audited::default();
    let mut find = |rule, what| said.findings.push(place.finding(rule, &order.customer_id, what));
    match invoice {
        None => find(Rule::Orphan, "the order's invoice does not exist".to_owned()),
        Some(invoice) if invoice.customer_id != order.customer_id => {
            find(Rule::Orphan, format!("the order's invoice is one of {}", invoice.customer_id));
        }
        Some(_) => {}
    }
    let is_own = |entry: &&&Entry| {
        entry.invoice_id.as_ref() == Some(&order.invoice_id) && entry.customer_id == order.customer_id
    };
    for entry in entries.iter().filter(|entry| !is_own(entry)) {
        find(
            Rule::Orphan,
            format!("an entry of {} is for invoice {:?} of {}", entry.amount, entry.invoice_id, entry.customer_id),
        );
    }
    for what in wrongly_booked(order, entries) {
        find(Rule::OrderBooked, what);
    }
    let expected = status_of_money(order);
    let came = matches!(order.status, OrderStatus::Paid | OrderStatus::Reversed);
    if expected.map_or(came, |expected| expected != order.status) {
        find(Rule::OrderStatus, format!("{:?}, and money that came and stayed makes it {expected:?}", order.status));
    }
    if order.wake_at.is_none() && order.next_look(now).is_some() {
        find(Rule::NotDue, format!("{:?}, and its gateway is never asked again", order.status));
    }
    if !is_filed_at(order.wake_at, filed.filed) {
        find(Rule::NotInIndex, format!("due {}, in the index {}", when(order.wake_at), when(filed.filed)));
    }
    if order.wake_at.is_some_and(|wake_at| wake_at <= now) {
        let (customer_id, invoice_id) = (Some(order.customer_id.clone()), Some(order.invoice_id.clone()));
        said.pending.push(Pending {
            wait: Wait::Look,
            customer_id,
            invoice_id,
            order_id: Some(order.id.clone()),
            wake_at: order.wake_at,
        });
    }
    said
}

/// Per transaction: received less refunded is the sum of the entries, and so are chargebacks. What was refunded before
/// a reversal is no longer in the totals, so refunds are at most what the entries say.
fn wrongly_booked(order: &Order, entries: &[&Entry]) -> Vec<String> {
    let in_ledger = entries.iter().filter_map(|entry| entry.payment.as_ref()).map(|payment| &payment.transaction_id);
    let ids: BTreeSet<&String> = order.booked.keys().chain(in_ledger).collect();
    let wrong = |id: &&String| {
        let booked = order.booked.get(*id).copied().unwrap_or_default();
        let own: Vec<&Entry> = entries.iter().copied().filter(|entry| is_of_transaction(entry, id)).collect();
        match agrees(booked, &own) {
            Ok(true) => None,
            Ok(false) => {
                Some(format!("transaction {id} has booked {}, other than its {} entries", told(booked), own.len()))
            }
            Err(error) => Some(format!("transaction {id}: {error}")),
        }
    };
    ids.iter().filter_map(wrong).collect()
}

fn is_of_transaction(entry: &Entry, id: &str) -> bool {
    entry.payment.as_ref().is_some_and(|payment| payment.transaction_id == id)
}

fn agrees(booked: Booked, entries: &[&Entry]) -> Result<bool, MoneyError> {
    let total = |counts: fn(EntryKind) -> bool| sum(entries.iter().copied(), counts);
    let kept = total(|_| true)?;
    let charged_back = total(|kind| matches!(kind, EntryKind::Chargeback | EntryKind::SurplusChargeback))?.negated()?;
    let refunded = total(|kind| matches!(kind, EntryKind::Refund | EntryKind::SurplusRefund))?.negated()?;
    let bounded = booked.refunded >= Rupiah::ZERO
        && booked.refunded <= booked.received
        && booked.to_credit >= Rupiah::ZERO
        && booked.to_credit <= booked.received;
    let same = booked.kept()? == kept && booked.charged_back <= charged_back && booked.refunded <= refunded;
    Ok(same && bounded)
}

fn told(booked: Booked) -> String {
    let Booked { received, to_credit, refunded, charged_back } = booked;
    format!("{received} received, {to_credit} of it credit, {refunded} refunded, {charged_back} charged back")
}

/// What the money says of the status; `None` = none came.
fn status_of_money(order: &Order) -> Option<OrderStatus> {
    let kept = order.booked.values().any(|booked| booked.received > booked.refunded);
    (!order.booked.is_empty()).then_some(if kept { OrderStatus::Paid } else { OrderStatus::Reversed })
}
