//! The inbox for scripts and for the page's buttons.

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::message::Whatsapp;
use super::page::inbox_page;
use super::report::Event;
use crate::core::Sent;

#[derive(Debug, Deserialize)]
pub(crate) struct Whose {
    phone: Option<String>,
}

/// JSON for scripts, a page for browsers.
pub(crate) async fn inbox(
    State(whatsapp): State<Whatsapp>,
    Query(whose): Query<Whose>,
    headers: HeaderMap,
) -> Response {
    let phone = whose.phone.map(|phone| phone.trim_start_matches(['+', ' ']).to_owned());
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return inbox_page(&whatsapp, phone.as_deref());
    }
    match phone {
        Some(phone) => Json(whatsapp.store().of(&phone)).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({"error": "add ?phone=62…"}))).into_response(),
    }
}

pub(crate) async fn empty(State(whatsapp): State<Whatsapp>) -> StatusCode {
    whatsapp.store().inbox.clear();
    StatusCode::NO_CONTENT
}

/// What a customer does with a message, as a script says it.
#[derive(Clone, Debug, Deserialize)]
pub struct SimulateMessage {
    /// The sender's id of the message; without one the newest message to `phone` is meant.
    #[serde(default)]
    pub message: Option<String>,
    /// Whose newest message, `62…`.
    #[serde(default)]
    pub phone: Option<String>,
    /// `sent`, `delivered`, `read`, `failed` or `reply`.
    pub event: String,
    /// Of `failed`: Meta's code; 131026 unless given.
    #[serde(default)]
    pub code: Option<i64>,
    /// Of `reply`: the words; `STOP` unless given.
    #[serde(default)]
    pub text: Option<String>,
}

/// Why it cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulateMessageError {
    UnknownMessage,
    UnknownEvent,
    /// The sender has no webhooks, or there is no address.
    NoWebhook,
}

impl IntoResponse for SimulateMessageError {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::UnknownMessage => (StatusCode::NOT_FOUND, "no such message"),
            Self::UnknownEvent => (StatusCode::BAD_REQUEST, "event is one of sent, delivered, read, failed, reply"),
            Self::NoWebhook => {
                (StatusCode::CONFLICT, "this sender reports nothing, or the sandbox has no --webhook-base")
            }
        };
        (status, Json(json!({"error": why}))).into_response()
    }
}

impl Whatsapp {
    /// Plays the customer's phone: has the sender report it, and answers what came of that.
    pub(crate) async fn simulate(&self, wish: &SimulateMessage) -> Result<Sent, SimulateMessageError> {
        let event = match wish.event.as_str() {
            "sent" => Event::Sent,
            "delivered" => Event::Delivered,
            "read" => Event::Read,
            "failed" => Event::Failed(wish.code.unwrap_or(131_026)),
            "reply" => Event::Reply(wish.text.clone().unwrap_or_else(|| "STOP".to_owned())),
            _ => return Err(SimulateMessageError::UnknownEvent),
        };
        let found = self.store().find(wish.message.as_deref(), wish.phone.as_deref());
        let message = found.ok_or(SimulateMessageError::UnknownMessage)?;
        let notification = self.notification(&message, &event).ok_or(SimulateMessageError::NoWebhook)?;
        self.webhooks.remember(&notification);
        self.deliver(notification).await.ok_or(SimulateMessageError::NoWebhook)
    }
}

/// What a person does with a message on the page.
pub(crate) async fn press(State(whatsapp): State<Whatsapp>, Form(wish): Form<SimulateMessage>) -> Response {
    match whatsapp.simulate(&wish).await {
        Ok(_) => Redirect::to("/inbox").into_response(),
        Err(error) => error.into_response(),
    }
}
