//! `lunas payments show`: how far a payment got, and what to do if it did not get far enough.

pub(crate) mod review;
mod timeline;

use std::collections::HashMap;

use billing::{
    id::{InvoiceId, OrderId},
    payment::{gateway::GatewayName, invoice::Invoice, order::Order},
    service::{customer::Profile, entitlement::taken_by_imports},
};
use cloud::store::LedgerLine;
use serde_json::{Value, json};

use crate::{ALL_DONE, Console, invoices::find_invoice, refuse, views};
use timeline::{Facts, Step, Taken};

/// Ledger entries that are searched for an invoice's payments: years of monthly bills.
const LEDGER_PAGES: usize = 10;
const LEDGER_PAGE: i32 = 100;

/// Shows the payments of an invoice, or one order.
pub(crate) async fn show(console: &Console, text: &str, gateway: Option<GatewayName>) -> anyhow::Result<u8> {
    let Some(facts) = gather(console, text.trim(), gateway).await? else {
        return refuse(format!(
            "no order, invoice number or invoice has the id {text:?}; see `lunas invoices list --customer CUSTOMER`"
        ));
    };
    let now = console.clock.now();
    let (steps, next) = (timeline::steps(&facts, console.ui), timeline::next(&facts, console.ui));
    let mut lines = vec![views::invoice_line(&facts.invoice, console.ui, console.zone, now)?];
    let mut order = None;
    for step in &steps {
        if step.order.is_some() && step.order != order {
            order.clone_from(&step.order);
            lines.extend(facts.orders.iter().filter(|known| Some(&known.id) == order.as_ref()).map(order_line));
        }
        let (mark, time) = match step.at {
            Some(at) => ('x', console.ui.time(at)),
            None => (' ', "-".to_owned()),
        };
        lines.push(format!("  [{mark}] {:<13} {time:<24} {}", step.name, step.detail).trim_end().to_owned());
    }
    lines.push(format!("next: {next}"));
    let machine = json!({
        "invoice": views::invoice(&facts.invoice, console.zone, now)?,
        "orders": facts.orders.iter().map(order_view).collect::<Vec<_>>(),
        "ledger": facts.entries.iter().map(views::ledger).collect::<Vec<_>>(),
        "timeline": steps.iter().map(step_view).collect::<Vec<_>>(),
        "next": next,
    });
    console.ui.result(&lines.join("\n"), &machine)?;
    Ok(ALL_DONE)
}

async fn gather(console: &Console, text: &str, gateway: Option<GatewayName>) -> anyhow::Result<Option<Facts>> {
    if let Some(invoice) = find_invoice(console, text).await? {
        let entries = entries_of(console, &invoice).await?;
        let orders = orders_of(console, &invoice, &entries).await?;
        return facts(console, invoice, orders, entries).await.map(Some);
    }
    let Ok(id) = OrderId::parse(text) else { return Ok(None) };
    let found = console
        .store
        .orders_named(&id)
        .await?
        .into_iter()
        .find(|order| gateway.is_none_or(|gateway| order.gateway == gateway));
    let Some(order) = found else { return Ok(None) };
    let Some(invoice) = console.store.invoice(&order.customer_id, &order.invoice_id).await? else {
        return refuse(format!(
            "order {id} belongs to invoice {}, which does not exist: report this",
            order.invoice_id
        ));
    };
    let mut entries = entries_of(console, &invoice).await?;
    entries.retain(|line| line.entry.payment.as_ref().is_some_and(|payment| payment.order_id == id));
    facts(console, invoice, vec![order], entries).await.map(Some)
}

async fn facts(
    console: &Console,
    invoice: Invoice,
    orders: Vec<Order>,
    entries: Vec<LedgerLine>,
) -> anyhow::Result<Facts> {
    let told: Vec<String> = entries.iter().flat_map(|line| line.events.iter().cloned()).collect();
    let events = console.store.event_states(&told).await?;
    let network_update = console.store.network_update(&invoice.customer_id).await?;
    let grants = console.store.grants(&invoice.customer_id).await?;
    let mut taken = None;
    if let Some(Profile { entitlement: left, .. }) = console.store.profile(&invoice.customer_id).await? {
        let bought = taken_by_imports(&grants, &left, console.zone, console.clock.now())?;
        taken = bought.map(|bought| Taken { bought, left });
    }
    Ok(Facts { invoice, orders, entries, events, grants, taken, network_update })
}

/// The invoice's ledger entries, oldest first.
async fn entries_of(console: &Console, invoice: &Invoice) -> anyhow::Result<Vec<LedgerLine>> {
    let (mut entries, mut next) = (Vec::new(), None);
    for _ in 0..LEDGER_PAGES {
        let page = console.store.ledger(&invoice.customer_id, next.as_ref(), LEDGER_PAGE).await?;
        entries.extend(page.entries.into_iter().filter(|line| line.entry.invoice_id.as_ref() == Some(&invoice.id)));
        next = page.next.and_then(|id| InvoiceId::parse(&id).ok());
        if next.is_none() {
            break;
        }
    }
    entries.reverse();
    Ok(entries)
}

/// The orders that can be found from an invoice: behind its link, being opened, or with money. One that was replaced
/// and never paid is found by its own id only.
async fn orders_of(console: &Console, invoice: &Invoice, entries: &[LedgerLine]) -> anyhow::Result<Vec<Order>> {
    let behind =
        invoice.link.iter().map(|link| &link.order_id).chain(invoice.lease.iter().map(|lease| &lease.order_id));
    let paid = entries.iter().filter_map(|line| line.entry.payment.as_ref()).map(|payment| &payment.order_id);
    let mut orders = HashMap::new();
    for id in behind.chain(paid) {
        if !orders.contains_key(id) {
            let found = console.store.orders_named(id).await?.into_iter().find(|order| order.invoice_id == invoice.id);
            orders.insert(id.clone(), found);
        }
    }
    let mut orders: Vec<Order> = orders.into_values().flatten().collect();
    orders.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(orders)
}

fn order_line(order: &Order) -> String {
    format!("order {} at {} ({}): {}", order.id, order.gateway, word(&order.mode), word(&order.status))
}

fn order_view(order: &Order) -> Value {
    let moments =
        order.timeline.iter().map(|moment| json!({"at": views::instant(Some(moment.at)), "what": moment.what}));
    json!({
        "id": order.id, "gateway": order.gateway, "mode": order.mode, "status": order.status, "amount": order.amount,
        "reference": order.reference, "transactionId": order.transaction_id, "createdAt": views::instant(Some(order.created_at)),
        "expiresAt": views::instant(Some(order.expires_at)), "nextLookAt": views::instant(order.wake_at),
        "cancelWanted": order.cancel_wanted_since.is_some(), "moments": moments.collect::<Vec<_>>(),
    })
}

fn step_view(step: &Step) -> Value {
    json!({"step": step.name, "at": views::instant(step.at), "done": step.at.is_some(), "orderId": step.order, "detail": step.detail})
}

/// The word that a state has in items and answers.
fn word(state: &impl serde::Serialize) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
