//! Reads what became of an invoice. Sources: <https://github.com/xendit/xendit-node/blob/master/docs/Invoice.md>,
//! <https://docs.xendit.co/docs/handling-webhooks>.
//!
//! The Invoice API reports neither refunds nor chargebacks: those are seen in Xendit's dashboard only.

use billing::money::Rupiah;
use billing::payment::gateway::{Report, ReportedState, Transaction};
use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::partner::Reply;
use crate::wire::{Scalar, method, plain_id, word};
use crate::{Cancellation, GatewayError, OrderRef};

/// An invoice as Xendit writes it.
#[derive(Deserialize)]
pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) external_id: String,
    pub(super) status: String,
    pub(super) amount: Option<Scalar>,
    #[serde(rename = "invoice_url")]
    pub(super) page_url: Option<String>,
    pub(super) expiry_date: Option<String>,
    paid_amount: Option<Scalar>,
    currency: Option<String>,
    paid_at: Option<String>,
    updated: Option<String>,
    payment_method: Option<String>,
    payment_channel: Option<String>,
}

/// Reads the invoice that was asked for by its id.
pub(super) fn read_one(reply: &Reply, order: &OrderRef, id: &str) -> Result<Report, GatewayError> {
    if reply.status == 404 && reply.error_text().contains("NOT_FOUND") {
        return Ok(Report { state: ReportedState::Unknown, transactions: Vec::new() });
    }
    if !reply.is_success() {
        return Err(reply.rejected());
    }
    let invoice: Invoice = reply.json()?;
    if invoice.id != id {
        return Err(about_another());
    }
    report(std::slice::from_ref(&invoice), order)
}

/// Reads every invoice that bears our order id: usually none or one, each a transaction of its own.
pub(super) fn read_list(reply: &Reply, order: &OrderRef) -> Result<Report, GatewayError> {
    if !reply.is_success() {
        return Err(reply.rejected());
    }
    report(&reply.json::<Vec<Invoice>>()?, order)
}

/// Reads the answer to "expire this invoice": yes only if the very invoice is expired now.
pub(super) fn read_expiry(reply: &Reply, order: &OrderRef, id: &str) -> Result<Cancellation, GatewayError> {
    if !reply.is_success() {
        return Ok(Cancellation::Refused);
    }
    let invoice: Invoice = reply.json()?;
    if invoice.id != id || invoice.external_id != order.order_id.as_str() {
        return Err(about_another());
    }
    Ok(if invoice.status.eq_ignore_ascii_case("EXPIRED") { Cancellation::Cancelled } else { Cancellation::Refused })
}

fn about_another() -> GatewayError {
    GatewayError::Ambiguous("the answer is about another order".to_owned())
}

fn report(invoices: &[Invoice], order: &OrderRef) -> Result<Report, GatewayError> {
    let mut report = Report { state: ReportedState::Unknown, transactions: Vec::new() };
    for invoice in invoices {
        // A list with somebody else's invoices means that the question was not understood.
        if invoice.external_id != order.order_id.as_str() {
            return Err(about_another());
        }
        let id = plain_id(&invoice.id).ok_or_else(about_another)?;
        let state = match decide(invoice) {
            Ok((state, received)) => {
                report.transactions.push(transaction(invoice, id, received));
                state
            }
            // Nothing certain about its money: not listed, so nothing is booked and nothing taken back.
            Err(why) => ReportedState::Unclear(why),
        };
        if state.weight() > report.state.weight() {
            report.state = state;
        }
    }
    Ok(report)
}

/// `PAID` and `SETTLED` both mean that the customer has paid; settled money is available to the provider as well.
fn decide(invoice: &Invoice) -> Result<(ReportedState, Rupiah), String> {
    if let Some(currency) = invoice.currency.as_deref().filter(|currency| !currency.eq_ignore_ascii_case("IDR")) {
        return Err(format!("paid in {}, not in rupiah", word(currency)));
    }
    match invoice.status.to_ascii_uppercase().as_str() {
        "PAID" | "SETTLED" => Ok((ReportedState::Paid, received(invoice)?)),
        "PENDING" => Ok((ReportedState::Pending, Rupiah::ZERO)),
        "EXPIRED" if has_money(invoice) => Err("expired, yet an amount is paid".to_owned()),
        "EXPIRED" => Ok((ReportedState::Expired, Rupiah::ZERO)),
        other => Err(format!("status {} is not known", word(other))),
    }
}

/// `paid_amount` is what the payer handed over, `amount` what the invoice asks for. We add no `fees`, so they only
/// differ if the payer's channel allows another amount, and then what was handed over counts.
/// `adjusted_received_amount`, which is less Xendit's own fee, is the provider's affair and not the customer's.
fn received(invoice: &Invoice) -> Result<Rupiah, String> {
    let amount = invoice.paid_amount.as_ref().or(invoice.amount.as_ref()).and_then(Scalar::rupiah);
    amount.filter(|amount| amount.is_positive()).ok_or_else(|| "the amount is not one of whole rupiah".to_owned())
}

fn has_money(invoice: &Invoice) -> bool {
    invoice.paid_amount.as_ref().is_some_and(|amount| amount.rupiah() != Some(Rupiah::ZERO))
}

fn transaction(invoice: &Invoice, id: &str, received: Rupiah) -> Transaction {
    Transaction {
        id: id.to_owned(),
        received,
        refunded: Rupiah::ZERO,
        charged_back: Rupiah::ZERO,
        // A paid invoice never becomes unpaid at Xendit.
        taken_back: false,
        paid_at: if received.is_positive() { paid_at(invoice) } else { None },
        method: method(invoice.payment_method.as_deref(), invoice.payment_channel.as_deref()),
        status: word(&invoice.status).to_ascii_lowercase(),
    }
}

/// `paid_at`; without it the last change of a `PAID` invoice, which is its payment. A `SETTLED` one changed again
/// since.
fn paid_at(invoice: &Invoice) -> Option<OffsetDateTime> {
    let is_fresh = invoice.status.eq_ignore_ascii_case("PAID");
    let changed = if is_fresh { invoice.updated.as_deref() } else { None };
    let text = invoice.paid_at.as_deref().or(changed)?;
    OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
