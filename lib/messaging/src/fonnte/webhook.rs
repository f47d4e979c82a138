//! Fonnte's webhooks: <https://docs.fonnte.com/webhook-update-message-status/>,
//! <https://docs.fonnte.com/webhook-reply-message/>.
//!
//! Fonnte signs nothing, so the address that is typed in there ends in `?token=…`, a secret that the admin makes up.

use billing::{access::phone::Phone, telling::delivery::DeliveryStatus};
use partner_http::rows::RowReader;
use serde_json::Value;

use crate::provider::RejectionClass;
use crate::webhook::{ProviderReport, Status, WebhookError, WebhookRequest, instant, opt_out_words, same};
use crate::wire::provider_id;

/// A short token could be guessed.
const MIN_TOKEN: usize = 16;

/// The first report of a message holds `id`, which the sending was answered with, and `stateid`; later ones `stateid`
/// only.
pub(crate) fn read(rows: RowReader<'_>, request: &WebhookRequest<'_>) -> Result<Vec<ProviderReport>, WebhookError> {
    let expected = rows.text("fonnteWebhookToken").filter(|token| token.len() >= MIN_TOKEN);
    let expected = expected.ok_or(WebhookError::NotConfigured("fonnteWebhookToken"))?;
    if !request.token.is_some_and(|given| same(expected, given)) {
        return Err(WebhookError::Forged);
    }
    let body: Value = serde_json::from_slice(request.body).map_err(|_| WebhookError::Malformed("not JSON"))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    if let (Some(sender), Some(message)) = (text("sender"), text("message")) {
        let opt_out_words = opt_out_words(message).zip(Phone::parse(sender).ok());
        let at = instant(body.get("timestamp"));
        return Ok(opt_out_words
            .map(|(opted_out, phone)| ProviderReport::OptOut { phone, opted_out, at })
            .into_iter()
            .collect());
    }
    let (id, state_id) = (provider_id(body.get("id")), provider_id(body.get("stateid")));
    let Some(first) = id.clone().or_else(|| state_id.clone()) else {
        let unlinked = text("status").is_some_and(|status| status.eq_ignore_ascii_case("disconnect"));
        return Ok(unlinked
            .then(|| ProviderReport::SenderProblem("the phone is no longer linked to Fonnte".to_owned()))
            .into_iter()
            .collect());
    };
    let Some((status, class)) = text("state").and_then(reached).or_else(|| text("status").and_then(reached)) else {
        return Ok(Vec::new());
    };
    let detail =
        class.and_then(|_| text("status")).map(|word| format!("Fonnte says {}", partner_http::safe_detail(word)));
    Ok(vec![ProviderReport::Status(Status {
        provider_id: first,
        alias: id.and(state_id),
        callback: None,
        status,
        at: None,
        class,
        detail,
    })])
}

fn reached(word: &str) -> Option<(DeliveryStatus, Option<RejectionClass>)> {
    Some(match word.to_lowercase().as_str() {
        "sent" => (DeliveryStatus::Sent, None),
        "delivered" => (DeliveryStatus::Delivered, None),
        "read" => (DeliveryStatus::Read, None),
        "invalid" => (DeliveryStatus::Failed, Some(RejectionClass::Recipient)),
        // The phone was offline for seven days; the message is given up.
        "expired" => (DeliveryStatus::Failed, Some(RejectionClass::Stop)),
        "url unreachable" => (DeliveryStatus::Failed, Some(RejectionClass::Message)),
        // pending, waiting, processing: under way.
        _ => return None,
    })
}
