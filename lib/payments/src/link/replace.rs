//! Before another link is given out, the one before it is closed at its gateway: a customer should not be able to pay
//! twice.

use std::time::Duration;

use billing::payment::gateway::{Report, ReportedState};
use billing::payment::invoice::Invoice;
use billing::payment::order::{Order, OrderStatus};
use cloud::{app::App, store::StoreError};
use gateways::{Cancellation, Gateway};

use crate::booking::book;
use crate::connect::{ask, connect_for, order_ref};
use crate::error::BookingError;

/// Both calls together; the new link needs the rest of the function's time.
const TIME_LIMIT: Duration = Duration::from_secs(4);

pub(crate) enum Closed {
    /// To be written with the new link; `None` if there is nothing more to write.
    Order(Option<Box<Order>>),
    /// The old link was paid, or a payment on it is held for review: decide again.
    MovedOn,
}

/// Closes an order that is marked for cancellation already, so whatever fails here is done by reconcile. A gateway that
/// is down does not stand in the way: should both be paid, the second payment becomes credit.
pub(crate) async fn close(app: &App, order: Order, invoice: &Invoice) -> Result<Closed, StoreError> {
    let (gateway, report) = match tokio::time::timeout(TIME_LIMIT, cancel_or_ask(app, &order)).await {
        Ok(Ok(Some(answer))) => answer,
        Ok(Ok(None)) => return Ok(Closed::Order(Some(Box::new(order.cancelled("replaced", app.clock.now()))))),
        Ok(Err(trouble)) => {
            tracing::warn!(order = order.id.as_str(), error = %trouble, "the replaced link could not be cancelled yet");
            return Ok(Closed::Order(None));
        }
        Err(_) => return Ok(Closed::Order(None)),
    };
    match book(app, &*gateway, order, Some(invoice.clone()), report, "replacement").await {
        Ok(booked)
            if booked.moved
                || booked.order.status == OrderStatus::Paid
                || matches!(booked.state, ReportedState::InReview(_)) =>
        {
            Ok(Closed::MovedOn)
        }
        Ok(_) => Ok(Closed::Order(None)),
        Err(BookingError::Store(error)) => Err(error),
        Err(trouble) => {
            tracing::error!(error = %trouble, "the replaced order could not be booked yet");
            Ok(Closed::Order(None))
        }
    }
}

/// What the gateway reports of an order that it did not cancel; `None` = it is cancelled.
async fn cancel_or_ask(app: &App, order: &Order) -> Result<Option<(Box<dyn Gateway>, Report)>, BookingError> {
    let gateway = connect_for(app, order).await?;
    match gateway.cancel(&order_ref(order)).await? {
        Cancellation::Cancelled => Ok(None),
        Cancellation::Refused => {
            let report = ask(app, &*gateway, &order_ref(order)).await?;
            Ok(Some((gateway, report)))
        }
    }
}
