//! Settlement: what a gateway's report changes. The one place where money is booked.
//!
//! Settling books differences: what the gateway reports in total, less what the order has booked already. So the same
//! report twice, from a webhook, a customer's check and a reconciliation at once, books once.

use time::OffsetDateTime;

use crate::money::ledger::{Entry, EntryKind, PaymentRef, into_invoice};
use crate::money::{MoneyError, Rupiah};
use crate::payment::gateway::{Report, ReportedState, Transaction};
use crate::payment::invoice::{Invoice, InvoiceStatus};
use crate::payment::link::reviewed;
use crate::payment::order::{Booked, Order, OrderStatus};
use crate::payment::withdrawal::given_back_as_credit;
use crate::telling::event::{Event, ReviewReason};

/// Transactions of one order that are read; more is not a gateway's answer.
const TRANSACTION_LIMIT: usize = 20;

/// What one report changes, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerChange {
    pub order: Order,
    /// The invoice, if it changed.
    pub invoice: Option<Invoice>,
    pub credit: Rupiah,
    pub entries: Vec<Entry>,
    pub events: Vec<Event>,
}

/// What a report means for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettleOutcome {
    /// Nothing new: no write.
    Unchanged,
    /// No money moves: the order is expired, cancelled, or looked at again later.
    Noted(Box<Note>),
    /// Money moved.
    Settled(Box<LedgerChange>),
}

/// What a report without news about money changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where the order stands, and when to look again.
    pub order: Order,
    /// Without its link, if that was the order's and nobody can pay it any more.
    pub invoice: Option<Invoice>,
    /// Set when the gateway first says something that a person has to look at.
    pub event: Option<Event>,
}

/// Decides what `report` changes, given the order and the invoice as they stand.
///
/// A webhook counts as paid exactly if the gateway's own report holds a transaction with more `received` than the order
/// has booked; every status of the order accepts that, CREATING and EXPIRED included.
pub fn settle(
    order: &Order,
    invoice: &Invoice,
    report: &Report,
    now: OffsetDateTime,
) -> Result<SettleOutcome, MoneyError> {
    let mut books = OpenBooks::open(order, invoice);
    let certain = report.state != ReportedState::Unknown && report.state.needs_a_person().is_none();
    for transaction in report.transactions.iter().take(TRANSACTION_LIMIT) {
        books.book(transaction, certain, now)?;
    }
    if books.order.booked == order.booked {
        return Ok(note(order, invoice, report, now));
    }
    books.close(invoice, report, now).map(|change| SettleOutcome::Settled(Box::new(change)))
}

/// The state of the books while one report is worked through.
struct OpenBooks {
    order: Order,
    invoice: Invoice,
    credit: Rupiah,
    entries: Vec<Entry>,
    reviews: Vec<(ReviewReason, Rupiah)>,
}

impl OpenBooks {
    fn open(order: &Order, invoice: &Invoice) -> Self {
        Self {
            order: order.clone(),
            invoice: invoice.clone(),
            credit: Rupiah::ZERO,
            entries: Vec::new(),
            reviews: Vec::new(),
        }
    }

