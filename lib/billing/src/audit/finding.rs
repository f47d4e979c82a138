//! What an audit can say.

use serde::Serialize;
use time::OffsetDateTime;

use crate::id::{CustomerId, InvoiceId, OrderId};

/// Something that does not agree. Ids and amounts only, no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub rule: Rule,
    /// Whose books; `None` for an event, which says so only in its text.
    pub customer_id: Option<CustomerId>,
    pub invoice_id: Option<InvoiceId>,
    pub order_id: Option<OrderId>,
    /// What is wrong, in a sentence.
    pub what: String,
}

/// Something that is planned and not done yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    pub wait: Wait,
    /// Whose; `None` for an event that was found without its customer.
    pub customer_id: Option<CustomerId>,
    pub invoice_id: Option<InvoiceId>,
    pub order_id: Option<OrderId>,
    /// Since when it waits, or when it wakes up.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wake_at: Option<OffsetDateTime>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// A payment is to be applied.
    Apply,
    /// What was granted for a payment is to be taken back.
    Revoke,
    /// An event is to be relayed.
    Relay,
    /// A gateway is to be asked about an order; its time has come already.
    Look,
}

/// What must hold. The words are stable: docs/operate/looking-after.md and scripts go by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// What an invoice holds (received less refunded) is the sum of its entries.
    InvoiceHeld,
    /// An invoice is PAID exactly if it received its amount, takes a link only while UNPAID, and gives everything back
    /// when CANCELLED.
    InvoiceStatus,
    /// An invoice's `granted` is its one live grant.
    InvoiceGrant,
    /// A grant is for what its invoice was about, and grants are numbered without a gap.
    Grant,
    /// Package, expiry and what changes of package left over are the fold of the live grants.
    Entitlement,
    /// Nobody has less than their live payments bought: an import may say so on purpose.
    PaidService,
    /// What was paid for the time that is left is the fold of the live grants.
    UnusedValue,
    /// Credit is the sum of the entries that move it.
    Credit,
    /// An order has booked what its entries say, transaction by transaction.
    OrderBooked,
    /// An order is PAID or REVERSED exactly if money came, and was kept or not.
    OrderStatus,
    /// Nothing is about an invoice, an order or a customer that does not exist, or that is somebody else's.
    Orphan,
    /// The profile holds the one UNPAID invoice of each kind as open.
    OpenInvoice,
    /// What must be looked at again says when.
    NotDue,
    /// What is due stands in the index of wake-ups at that instant; what is not does not.
    NotInIndex,
    /// An event was relayed, or is filed to be.
    EventLost,
    /// An item can be read.
    Damaged,
}

impl Rule {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvoiceHeld => "invoice-held",
            Self::InvoiceStatus => "invoice-status",
            Self::InvoiceGrant => "invoice-grant",
            Self::Grant => "grant",
            Self::Entitlement => "entitlement",
            Self::PaidService => "paid-service",
            Self::UnusedValue => "unused-value",
            Self::Credit => "credit",
            Self::OrderBooked => "order-booked",
            Self::OrderStatus => "order-status",
            Self::Orphan => "orphan",
            Self::OpenInvoice => "open-invoice",
            Self::NotDue => "not-due",
            Self::NotInIndex => "not-in-index",
            Self::EventLost => "event-lost",
            Self::Damaged => "damaged",
        }
    }
}
