//! Payment links: when the stored one may be given out, when a new order is opened, and what becomes of it.

use time::{Duration, OffsetDateTime};

use crate::id::OrderId;
use crate::money::{MoneyError, Rupiah};
use crate::payment::gateway::{GatewayName, Mode, ReportedState};
use crate::payment::invoice::{Attempts, Invoice, InvoiceStatus, Lease, OrderKey, PaymentLink};
use crate::payment::order::{Order, OrderStatus};
use crate::zone::later;

/// A link with less time than this is not given out any more.
pub const LEAST_TIME_LEFT: Duration = Duration::minutes(10);
/// A request may take this long to make a link; longer than the function lives (15 s), so two never run at once.
pub const LEASE: Duration = Duration::seconds(20);
/// Orders opened per invoice within [`ATTEMPTS_WINDOW`](crate::payment::invoice::ATTEMPTS_WINDOW): each is looked at
/// for days, so they must not be free to make.
pub const ATTEMPTS: u32 = 60;
/// Of these, so many by the public page: whoever holds its link cannot use up the customer's own.
pub const PUBLIC_ATTEMPTS: u32 = 20;
/// When reconcile first looks at an order.
const FIRST_LOOK: Duration = Duration::minutes(5);

/// What to do about a request for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkDecision<'a> {
    /// Nothing to pay.
    NotPayable,
    /// A payment is held for review, and may be accepted yet.
    InReview,
    /// Give the stored link out.
    Reuse(&'a PaymentLink),
    /// Another request is making it.
    Busy,
    /// So many orders were opened for this invoice that somebody is playing: wait so many seconds.
    TooMany {
        /// Seconds to wait.
        retry_after: i64,
    },
    /// Open an order for this amount, in place of the stored link if there is one.
    Open { amount: Rupiah, replaces: Option<&'a PaymentLink> },
}

/// Why a customer gets no link now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLink {
    /// Nothing to pay.
    #[error("nothing is due on the invoice")]
    NotPayable,
    /// A payment is held for review.
    #[error("a payment of the invoice is held for review")]
    InReview,
    /// Another request is making it.
    #[error("another request is making the link")]
    InProgress,
    /// Too many orders were opened for this invoice: wait so many seconds.
    #[error("too many orders; free in {retry_after} s")]
    TooMany {
        /// Seconds to wait.
        retry_after: i64,
    },
    /// No gateway makes links, or not the one asked for.
    #[error("no gateway is configured and active")]
    NotConfigured,
    /// The gateway gave none.
    #[error("the gateway gave no link")]
    Failed,
}

/// Decides about a request for a link. `public`: by the invoice's public page, whose visitors are given no link that
/// may name the customer. `wanted` is the gateway that was chosen, if any; `active` those that make links.
pub fn decide<'a>(
    invoice: &'a Invoice,
    public: bool,
    wanted: Option<GatewayName>,
    active: &[(GatewayName, Mode)],
    now: OffsetDateTime,
) -> Result<LinkDecision<'a>, MoneyError> {
    let amount = invoice.amount_due()?;
    if invoice.status != InvoiceStatus::Unpaid || !amount.is_positive() || invoice.is_lapsed(now) {
        return Ok(LinkDecision::NotPayable);
    }
    if invoice.in_review.is_some() {
        return Ok(LinkDecision::InReview);
    }
    if let Some(link) = reusable(invoice, amount, now)
        && (link.public || !public)
        && active.contains(&(link.gateway, link.mode))
        && wanted.is_none_or(|wanted| wanted == link.gateway)
    {
        return Ok(LinkDecision::Reuse(link));
    }
    if invoice.lease.as_ref().is_some_and(|lease| now < lease.until) {
        return Ok(LinkDecision::Busy);
    }
    Ok(match Attempts::wait(invoice.attempts, if public { PUBLIC_ATTEMPTS } else { ATTEMPTS }, now) {
        Some(retry_after) => LinkDecision::TooMany { retry_after },
        None => LinkDecision::Open { amount, replaces: invoice.link.as_ref() },
    })
}

/// The order of which the gateway holds a payment for review, given what it now reports about `order`, as noted. Until it
/// says that the review is over nobody is asked to pay beside it: not to know the order is no such word, unless its time
/// is over, and neither is an answer that is not understood.
#[must_use]
pub fn reviewed(invoice: &Invoice, order: &Order, reported: &ReportedState) -> Option<OrderKey> {
    let held = invoice.in_review.clone();
    let is_this = held.as_ref().is_some_and(|held| held.order_id == order.id);
    match reported {
        ReportedState::InReview(_) if invoice.status == InvoiceStatus::Unpaid => {
            held.or_else(|| Some(OrderKey { gateway: order.gateway, order_id: order.id.clone() }))
        }
        ReportedState::InReview(_) | ReportedState::Unclear(_) => held,
        ReportedState::Unknown if order.status != OrderStatus::Expired => held,
        _ if is_this => None,
        _ => held,
    }
}

/// The stored link, if it asks for what is due, leaves the customer time to pay, and no payment is held for review.
#[must_use]
pub fn reusable(invoice: &Invoice, amount_due: Rupiah, now: OffsetDateTime) -> Option<&PaymentLink> {
    invoice.link.as_ref().filter(|link| {
        !invoice.is_lapsed(now)
            && invoice.in_review.is_none()
            && link.amount == amount_due
            && later(now, LEAST_TIME_LEFT) <= link.expires_at
    })
}