    /// Only a report whose state is `certain` takes money back, and only in so many words: not to understand a gateway
    /// is no reversal, and neither is an answer that is older than what is booked.
    fn book(&mut self, reported: &Transaction, certain: bool, now: OffsetDateTime) -> Result<(), MoneyError> {
        if reported.received.min(reported.refunded).min(reported.charged_back) < Rupiah::ZERO {
            return Err(MoneyError::OutOfRange);
        }
        let mut booked = self.order.booked.get(&reported.id).copied().unwrap_or_default();
        let before = booked;
        // A gateway's clock, or its zone misread, must not date a period into the future.
        let at = reported.paid_at.map_or(now, |paid_at| paid_at.min(now));
        let more = reported.received.minus(booked.received)?;
        if more.is_positive() {
            self.receive(reported, &mut booked, more, at)?;
        } else if !more.is_zero() && certain && reported.taken_back {
            self.take_back(reported, &mut booked, now)?;
        }
        // Refunds only grow: a report that no longer mentions one (a chargeback came after it) does not bring it back.
        // And what is gone does not go again: a chargeback in full that follows a refund is reported in full.
        let refunded = reported.refunded.min(booked.received.minus(booked.charged_back)?).minus(booked.refunded)?;
        if refunded.is_positive() {
            self.refund(reported, &mut booked, refunded, now)?;
        }
        let charged_back =
            reported.charged_back.min(booked.received.minus(booked.refunded)?).minus(booked.charged_back)?;
        if charged_back.is_positive() {
            self.charge_back(reported, &mut booked, charged_back, now)?;
        }
        if booked != before {
            self.order.booked.insert(reported.id.clone(), booked);
            self.order.transaction_id = Some(reported.id.clone());
            self.order.note(now, format!("booked:{}", reported.status));
        }
        Ok(())
    }

    /// Money first fills what is due; the rest, and all money for an invoice that takes none, is credit. What is then
    /// left to pay and is too little for a gateway is asked with the next bill.
    fn receive(
        &mut self,
        reported: &Transaction,
        booked: &mut Booked,
        more: Rupiah,
        at: OffsetDateTime,
    ) -> Result<(), MoneyError> {
        booked.received = booked.received.plus(more)?;
        let for_invoice = more.min(self.invoice.amount_due()?);
        let surplus = more.minus(for_invoice)?;
        if for_invoice.is_positive() {
            self.invoice.received = self.invoice.received.plus(for_invoice)?;
            self.enter(EntryKind::Received, for_invoice, reported, at);
            let rest = self.invoice.amount_due()?;
            if rest.is_too_little() {
                self.carry(rest, at)?;
            }
            if self.invoice.amount_due()?.is_zero() {
                self.invoice.status = InvoiceStatus::Paid;
                self.invoice.settlement_no = self.invoice.settlement_no.saturating_add(1);
                self.invoice.paid_at = Some(at);
            } else {
                self.reviews.push((ReviewReason::Partial, for_invoice));
            }
        }
        if surplus.is_positive() {
            booked.to_credit = booked.to_credit.plus(surplus)?;
            self.credit = self.credit.plus(surplus)?;
            self.enter(EntryKind::Surplus, surplus, reported, at);
            self.reviews.push((ReviewReason::Surplus, surplus));
        }
        Ok(())
    }

    /// The gateway took a settlement back (deny after settlement): credit first, then the invoice is open again.
    /// What was refunded before is gone already and is not taken a second time.
    fn take_back(
        &mut self,
        reported: &Transaction,
        booked: &mut Booked,
        now: OffsetDateTime,
    ) -> Result<(), MoneyError> {
        let (kept, was_paid) = (booked.kept()?, self.invoice.status == InvoiceStatus::Paid);
        booked.received = reported.received;
        booked.refunded = booked.refunded.min(reported.received);
        booked.charged_back = booked.charged_back.min(reported.received.minus(booked.refunded)?);
        let less = kept.minus(booked.kept()?)?;
        let from_invoice = self.take_credit(EntryKind::SurplusReversal, reported, booked, less, now)?;
        if from_invoice.is_positive() {
            self.enter(EntryKind::Reversal, from_invoice.negated()?, reported, now);
            self.invoice.received = self.invoice.received.minus(from_invoice)?;
            let missing = self.invoice.amount.minus(self.invoice.received)?;
            if self.invoice.status == InvoiceStatus::Paid
                && self.invoice.amount.minus(self.invoice.held()?)?.is_too_little()
            {
                self.carry(missing, now)?;
            } else if self.invoice.status == InvoiceStatus::Paid && missing.is_positive() {
                self.invoice.status = InvoiceStatus::Unpaid;
                self.invoice.paid_at = None;
                // Open again, so what was given back of it is due again, and counts for no later settlement.
                self.invoice.received = self.invoice.held()?;
                (self.invoice.refunded, self.invoice.charged_back) = (Rupiah::ZERO, Rupiah::ZERO);
                let not_carried = self.invoice.received.minus(self.invoice.carried)?;
                self.invoice.credit_applied = self.invoice.credit_applied.min(not_carried);
            }
        }
        // What opens the invoice again is told as that. Money that had become credit may be spent, and a part-payment
        // is no settlement.
        if less.is_positive() && !(was_paid && self.invoice.status == InvoiceStatus::Unpaid) {
            self.reviews.push((ReviewReason::TakenBack, less));
        }
        Ok(())
    }

