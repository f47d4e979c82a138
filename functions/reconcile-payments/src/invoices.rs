//! Invoices that were paid or reversed and not applied in time: the event is told again, a person is called.

use billing::{
    event::Event,
    invoice::{Invoice, InvoiceStatus},
};
use cloud::{
    installation::Installation,
    store::{DueKind, StoreError},
};
use time::Duration;

/// Per index partition and run.
const INVOICES_PER_PARTITION: i32 = 10;
/// Until it is told once more.
const AGAIN_IN: Duration = Duration::minutes(10);

pub(crate) async fn tell_again(installation: &Installation) {
    let now = installation.clock.now();
    let due = match installation.store.due(DueKind::Invoice, now, INVOICES_PER_PARTITION).await {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(alarm = true, %error, "due invoices could not be read");
            return;
        }
    };
    for key in due {
        let invoice = match installation.store.due_invoice(&key, now).await {
            Ok(Some(invoice)) => invoice,
            Ok(None) => continue,
            Err(error) => {
                tracing::error!(alarm = matches!(error, StoreError::Damaged(_)), %key, %error, "due invoice could not be read");
                continue;
            }
        };
        tracing::error!(alarm = true, invoice = invoice.id.as_str(), status = ?invoice.status, "a payment is not applied yet; told again");
        let event = event_of(&invoice);
        let invoice = Invoice { due: Some(now.saturating_add(AGAIN_IN)), ..invoice };
        match installation.store.tell_again(&invoice, &event, now).await {
            // Stale: it is being applied right now.
            Ok(()) | Err(StoreError::Stale) => {}
            Err(error) => tracing::error!(invoice = invoice.id.as_str(), %error, "event could not be told again"),
        }
    }
}

fn event_of(invoice: &Invoice) -> Event {
    let (customer_id, invoice_id) = (invoice.customer_id.clone(), invoice.id.clone());
    let (settlement, amount) = (invoice.settlement, invoice.amount);
    match invoice.status {
        InvoiceStatus::Paid => Event::PaymentSettled { customer_id, invoice_id, settlement, amount },
        InvoiceStatus::Unpaid | InvoiceStatus::Cancelled => Event::PaymentReversed { customer_id, invoice_id, settlement, amount },
    }
}
