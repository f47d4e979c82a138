//! Every minute: messages whose time has come, and those whose sender never came back.

use std::time::Duration;

use billing::telling::delivery::DeliveryStatus;
use billing::telling::notice::{Class, Notice};
use cloud::app::App;
use cloud::store::keys::Key;
use cloud::store::{StoreError, WakeKind};
use tokio::time::Instant;

use crate::Failed;
use crate::deliver::{Delivery, Occasion, deliver};

/// Messages per index partition and run.
const PER_PARTITION: i32 = 10;
/// A run begins no message after this long: the function lives 15 s, and a message takes up to 5.
const TIME_LIMIT: Duration = Duration::from_secs(8);

/// One run: codes first, then receipts, then bills.
pub(crate) async fn sweep(app: &App) {
    let started = Instant::now();
    let mut waiting = Vec::new();
    for kind in [WakeKind::Code, WakeKind::Receipt, WakeKind::Message] {
        match app.store.wake_ups(kind, app.clock.now(), PER_PARTITION).await {
            Ok(keys) => waiting.extend(keys),
            Err(error) => tracing::error!(alarm = true, %error, "due messages could not be read"),
        }
    }
    let found = waiting.len();
    let mut blocked = Vec::new();
    for (looked_at, key) in waiting.iter().enumerate() {
        if started.elapsed() > TIME_LIMIT {
            tracing::info!(found, looked_at, "more messages are due than a run can send");
            return;
        }
        if let Err(error) = look_at(app, key, started, &mut blocked).await {
            tracing::error!(alarm = error.needs_a_person(), %key, %error, "a due message was not sent");
        }
    }
}

async fn look_at(app: &App, key: &Key, started: Instant, blocked: &mut Vec<Class>) -> Result<(), Failed> {
    let now = app.clock.now();
    let Some(notice) =
        app.store.notice_at(key).await?.filter(|notice| notice.wake_at.is_some_and(|wake_at| wake_at <= now))
    else {
        return Ok(());
    };
    if notice.sending {
        return give_up(app, notice).await;
    }
    let class = notice.kind.class();
    while !blocked.contains(&class) {
        let context = app.store.notice_context(&notice.id, &notice.event.event).await?;
        let Some(notice) = context.notice.clone().filter(|stored| stored.version == notice.version) else {
            return Ok(());
        };
        let Delivery::NotItsTurn(until) = deliver(app, notice, context, Occasion::WokenUp).await? else {
            return Ok(());
        };
        // A linked phone's pause is waited for, as long as this run lives; anything longer is for a later one.
        let pause = Duration::try_from(until - app.clock.now()).unwrap_or_default();
        if started.elapsed().saturating_add(pause) > TIME_LIMIT {
            blocked.push(class);
        } else {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(())
}

/// Whoever claimed it never wrote down what happened. It may have been sent, so it is not sent again by itself.
async fn give_up(app: &App, notice: Notice) -> Result<(), Failed> {
    tracing::error!(
        alarm = notice.kind.class() != Class::Code,
        message = notice.id.as_str(),
        kind = ?notice.kind,
        "nobody knows whether a message was sent: its sender stopped in between"
    );
    let now = app.clock.now();
    let given_up = notice.concluded(DeliveryStatus::Unknown, Some("its sender stopped before it heard an answer"), now);
    match app.store.put_notice(&given_up).await {
        Ok(()) | Err(StoreError::Stale) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
