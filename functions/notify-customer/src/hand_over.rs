//! The one call to the provider, and what is written down of its answer.

use std::ops::ControlFlow::{Break, Continue};

use billing::telling::delivery::DeliveryStatus;
use billing::telling::notice::{Class, Notice};
use billing::telling::sender::{Heard, Pace, Sender};
use cloud::app::App;
use cloud::store::{Store, StoreError, retry_stale, unless_stale};
use messaging::{About, Channel, RejectionClass, SendOutcome, Sent};
use time::{Duration, OffsetDateTime};

use crate::compose::Letter;

/// Writing down what happened, while others write too.
const TRIES: usize = 5;
/// A recipient who gets no more for now is tried again after this long, unless the provider says.
const RECIPIENT_AGAIN_IN: Duration = Duration::minutes(1);
/// Messages in a row without success that call a person.
const TROUBLE: u32 = 4;

/// A message that was claimed, and the turn that it was given, both as they are stored.
pub(crate) struct Turned {
    pub(crate) notice: Notice,
    pub(crate) sender: Sender,
}

/// Hands the message over, once. What it comes to is written down as well as can be; what is not is found by the run of
/// every minute, as a message of which nobody knows whether it was sent.
pub(crate) async fn hand_over(
    app: &App,
    turned: Turned,
    channel: &Channel,
    letter: &Letter,
    pace: &Pace,
    settings: &str,
) {
    let Turned { notice, sender } = turned;
    // A thousand bills must not go to a second provider, whose pace nobody keeps: what can wait, waits for the first.
    let sent = if notice.kind.class() == Class::Bill {
        channel.send_by_the_first(letter.phone.as_str(), &letter.message).await
    } else {
        channel.send(letter.phone.as_str(), &letter.message).await
    };
    let now = app.clock.now();
    if let Some((first, class)) = &sent.refused_by {
        let alarm = class.needs_a_person();
        tracing::error!(alarm, provider = first.as_str(), "the first provider takes nothing; the second one was asked");
        if alarm {
            let _ = app.secrets.refreshed_rows("whatsapp").await;
        }
    }
    let heard = log(&notice, &sent);
    if heard == Heard::Stop {
        // Keys that were just corrected must not wait for the cache.
        let _ = app.secrets.refreshed_rows("whatsapp").await;
    }
    let sender = note_sender(&app.store, sender, heard, pace, settings, now).await;
    if sender.trouble == TROUBLE {
        tracing::error!(alarm = true, messages = TROUBLE, "the message provider has not taken a message for a while");
    }
    let told = |notice: Notice| as_told(notice, &sent, &sender, now);
    if let Err(error) = note_message(&app.store, notice.clone(), &told).await {
        tracing::error!(message = notice.id.as_str(), %error, "what became of a message is not written down");
    }
    if let SendOutcome::Accepted { provider_id: Some(id) } = &sent.outcome
        && let Err(error) = app.store.remember_provider_id(sent.by.as_str(), id, &notice.id, now).await
    {
        tracing::warn!(message = notice.id.as_str(), %error, "the provider's id of a message is not written down; its status will not be known");
    }
}

/// Says once in the log what the provider said; answers what it means for the next message.
fn log(notice: &Notice, sent: &Sent) -> Heard {
    let (message, kind, provider, is_code) =
        (notice.id.as_str(), notice.kind, sent.by.as_str(), notice.kind.class() == Class::Code);
    match &sent.outcome {
        SendOutcome::Accepted { .. } => {
            tracing::info!(message, ?kind, provider, "message handed over");
            Heard::Taken
        }
        // It may have arrived. Who waits for a code sees whether it did, and can ask for the same code again.
        SendOutcome::Unknown(detail) => {
            tracing::error!(alarm = !is_code, message, ?kind, provider, detail, "no answer whether a message was sent");
            Heard::NotNow(None)
        }
        SendOutcome::Rejected { class, detail } => {
            let said = match class {
                RejectionClass::Recipient => "the provider refuses the message",
                RejectionClass::Message => "the provider refuses messages of this kind as they are",
                RejectionClass::Stop => "the provider takes no messages from us",
                RejectionClass::Later { .. } => "the provider does not take the message now",
            };
            tracing::error!(alarm = class.needs_a_person(), message, ?kind, provider, detail, "{said}");
            match class {
                RejectionClass::Recipient
                | RejectionClass::Message
                | RejectionClass::Later { about: About::Recipient, .. } => Heard::Refused,
                RejectionClass::Later { about: About::Sender, wait } => {
                    Heard::NotNow(wait.and_then(|wait| wait.try_into().ok()))
                }
                RejectionClass::Stop => Heard::Stop,
            }
        }
    }
}

/// The message after the provider's answer.
fn as_told(notice: Notice, sent: &Sent, sender: &Sender, now: OffsetDateTime) -> Notice {
    let notice = Notice { provider: Some(sent.by.as_str().to_owned()), ..notice };
    if notice.status > DeliveryStatus::Pending {
        // A status says that it is under way, whatever was answered.
        return notice.concluded(DeliveryStatus::Accepted, None, now);
    }
    match &sent.outcome {
        SendOutcome::Accepted { .. } => notice.concluded(DeliveryStatus::Accepted, None, now),
        SendOutcome::Unknown(detail) => notice.concluded(DeliveryStatus::Unknown, Some(detail), now),
        SendOutcome::Rejected { class: RejectionClass::Recipient | RejectionClass::Message, detail } => {
            notice.concluded(DeliveryStatus::Failed, Some(detail), now)
        }
        SendOutcome::Rejected { class: RejectionClass::Later { about: About::Recipient, wait }, detail } => {
            let wait = wait.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or(RECIPIENT_AGAIN_IN);
            notice.waiting(now.saturating_add(wait), detail, now)
        }
        SendOutcome::Rejected {
            class: RejectionClass::Later { about: About::Sender, .. } | RejectionClass::Stop,
            detail,
        } => {
            // A code is tried whenever there is a run; it does not live long.
            let until = if notice.kind.class() == Class::Code { now } else { sender.free_at };
            notice.waiting(until, detail, now)
        }
    }
}

/// Over whatever was written meanwhile: a status of the provider can come before its answer.
async fn note_message(
    store: &Store,
    notice: Notice,
    told: &(impl Fn(Notice) -> Notice + Sync),
) -> Result<(), StoreError> {
    retry_stale(notice, |notice| async move {
        let id = notice.id.clone();
        Ok(match unless_stale(store.put_notice(&told(notice)).await)? {
            Break(()) => Break(()),
            Continue(()) => store.notice(&id).await?.map_or(Break(()), Continue),
        })
    })
    .await
}

/// What the answer means for the next message. Nothing is written if all is well and nobody has to keep a distance.
async fn note_sender(
    store: &Store,
    mut sender: Sender,
    heard: Heard,
    pace: &Pace,
    settings: &str,
    now: OffsetDateTime,
) -> Sender {
    for _ in 0..TRIES {
        let next = sender.after(heard, pace, settings, now);
        let is_well = heard == Heard::Taken || heard == Heard::Refused;
        if is_well
            && pace.gap.is_none()
            && next == (Sender { free_at: next.free_at, ..sender.clone() })
            && sender.free_at <= now
        {
            return next;
        }
        match store.put_sender(&next).await {
            Ok(()) => return next,
            Err(StoreError::Stale) => match store.sender().await {
                Ok(stored) => sender = stored,
                Err(_) => return next,
            },
            Err(error) => {
                // The turn that was taken ends by itself.
                tracing::warn!(%error, "whose turn it is to send is not written down");
                return next;
            }
        }
    }
    sender
}
