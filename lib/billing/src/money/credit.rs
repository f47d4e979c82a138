//! Credit pays what a customer owes next: when an invoice is issued, and when its link is asked for.
//!
//! Credit is money that is held for the customer: what was paid beyond what was due, or for an invoice that takes none,
//! and what a change of package left over. It is used by one transaction, conditional on invoice and profile.

use time::OffsetDateTime;

use crate::money::ledger::{Entry, EntryKind, between};
use crate::money::{LEAST_AMOUNT, MoneyError, Rupiah};
use crate::payment::invoice::{Invoice, InvoiceStatus};
use crate::payment::order::{LinkedInvoice, Order};
use crate::service::customer::Profile;
use crate::telling::event::Event;

/// What using credit for an invoice changes, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditUse {
    /// With less due; PAID and due to be applied, if nothing is due any more.
    pub invoice: Invoice,
    pub profile: Profile,
    /// The order behind the link of an invoice that is PAID now: to be cancelled at its gateway as planned work.
    pub order: Option<Order>,
    /// Out of credit, into the invoice.
    pub entries: [Entry; 2],
    pub event: Option<Event>,
}

/// How much of `credit` pays what is due on the invoice. What a gateway has to collect after it is nothing, or an
/// amount that it takes.
pub fn usable(invoice: &Invoice, credit: Rupiah, now: OffsetDateTime) -> Result<Rupiah, MoneyError> {
    let due = invoice.amount_due()?;
    if invoice.status != InvoiceStatus::Unpaid || invoice.is_lapsed(now) || !credit.is_positive() || !due.is_positive()
    {
        return Ok(Rupiah::ZERO);
    }
    let rest = due.minus(credit.min(due))?;
    let leaves_enough = rest.is_zero() || rest >= LEAST_AMOUNT;
    if leaves_enough { Ok(credit.min(due)) } else { due.minus(LEAST_AMOUNT).map(|most| most.max(Rupiah::ZERO)) }
}

/// Uses the customer's credit for the invoice; `None` if there is none to use. An invoice under lease waits: a gateway
/// is being asked for what is due on it now.
pub fn use_credit(
    standing: LinkedInvoice<'_>,
    profile: &Profile,
    now: OffsetDateTime,
) -> Result<Option<CreditUse>, MoneyError> {
    let amount = usable(standing.invoice, profile.credit, now)?;
    let is_leased = standing.invoice.lease.as_ref().is_some_and(|lease| now < lease.until);
    if amount.is_zero() || is_leased {
        return Ok(None);
    }
    let profile = Profile { credit: profile.credit.minus(amount)?, updated_at: now, ..profile.clone() };
    let mut invoice = Invoice {
        received: standing.invoice.received.plus(amount)?,
        credit_applied: standing.invoice.credit_applied.plus(amount)?,
        updated_at: now,
        ..standing.invoice.clone()
    };
    let entries = [
        between(&invoice, EntryKind::CreditUsed, amount.negated()?, now),
        between(&invoice, EntryKind::FromCredit, amount, now),
    ];
    let is_paid = invoice.amount_due()?.is_zero();
    let event = is_paid.then(|| invoice.settle_now(now));
    let order = if is_paid { standing.order.map(|order| order.wanting_cancellation(now)) } else { None };
    // What is not applied yet keeps its wake-up for that.
    invoice.wake_at = if invoice.awaits_apply() {
        invoice.wake_at.or_else(|| invoice.next_wake(now))
    } else {
        invoice.next_wake(now)
    };
    Ok(Some(CreditUse {
        invoice,
        profile,
        order: order.filter(|order| order.cancel_wanted_since.is_some()),
        entries,
        event,
    }))
}

#[cfg(test)]
mod tests;
