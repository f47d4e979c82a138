//! Midtrans: the Snap API, its payment page, and the Core API after payment.

mod channel;
mod core_api;
mod gateway;
mod notification;
mod page;
mod request;
mod rules;
mod snap;
mod store;
mod transaction;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use page::overview;
pub(crate) use rules::RULES;
pub(crate) use store::{Midtrans, Orders};

/// The API and the payment page.
pub(crate) fn router() -> Router<Midtrans> {
    Router::new()
        .route("/snap/v1/transactions", post(snap::create))
        .route("/snap/v1/transactions/{token}/cancel", post(snap::cancel_session))
        .route("/snap/v3/redirection/{token}", get(page::show).post(page::act))
        .route("/v2/{id}/status", get(core_api::status))
        .route("/v2/{id}/status/b2b", get(core_api::status))
        .route("/v2/{id}/cancel", post(core_api::cancel))
        .route("/v2/{id}/expire", post(core_api::expire))
        .route("/v2/{id}/refund", post(core_api::refund))
        .route("/v2/{id}/refund/online/direct", post(core_api::refund))
        .route("/v2/{id}/approve", post(core_api::approve))
        .route("/v2/{id}/deny", post(core_api::deny))
}
