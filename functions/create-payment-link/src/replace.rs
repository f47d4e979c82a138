//! Before another link is given out, the one before it is cancelled at its gateway: a customer should not be able to pay twice.

use std::time::Duration;

use billing::{
    gateway::Report,
    invoice::PaymentLink,
    order::{Order, OrderStatus},
};
use cloud::store::StoreError;
use gateways::{Cancellation, OrderRef};
use payments::{Payments, Trouble};

/// Both calls together; the new link needs the rest of the function's time.
const TIME_LIMIT: Duration = Duration::from_secs(4);

pub(crate) enum Closed {
    /// To be written with the new order; `None` if there is nothing to write.
    Order(Option<Box<Order>>),
    /// The old link was paid: decide again.
    MoneyArrived,
}

enum Said {
    Cancelled,
    Report(Report),
    Nothing,
}

/// Closes the order behind a link. A gateway that is down does not stand in the way: should both be paid, the second payment
/// becomes credit.
pub(crate) async fn close(payments: &Payments, link: &PaymentLink) -> Result<Closed, StoreError> {
    let reference = OrderRef { order_id: link.order_id.clone(), reference: Some(link.reference.clone()), transaction_id: None };
    let asking = tokio::time::timeout(TIME_LIMIT, cancel_or_ask(payments, link, &reference));
    let (order, said) = tokio::join!(payments.store.order(link.gateway, &link.order_id), asking);
    let Some(order) = order? else { return Ok(Closed::Order(None)) };
    let said = match said {
        Ok(Ok(said)) => said,
        Ok(Err(trouble)) => {
            tracing::warn!(order = order.id.as_str(), error = %trouble, "the replaced link could not be cancelled");
            Said::Nothing
        }
        Err(_) => Said::Nothing,
    };
    let now = payments.clock.now();
    match said {
        Said::Cancelled => {
            let mut cancelled = Order { status: OrderStatus::Cancelled, ..order };
            cancelled.note(now, "replaced");
            cancelled.due = cancelled.next_look(now);
            Ok(Closed::Order(Some(Box::new(cancelled))))
        }
        Said::Nothing => Ok(Closed::Order(Some(Box::new(order.wanting_cancellation(now))))),
        Said::Report(report) => match payments.book(order, None, &report, "replacement").await {
            Ok(booked) if booked.moved => Ok(Closed::MoneyArrived),
            Ok(booked) => Ok(Closed::Order(Some(Box::new(booked.order.wanting_cancellation(now))))),
            Err(Trouble::Store(error)) => Err(error),
            Err(trouble) => {
                tracing::error!(error = %trouble, "the replaced order could not be booked");
                Err(StoreError::Unavailable("replaced order".to_owned()))
            }
        },
    }
}

async fn cancel_or_ask(payments: &Payments, link: &PaymentLink, reference: &OrderRef) -> Result<Said, Trouble> {
    let gateway = payments.gateway(link.gateway).await?;
    match gateway.cancel(reference).await? {
        Cancellation::Cancelled => Ok(Said::Cancelled),
        Cancellation::Refused => payments.ask(link.gateway, reference).await.map(Said::Report),
    }
}
