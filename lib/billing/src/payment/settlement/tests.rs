//! Reports told as stories: each step is what a gateway reports, amounts in thousands of rupiah.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

mod orders;
mod properties;

use std::collections::BTreeMap;

use time::Duration;

use super::*;
use crate::examples::{self, NOW};
use crate::id::OrderId;
use crate::money::credit::use_credit;
use crate::payment::invoice::{OrderKey, PaymentLink};
use crate::payment::order::LinkedInvoice;
use crate::payment::withdrawal;
use crate::zone::later;

const THOUSAND: i64 = 1_000;

/// One thing that happens to one invoice.
#[derive(Debug, Clone)]
enum Step {
    /// Order number so much is reported so.
    Report(usize, Report),
    /// The provider withdraws the invoice.
    Withdraw,
    /// The entitlement follows the invoice.
    Apply,
    /// The customer's credit pays what it can of the invoice.
    UseCredit,
}

/// What is known of one invoice, its orders and its customer's money, and how it came about.
#[derive(Debug, Clone)]
struct Story {
    orders: [Order; 2],
    invoice: Invoice,
    credit: Rupiah,
    entries: Vec<Entry>,
    events: Vec<Event>,
}

impl Story {
    fn new() -> Self {
        let second = Order { id: OrderId::parse("INV-2026-000001-y").unwrap(), ..examples::order() };
        Self {
            orders: [examples::order(), second],
            invoice: examples::invoice(),
            credit: Rupiah::ZERO,
            entries: Vec::new(),
            events: Vec::new(),
        }
    }

    fn told(steps: &[Step]) -> Self {
        let mut story = Self::new();
        for step in steps {
            story.go_on(step);
        }
        story
    }

    #[track_caller]
    fn go_on(&mut self, step: &Step) {
        self.take(step);
        self.audit();
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Report(number, report) => {
                let order = &mut self.orders[*number];
                match settle(order, &self.invoice, report, NOW).unwrap() {
                    SettleOutcome::Unchanged => {}
                    SettleOutcome::Noted(note) => {
                        *order = note.order;
                        self.invoice = note.invoice.unwrap_or_else(|| self.invoice.clone());
                        self.events.extend(note.event);
                    }
                    SettleOutcome::Settled(change) => {
                        *order = change.order;
                        self.invoice = change.invoice.unwrap_or_else(|| self.invoice.clone());
                        self.credit = self.credit.plus(change.credit).unwrap();
                        self.entries.extend(change.entries);
                        self.events.extend(change.events);
                    }
                }
            }
            Step::Withdraw => {
                let profile = crate::service::customer::Profile { credit: self.credit, ..examples::profile() };
                if let Ok(withdrawal) = withdrawal::withdraw(&self.invoice, &profile, None, NOW) {
                    self.invoice = withdrawal.invoice;
                    self.credit = withdrawal.profile.credit;
                    self.entries.extend(withdrawal.entries);
                }
            }
            Step::Apply => {
                self.invoice.granted =
                    (self.invoice.status == InvoiceStatus::Paid).then_some(self.invoice.settlement_no);
                self.invoice.granted_return = self.invoice.service_given_back().unwrap();
                self.invoice.wake_at = None;
            }
            Step::UseCredit => {
                let profile = crate::service::customer::Profile { credit: self.credit, ..examples::profile() };
                let standing = LinkedInvoice { invoice: &self.invoice, order: None };
                if let Some(used) = use_credit(standing, &profile, NOW).unwrap() {
                    self.invoice = used.invoice;
                    self.credit = used.profile.credit;
                    self.entries.extend(used.entries);
                    self.events.extend(used.event);
                }
            }
        }
    }

    /// What holds after every step of every story.
    #[track_caller]
    fn audit(&self) {
        let booked = self.orders.iter().flat_map(|order| order.booked.values());
        assert_eq!(
            self.total(|_| true),
            booked.map(|booked| booked.kept().unwrap().get()).sum::<i64>(),
            "every rupiah is one entry"
        );
        assert_eq!(self.total(EntryKind::moves_credit), self.credit.get(), "credit is the sum of its entries");
        let invoice = &self.invoice;
        assert_eq!(self.total(EntryKind::moves_invoice), held(invoice), "the invoice holds the sum of its entries");
        assert!(held(invoice) >= 0);
        let own = invoice.credit_applied.plus(invoice.carried).unwrap();
        assert!(invoice.credit_applied.min(invoice.carried) >= Rupiah::ZERO && own <= invoice.received);
        assert_eq!(self.total(|kind| kind == EntryKind::Carried), invoice.carried.get(), "carried");
        assert!(!invoice.amount_due().unwrap().is_too_little(), "more is due than nothing, and no gateway takes it");
        if invoice.status != InvoiceStatus::Cancelled {
            assert_eq!(invoice.status == InvoiceStatus::Paid, invoice.received >= invoice.amount);
        }
        assert!(invoice.status != InvoiceStatus::Unpaid || invoice.given_back() == Ok(Rupiah::ZERO));
        assert_eq!(
            invoice.status == InvoiceStatus::Paid,
            invoice.paid_at.is_some() && invoice.status != InvoiceStatus::Cancelled
        );
        assert!(!invoice.awaits_apply() || invoice.wake_at.is_some(), "what is not applied is due");
        for booked in self.orders.iter().flat_map(|order| order.booked.values()) {
            assert!(
                booked.kept().unwrap() >= Rupiah::ZERO
                    && booked.to_credit <= booked.received
                    && booked.to_credit >= Rupiah::ZERO
            );
        }
    }

    fn total(&self, of: impl Fn(EntryKind) -> bool) -> i64 {
        self.entries.iter().filter(|entry| of(entry.kind)).map(|entry| entry.amount.get()).sum()
    }

    /// `PAID holds 300, credit 0: settled#1 300`.
    fn summary(&self) -> String {
        let events: Vec<String> = self.events.iter().map(told).collect();
        let status = format!("{:?}", self.invoice.status).to_uppercase();
        let line = format!(
            "{status} holds {}, credit {}: {}",
            held(&self.invoice) / THOUSAND,
            self.credit.get() / THOUSAND,
            events.join(", ")
        );
        line.trim_end_matches([':', ' ']).to_owned()
    }
}

