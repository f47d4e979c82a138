//! Payment links: when the stored one may be given out, when a new order is opened, and what becomes of it.

use time::{Duration, OffsetDateTime};

use crate::{
    gateway::{GatewayName, Mode},
    id::OrderId,
    invoice::{Attempts, Invoice, InvoiceStatus, Lease, PaymentLink},
    money::{MoneyError, Rupiah},
    order::{Order, OrderStatus},
    zone::later,
};

/// A link with less time than this is not given out any more.
pub const LEAST_TIME_LEFT: Duration = Duration::minutes(10);
/// A request may take this long to make a link; longer than the function lives (15 s), so two never run at once.
pub const LEASE: Duration = Duration::seconds(20);
/// Orders opened per invoice within [`ATTEMPTS_WINDOW`]: each is looked at for days, so they must not be free to make.
pub const ATTEMPTS: u32 = 60;
/// The window that [`ATTEMPTS`] counts in.
pub const ATTEMPTS_WINDOW: Duration = Duration::hours(1);
/// When reconcile first looks at an order.
const FIRST_LOOK: Duration = Duration::minutes(5);

/// What to do about a request for a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkDecision<'a> {
    /// Nothing to pay.
    NotPayable,
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
    Open {
        /// What is due.
        amount: Rupiah,
        /// To be cancelled first.
        replaces: Option<&'a PaymentLink>,
    },
}

/// Decides about a request for a link. `wanted` is the gateway that the customer chose, if any; `active` those that make links.
pub fn decide<'a>(
    invoice: &'a Invoice,
    wanted: Option<GatewayName>,
    active: &[(GatewayName, Mode)],
    now: OffsetDateTime,
) -> Result<LinkDecision<'a>, MoneyError> {
    let amount = invoice.amount_due()?;
    if invoice.status != InvoiceStatus::Unpaid || !amount.is_positive() {
        return Ok(LinkDecision::NotPayable);
    }
    if let Some(link) = reusable(invoice, amount, now)
        && active.contains(&(link.gateway, link.mode))
        && wanted.is_none_or(|wanted| wanted == link.gateway)
    {
        return Ok(LinkDecision::Reuse(link));
    }
    if invoice.lease.as_ref().is_some_and(|lease| now < lease.until) {
        return Ok(LinkDecision::Busy);
    }
    match &invoice.attempts {
        Some(attempts) if now < later(attempts.since, ATTEMPTS_WINDOW) && attempts.count >= ATTEMPTS => {
            let free_at = later(attempts.since, ATTEMPTS_WINDOW);
            Ok(LinkDecision::TooMany { retry_after: (free_at - now).whole_seconds().max(1) })
        }
        _ => Ok(LinkDecision::Open { amount, replaces: invoice.link.as_ref() }),
    }
}

/// The stored link, if it asks for what is due and leaves the customer time to pay.
#[must_use]
pub fn reusable(invoice: &Invoice, amount_due: Rupiah, now: OffsetDateTime) -> Option<&PaymentLink> {
    invoice.link.as_ref().filter(|link| link.amount == amount_due && later(now, LEAST_TIME_LEFT) <= link.expires_at)
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
    /// Where.
    pub gateway: GatewayName,
    /// In which world.
    pub mode: Mode,
    /// With which key.
    pub key_fingerprint: String,
    /// What is asked for.
    pub amount: Rupiah,
    /// When its link stops working.
    pub expires_at: OffsetDateTime,
}

/// What is written before any gateway is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The new order, CREATING.
    pub order: Order,
    /// Under lease, and without the link that is replaced: should we die from here on, nobody is given a link that may be dead.
    pub invoice: Invoice,
    /// The order behind that link, if it can still be paid: to be cancelled at its gateway, by us now or as due work.
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
        cancel_wanted: false,
        booked: std::collections::BTreeMap::new(),
        invoice: None,
        timeline: Vec::new(),
        look_after_payment: None,
        created_at: now,
        due: Some(later(now, FIRST_LOOK)),
        version: 0,
    };
    order.note(now, "creating");
    let replaced = replaced.map(|order| order.wanting_cancellation(now)).filter(|order| order.cancel_wanted);
    let invoice = Invoice { link: None, lease: Some(lease), attempts: Some(counted(invoice, now)), updated_at: now, ..invoice.clone() };
    Opening { order, invoice, replaced }
}

