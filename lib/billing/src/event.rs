//! Events that leave through the outbox: ids, kinds and amounts, never personal data. Schemas: `infra/events`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    gateway::GatewayName,
    id::{CustomerId, InvoiceId, OrderId},
    money::Rupiah,
};

/// Something that happened, as the rest of the system is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Event {
    /// Somebody asked for a login code. Carries neither phone nor code; both are derived where it is sent.
    #[serde(rename = "login.code_requested")]
    LoginCodeRequested {
        /// Key of the item that knows the phone.
        login_id: String,
        /// The request that the code belongs to.
        request_id: String,
    },
    /// A new invoice.
    #[serde(rename = "invoice.issued")]
    InvoiceIssued {
        /// Whose.
        customer_id: CustomerId,
        /// Which.
        invoice_id: InvoiceId,
        /// To pay.
        amount: Rupiah,
    },
    /// An invoice became PAID.
    #[serde(rename = "payment.settled")]
    PaymentSettled {
        /// Whose.
        customer_id: CustomerId,
        /// Which.
        invoice_id: InvoiceId,
        /// Which settlement of the invoice.
        settlement: u32,
        /// The invoice's amount.
        amount: Rupiah,
    },
    /// A settled invoice is no longer PAID.
    #[serde(rename = "payment.reversed")]
    PaymentReversed {
        /// Whose.
        customer_id: CustomerId,
        /// Which.
        invoice_id: InvoiceId,
        /// The settlement that was undone.
        settlement: u32,
        /// What was taken back.
        amount: Rupiah,
    },
    /// Money that a person should look at.
    #[serde(rename = "payment.review")]
    PaymentReview {
        /// Whose.
        customer_id: CustomerId,
        /// Which invoice it was meant for.
        invoice_id: InvoiceId,
        /// The gateway.
        gateway: GatewayName,
        /// The order.
        order_id: OrderId,
        /// How much.
        amount: Rupiah,
        /// Why.
        reason: ReviewReason,
    },
    /// A customer's service was extended.
    #[serde(rename = "subscription.extended")]
    SubscriptionExtended {
        /// Whose.
        customer_id: CustomerId,
        /// For which invoice.
        invoice_id: InvoiceId,
        /// Which settlement of it.
        settlement: u32,
        /// Served until.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// Version of the profile: a later one makes this one obsolete.
        version: u64,
    },
    /// An extension was taken back.
    #[serde(rename = "subscription.reverted")]
    SubscriptionReverted {
        /// Whose.
        customer_id: CustomerId,
        /// For which invoice.
        invoice_id: InvoiceId,
        /// Which settlement of it.
        settlement: u32,
        /// Served until, after it.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// Version of the profile.
        version: u64,
    },
}

/// Why a payment needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// More arrived than was due; the rest is credit.
    Surplus,
    /// Less arrived than was due; the invoice stays open for the rest.
    Partial,
    /// Part of a payment was refunded; nothing is revoked by itself.
    PartialRefund,
    /// A payment was charged back; nothing is revoked by itself.
    Chargeback,
}

impl Event {
    /// The event's kind, which is the `detail-type` on the bus.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LoginCodeRequested { .. } => "login.code_requested",
            Self::InvoiceIssued { .. } => "invoice.issued",
            Self::PaymentSettled { .. } => "payment.settled",
            Self::PaymentReversed { .. } => "payment.reversed",
            Self::PaymentReview { .. } => "payment.review",
            Self::SubscriptionExtended { .. } => "subscription.extended",
            Self::SubscriptionReverted { .. } => "subscription.reverted",
        }
    }
}

/// An event as it is stored, relayed and received: the `detail` on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Unique; consumers recognise a repetition by it.
    pub id: String,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}