    /// Refunds come out of credit first. A PAID invoice of which all is refunded is cancelled, and what credit had paid
    /// of it is credit again; in part, a person looks at it.
    fn refund(
        &mut self,
        reported: &Transaction,
        booked: &mut Booked,
        refunded: Rupiah,
        now: OffsetDateTime,
    ) -> Result<(), MoneyError> {
        booked.refunded = booked.refunded.plus(refunded)?;
        let from_invoice = self.take_credit(EntryKind::SurplusRefund, reported, booked, refunded, now)?;
        if !from_invoice.is_positive() {
            self.reviews.push((ReviewReason::PartialRefund, refunded));
            return Ok(());
        }
        self.enter(EntryKind::Refund, from_invoice.negated()?, reported, now);
        if self.invoice.status == InvoiceStatus::Unpaid {
            self.invoice.received = self.invoice.received.minus(from_invoice)?;
            self.reviews.push((ReviewReason::PartialRefund, refunded));
            return Ok(());
        }
        self.invoice.refunded = self.invoice.refunded.plus(from_invoice)?;
        let held = self.invoice.held()?;
        if held > self.invoice.credit_applied.plus(self.invoice.carried)? {
            self.reviews.push((ReviewReason::PartialRefund, from_invoice));
            return Ok(());
        }
        self.invoice.status = InvoiceStatus::Cancelled;
        if !held.is_zero() {
            self.entries.extend(given_back_as_credit(&self.invoice, held, now)?);
            self.credit = self.credit.plus(held)?;
            self.invoice.received = self.invoice.received.minus(held)?;
            (self.invoice.credit_applied, self.invoice.carried) = (Rupiah::ZERO, Rupiah::ZERO);
        }
        Ok(())
    }

    /// Chargebacks come out of credit first, too. They revoke nothing by themselves: a person looks at each. But what
    /// is gone counts for nothing any more: an open invoice asks for it again, and of a PAID one the grant learns it
    /// ([`crate::service::apply`]).
    fn charge_back(
        &mut self,
        reported: &Transaction,
        booked: &mut Booked,
        amount: Rupiah,
        now: OffsetDateTime,
    ) -> Result<(), MoneyError> {
        booked.charged_back = booked.charged_back.plus(amount)?;
        self.reviews.push((ReviewReason::Chargeback, amount));
        let from_invoice = self.take_credit(EntryKind::SurplusChargeback, reported, booked, amount, now)?;
        if !from_invoice.is_positive() {
            return Ok(());
        }
        self.enter(EntryKind::Chargeback, from_invoice.negated()?, reported, now);
        if self.invoice.status == InvoiceStatus::Unpaid {
            self.invoice.received = self.invoice.received.minus(from_invoice)?;
        } else {
            self.invoice.charged_back = self.invoice.charged_back.plus(from_invoice)?;
        }
        Ok(())
    }