fn held(invoice: &Invoice) -> i64 {
    invoice.held().unwrap().get()
}

fn told(event: &Event) -> String {
    match event {
        Event::PaymentSettled { settlement_no, amount, .. } => {
            format!("settled#{settlement_no} {}", amount.get() / THOUSAND)
        }
        Event::PaymentReversed { settlement_no, amount, .. } => {
            format!("reversed#{settlement_no} {}", amount.get() / THOUSAND)
        }
        Event::PaymentReview { reason, amount, .. } => format!("{reason:?} {}", amount.get() / THOUSAND),
        other => panic!("settling tells of money only, not {other:?}"),
    }
}

fn transaction(id: &str, received: i64, refunded: i64) -> Transaction {
    Transaction { id: id.into(), ..examples::transaction(received * THOUSAND, refunded * THOUSAND) }
}

/// The first order's transaction `t1`, in total.
fn t1(received: i64, refunded: i64) -> Step {
    Step::Report(0, examples::report(vec![transaction("t1", received, refunded)]))
}

/// Another transaction under the first order.
fn t2(received: i64, refunded: i64) -> Step {
    Step::Report(0, examples::report(vec![transaction("t2", received, refunded)]))
}

/// A transaction of the second order.
fn second(received: i64, refunded: i64) -> Step {
    Step::Report(1, examples::report(vec![transaction("t3", received, refunded)]))
}

fn charged_back(received: i64, charged_back: i64) -> Step {
    let transaction =
        Transaction { charged_back: Rupiah::new(charged_back * THOUSAND), ..transaction("t1", received, 0) };
    Step::Report(0, examples::report(vec![transaction]))
}

#[track_caller]
fn check(steps: &[Step], expected: &str) {
    let story = Story::told(steps);
    assert_eq!(story.summary(), expected);
    // Whatever was reported last may be reported again, by a webhook, a customer's check and a reconciliation at once.
    if let Some(Step::Report(number, report)) = steps.last() {
        let again = settle(&story.orders[*number], &story.invoice, report, NOW).unwrap();
        assert!(!matches!(again, SettleOutcome::Settled(_)), "booked twice: {again:?}");
    }
}