/// The gateway to open an order at: the customer's choice, else the default, else any that is active.
#[must_use]
pub fn choose(wanted: Option<GatewayName>, default: GatewayName, active: &[GatewayName]) -> Option<GatewayName> {
    match wanted {
        Some(wanted) => active.contains(&wanted).then_some(wanted),
        None if active.contains(&default) => Some(default),
        None => active.first().copied(),
    }
}

/// An order about to be opened.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// Its id, never used before.
    pub order_id: OrderId,
    pub gateway: GatewayName,
    pub mode: Mode,
    pub key_fingerprint: String,
    pub amount: Rupiah,
    pub expires_at: OffsetDateTime,
}

/// What is written before any gateway is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The new order, CREATING.
    pub order: Order,
    /// Under lease, and without the link that is replaced: should we die from here on, nobody is given a link that may
    /// be dead.
    pub invoice: Invoice,
    /// The order behind that link, if it can still be paid: to be cancelled at its gateway, by us now or as planned
    /// work.
    pub replaced: Option<Order>,
}

/// Opens an order, in place of `replaced` if there is a link already.
#[must_use]
pub fn open(invoice: &Invoice, attempt: NewAttempt, replaced: Option<&Order>, now: OffsetDateTime) -> Opening {
    let lease = Lease { order_id: attempt.order_id.clone(), until: later(now, LEASE) };
    let mut order = Order {
        id: attempt.order_id,
        gateway: attempt.gateway,
        mode: attempt.mode,
        key_fingerprint: attempt.key_fingerprint,
        customer_id: invoice.customer_id.clone(),
        invoice_id: invoice.id.clone(),
        amount: attempt.amount,
        reference: None,
        transaction_id: None,
        expires_at: attempt.expires_at,
        status: OrderStatus::Creating,
        cancel_wanted_since: None,
        unclear: Vec::new(),
        booked: std::collections::BTreeMap::new(),
        invoice: None,
        timeline: Vec::new(),
        look_after_payment: None,
        created_at: now,
        wake_at: Some(later(now, FIRST_LOOK)),
        version: 0,
    };
    order.note(now, "creating");
    let replaced =
        replaced.map(|order| order.wanting_cancellation(now)).filter(|order| order.cancel_wanted_since.is_some());
    let invoice = Invoice {
        link: None,
        lease: Some(lease),
        attempts: Some(Attempts::counted(invoice.attempts, now)),
        updated_at: now,
        ..invoice.clone()
    };
    Opening { order, invoice, replaced }
}

/// The order is open at the gateway and the customer gets its link. `None` as invoice: it moved on meanwhile (paid,
/// withdrawn, or leased to another request), so nobody is given this link and the order is to be cancelled. An order
/// that a notification moved meanwhile keeps its status; it only learns its reference.
#[must_use]
pub fn record(order: &Order, invoice: &Invoice, opened: &Opened, now: OffsetDateTime) -> (Order, Option<Invoice>) {
    let mut order = Order { reference: Some(opened.reference.clone()), expires_at: opened.expires_at, ..order.clone() };
    order.note(now, "link_created");
    if order.status != OrderStatus::Creating {
        // A notification was faster, and what it told stands.
        return (order, None);
    }
    order.status = OrderStatus::Open;
    order.wake_at = order.next_look(now);
    // Part of it may have been paid meanwhile: a page for the whole is not to be given out. Or a payment on the link
    // before is held for review.
    let wrong_amount = invoice.amount_due() != Ok(order.amount);
    let is_open = invoice.status == InvoiceStatus::Unpaid && invoice.in_review.is_none();
    if !holds_lease(&order, invoice) || !is_open || wrong_amount {
        return (order.wanting_cancellation(now), None);
    }
    let link = PaymentLink {
        url: opened.url.clone(),
        gateway: order.gateway,
        mode: order.mode,
        order_id: order.id.clone(),
        reference: opened.reference.clone(),
        amount: order.amount,
        expires_at: opened.expires_at,
        public: opened.public,
    };
    let invoice = Invoice { link: Some(link), lease: None, updated_at: now, ..invoice.clone() };
    (order, Some(invoice))
}

/// What the gateway opened.
#[derive(Debug, Clone)]
pub struct Opened {
    pub url: String,
    pub reference: String,
    pub expires_at: OffsetDateTime,
    pub public: bool,
}

/// The gateway gave no link. If the order may exist there all the same it stays CREATING and is looked at; the invoice
/// is free for the next request at once, which opens another order.
#[must_use]
pub fn fail(order: &Order, invoice: &Invoice, may_exist: bool, now: OffsetDateTime) -> (Order, Option<Invoice>) {
    let mut order = order.clone();
    if may_exist {
        order.note(now, "no_answer");
    } else if order.status == OrderStatus::Creating {
        order.status = OrderStatus::Failed;
        order.wake_at = None;
        order.note(now, "refused");
    }
    let invoice = holds_lease(&order, invoice).then(|| Invoice { lease: None, updated_at: now, ..invoice.clone() });
    (order, invoice)
}

fn holds_lease(order: &Order, invoice: &Invoice) -> bool {
    invoice.lease.as_ref().is_some_and(|lease| lease.order_id == order.id)
}

#[cfg(test)]
mod tests;
