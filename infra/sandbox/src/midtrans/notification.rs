//! The body that GET status and notifications share, and its signature.
//!
//! Source: <https://docs.midtrans.com/docs/https-notification-webhooks>.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};
use time::OffsetDateTime;

use super::channel::Channel;
use super::rules::RULES;
use super::transaction::{Status, Transaction};
use crate::core::rupiah::two_decimals;
use crate::core::{Notification, midtrans_time, random};

pub(crate) const MERCHANT_ID: &str = "G000000000";

/// Lower-case hex of SHA-512 over the exact strings in the body, then the server key.
pub(crate) fn signature(order_id: &str, status_code: &str, gross_amount: &str, server_key: &str) -> String {
    let mut hash = Sha512::new();
    for part in [order_id, status_code, gross_amount, server_key] {
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// `status_code` of a transaction in its present state.
pub(crate) fn status_code(transaction: &Transaction) -> &'static str {
    match transaction.status {
        Status::Pending => "201",
        Status::Capture if transaction.challenged => "201",
        Status::Deny => "202",
        Status::NotChosen => "404",
        Status::Expire => "407",
        _ => "200",
    }
}

/// The transaction as a notification tells it: under the merchant's own order id.
pub(crate) fn notified(transaction: &Transaction, server_key: &str) -> Map<String, Value> {
    let order_id = &transaction.request.order_id;
    describe(transaction, order_id, "midtrans payment notification", server_key)
}

/// The transaction as the Core API tells it: some methods put the transaction id into `order_id`.
pub(crate) fn answered(transaction: &Transaction, message: &str, server_key: &str) -> Map<String, Value> {
    let by_transaction_id = transaction.channel.as_ref().is_some_and(Channel::known_by_transaction_id_only);
    let order_id = match &transaction.transaction_id {
        Some(id) if by_transaction_id => id,
        _ => &transaction.request.order_id,
    };
    describe(transaction, order_id, message, server_key)
}

fn describe(transaction: &Transaction, order_id: &str, message: &str, server_key: &str) -> Map<String, Value> {
    let code = status_code(transaction);
    let gross_amount = two_decimals(transaction.charged);
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("signature_key", signature(order_id, code, &gross_amount, server_key).into());
    put("transaction_id", json!(transaction.transaction_id));
    put("order_id", order_id.into());
    put("merchant_id", MERCHANT_ID.into());
    put("gross_amount", gross_amount.into());
    put("currency", "IDR".into());
    put("status_code", code.into());
    put("status_message", message.into());
    put("transaction_status", status_word(transaction).into());
    for (name, at) in [
        ("transaction_time", transaction.chosen_at),
        ("expiry_time", transaction.code_expires_at),
        ("settlement_time", transaction.settled_at),
    ] {
        if let Some(at) = at {
            put(name, midtrans_time(at).into());
        }
    }
    if let Some(fraud_status) = fraud_status(transaction) {
        put("fraud_status", fraud_status.into());
    }
    for (index, field) in transaction.request.custom_fields.iter().enumerate() {
        if let Some(text) = field {
            put(&format!("custom_field{}", index.saturating_add(1)), text.as_str().into());
        }
    }
    if let Some(metadata) = metadata(transaction) {
        put("metadata", metadata);
    }
    if !transaction.refunds.is_empty() {
        put("refund_amount", two_decimals(transaction.refunded()).into());
        put("refunds", refunds(transaction));
    }
    if let Some(channel) = &transaction.channel {
        channel.describe(&mut body);
    }
    body
}

fn status_word(transaction: &Transaction) -> String {
    let word = transaction.status.word();
    let shouts = transaction.channel.as_ref().is_some_and(Channel::shouts);
    if shouts { word.to_uppercase() } else { word.to_owned() }
}

/// Indomaret and Alfamart have none; a plain denial has `deny`, a reversal keeps `accept`.
fn fraud_status(transaction: &Transaction) -> Option<&'static str> {
    let name = transaction.channel.as_ref()?.name;
    if matches!(name, "indomaret" | "alfamart") {
        return None;
    }
    Some(match transaction.status {
        _ if transaction.challenged => "challenge",
        Status::Deny if name == "credit_card" => "deny",
        _ => "accept",
    })
}

/// A fee that the payer bears is part of `gross_amount`; the merchant's own amount is in here.
fn metadata(transaction: &Transaction) -> Option<Value> {
    let mut metadata = transaction.request.metadata.clone();
    if let Some(fee) = transaction.fee {
        let original = transaction.charged.saturating_sub(fee);
        metadata.get_or_insert_with(|| json!({}))["extra_info"]["gross_amount_info"] = json!({
            "original_amount": two_decimals(original),
            "gross_amount": two_decimals(transaction.charged),
            "customer_imposed_payment_fee": two_decimals(fee),
        });
    }
    metadata
}

fn refunds(transaction: &Transaction) -> Value {
    transaction
        .refunds
        .iter()
        .map(|refund| {
            let mut told = json!({
                "refund_chargeback_id": refund.id.parse::<u64>().unwrap_or(0),
                "refund_amount": two_decimals(refund.amount),
                "created_at": midtrans_time(refund.at),
                "reason": refund.reason,
                "refund_key": refund.key,
            });
            if let Some(at) = refund.bank_confirmed_at {
                told["bank_confirmed_at"] = midtrans_time(at).into();
            }
            told
        })
        .collect()
}

/// The notification of the transaction's present state.
pub(crate) fn notification(transaction: &Transaction, server_key: &str) -> Notification {
    Notification {
        rules: &RULES,
        reference: transaction.request.order_id.clone(),
        instead: transaction.request.notify_instead.clone(),
        also: transaction.request.notify_also.clone(),
        headers: vec![("user-agent", "Veritrans".to_owned()), ("accept", "application/json".to_owned())],
        body: Value::Object(notified(transaction, server_key)).to_string(),
    }
}

/// What the dashboard's "test notification" button posts: a `GoPay` payment that never was, correctly signed.
pub(crate) fn canned(server_key: &str, now: OffsetDateTime) -> Notification {
    let order_id = format!("payment_notif_test_{MERCHANT_ID}_{}", random::uuid());
    let (code, gross_amount) = ("200", "105000.00");
    let body = json!({
        "transaction_time": "2023-11-15 18:45:13",
        "transaction_status": "settlement",
        "transaction_id": random::uuid(),
        "status_message": "midtrans payment notification",
        "status_code": code,
        "signature_key": signature(&order_id, code, gross_amount, server_key),
        "settlement_time": "2023-11-15 22:45:13",
        "payment_type": "gopay",
        "order_id": order_id,
        "merchant_id": MERCHANT_ID,
        "gross_amount": gross_amount,
        "fraud_status": "accept",
        "currency": "IDR",
        "metadata": {"sent_at": midtrans_time(now)},
    });
    Notification {
        rules: &RULES,
        reference: order_id,
        instead: Vec::new(),
        also: Vec::new(),
        headers: vec![("user-agent", "Veritrans".to_owned())],
        body: body.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_the_exact_strings() {
        assert_eq!(
            signature("INV-2026-0001", "200", "300000.00", "SB-Mid-server-EXAMPLE"),
            "9d6ab79dc51c47554d974bea0bef8fee559b280fe0a29102ef7423a46650dc91\
             44c18beb45a8388f03fa2b706931a32cf761cf5f8caf0cbc0cab1042891f72e1"
        );
    }
}
