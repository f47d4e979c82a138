//! WhatsApp Business Cloud API: <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use super::message::{Message, Sender, Whatsapp, is_phone};
use super::refusal::Refusal;
use crate::core::options::{DEMO_META_PHONE_NUMBER_ID, DEMO_META_TOKEN};
use crate::core::random;

pub(super) async fn send(
    State(whatsapp): State<Whatsapp>,
    Path((_, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let message = accept(&whatsapp, &number, &headers, &body)?;
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": message.phone, "wa_id": message.phone}],
        "messages": [{"id": message.id, "message_status": "accepted"}],
    });
    whatsapp.arrived(message);
    Ok(Json(answer))
}

fn accept(whatsapp: &Whatsapp, number: &str, headers: &HeaderMap, body: &[u8]) -> Result<Message, Refusal> {
    authorized(headers)?;
    if number != DEMO_META_PHONE_NUMBER_ID {
        let details = "Unsupported post request. Object with this ID does not exist or cannot be loaded due to missing permissions";
        return Err(Refusal { subcode: Some(33), ..Refusal::new(100, details) });
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::new(100, "Invalid parameter"))?;
    if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
        return Err(Refusal::new(100, "The parameter messaging_product is required"));
    }
    let phone = body.get("to").and_then(Value::as_str).unwrap_or_default().trim_start_matches('+');
    if !is_phone(phone) {
        return Err(Refusal::new(131_009, "Parameter value is not valid: to"));
    }
    if body.get("type").and_then(Value::as_str) != Some("template") {
        return Err(Refusal::new(
            131_047,
            "More than 24 hours have passed since the customer last replied to this number",
        ));
    }
    let template = body.get("template").ok_or_else(|| Refusal::new(131_008, "Parameter template is missing"))?;
    let base = whatsapp.settings().webhook_base.unwrap_or_else(|| "https://portal.example".to_owned());
    let text = whatsapp.store().templates.render(template, base.trim_end_matches('/'))?;
    let message = Message::new(whatsapp, Sender::Meta, phone, text);
    Ok(Message {
        template: template.get("name").and_then(Value::as_str).map(str::to_owned),
        callback: body.get("biz_opaque_callback_data").and_then(Value::as_str).map(str::to_owned),
        ..message
    })
}

fn authorized(headers: &HeaderMap) -> Result<(), Refusal> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if token == Some(DEMO_META_TOKEN) {
        Ok(())
    } else {
        Err(Refusal::new(190, "Invalid OAuth access token - Cannot parse access token"))
    }
}

/// The list of templates, and a new one, which is approved at once.
pub(super) async fn templates(State(whatsapp): State<Whatsapp>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    authorized(&headers)?;
    Ok(Json(json!({"data": whatsapp.store().templates.all()})))
}

pub(super) async fn submit(
    State(whatsapp): State<Whatsapp>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    authorized(&headers)?;
    let template = serde_json::from_slice(&body).map_err(|error| Refusal::new(100, error.to_string()))?;
    whatsapp.store().templates.submit(template)?;
    Ok(Json(json!({"id": random::digits(15), "status": "APPROVED"})))
}
