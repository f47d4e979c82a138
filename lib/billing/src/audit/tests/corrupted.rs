//! Books that agree, and one thing changed in them.

use super::*;
use crate::examples;
use crate::id::{CustomerId, InvoiceId, OrderId};
use crate::money::Rupiah;
use crate::money::ledger::EntryKind;
use crate::payment::gateway::GatewayName;
use crate::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::payment::order::OrderStatus;
use crate::service::entitlement::{Grant, Reason};

/// An applied payment of more than was due, an open renewal with a link, and a change of package that was applied and
/// left credit.
fn books() -> (Books, OffsetDateTime) {
    let story = Story::told(&[
        Step::Bill,
        Step::Open,
        Step::Reported { order: 0, id: "t1", received: 350_000, refunded: 0, charged_back: 20_000 },
        Step::Apply,
        Step::Choose("free"),
        Step::Apply,
        Step::Choose("home50"),
        Step::Open,
        Step::Bill,
        Step::Wait(1),
    ]);
    assert_eq!(story.audit().findings, vec![]);
    (story.books(), story.now)
}

#[track_caller]
fn check(expected: Rule, corrupt: impl FnOnce(&mut Books)) {
    let (mut books, now) = books();
    corrupt(&mut books);
    let rules: Vec<Rule> =
        customer(&books, Zone::Jakarta, now).findings.into_iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&expected), "{expected:?} expected, found {rules:?}");
}

fn paid(books: &mut Books) -> &mut Invoice {
    &mut books
        .invoices
        .iter_mut()
        .find(|filed| filed.state.status == InvoiceStatus::Paid && filed.state.settlement_no == 1)
        .unwrap()
        .state
}

fn unpaid(books: &mut Books, kind: InvoiceKind) -> &mut Invoice {
    let open = |filed: &&mut Filed<Invoice>| filed.state.status == InvoiceStatus::Unpaid && filed.state.kind == kind;
    &mut books.invoices.iter_mut().find(open).unwrap().state
}

fn foreigner() -> CustomerId {
    CustomerId::parse("c2").unwrap()
}

const ONE: Rupiah = Rupiah::new(1);

#[test]
fn an_invoice_that_holds_other_than_its_entries_say_is_found() {
    check(Rule::InvoiceHeld, |books| paid(books).received = Rupiah::new(299_999));
    check(Rule::InvoiceHeld, |books| paid(books).refunded = ONE);
    check(Rule::InvoiceHeld, |books| paid(books).carried = ONE);
    check(Rule::InvoiceHeld, |books| books.ledger.retain(|line| line.entry.kind != EntryKind::Received));
    check(Rule::InvoiceHeld, |books| {
        let line = books.ledger.iter().find(|line| line.entry.kind == EntryKind::Received).unwrap().clone();
        books.ledger.push(line);
    });
    check(Rule::InvoiceHeld, |books| paid(books).received = Rupiah::new(i64::MIN));
}

#[test]
fn a_status_that_does_not_fit_the_money_is_found() {
    check(Rule::InvoiceStatus, |books| paid(books).status = InvoiceStatus::Unpaid);
    check(Rule::InvoiceStatus, |books| paid(books).status = InvoiceStatus::Cancelled);
    check(Rule::InvoiceStatus, |books| unpaid(books, InvoiceKind::Renewal).status = InvoiceStatus::Paid);
    check(Rule::InvoiceStatus, |books| paid(books).paid_at = None);
    check(Rule::InvoiceStatus, |books| paid(books).link = Some(examples::link()));
}

#[test]
fn grants_that_are_not_the_invoices_are_found() {
    check(Rule::InvoiceGrant, |books| books.grants.retain(|grant| grant.sequence != 2));
    check(Rule::InvoiceGrant, |books| books.grants[1].revoked = true);
    check(Rule::InvoiceGrant, |books| paid(books).granted = None);
    check(Rule::InvoiceGrant, |books| {
        let grant = Grant { sequence: 99, ..books.grants[1].clone() };
        books.grants.push(grant);
    });
    check(Rule::Grant, |books| {
        let grant = Grant { sequence: 4, revoked: true, ..books.grants[1].clone() };
        books.grants.push(grant);
    });
    check(Rule::Grant, |books| books.profile.last_grant += 1);
    check(Rule::Grant, |books| books.grants[1].package.id = examples::package("other", 1).id);
    check(Rule::Grant, |books| {
        if let Reason::Renewal { money, .. } = &mut books.grants[1].reason {
            *money = Rupiah::new(300_001);
        }
    });
    check(Rule::Grant, |books| {
        if let Reason::Renewal { settlement_no, .. } = &mut books.grants[1].reason {
            *settlement_no = 2;
        }
    });
    check(Rule::InvoiceGrant, |books| {
        let open = unpaid(books, InvoiceKind::Renewal);
        (open.granted, open.wake_at) = (Some(1), Some(examples::NOW));
    });
}

