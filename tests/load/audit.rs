//! The audit's rules over the whole table.

use std::sync::{Arc, Mutex};

use billing::{audit, payment::invoice::InvoiceStatus};
use cloud::store::audit::Row;

use crate::many;
use crate::shop::{Shop, locked};

#[derive(Debug, Default)]
pub struct Found {
    pub customers: usize,
    pub orders: usize,
    pub events: usize,
    /// Customers with one invoice, PAID and applied.
    pub paid: usize,
    pub findings: Vec<String>,
}

pub async fn everything(shop: &Arc<Shop>, at_once: usize) -> Found {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = shop.world.app.store.rows(after.as_ref()).await.unwrap();
        rows.extend(page.rows.into_iter().filter(|row| matches!(row, Row::Profile(_) | Row::Order(_) | Row::Event(_))));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let found = Arc::new(Mutex::new(Found::default()));
    let (shop, rows, all) = (shop.clone(), Arc::new(rows), found.clone());
    let count = rows.len();
    many("audit", count, at_once, move |number| {
        let (shop, rows, all) = (shop.clone(), rows.clone(), all.clone());
        async move { look(&shop, &rows[number], &all).await }
    })
    .await;
    std::mem::take(&mut locked(&found))
}

async fn look(shop: &Shop, row: &Row, all: &Mutex<Found>) {
    let (store, now) = (&shop.world.app.store, shop.world.app.clock.now());
    let mut audited = audit::Audited::default();
    match row {
        Row::Profile(customer) => {
            let books = store.books(customer, now).await.unwrap().unwrap();
            audited = audit::customer(&books, shop.world.app.settings.zone, now);
            let is_served = |invoice: &billing::payment::invoice::Invoice| {
                invoice.status == InvoiceStatus::Paid && !invoice.awaits_apply()
            };
            let served = books.invoices.len() == 1
                && books.invoices.iter().all(|filed| is_served(&filed.state))
                && books.grants.len() == 2;
            let mut found = locked(all);
            found.customers += 1;
            found.paid += usize::from(served);
        }
        Row::Order(key) => {
            let filed = store.filed_order(key).await.unwrap().unwrap();
            let order = &filed.state;
            let invoice = store.invoice(&order.customer_id, &order.invoice_id).await.unwrap();
            let entries = store.entries_of(order).await.unwrap();
            audited = audit::order(&filed, invoice.as_ref(), &entries.iter().collect::<Vec<_>>(), now);
            locked(all).orders += 1;
        }
        Row::Event(key) => {
            let filed = store.filed_event(key).await.unwrap().unwrap();
            let mut found = locked(all);
            found.events += 1;
            found.findings.extend(audit::lost(&filed));
            if filed.state.relayed_at.is_none() {
                found.findings.push(format!("event {} was not relayed", filed.state.id));
            }
        }
        Row::Of(_) | Row::Other => {}
    }
    let mut found = locked(all);
    found
        .findings
        .extend(audited.findings.iter().map(|finding| format!("{}: {}", finding.rule.as_str(), finding.what)));
    // A paid order is looked at once more a while later. In a long run that time comes, and nobody reconciles here.
    let waiting = audited.pending.iter().filter(|pending| pending.wait != audit::Wait::Look);
    found.findings.extend(waiting.map(|pending| format!("still waiting: {:?}", pending.wait)));
}
