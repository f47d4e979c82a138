//! Answers about payment links.

use billing::{
    payment::{invoice::Invoice, link::NoLink},
    zone::format,
};
use serde_json::{Value, json};

use crate::problem::{self, Problem};

/// What the caller is told when there is no link.
#[must_use]
pub const fn no_link(why: NoLink) -> Problem {
    match why {
        NoLink::NotPayable => problem::INVOICE_NOT_FOUND,
        NoLink::InProgress => problem::LINK_IN_PROGRESS,
        NoLink::TooMany { retry_after } => problem::TOO_MANY.retry_after(retry_after),
        NoLink::NotConfigured => problem::GATEWAY_NOT_CONFIGURED,
        NoLink::Failed => problem::LINK_FAILED,
    }
}

/// An invoice beside its link.
pub fn invoice(invoice: &Invoice) -> Result<Value, Problem> {
    let amount_due = invoice.amount_due().map_err(|error| {
        tracing::error!(alarm = true, invoice = invoice.id.as_str(), %error, "amounts of an invoice do not add up");
        problem::BUSY
    })?;
    Ok(json!({
        "id": invoice.id,
        "invoiceNumber": invoice.number,
        "amount": invoice.amount,
        "amountDue": amount_due,
        "dueDate": format::date(invoice.due_date),
    }))
}
