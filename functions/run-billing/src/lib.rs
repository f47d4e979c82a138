//! Every five minutes: tells of unpaid renewals whose reminder is due.
//!
//! A reminder is an event like any other; who sends it to the customer is told by the bus. So this function knows neither phones nor
//! providers, and one that runs twice tells nothing twice: the event and the instant of the next reminder are one transaction.

use std::time::Duration;

use billing::reminder::remind;
use cloud::{
    installation::Installation,
    store::{DueKind, StoreError, keys::Key},
};
use serde_json::Value;
use tokio::time::Instant;

/// Invoices per index partition and run: most are due at nine o'clock, at once.
const PER_PARTITION: i32 = 50;
/// A run begins no invoice after this long: the function lives 15 s.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// One run.
pub async fn handle(installation: &Installation, _trigger: Value) {
    let started = Instant::now();
    let due = match installation.store.due(DueKind::Reminder, installation.clock.now(), PER_PARTITION).await {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(alarm = true, %error, "due reminders could not be read");
            return;
        }
    };
    let found = due.len();
    for (looked_at, key) in due.iter().enumerate() {
        if started.elapsed() > TIME_LIMIT {
            tracing::info!(found, looked_at, "more reminders are due than a run can tell; the next goes on");
            return;
        }
        look_at(installation, key).await;
    }
    if found > 0 {
        tracing::info!(found, "reminded");
    }
}

/// One invoice's trouble is not another's.
async fn look_at(installation: &Installation, key: &Key) {
    let now = installation.clock.now();
    let invoice = match installation.store.due_reminder(key, now).await {
        Ok(Some(invoice)) => invoice,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(alarm = matches!(error, StoreError::Damaged(_)), %key, %error, "due reminder could not be read");
            return;
        }
    };
    let reminder = match remind(&invoice, installation.settings.zone, now) {
        Ok(reminder) => reminder,
        Err(error) => {
            tracing::error!(alarm = true, invoice = invoice.id.as_str(), %error, "amounts of an invoice do not add up");
            return;
        }
    };
    match installation.store.remind(&reminder, now).await {
        // Stale: it is being paid right now.
        Ok(()) | Err(StoreError::Stale) => {}
        Err(error) => tracing::error!(invoice = invoice.id.as_str(), %error, "a reminder is not told yet; the next run tells it"),
    }
}
