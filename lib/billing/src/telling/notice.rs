//! Messages to customers: which event is told, whether it is still true, when it may be told, and until when that makes
//! sense.
//!
//! A message is written down before it is handed over. So an event that comes twice finds it, and a crash in between
//! leaves one that nobody knows of whether it was sent: it is not sent again by itself.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::id::{CustomerId, InvoiceId, MessageId};
use crate::money::Rupiah;
use crate::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::telling::delivery::DeliveryStatus;
use crate::telling::event::{Envelope, Event, ReviewReason, Stage};
use crate::zone::{Zone, later};

/// Whoever hands a message over is done within this time; longer than the function lives.
pub const LEASE: Duration = Duration::minutes(1);
/// Ids of login codes begin so, those of other messages with a digit or a letter up to `f`.
const CODE: &str = "otp_";

/// What a customer is told. Each has one text per language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The code to log in with.
    LoginCode,
    /// There is a new bill.
    InvoiceIssued,
    /// It is due in three days.
    DueSoon,
    /// It is due today.
    DueToday,
    /// Its due date is over.
    Overdue,
    /// The customer is served until then, for a bill that was paid.
    PaymentReceived,
    /// The same, with another package.
    PackageChanged,
    /// More was paid than was due; the rest is credit.
    CreditAdded,
    /// Less was paid than is due.
    PartlyPaid,
    /// A payment was taken back; the bill is open again.
    PaymentReversed,
    /// Money was given back.
    PaymentRefunded,
}

/// What decides when a message may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits for it in this minute: goes at once, whatever else waits, also to who wants no messages.
    Code,
    /// What became of money: goes at any hour.
    Receipt,
    /// Wants something of the customer: not at night.
    Bill,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::LoginCode,
        Self::InvoiceIssued,
        Self::DueSoon,
        Self::DueToday,
        Self::Overdue,
        Self::PaymentReceived,
        Self::PackageChanged,
        Self::CreditAdded,
        Self::PartlyPaid,
        Self::PaymentReversed,
        Self::PaymentRefunded,
    ];

    /// What an event is told as; `None` = customers are not told. A payment is told once it has taken effect, with the
    /// new expiry, so `payment.settled` is not. Neither is what a person has to deal with first: a chargeback, or words
    /// that nobody understands.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        match event {
            Event::LoginCodeRequested { .. } => Some(Self::LoginCode),
            Event::InvoiceIssued { .. } => Some(Self::InvoiceIssued),
            Event::InvoiceReminder { stage: Stage::ThreeDaysBefore, .. } => Some(Self::DueSoon),
            Event::InvoiceReminder { stage: Stage::DueDay, .. } => Some(Self::DueToday),
            Event::InvoiceReminder { stage: Stage::Overdue, .. } | Event::InvoiceOverdue { .. } => Some(Self::Overdue),
            Event::SubscriptionExtended { .. } => Some(Self::PaymentReceived),
            Event::PackageChanged { .. } => Some(Self::PackageChanged),
            Event::PaymentReview { reason: ReviewReason::Surplus, .. } => Some(Self::CreditAdded),
            Event::PaymentReview { reason: ReviewReason::Partial, .. } => Some(Self::PartlyPaid),
            Event::PaymentReview { reason: ReviewReason::PartialRefund, .. } => Some(Self::PaymentRefunded),
            Event::PaymentReversed { .. } => Some(Self::PaymentReversed),
            Event::PaymentReview {
                reason: ReviewReason::Chargeback | ReviewReason::TakenBack | ReviewReason::Unclear,
                ..
            }
            | Event::PaymentSettled { .. }
            | Event::SubscriptionExpired { .. }
            | Event::SubscriptionReverted { .. } => None,
        }
    }

    /// Its text says what is still to pay.
    const fn asks_to_pay(self) -> bool {
        matches!(self.class(), Class::Bill) || matches!(self, Self::PartlyPaid | Self::PaymentReversed)
    }

    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::LoginCode => Class::Code,
            Self::InvoiceIssued | Self::DueSoon | Self::DueToday | Self::Overdue => Class::Bill,
            Self::PaymentReceived
            | Self::PackageChanged
            | Self::CreditAdded
            | Self::PartlyPaid
            | Self::PaymentReversed
            | Self::PaymentRefunded => Class::Receipt,
        }
    }
}

