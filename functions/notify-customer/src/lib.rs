//! Queue and every minute: tells customers what happened, by WhatsApp.
//!
//! An event is written down as a message before it is handed over, so the same event again finds it. What cannot go out
//! now (night, the provider's pace, a provider that takes nothing) wakes up later, and the run of every minute takes it
//! up; nothing is thrown back into the queue. The event names ids only: phone, name and code are found out here, when
//! the message goes out, and so is whether it is still true. Start reading at [`deliver`].

mod compose;
mod deliver;
mod hand_over;
mod sweep;

use billing::telling::notice::Notice;
use cloud::app::App;
use cloud::master_key::KeyError;
use cloud::queue::{Batch, BatchReport, Message, NotAnEvent};
use cloud::secrets::SecretError;
use cloud::store::StoreError;
use serde_json::Value;

/// Why nothing is known to have happened: the queue or the next run brings it again.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Message(#[from] NotAnEvent),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("no randomness")]
    Random,
}

impl Failed {
    const fn needs_a_person(&self) -> bool {
        match self {
            Self::Store(error) => error.needs_a_person(),
            Self::Message(_) | Self::Secret(_) | Self::Key(_) | Self::Random => true,
        }
    }
}

/// Answers the queue, or the clock.
pub async fn handle(app: &App, trigger: Value) -> Result<BatchReport, serde_json::Error> {
    if trigger.get("Records").is_some() {
        return Ok(tell_all(app, serde_json::from_value(trigger)?).await);
    }
    sweep::sweep(app).await;
    Ok(BatchReport::default())
}

/// Tells a batch of events; what could not even be written down comes again.
async fn tell_all(app: &App, batch: Batch) -> BatchReport {
    let mut report = BatchReport::default();
    for message in &batch.messages {
        if let Err(error) = tell(app, message).await {
            tracing::error!(alarm = error.needs_a_person(), message_id = message.message_id, %error, "message not sent");
            report.failed(message);
        }
    }
    report
}

async fn tell(app: &App, message: &Message) -> Result<(), Failed> {
    let Some(notice) = Notice::new(message.event()?, app.clock.now()) else { return Ok(()) };
    let context = app.store.notice_context(&notice.id, &notice.event.event).await?;
    // Written down before: whoever did so hands it over, or the run of every minute does.
    if context.notice.is_some() {
        return Ok(());
    }
    deliver::deliver(app, notice, context, deliver::Occasion::New).await.map(|_| ())
}
