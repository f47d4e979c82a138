//! Senders of WhatsApp messages, and the one inbox in which they arrive.
//!
//! Meta's Cloud API is under `/meta`, Fonnte under `/fonnte`, WAHA under `/waha`, and `/send` is a generic service of
//! the kind that Indonesian providers use. What customers do with a message, its sender reports to
//! `{webhook_base}/api/webhooks/whatsapp/{sender}`.

mod generic;
mod linked;
mod meta;
mod page;
mod template;

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use linked::waha_signature;
pub use linked::{FONNTE_TOKEN, FONNTE_WEBHOOK_TOKEN, WAHA_API_KEY, WAHA_HMAC_KEY, WAHA_SESSION};
pub use meta::{APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN};
pub(crate) use page::inbox_page;
pub(crate) use template::Templates;

use crate::clock::{midtrans_time, unix_millis};
use crate::partner::Partner;
use crate::webhooks::{self, Notification, Sent};
use crate::world::{Partners, Shared};
use crate::{locked, random};

/// Messages kept.
const MAX_MESSAGES: usize = 10_000;
/// Longest text that WhatsApp takes.
const MAX_TEXT: usize = 4_096;

/// Who took a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// Cloud API.
    Meta,
    /// A service that drives a linked phone.
    Fonnte,
    /// A program that drives a linked phone.
    Waha,
    /// Any other, without webhooks.
    Http,
}

impl Sender {
    fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Fonnte => "fonnte",
            Self::Waha => "waha",
            Self::Http => "http",
        }
    }
}

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub text: String,
    /// When it was sent, milliseconds since 1970.
    pub sent_at: i64,
    pub provider: Sender,
    pub id: String,
    /// The template that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(skip)]
    callback: Option<String>,
    #[serde(skip)]
    phone: String,
    #[serde(skip)]
    shown_at: String,
}

impl Message {
    fn new(world: &Partners, provider: Sender, phone: &str, text: String) -> Self {
        let now = world.clock.now();
        let id = match provider {
            Sender::Meta => format!("wamid.{}", random::object_id()),
            Sender::Waha => random::object_id().to_uppercase(),
            Sender::Fonnte | Sender::Http => random::digits(12),
        };
        Self {
            text,
            sent_at: unix_millis(now),
            provider,
            id,
            template: None,
            callback: None,
            phone: phone.to_owned(),
            shown_at: midtrans_time(now),
        }
    }
}

/// All messages, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox(VecDeque<Message>);

impl Inbox {
    fn add(&mut self, message: Message) {
        if self.0.len() >= MAX_MESSAGES {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    pub(crate) fn of(&self, phone: &str) -> Vec<Message> {
        self.0.iter().filter(|message| message.phone == phone).cloned().collect()
    }

    /// The message of that id, or the newest one to that phone.
    fn find(&self, id: Option<&str>, phone: Option<&str>) -> Option<Message> {
        let is_it = |message: &&Message| match id {
            Some(id) => message.id == id,
            None => phone.is_some_and(|phone| message.phone == phone),
        };
        self.0.iter().rev().find(is_it).cloned()
    }
}

/// Takes a message: into the inbox, and on to a phone that is switched on.
fn arrived(world: &Shared, message: Message) {
    let reports =
        [Event::Sent, Event::Delivered].iter().filter_map(|event| notification(world, &message, event)).collect();
    locked(&world.inbox).add(message);
    webhooks::deliver_in_background(world, reports);
}

/// What happens to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// WhatsApp has it.
    Sent,
    /// It is on the phone.
    Delivered,
    /// It was opened.
    Read,
    /// It will not arrive; Meta's code says why.
    Failed(i64),
    /// The customer writes back.
    Reply(String),
}

impl Event {
    fn word(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed(_) => "failed",
            Self::Reply(_) => "reply",
        }
    }
}

/// The webhook that its sender makes of an event; none from a service without webhooks, and none without an address.
fn notification(world: &Partners, message: &Message, event: &Event) -> Option<Notification> {
    let base = world.settings().webhook_base?;
    let address = format!("{}/api/webhooks/whatsapp/{}", base.trim_end_matches('/'), message.provider.name());
    let now = world.clock.now().unix_timestamp();
    let (body, headers, address) = match message.provider {
        Sender::Meta => {
            let body = meta::webhook(message, event, now).to_string();
            let signature = meta::signature(&body);
            (body, vec![("x-hub-signature-256", signature)], address)
        }
        Sender::Waha => {
            let body = linked::waha_webhook(message, event, now).to_string();
            let headers = vec![
                ("x-webhook-hmac", linked::waha_signature(&body)),
                ("x-webhook-hmac-algorithm", "sha512".to_owned()),
                ("x-webhook-request-id", random::uuid()),
                ("x-webhook-timestamp", unix_millis(world.clock.now()).to_string()),
            ];
            (body, headers, address)
        }
        Sender::Fonnte => {
            let body = linked::fonnte_webhook(message, event).to_string();
            (body, Vec::new(), format!("{address}?token={FONNTE_WEBHOOK_TOKEN}"))
        }
        Sender::Http => return None,
    };
    let reference = message.id.clone();
    Some(Notification {
        partner: Partner::Whatsapp,
        reference,
        instead: vec![address],
        also: Vec::new(),
        headers,
        body,
    })
}

