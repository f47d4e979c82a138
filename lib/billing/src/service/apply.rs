//! Applying payments: the entitlement follows what the invoice says now, whatever the event said.

use time::OffsetDateTime;

use crate::id::InvoiceId;
use crate::money::ledger::{Entry, EntryKind, between};
use crate::money::{MoneyError, Rupiah};
use crate::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus, Terms};
use crate::payment::order::LinkedInvoice;
use crate::payment::withdrawal::{WithdrawError, Withdrawal, withdraw};
use crate::service::customer::Profile;
use crate::service::entitlement::{Entitlement, FoldError, Grant, LateRenewal, Reason, Return, extend, fold};
use crate::telling::event::Event;
use crate::zone::{OutOfCalendar, Zone};

/// What has to be done so that the entitlement shows what the invoice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// It does already.
    Nothing,
    /// Grant the settlement; there is no live grant for the invoice.
    Grant,
    /// Revoke the grant of this settlement. If the invoice was paid again since, granting follows.
    Revoke(u32),
    /// The grant stays, and so does its service; but part of its money was given back since, and counts for nothing any
    /// more.
    GiveBack,
}

/// Compares invoice and entitlement.
#[must_use]
pub fn next_step(invoice: &Invoice) -> Todo {
    match (invoice.status, invoice.granted) {
        (InvoiceStatus::Paid, None) => Todo::Grant,
        (InvoiceStatus::Paid, Some(granted)) if granted == invoice.settlement_no => {
            if invoice.awaits_apply() {
                Todo::GiveBack
            } else {
                Todo::Nothing
            }
        }
        (_, Some(granted)) => Todo::Revoke(granted),
        (InvoiceStatus::Unpaid | InvoiceStatus::Cancelled, None) => Todo::Nothing,
    }
}

/// What one application changes, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// With the grant's settlement noted, no longer waiting.
    pub invoice: Invoice,
    /// With the new entitlement, after everything else here.
    pub profile: Profile,
    /// New, revoked, or with what was given back of it.
    pub grant: Grant,
    /// It must not exist yet.
    pub grant_is_new: bool,
    pub events: Vec<Event>,
    /// What became credit, or is taken back from it.
    pub entries: Vec<Entry>,
    /// The unpaid renewal for time that a change of package replaced.
    pub withdrawal: Option<Withdrawal>,
}

/// The rules of the deployment that matter here.
#[derive(Debug, Clone, Copy)]
pub struct ApplyRules {
    /// The provider's zone.
    pub zone: Zone,
    pub late: LateRenewal,
}

/// Why a payment cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A date or an amount that does not exist.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// What was read does not belong together: read again.
    #[error("the customer's data changed while it was read")]
    Stale,
    /// A live grant that must exist does not: the books are damaged, a person has to look.
    #[error("no grant to revoke")]
    Missing,
}

impl From<OutOfCalendar> for ApplyError {
    fn from(error: OutOfCalendar) -> Self {
        Self::Fold(error.into())
    }
}

impl From<WithdrawError> for ApplyError {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::NotOpen(_) => Self::Stale,
            WithdrawError::Money(error) => error.into(),
        }
    }
}

impl From<MoneyError> for ApplyError {
    fn from(error: MoneyError) -> Self {
        Self::Fold(error.into())
    }
}

/// The open renewal that has to be read before the invoice can be granted: an upgrade that begins a new period replaces
/// it.
#[must_use]
pub fn replaced_renewal<'a>(invoice: &Invoice, profile: &'a Profile) -> Option<&'a InvoiceId> {
    let begins_anew = invoice.upgrade.as_ref().is_some_and(Terms::new_period);
    if begins_anew { profile.open_renewal.as_ref() } else { None }
}

