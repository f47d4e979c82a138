//! Authenticates a notification. Source: <https://docs.xendit.co/docs/handling-webhooks>.
//!
//! The header is a password, not a signature of the body: the body is only believed as to which invoice to ask about.
//! All of Xendit's products send the same one, and may be set up to send here: disbursements and their batches, payouts,
//! virtual accounts, e-wallets, recurring plans. Whatever is not about an order of ours has no effect, and is not wanted
//! again.

use billing::id::OrderId;
use serde_json::{Map, Value};

use crate::secret::Rotating;
use crate::wire::{plain_id, unreadable, word};
use crate::{Hint, VerifyError, WebhookRequest};

/// What the dashboard's button "Test" sends, with the account's real token.
const TEST_INVOICE: &str = "579c8d61f23fa4ca35e52da4";
const TEST_EXTERNAL_ID: &str = "invoice_123124123";
/// Where an invoice can stand. Disbursements and virtual accounts have an `external_id` too, and other words: Xendit is
/// asked about those only if the order exists.
const OF_INVOICES: [&str; 4] = ["PENDING", "PAID", "SETTLED", "EXPIRED"];

pub(super) fn verify(request: &WebhookRequest<'_>, tokens: &Rotating) -> Result<Hint, VerifyError> {
    let token = request.headers.get("x-callback-token").ok_or(VerifyError::Forged)?;
    if !tokens.any(|secret| secret.is(token.as_bytes())) {
        return Err(VerifyError::Forged);
    }
    let body: Map<String, Value> =
        serde_json::from_slice(request.body).map_err(|error| VerifyError::Malformed(unreadable(&error)))?;
    let text = |field: &str| body.get(field).and_then(Value::as_str);
    let Some(external_id) = text("external_id") else {
        let event = text("event").map_or_else(|| "no event named".to_owned(), word);
        return Ok(Hint::NotOurs(format!("a notification of another Xendit product ({event})")));
    };
    if text("id") == Some(TEST_INVOICE) || external_id == TEST_EXTERNAL_ID {
        return Ok(Hint::NotOurs("the dashboard's test notification".to_owned()));
    }
    let Ok(order_id) = OrderId::parse(external_id) else {
        return Ok(Hint::NotOurs("an external id of another system".to_owned()));
    };
    let status = text("status").unwrap_or_default();
    let is_any = |words: &[&str]| words.iter().any(|word| status.eq_ignore_ascii_case(word));
    if !is_any(&OF_INVOICES) {
        return Ok(Hint::OtherWord { order_id, status: text("status").map(word) });
    }
    // Without an id that can be one of an invoice it is asked by the order id.
    let reference = text("id").and_then(plain_id).map(str::to_owned);
    let claims_payment = is_any(&["PAID", "SETTLED"]);
    Ok(Hint::Order { order_id, transaction_id: None, reference, claims_payment })
}