/// Why a message waits for its invoice, if it does: customer and invoice are about to change, so it would not be true
/// any more; or it asks to pay, and a payment is held for review. Should that be denied, it is still to be told.
#[must_use]
pub fn waits_for(kind: Kind, invoice: &Invoice) -> Option<&'static str> {
    if invoice.awaits_apply() {
        Some("the invoice is being applied")
    } else if kind.asks_to_pay() && invoice.in_review.is_some() {
        Some("a payment is held for review")
    } else {
        None
    }
}

/// Why a message is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The customer wants no messages.
    OptedOut,
    /// No mobile number is known.
    NoPhone,
    /// Paid, cancelled or taken back meanwhile: it would not be true any more.
    Settled,
    /// A later message says more.
    Superseded,
    /// The customer has just done it, and sees it on the screen.
    NotNeeded,
    /// No provider is configured.
    NoProvider,
}

/// Compares what an event says with the invoice as it is now: what to tell, if it is still true.
pub fn still_true(kind: Kind, event: &Event, invoice: &Invoice, zone: Zone, now: OffsetDateTime) -> Result<Kind, Skip> {
    let open = invoice.status == InvoiceStatus::Unpaid && invoice.amount_due().is_ok_and(Rupiah::is_positive);
    let must_be_open = |told| if open { Ok(told) } else { Err(Skip::Settled) };
    match kind {
        Kind::InvoiceIssued if invoice.kind == InvoiceKind::Upgrade => Err(Skip::NotNeeded),
        Kind::DueSoon if zone.date(now) >= invoice.due_date => Err(Skip::Superseded),
        Kind::DueToday if zone.date(now) > invoice.due_date => Err(Skip::Superseded),
        Kind::InvoiceIssued | Kind::DueSoon | Kind::DueToday | Kind::Overdue | Kind::PartlyPaid => must_be_open(kind),
        Kind::PaymentReceived | Kind::PackageChanged => match event {
            Event::SubscriptionExtended { settlement_no, .. } | Event::PackageChanged { settlement_no, .. }
                if invoice.granted == Some(*settlement_no) =>
            {
                Ok(kind)
            }
            // Taken back, which is told by itself.
            _ => Err(Skip::Settled),
        },
        Kind::PaymentReversed => match invoice.status {
            InvoiceStatus::Unpaid => Ok(kind),
            InvoiceStatus::Cancelled => Ok(Kind::PaymentRefunded),
            InvoiceStatus::Paid => Err(Skip::Settled),
        },
        Kind::LoginCode | Kind::CreditAdded | Kind::PaymentRefunded => Ok(kind),
    }
}

/// Until when it makes sense to tell what happened `at`; a login code says so itself.
#[must_use]
pub fn useful_until(kind: Kind, at: OffsetDateTime) -> OffsetDateTime {
    let days = match kind.class() {
        Class::Code => 1,
        Class::Receipt => 3,
        Class::Bill => 7,
    };
    later(at, Duration::days(days))
}

/// Hours in which customers are not asked for money, in the provider's zone: from the first full hour to the last, over
/// midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: u8,
    to: u8,
}

impl QuietHours {
    /// Reads `21-8`: from 21:00 to 08:00. `0-0` = at no hour.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let hour = |text: &str| text.trim().parse().ok().filter(|hour| *hour < 24_u8);
        Some(Self { from: hour(from)?, to: hour(to)? })
    }

    /// When they end, if it is one of them.
    #[must_use]
    pub fn end(self, zone: Zone, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let local = now.checked_to_offset(zone.offset())?;
        let hour = local.hour();
        let quiet = if self.from <= self.to {
            (self.from..self.to).contains(&hour)
        } else {
            hour >= self.from || hour < self.to
        };
        let day = if hour < self.to { local.date() } else { local.date().next_day()? };
        if quiet { Some(zone.at(day, time::Time::from_hms(self.to, 0, 0).ok()?)) } else { None }
    }
}

/// What waits for an invoice is looked at again between these, later and later.
const LOOK_AGAIN: (Duration, Duration) = (Duration::seconds(15), Duration::minutes(10));

