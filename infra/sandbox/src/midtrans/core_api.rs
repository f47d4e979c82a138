//! The Core API after payment: status, cancel, expire, refund, approve, deny.
//!
//! Sources: <https://docs.midtrans.com/reference/get-transaction-status>,
//! <https://docs.midtrans.com/reference/refund-transaction>, <https://docs.midtrans.com/reference/code-4xx>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::channel::Channel;
use super::notification::{answered, notification};
use super::store::Midtrans;
use super::transaction::{Status, Transaction};
use crate::core::{Authorized, Notification, random, rupiah};

/// A `status_code` of 400 or more and its message.
type Refusal = (u16, &'static str);

const UNKNOWN: Refusal = (404, "Transaction doesn't exist.");
const CANNOT_CHANGE: Refusal = (412, "Transaction status cannot be updated.");

/// A changed transaction: the answer, and what the merchant is notified of.
type Changed = (Map<String, Value>, Vec<Notification>);

pub(crate) async fn status(State(midtrans): State<Midtrans>, Path(id): Path<String>, _: Authorized) -> Response {
    respond(&midtrans, |midtrans, key| {
        let mut store = midtrans.store();
        let transaction = store.of_core_id(&id).ok_or(UNKNOWN)?;
        let expired = transaction.look(midtrans.clock.now());
        let message = if transaction.status == Status::Expire {
            "Success, transaction is found, but expired"
        } else {
            "Success, transaction is found"
        };
        let news = if expired { vec![notification(transaction, key)] } else { Vec::new() };
        Ok((answered(transaction, message, key), news))
    })
}

pub(crate) async fn cancel(State(midtrans): State<Midtrans>, Path(id): Path<String>, _: Authorized) -> Response {
    change(&midtrans, &id, "Success, transaction is canceled", |transaction| {
        let cancellable = matches!(transaction.status, Status::Pending | Status::Capture);
        cancellable.then(|| {
            transaction.status = Status::Cancel;
            transaction.challenged = false;
        })
    })
}

pub(crate) async fn expire(State(midtrans): State<Midtrans>, Path(id): Path<String>, _: Authorized) -> Response {
    change(&midtrans, &id, "Success, transaction is expired", |transaction| {
        (transaction.status == Status::Pending).then(|| transaction.status = Status::Expire)
    })
}

pub(crate) async fn approve(State(midtrans): State<Midtrans>, Path(id): Path<String>, _: Authorized) -> Response {
    change(&midtrans, &id, "Success, transaction is approved", |transaction| {
        transaction.challenged.then(|| transaction.challenged = false)
    })
}

pub(crate) async fn deny(State(midtrans): State<Midtrans>, Path(id): Path<String>, _: Authorized) -> Response {
    change(&midtrans, &id, "Success, transaction is denied", |transaction| {
        transaction.challenged.then(|| {
            transaction.challenged = false;
            transaction.status = Status::Deny;
        })
    })
}

pub(crate) async fn refund(
    State(midtrans): State<Midtrans>,
    Path(id): Path<String>,
    _: Authorized,
    body: Bytes,
) -> Response {
    respond(&midtrans, |midtrans, key| {
        let wish = RefundWish::read(&body)?;
        let now = midtrans.clock.now();
        let mut store = midtrans.store();
        let transaction = store.of_core_id(&id).ok_or(UNKNOWN)?;
        let message = "Success, refund request is approved";
        let mut news = Vec::new();
        if !is_retry(transaction, &wish)? {
            if !transaction.channel.as_ref().is_some_and(Channel::is_refundable) {
                return Err((412, "Payment method of this transaction cannot be refunded by API."));
            }
            if !transaction.is_paid() {
                return Err(CANNOT_CHANGE);
            }
            transaction
                .give_back(wish.amount, wish.key.as_deref(), &wish.reason, now)
                .map_err(|_| (414, "Refund rejected: the amount is more than what is left."))?;
            news.push(notification(transaction, key));
            transaction.confirm_refund(now);
            news.push(notification(transaction, key));
        }
        let mut answer = answered(transaction, message, key);
        let given =
            transaction.refunds.iter().rev().find(|refund| wish.key.as_ref().is_none_or(|key| *key == refund.key));
        if let Some(refund) = given {
            // Here `refund_amount` is this refund's own; in GET status and notifications it is the sum.
            answer.insert("refund_amount".to_owned(), rupiah::two_decimals(refund.amount).into());
            answer.insert("refund_key".to_owned(), refund.key.as_str().into());
            answer.insert("refund_chargeback_id".to_owned(), refund.id.parse::<u64>().unwrap_or(0).into());
        }
        // The request was successful, whatever the state's own code is.
        answer.insert("status_code".to_owned(), "200".into());
        Ok((answer, news))
    })
}

struct RefundWish {
    key: Option<String>,
    amount: Option<i64>,
    reason: String,
}

impl RefundWish {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let body: Value = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(body).map_err(|_| (413, "The request body is malformed."))?
        };
        let key = body["refund_key"].as_str().map(str::to_owned);
        let is_key = |key: &String| {
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !key.as_ref().is_none_or(is_key) {
            return Err((400, "refund_key may hold letters, digits, - and _ only."));
        }
        let amount = match body.get("amount") {
            None | Some(Value::Null) => None,
            Some(amount) => Some(
                rupiah::whole(amount).filter(|amount| *amount > 0).ok_or((400, "amount must be a positive number."))?,
            ),
        };
        let reason = body["reason"].as_str().unwrap_or_default().to_owned();
        Ok(Self { key, amount, reason })
    }
}

/// The same `refund_key` again is the same refund; with another amount it is a duplicate.
fn is_retry(transaction: &Transaction, wish: &RefundWish) -> Result<bool, Refusal> {
    let known = wish.key.as_ref().and_then(|key| transaction.refunds.iter().find(|refund| refund.key == *key));
    match known {
        None => Ok(false),
        Some(refund) if wish.amount.is_none_or(|amount| amount == refund.amount) => Ok(true),
        Some(_) => Err((406, "refund_key has been used for another amount.")),
    }
}

/// Looks the transaction up, lets `apply` change it (none: it cannot), and notifies.
fn change(midtrans: &Midtrans, id: &str, message: &str, apply: fn(&mut Transaction) -> Option<()>) -> Response {
    respond(midtrans, |midtrans, key| {
        let mut store = midtrans.store();
        let transaction = store.of_core_id(id).ok_or(UNKNOWN)?;
        if transaction.look(midtrans.clock.now()) {
            midtrans.deliver_in_background(vec![notification(transaction, key)]);
        }
        apply(transaction).ok_or(CANNOT_CHANGE)?;
        Ok((answered(transaction, message, key), vec![notification(transaction, key)]))
    })
}

fn respond(midtrans: &Midtrans, work: impl FnOnce(&Midtrans, &str) -> Result<Changed, Refusal>) -> Response {
    match work(midtrans, &midtrans.signing_key()) {
        Ok((answer, news)) => {
            midtrans.deliver_in_background(news);
            Json(Value::Object(answer)).into_response()
        }
        Err((code, message)) => {
            let body = json!({"status_code": code.to_string(), "status_message": message, "id": random::uuid()});
            let http = if midtrans.settings().midtrans_http_errors {
                StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
            } else {
                StatusCode::OK
            };
            (http, Json(body)).into_response()
        }
    }
}
