//! Every five minutes: tells of unpaid renewals whose reminder is due, and of customers whose expiry has passed.
//!
//! Each is an event like any other; who sends it to the customer is told by the bus. So this function knows neither
//! phones nor providers, and one that runs twice tells nothing twice: the event and the note that it was told are one
//! transaction.

use std::time::Duration;

use billing::telling::reminder::remind;
use cloud::app::App;
use cloud::store::keys::Key;
use cloud::store::{StoreError, WakeKind};
use serde_json::Value;
use tokio::time::Instant;

/// Of each kind per index partition and run: most wake up at nine o'clock or midnight, at once.
const PER_PARTITION: i32 = 50;
/// A run begins nothing more after this long: the function lives 15 s.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// One run.
pub async fn handle(app: &App, _trigger: Value) {
    let started = Instant::now();
    check_zone(app).await;
    // Expiries first: the network acts on them.
    for kind in [WakeKind::Expiry, WakeKind::Reminder] {
        let wake_at = match app.store.wake_ups(kind, app.clock.now(), PER_PARTITION).await {
            Ok(wake_at) => wake_at,
            Err(error) => {
                tracing::error!(alarm = true, ?kind, %error, "due reminders could not be read");
                continue;
            }
        };
        let found = wake_at.len();
        for (looked_at, key) in wake_at.iter().enumerate() {
            if started.elapsed() > TIME_LIMIT {
                tracing::info!(?kind, found, looked_at, "more is due than a run can tell; the next goes on");
                return;
            }
            if kind == WakeKind::Expiry {
                expire(app, key).await;
            } else {
                look_at(app, key).await;
            }
        }
        if found > 0 {
            tracing::info!(?kind, found, "told");
        }
    }
}

/// Expiries were counted in the zone that the table keeps. With another one in the settings, days would end at two
/// moments.
async fn check_zone(app: &App) {
    let zone = app.settings.zone;
    match app.store.keep_zone(zone).await {
        Ok(stored) if stored == zone => {}
        Ok(stored) => {
            tracing::error!(alarm = true, %stored, %zone, "the parameter TimeZone is not the table's: set it back");
        }
        Err(error) => tracing::error!(alarm = error.needs_a_person(), %error, "the table's zone could not be read"),
    }
}

async fn expire(app: &App, key: &Key) {
    let now = app.clock.now();
    let told = async {
        let Some((profile, event)) = app.store.woken_profile(key).await?.and_then(|profile| profile.expired(now))
        else {
            return Ok(());
        };
        app.store.expire(&profile, &event, now).await
    };
    match told.await {
        // Stale: it is being extended right now.
        Ok(()) | Err(StoreError::Stale) => {}
        Err(error) => {
            tracing::error!(alarm = error.needs_a_person(), %key, %error, "an expiry is not told yet; the next run tells it");
        }
    }
}

/// One invoice's failure does not stop another's reminder.
async fn look_at(app: &App, key: &Key) {
    let now = app.clock.now();
    let invoice = match app.store.woken_reminder(key, now).await {
        Ok(Some(invoice)) => invoice,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(alarm = error.needs_a_person(), %key, %error, "due reminder could not be read");
            return;
        }
    };
    let reminder = match remind(&invoice, app.settings.zone, now) {
        Ok(reminder) => reminder,
        Err(error) => {
            tracing::error!(alarm = true, invoice = invoice.id.as_str(), %error, "amounts of an invoice do not add up");
            return;
        }
    };
    match app.store.remind(&reminder, now).await {
        // Stale: it is being paid right now.
        Ok(()) | Err(StoreError::Stale) => {}
        Err(error) => {
            tracing::error!(invoice = invoice.id.as_str(), %error, "a reminder is not told yet; the next run tells it");
        }
    }
}
