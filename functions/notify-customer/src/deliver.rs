//! One message: is it still true, may it go out now, and what became of it.

use billing::access::phone::Phone;
use billing::telling::delivery::DeliveryStatus;
use billing::telling::notice::{Class, Notice, Skip};
use billing::telling::sender::{Pace, Sender, Turn};
use cloud::app::App;
use cloud::store::{NoticeContext, StoreError};
use cloud::{master_key::MasterKey, pay_page_key::PayPageKey};
use messaging::{Channel, Endpoints, Pacing};
use time::{Duration, OffsetDateTime};

use crate::Failed;
use crate::compose::{Composed, compose};
use crate::hand_over::{Turned, hand_over};

/// Deciding anew after somebody else wrote.
const TRIES: usize = 5;
/// A secret that cannot be used is looked at again after this long.
const MENDED_IN: Duration = Duration::minutes(5);

/// Why the message is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Its event came.
    New,
    /// It woke up. If it still has to wait for its turn it wakes up again.
    WokenUp,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It is done with, for now.
    Done,
    /// It is not its turn before that.
    NotItsTurn(OffsetDateTime),
}

/// Takes a message as far as it can go now. `notice` is written down by the first of: skipped, waiting, about to be
/// handed over.
pub(crate) async fn deliver(
    app: &App,
    notice: Notice,
    mut context: NoticeContext,
    occasion: Occasion,
) -> Result<Delivery, Failed> {
    for _ in 0..TRIES {
        // On the heap: it holds everything that is known of a customer.
        match Box::pin(attempt(app, &notice, &context, occasion)).await {
            Err(Failed::Store(StoreError::Stale)) => {
                // It is somebody else's now, or somebody else's turn: the second is no reason to give up.
                context = app.store.notice_context(&notice.id, &notice.event.event).await?;
                if context.notice.as_ref().map_or(0, |stored| stored.version) != notice.version {
                    return Ok(Delivery::Done);
                }
            }
            done => return done,
        }
    }
    let until = app.clock.now().saturating_add(Duration::seconds(20));
    wait(app, notice, until, "others were sent first").await
}

async fn attempt(app: &App, notice: &Notice, context: &NoticeContext, occasion: Occasion) -> Result<Delivery, Failed> {
    let now = app.clock.now();
    let key = MasterKey::read(&app.secrets).await?;
    let letter = match compose(app, notice, context, &key).await? {
        Composed::Say(letter) => letter,
        Composed::Nothing if notice.version == 0 => return Ok(Delivery::Done),
        Composed::Nothing => return skip(app, notice, Skip::Superseded, now).await,
        Composed::Skip(why) => return skip(app, notice, why, now).await,
        Composed::TooLate => {
            tracing::error!(alarm = true, message = notice.id.as_str(), kind = ?notice.kind, "a message could not be sent in time");
            return conclude(app, notice, DeliveryStatus::Failed, "it could not be sent in time", now).await;
        }
    };
    let class = notice.kind.class();
    let recipient = app.store.recipient(&letter.phone, now).await?;
    // Receipts too: what became of the money is in the portal. A code was asked for in this moment.
    if recipient.opted_out && class != Class::Code {
        return skip(app, notice, Skip::OptedOut, now).await;
    }
    let (channel, settings) = match open(app, &key).await {
        Opened::Yes(channel, settings) => (channel, settings),
        // What waits was to be sent by a provider that was there: somebody is changing it.
        Opened::NotConfigured if notice.version > 0 => {
            return wait(app, notice.clone(), now.saturating_add(MENDED_IN), "no provider is configured").await;
        }
        Opened::NotConfigured => return skip(app, notice, Skip::NoProvider, now).await,
        Opened::Unusable(why) => return wait(app, notice.clone(), now.saturating_add(MENDED_IN), &why).await,
    };
    if let Some(why) = letter.waits_for {
        return wait(app, notice.clone(), notice.look_again(now), why).await;
    }
    if class == Class::Bill
        && let Some(until) = app.settings.quiet_hours.end(app.settings.zone, now)
    {
        return wait(app, notice.clone(), until, "quiet hours").await;
    }
    let pace = pace(&channel.pacing())?;
    let mended = context.sender.stopped.as_ref().is_some_and(|stopped| stopped.settings != settings);
    let sender = if mended { context.sender.clone().resumed() } else { context.sender.clone() };
    match sender.turn(class, &pace, recipient.counted, now) {
        Turn::Wait(until) if occasion == Occasion::WokenUp => Ok(Delivery::NotItsTurn(until)),
        Turn::Wait(until) => wait(app, notice.clone(), until, why_it_waits(&sender)).await,
        Turn::Now(next) => {
            let counted = (next.hours != sender.hours && pace.by_recipient).then_some(&letter.phone);
            if let Some(invoice) = &letter.page {
                let hash = &PayPageKey::of(&key).token(&invoice.id).hash();
                app.store.remember_pay_page(hash, &invoice.customer_id, &invoice.id, now).await?;
            }
            let claimed = claim(app, notice, context, *next, counted, now).await?;
            hand_over(app, claimed, &channel, &letter, &pace, &settings).await;
            Ok(Delivery::Done)
        }
    }
}