    /// Takes `amount` out of the credit that this transaction made, and answers what the invoice has to give up for the
    /// rest. What the invoice no longer holds (a withdrawn one gave its part-payments back as credit) comes out of
    /// credit too.
    fn take_credit(
        &mut self,
        kind: EntryKind,
        reported: &Transaction,
        booked: &mut Booked,
        amount: Rupiah,
        now: OffsetDateTime,
    ) -> Result<Rupiah, MoneyError> {
        let own_credit = amount.min(booked.to_credit);
        // Beside the service, it may have paid what was carried from bills of before.
        let held = self.invoice.held()?.minus(self.invoice.carried.min(Rupiah::ZERO))?;
        let from_invoice = amount.minus(own_credit)?.min(held.max(Rupiah::ZERO));
        let from_credit = amount.minus(from_invoice)?;
        if from_credit.is_positive() {
            booked.to_credit = booked.to_credit.minus(own_credit)?;
            self.credit = self.credit.minus(from_credit)?;
            self.enter(kind, from_credit.negated()?, reported, now);
        }
        Ok(from_invoice)
    }

    /// The invoice is short of `rest`, which no gateway takes: it is owed, and asked with the next bill.
    fn carry(&mut self, rest: Rupiah, at: OffsetDateTime) -> Result<(), MoneyError> {
        self.invoice.received = self.invoice.received.plus(rest)?;
        self.invoice.carried = self.invoice.carried.plus(rest)?;
        self.credit = self.credit.minus(rest)?;
        self.entries.extend(into_invoice(&self.invoice, rest, (EntryKind::Owed, EntryKind::Carried), at)?);
        Ok(())
    }

    fn enter(&mut self, kind: EntryKind, amount: Rupiah, reported: &Transaction, at: OffsetDateTime) {
        self.entries.push(Entry {
            customer_id: self.order.customer_id.clone(),
            invoice_id: Some(self.order.invoice_id.clone()),
            kind,
            amount,
            payment: Some(PaymentRef {
                gateway: self.order.gateway,
                order_id: self.order.id.clone(),
                transaction_id: reported.id.clone(),
                method: reported.method.clone(),
            }),
            at,
        });
    }

    fn close(
        mut self,
        invoice_before: &Invoice,
        report: &Report,
        now: OffsetDateTime,
    ) -> Result<LedgerChange, MoneyError> {
        self.order.status = status_of_money(&self.order);
        self.order.cancel_wanted_since = None;
        self.order.look_after_payment = Some(Order::when_to_look_after_payment(now));
        self.order.wake_at = self.order.next_look(now);
        // Nobody settles from this copy again: the next report is about money that moved after the invoice did.
        self.order.invoice = None;
        let mut events: Vec<Event> = note_unclear(&mut self.order, report, now).into_iter().collect();
        let (before, after) = (invoice_before, &self.invoice);
        let ids = (after.customer_id.clone(), after.id.clone());
        if after.status == InvoiceStatus::Paid && after.settlement_no != before.settlement_no {
            events.push(Event::PaymentSettled {
                customer_id: ids.0,
                invoice_id: ids.1,
                settlement_no: after.settlement_no,
                amount: after.amount,
            });
        } else if after.status != InvoiceStatus::Paid
            && (before.status == InvoiceStatus::Paid || after.settlement_no != before.settlement_no)
        {
            // What went back to the payer; not what credit had paid of it, which is credit again.
            let mut gone =
                self.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Refund | EntryKind::Reversal));
            let taken = gone.try_fold(Rupiah::ZERO, |sum, entry| sum.minus(entry.amount))?;
            events.push(Event::PaymentReversed {
                customer_id: ids.0,
                invoice_id: ids.1,
                settlement_no: after.settlement_no,
                amount: taken,
            });
        }
        events.extend(self.reviews.iter().map(|(reason, amount)| review(&self.order, *reason, *amount)));
        let invoice = (self.invoice != *invoice_before).then(|| {
            let mut invoice = self.invoice;
            if invoice.status != InvoiceStatus::Unpaid {
                (invoice.link, invoice.lease) = (None, None);
            }
            // Also of another order: its next look says so again, should the invoice be open then.
            let is_open = invoice.status == InvoiceStatus::Unpaid;
            invoice.in_review = invoice.in_review.filter(|held| is_open && held.order_id != self.order.id);
            // A link that took money is spent, even if the invoice is still open: replacing it would cancel a payment.
            invoice.link = invoice.link.filter(|link| link.order_id != self.order.id);
            invoice.updated_at = now;
            invoice.wake_at = invoice.next_wake(now);
            invoice
        });
        Ok(LedgerChange { order: self.order, invoice, credit: self.credit, entries: self.entries, events })
    }
}

