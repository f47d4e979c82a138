//! Reads what became of an order. Sources: <https://docs.midtrans.com/reference/get-transaction-status>,
//! <https://docs.midtrans.com/docs/transaction-status-cycle>.

use billing::money::Rupiah;
use billing::payment::gateway::{Report, ReportedState, Transaction};
use serde::Deserialize;
use serde_json::Value;
use time::macros::{format_description, offset};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::partner::Reply;
use crate::wire::{Scalar, method, plain_id, word};
use crate::{GatewayError, OrderRef};

#[derive(Deserialize)]
struct Wire {
    status_code: Option<Scalar>,
    order_id: Option<String>,
    transaction_id: Option<String>,
    transaction_status: Option<String>,
    fraud_status: Option<String>,
    gross_amount: Option<Scalar>,
    currency: Option<String>,
    payment_type: Option<String>,
    settlement_time: Option<String>,
    transaction_time: Option<String>,
    refund_amount: Option<Scalar>,
    chargeback_amount: Option<Scalar>,
    store: Option<String>,
    va_numbers: Option<Value>,
    permata_va_number: Option<Value>,
    custom_field1: Option<Value>,
    metadata: Option<Value>,
}

/// Money of a transaction, in total.
#[derive(Default)]
struct Money {
    received: Rupiah,
    refunded: Rupiah,
    charged_back: Rupiah,
}

/// What the reply says about `order`, which was asked for as `asked_id` (its order id or a transaction id).
///
/// Where a status says nothing certain about money the report is `Unclear` and lists no transaction: nothing is booked
/// and nothing is taken back.
pub(super) fn read(reply: &Reply, order: &OrderRef, asked_id: &str) -> Result<Report, GatewayError> {
    let wire: Wire = reply.json()?;
    let code = wire.status_code.as_ref().map_or("", Scalar::as_str);
    if let Some(error) = failure_of(code) {
        return Err(error);
    }
    if code == "404" {
        return Ok(Report { state: ReportedState::Unknown, transactions: Vec::new() });
    }
    // The body's code can contradict the HTTP status: both have to agree that this is an answer. 407 is how an expired
    // transaction is reported.
    let answered = (reply.is_success() || reply.status == 407) && matches!(code, "200" | "201" | "202" | "407");
    if !answered {
        let refused = !reply.is_success() || code.starts_with('4');
        let unclear = || GatewayError::Ambiguous(format!("HTTP {} with an unclear code", reply.status));
        return Err(if refused { reply.rejected() } else { unclear() });
    }
    if !is_about(&wire, order, asked_id) {
        return Err(GatewayError::Ambiguous("the answer is about another order".to_owned()));
    }
    report(&wire, code)
}

/// The failure that a body's `status_code` stands for, whatever the HTTP status says.
pub(super) fn failure_of(code: &str) -> Option<GatewayError> {
    match code {
        "401" => Some(GatewayError::Unauthorized { status: 401 }),
        "403" => Some(GatewayError::Unauthorized { status: 403 }),
        "429" => Some(GatewayError::RateLimited),
        _ if code.starts_with('5') => Some(GatewayError::Ambiguous(format!("status_code {}", word(code)))),
        _ => None,
    }
}

/// Channels that only answer to a transaction id repeat it as `order_id`. The transaction id came with a notification
/// whose signature does not cover it, so the order id in `custom_field1`, if it comes back, has to be ours.
fn is_about(wire: &Wire, order: &OrderRef, asked_id: &str) -> bool {
    let ours = order.order_id.as_str();
    let Some(order_id) = wire.order_id.as_deref() else {
        return false;
    };
    let echoed = wire.custom_field1.as_ref().and_then(Value::as_str).filter(|text| !text.is_empty());
    let asked_by_transaction = asked_id != ours && order.transaction_id.as_deref() == Some(asked_id);
    order_id == ours || (asked_by_transaction && order_id == asked_id && echoed.is_none_or(|echo| echo == ours))
}

fn report(wire: &Wire, code: &str) -> Result<Report, GatewayError> {
    let missing = |what: &str| GatewayError::Ambiguous(format!("the answer has no usable {what}"));
    let id = wire.transaction_id.as_deref().and_then(plain_id).ok_or_else(|| missing("transaction_id"))?;
    let status = wire.transaction_status.as_deref().ok_or_else(|| missing("transaction_status"))?;
    if let Some(currency) = wire.currency.as_deref().filter(|currency| !currency.eq_ignore_ascii_case("IDR")) {
        return Ok(unclear(format!("paid in {}, not in rupiah", word(currency))));
    }
    let (state, money) = match decide(wire, status, code) {
        Ok(decided) => decided,
        Err(why) => return Ok(unclear(why)),
    };
    let transaction = Transaction {
        id: id.to_owned(),
        paid_at: if money.received.is_positive() { paid_at(wire) } else { None },
        received: money.received,
        refunded: money.refunded,
        charged_back: money.charged_back,
        taken_back: ["deny", "cancel"].iter().any(|word| status.eq_ignore_ascii_case(word)),
        method: channel(wire),
        status: word(status).to_ascii_lowercase(),
    };
    Ok(Report { state, transactions: vec![transaction] })
}