#[test]
fn the_exact_amount_settles_the_invoice() {
    check(&[t1(300, 0)], "PAID holds 300, credit 0: settled#1 300");
}

#[test]
fn the_same_report_again_books_nothing() {
    check(&[t1(300, 0), t1(300, 0), t1(300, 0)], "PAID holds 300, credit 0: settled#1 300");
}

#[test]
fn too_little_leaves_the_invoice_open_for_the_rest() {
    check(&[t1(100, 0)], "UNPAID holds 100, credit 0: Partial 100");
    check(&[t1(100, 0), second(200, 0)], "PAID holds 300, credit 0: Partial 100, settled#1 300");
    assert_eq!(Story::told(&[t1(100, 0)]).invoice.amount_due(), Ok(Rupiah::new(200_000)));
}

/// The first order's transaction `t1`, in total, in rupiah.
fn rupiah(received: i64, refunded: i64) -> Step {
    Step::Report(0, examples::report(vec![examples::transaction(received, refunded)]))
}

/// Status, what is due, carried and the customer's credit.
#[track_caller]
fn carried(steps: &[Step], status: InvoiceStatus, amounts: [i64; 3]) {
    let story = Story::told(steps);
    let due = story.invoice.amount_due().unwrap();
    let is = [due, story.invoice.carried, story.credit].map(Rupiah::get);
    assert_eq!((story.invoice.status, is), (status, amounts));
}

#[test]
fn a_rest_that_no_gateway_takes_is_owed_with_the_next_bill() {
    use InvoiceStatus::{Cancelled, Paid, Unpaid};
    carried(&[rupiah(299_000, 0)], Unpaid, [1_000, 0, 0]);
    for rest in [1, 500, 999] {
        let short = 300_000 - rest;
        carried(&[rupiah(short, 0)], Paid, [0, rest, -rest]);
        // The same, in parts.
        carried(&[rupiah(100_000, 0), rupiah(short, 0)], Paid, [0, rest, -rest]);
        // What comes after all pays what is owed.
        carried(&[rupiah(short, 0), rupiah(300_000, 0)], Paid, [0, rest, 0]);
        // Given back in full: nothing is owed for a bill that is none.
        carried(&[rupiah(short, 0), Step::Apply, rupiah(short, short)], Cancelled, [0, 0, 0]);
        // Taken back: the bill is open again, less what is owed with the next one.
        carried(&[rupiah(short, 0), Step::Apply, rupiah(0, 0)], Unpaid, [short, rest, -rest]);
        carried(&[rupiah(short, 0), rupiah(0, 0), Step::Withdraw], Cancelled, [0, 0, 0]);
        carried(&[rupiah(short, 0), rupiah(0, 0), second(300, 0)], Paid, [0, rest, 0]);
    }
}

#[test]
fn a_bill_is_not_opened_again_for_less_than_a_gateway_takes() {
    use InvoiceStatus::{Paid, Unpaid};
    let with = |received| {
        let other = Transaction { id: "t2".into(), ..examples::transaction(received, 0) };
        Step::Report(1, examples::report(vec![other]))
    };
    carried(&[with(999), rupiah(299_001, 0), Step::Apply, with(0)], Paid, [0, 999, -999]);
    carried(&[with(1_000), rupiah(299_000, 0), Step::Apply, with(0)], Unpaid, [1_000, 0, 0]);
    let story = Story::told(&[with(500), rupiah(299_500, 0), Step::Apply, with(0)]);
    assert!(!story.invoice.awaits_apply(), "the service goes on");
    assert!(matches!(story.events.last(), Some(Event::PaymentReview { reason: ReviewReason::TakenBack, .. })));
}

