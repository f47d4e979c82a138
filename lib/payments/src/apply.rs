//! The one way in which a payment takes effect: read invoice and profile, let `billing::service::apply` decide, carry
//! it out in one transaction.
//!
//! It converges, it does not obey: `billing::service::apply` compares invoice and entitlement, so order and repetition
//! do not matter.

use std::ops::ControlFlow::{self, Break, Continue};

use billing::id::{CustomerId, InvoiceId};
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::order::LinkedInvoice;
use billing::service::apply::{
    Application, ApplyError, ApplyRules, Todo, give_back, grant, next_step, replaced_renewal, revoke,
};
use billing::service::customer::Profile;
use billing::telling::event::Event;
use cloud::clock::Clock;
use cloud::store::{Store, StoreError, retry_stale, unless_stale};
use time::OffsetDateTime;

/// The store and the rules of the deployment.
#[derive(Debug, Clone)]
pub struct Apply {
    pub store: Store,
    /// Zone, and the rule for late payers.
    pub rules: ApplyRules,
    pub clock: Clock,
}

/// Why a payment was not applied. It comes again: from its queue, and by the reconciliation.
#[derive(Debug, thiserror::Error)]
pub enum NotApplied {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules.
    #[error(transparent)]
    Refused(#[from] ApplyError),
    /// An event about nothing.
    #[error("no such invoice or customer")]
    Unknown,
}

impl NotApplied {
    /// Nothing that trying again would mend.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        match self {
            Self::Store(error) => error.needs_a_person(),
            Self::Refused(_) | Self::Unknown => true,
        }
    }
}

impl Apply {
    /// Makes the entitlement follow what the invoice says now, a step at a time: what was revoked first is granted by
    /// the next. Answers the invoice as it stands then.
    pub async fn converge(&self, customer: &CustomerId, invoice: &InvoiceId) -> Result<Invoice, NotApplied> {
        retry_stale((), |()| self.step(customer, invoice)).await
    }

    /// Ends with the invoice as it stands, once there is nothing to do.
    async fn step(&self, customer: &CustomerId, invoice: &InvoiceId) -> Result<ControlFlow<Invoice>, NotApplied> {
        let now = self.clock.now();
        let (invoice, profile) = self.store.invoice_and_profile(customer, invoice).await?.ok_or(NotApplied::Unknown)?;
        let application = match next_step(&invoice) {
            Todo::Nothing => return Ok(Break(invoice)),
            Todo::Grant => self.grant_replacing_renewal(&invoice, &profile, now).await,
            Todo::Revoke(settlement_no) => {
                let profile = self.without_cancelled(&invoice, profile).await?;
                let grants = self.store.grants(customer).await?;
                revoke(&invoice, settlement_no, &profile, &grants, self.rules, now).map_err(NotApplied::from)
            }
            Todo::GiveBack => {
                let grants = self.store.grants(customer).await?;
                give_back(&invoice, &profile, &grants, self.rules, now).map_err(NotApplied::from)
            }
        };
        let application = match application {
            Err(NotApplied::Refused(ApplyError::Stale)) => return Ok(Continue(())),
            application => application?,
        };
        if unless_stale(self.store.apply(&application, now).await)?.is_continue() || application.invoice.awaits_apply()
        {
            return Ok(Continue(()));
        }
        self.close_link_of(&invoice, &application.invoice).await;
        let told: Vec<_> = application.events.iter().map(Event::kind).collect();
        tracing::info!(customer = customer.as_str(), invoice = invoice.id.as_str(), events = ?told, "applied");
        Ok(Break(application.invoice))
    }

    /// An invoice that was open again, and is withdrawn because another took its place: nobody is to pay its link any
    /// more. Only noted; should the note be lost, what is paid is credit.
    async fn close_link_of(&self, before: &Invoice, after: &Invoice) {
        let is_withdrawn = before.status == InvoiceStatus::Unpaid && after.status == InvoiceStatus::Cancelled;
        let Some(link) = &before.link else { return };
        if !is_withdrawn {
            return;
        }
        let closed = match self.store.order_behind(Some(link)).await {
            Ok(Some(order)) => self.store.note_order(&order.wanting_cancellation(self.clock.now())).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            tracing::warn!(order = link.order_id.as_str(), %error, "the link of a withdrawn invoice stays open");
        }
    }

    /// An invoice that is reversed is open again, unless another took its place. One that is cancelled itself did not.
    async fn without_cancelled(&self, invoice: &Invoice, profile: Profile) -> Result<Profile, StoreError> {
        let mut profile = profile;
        let other = profile.open(invoice.kind).filter(|open| **open != invoice.id).cloned();
        if let Some(other) = other
            && let Some(other) = self.store.invoice(&profile.id, &other).await?
        {
            profile.forget_if_cancelled(&other);
        }
        Ok(profile)
    }

    async fn grant_replacing_renewal(
        &self,
        invoice: &Invoice,
        profile: &Profile,
        now: OffsetDateTime,
    ) -> Result<Application, NotApplied> {
        let renewal = match replaced_renewal(invoice, profile) {
            Some(renewal) => self.store.invoice(&profile.id, renewal).await?,
            None => None,
        };
        let unpaid = renewal.as_ref().filter(|renewal| renewal.status == InvoiceStatus::Unpaid);
        let order = self.store.order_behind(unpaid.and_then(|renewal| renewal.link.as_ref())).await?;
        let renewal = renewal.as_ref().map(|invoice| LinkedInvoice { invoice, order: order.as_ref() });
        Ok(grant(invoice, profile, renewal, self.rules, now)?)
    }
}
