//! Invoices: what they hold, where they stand, what was granted for them, and which are open.

use super::books::{Audit, Filed, Place, is_filed_at, sum, when};
use super::finding::{Pending, Rule, Wait};
use crate::id::InvoiceId;
use crate::money::Rupiah;
use crate::money::ledger::EntryKind;
use crate::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::service::entitlement::Grant;

impl Audit<'_> {
    pub(super) fn invoices(&mut self) {
        for filed in &self.books.invoices {
            let invoice = &filed.state;
            self.held(invoice);
            self.status(invoice);
            self.granted(invoice);
            self.awaiting(filed);
            self.orders_of(invoice);
        }
    }

    fn held(&mut self, invoice: &Invoice) {
        let place = Place::invoice(&invoice.id);
        let own = self.books.entries().filter(|entry| entry.invoice_id.as_ref() == Some(&invoice.id));
        let follows = sum(own, EntryKind::moves_invoice);
        match invoice.held() {
            Ok(held) => self.demand(Rule::InvoiceHeld, place, "received less what was given back", held, follows),
            Err(error) => self.find(Rule::InvoiceHeld, place, error.to_string()),
        }
        let own = self.books.entries().filter(|entry| entry.invoice_id.as_ref() == Some(&invoice.id));
        let follows = sum(own, |kind| kind == EntryKind::Carried);
        self.demand(Rule::InvoiceHeld, place, "carried from or to another bill", invoice.carried, follows);
    }

    fn status(&mut self, invoice: &Invoice) {
        let Invoice { amount, received, credit_applied, carried, refunded, charged_back, .. } = *invoice;
        let sums = format!(
            "{received} of {amount} received, {credit_applied} of it credit, {carried} carried, {refunded} refunded, {charged_back} charged back"
        );
        // What was carried to it is asked on top, so that much may be missing of its amount.
        let on_top = carried.min(Rupiah::ZERO);
        let (Ok(held), Ok(paid), Ok(own)) =
            (invoice.held(), received.minus(on_top), credit_applied.plus(carried.max(Rupiah::ZERO)))
        else {
            return self.find(Rule::InvoiceStatus, Place::invoice(&invoice.id), sums);
        };
        let fits = match invoice.status {
            // An invoice over nothing waits for nothing: it is opened PAID, or by a provider who gives the package
            // away.
            InvoiceStatus::Unpaid => {
                (received < amount || amount.is_zero()) && held == received && invoice.paid_at.is_none()
            }
            InvoiceStatus::Paid => {
                let refunded_whole = refunded.is_positive()
                    && charged_back.is_zero()
                    && credit_applied.plus(carried).is_ok_and(|own| held <= own);
                received == amount && !refunded_whole && invoice.settlement_no > 0 && invoice.paid_at.is_some()
            }
            InvoiceStatus::Cancelled => held.is_zero(),
        };
        let least = paid.min(refunded).min(charged_back).min(credit_applied);
        if !fits || least < Rupiah::ZERO || held < on_top || own > paid {
            self.find(Rule::InvoiceStatus, Place::invoice(&invoice.id), format!("{:?} with {sums}", invoice.status));
        }
        if invoice.status != InvoiceStatus::Unpaid && (invoice.link.is_some() || invoice.lease.is_some()) {
            self.find(
                Rule::InvoiceStatus,
                Place::invoice(&invoice.id),
                format!("{:?} and has a link to be paid at", invoice.status),
            );
        }
    }

    /// At most one live grant, and `granted` names it, always: both are written in one transaction. Whether the status
    /// wants one is [`Invoice::awaits_apply`].
    fn granted(&mut self, invoice: &Invoice) {
        let place = Place::invoice(&invoice.id);
        let live: Vec<u32> = live_grants(&self.books.grants, &invoice.id).filter_map(Grant::settlement_no).collect();
        let noted: Vec<u32> = invoice.granted.into_iter().collect();
        if live != noted {
            self.find(
                Rule::InvoiceGrant,
                place,
                format!("live grants of settlements {live:?}, the invoice notes {noted:?}"),
            );
        }
        if invoice.granted.is_some_and(|granted| granted > invoice.settlement_no) {
            self.find(
                Rule::InvoiceGrant,
                place,
                format!("settlement {noted:?} is granted, the last is {}", invoice.settlement_no),
            );
        }
    }

    fn awaiting(&mut self, filed: &Filed<Invoice>) {
        let invoice = &filed.state;
        let place = Place::invoice(&invoice.id);
        if invoice.awaits_apply() {
            let wait = if invoice.granted.is_some() { Wait::Revoke } else { Wait::Apply };
            let (customer_id, invoice_id) = (Some(invoice.customer_id.clone()), Some(invoice.id.clone()));
            self.said.pending.push(Pending { wait, customer_id, invoice_id, order_id: None, wake_at: invoice.wake_at });
        }
        if invoice.next_wake(self.now).is_some() != invoice.wake_at.is_some() {
            let what = if invoice.awaits_apply() {
                "awaits apply and is never looked at"
            } else {
                "is due for nothing, or not due for its lapse"
            };
            self.find(Rule::NotDue, place, format!("{what}, due {}", when(invoice.wake_at)));
        }
        if !is_filed_at(invoice.wake_at, filed.filed) {
            self.find(
                Rule::NotInIndex,
                place,
                format!("due {}, in the index {}", when(invoice.wake_at), when(filed.filed)),
            );
        }
    }

    fn orders_of(&mut self, invoice: &Invoice) {
        let (link, lease) =
            (invoice.link.as_ref().map(|link| &link.order_id), invoice.lease.as_ref().map(|lease| &lease.order_id));
        for order_id in link.into_iter().chain(lease) {
            if self.order(order_id).is_none_or(|order| order.invoice_id != invoice.id) {
                let place = Place { invoice: Some(&invoice.id), order: Some(order_id) };
                self.find(Rule::Orphan, place, "its link or lease is of an order that is none of its own".to_owned());
            }
        }
    }

    /// Of each kind one invoice is open, and the profile holds it.
    pub(super) fn open_invoices(&mut self) {
        let profile = &self.books.profile;
        for (kind, open) in
            [(InvoiceKind::Renewal, &profile.open_renewal), (InvoiceKind::Upgrade, &profile.open_upgrade)]
        {
            if let Some(open) = open {
                let fault = match self.invoice(open) {
                    None => Some("which does not exist".to_owned()),
                    Some(invoice) if invoice.kind != kind => Some(format!("which is a {:?}", invoice.kind)),
                    Some(invoice) if is_open(invoice) => None,
                    Some(invoice) => Some(format!("which is {:?}", invoice.status)),
                };
                if let Some(fault) = fault {
                    self.find(
                        Rule::OpenInvoice,
                        Place::invoice(open),
                        format!("the profile holds it as open {kind:?}, {fault}"),
                    );
                }
            }
            // One whose grant is still to be revoked is taken back, or withdrawn, by that.
            let unpaid = self.books.invoices.iter().map(|filed| &filed.state).filter(|invoice| {
                invoice.kind == kind
                    && invoice.status == InvoiceStatus::Unpaid
                    && !invoice.awaits_apply()
                    && open.as_ref() != Some(&invoice.id)
            });
            for invoice in unpaid {
                self.find(
                    Rule::OpenInvoice,
                    Place::invoice(&invoice.id),
                    format!("UNPAID, and the profile holds another open {kind:?} or none"),
                );
            }
        }
    }
}

/// The profile lets go of a PAID invoice when it is applied; of one that was refunded before that, with the next one.
fn is_open(invoice: &Invoice) -> bool {
    match invoice.status {
        InvoiceStatus::Unpaid => true,
        InvoiceStatus::Paid => invoice.awaits_apply(),
        InvoiceStatus::Cancelled => invoice.settlement_no > 0,
    }
}

fn live_grants<'a>(grants: &'a [Grant], invoice: &InvoiceId) -> impl Iterator<Item = &'a Grant> {
    grants.iter().filter(move |grant| !grant.revoked && grant.invoice_id() == Some(invoice))
}
