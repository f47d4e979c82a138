//! Applying payments: the entitlement follows what the invoice says now, whatever the event said.

use time::OffsetDateTime;

use crate::{
    customer::Profile,
    entitlement::{Entitlement, Grant, LateRenewal, Reason, extend, fold},
    event::Event,
    invoice::{Invoice, InvoiceKind, InvoiceStatus},
    zone::{OutOfCalendar, Zone},
};

/// What has to be done so that the entitlement shows what the invoice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// It does already.
    Nothing,
    /// Grant the settlement; there is no live grant for the invoice.
    Grant,
    /// Revoke the grant of this settlement. If the invoice was paid again since, granting follows.
    Revoke(u32),
}

/// Compares invoice and entitlement.
#[must_use]
pub fn converge(invoice: &Invoice) -> Todo {
    match (invoice.status, invoice.granted) {
        (InvoiceStatus::Paid, None) => Todo::Grant,
        (InvoiceStatus::Paid, Some(granted)) if granted == invoice.settlement => Todo::Nothing,
        (_, Some(granted)) => Todo::Revoke(granted),
        (InvoiceStatus::Unpaid | InvoiceStatus::Cancelled, None) => Todo::Nothing,
    }
}

/// What one application changes, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// With the grant's settlement noted, no longer due.
    pub invoice: Invoice,
    /// With the new entitlement.
    pub profile: Profile,
    /// New, or revoked.
    pub grant: Grant,
    /// What others are told.
    pub event: Event,
}

/// The rules of the installation that matter here.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The provider's zone.
    pub zone: Zone,
    /// Where the period of a late payer starts.
    pub late: LateRenewal,
}

/// Why a payment cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A date outside the calendar.
    #[error(transparent)]
    Calendar(#[from] OutOfCalendar),
    /// The grants that were read are not those that the profile was folded from: read again.
    #[error("the grants changed while they were read")]
    Stale,
    /// A live grant that must exist does not: the books are damaged, a person has to look.
    #[error("no grant to revoke")]
    Missing,
}

/// Grants the invoice's settlement: the newest grant, so the entitlement is extended rather than refolded.
pub fn grant(invoice: &Invoice, profile: &Profile, rules: Rules, now: OffsetDateTime) -> Result<Application, ApplyError> {
    let sequence = profile.last_grant.checked_add(1).ok_or(OutOfCalendar)?;
    let reason = match invoice.kind {
        InvoiceKind::Renewal => Reason::Renewal {
            invoice_id: invoice.id.clone(),
            settlement: invoice.settlement,
            paid_at: invoice.paid_at.unwrap_or(now),
            money: invoice.amount,
            late: rules.late,
        },
    };
    let grant =
        Grant { customer_id: profile.id.clone(), sequence, reason, package: invoice.package.clone(), revoked: false, granted_at: now };
    let entitlement = extend(Some(profile.entitlement.clone()), &grant, rules.zone)?;
    let mut profile = with_entitlement(profile, entitlement, now);
    profile.last_grant = sequence;
    if profile.open_renewal.as_ref() == Some(&invoice.id) {
        profile.open_renewal = None;
    }
    let event = Event::SubscriptionExtended {
        customer_id: profile.id.clone(),
        invoice_id: invoice.id.clone(),
        settlement: invoice.settlement,
        expires_at: profile.entitlement.expires_at,
        version: profile.version.saturating_add(1),
    };
    let invoice = Invoice { granted: Some(invoice.settlement), applied_at: Some(now), due: None, updated_at: now, ..invoice.clone() };
    Ok(Application { invoice, profile, grant, event })
}

/// Revokes the grant of one settlement and refolds the rest. `grants` are all of the customer's.
pub fn revoke(
    invoice: &Invoice,
    settlement: u32,
    profile: &Profile,
    grants: &[Grant],
    rules: Rules,
    now: OffsetDateTime,
) -> Result<Application, ApplyError> {
    if grants.iter().map(|grant| grant.sequence).max() != Some(profile.last_grant) {
        return Err(ApplyError::Stale);
    }
    let mut grants = grants.to_vec();
    let revoked = grants
        .iter_mut()
        .find(|grant| matches!(&grant.reason, Reason::Renewal { invoice_id, settlement: of, .. } if *invoice_id == invoice.id && *of == settlement))
        .ok_or(ApplyError::Missing)?;
    revoked.revoked = true;
    let revoked = revoked.clone();
    let entitlement = fold(&grants, rules.zone)?.ok_or(ApplyError::Missing)?;
    let mut profile = with_entitlement(profile, entitlement, now);
    if invoice.status == InvoiceStatus::Unpaid && profile.open_renewal.is_none() {
        profile.open_renewal = Some(invoice.id.clone());
    }
    let event = Event::SubscriptionReverted {
        customer_id: profile.id.clone(),
        invoice_id: invoice.id.clone(),
        settlement,
        expires_at: profile.entitlement.expires_at,
        version: profile.version.saturating_add(1),
    };
    let mut invoice = Invoice { granted: None, applied_at: None, updated_at: now, ..invoice.clone() };
    if !invoice.awaits_apply() {
        invoice.due = None;
    }
    Ok(Application { invoice, profile, grant: revoked, event })
}

fn with_entitlement(profile: &Profile, entitlement: Entitlement, now: OffsetDateTime) -> Profile {
    Profile { entitlement, updated_at: now, ..profile.clone() }
}

#[cfg(test)]
mod tests;