const fn why_it_waits(sender: &Sender) -> &'static str {
    if sender.stopped.is_some() {
        "the provider takes nothing"
    } else if sender.trouble > 0 {
        "the provider does not answer"
    } else {
        "the provider's pace"
    }
}

/// From here on the message may have been sent.
async fn claim(
    app: &App,
    notice: &Notice,
    context: &NoticeContext,
    next: Sender,
    counted: Option<&Phone>,
    now: OffsetDateTime,
) -> Result<Turned, Failed> {
    let turn = if next == context.sender { None } else { Some(next) };
    let (notice, turn) = app.store.claim_notice(notice.clone().claimed(now), context, turn, counted, now).await?;
    Ok(Turned { notice, sender: turn.unwrap_or_else(|| context.sender.clone()) })
}

enum Opened {
    Yes(Channel, String),
    NotConfigured,
    Unusable(String),
}

/// The channel as the secret describes it now, and what tells this description from others.
async fn open(app: &App, key: &MasterKey) -> Opened {
    let rows = match app.secrets.rows("whatsapp").await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::error!(alarm = true, %error, "message provider could not be read");
            return Opened::Unusable("the secret cannot be read".to_owned());
        }
    };
    let endpoints = Endpoints {
        stand_in: app.settings.partner_endpoints.get("whatsapp").map(String::as_str),
        loopback_http: !app.settings.is_production(),
    };
    match Channel::open(&rows, endpoints) {
        Ok(Some(channel)) => Opened::Yes(channel, key.settings_of(&rows)),
        Ok(None) => Opened::NotConfigured,
        Err(error) => {
            tracing::error!(alarm = true, %error, "the message provider is not usable");
            Opened::Unusable(error.to_string())
        }
    }
}

fn pace(pacing: &Pacing) -> Result<Pace, Failed> {
    Ok(match pacing {
        Pacing::LinkedPhone { gap, per_day } => {
            Pace { gap: Some(random_in(gap)?), per_day: Some(*per_day), by_recipient: false }
        }
        Pacing::DistinctRecipients { per_day } => Pace { gap: None, per_day: Some(*per_day), by_recipient: true },
        Pacing::Unlimited => Pace::default(),
    })
}

/// A pause of random length: equal ones are what robots make.
fn random_in(range: &std::ops::RangeInclusive<std::time::Duration>) -> Result<Duration, Failed> {
    let mut random = [0_u8; 2];
    getrandom::fill(&mut random).map_err(|_| Failed::Random)?;
    let shortest = Duration::try_from(*range.start()).unwrap_or_default();
    let spread = Duration::try_from(range.end().saturating_sub(*range.start())).unwrap_or_default();
    let part = i128::from(u16::from_be_bytes(random))
        .saturating_mul(spread.whole_milliseconds())
        .checked_div(65_535)
        .unwrap_or_default();
    Ok(shortest.saturating_add(Duration::milliseconds(i64::try_from(part).unwrap_or_default())))
}

async fn wait(app: &App, notice: Notice, until: OffsetDateTime, why: &str) -> Result<Delivery, Failed> {
    let now = app.clock.now();
    tracing::info!(message = notice.id.as_str(), kind = ?notice.kind, why, "a message waits");
    app.store.put_notice(&notice.waiting(until, why, now)).await?;
    Ok(Delivery::Done)
}

async fn skip(app: &App, notice: &Notice, why: Skip, now: OffsetDateTime) -> Result<Delivery, Failed> {
    tracing::info!(message = notice.id.as_str(), kind = ?notice.kind, ?why, "a message is not needed");
    let word = serde_json::to_value(why).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
    conclude(app, notice, DeliveryStatus::Skipped, &word, now).await
}

async fn conclude(
    app: &App,
    notice: &Notice,
    status: DeliveryStatus,
    why: &str,
    now: OffsetDateTime,
) -> Result<Delivery, Failed> {
    app.store.put_notice(&notice.clone().concluded(status, Some(why), now)).await?;
    Ok(Delivery::Done)
}
