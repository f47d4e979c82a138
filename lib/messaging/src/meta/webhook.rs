//! Meta's webhooks: <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components>.
//!
//! One post can hold many items, for all numbers of an app; those of other numbers are left out. Since 2026 `wa_id`,
//! `from` and `recipient_id` can be missing, so messages are recognised by their ids.

use billing::{access::phone::Phone, telling::delivery::DeliveryStatus};
use partner_http::rows::RowReader;
use serde_json::Value;

use super::{error::GraphError, phone_number_id};
use crate::provider::RejectionClass;
use crate::webhook::{
    ProviderReport, Status, WebhookError, WebhookRequest, instant, is_signed_256, opt_out_words, same,
};
use crate::wire::provider_id;

/// Longest challenge that is given back.
const MAX_CHALLENGE: usize = 200;

/// Meta's handshake when the address is typed into its console: the challenge to give back, if the token is ours. The
/// token is the row `metaVerifyToken`, made up by the admin, and not the key that signs.
pub(crate) fn handshake(rows: RowReader<'_>, query: impl Fn(&str) -> Option<String>) -> Result<String, WebhookError> {
    let expected = rows.text("metaVerifyToken").ok_or(WebhookError::NotConfigured("metaVerifyToken"))?;
    let given = query("hub.verify_token").unwrap_or_default();
    if query("hub.mode").as_deref() != Some("subscribe") || !same(expected, &given) {
        return Err(WebhookError::Forged);
    }
    let challenge = query("hub.challenge").unwrap_or_default();
    let is_plain = challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if is_plain && (1..=MAX_CHALLENGE).contains(&challenge.len()) {
        Ok(challenge)
    } else {
        Err(WebhookError::Malformed("challenge"))
    }
}

/// `X-Hub-Signature-256: sha256=<hex>`, keyed with the app secret, over the bytes as they came: Meta escapes some
/// characters in its own way, so JSON that was written anew has another signature.
pub(crate) fn read(rows: RowReader<'_>, request: &WebhookRequest<'_>) -> Result<Vec<ProviderReport>, WebhookError> {
    let secret = rows.text("metaAppSecret").ok_or(WebhookError::NotConfigured("metaAppSecret"))?;
    let header = request.headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let signature = header.and_then(|value| value.strip_prefix("sha256=")).ok_or(WebhookError::Forged)?;
    if !is_signed_256(secret, request.body, signature) {
        return Err(WebhookError::Forged);
    }
    let number = phone_number_id(rows).map_err(|_| WebhookError::NotConfigured("metaPhoneNumberId"))?;
    let body: Value = serde_json::from_slice(request.body).map_err(|_| WebhookError::Malformed("not JSON"))?;
    let entries = body.get("entry").and_then(Value::as_array).ok_or(WebhookError::Malformed("no entry"))?;
    let changes = entries.iter().filter_map(|entry| entry.get("changes")?.as_array()).flatten();
    let ours = changes
        .filter_map(|change| change.get("value"))
        .filter(|value| value.pointer("/metadata/phone_number_id").and_then(Value::as_str) == Some(number));
    Ok(ours.flat_map(notices).collect())
}

fn notices(value: &Value) -> Vec<ProviderReport> {
    let list = |name| value.get(name).and_then(Value::as_array).into_iter().flatten();
    let statuses = list("statuses").filter_map(status).map(ProviderReport::Status);
    let wishes = list("messages").filter_map(message);
    let errors = list("errors").filter_map(GraphError::read).map(|error| ProviderReport::SenderProblem(error.detail()));
    statuses.chain(wishes).chain(errors).collect()
}

fn status(status: &Value) -> Option<Status> {
    let reached = match status.get("status")?.as_str()? {
        "sent" => DeliveryStatus::Sent,
        "delivered" => DeliveryStatus::Delivered,
        "read" => DeliveryStatus::Read,
        "failed" => DeliveryStatus::Failed,
        // "deleted", "warning", and what comes next year.
        _ => return None,
    };
    let has_failed = reached == DeliveryStatus::Failed;
    let error = if has_failed { status.pointer("/errors/0").and_then(GraphError::read) } else { None };
    Some(Status {
        provider_id: provider_id(status.get("id"))?,
        alias: None,
        callback: status.get("biz_opaque_callback_data").and_then(Value::as_str).map(str::to_owned),
        status: reached,
        at: instant(status.get("timestamp")),
        class: error.as_ref().map(|error| error.class().unwrap_or(RejectionClass::Message)),
        detail: error.map(|error| error.detail()),
    })
}

/// Text, and the buttons of templates, which send their own words.
fn message(message: &Value) -> Option<ProviderReport> {
    let words = ["/text/body", "/button/text", "/interactive/button_reply/title"];
    let opted_out = words.into_iter().find_map(|pointer| opt_out_words(message.pointer(pointer)?.as_str()?))?;
    let phone = Phone::parse(message.get("from")?.as_str()?).ok()?;
    Some(ProviderReport::OptOut { phone, opted_out, at: instant(message.get("timestamp")) })
}