/// The senders, the inbox, and what can happen in it.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/send", post(generic::send))
        .route("/meta/{version}/{number}/messages", post(meta::send))
        .route("/meta/{version}/{account}/message_templates", get(meta::templates).post(meta::submit))
        .route("/fonnte/send", post(linked::fonnte))
        .route("/waha/api/sendText", post(linked::waha))
        .route("/inbox", get(inbox).delete(empty))
        .route("/inbox/event", post(press))
}

/// An answer in which a sender refuses a message, as `reason` says: a code of Meta's, a sentence of Fonnte's, a state
/// of WAHA's session.
pub(crate) fn refusal(path: &str, reason: &str) -> Response {
    if path.starts_with("/meta/") {
        let code = reason.parse().unwrap_or(131_000);
        return meta::Refusal::new(code, "Refused on demand").into_response();
    }
    if path.starts_with("/waha/") {
        return linked::waha_session(reason);
    }
    Json(json!({"status": false, "reason": reason})).into_response()
}

/// The body of an error answer, in the sender's shape for that path.
pub(crate) fn error_body(path: &str, status: u16) -> serde_json::Value {
    let reason = match status {
        401 => "invalid token",
        404 => "not found",
        429 => "too many requests",
        _ => "internal server error",
    };
    match path {
        path if path.starts_with("/meta/") => {
            let code = match status {
                401 => 190,
                404 => 100,
                429 => 130_429,
                _ => 131_000,
            };
            meta::Refusal::new(code, reason).body()
        }
        path if path.starts_with("/waha/") => json!({"statusCode": status, "message": reason}),
        _ => json!({"status": false, "reason": reason}),
    }
}

/// `62` and the number without its leading zero.
fn is_phone(text: &str) -> bool {
    (9..=15).contains(&text.len()) && text.starts_with("62") && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Debug, Deserialize)]
struct Whose {
    phone: Option<String>,
}

/// JSON for scripts, a page for browsers.
async fn inbox(State(world): State<Shared>, Query(whose): Query<Whose>, headers: HeaderMap) -> Response {
    let phone = whose.phone.map(|phone| phone.trim_start_matches(['+', ' ']).to_owned());
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return inbox_page(&world, phone.as_deref());
    }
    match phone {
        Some(phone) => Json(locked(&world.inbox).of(&phone)).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({"error": "add ?phone=62…"}))).into_response(),
    }
}

async fn empty(State(world): State<Shared>) -> StatusCode {
    locked(&world.inbox).0.clear();
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
    /// No such message.
    UnknownMessage,
    /// No such event.
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

/// Plays the customer's phone: has the sender report it, and answers what came of that.
pub(crate) async fn run(world: &Arc<Partners>, wish: &SimulateMessage) -> Result<Sent, SimulateMessageError> {
    let event = match wish.event.as_str() {
        "sent" => Event::Sent,
        "delivered" => Event::Delivered,
        "read" => Event::Read,
        "failed" => Event::Failed(wish.code.unwrap_or(131_026)),
        "reply" => Event::Reply(wish.text.clone().unwrap_or_else(|| "STOP".to_owned())),
        _ => return Err(SimulateMessageError::UnknownEvent),
    };
    let found = locked(&world.inbox).find(wish.message.as_deref(), wish.phone.as_deref());
    let message = found.ok_or(SimulateMessageError::UnknownMessage)?;
    let notification = notification(world, &message, &event).ok_or(SimulateMessageError::NoWebhook)?;
    world.sender.remember(&notification);
    webhooks::deliver(world, notification).await.ok_or(SimulateMessageError::NoWebhook)
}

/// What a person does with a message on the page.
async fn press(State(world): State<Shared>, Form(wish): Form<SimulateMessage>) -> Response {
    match run(&world, &wish).await {
        Ok(_) => Redirect::to("/inbox").into_response(),
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_indonesian_and_international() {
        assert!(is_phone("628120000001"));
        for wrong in ["08120000001", "62abc0000001", "62", "6281200000012345"] {
            assert!(!is_phone(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_inbox_is_bounded() {
        let mut inbox = Inbox::default();
        for index in 0..=MAX_MESSAGES {
            inbox.add(Message {
                text: index.to_string(),
                sent_at: 0,
                provider: Sender::Http,
                id: index.to_string(),
                template: None,
                callback: None,
                phone: "628120000001".to_owned(),
                shown_at: String::new(),
            });
        }
        let messages = inbox.of("628120000001");
        assert_eq!(messages.len(), MAX_MESSAGES);
        assert_eq!(messages[0].text, "1");
    }
}