fn counted(invoice: &Invoice, now: OffsetDateTime) -> Attempts {
    match &invoice.attempts {
        Some(attempts) if now < later(attempts.since, ATTEMPTS_WINDOW) => Attempts { count: attempts.count.saturating_add(1), ..*attempts },
        _ => Attempts { since: now, count: 1 },
    }
}

/// The order is open at the gateway and the customer gets its link. `None` as invoice: it moved on meanwhile (paid, withdrawn,
/// or leased to another request), so nobody is given this link and the order is to be cancelled. An order that a notification
/// moved meanwhile keeps its status; it only learns its reference.
#[must_use]
pub fn record(order: &Order, invoice: &Invoice, opened: &Opened, now: OffsetDateTime) -> (Order, Option<Invoice>) {
    let mut order = Order { reference: Some(opened.reference.clone()), expires_at: opened.expires_at, ..order.clone() };
    order.note(now, "link_created");
    if order.status != OrderStatus::Creating {
        // A notification was faster, and what it told stands.
        return (order, None);
    }
    order.status = OrderStatus::Open;
    order.due = order.next_look(now);
    // Part of it may have been paid meanwhile: a page for the whole is not to be given out.
    let wrong_amount = invoice.amount_due() != Ok(order.amount);
    if !holds_lease(&order, invoice) || invoice.status != InvoiceStatus::Unpaid || wrong_amount {
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
    };
    let invoice = Invoice { link: Some(link), lease: None, updated_at: now, ..invoice.clone() };
    (order, Some(invoice))
}

/// What the gateway opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The page to pay at.
    pub url: String,
    /// The gateway's reference.
    pub reference: String,
    /// When the link stops working.
    pub expires_at: OffsetDateTime,
}

/// The gateway gave no link. If the order may exist there all the same it stays CREATING and is looked at; the invoice is free
/// for the next request at once, which opens another order.
#[must_use]
pub fn fail(order: &Order, invoice: &Invoice, may_exist: bool, now: OffsetDateTime) -> (Order, Option<Invoice>) {
    let mut order = order.clone();
    if may_exist {
        order.note(now, "no_answer");
    } else if order.status == OrderStatus::Creating {
        order.status = OrderStatus::Failed;
        order.due = None;
        order.note(now, "refused");
    }
    let invoice = holds_lease(&order, invoice).then(|| Invoice { lease: None, updated_at: now, ..invoice.clone() });
    (order, invoice)
}

