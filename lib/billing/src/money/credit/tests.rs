use time::Duration;

use super::*;
use crate::examples::{self, NOW};
use crate::payment::invoice::{InvoiceKind, Lease, NewInvoice};
use crate::payment::renewal::{Issued, issue_renewal};
use crate::zone::{Zone, later};

fn with_credit(credit: i64) -> Profile {
    Profile { credit: Rupiah::new(credit), ..examples::profile() }
}

/// Uses credit for the example, Rp300.000 due.
fn used(credit: i64) -> Option<CreditUse> {
    use_credit(LinkedInvoice { invoice: &examples::invoice(), order: None }, &with_credit(credit), NOW).unwrap()
}

#[test]
fn credit_pays_what_it_can_and_leaves_no_rest_that_no_gateway_takes() {
    for (credit, pays) in [
        (100_000, 100_000),
        (299_000, 299_000),
        (299_001, 299_000),
        (299_999, 299_000),
        (300_000, 300_000),
        (500_000, 300_000),
    ] {
        let used = used(credit).unwrap();
        let (invoice, entries) = (&used.invoice, &used.entries);
        assert_eq!(
            (invoice.received.get(), invoice.credit_applied.get(), used.profile.credit.get()),
            (pays, pays, credit - pays)
        );
        let entries: Vec<_> =
            entries.iter().map(|entry| (entry.kind, entry.amount.get(), entry.payment.is_none())).collect();
        assert_eq!(entries, [(EntryKind::CreditUsed, -pays, true), (EntryKind::FromCredit, pays, true)]);
        assert_eq!((invoice.status == InvoiceStatus::Paid, used.event.is_some()), (pays == 300_000, pays == 300_000));
    }
}

#[test]
fn an_invoice_that_credit_covers_is_paid_now_and_due_to_be_applied() {
    let invoice = Invoice { link: Some(examples::link()), ..examples::invoice() };
    let standing = LinkedInvoice { invoice: &invoice, order: Some(&examples::order()) };
    let used = use_credit(standing, &with_credit(300_000), NOW).unwrap().unwrap();
    let paid = &used.invoice;
    assert_eq!(
        (paid.status, paid.settlement_no, paid.paid_at, paid.link.clone()),
        (InvoiceStatus::Paid, 1, Some(NOW), None)
    );
    assert!(paid.awaits_apply() && paid.wake_at.is_some());
    let (customer_id, invoice_id) = (invoice.customer_id, invoice.id);
    assert_eq!(
        used.event,
        Some(Event::PaymentSettled { customer_id, invoice_id, settlement_no: 1, amount: invoice.amount })
    );
    assert!(used.order.unwrap().cancel_wanted_since.is_some(), "nobody is to pay its link any more");
}

#[test]
fn a_link_that_asks_for_too_much_stays_to_be_replaced() {
    let invoice = Invoice { link: Some(examples::link()), ..examples::invoice() };
    let used =
        use_credit(LinkedInvoice { invoice: &invoice, order: Some(&examples::order()) }, &with_credit(100_000), NOW)
            .unwrap()
            .unwrap();
    assert_eq!((used.invoice.link, used.order, used.event), (invoice.link, None, None));
    assert_eq!(used.invoice.wake_at, None);
}

#[test]
fn no_credit_is_used_where_nothing_is_due_or_somebody_is_asking_a_gateway() {
    for credit in [0, -50_000] {
        assert_eq!(used(credit), None);
    }
    let leased = Lease { order_id: examples::order().id, until: later(NOW, Duration::SECOND) };
    for invoice in [
        Invoice { status: InvoiceStatus::Paid, ..examples::invoice() },
        Invoice { status: InvoiceStatus::Cancelled, ..examples::invoice() },
        Invoice { lease: Some(leased), ..examples::invoice() },
        Invoice { kind: InvoiceKind::Upgrade, created_at: NOW - Duration::days(8), ..examples::invoice() },
        Invoice { amount: Rupiah::new(900), ..examples::invoice() },
    ] {
        assert_eq!(use_credit(LinkedInvoice { invoice: &invoice, order: None }, &with_credit(500), NOW).unwrap(), None);
    }
}

#[test]
fn an_offer_that_holds_credit_is_looked_at_when_it_lapses() {
    let offer = Invoice { kind: InvoiceKind::Upgrade, ..examples::invoice() };
    let used = use_credit(LinkedInvoice { invoice: &offer, order: None }, &with_credit(100_000), NOW).unwrap().unwrap();
    assert_eq!(used.invoice.wake_at, Some(NOW + Duration::days(8)));
    assert!(used.invoice.is_lapsed(NOW + Duration::days(8)));
}

#[test]
fn a_new_invoice_uses_credit_at_once() {
    let new = || NewInvoice {
        id: crate::id::InvoiceId::parse("inv_2").unwrap(),
        number: "INV-2026-000002".into(),
        due_date: time::macros::date!(2026 - 12 - 30),
    };
    let issued = |credit| {
        issue_renewal(&Profile { open_renewal: None, ..with_credit(credit) }, None, new(), Zone::Jakarta, NOW).unwrap()
    };
    let Issued { invoice, profile, event, entries } = issued(120_000);
    assert_eq!((invoice.amount_due().unwrap().get(), profile.credit.get(), entries.len()), (180_000, 0, 2));
    assert!(matches!(event, Event::InvoiceIssued { .. }) && profile.open_renewal == Some(invoice.id));
    let Issued { invoice, profile, event, .. } = issued(320_000);
    assert_eq!(
        (invoice.status, invoice.amount_due().unwrap().get(), profile.credit.get()),
        (InvoiceStatus::Paid, 0, 20_000)
    );
    assert!(matches!(event, Event::PaymentSettled { .. }) && profile.open_renewal == Some(invoice.id));
}
