//! Orders: one attempt each to have an invoice paid at a gateway. The order is the settlement record of the attempt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::id::{CustomerId, InvoiceId, OrderId};
use crate::money::{MoneyError, Rupiah};
use crate::payment::gateway::{GatewayName, Mode};
use crate::payment::invoice::Invoice;
use crate::zone::later;

/// One attempt. Written before the gateway is called, so that nothing a gateway knows is unknown here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Our id, posted to the gateway once.
    pub id: OrderId,
    pub gateway: GatewayName,
    pub mode: Mode,
    pub key_fingerprint: String,
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    pub amount: Rupiah,
    /// The gateway's reference, once its answer arrived.
    pub reference: Option<String>,
    /// The gateway's transaction, once one was seen; some channels can only be asked by it.
    pub transaction_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    pub status: OrderStatus,
    /// Since when nobody should pay it any more: it is to be cancelled at the gateway.
    #[serde(with = "time::serde::rfc3339::option")]
    pub cancel_wanted_since: Option<OffsetDateTime>,
    /// What the gateway said that a person was told of, oldest first, at most [`Order::UNCLEAR_LIMIT`].
    pub unclear: Vec<String>,
    /// What has been booked, by the gateway's transaction id. Settling books the difference to this.
    pub booked: BTreeMap<String, Booked>,
    /// The invoice as it stood when the link was recorded. Settlement starts from it without reading; the version
    /// condition proves that it still stands so.
    pub invoice: Option<Box<Invoice>>,
    /// What happened, oldest first, at most [`Order::TIMELINE_LIMIT`].
    pub timeline: Vec<Moment>,
    /// The one look after a payment was booked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub look_after_payment: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When the gateway is to be asked again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wake_at: Option<OffsetDateTime>,
    pub version: u64,
}

/// An invoice, and the order behind its link if it has one.
#[derive(Debug, Clone, Copy)]
pub struct LinkedInvoice<'a> {
    pub invoice: &'a Invoice,
    /// Where customers may be paying it right now.
    pub order: Option<&'a Order>,
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderStatus {
    /// Written, and the gateway is being asked. After an ambiguous answer it stays here: it may exist there.
    Creating,
    /// Can be paid.
    Open,
    /// Money is there.
    Paid,
    /// Ran out.
    Expired,
    /// The gateway said no: it does not exist there.
    Failed,
    /// The gateway agreed that nobody can pay it.
    Cancelled,
    /// Money was there and is gone.
    Reversed,
}

/// What has been booked of one gateway transaction. Totals, each apart: a later refund or reversal first takes the
/// credit that this payment made, and a chargeback is no refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Booked {
    pub received: Rupiah,
    /// Of `received`, what became credit and is still there.
    pub to_credit: Rupiah,
    pub refunded: Rupiah,
    pub charged_back: Rupiah,
}

impl Booked {
    /// What is still there.
    pub fn kept(&self) -> Result<Rupiah, MoneyError> {
        self.received.minus(self.refunded)?.minus(self.charged_back)
    }
}

/// One line of an order's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What, in a stable word.
    pub what: String,
}

/// After its creation an order is looked at this much later, each once.
const FIRST_LOOKS: [Duration; 5] =
    [Duration::minutes(5), Duration::minutes(15), Duration::hours(1), Duration::hours(6), Duration::hours(24)];
/// While it can be paid it is looked at daily; no link lives longer than this.
const LONGEST_LINK_DAYS: i64 = 7;
/// A cancellation that the gateway refused or did not answer is asked for again this much later,
const CANCEL_AGAIN_IN: Duration = Duration::minutes(5);
/// for so long.
const CANCEL_URGENT_FOR: Duration = Duration::hours(1);
/// After its expiry it is looked at daily for so many days: a late notification can have been lost too.
const DAYS_AFTER_EXPIRY: i64 = 7;
/// A paid order is looked at once more: Permata, Mandiri bill and Indomaret can take a settlement back within minutes
/// (Midtrans, "Transaction status cycle").
const LOOK_AFTER_PAYMENT: Duration = Duration::minutes(15);

impl Order {
    /// Moments kept; further ones replace the last.
    pub const TIMELINE_LIMIT: usize = 40;
    /// Unclear answers remembered; a further one replaces the oldest.
    pub const UNCLEAR_LIMIT: usize = 10;

    /// Notes what happened.
    pub fn note(&mut self, at: OffsetDateTime, what: impl Into<String>) {
        self.timeline.truncate(Self::TIMELINE_LIMIT.saturating_sub(1));
        self.timeline.push(Moment { at, what: what.into() });
    }

    /// The next planned look at the gateway after `now`; `None` when all are over.
    #[must_use]
    pub fn next_look(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self.status {
            OrderStatus::Failed => None,
            OrderStatus::Paid => self.look_after_payment.filter(|look| *look > now),
            // A wanted cancellation is not forgotten because something else happened meanwhile, or because the gateway
            // refused it once: what is in progress now can be cancelled later. After the first hour it rides on the
            // planned looks.
            OrderStatus::Creating | OrderStatus::Open if self.cancellation_is_urgent(now) => {
                Some(later(now, CANCEL_AGAIN_IN))
            }
            // Reversed too: on the page of a denied payment the customer may pay again.
            OrderStatus::Creating
            | OrderStatus::Open
            | OrderStatus::Expired
            | OrderStatus::Cancelled
            | OrderStatus::Reversed => {
                let first = FIRST_LOOKS.into_iter().chain((2..=LONGEST_LINK_DAYS).map(Duration::days));
                let early = first.map(|wait| later(self.created_at, wait)).filter(|look| *look < self.expires_at);
                let late = (0..=DAYS_AFTER_EXPIRY).map(|days| later(self.expires_at, Duration::days(days)));
                early.chain(late).find(|look| *look > now)
            }
        }
    }

