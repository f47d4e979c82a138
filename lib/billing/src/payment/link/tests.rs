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

/// A payment on its link is held for review.
fn in_review() -> Invoice {
    let held = OrderKey { gateway: GatewayName::Midtrans, order_id: examples::order().id };
    Invoice { in_review: Some(held), ..with_link() }
}

/// Seconds after [`NOW`], when the link of the example has 24 hours left.
#[track_caller]
fn check(invoice: &Invoice, wanted: Option<GatewayName>, active: &[GatewayName], seconds: i64, expected: &str) {
    check_for(false, invoice, wanted, active, seconds, expected);
}

/// The same by the invoice's public page.
#[track_caller]
fn check_public(invoice: &Invoice, wanted: Option<GatewayName>, seconds: i64, expected: &str) {
    check_for(true, invoice, wanted, BOTH, seconds, expected);
}

#[track_caller]
fn check_for(
    public: bool,
    invoice: &Invoice,
    wanted: Option<GatewayName>,
    active: &[GatewayName],
    seconds: i64,
    expected: &str,
) {
    let decision = decide(
        invoice,
        public,
        wanted,
        &active.iter().map(|gateway| (*gateway, Mode::Sandbox)).collect::<Vec<_>>(),
        later(NOW, Duration::seconds(seconds)),
    )
    .unwrap();
    let told = match decision {
        LinkDecision::NotPayable => "not payable".to_owned(),
        LinkDecision::InReview => "in review".to_owned(),
        LinkDecision::Reuse(_) => "reuse".to_owned(),
        LinkDecision::Busy => "busy".to_owned(),
        LinkDecision::TooMany { retry_after } => format!("wait {retry_after}"),
        LinkDecision::Open { amount, replaces } => {
            format!("open {amount}{}", if replaces.is_some() { ", replacing" } else { "" })
        }
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
fn beside_a_payment_that_is_held_for_review_there_is_no_link() {
    for seconds in [0, 30 * 24 * 3600] {
        check(&in_review(), None, BOTH, seconds, "in review");
        check(&in_review(), Some(GatewayName::Xendit), BOTH, seconds, "in review");
        check_public(&in_review(), None, seconds, "in review");
    }
    assert_eq!(reusable(&in_review(), Rupiah::new(300_000), NOW), None);
    check(&Invoice { status: InvoiceStatus::Paid, ..in_review() }, None, BOTH, 0, "not payable");
}

/// What is held after the report, given what was held before.
#[track_caller]
fn check_review(before: &Invoice, order: &Order, reported: &ReportedState, is_held: bool) {
    let after = reviewed(before, order, reported);
    assert_eq!(after.is_some(), is_held, "{reported:?}");
    if is_held && before.in_review.is_some() {
        assert_eq!(after, before.in_review, "the first that was held is waited for");
    }
}

#[test]
fn a_review_begins_and_ends_with_the_gateways_word_about_that_order() {
    use ReportedState::{Cancelled, Expired, InReview, Paid, Pending, Unclear, Unknown};
    let held = || InReview("held".into());
    let order = examples::order();
    check_review(&examples::invoice(), &order, &held(), true);
    check_review(&in_review(), &order, &held(), true);
    for status in [InvoiceStatus::Paid, InvoiceStatus::Cancelled] {
        check_review(&Invoice { status, ..examples::invoice() }, &order, &held(), false);
    }
    let other = Order { id: OrderId::parse("another").unwrap(), ..order.clone() };
    for over in [Pending, Paid, Expired, Cancelled] {
        check_review(&in_review(), &order, &over, false);
        check_review(&in_review(), &other, &over, true);
        check_review(&examples::invoice(), &order, &over, false);
    }
    for no_word in [Unknown, Unclear("status hold".into())] {
        check_review(&in_review(), &order, &no_word, true);
        check_review(&examples::invoice(), &order, &no_word, false);
    }
    check_review(&in_review(), &Order { status: OrderStatus::Expired, ..order }, &Unknown, false);
}

#[test]
fn a_link_of_the_gateways_other_mode_is_replaced() {
    let invoice = with_link();
    let decision = decide(&invoice, false, None, &[(GatewayName::Midtrans, Mode::Production)], NOW);
    assert!(matches!(decision, Ok(LinkDecision::Open { replaces: Some(_), .. })));
}

#[test]
fn a_link_that_may_name_the_customer_is_replaced_for_the_public_page_and_one_that_does_not_is_for_both() {
    check_public(&with_link(), None, 0, "open Rp300.000, replacing");
    let public = Invoice { link: Some(PaymentLink { public: true, ..examples::link() }), ..examples::invoice() };
    check_public(&public, None, 0, "reuse");
    check_public(&public, Some(GatewayName::Xendit), 0, "open Rp300.000, replacing");
    check(&public, None, BOTH, 0, "reuse");
    check_public(&with_lease(), None, 0, "busy");
}

#[test]
fn the_public_page_cannot_use_up_the_orders_of_the_customer() {
    let opened = |count| Invoice { attempts: Some(Attempts { since: NOW, count }), ..examples::invoice() };
    check_public(&opened(PUBLIC_ATTEMPTS - 1), None, 1, "open Rp300.000");
    check_public(&opened(PUBLIC_ATTEMPTS), None, 1, "wait 3599");
    check(&opened(PUBLIC_ATTEMPTS), None, BOTH, 1, "open Rp300.000");
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
    assert!(
        opening
            .replaced
            .is_some_and(|replaced| replaced.cancel_wanted_since.is_some() && replaced.wake_at == Some(NOW))
    );
    (opening.order, opening.invoice)
}

fn opened() -> Opened {
    Opened {
        url: "https://pay.example/z".into(),
        reference: "ref".into(),
        expires_at: later(NOW, Duration::hours(23)),
        public: true,
    }
}

#[test]
fn an_order_is_creating_and_due_before_the_gateway_is_called_and_the_invoice_is_leased_to_it() {
    let (order, invoice) = opened_order(&with_link());
    assert_eq!((order.status, order.wake_at), (OrderStatus::Creating, Some(later(NOW, FIRST_LOOK))));
    assert_eq!(
        (&order.invoice_id, &order.customer_id, order.amount),
        (&invoice.id, &invoice.customer_id, Rupiah::new(300_000))
    );
    assert_eq!(invoice.lease, Some(Lease { order_id: order.id, until: later(NOW, LEASE) }));
    assert_eq!(invoice.link, None, "the replaced link may be dead from here on");
}

#[test]
fn the_link_that_the_gateway_gave_becomes_the_invoices() {
    let (order, invoice) = opened_order(&with_link());
    let (order, invoice) = record(&order, &invoice, &opened(), NOW);
    assert_eq!(
        (order.status, order.reference.as_deref(), order.expires_at),
        (OrderStatus::Open, Some("ref"), opened().expires_at)
    );
    assert_eq!((order.cancel_wanted_since.is_some(), order.wake_at), (false, order.next_look(NOW)));
    let invoice = invoice.unwrap();
    let link = PaymentLink {
        url: opened().url,
        gateway: GatewayName::Xendit,
        mode: Mode::Production,
        order_id: order.id,
        reference: "ref".into(),
        amount: Rupiah::new(300_000),
        expires_at: opened().expires_at,
        public: true,
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
        Invoice { in_review: in_review().in_review, ..leased.clone() },
    ] {
        let (order, invoice) = record(&order, &moved_on, &opened(), NOW);
        assert_eq!((invoice, order.cancel_wanted_since.is_some(), order.wake_at), (None, true, Some(NOW)));
        assert_eq!(order.reference.as_deref(), Some("ref"), "it can be cancelled by that");
    }
}

#[test]
fn an_order_that_was_paid_before_its_link_was_recorded_stays_paid() {
    let (order, leased) = opened_order(&examples::invoice());
    for status in [OrderStatus::Paid, OrderStatus::Reversed, OrderStatus::Expired, OrderStatus::Cancelled] {
        let order = Order { status, ..order.clone() };
        let (recorded, invoice) = record(&order, &leased, &opened(), NOW);
        assert_eq!(
            (recorded.status, recorded.cancel_wanted_since.is_some(), recorded.wake_at, invoice),
            (status, false, order.wake_at, None)
        );
        assert_eq!(recorded.reference.as_deref(), Some("ref"));
        assert_eq!(fail(&order, &leased, false, NOW).0.status, status);
    }
}

#[test]
fn after_a_refusal_the_order_is_over_and_after_silence_it_is_still_looked_at() {
    let (order, leased) = opened_order(&with_link());
    let (refused, invoice) = fail(&order, &leased, false, NOW);
    assert_eq!((refused.status, refused.wake_at), (OrderStatus::Failed, None));
    assert_eq!(
        invoice.map(|invoice| (invoice.lease, invoice.link)),
        Some((None, None)),
        "the next request opens another order"
    );

    let (unanswered, invoice) = fail(&order, &leased, true, NOW);
    assert_eq!((unanswered.status, unanswered.wake_at), (OrderStatus::Creating, order.wake_at));
    assert_eq!(invoice.map(|invoice| invoice.lease), Some(None), "the next request may open another order at once");
}

#[test]
fn a_failure_does_not_end_another_requests_lease() {
    let (order, _) = opened_order(&examples::invoice());
    for may_exist in [true, false] {
        assert_eq!(fail(&order, &with_lease(), may_exist, NOW).1, None);
    }
}
