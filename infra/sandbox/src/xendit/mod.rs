//! Xendit: the Invoice API and the hosted page of an invoice.

mod api;
mod channel;
mod gateway;
mod invoice;
mod page;
mod rules;
mod store;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use page::overview;
pub(crate) use rules::RULES;
pub(crate) use store::{Invoices, Xendit};

/// The API and the hosted page.
pub(crate) fn router() -> Router<Xendit> {
    Router::new()
        .route("/v2/invoices", get(api::list).post(api::create))
        // The official clients post with a slash at the end.
        .route("/v2/invoices/", get(api::list).post(api::create))
        .route("/v2/invoices/{id}", get(api::get))
        .route("/invoices/{id}/expire!", post(api::expire))
        .route("/invoices/{id}/expire%21", post(api::expire))
        .route("/web/{id}", get(page::show).post(page::act))
}
