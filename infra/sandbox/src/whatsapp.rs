//! A generic HTTP sender of WhatsApp messages, and the inbox in which they arrive.
//!
//! Failures travel as HTTP 200 with a reason, as with Fonnte: <https://docs.fonnte.com/api-send-message/>.

use std::collections::VecDeque;
use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::{midtrans_time, unix_millis};
use crate::page::{escape, shell};
use crate::world::{Shared, World};
use crate::{locked, random};

/// Messages kept.
const MAX_MESSAGES: usize = 10_000;
/// Longest text that WhatsApp takes.
const MAX_TEXT: usize = 4_096;
/// Messages on the inbox page.
const SHOWN: usize = 100;
const REFRESH_SECONDS: u32 = 5;

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The words.
    pub text: String,
    /// When it was sent, milliseconds since 1970.
    pub sent_at: i64,
    #[serde(skip)]
    phone: String,
    #[serde(skip)]
    shown_at: String,
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
}

/// The sender and the inbox.
pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/send", post(send)).route("/inbox", get(inbox).delete(empty))
}

async fn send(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match accept(&world, key, &body) {
        Ok(message) => {
            locked(&world.inbox).add(message);
            Json(json!({"status": true, "id": random::digits(12)}))
        }
        Err(reason) => Json(json!({"status": false, "reason": reason})),
    }
}

fn accept(world: &World, key: Option<&str>, body: &[u8]) -> Result<Message, &'static str> {
    if key != Some(world.settings().whatsapp_api_key.as_str()) {
        return Err("invalid token");
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| "input invalid")?;
    let phone = body["to"].as_str().unwrap_or_default();
    let phone = phone.strip_prefix('+').unwrap_or(phone);
    if !is_phone(phone) {
        return Err("target invalid");
    }
    let text = body["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
        return Err("message invalid");
    }
    let now = world.clock.now();
    Ok(Message { text: text.to_owned(), sent_at: unix_millis(now), phone: phone.to_owned(), shown_at: midtrans_time(now) })
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

/// The newest messages of all phones or of one, newest first.
pub(crate) fn inbox_page(world: &World, phone: Option<&str>) -> Response {
    let inbox = locked(&world.inbox);
    let mut messages = String::new();
    let wanted = |message: &&Message| phone.is_none_or(|phone| message.phone == phone);
    for message in inbox.0.iter().rev().filter(wanted).take(SHOWN) {
        let _ = write!(
            messages,
            "<div class=\"message\"><div class=\"muted\"><a href=\"/inbox?phone={0}\">+{0}</a> · {1} WIB</div>{2}</div>",
            escape(&message.phone),
            message.shown_at,
            escape(&message.text)
        );
    }
    if messages.is_empty() {
        messages.push_str("<p class=\"muted\">No messages yet. They appear here by themselves.</p>");
    }
    let (title, all) = match phone {
        Some(phone) => (format!("Messages to +{}", escape(phone)), "<p><a href=\"/inbox\">All messages</a></p>"),
        None => ("WhatsApp messages".to_owned(), ""),
    };
    let body = format!("<h1>{title}</h1>{all}<div class=\"card\">{messages}</div>");
    shell("WhatsApp inbox", Some(REFRESH_SECONDS), &body).into_response()
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
            inbox.add(Message { text: index.to_string(), sent_at: 0, phone: "628120000001".to_owned(), shown_at: String::new() });
        }
        let messages = inbox.of("628120000001");
        assert_eq!(messages.len(), MAX_MESSAGES);
        assert_eq!(messages[0].text, "1");
    }
}
