//! Issuing the invoice of the next period.

use time::OffsetDateTime;

use crate::money::MoneyError;
use crate::money::credit::{CreditUse, settle_balance};
use crate::money::ledger::Entry;
use crate::payment::invoice::{Invoice, InvoiceKind, NewInvoice};
use crate::service::customer::Profile;
use crate::service::package::Package;
use crate::telling::event::Event;
use crate::telling::reminder;
use crate::zone::Zone;

/// A new invoice and everything that goes with it, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// UNPAID; or PAID and awaiting apply, if credit covers it.
    pub invoice: Invoice,
    /// Holds it as open, with what is left of the credit.
    pub profile: Profile,
    pub event: Event,
    pub entries: Vec<Entry>,
}

/// A renewal invoice for the package that is active, and the profile that remembers it as open. Credit pays what it can
/// of it; what the customer owes from before is asked with it. `in_catalogue` is that package as it is sold now; without it (it was taken out) the customer's copy counts.
pub fn issue_renewal(
    profile: &Profile,
    in_catalogue: Option<&Package>,
    new: NewInvoice,
    zone: Zone,
    now: OffsetDateTime,
) -> Result<Issued, MoneyError> {
    let active = &profile.entitlement.package;
    let package = in_catalogue.filter(|package| package.id == active.id).unwrap_or(active).clone();
    let remind_at = reminder::next(new.due_date, zone, now);
    let invoice = Invoice { remind_at, ..Invoice::issued(InvoiceKind::Renewal, profile.id.clone(), package, new, now) };
    let profile = Profile { open_renewal: Some(invoice.id.clone()), updated_at: now, ..profile.clone() };
    let (invoice, profile, settled, entries) = match settle_balance(&invoice, &profile, now)? {
        Some(CreditUse { invoice, profile, entries, event, .. }) => (invoice, profile, event, entries),
        None => (invoice, profile, None, Vec::new()),
    };
    let event = match settled {
        Some(settled) => settled,
        None => Event::InvoiceIssued {
            customer_id: invoice.customer_id.clone(),
            invoice_id: invoice.id.clone(),
            amount: invoice.amount_due()?,
        },
    };
    Ok(Issued { invoice, profile, event, entries })
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::{
        examples::{self, NOW},
        id::InvoiceId,
        money::Rupiah,
        payment::invoice::InvoiceStatus,
    };

    #[test]
    fn a_renewal_asks_the_price_of_the_active_package_and_is_remembered() {
        let before = Profile { open_renewal: None, ..examples::profile() };
        let new = NewInvoice {
            id: InvoiceId::parse("inv_2").unwrap(),
            number: "INV-2026-000002".into(),
            due_date: date!(2026 - 12 - 30),
        };
        let Issued { invoice, profile, event, entries } =
            issue_renewal(&before, None, new, Zone::Jakarta, NOW).unwrap();
        assert_eq!(entries, []);
        assert_eq!((invoice.amount, invoice.amount_due()), (Rupiah::new(300_000), Ok(Rupiah::new(300_000))));
        assert_eq!((invoice.status, invoice.settlement_no, invoice.awaits_apply()), (InvoiceStatus::Unpaid, 0, false));
        assert_eq!(
            (invoice.package.clone(), invoice.description.as_str()),
            (before.entitlement.package.clone(), "Home 20 – 1 bulan")
        );
        assert_eq!(profile.open_renewal, Some(invoice.id.clone()));
        assert_eq!((profile.credit, profile.entitlement), (before.credit, before.entitlement));
        assert_eq!(
            event,
            Event::InvoiceIssued { customer_id: before.id, invoice_id: invoice.id, amount: Rupiah::new(300_000) }
        );
    }
}
