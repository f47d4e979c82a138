//! The ledger: every rupiah in or out is one entry, and no entry is ever changed.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{CustomerId, InvoiceId, OrderId};
use crate::money::{MoneyError, Rupiah};
use crate::payment::gateway::GatewayName;
use crate::payment::invoice::Invoice;

/// One movement of money. What an invoice holds is the sum of its entries that [move it](EntryKind::moves_invoice); a
/// customer's credit is the sum of the entries that [move that](EntryKind::moves_credit). Every kind moves one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub customer_id: CustomerId,
    /// Which invoice it was meant for; `None` for an adjustment of credit, which is for none.
    pub invoice_id: Option<InvoiceId>,
    pub kind: EntryKind,
    /// Signed: positive in, negative out.
    pub amount: Rupiah,
    /// The payment it belongs to; `None` for movements between invoice and credit.
    pub payment: Option<PaymentRef>,
    /// When it happened: the gateway's time for a payment, else the time of booking.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// Where a payment was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRef {
    pub gateway: GatewayName,
    pub order_id: OrderId,
    pub transaction_id: String,
    /// The channel, such as `bank_transfer/bca`.
    pub method: Option<String>,
}

/// What an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Money for the invoice.
    Received,
    /// Money beyond what was due: credit.
    Surplus,
    /// Paid from credit, for the invoice. With the same amount taken from credit: [`CreditUsed`](Self::CreditUsed).
    FromCredit,
    /// Taken from credit to pay an invoice.
    CreditUsed,
    /// What was too little to be collected by itself, carried from bill to bill: into the one that it was left of, out of
    /// the one that asks for it. The other way round in credit: [`Owed`](Self::Owed).
    Carried,
    /// What is owed, or no longer owed, for what was [`Carried`](Self::Carried).
    Owed,
    /// A part-payment taken off an invoice that is cancelled, to become credit.
    Returned,
    /// The gateway took a settlement back from the invoice.
    Reversal,
    /// The gateway took a settlement back that had become credit.
    SurplusReversal,
    /// Refunded from the invoice.
    Refund,
    /// Refunded from credit.
    SurplusRefund,
    /// What a change of package left over: value that bought no days, so it is credit. Negative when the change is
    /// taken back.
    Unused,
    /// Credit that the provider gave or took, with a reason that is kept beside the entry.
    Adjusted,
    /// Charged back from the invoice by the payer's bank. Nothing is revoked by itself.
    Chargeback,
    /// Charged back of what had become credit.
    SurplusChargeback,
}

impl EntryKind {
    /// Does the entry change the customer's credit?
    #[must_use]
    pub const fn moves_credit(self) -> bool {
        match self {
            Self::Surplus
            | Self::CreditUsed
            | Self::Owed
            | Self::SurplusReversal
            | Self::SurplusRefund
            | Self::SurplusChargeback
            | Self::Unused
            | Self::Adjusted => true,
            Self::Received
            | Self::FromCredit
            | Self::Carried
            | Self::Returned
            | Self::Reversal
            | Self::Refund
            | Self::Chargeback => false,
        }
    }

    /// Does the entry change what its invoice holds?
    #[must_use]
    pub const fn moves_invoice(self) -> bool {
        !self.moves_credit()
    }
}

/// Both sides of a movement of `amount` from the customer's credit into the invoice; the other way if it is negative.
pub(crate) fn into_invoice(
    invoice: &Invoice,
    amount: Rupiah,
    (out_of_credit, into_invoice): (EntryKind, EntryKind),
    at: OffsetDateTime,
) -> Result<[Entry; 2], MoneyError> {
    Ok([between(invoice, out_of_credit, amount.negated()?, at), between(invoice, into_invoice, amount, at)])
}

/// A movement between an invoice and its customer's credit.
pub(crate) fn between(invoice: &Invoice, kind: EntryKind, amount: Rupiah, at: OffsetDateTime) -> Entry {
    Entry {
        customer_id: invoice.customer_id.clone(),
        invoice_id: Some(invoice.id.clone()),
        kind,
        amount,
        payment: None,
        at,
    }
}