fn status_of_money(order: &Order) -> OrderStatus {
    let kept = order.booked.values().any(|booked| booked.received > booked.refunded);
    if kept { OrderStatus::Paid } else { OrderStatus::Reversed }
}

/// A report without news about money: where the order stands, and when to look again.
fn note(order: &Order, invoice: &Invoice, report: &Report, now: OffsetDateTime) -> SettleOutcome {
    let mut noted = order.clone();
    let money_came = matches!(order.status, OrderStatus::Paid | OrderStatus::Reversed);
    match report.state {
        ReportedState::Expired if !money_came => noted.status = OrderStatus::Expired,
        ReportedState::Cancelled if !money_came => noted.status = OrderStatus::Cancelled,
        // Never chosen, never heard of: after its time nobody can choose it any more.
        ReportedState::Unknown if !money_came && now >= order.expires_at && order.status != OrderStatus::Cancelled => {
            noted.status = OrderStatus::Expired;
        }
        _ => {}
    }
    if noted.status != order.status {
        noted.cancel_wanted_since = None;
        noted.note(now, format!("{:?}", noted.status).to_lowercase());
    }
    if noted.transaction_id.is_none() {
        noted.transaction_id = report.transactions.first().map(|transaction| transaction.id.clone());
    }
    let event = note_unclear(&mut noted, report, now);
    // A look that is planned sooner stays.
    let planned = order.wake_at.filter(|wake_at| *wake_at > now);
    noted.wake_at = [noted.next_look(now), planned].into_iter().flatten().min();
    let over = matches!(noted.status, OrderStatus::Expired | OrderStatus::Cancelled);
    let dead_link = over && invoice.link.as_ref().is_some_and(|link| link.order_id == order.id);
    let in_review = reviewed(invoice, &noted, &report.state);
    let invoice = (dead_link || in_review != invoice.in_review).then(|| Invoice {
        link: if dead_link { None } else { invoice.link.clone() },
        in_review,
        updated_at: now,
        ..invoice.clone()
    });
    if over || invoice.is_some() {
        // The copy has served its purpose, and may no longer be how the invoice stands.
        noted.invoice = None;
    }
    if noted == *order && invoice.is_none() {
        SettleOutcome::Unchanged
    } else {
        SettleOutcome::Noted(Box::new(Note { order: noted, invoice, event }))
    }
}

/// An order that nobody can be asked about, because the keys at hand are for the gateway's other mode: a person has to
/// bring them back.
#[must_use]
pub fn in_other_mode(order: Order, now: OffsetDateTime) -> Note {
    let mut order = order;
    let event = note_once(&mut order, "the keys are for the gateway's other mode", now);
    Note { order, invoice: None, event }
}

fn note_unclear(order: &mut Order, report: &Report, now: OffsetDateTime) -> Option<Event> {
    note_once(order, report.state.needs_a_person()?, now)
}

/// What a person has to look at is told once, however often it is repeated.
fn note_once(order: &mut Order, why: &str, now: OffsetDateTime) -> Option<Event> {
    order.note_unclear(why, now).then(|| review(order, ReviewReason::Unclear, order.amount))
}

fn review(order: &Order, reason: ReviewReason, amount: Rupiah) -> Event {
    Event::PaymentReview {
        customer_id: order.customer_id.clone(),
        invoice_id: order.invoice_id.clone(),
        gateway: order.gateway,
        order_id: order.id.clone(),
        amount,
        reason,
    }
}

#[cfg(test)]
mod tests;
