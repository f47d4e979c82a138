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

/// Kinds and amounts of entries, none of which a payment is behind.
fn kinds(entries: &[Entry]) -> Vec<(EntryKind, i64)> {
    assert!(entries.iter().all(|entry| entry.payment.is_none()));
    entries.iter().map(|entry| (entry.kind, entry.amount.get())).collect()
}

#[test]
fn credit_pays_what_it_can_and_a_rest_that_no_gateway_takes_is_carried() {
    use EntryKind::{Carried, CreditUsed, FromCredit, Owed};
    for (credit, pays, carried) in [
        (100_000, 100_000, 0),
        (299_000, 299_000, 0),
        (299_001, 299_001, 999),
        (299_999, 299_999, 1),
        (300_000, 300_000, 0),
        (500_000, 300_000, 0),
    ] {
        let used = used(credit).unwrap();
        let invoice = &used.invoice;
        assert_eq!(
            (invoice.credit_applied.get(), invoice.carried.get(), used.profile.credit.get()),
            (pays, carried, credit - pays - carried)
        );
        assert_eq!(invoice.received.get(), pays + carried);
        let mut expected = vec![(CreditUsed, -pays), (FromCredit, pays)];
        if carried > 0 {
            expected.extend([(Owed, -carried), (Carried, carried)]);
        }
        assert_eq!(kinds(&used.entries), expected);
        let is_paid = pays + carried == 300_000;
        assert_eq!((invoice.status == InvoiceStatus::Paid, used.event.is_some()), (is_paid, is_paid), "{credit}");
    }
}

#[test]
fn an_invoice_that_no_gateway_takes_is_paid_at_once_and_owed() {
    for (credit, left) in [(0, -500), (200, -300), (-100, -600)] {
        let invoice = Invoice { amount: Rupiah::new(500), ..examples::invoice() };
        let standing = LinkedInvoice { invoice: &invoice, order: None };
        let used = use_credit(standing, &with_credit(credit), NOW).unwrap().unwrap();
        assert_eq!((used.invoice.status, used.profile.credit.get()), (InvoiceStatus::Paid, left));
        assert!(used.event.is_some() && used.invoice.awaits_apply());
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

#[test]
fn the_next_bill_asks_for_what_is_owed_and_the_one_that_is_sent_does_not() {
    let issued = |credit, price| {
        let mut profile = Profile { open_renewal: None, ..with_credit(credit) };
        profile.entitlement.package.price = Rupiah::new(price);
        let new = NewInvoice {
            id: crate::id::InvoiceId::parse("inv_2").unwrap(),
            number: "INV-2026-000002".into(),
            due_date: time::macros::date!(2026 - 12 - 30),
        };
        let Issued { invoice, profile, event, entries } =
            issue_renewal(&profile, None, new, Zone::Jakarta, NOW).unwrap();
        let settled = matches!(event, Event::PaymentSettled { .. });
        assert_eq!(settled, invoice.status == InvoiceStatus::Paid);
        (invoice.amount_due().unwrap().get(), invoice.carried.get(), profile.credit.get(), kinds(&entries))
    };
    let owed = |amount: i64| vec![(EntryKind::Owed, amount), (EntryKind::Carried, -amount)];
    assert_eq!(issued(-500, 300_000), (300_500, -500, 0, owed(500)));
    assert_eq!(issued(-50_000, 300_000), (350_000, -50_000, 0, owed(50_000)));
    // Of a package that costs nothing, only what a gateway takes.
    assert_eq!(issued(-999, 0), (0, 0, -999, vec![]));
    assert_eq!(issued(-1_000, 0), (1_000, -1_000, 0, owed(1_000)));
    // A copy of a package from before such prices were refused: until a gateway takes it.
    assert_eq!(issued(-400, 500), (0, 500, -900, owed(-500)));
    assert_eq!(issued(-900, 500), (1_400, -900, 0, owed(900)));
    assert_eq!(used(-500), None, "the bill is sent");
}
