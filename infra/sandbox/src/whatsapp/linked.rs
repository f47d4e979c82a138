//! Fonnte and WAHA, which drive a linked phone: <https://docs.fonnte.com/api-send-message/>,
//! <https://waha.devlike.pro/docs/how-to/send-messages/>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha512;

use super::{Event, MAX_TEXT, Message, Sender, is_phone};
use crate::world::{Partners, Shared};

/// Token of the demo's device at Fonnte.
pub const FONNTE_TOKEN: &str = "demo-fonnte-token";
/// What the address of Fonnte's webhooks ends in.
pub const FONNTE_WEBHOOK_TOKEN: &str = "demo-fonnte-webhook-token";
/// API key of the demo's WAHA.
pub const WAHA_API_KEY: &str = "demo-waha-key";
/// What signs WAHA's webhooks.
pub const WAHA_HMAC_KEY: &str = "demo-waha-hmac-key";
/// The session of the demo's WAHA.
pub const WAHA_SESSION: &str = "default";

/// Failures are HTTP 200 with a reason, as with the real one.
pub(super) async fn fonnte(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    match accept_fonnte(&world, &headers, &body) {
        Ok(message) => {
            let answer = json!({
                "detail": "success! message in queue",
                "id": [message.id],
                "process": "processing",
                "status": true,
                "target": [message.phone],
            });
            super::arrived(&world, message);
            Json(answer)
        }
        Err(reason) => Json(json!({"status": false, "reason": reason})),
    }
}

fn accept_fonnte(world: &Partners, headers: &HeaderMap, body: &[u8]) -> Result<Message, &'static str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header(header::AUTHORIZATION) != FONNTE_TOKEN {
        return Err("token invalid");
    }
    let boundary =
        header(header::CONTENT_TYPE).split_once("multipart/form-data; boundary=").map(|(_, boundary)| boundary);
    let fields = form(&String::from_utf8_lossy(body), boundary.ok_or("input invalid")?);
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let target = field("target").unwrap_or_default();
    if !is_phone(target) {
        return Err("target invalid");
    }
    let text = field("message").filter(|text| !text.trim().is_empty() && text.chars().count() <= MAX_TEXT);
    Ok(Message::new(world, Sender::Fonnte, target, text.ok_or("input invalid")?.to_owned()))
}

/// Names and values of a form's text fields.
fn form(body: &str, boundary: &str) -> Vec<(String, String)> {
    let line = format!("--{boundary}");
    let parts = body.split(&line).filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        Some((name.split('"').next()?.to_owned(), value.strip_suffix("\r\n")?.to_owned()))
    });
    parts.collect()
}

pub(super) async fn waha(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let refused = |status: StatusCode, why: &str| {
        (status, Json(json!({"statusCode": status.as_u16(), "message": why, "error": status.canonical_reason()})))
            .into_response()
    };
    if headers.get("x-api-key").and_then(|value| value.to_str().ok()) != Some(WAHA_API_KEY) {
        return refused(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return refused(StatusCode::BAD_REQUEST, "Bad JSON") };
    if body.get("session").and_then(Value::as_str) != Some(WAHA_SESSION) {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "Session does not exist");
    }
    let phone = body
        .get("chatId")
        .and_then(Value::as_str)
        .and_then(|chat| chat.strip_suffix("@c.us"))
        .filter(|phone| is_phone(phone));
    let text =
        body.get("text").and_then(Value::as_str).filter(|text| !text.is_empty() && text.chars().count() <= MAX_TEXT);
    let (Some(phone), Some(text)) = (phone, text) else {
        return refused(StatusCode::BAD_REQUEST, "chatId or text is not valid");
    };
    let message = Message::new(&world, Sender::Waha, phone, text.to_owned());
    let answer = json!({"id": waha_id(&message), "fromMe": true, "to": format!("{phone}@c.us"), "ack": 0});
    super::arrived(&world, message);
    (StatusCode::CREATED, Json(answer)).into_response()
}

fn waha_id(message: &Message) -> String {
    format!("true_{}@c.us_{}", message.phone, message.id)
}

/// What a session that is not `WORKING` answers.
pub(crate) fn waha_session(status: &str) -> Response {
    let body = json!({
        "error": "Session status is not as expected. Try again later or restart the session",
        "session": WAHA_SESSION,
        "status": status,
        "expected": ["WORKING"],
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

/// Fonnte names the message by both its ids in the first report, and by the second from then on.
pub(super) fn fonnte_webhook(message: &Message, event: &Event) -> Value {
    let state_id = format!("S{}", message.id);
    match event {
        Event::Reply(text) => json!({"device": "62811000000", "sender": message.phone, "message": text}),
        Event::Sent => {
            json!({"device": "62811000000", "id": message.id, "stateid": state_id, "status": "sent", "state": "sent"})
        }
        Event::Failed(_) => json!({"device": "62811000000", "id": message.id, "status": "invalid"}),
        other => json!({"device": "62811000000", "stateid": state_id, "state": other.word()}),
    }
}

pub(super) fn waha_webhook(message: &Message, event: &Event, now: i64) -> Value {
    let chat = format!("{}@c.us", message.phone);
    let (event, payload) = match event {
        Event::Reply(text) => {
            ("message", json!({"id": "false_x", "timestamp": now, "from": chat, "fromMe": false, "body": text}))
        }
        status => {
            let ack = match status {
                Event::Sent => 1,
                Event::Delivered => 2,
                Event::Read => 3,
                Event::Failed(_) | Event::Reply(_) => -1,
            };
            ("message.ack", json!({"id": waha_id(message), "to": chat, "fromMe": true, "ack": ack}))
        }
    };
    json!({"event": event, "session": WAHA_SESSION, "payload": payload})
}

pub(crate) fn waha_signature(body: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(WAHA_HMAC_KEY.as_bytes())
        .map(|mac| mac.chain_update(body.as_bytes()).finalize().into_bytes());
    mac.map(hex::encode).unwrap_or_default()
}