#[test]
fn an_entitlement_that_the_grants_do_not_give_is_found() {
    check(Rule::Entitlement, |books| books.profile.entitlement.expires_at += Duration::SECOND);
    check(Rule::Entitlement, |books| books.profile.entitlement.package.down_mbps = 1_000);
    check(Rule::Entitlement, |books| books.grants.clear());
    check(Rule::UnusedValue, |books| books.profile.entitlement.stretches[0].paid = ONE);
}

#[test]
fn credit_that_the_entries_do_not_give_is_found() {
    check(Rule::Credit, |books| books.profile.credit = ONE);
    check(Rule::Credit, |books| books.ledger.retain(|line| line.entry.kind != EntryKind::Surplus));
    check(Rule::Credit, |books| books.ledger.retain(|line| line.entry.kind != EntryKind::Unused));
    check(Rule::Credit, |books| books.profile.entitlement.to_credit = ONE);
}

#[test]
fn an_order_that_booked_other_than_its_entries_say_is_found() {
    let booked = |books: &mut Books, change: fn(&mut crate::payment::order::Booked)| {
        change(books.orders[0].state.booked.values_mut().next().unwrap());
    };
    check(Rule::OrderBooked, |books| booked(books, |booked| booked.received = ONE));
    check(Rule::OrderBooked, |books| {
        booked(books, |booked| (booked.received, booked.refunded) = (Rupiah::new(350_001), ONE));
    });
    check(Rule::OrderBooked, |books| booked(books, |booked| booked.charged_back = Rupiah::ZERO));
    check(Rule::OrderBooked, |books| booked(books, |booked| booked.to_credit = Rupiah::new(350_001)));
    check(Rule::OrderBooked, |books| books.orders[0].state.booked.clear());
    let charged_back = |kind| matches!(kind, EntryKind::Chargeback | EntryKind::SurplusChargeback);
    check(Rule::OrderBooked, |books| books.ledger.retain(|line| !charged_back(line.entry.kind)));
    check(Rule::OrderStatus, |books| books.orders[0].state.status = OrderStatus::Expired);
    check(Rule::OrderStatus, |books| books.orders[1].state.status = OrderStatus::Paid);
}

#[test]
fn what_is_about_nothing_or_about_somebody_else_is_found() {
    check(Rule::Orphan, |books| books.invoices.retain(|filed| filed.state.status != InvoiceStatus::Paid));
    check(Rule::Orphan, |books| books.orders.clear());
    check(Rule::Orphan, |books| books.orders[0].state.customer_id = foreigner());
    check(Rule::Orphan, |books| books.ledger[0].entry.customer_id = foreigner());
    check(Rule::Orphan, |books| paid(books).customer_id = foreigner());
    check(Rule::Orphan, |books| books.grants[0].customer_id = foreigner());
    check(Rule::Orphan, |books| books.orders[0].state.invoice_id = InvoiceId::parse("nothing").unwrap());
    check(Rule::Orphan, |books| {
        let payment = books.ledger.iter_mut().find_map(|line| line.entry.payment.as_mut()).unwrap();
        payment.order_id = OrderId::parse("nothing").unwrap();
    });
    // The other gateway's order of the same id is not this one.
    check(Rule::OrderBooked, |books| books.orders[0].state.gateway = GatewayName::Xendit);
}

#[test]
fn open_invoices_that_the_profile_does_not_hold_are_found() {
    check(Rule::OpenInvoice, |books| books.profile.open_renewal = None);
    check(Rule::OpenInvoice, |books| books.profile.open_upgrade = InvoiceId::parse("nothing").ok());
    check(Rule::OpenInvoice, |books| std::mem::swap(&mut books.profile.open_renewal, &mut books.profile.open_upgrade));
    check(Rule::OpenInvoice, |books| books.profile.open_renewal = Some(paid(books).id.clone()));
}

#[test]
fn what_nobody_would_come_back_to_is_found() {
    check(Rule::NotDue, |books| (books.orders[1].state.wake_at, books.orders[1].filed) = (None, None));
    check(Rule::NotInIndex, |books| books.orders[1].filed = None);
    check(Rule::NotInIndex, |books| books.orders[1].filed = Some(examples::NOW));
    check(Rule::NotInIndex, |books| books.invoices[0].filed = Some(examples::NOW));
    check(Rule::NotDue, |books| paid(books).wake_at = Some(examples::NOW));
    check(Rule::NotDue, |books| {
        books.grants[1].revoked = true;
        paid(books).granted = None;
    });
}

#[test]
fn a_lost_event_is_found() {
    check(Rule::EventLost, |books| books.events[0].filed = None);
    check(Rule::EventLost, |books| books.events[0].state.relayed_at = Some(examples::NOW));
    check(Rule::EventLost, |books| books.events.clear());
    // After a week they are gone by themselves.
    let (mut books, now) = books();
    books.events.clear();
    let later = customer(&books, Zone::Jakarta, now + Duration::days(8)).findings;
    assert!(!later.iter().any(|finding| finding.rule == Rule::EventLost), "{later:?}");
}
