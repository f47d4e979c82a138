//! Xendit: the Invoice API and the hosted page of an invoice.

mod api;
mod channel;
mod invoice;
mod page;
mod store;

use axum::Router;
use axum::routing::{get, post};
use serde_json::json;
use time::Duration;

use crate::books::OrderBooks;
use crate::locked;
use crate::partner::Partner;
use crate::simulation::{Change, Simulate, SimulateError, Simulated};
use crate::webhooks::{self, Notification};
use crate::world::{Partners, Shared};

pub(crate) use page::overview;
pub(crate) use store::Store;

/// The API and the hosted page.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/v2/invoices", get(api::list).post(api::create))
        // The official clients post with a slash at the end.
        .route("/v2/invoices/", get(api::list).post(api::create))
        .route("/v2/invoices/{id}", get(api::get))
        .route("/invoices/{id}/expire!", post(api::expire))
        .route("/invoices/{id}/expire%21", post(api::expire))
        .route("/web/{id}", get(page::show).post(page::act))
}

fn default_expiry(world: &Partners) -> Duration {
    Duration::try_from(world.settings().default_expiry).unwrap_or(Duration::DAY)
}

/// Plays an outcome on an invoice.
pub(crate) fn simulate(world: &Shared, id: &str, simulate: &Simulate) -> Result<Change, SimulateError> {
    let token = world.settings().xendit_callback_token;
    let now = world.clock.now();
    let mut store = locked(&world.xendit);
    let invoice = store.get(id).ok_or(SimulateError::UnknownLink)?;
    if invoice.look(now) {
        webhooks::deliver_in_background(world, vec![invoice.notification(&token)]);
    }
    let notifies = invoice.play(simulate, now)?;
    let notifications = if notifies { vec![invoice.notification(&token)] } else { Vec::new() };
    let result = Simulated {
        gateway: Partner::Xendit,
        state: invoice.status.word().to_owned(),
        order_id: invoice.external_id.clone(),
        transaction_id: Some(invoice.id.clone()),
        webhook: None,
    };
    Ok(Change { result, notifications })
}

/// What Xendit holds of every invoice, oldest first.
pub(crate) fn accounts(store: &mut Store) -> Vec<OrderBooks> {
    let ids = store.ids(None);
    ids.iter().rev().filter_map(|id| store.get(id).map(|invoice| invoice.account())).collect()
}

/// What the dashboard's "Test" button sends: a paid invoice that never was, with the real token.
pub(crate) fn canned_notification(world: &Partners) -> Notification {
    let id = "579c8d61f23fa4ca35e52da4";
    let body = json!({
        "id": id,
        "external_id": "invoice_123124123",
        "user_id": "5781d19b2e2385880609791c",
        "is_high": true,
        "payment_method": "BANK_TRANSFER",
        "status": "PAID",
        "merchant_name": "Xendit",
        "amount": 50_000,
        "paid_amount": 50_000,
        "bank_code": "PERMATA",
        "paid_at": "2016-10-12T08:15:03.404Z",
        "payer_email": "payer@example.com",
        "description": "This is a description",
        "adjusted_received_amount": 47_500,
        "fees_paid_amount": 0,
        "updated": "2016-10-10T08:15:03.404Z",
        "created": "2016-10-10T08:15:03.404Z",
        "currency": "IDR",
        "payment_channel": "PERMATA",
        "payment_destination": "888888888888",
    });
    invoice::notification(id, &body, &world.settings().xendit_callback_token)
}