#[test]
fn money_that_goes_back_of_a_bill_that_asked_for_more_is_owed_again() {
    use InvoiceStatus::{Cancelled, Paid, Unpaid};
    /// Rp500 of before are asked with it.
    #[track_caller]
    fn owing(steps: &[Step], status: InvoiceStatus, amounts: [i64; 3], returned: i64) {
        let five_hundred = Rupiah::new(500);
        let negative = five_hundred.negated().unwrap();
        let invoice = Invoice { received: negative, carried: negative, ..examples::invoice() };
        let entries = into_invoice(&invoice, negative, (EntryKind::Owed, EntryKind::Carried), NOW).unwrap();
        let mut story = Story { invoice, entries: entries.into(), credit: five_hundred, ..Story::new() };
        for step in steps {
            story.take(step);
        }
        // Before, it was owed.
        let credit = story.credit.minus(five_hundred).unwrap();
        let due = story.invoice.amount_due().unwrap();
        assert_eq!((story.invoice.status, [due, story.invoice.carried, credit].map(Rupiah::get)), (status, amounts));
        assert_eq!(story.invoice.service_given_back().unwrap().get(), returned);
        assert_eq!(story.total(EntryKind::moves_credit), story.credit.get());
        assert_eq!(story.total(EntryKind::moves_invoice), held(&story.invoice));
    }
    owing(&[], Unpaid, [300_500, -500, 0], 0);
    owing(&[rupiah(300_000, 0)], Paid, [0, 0, -500], 0);
    owing(&[rupiah(300_500, 0)], Paid, [0, -500, 0], 0);
    owing(&[rupiah(300_500, 0), rupiah(300_500, 300_200)], Paid, [0, -500, 0], 300_000);
    owing(&[rupiah(300_500, 0), rupiah(300_500, 300_500)], Cancelled, [0, 0, -500], 300_000);
    owing(&[rupiah(300_500, 0), rupiah(0, 0)], Unpaid, [300_500, -500, 0], 0);
    owing(&[Step::Withdraw], Cancelled, [0, 0, -500], 0);
}

#[test]
fn a_transaction_that_grows_books_the_difference() {
    check(&[t1(100, 0), t1(300, 0)], "PAID holds 300, credit 0: Partial 100, settled#1 300");
}

#[test]
fn too_much_becomes_credit_and_somebody_looks_at_it() {
    check(&[t1(350, 0)], "PAID holds 300, credit 50: settled#1 300, Surplus 50");
}

#[test]
fn a_second_payment_of_a_paid_invoice_becomes_credit() {
    check(&[t1(300, 0), second(300, 0)], "PAID holds 300, credit 300: settled#1 300, Surplus 300");
    check(&[t1(300, 0), t2(300, 0)], "PAID holds 300, credit 300: settled#1 300, Surplus 300");
}

#[test]
fn a_payment_of_a_withdrawn_invoice_becomes_credit() {
    check(&[Step::Withdraw, t1(300, 0)], "CANCELLED holds 0, credit 300: Surplus 300");
}

#[test]
fn two_transactions_under_one_order_are_booked_each() {
    let both = examples::report(vec![transaction("t1", 200, 0), transaction("t2", 200, 0)]);
    check(&[Step::Report(0, both)], "PAID holds 300, credit 100: settled#1 300, Partial 200, Surplus 100");
}

#[test]
fn a_transaction_that_is_listed_twice_counts_once() {
    let twice = examples::report(vec![transaction("t1", 300, 0), transaction("t1", 300, 0)]);
    check(&[Step::Report(0, twice)], "PAID holds 300, credit 0: settled#1 300");
}

#[test]
fn a_transaction_that_is_no_longer_listed_stays_booked() {
    check(&[t1(300, 0), t2(0, 0)], "PAID holds 300, credit 0: settled#1 300");
    check(&[t1(300, 0), Step::Report(0, examples::report(vec![]))], "PAID holds 300, credit 0: settled#1 300");
}

#[test]
fn a_payment_that_is_seen_only_when_refunded_cancels_the_invoice_and_is_told_as_reversed() {
    check(&[t1(300, 300)], "CANCELLED holds 0, credit 0: reversed#1 300");
    let story = Story::told(&[t1(300, 300)]);
    assert_eq!(story.entries.iter().map(|entry| entry.amount.get()).collect::<Vec<_>>(), [300_000, -300_000]);
    assert_eq!(story.orders[0].status, OrderStatus::Reversed);
    assert_eq!(story.invoice.wake_at, None);
}

