//! Authenticates a notification. Source: <https://docs.midtrans.com/docs/https-notification-webhooks>.
//!
//! The signature covers order id, status code and amount, run together without a separator. It does not cover the
//! status word, the transaction id or the time, so what is taken from here is only which order to ask about.
//!
//! What names no order has no such signature: subscriptions, linked accounts and Iris have notifications of their own,
//! each with an address of its own in the dashboard. Nothing tells them from forgeries here, so they are refused.

use billing::id::OrderId;
use serde::Deserialize;
use serde_json::Value;

use crate::secret::Rotating;
use crate::wire::{plain_id, unreadable};
use crate::{Hint, VerifyError};

/// The order ids of the dashboard's button "test notification".
const TEST_PREFIX: &str = "payment_notif_test_";

/// The signed fields, as the exact texts that were signed: an amount that is not a JSON string is not a notification.
#[derive(Deserialize)]
struct Wire {
    order_id: String,
    status_code: String,
    gross_amount: String,
    signature_key: String,
    transaction_id: Option<Value>,
    transaction_status: Option<Value>,
    fraud_status: Option<Value>,
}

pub(super) fn verify(body: &[u8], keys: &Rotating) -> Result<Hint, VerifyError> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| VerifyError::Malformed(unreadable(&error)))?;
    let signed = [wire.order_id.as_str(), &wire.status_code, &wire.gross_amount];
    if !keys.any(|key| key.signs(&signed, &wire.signature_key)) {
        return Err(VerifyError::Forged);
    }
    if wire.order_id.starts_with(TEST_PREFIX) {
        return Ok(Hint::NotOurs("the dashboard's test notification".to_owned()));
    }
    let Ok(order_id) = OrderId::parse(&wire.order_id) else {
        return Ok(Hint::NotOurs("an order id of another system".to_owned()));
    };
    let transaction_id = wire.transaction_id.as_ref().and_then(Value::as_str).and_then(plain_id).map(str::to_owned);
    let says = |field: &Option<Value>, word: &str| {
        field.as_ref().and_then(Value::as_str).is_some_and(|said| said.eq_ignore_ascii_case(word))
    };
    let claims_payment = says(&wire.transaction_status, "settlement")
        || (says(&wire.transaction_status, "capture") && says(&wire.fraud_status, "accept"));
    Ok(Hint::Order { order_id, transaction_id, reference: None, claims_payment })
}
