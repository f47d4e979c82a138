//! Queue: extends a subscription after its payment, or takes the extension back.
//!
//! It converges, it does not obey: the event only says which invoice to look at. `billing::apply` compares invoice and
//! entitlement, so order and repetition of events do not matter.

use billing::{
    apply::{ApplyError, Rules, Todo, converge, grant, revoke},
    event::Event,
    id::{CustomerId, InvoiceId},
};
use cloud::{
    aws::Account,
    clock::Clock,
    queue::{Batch, Message, NotAnEvent, Report},
    settings::{SettingError, Settings},
    store::{Store, StoreError},
};

/// Reading and deciding anew: after a conflict, and once more to grant what was revoked first.
const ROUNDS: usize = 8;

/// The store and the rules of the installation.
#[derive(Debug, Clone)]
pub struct Apply {
    /// The table.
    pub store: Store,
    /// Zone, and the rule for late payers.
    pub rules: Rules,
    /// The time.
    pub clock: Clock,
}

impl Apply {
    /// What Lambda puts into the environment.
    pub fn from_env() -> Result<Self, SettingError> {
        let settings = Settings::from_env()?;
        Ok(Self {
            store: Store::new(Account::from_env().dynamodb(), settings.table),
            rules: Rules { zone: settings.zone, late: settings.late_renewal },
            clock: Clock::default(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Message(#[from] NotAnEvent),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Rules(#[from] ApplyError),
    #[error("no such invoice or customer")]
    Unknown,
}

/// Applies a batch; what fails comes again and ends in the dead-letter queue.
pub async fn handle(apply: &Apply, batch: Batch) -> Report {
    let mut report = Report::default();
    for message in &batch.messages {
        if let Err(error) = apply_message(apply, message).await {
            let alarm = !matches!(error, Failed::Store(StoreError::Stale | StoreError::Unavailable(_)));
            tracing::error!(alarm, message_id = message.message_id, %error, "payment not applied");
            report.failed(message);
        }
    }
    report
}

async fn apply_message(apply: &Apply, message: &Message) -> Result<(), Failed> {
    match message.event()?.event {
        Event::PaymentSettled { customer_id, invoice_id, .. } | Event::PaymentReversed { customer_id, invoice_id, .. } => {
            converge_invoice(apply, &customer_id, &invoice_id).await
        }
        other => {
            tracing::warn!(kind = other.kind(), "an event that has nothing to apply");
            Ok(())
        }
    }
}

async fn converge_invoice(apply: &Apply, customer: &CustomerId, invoice: &InvoiceId) -> Result<(), Failed> {
    for _ in 0..ROUNDS {
        let now = apply.clock.now();
        let (invoice, profile) = apply.store.invoice_and_profile(customer, invoice).await?.ok_or(Failed::Unknown)?;
        let todo = converge(&invoice);
        let application = match todo {
            Todo::Nothing => return Ok(()),
            Todo::Grant => grant(&invoice, &profile, apply.rules, now),
            Todo::Revoke(settlement) => {
                let grants = apply.store.grants(customer).await?;
                revoke(&invoice, settlement, &profile, &grants, apply.rules, now)
            }
        };
        let application = match application {
            Err(ApplyError::Stale) => continue,
            application => application?,
        };
        match apply.store.apply(&application, now).await {
            Ok(()) if !application.invoice.awaits_apply() => {
                tracing::info!(customer = customer.as_str(), invoice = invoice.id.as_str(), event = application.event.kind(), "applied");
                return Ok(());
            }
            Ok(()) | Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Stale.into())
}