#[test]
fn a_full_refund_cancels_the_invoice() {
    check(&[t1(300, 0), Step::Apply, t1(300, 300)], "CANCELLED holds 0, credit 0: settled#1 300, reversed#1 300");
    check(
        &[t1(300, 0), t1(300, 300), second(300, 0)],
        "CANCELLED holds 0, credit 300: settled#1 300, reversed#1 300, Surplus 300",
    );
}

#[test]
fn partial_refunds_are_totals_and_revoke_nothing_until_all_is_gone() {
    check(&[t1(300, 0), t1(300, 100)], "PAID holds 200, credit 0: settled#1 300, PartialRefund 100");
    check(
        &[t1(300, 0), t1(300, 100), t1(300, 150)],
        "PAID holds 150, credit 0: settled#1 300, PartialRefund 100, PartialRefund 50",
    );
    let all = [t1(300, 0), t1(300, 100), t1(300, 300)];
    check(&all, "CANCELLED holds 0, credit 0: settled#1 300, PartialRefund 100, reversed#1 200");
}

#[test]
fn refunding_a_surplus_leaves_the_invoice_alone() {
    check(&[t1(350, 0), t1(350, 50)], "PAID holds 300, credit 0: settled#1 300, Surplus 50, PartialRefund 50");
    check(
        &[t1(300, 0), second(300, 0), second(300, 300)],
        "PAID holds 300, credit 0: settled#1 300, Surplus 300, PartialRefund 300",
    );
    check(
        &[t1(300, 0), second(300, 0), second(0, 0)],
        "PAID holds 300, credit 0: settled#1 300, Surplus 300, TakenBack 300",
    );
    let beyond = [t1(350, 0), t1(350, 150)];
    check(&beyond, "PAID holds 200, credit 0: settled#1 300, Surplus 50, PartialRefund 100");
}

#[test]
fn a_refunded_part_payment_is_due_again() {
    check(&[t1(100, 0), t1(100, 100)], "UNPAID holds 0, credit 0: Partial 100, PartialRefund 100");
    check(&[t1(100, 0), t1(0, 0)], "UNPAID holds 0, credit 0: Partial 100, TakenBack 100");
}

#[test]
fn a_refund_that_is_no_longer_mentioned_does_not_come_back() {
    check(
        &[t1(300, 100), charged_back(300, 300)],
        "PAID holds 0, credit 0: settled#1 300, PartialRefund 100, Chargeback 200",
    );
}

#[test]
fn a_chargeback_is_recorded_and_revokes_nothing_by_itself() {
    check(&[t1(300, 0), charged_back(300, 300)], "PAID holds 0, credit 0: settled#1 300, Chargeback 300");
    let twice = [t1(300, 0), charged_back(300, 100), charged_back(300, 300)];
    check(&twice, "PAID holds 0, credit 0: settled#1 300, Chargeback 100, Chargeback 200");
}

#[test]
fn what_is_charged_back_comes_out_of_credit_first() {
    check(&[t1(350, 0), charged_back(350, 40)], "PAID holds 300, credit 10: settled#1 300, Surplus 50, Chargeback 40");
    check(&[t1(350, 0), charged_back(350, 350)], "PAID holds 0, credit 0: settled#1 300, Surplus 50, Chargeback 350");
    check(
        &[t1(300, 0), Step::Withdraw, second(300, 0), Step::Apply],
        "PAID holds 300, credit 300: settled#1 300, Surplus 300",
    );
}

#[test]
fn a_part_payment_that_is_charged_back_is_due_again() {
    check(&[t1(100, 0), charged_back(100, 100)], "UNPAID holds 0, credit 0: Partial 100, Chargeback 100");
}

#[test]
fn what_is_gone_does_not_go_again() {
    check(&[t1(300, 0), charged_back(300, 300), t1(300, 300)], "PAID holds 0, credit 0: settled#1 300, Chargeback 300");
    check(
        &[t1(300, 0), charged_back(300, 100), t1(0, 0)],
        "UNPAID holds 0, credit 0: settled#1 300, Chargeback 100, reversed#1 200",
    );
}