/// Grants the invoice's settlement: the newest grant, so the entitlement is extended rather than refolded. `renewal` is
/// what [`replaced_renewal`] names; it is withdrawn if nobody has paid it.
pub fn grant(
    invoice: &Invoice,
    profile: &Profile,
    renewal: Option<LinkedInvoice<'_>>,
    rules: ApplyRules,
    now: OffsetDateTime,
) -> Result<Application, ApplyError> {
    let sequence = profile.last_grant.checked_add(1).ok_or(OutOfCalendar)?;
    let (invoice_id, settlement_no) = (invoice.id.clone(), invoice.settlement_no);
    let (paid_at, money) = (invoice.paid_at.unwrap_or(now), invoice.amount);
    let reason = match &invoice.upgrade {
        None => Reason::Renewal { invoice_id, settlement_no, paid_at, money, late: rules.late },
        Some(terms) => {
            let Terms { charge, difference_until } = *terms;
            Reason::Upgrade { invoice_id, settlement_no, paid_at, money, charge, difference_until }
        }
    };
    let (customer_id, package) = (profile.id.clone(), invoice.package.clone());
    let mut grant =
        Grant { customer_id, sequence, reason, package, revoked: false, returns: Vec::new(), granted_at: now };
    let mut entitlement = extend(Some(profile.entitlement.clone()), &grant, rules.zone)?;
    // What was given back before it could be applied counts as what is given back after it.
    let given_back = invoice.service_given_back()?;
    if given_back.is_positive() {
        grant.give_back(Return {
            sequence: sequence.checked_add(1).ok_or(OutOfCalendar)?,
            amount: given_back,
            at: now,
        })?;
        entitlement = entitlement.give_back(given_back, now)?;
    }
    let (mut granted, entries) = entitled(profile, entitlement, invoice, now)?;
    granted.last_grant = grant.last_sequence();
    granted.forget_open(&invoice.id);
    let withdrawal = match renewal.filter(|renewal| renewal.invoice.status == InvoiceStatus::Unpaid) {
        Some(renewal) => Some(withdraw(renewal.invoice, &granted, renewal.order, now)?),
        None => None,
    };
    let granted = withdrawal.as_ref().map_or(granted, |withdrawal| withdrawal.profile.clone());
    // A change is told by this event alone, with both packages and the expiry: whoever sets bandwidth needs no other.
    let event = match invoice.kind {
        InvoiceKind::Upgrade => package_changed(profile, &granted, invoice, settlement_no),
        InvoiceKind::Renewal => Event::SubscriptionExtended {
            customer_id: granted.id.clone(),
            invoice_id: invoice.id.clone(),
            settlement_no,
            expires_at: granted.entitlement.expires_at,
            version: granted.version.saturating_add(1),
        },
    };
    let invoice = Invoice {
        granted: Some(settlement_no),
        granted_return: given_back,
        applied_at: Some(now),
        wake_at: None,
        updated_at: now,
        ..invoice.clone()
    };
    Ok(Application { invoice, profile: granted, grant, grant_is_new: true, events: vec![event], entries, withdrawal })
}

/// Part of the money of a live grant was given back: it no longer counts for later changes of package, nor as credit.
/// `grants` are all of the customer's.
pub fn give_back(
    invoice: &Invoice,
    profile: &Profile,
    grants: &[Grant],
    rules: ApplyRules,
    now: OffsetDateTime,
) -> Result<Application, ApplyError> {
    let mut grants = newest_known(grants, profile)?;
    let amount = invoice.service_given_back()?.minus(invoice.granted_return)?;
    let sequence = profile.last_grant.checked_add(1).ok_or(OutOfCalendar)?;
    let grant = grants.iter_mut().find(|grant| grant.is_of(&invoice.id, invoice.settlement_no) && !grant.revoked);
    let grant = grant.ok_or(ApplyError::Missing)?;
    grant.give_back(Return { sequence, amount, at: now })?;
    let grant = grant.clone();
    let entitlement = fold(&grants, rules.zone)?.ok_or(ApplyError::Missing)?;
    let (profile, entries) = entitled(profile, entitlement, invoice, now)?;
    let profile = Profile { last_grant: sequence, ..profile };
    let invoice =
        Invoice { granted_return: invoice.service_given_back()?, wake_at: None, updated_at: now, ..invoice.clone() };
    Ok(Application { invoice, profile, grant, grant_is_new: false, events: Vec::new(), entries, withdrawal: None })
}

