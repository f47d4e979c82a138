//! WAHA's webhooks: <https://waha.devlike.pro/docs/how-to/events/>. Events to switch on: `message`, `message.ack`,
//! `session.status`.

use billing::{access::phone::Phone, telling::delivery::DeliveryStatus};
use partner_http::rows::RowReader;
use serde_json::Value;

use super::{message_id, session};
use crate::provider::RejectionClass;
use crate::webhook::{ProviderReport, Status, WebhookError, WebhookRequest, instant, is_signed_512, opt_out_words};

/// Where engines put the number of somebody whom WhatsApp shows under another id.
const NUMBERS: [&str; 4] = ["/from", "/_data/key/remoteJidAlt", "/_data/key/senderPn", "/_data/Info/SenderAlt"];

/// `X-Webhook-Hmac`: hex HMAC-SHA512 over the body, keyed with the row `wahaHmacKey`
/// (<https://waha.devlike.pro/docs/how-to/webhooks/>).
pub(crate) fn read(rows: RowReader<'_>, request: &WebhookRequest<'_>) -> Result<Vec<ProviderReport>, WebhookError> {
    let key = rows.text("wahaHmacKey").ok_or(WebhookError::NotConfigured("wahaHmacKey"))?;
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let signature = header("x-webhook-hmac").ok_or(WebhookError::Forged)?;
    let is_known = header("x-webhook-hmac-algorithm").is_none_or(|name| name.eq_ignore_ascii_case("sha512"));
    if !is_known || !is_signed_512(key, request.body, signature) {
        return Err(WebhookError::Forged);
    }
    let body: Value = serde_json::from_slice(request.body).map_err(|_| WebhookError::Malformed("not JSON"))?;
    let payload = body.get("payload").ok_or(WebhookError::Malformed("no payload"))?;
    if body.get("session").and_then(Value::as_str) != Some(session(rows)) {
        return Ok(Vec::new());
    }
    let notice = match body.get("event").and_then(Value::as_str) {
        Some("message.ack") => status(payload).map(ProviderReport::Status),
        Some("message") => message(payload),
        Some("session.status") => trouble(payload),
        _ => None,
    };
    Ok(notice.into_iter().collect())
}

fn status(payload: &Value) -> Option<Status> {
    let status = match payload.get("ack")?.as_i64()? {
        -1 => DeliveryStatus::Failed,
        1 => DeliveryStatus::Sent,
        2 => DeliveryStatus::Delivered,
        // 4: a voice message was played.
        3 | 4 => DeliveryStatus::Read,
        _ => return None,
    };
    let failed = status == DeliveryStatus::Failed;
    Some(Status {
        provider_id: message_id(payload.get("id")?)?,
        alias: None,
        callback: None,
        status,
        at: None,
        class: failed.then_some(RejectionClass::Recipient),
        detail: failed.then(|| "WAHA says ERROR".to_owned()),
    })
}

fn message(payload: &Value) -> Option<ProviderReport> {
    if payload.get("fromMe").and_then(Value::as_bool) != Some(false) {
        return None;
    }
    let opted_out = opt_out_words(payload.get("body")?.as_str()?)?;
    // In a group it was said to neighbours.
    let chat = payload.get("from")?.as_str()?;
    if ["@g.us", "@newsletter", "@broadcast"].iter().any(|group| chat.ends_with(group)) {
        return None;
    }
    let phone = NUMBERS.into_iter().find_map(|pointer| number(payload.pointer(pointer)?.as_str()?))?;
    Some(ProviderReport::OptOut { phone, opted_out, at: instant(payload.get("timestamp")) })
}

/// The number in a chat's id. Ids ending `@lid`, `@g.us` and `@newsletter` hold none.
fn number(chat: &str) -> Option<Phone> {
    let digits = chat.strip_suffix("@c.us").or_else(|| chat.strip_suffix("@s.whatsapp.net"))?;
    // A linked device writes as 62812…:3.
    Phone::parse(digits.split(':').next()?).ok()
}

fn trouble(payload: &Value) -> Option<ProviderReport> {
    let status = payload.get("status")?.as_str()?;
    matches!(status, "FAILED" | "SCAN_QR_CODE" | "STOPPED")
        .then(|| ProviderReport::SenderProblem(format!("WAHA's session is {status}")))
}
