//! A service with an HTTP API of its own. Failures travel as HTTP 200 with a reason, as with most of them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use super::message::{MAX_TEXT, Message, Sender, Whatsapp, is_phone};

pub(super) async fn send(State(whatsapp): State<Whatsapp>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match accept(&whatsapp, key, &body) {
        Ok(message) => {
            let answer = json!({"status": true, "id": message.id});
            whatsapp.arrived(message);
            Json(answer)
        }
        Err(reason) => Json(json!({"status": false, "reason": reason})),
    }
}

fn accept(whatsapp: &Whatsapp, key: Option<&str>, body: &[u8]) -> Result<Message, &'static str> {
    if key != Some(whatsapp.settings().whatsapp_api_key.as_str()) {
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
    Ok(Message::new(whatsapp, Sender::Http, phone, text.to_owned()))
}