/// The grants, if the newest of them is the newest that the profile knows.
fn newest_known(grants: &[Grant], profile: &Profile) -> Result<Vec<Grant>, ApplyError> {
    let newest = grants.iter().map(Grant::last_sequence).max();
    if newest == Some(profile.last_grant) { Ok(grants.to_vec()) } else { Err(ApplyError::Stale) }
}

/// Revokes the grant of one settlement and refolds the rest. `grants` are all of the customer's. A renewal that the
/// change of package replaced stays withdrawn, because CANCELLED is final: money on it is never in doubt. The provider
/// bills the old package anew.
pub fn revoke(
    invoice: &Invoice,
    settlement_no: u32,
    profile: &Profile,
    grants: &[Grant],
    rules: ApplyRules,
    now: OffsetDateTime,
) -> Result<Application, ApplyError> {
    let mut grants = newest_known(grants, profile)?;
    let revoked = grants.iter_mut().find(|grant| grant.is_of(&invoice.id, settlement_no)).ok_or(ApplyError::Missing)?;
    revoked.revoked = true;
    let revoked = revoked.clone();
    let entitlement = fold(&grants, rules.zone)?.ok_or(ApplyError::Missing)?;
    let (mut reverted, mut entries) = entitled(profile, entitlement, invoice, now)?;
    let is_open = invoice.status == InvoiceStatus::Unpaid
        && *reverted.open_mut(invoice.kind).get_or_insert_with(|| invoice.id.clone()) == invoice.id;
    let mut events = vec![Event::SubscriptionReverted {
        customer_id: reverted.id.clone(),
        invoice_id: invoice.id.clone(),
        settlement_no,
        expires_at: reverted.entitlement.expires_at,
        version: reverted.version.saturating_add(1),
    }];
    if reverted.entitlement.package.id != profile.entitlement.package.id {
        events.push(package_changed(profile, &reverted, invoice, settlement_no));
    }
    let mut invoice =
        Invoice { granted: None, granted_return: Rupiah::ZERO, applied_at: None, updated_at: now, ..invoice.clone() };
    invoice.wake_at = if invoice.awaits_apply() { invoice.wake_at } else { invoice.next_wake(now) };
    if invoice.status == InvoiceStatus::Unpaid && !is_open {
        // Another took its place meanwhile, and there is one open invoice of a kind: this one is to be paid no more.
        let withdrawn = withdraw(&invoice, &reverted, None, now)?;
        (invoice, reverted) = (withdrawn.invoice, withdrawn.profile);
        entries.extend(withdrawn.entries);
    }
    Ok(Application {
        invoice,
        profile: reverted,
        grant: revoked,
        grant_is_new: false,
        events,
        entries,
        withdrawal: None,
    })
}

/// The profile with another entitlement, and what that adds to the credit or takes from it.
fn entitled(
    profile: &Profile,
    entitlement: Entitlement,
    cause: &Invoice,
    now: OffsetDateTime,
) -> Result<(Profile, Vec<Entry>), MoneyError> {
    let amount = entitlement.to_credit.minus(profile.entitlement.to_credit)?;
    let credit = profile.credit.plus(amount)?;
    let entry = (!amount.is_zero()).then(|| between(cause, EntryKind::Unused, amount, now));
    Ok((Profile { entitlement, credit, updated_at: now, ..profile.clone() }, entry.into_iter().collect()))
}

fn package_changed(before: &Profile, after: &Profile, invoice: &Invoice, settlement_no: u32) -> Event {
    Event::PackageChanged {
        customer_id: after.id.clone(),
        invoice_id: invoice.id.clone(),
        settlement_no,
        from_package_id: before.entitlement.package.id.clone(),
        package_id: after.entitlement.package.id.clone(),
        expires_at: after.entitlement.expires_at,
        version: after.version.saturating_add(1),
    }
}

#[cfg(test)]
mod tests;
