//! The ledger: every rupiah in or out is one entry, and no entry is ever changed.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    gateway::GatewayName,
    id::{CustomerId, InvoiceId, OrderId},
    money::Rupiah,
};

/// One movement of money. The sum of an invoice's `received`, `returned`, `reversal` and `refund` entries is what it holds;
/// the sum of a customer's `surplus` entries, their contra entries, the `unused` and the `adjusted` ones is the credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose money.
    pub customer_id: CustomerId,
    /// Which invoice it was meant for; `None` for an adjustment of credit, which is for none.
    #[serde(default)]
    pub invoice_id: Option<InvoiceId>,
    /// What happened.
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
    /// The gateway.
    pub gateway: GatewayName,
    /// The order.
    pub order_id: OrderId,
    /// The gateway's transaction.
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
    /// A part-payment taken off a withdrawn invoice, to become credit.
    Returned,
    /// The gateway took a settlement back from the invoice.
    Reversal,
    /// The gateway took a settlement back that had become credit.
    SurplusReversal,
    /// Refunded from the invoice.
    Refund,
    /// Refunded from credit.
    SurplusRefund,
    /// What a change of package left over: value that bought no days, so it is credit. Negative when the change is taken back.
    Unused,
    /// Credit that the provider gave or took, with a reason that is kept beside the entry.
    Adjusted,
    /// Charged back by the payer's bank. For the record: nothing is revoked by itself.
    Chargeback,
}

impl EntryKind {
    /// Does the entry change what the invoice holds?
    #[must_use]
    pub const fn moves_invoice(self) -> bool {
        matches!(self, Self::Received | Self::Returned | Self::Reversal | Self::Refund)
    }

    /// Does the entry change the customer's credit?
    #[must_use]
    pub const fn moves_credit(self) -> bool {
        matches!(self, Self::Surplus | Self::SurplusReversal | Self::SurplusRefund | Self::Unused | Self::Adjusted)
    }
}