/// A message and how far it has come, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Follows from the event, so the same event twice is one message.
    pub id: MessageId,
    pub kind: Kind,
    /// To whom; `None` = to a phone that asks for a code.
    pub customer_id: Option<CustomerId>,
    pub invoice_id: Option<InvoiceId>,
    /// What happened: ids and amounts, no personal data.
    pub event: Envelope,
    pub status: DeliveryStatus,
    #[serde(with = "time::serde::rfc3339")]
    pub status_at: OffsetDateTime,
    /// Why it waits, failed or was skipped; no phone, name or text.
    pub status_detail: Option<String>,
    /// It is being handed over: until `wake_at`, somebody may still hear the answer.
    pub sending: bool,
    pub tries: u32,
    /// When a person had it sent again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub again_at: Option<OffsetDateTime>,
    pub provider: Option<String>,
    /// When to look at it again, while it is pending.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wake_at: Option<OffsetDateTime>,
    pub version: u64,
}

/// Where a message stands in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexPlace {
    /// It is to be looked at then.
    Wake(OffsetDateTime),
    /// It did not arrive, or nobody knows; people find it by when that was.
    Undelivered(OffsetDateTime),
}

impl Notice {
    /// The message of an event; `None` if customers are not told of it, or its id is none of ours.
    #[must_use]
    pub fn new(event: Envelope, now: OffsetDateTime) -> Option<Self> {
        let kind = Kind::of(&event.event)?;
        let id = if kind == Kind::LoginCode { format!("{CODE}{}", event.id) } else { event.id.clone() };
        let (customer_id, invoice_id) = event.event.about().unzip();
        Some(Self {
            id: MessageId::parse(&id).ok()?,
            kind,
            customer_id,
            invoice_id,
            event,
            status: DeliveryStatus::Pending,
            status_at: now,
            status_detail: None,
            sending: false,
            tries: 0,
            again_at: None,
            provider: None,
            wake_at: None,
            version: 0,
        })
    }

    /// To be looked at again at `until`.
    #[must_use]
    pub fn waiting(self, until: OffsetDateTime, why: &str, now: OffsetDateTime) -> Self {
        Self { wake_at: Some(until), sending: false, ..self.moved(DeliveryStatus::Pending, Some(why), now) }
    }

    /// When to look at it again while it waits for its invoice ([`waits_for`]): soon, and the longer ago it happened the
    /// later. The limit is [`useful_until`], after which a person is told.
    #[must_use]
    pub fn look_again(&self, now: OffsetDateTime) -> OffsetDateTime {
        let (soonest, latest) = LOOK_AGAIN;
        later(now, (now - self.event.at).clamp(soonest, latest))
    }

    #[must_use]
    pub fn claimed(self, now: OffsetDateTime) -> Self {
        let tries = self.tries.saturating_add(1);
        Self {
            wake_at: Some(later(now, LEASE)),
            sending: true,
            tries,
            ..self.moved(DeliveryStatus::Pending, None, now)
        }
    }

    /// Not to be handed over any more. A status that came meanwhile and proves more stays.
    #[must_use]
    pub fn concluded(self, status: DeliveryStatus, why: Option<&str>, now: OffsetDateTime) -> Self {
        let moved = if status > self.status { self.moved(status, why, now) } else { self };
        Self { wake_at: None, sending: false, ..moved }
    }

    /// To be sent once more, because a person says so. `None`: it is under way, has arrived, or is a login code.
    #[must_use]
    pub fn again(self, now: OffsetDateTime) -> Option<Self> {
        let lost = matches!(self.status, DeliveryStatus::Unknown | DeliveryStatus::Failed | DeliveryStatus::Skipped);
        (lost && self.kind != Kind::LoginCode)
            .then(|| Self { again_at: Some(now), ..self.waiting(now, "to be sent again", now) })
    }

    fn moved(self, status: DeliveryStatus, why: Option<&str>, now: OffsetDateTime) -> Self {
        Self { status, status_at: now, status_detail: why.map(str::to_owned), ..self }
    }

    /// Where it stands in the index, if anybody has to come back to it. Login codes concern nobody any more:
    /// customers who got none have asked again.
    #[must_use]
    pub fn place(&self) -> Option<IndexPlace> {
        let is_trouble =
            matches!(self.status, DeliveryStatus::Unknown | DeliveryStatus::Failed) && self.kind != Kind::LoginCode;
        self.wake_at.map(IndexPlace::Wake).or(is_trouble.then_some(IndexPlace::Undelivered(self.status_at)))
    }

    /// Is it of a message that a person may want to see when it fails?
    #[must_use]
    pub fn is_code(id: &MessageId) -> bool {
        id.as_str().starts_with(CODE)
    }
}

#[cfg(test)]
mod tests;
