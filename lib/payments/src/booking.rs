//! The one way in which a gateway's money gets booked.

use std::ops::ControlFlow::{Break, Continue};

use billing::payment::gateway::{Report, ReportedState};
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::order::Order;
use billing::payment::settlement::{SettleOutcome, settle};
use billing::telling::event::Event;
use cloud::app::App;
use cloud::store::{retry_stale, unless_stale};
use gateways::{Gateway, OrderRef};

use crate::connect::{ask, order_ref};
use crate::error::BookingError;

/// Where an order and its invoice stand after booking.
#[derive(Debug, Clone)]
pub struct Booked {
    pub invoice_status: InvoiceStatus,
    pub moved: bool,
    pub order: Order,
    pub state: ReportedState,
}

/// Asks about an order and books what the gateway says. `invoice` is the invoice if it was read already.
pub async fn ask_and_book(
    app: &App,
    gateway: &dyn Gateway,
    order: Order,
    invoice: Option<Invoice>,
    via: &str,
) -> Result<Booked, BookingError> {
    let report = ask(app, gateway, &order_ref(&order)).await?;
    book(app, gateway, order, invoice, report, via).await
}

/// Books a report. Starts from the states given (the invoice else from the order's copy of it). Should they have moved
/// on, as the transaction's version conditions tell, they are read anew and the gateway is asked anew: a report is
/// never held against a state that is newer than it.
pub async fn book(
    app: &App,
    gateway: &dyn Gateway,
    order: Order,
    invoice: Option<Invoice>,
    report: Report,
    via: &str,
) -> Result<Booked, BookingError> {
    retry_stale((order, invoice, report), |(order, invoice, report)| async move {
        if let Some(booked) = book_once(app, &order, invoice, &report, via).await? {
            return Ok(Break(booked));
        }
        let gone = || BookingError::NoInvoice(order.id.clone());
        let order = app.store.order(order.gateway, &order.id).await?.ok_or_else(gone)?;
        let invoice = app.store.invoice(&order.customer_id, &order.invoice_id).await?;
        // Some channels can only be asked by the gateway's own id, which the order may not have learnt yet; and the
        // order may have learnt another one.
        let seen = report.transactions.first().map(|transaction| transaction.id.clone());
        let asked = OrderRef { transaction_id: seen.or(order.transaction_id.clone()), ..order_ref(&order) };
        let report = ask(app, gateway, &asked).await?;
        Ok(Continue((order, invoice, report)))
    })
    .await
}

/// `None`: order or invoice moved on since they were read, and nothing was booked.
async fn book_once(
    app: &App,
    order: &Order,
    invoice: Option<Invoice>,
    report: &Report,
    via: &str,
) -> Result<Option<Booked>, BookingError> {
    let now = app.clock.now();
    let read = match invoice.or_else(|| order.invoice.as_deref().cloned()) {
        None => app.store.invoice(&order.customer_id, &order.invoice_id).await?,
        at_hand => at_hand,
    };
    let read = read.ok_or_else(|| BookingError::NoInvoice(order.id.clone()))?;
    let state = report.state.clone();
    let (invoice_status, moved, reviews, written) = match settle(order, &read, report, now)? {
        SettleOutcome::Unchanged => {
            return Ok(Some(Booked { invoice_status: read.status, moved: false, order: order.clone(), state }));
        }
        SettleOutcome::Noted(note) => (read.status, false, 0, app.store.note(*note, now).await),
        SettleOutcome::Settled(mut change) => {
            change.order.note(now, format!("confirmed_by:{via}"));
            let reviews = change.events.iter().filter(|event| matches!(event, Event::PaymentReview { .. })).count();
            let invoice_status = change.invoice.as_ref().unwrap_or(&read).status;
            (invoice_status, true, reviews, app.store.settle(*change, &read, now).await)
        }
    };
    let Break(order) = unless_stale(written)? else { return Ok(None) };
    let booked = Booked { invoice_status, moved, order, state };
    log_booking(&booked, via, reviews);
    if moved {
        close_other_link(app, &booked, &read).await;
    }
    Ok(Some(booked))
}

/// An invoice that was paid through another order than the one behind its link: nobody is to pay that one too. Noted,
/// carried out as planned work. Should it be lost, paying twice ends as credit.
async fn close_other_link(app: &App, booked: &Booked, before: &Invoice) {
    let is_paid = booked.invoice_status == InvoiceStatus::Paid && before.status == InvoiceStatus::Unpaid;
    let Some(link) = before.link.as_ref().filter(|link| is_paid && link.order_id != booked.order.id) else { return };
    let now = app.clock.now();
    let closed = match app.store.order_behind(Some(link)).await {
        Ok(Some(order)) => app.store.note_order(&order.wanting_cancellation(now)).await,
        Ok(None) => return,
        Err(error) => Err(error),
    };
    if let Err(error) = closed {
        tracing::warn!(order = link.order_id.as_str(), %error, "the other link of a paid invoice stays open");
    }
}

fn log_booking(booked: &Booked, via: &str, reviews: usize) {
    let (order, gateway) = (booked.order.id.as_str(), booked.order.gateway.as_str());
    if let Some(why) = booked.state.needs_a_person() {
        tracing::error!(alarm = true, order, gateway, why, "the gateway's answer needs a person");
    }
    if reviews > 0 {
        tracing::error!(alarm = true, order, gateway, "a payment needs a person: see `lunas payments review`");
    }
    if booked.moved {
        tracing::info!(order, gateway, via, status = ?booked.order.status, "settled");
    }
}
