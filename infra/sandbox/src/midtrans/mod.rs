//! Midtrans: the Snap API, its payment page, and the Core API after payment.

mod channel;
mod core;
mod notification;
mod page;
mod request;
mod snap;
mod store;
mod transaction;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use time::Duration;

use crate::books::OrderBooks;
use crate::partner::Partner;
use crate::simulation::{Change, Outcome, Simulate, SimulateError, Simulated};
use crate::webhooks::{self, Notification};
use crate::world::{Partners, Shared};
use crate::{basic_auth, locked};

pub(crate) use page::overview;
pub(crate) use store::Store;

/// The API and the payment page.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/snap/v1/transactions", post(snap::create))
        .route("/snap/v1/transactions/{token}/cancel", post(snap::cancel_session))
        .route("/snap/v3/redirection/{token}", get(page::show).post(page::act))
        .route("/v2/{id}/status", get(core::status))
        .route("/v2/{id}/status/b2b", get(core::status))
        .route("/v2/{id}/cancel", post(core::cancel))
        .route("/v2/{id}/expire", post(core::expire))
        .route("/v2/{id}/refund", post(core::refund))
        .route("/v2/{id}/refund/online/direct", post(core::refund))
        .route("/v2/{id}/approve", post(core::approve))
        .route("/v2/{id}/deny", post(core::deny))
}

/// Basic authentication with any of the valid server keys and an empty password.
fn is_authorized(world: &Partners, headers: &HeaderMap) -> bool {
    let user = basic_auth::user(headers);
    user.is_some_and(|user| world.settings().midtrans_server_keys.contains(&user))
}

/// The key that signs: the newest, once a new one was made.
fn signing_key(world: &Partners) -> String {
    let keys = world.settings().midtrans_server_keys;
    keys.into_iter().next().unwrap_or_default()
}

fn default_expiry(world: &Partners) -> Duration {
    Duration::try_from(world.settings().default_expiry).unwrap_or(Duration::DAY)
}

/// Plays an outcome on an order.
pub(crate) fn simulate(world: &Shared, order_id: &str, simulate: &Simulate) -> Result<Change, SimulateError> {
    let key = signing_key(world);
    let (now, default) = (world.clock.now(), default_expiry(world));
    let mut store = locked(&world.midtrans);
    let transaction = store.of_order(order_id).ok_or(SimulateError::UnknownLink)?;
    if transaction.look(now) {
        webhooks::deliver_in_background(world, vec![notification::notification(transaction, &key)]);
    }
    let notifies = transaction.play(simulate, now, default)?;
    let mut notifications = Vec::new();
    if notifies {
        notifications.push(notification::notification(transaction, &key));
    }
    if simulate.outcome == Outcome::Refunded {
        transaction.confirm_refund(now);
        notifications.push(notification::notification(transaction, &key));
    }
    let result = Simulated {
        gateway: Partner::Midtrans,
        state: transaction.status.word().to_owned(),
        order_id: order_id.to_owned(),
        transaction_id: transaction.transaction_id.clone(),
        webhook: None,
    };
    store.index_transaction(order_id);
    Ok(Change { result, notifications })
}

/// What Midtrans holds of every order, oldest first.
pub(crate) fn accounts(store: &Store) -> Vec<OrderBooks> {
    let mut accounts: Vec<OrderBooks> =
        store.newest(usize::MAX).into_iter().map(transaction::Transaction::account).collect();
    accounts.reverse();
    accounts
}

/// What the dashboard's test button sends.
pub(crate) fn canned_notification(world: &Partners) -> Notification {
    notification::canned(&signing_key(world), world.clock.now())
}