    fn cancellation_is_urgent(&self, now: OffsetDateTime) -> bool {
        self.cancel_wanted_since.is_some_and(|since| now < later(since, CANCEL_URGENT_FOR))
    }

    /// Notes what a person has to look at; false if that was told before.
    pub(crate) fn note_unclear(&mut self, why: &str, now: OffsetDateTime) -> bool {
        if self.unclear.iter().any(|told| told == why) {
            return false;
        }
        if self.unclear.len() >= Self::UNCLEAR_LIMIT {
            self.unclear.remove(0);
        }
        self.unclear.push(why.to_owned());
        self.note(now, format!("unclear:{why}"));
        true
    }

    /// When to look after a payment that is booked now.
    #[must_use]
    pub fn when_to_look_after_payment(now: OffsetDateTime) -> OffsetDateTime {
        later(now, LOOK_AFTER_PAYMENT)
    }

    /// The same order, to be cancelled at its gateway as soon as reconcile comes by.
    #[must_use]
    pub fn wanting_cancellation(&self, now: OffsetDateTime) -> Self {
        let mut order = self.clone();
        if matches!(order.status, OrderStatus::Creating | OrderStatus::Open) {
            order.cancel_wanted_since = Some(now);
            order.wake_at = Some(now);
            order.note(now, "cancellation_wanted");
        }
        order
    }

    /// The same order, now that its gateway agreed that nobody can pay it. `why`: a stable word for the timeline.
    #[must_use]
    pub fn cancelled(&self, why: &str, now: OffsetDateTime) -> Self {
        let mut order = Self { status: OrderStatus::Cancelled, cancel_wanted_since: None, ..self.clone() };
        order.note(now, why);
        order.wake_at = order.next_look(now);
        order
    }

    /// The same order, to be looked at again in `wait`, or sooner if that was planned. Gives up two weeks after the
    /// expiry.
    #[must_use]
    pub fn looking_again_in(&self, wait: Duration, now: OffsetDateTime) -> Self {
        let again = later(now, wait);
        let planned = self.wake_at.filter(|wake_at| *wake_at > now);
        let wake_at = Some(planned.map_or(again, |planned| planned.min(again)));
        let given_up = now > later(self.expires_at, Duration::days(2 * DAYS_AFTER_EXPIRY));
        Self { wake_at: if given_up { None } else { wake_at }, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples;

    #[test]
    fn an_unpaid_order_is_looked_at_early_at_expiry_and_daily_for_a_week() {
        let order = examples::order();
        let mut now = order.created_at;
        let mut waits = Vec::new();
        while let Some(look) = order.next_look(now) {
            waits.push((look - order.created_at).whole_minutes());
            now = look;
        }
        let day = 24 * 60;
        // The link of the example lives 24 hours, so the look at 24 hours is the one at expiry.
        assert_eq!(waits, [5, 15, 60, 360, day, 2 * day, 3 * day, 4 * day, 5 * day, 6 * day, 7 * day, 8 * day]);
    }

    #[test]
    fn a_hint_brings_the_next_look_forward_and_never_back() {
        let order = Order { wake_at: Some(later(examples::NOW, Duration::minutes(5))), ..examples::order() };
        assert_eq!(
            order.looking_again_in(Duration::seconds(30), examples::NOW).wake_at,
            Some(later(examples::NOW, Duration::seconds(30)))
        );
        assert_eq!(order.looking_again_in(Duration::hours(1), examples::NOW).wake_at, order.wake_at);
        let much_later = later(order.expires_at, Duration::days(15));
        assert_eq!(order.looking_again_in(Duration::minutes(5), much_later).wake_at, None);
    }

    #[test]
    fn a_wanted_cancellation_is_urgent_for_an_hour_and_then_rides_on_the_planned_looks() {
        let order = examples::order().wanting_cancellation(examples::NOW);
        assert_eq!((order.cancel_wanted_since.is_some(), order.wake_at), (true, Some(examples::NOW)));
        let looks = |minutes| {
            order
                .next_look(later(examples::NOW, Duration::minutes(minutes)))
                .map(|look| (look - examples::NOW).whole_minutes())
        };
        assert_eq!((looks(0), looks(59), looks(60), looks(24 * 60)), (Some(5), Some(64), Some(360), Some(2 * 24 * 60)));
        assert_eq!(order.next_look(later(order.expires_at, Duration::days(8))), None);
    }

    #[test]
    fn the_timeline_is_bounded() {
        let mut order = examples::order();
        for n in 0..100 {
            order.note(examples::NOW, n.to_string());
        }
        assert_eq!(order.timeline.len(), Order::TIMELINE_LIMIT);
        assert_eq!(order.timeline.last().map(|moment| moment.what.as_str()), Some("99"));
    }
}
