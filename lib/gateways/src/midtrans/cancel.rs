//! Closes pages and expires pending payments. Sources: <https://docs.midtrans.com/reference/cancel-a-snap-session>,
//! <https://docs.midtrans.com/docs/transaction-status-cycle>.

use serde::Deserialize;
use serde_json::Value;

use super::status;
use crate::{Cancellation, GatewayError, OrderRef, partner::Reply, wire::Scalar};

/// Is the page closed for good? If not, a payment may have begun on it, or Midtrans no longer knows it.
pub(super) fn closes_page(reply: &Reply) -> Result<bool, GatewayError> {
    if !reply.is_success() {
        return Ok(reply.error_text().to_ascii_lowercase().contains("already cancel"));
    }
    let wire: Value = reply.json()?;
    Ok(wire.get("canceled_at").is_some_and(Value::is_string))
}

/// Closed only if Midtrans says so about this very order (the answer to a successful expire has code 407); paid or
/// unknown orders are refusals.
pub(super) fn read(reply: &Reply, order: &OrderRef) -> Result<Cancellation, GatewayError> {
    #[derive(Deserialize)]
    struct Wire {
        status_code: Option<Scalar>,
        order_id: Option<String>,
        transaction_status: Option<String>,
    }
    let refused_status = matches!(reply.status, 404 | 407 | 412);
    let wire: Wire = match reply.json() {
        Ok(wire) => wire,
        Err(_) if refused_status => return Ok(Cancellation::Refused),
        Err(_) if !reply.is_success() => return Err(reply.rejected()),
        Err(error) => return Err(error),
    };
    let code = wire.status_code.as_ref().map_or("", Scalar::as_str);
    if let Some(error) = status::failure_of(code) {
        return Err(error);
    }
    let ours = wire.order_id.as_deref() == Some(order.order_id.as_str());
    let over = wire
        .transaction_status
        .is_some_and(|word| ["expire", "cancel"].iter().any(|over| word.eq_ignore_ascii_case(over)));
    match code {
        "200" | "407" | "412" if ours && over => Ok(Cancellation::Cancelled),
        "404" | "407" | "412" => Ok(Cancellation::Refused),
        _ if refused_status => Ok(Cancellation::Refused),
        _ if !reply.is_success() || code.starts_with('4') => Err(reply.rejected()),
        "200" => Ok(Cancellation::Refused),
        _ => Err(GatewayError::Ambiguous(format!("HTTP {} with an unclear code", reply.status))),
    }
}
