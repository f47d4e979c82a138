//! Due invoices. One that was paid or reversed and not applied in time: the event is told again, a person is called. An
//! offer that lapsed while it held money: it is withdrawn, so that the money is credit.

use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::withdrawal::{WithdrawError, withdraw};
use billing::telling::event::Event;
use cloud::app::App;
use cloud::store::{StoreError, WakeKind};
use time::{Duration, OffsetDateTime};

/// Per index partition and run.
const INVOICES_PER_PARTITION: i32 = 10;
/// Until it is told once more.
const AGAIN_IN: Duration = Duration::minutes(10);
/// Whatever cannot be written for longer than this needs a person.
const WRITTEN_WITHIN: Duration = Duration::minutes(30);

pub(crate) async fn look_at(app: &App) {
    let now = app.clock.now();
    let wake_at = match app.store.wake_ups(WakeKind::Invoice, now, INVOICES_PER_PARTITION).await {
        Ok(wake_at) => wake_at,
        Err(error) => {
            tracing::error!(alarm = true, %error, "due invoices could not be read");
            return;
        }
    };
    for key in wake_at {
        let invoice = match app.store.woken_invoice(&key, now).await {
            Ok(Some(invoice)) => invoice,
            Ok(None) => continue,
            Err(error) => {
                tracing::error!(alarm = error.needs_a_person(), %key, %error, "due invoice could not be read");
                continue;
            }
        };
        let done = if invoice.awaits_apply() {
            tell_again(app, &invoice, now).await
        } else if invoice.is_lapsed(now) {
            withdraw_offer(app, &invoice, now).await
        } else {
            Ok(())
        };
        match done {
            // Stale: somebody is at work on it right now.
            Ok(()) | Err(StoreError::Stale) => {}
            Err(error) => {
                // A table that is busy is over with in a while; what is not keeps others from their look.
                let alarm = invoice.wake_at.is_some_and(|wake_at| now - wake_at > WRITTEN_WITHIN);
                tracing::error!(alarm, invoice = invoice.id.as_str(), %error, "due invoice could not be written");
            }
        }
    }
}

async fn tell_again(app: &App, invoice: &Invoice, now: OffsetDateTime) -> Result<(), StoreError> {
    tracing::error!(alarm = true, invoice = invoice.id.as_str(), status = ?invoice.status, "a payment is not applied yet; told again");
    let event = event_of(invoice);
    let invoice = Invoice { wake_at: Some(now.saturating_add(AGAIN_IN)), ..invoice.clone() };
    app.store.tell_again(&invoice, &event, now).await
}

async fn withdraw_offer(app: &App, invoice: &Invoice, now: OffsetDateTime) -> Result<(), StoreError> {
    let Some((invoice, profile)) = app.store.invoice_and_profile(&invoice.customer_id, &invoice.id).await? else {
        return Ok(());
    };
    let order = app.store.order_behind(invoice.link.as_ref()).await?;
    match withdraw(&invoice, &profile, order.as_ref(), now) {
        Ok(withdrawal) => app.store.withdraw_invoice(&withdrawal, now).await,
        // Paid meanwhile.
        Err(WithdrawError::NotOpen(_)) => Ok(()),
        Err(WithdrawError::Money(error)) => Err(StoreError::Damaged(format!("invoice {}: {error}", invoice.id))),
    }
}

fn event_of(invoice: &Invoice) -> Event {
    let (customer_id, invoice_id) = (invoice.customer_id.clone(), invoice.id.clone());
    let (settlement_no, amount) = (invoice.settlement_no, invoice.amount);
    match invoice.status {
        InvoiceStatus::Paid => Event::PaymentSettled { customer_id, invoice_id, settlement_no, amount },
        InvoiceStatus::Unpaid | InvoiceStatus::Cancelled => {
            Event::PaymentReversed { customer_id, invoice_id, settlement_no, amount }
        }
    }
}