#[test]
fn credit_used_for_an_invoice_is_credit_again_when_its_payment_is_refunded_in_full() {
    // The second order's money is for another story: it becomes credit of this customer, and pays part of the reopened
    // invoice.
    let story = [t1(300, 0), second(100, 0), t1(0, 0), Step::UseCredit];
    check(&story, "UNPAID holds 100, credit 0: settled#1 300, Surplus 100, reversed#1 300");
    let paid = [story.to_vec(), vec![t2(200, 0)]].concat();
    check(&paid, "PAID holds 300, credit 0: settled#1 300, Surplus 100, reversed#1 300, settled#2 300");
    let in_part = [paid.clone(), vec![t2(200, 50)]].concat();
    check(
        &in_part,
        "PAID holds 250, credit 0: settled#1 300, Surplus 100, reversed#1 300, settled#2 300, PartialRefund 50",
    );
    let in_full = [paid, vec![t2(200, 200)]].concat();
    check(
        &in_full,
        "CANCELLED holds 0, credit 100: settled#1 300, Surplus 100, reversed#1 300, settled#2 300, reversed#2 200",
    );
}

#[test]
fn a_settlement_that_is_denied_reopens_the_invoice() {
    check(&[t1(300, 0), Step::Apply, t1(0, 0)], "UNPAID holds 0, credit 0: settled#1 300, reversed#1 300");
    check(&[t1(350, 0), t1(0, 0)], "UNPAID holds 0, credit 0: settled#1 300, Surplus 50, reversed#1 300");
    let story = Story::told(&[t1(300, 0), Step::Apply, t1(0, 0)]);
    assert_eq!((story.orders[0].status, story.invoice.paid_at), (OrderStatus::Reversed, None));
    assert_eq!(story.invoice.wake_at, Some(later(NOW, Duration::minutes(2))), "the grant is to be revoked");
}

#[test]
fn what_is_reversed_and_paid_again_is_the_second_settlement() {
    let events = "settled#1 300, reversed#1 300, settled#2 300";
    check(&[t1(300, 0), t1(0, 0), t1(300, 0)], &format!("PAID holds 300, credit 0: {events}"));
    check(&[t1(300, 0), t1(0, 0), second(300, 0)], &format!("PAID holds 300, credit 0: {events}"));
    let in_one = examples::report(vec![transaction("t1", 0, 0), transaction("t2", 300, 0)]);
    check(&[t1(300, 0), Step::Report(0, in_one)], "PAID holds 300, credit 0: settled#1 300, settled#2 300");
}

#[test]
fn what_was_refunded_is_not_taken_back_a_second_time() {
    let events = "settled#1 300, PartialRefund 100, reversed#1 200";
    check(&[t1(300, 0), t1(300, 100), t1(0, 0)], &format!("UNPAID holds 0, credit 0: {events}"));
    check(&[t1(300, 0), t1(300, 100), t1(0, 100)], &format!("UNPAID holds 0, credit 0: {events}"));
    check(&[t1(300, 0), t1(300, 300), t1(0, 0)], "CANCELLED holds 0, credit 0: settled#1 300, reversed#1 300");
}

#[test]
fn a_refund_of_an_earlier_settlement_counts_for_no_later_one() {
    let steps = [t1(300, 0), t1(300, 100), t1(0, 0), second(300, 0), second(300, 200)];
    check(
        &steps,
        "PAID holds 100, credit 0: settled#1 300, PartialRefund 100, reversed#1 200, settled#2 300, PartialRefund 200",
    );
}

#[test]
fn part_payments_of_a_withdrawn_invoice_are_taken_back_from_credit() {
    check(&[t1(100, 0), Step::Withdraw], "CANCELLED holds 0, credit 100: Partial 100");
    check(&[t1(100, 0), Step::Withdraw, t1(0, 0)], "CANCELLED holds 0, credit 0: Partial 100, TakenBack 100");
    check(&[t1(100, 0), Step::Withdraw, t1(100, 60)], "CANCELLED holds 0, credit 40: Partial 100, PartialRefund 60");
}