fn unclear(why: String) -> Report {
    Report { state: ReportedState::Unclear(why), transactions: Vec::new() }
}

/// The vendor's table of statuses. `Err` is the reason why a person has to look.
fn decide(wire: &Wire, status: &str, code: &str) -> Result<(ReportedState, Money), String> {
    let status = status.to_ascii_lowercase();
    let fraud = wire.fraud_status.as_deref().unwrap_or_default().to_ascii_lowercase();
    let nothing = Money::default;
    let held =
        || ReportedState::InReview("the card payment is held for review: approve or deny it at Midtrans".to_owned());
    match (status.as_str(), fraud.as_str(), code) {
        ("settlement", "" | "accept", "200") | ("capture", "accept", "200") => paid(wire),
        ("capture", "challenge", _) => Ok((held(), nothing())),
        // A settlement can turn into a deny (Permata, Mandiri bill, Indomaret): then nothing is received any more. The
        // customer may try again on the same page.
        ("pending" | "deny" | "failure" | "authorize", _, _) => Ok((ReportedState::Pending, nothing())),
        ("cancel", _, _) => Ok((ReportedState::Cancelled, nothing())),
        ("expire", _, _) => Ok((ReportedState::Expired, nothing())),
        ("refund" | "partial_refund", _, _) => refunded(wire, status == "refund"),
        ("chargeback" | "partial_chargeback", _, _) => charged_back(wire, status == "chargeback"),
        _ => Err(format!("status {} (fraud {}, code {}) is not known", word(&status), word(&fraud), word(code))),
    }
}

/// What the customer paid for the order. Where Midtrans adds its fee for the payer, `gross_amount` holds order and fee,
/// and `metadata.extra_info.gross_amount_info.original_amount` the order alone.
fn amount(wire: &Wire) -> Result<Rupiah, String> {
    let original =
        wire.metadata.as_ref().and_then(|metadata| metadata.pointer("/extra_info/gross_amount_info/original_amount"));
    let amount = match original {
        None | Some(Value::Null) => wire.gross_amount.as_ref().and_then(Scalar::rupiah),
        Some(Value::String(text)) => Rupiah::parse_decimal(text).ok(),
        Some(other) => Rupiah::parse_decimal(&other.to_string()).ok(),
    };
    amount.filter(|amount| amount.is_positive()).ok_or_else(|| "the amount is not one of whole rupiah".to_owned())
}

fn paid(wire: &Wire) -> Result<(ReportedState, Money), String> {
    Ok((ReportedState::Paid, Money { received: amount(wire)?, ..Money::default() }))
}

/// `refund_amount` is cumulative. It is at most what was received: a refund can include the fee that the payer bore.
fn refunded(wire: &Wire, in_full: bool) -> Result<(ReportedState, Money), String> {
    let received = amount(wire)?;
    let refunded = share(wire.refund_amount.as_ref(), received, in_full)?;
    Ok((ReportedState::Paid, Money { received, refunded, ..Money::default() }))
}

fn charged_back(wire: &Wire, in_full: bool) -> Result<(ReportedState, Money), String> {
    let received = amount(wire)?;
    let part = wire.chargeback_amount.as_ref().or(if in_full { None } else { wire.refund_amount.as_ref() });
    let charged_back = share(part, received, in_full)?;
    Ok((ReportedState::Paid, Money { received, charged_back, ..Money::default() }))
}

/// The part of `received` that went back; without an amount, all of it if all went back.
fn share(part: Option<&Scalar>, received: Rupiah, in_full: bool) -> Result<Rupiah, String> {
    match part {
        None if in_full => Ok(received),
        None => Err("the part that went back is not given".to_owned()),
        Some(part) => match part.rupiah() {
            Some(part) if part.is_positive() => Ok(part.min(received)),
            _ => Err("the part that went back is not an amount of whole rupiah".to_owned()),
        },
    }
}

fn paid_at(wire: &Wire) -> Option<OffsetDateTime> {
    let read = |text: &Option<String>| text.as_deref().and_then(instant);
    read(&wire.settlement_time).or_else(|| read(&wire.transaction_time))
}

/// Midtrans writes local times of GMT+7 without saying so.
fn instant(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    PrimitiveDateTime::parse(text, format).ok()?.assume_offset(offset!(+7)).checked_to_offset(UtcOffset::UTC)
}

fn channel(wire: &Wire) -> Option<String> {
    let bank = wire.va_numbers.as_ref().and_then(|numbers| numbers.pointer("/0/bank")).and_then(Value::as_str);
    let permata = wire.permata_va_number.as_ref().and_then(Value::as_str).map(|_| "permata");
    method(wire.payment_type.as_deref(), bank.or(permata).or(wire.store.as_deref()))
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
