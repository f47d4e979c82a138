//! Credit pays what a customer owes next: when an invoice is issued, and when its link is asked for.
//!
//! Credit is money that is held for the customer: what was paid beyond what was due, or for an invoice that takes none,
//! and what a change of package left over. It is used by one transaction, conditional on invoice and profile.
//!
//! What is left of an invoice and is too little for a gateway ([`LEAST_AMOUNT`](crate::money::LEAST_AMOUNT)) is *carried*:
//! the invoice is paid, the credit becomes negative by it, and the next renewal asks for it on top of its price. So no
//! link is made that cannot be paid, nothing is given away, and every rupiah of it is in the ledger.

use time::OffsetDateTime;

use crate::money::ledger::{Entry, EntryKind, into_invoice};
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
    pub entries: Vec<Entry>,
    pub event: Option<Event>,
}

/// What goes from a customer's credit into an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of credit that is there.
    paid: Rupiah,
    /// Of credit that is not there: the rest that is too little to be collected. Negative: what was carried from bills of
    /// before, and is asked with this one.
    carried: Rupiah,
}

/// What of `credit` goes into the invoice; `None` = nothing. What a gateway has to collect after it is nothing, or an
/// amount that it takes.
pub fn usable(invoice: &Invoice, credit: Rupiah, now: OffsetDateTime) -> Result<Option<Share>, MoneyError> {
    let due = invoice.amount_due()?;
    if invoice.status != InvoiceStatus::Unpaid || invoice.is_lapsed(now) || !due.is_positive() {
        return Ok(None);
    }
    let paid = credit.min(due).max(Rupiah::ZERO);
    let rest = due.minus(paid)?;
    let carried = if rest.is_too_little() { rest } else { Rupiah::ZERO };
    Ok((paid.is_positive() || carried.is_positive()).then_some(Share { paid, carried }))
}

/// Uses the customer's credit for the invoice; `None` if there is none to use. An invoice under lease waits: a gateway
/// is being asked for what is due on it now.
pub fn use_credit(
    standing: LinkedInvoice<'_>,
    profile: &Profile,
    now: OffsetDateTime,
) -> Result<Option<CreditUse>, MoneyError> {
    let is_leased = standing.invoice.lease.as_ref().is_some_and(|lease| now < lease.until);
    match usable(standing.invoice, profile.credit, now)? {
        Some(share) if !is_leased => transfer(standing, profile, share, now).map(Some),
        _ => Ok(None),
    }
}

/// The same for a renewal that is being issued: it also asks for what the customer owes from before. Later no more: what
/// a bill asks for does not rise once it is sent.
pub fn settle_balance(
    invoice: &Invoice,
    profile: &Profile,
    now: OffsetDateTime,
) -> Result<Option<CreditUse>, MoneyError> {
    let standing = LinkedInvoice { invoice, order: None };
    if profile.credit < Rupiah::ZERO && invoice.amount_due()?.minus(profile.credit)? >= LEAST_AMOUNT {
        let owed = Share { paid: Rupiah::ZERO, carried: profile.credit };
        return transfer(standing, profile, owed, now).map(Some);
    }
    use_credit(standing, profile, now)
}

fn transfer(
    standing: LinkedInvoice<'_>,
    profile: &Profile,
    share: Share,
    now: OffsetDateTime,
) -> Result<CreditUse, MoneyError> {
    let amount = share.paid.plus(share.carried)?;
    let profile = Profile { credit: profile.credit.minus(amount)?, updated_at: now, ..profile.clone() };
    let mut invoice = Invoice {
        received: standing.invoice.received.plus(amount)?,
        credit_applied: standing.invoice.credit_applied.plus(share.paid)?,
        carried: standing.invoice.carried.plus(share.carried)?,
        updated_at: now,
        ..standing.invoice.clone()
    };
    let mut entries = Vec::new();
    for (amount, kinds) in [
        (share.paid, (EntryKind::CreditUsed, EntryKind::FromCredit)),
        (share.carried, (EntryKind::Owed, EntryKind::Carried)),
    ] {
        if !amount.is_zero() {
            entries.extend(into_invoice(&invoice, amount, kinds, now)?);
        }
    }
    let is_paid = invoice.amount_due()?.is_zero();
    let event = is_paid.then(|| invoice.settle_now(now));
    let order = if is_paid { standing.order.map(|order| order.wanting_cancellation(now)) } else { None };
    // What is not applied yet keeps its wake-up for that.
    invoice.wake_at = if invoice.awaits_apply() {
        invoice.wake_at.or_else(|| invoice.next_wake(now))
    } else {
        invoice.next_wake(now)
    };
    Ok(CreditUse { invoice, profile, order: order.filter(|order| order.cancel_wanted_since.is_some()), entries, event })
}

#[cfg(test)]
mod tests;
