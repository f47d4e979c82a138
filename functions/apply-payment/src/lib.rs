//! Queue: extends a subscription or changes its package after the payment, or takes that back.
//!
//! The event only says which invoice to look at: `payments::apply` makes the entitlement follow what the invoice says
//! now.

use billing::{service::apply::ApplyRules, telling::event::Event};
use cloud::aws::AwsAccount;
use cloud::clock::Clock;
use cloud::queue::{Batch, BatchReport, Message, NotAnEvent};
use cloud::settings::{SettingError, Settings};
use cloud::store::Store;
pub use payments::apply::Apply;
use payments::apply::NotApplied;

/// What Lambda puts into the environment.
pub fn from_env() -> Result<Apply, SettingError> {
    let settings = Settings::from_env()?;
    Ok(Apply {
        store: Store::new(AwsAccount::from_env().dynamodb(), settings.table),
        rules: ApplyRules { zone: settings.zone, late: settings.late_renewal },
        clock: Clock::default(),
    })
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Message(#[from] NotAnEvent),
    #[error(transparent)]
    Apply(#[from] NotApplied),
}

impl Failed {
    const fn needs_a_person(&self) -> bool {
        match self {
            Self::Message(_) => true,
            Self::Apply(error) => error.needs_a_person(),
        }
    }
}

/// Applies a batch; what fails comes again and ends in the dead-letter queue.
pub async fn handle(apply: &Apply, batch: Batch) -> BatchReport {
    let mut report = BatchReport::default();
    for message in &batch.messages {
        if let Err(error) = apply_message(apply, message).await {
            tracing::error!(alarm = error.needs_a_person(), message_id = message.message_id, %error, "payment not applied");
            report.failed(message);
        }
    }
    report
}

async fn apply_message(apply: &Apply, message: &Message) -> Result<(), Failed> {
    match message.event()?.event {
        // A review can be about money that went back and counts for nothing any more.
        Event::PaymentSettled { customer_id, invoice_id, .. }
        | Event::PaymentReversed { customer_id, invoice_id, .. }
        | Event::PaymentReview { customer_id, invoice_id, .. } => {
            apply.converge(&customer_id, &invoice_id).await?;
        }
        other => tracing::warn!(kind = other.kind(), "an event that has nothing to apply"),
    }
    Ok(())
}
