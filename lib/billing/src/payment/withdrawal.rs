//! Withdrawing an invoice that nobody is to pay any more.

use time::OffsetDateTime;

use crate::money::ledger::{Entry, EntryKind, between, into_invoice};
use crate::money::{MoneyError, Rupiah};
use crate::payment::invoice::{Invoice, InvoiceStatus};
use crate::payment::order::Order;
use crate::service::customer::Profile;

/// A withdrawn invoice and everything that follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    pub invoice: Invoice,
    /// Gets part-payments back as credit, and does not hold it as open any more.
    pub profile: Profile,
    /// The order behind the link, to be cancelled at its gateway as planned work.
    pub order: Option<Order>,
    /// Part-payments that became credit, and what was carried.
    pub entries: Vec<Entry>,
}

/// Why an invoice cannot be withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WithdrawError {
    /// Only UNPAID invoices can be withdrawn; a paid one is refunded at the gateway.
    #[error("the invoice is {0:?}; only an unpaid one can be cancelled")]
    NotOpen(InvoiceStatus),
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Withdraws an unpaid invoice. `order` is the one behind its link, if it has a link.
pub fn withdraw(
    invoice: &Invoice,
    profile: &Profile,
    order: Option<&Order>,
    now: OffsetDateTime,
) -> Result<Withdrawal, WithdrawError> {
    if invoice.status != InvoiceStatus::Unpaid {
        return Err(WithdrawError::NotOpen(invoice.status));
    }
    let mut profile = Profile { updated_at: now, ..profile.clone() };
    profile.forget_open(&invoice.id);
    let mut entries = Vec::new();
    if !invoice.received.is_zero() || !invoice.carried.is_zero() {
        profile.credit = profile.credit.plus(invoice.received)?;
        entries.extend(given_back_as_credit(invoice, invoice.received, now)?);
    }
    let order = order.map(|order| order.wanting_cancellation(now));
    let mut invoice = Invoice {
        status: InvoiceStatus::Cancelled,
        received: Rupiah::ZERO,
        credit_applied: Rupiah::ZERO,
        carried: Rupiah::ZERO,
        link: None,
        in_review: None,
        lease: None,
        updated_at: now,
        ..invoice.clone()
    };
    if !invoice.awaits_apply() {
        invoice.wake_at = None;
    }
    Ok(Withdrawal { invoice, profile, order, entries })
}

/// What a cancelled invoice still holds goes back to its customer as credit: the entries of it. What was carried is owed
/// again if it was asked with this invoice, and no longer if it was left of it.
pub(crate) fn given_back_as_credit(
    invoice: &Invoice,
    held: Rupiah,
    at: OffsetDateTime,
) -> Result<Vec<Entry>, MoneyError> {
    let mut entries = Vec::new();
    let paid = held.minus(invoice.carried)?;
    if !paid.is_zero() {
        entries.extend([
            between(invoice, EntryKind::Returned, paid.negated()?, at),
            between(invoice, EntryKind::Surplus, paid, at),
        ]);
    }
    if !invoice.carried.is_zero() {
        let carried = invoice.carried.negated()?;
        entries.extend(into_invoice(invoice, carried, (EntryKind::Owed, EntryKind::Carried), at)?);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        examples::{self, NOW},
        id::InvoiceId,
        money::ledger::EntryKind,
        payment::order::OrderStatus,
    };

    #[test]
    fn a_withdrawn_invoice_takes_no_money_and_is_no_longer_open() {
        let invoice = Invoice { link: Some(examples::link()), ..examples::invoice() };
        let withdrawal = withdraw(&invoice, &examples::profile(), Some(&examples::order()), NOW).unwrap();
        assert_eq!(
            (withdrawal.invoice.status, withdrawal.invoice.amount_due()),
            (InvoiceStatus::Cancelled, Ok(Rupiah::ZERO))
        );
        assert_eq!((withdrawal.invoice.link, withdrawal.profile.open_renewal), (None, None));
        assert_eq!((withdrawal.profile.credit, withdrawal.entries), (Rupiah::ZERO, vec![]));
        let order = withdrawal.order.unwrap();
        assert_eq!((order.cancel_wanted_since.is_some(), order.wake_at), (true, Some(NOW)));
    }

    #[test]
    fn withdrawing_gives_part_payments_back_as_credit() {
        let invoice = Invoice { received: Rupiah::new(100_000), ..examples::invoice() };
        let profile = Profile { credit: Rupiah::new(-20_000), ..examples::profile() };
        let withdrawal = withdraw(&invoice, &profile, None, NOW).unwrap();
        assert_eq!(
            (withdrawal.profile.credit, withdrawal.invoice.received, withdrawal.order),
            (Rupiah::new(80_000), Rupiah::ZERO, None)
        );
        let entries: Vec<_> = withdrawal.entries.iter().map(|entry| (entry.kind, entry.amount.get())).collect();
        assert_eq!(entries, [(EntryKind::Returned, -100_000), (EntryKind::Surplus, 100_000)]);
    }

    #[test]
    fn withdrawing_leaves_another_open_renewal_and_a_paid_order_alone() {
        let other = InvoiceId::parse("inv_9").ok();
        let profile = Profile { open_renewal: other.clone(), ..examples::profile() };
        let order = Order { status: OrderStatus::Paid, ..examples::order() };
        let withdrawal = withdraw(&examples::invoice(), &profile, Some(&order), NOW).unwrap();
        assert_eq!((withdrawal.profile.open_renewal, withdrawal.order), (other, Some(order)));
    }

    #[test]
    fn only_an_unpaid_invoice_can_be_withdrawn() {
        for status in [InvoiceStatus::Paid, InvoiceStatus::Cancelled] {
            let refused = withdraw(&Invoice { status, ..examples::invoice() }, &examples::profile(), None, NOW);
            assert_eq!(refused, Err(WithdrawError::NotOpen(status)));
        }
    }

    #[test]
    fn a_grant_that_is_still_to_be_revoked_stays_due_when_the_invoice_is_withdrawn() {
        let reversed = Invoice { granted: Some(1), settlement_no: 1, wake_at: Some(NOW), ..examples::invoice() };
        let invoice = withdraw(&reversed, &examples::profile(), None, NOW).unwrap().invoice;
        assert!(invoice.awaits_apply() && invoice.wake_at == Some(NOW));
    }
}
