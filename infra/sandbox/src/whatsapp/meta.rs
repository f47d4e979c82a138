//! WhatsApp Business Cloud API: <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Event, Message, Sender, is_phone};
use crate::world::{Partners, Shared};
use crate::{locked, random};

/// Token of the demo's system user.
pub const TOKEN: &str = "demo-meta-token";
/// Meta's id of the demo's sending number.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// What signs the demo's webhooks.
pub const APP_SECRET: &str = "demo-meta-app-secret";
/// What the demo's handshake carries.
pub const VERIFY_TOKEN: &str = "demo-meta-verify-token";

/// An error in Meta's shape.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: i64,
    subcode: Option<i64>,
    details: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, details: impl Into<String>) -> Self {
        Self { code, subcode: None, details: details.into() }
    }

    /// What stands in a status of a message that failed.
    pub(crate) fn in_status(&self) -> Value {
        json!({"code": self.code, "title": self.details, "message": self.details, "error_data": {"details": self.details}})
    }

    pub(crate) fn body(&self) -> Value {
        json!({"error": {
            "message": format!("(#{}) {}", self.code, self.details),
            "type": "OAuthException",
            "code": self.code,
            "error_subcode": self.subcode,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": format!("A{}", random::digits(3)),
        }})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.code {
            190 => StatusCode::UNAUTHORIZED,
            4 | 80_007 | 130_429 => StatusCode::TOO_MANY_REQUESTS,
            131_000 => StatusCode::INTERNAL_SERVER_ERROR,
            131_016 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(self.body())).into_response()
    }
}

pub(super) async fn send(
    State(world): State<Shared>,
    Path((_, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let message = accept(&world, &number, &headers, &body)?;
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": message.phone, "wa_id": message.phone}],
        "messages": [{"id": message.id, "message_status": "accepted"}],
    });
    super::arrived(&world, message);
    Ok(Json(answer))
}

fn accept(world: &Partners, number: &str, headers: &HeaderMap, body: &[u8]) -> Result<Message, Refusal> {
    authorised(headers)?;
    if number != PHONE_NUMBER_ID {
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
    let base = world.settings().webhook_base.unwrap_or_else(|| "https://portal.example".to_owned());
    let text = locked(&world.templates).render(template, base.trim_end_matches('/'))?;
    let message = Message::new(world, Sender::Meta, phone, text);
    Ok(Message {
        template: template.get("name").and_then(Value::as_str).map(str::to_owned),
        callback: body.get("biz_opaque_callback_data").and_then(Value::as_str).map(str::to_owned),
        ..message
    })
}

fn authorised(headers: &HeaderMap) -> Result<(), Refusal> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if token == Some(TOKEN) {
        Ok(())
    } else {
        Err(Refusal::new(190, "Invalid OAuth access token - Cannot parse access token"))
    }
}

/// The list of templates, and a new one, which is approved at once.
pub(super) async fn templates(State(world): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    authorised(&headers)?;
    let templates = locked(&world.templates);
    Ok(Json(json!({"data": templates.all()})))
}

pub(super) async fn submit(
    State(world): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    authorised(&headers)?;
    let template = serde_json::from_slice(&body).map_err(|error| Refusal::new(100, error.to_string()))?;
    locked(&world.templates).submit(template)?;
    Ok(Json(json!({"id": random::digits(15), "status": "APPROVED"})))
}

/// The webhook that tells of an event.
pub(super) fn webhook(message: &Message, event: &Event, now: i64) -> Value {
    let timestamp = now.to_string();
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "62811000000", "phone_number_id": PHONE_NUMBER_ID},
    });
    if let Event::Reply(text) = event {
        let id = format!("wamid.{}", random::object_id());
        value["contacts"] = json!([{"wa_id": message.phone}]);
        value["messages"] =
            json!([{"from": message.phone, "id": id, "timestamp": timestamp, "type": "text", "text": {"body": text}}]);
    } else {
        let mut status =
            json!({"id": message.id, "status": event.word(), "timestamp": timestamp, "recipient_id": message.phone});
        if let Some(callback) = &message.callback {
            status["biz_opaque_callback_data"] = callback.as_str().into();
        }
        if let Event::Failed(code) = event {
            status["errors"] = json!([Refusal::new(*code, "Message undeliverable").in_status()]);
        }
        value["statuses"] = json!([status]);
    }
    let change = json!({"field": "messages", "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [change]}]})
}

pub(super) fn signature(body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes())
        .map(|mac| mac.chain_update(body.as_bytes()).finalize().into_bytes());
    mac.map(|bytes| format!("sha256={}", hex::encode(bytes))).unwrap_or_default()
}
