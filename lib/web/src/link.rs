//! Answers about payment links.

use billing::id::InvoiceId;
use billing::money::Rupiah;
use billing::payment::invoice::Invoice;
use billing::payment::link::NoLink;
use billing::zone::format;
use serde::Serialize;
use time::Date;

use crate::problem::{self, Problem};

/// What the caller is told when there is no link.
#[must_use]
pub const fn no_link(why: NoLink) -> Problem {
    match why {
        NoLink::NotPayable => problem::INVOICE_NOT_FOUND,
        NoLink::InReview => problem::PAYMENT_IN_REVIEW,
        NoLink::InProgress => problem::LINK_IN_PROGRESS,
        NoLink::TooMany { retry_after } => problem::TOO_MANY.retry_after(retry_after),
        NoLink::NotConfigured => problem::GATEWAY_NOT_CONFIGURED,
        NoLink::Failed => problem::LINK_FAILED,
    }
}

/// An invoice beside its link.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedInvoice<'a> {
    id: &'a InvoiceId,
    invoice_number: &'a str,
    amount: Rupiah,
    amount_due: Rupiah,
    #[serde(with = "format::day")]
    due_date: Date,
}

impl<'a> LinkedInvoice<'a> {
    pub fn of(invoice: &'a Invoice) -> Result<Self, Problem> {
        let &Invoice { ref id, ref number, amount, due_date, .. } = invoice;
        Ok(Self { id, invoice_number: number, amount, amount_due: amount_due(invoice)?, due_date })
    }
}

/// What is still to pay of an invoice.
pub(crate) fn amount_due(invoice: &Invoice) -> Result<Rupiah, Problem> {
    invoice.amount_due().map_err(|error| {
        tracing::error!(alarm = true, invoice = invoice.id.as_str(), %error, "amounts of an invoice do not add up");
        problem::BUSY
    })
}
