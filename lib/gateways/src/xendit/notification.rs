//! Authenticates a notification. Source: <https://docs.xendit.co/docs/handling-webhooks>.
//!
//! The header is a password, not a signature of the body: the body is only believed as to which invoice to ask about.

use billing::id::OrderId;
use serde::Deserialize;
use serde_json::Value;

use crate::secret::Rotating;
use crate::wire::{plain_id, unreadable};
use crate::{Hint, VerifyError, WebhookRequest};

/// What the dashboard's button "Test" sends, with the account's real token.
const TEST_INVOICE: &str = "579c8d61f23fa4ca35e52da4";
const TEST_EXTERNAL_ID: &str = "invoice_123124123";

#[derive(Deserialize)]
struct Wire {
    id: String,
    external_id: String,
    status: Option<Value>,
}

pub(super) fn verify(request: &WebhookRequest<'_>, tokens: &Rotating) -> Result<Hint, VerifyError> {
    let token = request.headers.get("x-callback-token").ok_or(VerifyError::Forged)?;
    if !tokens.any(|secret| secret.is(token.as_bytes())) {
        return Err(VerifyError::Forged);
    }
    let body: Value =
        serde_json::from_slice(request.body).map_err(|error| VerifyError::Malformed(unreadable(&error)))?;
    // Xendit's other products share the token; their notifications are envelopes with an `event`.
    if body.get("event").is_some_and(Value::is_string) && body.get("external_id").is_none() {
        return Ok(Hint::NotOurs("a notification of another Xendit product".to_owned()));
    }
    let wire: Wire = serde_json::from_value(body).map_err(|error| VerifyError::Malformed(unreadable(&error)))?;
    if wire.id == TEST_INVOICE || wire.external_id == TEST_EXTERNAL_ID {
        return Ok(Hint::NotOurs("the dashboard's test notification".to_owned()));
    }
    let Ok(order_id) = OrderId::parse(&wire.external_id) else {
        return Ok(Hint::NotOurs("an external id of another system".to_owned()));
    };
    let reference =
        plain_id(&wire.id).ok_or_else(|| VerifyError::Malformed("the id is not an invoice's".to_owned()))?;
    let claims_payment =
        wire.status.as_ref().and_then(Value::as_str).is_some_and(|status| matches!(status, "PAID" | "SETTLED"));
    Ok(Hint::Order { order_id, transaction_id: None, reference: Some(reference.to_owned()), claims_payment })
}