fn holds_lease(order: &Order, invoice: &Invoice) -> bool {
    invoice.lease.as_ref().is_some_and(|lease| lease.order_id == order.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{self, NOW};

    const BOTH: &[GatewayName] = &GatewayName::ALL;
    const MIDTRANS: &[GatewayName] = &[GatewayName::Midtrans];
    const XENDIT: &[GatewayName] = &[GatewayName::Xendit];

    fn with_link() -> Invoice {
        Invoice { link: Some(examples::link()), ..examples::invoice() }
    }

    fn with_lease() -> Invoice {
        let lease = Lease { order_id: OrderId::parse("other").unwrap(), until: later(NOW, LEASE) };
        Invoice { lease: Some(lease), ..examples::invoice() }
    }

    /// Seconds after [`NOW`], when the link of the example has 24 hours left.
    #[track_caller]
    fn check(invoice: &Invoice, wanted: Option<GatewayName>, active: &[GatewayName], seconds: i64, expected: &str) {
        let decision = decide(
            invoice,
            wanted,
            &active.iter().map(|gateway| (*gateway, Mode::Sandbox)).collect::<Vec<_>>(),
            later(NOW, Duration::seconds(seconds)),
        )
        .unwrap();
        let told = match decision {
            LinkDecision::NotPayable => "not payable".to_owned(),
            LinkDecision::Reuse(_) => "reuse".to_owned(),
            LinkDecision::Busy => "busy".to_owned(),
            LinkDecision::TooMany { retry_after } => format!("wait {retry_after}"),
            LinkDecision::Open { amount, replaces } => format!("open {amount}{}", if replaces.is_some() { ", replacing" } else { "" }),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn without_a_link_one_is_opened() {
        check(&examples::invoice(), None, BOTH, 0, "open Rp300.000");
    }

    #[test]
    fn the_stored_link_is_given_out_until_ten_minutes_before_it_ends() {
        let last = 24 * 3600 - 600;
        check(&with_link(), None, BOTH, 0, "reuse");
        check(&with_link(), None, BOTH, last, "reuse");
        check(&with_link(), None, BOTH, last + 1, "open Rp300.000, replacing");
        check(&with_link(), None, BOTH, 48 * 3600, "open Rp300.000, replacing");
    }

    #[test]
    fn a_link_of_a_gateway_that_is_off_or_not_wanted_is_replaced() {
        check(&with_link(), None, MIDTRANS, 0, "reuse");
        check(&with_link(), Some(GatewayName::Midtrans), BOTH, 0, "reuse");
        check(&with_link(), None, XENDIT, 0, "open Rp300.000, replacing");
        check(&with_link(), Some(GatewayName::Xendit), BOTH, 0, "open Rp300.000, replacing");
        check(&with_link(), None, &[], 0, "open Rp300.000, replacing");
    }

    #[test]
    fn a_link_of_the_gateways_other_mode_is_replaced() {
        let invoice = with_link();
        let decision = decide(&invoice, None, &[(GatewayName::Midtrans, Mode::Production)], NOW);
        assert!(matches!(decision, Ok(LinkDecision::Open { replaces: Some(_), .. })));
    }

    #[test]
    fn orders_are_not_free_to_make() {
        let mut invoice = examples::invoice();
        for _ in 0..ATTEMPTS {
            check(&invoice, None, BOTH, 0, "open Rp300.000");
            invoice = Invoice { lease: None, ..opened_order(&invoice).1 };
        }
        check(&invoice, None, BOTH, 60, "wait 3540");
        check(&invoice, None, BOTH, 3600, "open Rp300.000");
    }

    #[test]
    fn a_link_for_another_amount_than_what_is_due_is_replaced() {
        let part_paid = Invoice { received: Rupiah::new(100_000), ..with_link() };
        check(&part_paid, None, BOTH, 0, "open Rp200.000, replacing");
    }

    #[test]
    fn nothing_is_opened_where_nothing_is_due() {
        for status in [InvoiceStatus::Paid, InvoiceStatus::Cancelled] {
            check(&Invoice { status, ..with_link() }, None, BOTH, 0, "not payable");
        }
        check(&Invoice { received: Rupiah::new(300_000), ..with_link() }, None, BOTH, 0, "not payable");
        check(&Invoice { amount: Rupiah::ZERO, ..examples::invoice() }, None, BOTH, 0, "not payable");
    }

    #[test]
    fn one_request_at_a_time_makes_a_link_until_its_lease_ends() {
        check(&with_lease(), None, BOTH, 0, "busy");
        check(&with_lease(), None, BOTH, 19, "busy");
        check(&with_lease(), None, BOTH, 20, "open Rp300.000");
        check(&Invoice { status: InvoiceStatus::Paid, ..with_lease() }, None, BOTH, 0, "not payable");
    }

    #[test]
    fn the_customers_choice_comes_before_the_default_and_the_default_before_any() {
        use GatewayName::{Midtrans, Xendit};
        for (wanted, default, active, chosen) in [
            (Some(Xendit), Midtrans, BOTH, Some(Xendit)),
            (Some(Xendit), Midtrans, MIDTRANS, None),
            (None, Xendit, BOTH, Some(Xendit)),
            (None, Xendit, MIDTRANS, Some(Midtrans)),
            (None, Midtrans, &[], None),
        ] {
            assert_eq!(choose(wanted, default, active), chosen, "{wanted:?} {default} {active:?}");
        }
    }

    fn opened_order(invoice: &Invoice) -> (Order, Invoice) {
        let attempt = NewAttempt {
            order_id: OrderId::parse("INV-2026-000001-z").unwrap(),
            gateway: GatewayName::Xendit,
            mode: Mode::Production,
            key_fingerprint: "k".into(),
            amount: Rupiah::new(300_000),
            expires_at: later(NOW, Duration::hours(24)),
        };
        let opening = open(invoice, attempt, Some(&examples::order()), NOW);
        assert!(opening.replaced.is_some_and(|replaced| replaced.cancel_wanted && replaced.due == Some(NOW)));
        (opening.order, opening.invoice)
    }

    fn opened() -> Opened {
        Opened { url: "https://pay.example/z".into(), reference: "ref".into(), expires_at: later(NOW, Duration::hours(23)) }
    }

    #[test]
    fn an_order_is_creating_and_due_before_the_gateway_is_called_and_the_invoice_is_leased_to_it() {
        let (order, invoice) = opened_order(&with_link());
        assert_eq!((order.status, order.due), (OrderStatus::Creating, Some(later(NOW, FIRST_LOOK))));
        assert_eq!((&order.invoice_id, &order.customer_id, order.amount), (&invoice.id, &invoice.customer_id, Rupiah::new(300_000)));
        assert_eq!(invoice.lease, Some(Lease { order_id: order.id, until: later(NOW, LEASE) }));
        assert_eq!(invoice.link, None, "the replaced link may be dead from here on");
    }

    #[test]
    fn the_link_that_the_gateway_gave_becomes_the_invoices() {
        let (order, invoice) = opened_order(&with_link());
        let (order, invoice) = record(&order, &invoice, &opened(), NOW);
        assert_eq!((order.status, order.reference.as_deref(), order.expires_at), (OrderStatus::Open, Some("ref"), opened().expires_at));
        assert_eq!((order.cancel_wanted, order.due), (false, order.next_look(NOW)));
        let invoice = invoice.unwrap();
        let link = PaymentLink {
            url: opened().url,
            gateway: GatewayName::Xendit,
            mode: Mode::Production,
            order_id: order.id,
            reference: "ref".into(),
            amount: Rupiah::new(300_000),
            expires_at: opened().expires_at,
        };
        assert_eq!((invoice.link, invoice.lease), (Some(link), None));
    }

    #[test]
    fn nobody_is_given_the_link_of_an_invoice_that_moved_on() {
        let (order, leased) = opened_order(&examples::invoice());
        for moved_on in [
            Invoice { status: InvoiceStatus::Paid, ..leased.clone() },
            Invoice { status: InvoiceStatus::Cancelled, ..leased.clone() },
            Invoice { lease: None, ..leased.clone() },
            Invoice { received: Rupiah::new(100_000), ..leased.clone() },
            Invoice { lease: with_lease().lease, ..leased.clone() },
        ] {
            let (order, invoice) = record(&order, &moved_on, &opened(), NOW);
            assert_eq!((invoice, order.cancel_wanted, order.due), (None, true, Some(NOW)));
            assert_eq!(order.reference.as_deref(), Some("ref"), "it can be cancelled by that");
        }
    }

    #[test]
    fn an_order_that_was_paid_before_its_link_was_recorded_stays_paid() {
        let (order, leased) = opened_order(&examples::invoice());
        for status in [OrderStatus::Paid, OrderStatus::Reversed, OrderStatus::Expired, OrderStatus::Cancelled] {
            let order = Order { status, ..order.clone() };
            let (recorded, invoice) = record(&order, &leased, &opened(), NOW);
            assert_eq!((recorded.status, recorded.cancel_wanted, recorded.due, invoice), (status, false, order.due, None));
            assert_eq!(recorded.reference.as_deref(), Some("ref"));
            assert_eq!(fail(&order, &leased, false, NOW).0.status, status);
        }
    }

    #[test]
    fn after_a_refusal_the_order_is_over_and_after_silence_it_is_still_looked_at() {
        let (order, leased) = opened_order(&with_link());
        let (refused, invoice) = fail(&order, &leased, false, NOW);
        assert_eq!((refused.status, refused.due), (OrderStatus::Failed, None));
        assert_eq!(invoice.map(|invoice| (invoice.lease, invoice.link)), Some((None, None)), "the next request opens another order");

        let (unanswered, invoice) = fail(&order, &leased, true, NOW);
        assert_eq!((unanswered.status, unanswered.due), (OrderStatus::Creating, order.due));
        assert_eq!(invoice.map(|invoice| invoice.lease), Some(None), "the next request may open another order at once");
    }

    #[test]
    fn a_failure_does_not_end_another_requests_lease() {
        let (order, _) = opened_order(&examples::invoice());
        for may_exist in [true, false] {
            assert_eq!(fail(&order, &with_lease(), may_exist, NOW).1, None);
        }
    }
}
