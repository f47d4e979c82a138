//! Every minute: whatever wakes up. Gateways are asked about orders that have not been heard of, and paid invoices that
//! nobody applied are told again. The same confirmation and settle as for a webhook.

mod invoices;

use std::time::Duration;

use billing::payment::{gateway::GatewayName, order::Order, settlement::in_other_mode};
use cloud::app::App;
use cloud::store::keys::{self, Key};
use cloud::store::{StoreError, WakeKind};
use gateways::{Cancellation, GatewayError};
use payments::BookingError;
use payments::booking::ask_and_book;
use payments::connect::{connect_for, order_ref};
use serde_json::Value;
use time::OffsetDateTime;

/// Orders per index partition and run; with 16 partitions at most 64 a run, which is Xendit's rate limit in test mode.
const ORDERS_PER_PARTITION: i32 = 4;
/// A run stops taking new orders after this long: the function lives 60 s.
const TIME_LIMIT: Duration = Duration::from_secs(40);
/// An order whose gateway gave no answer is looked at again this much later.
const ASK_AGAIN_IN: time::Duration = time::Duration::minutes(5);
/// One that belongs to the gateway's other mode waits for a person to change keys. Asked more often, it would hold the
/// alarm up all the time, and so hide every other cause.
const OTHER_MODE_AGAIN_IN: time::Duration = time::Duration::hours(1);

/// One run.
pub async fn handle(app: &App, _trigger: Value) {
    let started = tokio::time::Instant::now();
    invoices::look_at(app).await;
    let wake_at = match app.store.wake_ups(WakeKind::Order, app.clock.now(), ORDERS_PER_PARTITION).await {
        Ok(wake_at) => wake_at,
        Err(error) => {
            tracing::error!(alarm = true, %error, "due orders could not be read");
            return;
        }
    };
    let found = wake_at.len();
    let mut looked_at: usize = 0;
    let mut silent = Silent::default();
    for key in wake_at {
        if started.elapsed() > TIME_LIMIT {
            tracing::warn!(found, looked_at, "more orders are due than a run can look at");
            return;
        }
        look_at(app, &key, &mut silent).await;
        looked_at = looked_at.saturating_add(1);
    }
    if found > 0 {
        tracing::info!(found, "reconciled");
    }
}

/// Looks at one order. Whatever happens, it is due again or closed afterwards, and one order's trouble is not
/// another's.
async fn look_at(app: &App, key: &Key, silent: &mut Silent) {
    let now = app.clock.now();
    let order = match app.store.woken_order(key, now).await {
        Ok(Some(order)) => order,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(alarm = error.needs_a_person(), %key, %error, "due order could not be read");
            return;
        }
    };
    if silent.is(order.gateway) {
        // Not left as it is: it would be first in the next run too, and hold up the other gateway's orders.
        return ask_again(app, order, ASK_AGAIN_IN, now).await;
    }
    let Err(trouble) = Box::pin(cancel_or_book(app, order.clone())).await else { return };
    match &trouble {
        BookingError::Gateway(error) => silent.note(order.gateway, error),
        // Somebody else is at work on it. If they leave it waiting, it must not be first in every run.
        BookingError::Store(StoreError::Stale) => {
            if let Ok(Some(left_due)) = app.store.woken_order(key, now).await {
                ask_again(app, left_due, ASK_AGAIN_IN, now).await;
            }
            return;
        }
        _ => {}
    }
    let alarm = !matches!(trouble, BookingError::Gateway(_) | BookingError::Store(_));
    tracing::error!(alarm, order = order.id.as_str(), gateway = order.gateway.as_str(), error = %trouble, "order not reconciled");
    if matches!(trouble, BookingError::OtherMode) {
        let again = Order { wake_at: None, ..order }.looking_again_in(OTHER_MODE_AGAIN_IN, now);
        not_planned(app.store.note(in_other_mode(again, now), now).await.map(drop), key);
    } else {
        ask_again(app, order, ASK_AGAIN_IN, now).await;
    }
}

/// Gateways that are not asked any more in this run: one that limits the rate, or that gave no answer twice. Waiting
/// for it would cost the other gateway's orders their look.
#[derive(Debug, Default)]
struct Silent(Vec<GatewayName>);

impl Silent {
    const TIMES: usize = 2;

    fn is(&self, gateway: GatewayName) -> bool {
        self.0.iter().filter(|silent| **silent == gateway).count() >= Self::TIMES
    }

    fn note(&mut self, gateway: GatewayName, error: &GatewayError) {
        let times = match error {
            GatewayError::RateLimited => Self::TIMES,
            GatewayError::Ambiguous(_) => 1,
            _ => 0,
        };
        self.0.extend(std::iter::repeat_n(gateway, times));
    }
}

async fn ask_again(app: &App, order: Order, wait: time::Duration, now: OffsetDateTime) {
    let again = Order { wake_at: None, ..order }.looking_again_in(wait, now);
    not_planned(app.store.note_order(&again).await, &keys::order(again.gateway, &again.id));
}

fn not_planned(written: Result<(), StoreError>, order: &Key) {
    if let Err(error) = written {
        tracing::warn!(%order, %error, "next look not planned; it stays due");
    }
}

async fn cancel_or_book(app: &App, order: Order) -> Result<(), BookingError> {
    let gateway = connect_for(app, &order).await?;
    if order.cancel_wanted_since.is_some() {
        match gateway.cancel(&order_ref(&order)).await {
            Ok(Cancellation::Cancelled) => {
                return Ok(app.store.note_order(&order.cancelled("cancelled", app.clock.now())).await?);
            }
            // Paid, over, in progress or never chosen: the status tells. The cancellation stays wanted until the order
            // is over or paid.
            Ok(Cancellation::Refused) => {}
            // That nobody cancels must not mean that nobody looks: money may be there.
            Err(error) => tracing::warn!(order = order.id.as_str(), %error, "order not cancelled yet"),
        }
    }
    ask_and_book(app, &*gateway, order, None, "reconcile").await.map(drop)
}