#[test]
fn a_report_that_is_not_understood_takes_nothing_back() {
    let unclear = |transactions| {
        Step::Report(0, Report { state: ReportedState::Unclear("status settelment".into()), transactions })
    };
    check(&[unclear(vec![])], "UNPAID holds 0, credit 0: Unclear 300");
    check(&[t1(300, 0), unclear(vec![])], "PAID holds 300, credit 0: settled#1 300, Unclear 300");
    check(
        &[t1(300, 0), unclear(vec![transaction("t1", 0, 0)])],
        "PAID holds 300, credit 0: settled#1 300, Unclear 300",
    );
    // Listed transactions are certain: money beside something unclear is booked.
    check(&[unclear(vec![transaction("t2", 300, 0)])], "PAID holds 300, credit 0: Unclear 300, settled#1 300");
    let unknown =
        Step::Report(0, Report { state: ReportedState::Unknown, transactions: vec![transaction("t1", 0, 0)] });
    check(&[t1(300, 0), unknown], "PAID holds 300, credit 0: settled#1 300");
}

#[test]
fn a_negative_total_is_refused() {
    for transaction in [transaction("t1", -1, 0), transaction("t1", 300, -1)] {
        let story = Story::new();
        let refused = settle(&story.orders[0], &story.invoice, &examples::report(vec![transaction]), NOW);
        assert_eq!(refused, Err(MoneyError::OutOfRange));
    }
}

#[test]
fn the_gateways_time_of_payment_counts_unless_it_lies_ahead() {
    for (reported, counted) in [(-60, -60), (0, 0), (7 * 60, 0)] {
        let paid_at = Some(later(NOW, Duration::minutes(reported)));
        let story = Story::told(&[Step::Report(
            0,
            examples::report(vec![Transaction { paid_at, ..transaction("t1", 300, 0) }]),
        )]);
        assert_eq!(story.invoice.paid_at, Some(later(NOW, Duration::minutes(counted))));
        assert_eq!(story.entries[0].at, later(NOW, Duration::minutes(counted)));
    }
}

#[test]
fn money_spends_the_link_it_came_through_and_payment_spends_every_link() {
    let link = |order: &Order| PaymentLink { order_id: order.id.clone(), ..examples::link() };
    for (link_of, pay, left) in [(0, t1(100, 0), false), (1, t1(100, 0), true), (1, t1(300, 0), false)] {
        let mut story = Story::new();
        story.invoice.link = Some(link(&story.orders[link_of]));
        story.go_on(&pay);
        assert_eq!(story.invoice.link.is_some(), left, "link of {link_of}, {pay:?}");
    }
}

#[test]
fn a_review_of_another_order_ends_when_the_invoice_is_paid_and_counts_again_once_it_is_open() {
    for (pay, left) in [(t1(100, 0), true), (t1(300, 0), false)] {
        let mut story = Story::new();
        let other = &story.orders[1];
        let held = OrderKey { gateway: other.gateway, order_id: other.id.clone() };
        story.invoice.in_review = Some(held.clone());
        story.go_on(&pay);
        assert_eq!(story.invoice.in_review.is_some(), left, "{pay:?}");
        let look = Report { state: ReportedState::InReview("challenge".into()), transactions: Vec::new() };
        story.go_on(&Step::Report(1, look.clone()));
        assert_eq!(story.invoice.in_review.is_some(), left, "{pay:?}: nothing is to pay");
        story.invoice.status = InvoiceStatus::Unpaid;
        story.take(&Step::Report(1, look));
        assert_eq!(story.invoice.in_review, Some(held), "{pay:?}");
    }
}

#[test]
fn every_entry_says_which_payment_it_belongs_to() {
    let story = Story::told(&[t1(350, 0)]);
    let told: Vec<_> =
        story.entries.iter().map(|entry| (entry.kind, entry.amount.get(), entry.payment.clone())).collect();
    let payment = PaymentRef {
        gateway: story.orders[0].gateway,
        order_id: story.orders[0].id.clone(),
        transaction_id: "t1".into(),
        method: Some("qris".into()),
    };
    assert_eq!(
        told,
        [(EntryKind::Received, 300_000, Some(payment.clone())), (EntryKind::Surplus, 50_000, Some(payment))]
    );
    assert_eq!(
        story.orders[0].booked,
        BTreeMap::from([(
            "t1".to_owned(),
            Booked { received: Rupiah::new(350_000), to_credit: Rupiah::new(50_000), ..Booked::default() }
        )])
    );
    assert_eq!(story.orders[0].timeline.last().map(|moment| moment.what.as_str()), Some("booked:settlement"));
}
