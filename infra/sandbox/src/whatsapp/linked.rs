//! Fonnte and WAHA, which drive a linked phone: <https://docs.fonnte.com/api-send-message/>,
//! <https://waha.devlike.pro/docs/how-to/send-messages/>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::message::{MAX_TEXT, Message, Sender, Whatsapp, is_phone};
use super::report::waha_id;
use crate::core::options::{DEMO_FONNTE_TOKEN, DEMO_WAHA_API_KEY, DEMO_WAHA_SESSION};

/// Failures are HTTP 200 with a reason, as with the real one.
pub(super) async fn fonnte(State(whatsapp): State<Whatsapp>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    match accept_fonnte(&whatsapp, &headers, &body) {
        Ok(message) => {
            let answer = json!({
                "detail": "success! message in queue",
                "id": [message.id],
                "process": "processing",
                "status": true,
                "target": [message.phone],
            });
            whatsapp.arrived(message);
            Json(answer)
        }
        Err(reason) => Json(json!({"status": false, "reason": reason})),
    }
}

fn accept_fonnte(whatsapp: &Whatsapp, headers: &HeaderMap, body: &[u8]) -> Result<Message, &'static str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header(header::AUTHORIZATION) != DEMO_FONNTE_TOKEN {
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
    Ok(Message::new(whatsapp, Sender::Fonnte, target, text.ok_or("input invalid")?.to_owned()))
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

pub(super) async fn waha(State(whatsapp): State<Whatsapp>, headers: HeaderMap, body: Bytes) -> Response {
    let refused = |status: StatusCode, why: &str| {
        (status, Json(json!({"statusCode": status.as_u16(), "message": why, "error": status.canonical_reason()})))
            .into_response()
    };
    if headers.get("x-api-key").and_then(|value| value.to_str().ok()) != Some(DEMO_WAHA_API_KEY) {
        return refused(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return refused(StatusCode::BAD_REQUEST, "Bad JSON") };
    if body.get("session").and_then(Value::as_str) != Some(DEMO_WAHA_SESSION) {
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
    let message = Message::new(&whatsapp, Sender::Waha, phone, text.to_owned());
    let answer = json!({"id": waha_id(&message), "fromMe": true, "to": format!("{phone}@c.us"), "ack": 0});
    whatsapp.arrived(message);
    (StatusCode::CREATED, Json(answer)).into_response()
}
