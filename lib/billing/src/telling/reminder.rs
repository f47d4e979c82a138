//! Reminders of a renewal that is not paid: three days before its due date, on the day, and when the day is over.
//!
//! The invoice names the instant of its next reminder, so nobody has to search for invoices. A reminder and the next
//! instant are one decision: told twice or forgotten is neither possible.

use time::{Date, Duration, OffsetDateTime, macros::time};

use crate::money::MoneyError;
use crate::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::telling::event::{Event, Stage};
use crate::zone::{Zone, later};

/// When in the day customers are reminded, in the provider's zone.
const TIME_OF_DAY: time::Time = time!(09:00);
/// A reminder that is kept back by a payment held for review is decided again after this long.
const AFTER_REVIEW: Duration = Duration::HOUR;

impl Stage {
    pub const ALL: [Self; 3] = [Self::ThreeDaysBefore, Self::DueDay, Self::Overdue];

    /// When it is told; `None` beyond the calendar.
    #[must_use]
    pub fn at(self, due_date: Date, zone: Zone) -> Option<OffsetDateTime> {
        let days = match self {
            Self::ThreeDaysBefore => -3,
            Self::DueDay => 0,
            Self::Overdue => 1,
        };
        let day = due_date.checked_add(Duration::days(days))?;
        Some(zone.at(day, TIME_OF_DAY))
    }
}

/// The next reminder after `now`. What an invoice that is issued late has missed is not made good.
#[must_use]
pub fn next(due_date: Date, zone: Zone, now: OffsetDateTime) -> Option<OffsetDateTime> {
    Stage::ALL.into_iter().filter_map(|stage| stage.at(due_date, zone)).find(|at| *at > now)
}

/// A reminder whose time has come, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    pub invoice: Invoice,
    /// What others are told; `None` if there is nothing to remind of any more.
    pub event: Option<Event>,
}

/// Decides what an invoice is reminded of now. Of several stages that were missed only the latest is told. While a
/// payment is held for review nothing is told and the stage stays undecided: should the payment be denied, it is told
/// then.
pub fn remind(invoice: &Invoice, zone: Zone, now: OffsetDateTime) -> Result<Reminder, MoneyError> {
    let amount = invoice.amount_due()?;
    let open = invoice.status == InvoiceStatus::Unpaid && invoice.kind == InvoiceKind::Renewal && amount.is_positive();
    let mut invoice = Invoice { remind_at: None, updated_at: now, ..invoice.clone() };
    if !open {
        return Ok(Reminder { invoice, event: None });
    }
    invoice.remind_at = next(invoice.due_date, zone, now);
    if invoice.in_review.is_some() {
        let again = later(now, AFTER_REVIEW);
        invoice.remind_at = Some(invoice.remind_at.map_or(again, |next| next.min(again)));
        return Ok(Reminder { invoice, event: None });
    }
    let reached = |stage: &Stage| stage.at(invoice.due_date, zone).is_some_and(|at| at <= now);
    let (customer_id, invoice_id) = (invoice.customer_id.clone(), invoice.id.clone());
    let event = Stage::ALL.into_iter().rev().find(reached).map(|stage| match stage {
        Stage::Overdue => Event::InvoiceOverdue { customer_id, invoice_id, amount },
        Stage::ThreeDaysBefore | Stage::DueDay => Event::InvoiceReminder { customer_id, invoice_id, amount, stage },
    });
    Ok(Reminder { invoice, event })
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::payment::invoice::OrderKey;
    use crate::{examples, money::Rupiah};

    const DUE: Date = date!(2026 - 11 - 30);

    #[test]
    fn reminders_come_at_nine_in_the_providers_zone() {
        let times = |zone| Stage::ALL.map(|stage| stage.at(DUE, zone).unwrap());
        assert_eq!(
            times(Zone::Jakarta),
            [datetime!(2026-11-27 02:00 UTC), datetime!(2026-11-30 02:00 UTC), datetime!(2026-12-01 02:00 UTC)]
        );
        assert_eq!(times(Zone::Makassar)[0], datetime!(2026-11-27 01:00 UTC));
        assert_eq!(times(Zone::Jayapura)[0], datetime!(2026-11-27 00:00 UTC));
    }

    #[test]
    fn an_invoice_is_reminded_of_three_times_and_never_again() {
        let mut invoice = Invoice { remind_at: next(DUE, Zone::Jakarta, examples::NOW), ..examples::invoice() };
        let mut told = Vec::new();
        while let Some(at) = invoice.remind_at {
            let reminder = remind(&invoice, Zone::Jakarta, at).unwrap();
            told.push((at, reminder.event.unwrap()));
            invoice = reminder.invoice;
        }
        let kinds: Vec<_> = told.iter().map(|(_, event)| event.kind()).collect();
        assert_eq!(kinds, ["invoice.reminder", "invoice.reminder", "invoice.overdue"]);
        let stage = |event: &Event| if let Event::InvoiceReminder { stage, .. } = event { Some(*stage) } else { None };
        let stages: Vec<_> = told.iter().map(|(_, event)| stage(event)).collect();
        assert_eq!(stages, [Some(Stage::ThreeDaysBefore), Some(Stage::DueDay), None]);
        assert_eq!(
            told.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
            Stage::ALL.map(|stage| stage.at(DUE, Zone::Jakarta).unwrap())
        );
    }

    #[test]
    fn what_was_missed_is_told_once_and_as_the_latest() {
        let invoice = Invoice { remind_at: Stage::ThreeDaysBefore.at(DUE, Zone::Jakarta), ..examples::invoice() };
        let late = remind(&invoice, Zone::Jakarta, datetime!(2026-11-30 05:00 UTC)).unwrap();
        assert!(matches!(late.event, Some(Event::InvoiceReminder { stage: Stage::DueDay, .. })));
        assert_eq!(late.invoice.remind_at, Stage::Overdue.at(DUE, Zone::Jakarta));
        let very_late = remind(&invoice, Zone::Jakarta, datetime!(2027-01-30 05:00 UTC)).unwrap();
        assert!(matches!(very_late.event, Some(Event::InvoiceOverdue { .. })));
        assert_eq!(very_late.invoice.remind_at, None);
    }

    #[test]
    fn an_invoice_that_is_issued_late_begins_with_the_next_stage() {
        let next = |now| next(DUE, Zone::Jakarta, now);
        assert_eq!(next(datetime!(2026-11-27 02:00 UTC)), Stage::DueDay.at(DUE, Zone::Jakarta));
        assert_eq!(next(datetime!(2026-12-01 02:00 UTC)), None);
    }

    #[test]
    fn while_a_payment_is_held_for_review_nobody_is_reminded_and_the_stage_is_told_once_it_is_denied() {
        let order = examples::order();
        let in_review = Some(OrderKey { gateway: order.gateway, order_id: order.id });
        for stage in Stage::ALL {
            let at = stage.at(DUE, Zone::Jakarta).unwrap();
            let held = Invoice { in_review: in_review.clone(), remind_at: Some(at), ..examples::invoice() };
            let first = remind(&held, Zone::Jakarta, at).unwrap();
            assert_eq!((first.event, first.invoice.remind_at), (None, Some(at + Duration::HOUR)), "{stage:?}");
            let second = remind(&first.invoice, Zone::Jakarta, at + Duration::HOUR).unwrap();
            assert_eq!((second.event, second.invoice.remind_at), (None, Some(at + Duration::hours(2))), "{stage:?}");
            let denied = Invoice { in_review: None, ..second.invoice };
            let told = remind(&denied, Zone::Jakarta, at + Duration::hours(2)).unwrap();
            let unheld = remind(&Invoice { in_review: None, ..held }, Zone::Jakarta, at).unwrap();
            assert!(told.event.is_some() && told.event == unheld.event, "{stage:?}: {:?}", told.event);
            assert_eq!(told.invoice.remind_at, unheld.invoice.remind_at, "{stage:?}");
            let accepted = Invoice { status: InvoiceStatus::Paid, in_review: None, ..denied };
            let over = remind(&accepted, Zone::Jakarta, at + Duration::hours(2)).unwrap();
            assert_eq!((over.event, over.invoice.remind_at), (None, None), "{stage:?}");
        }
        let (soon, next) = (datetime!(2026-11-30 01:30 UTC), Stage::DueDay.at(DUE, Zone::Jakarta));
        let reminder = remind(&Invoice { in_review, ..examples::invoice() }, Zone::Jakarta, soon).unwrap();
        assert_eq!(reminder.invoice.remind_at, next, "the next stage is sooner");
    }

    #[test]
    fn the_amount_is_what_is_still_to_pay() {
        let invoice = Invoice { received: Rupiah::new(100_000), ..examples::invoice() };
        let reminder = remind(&invoice, Zone::Jakarta, datetime!(2026-11-27 02:00 UTC)).unwrap();
        assert!(
            matches!(reminder.event, Some(Event::InvoiceReminder { amount, .. }) if amount == Rupiah::new(200_000))
        );
    }

    #[test]
    fn nobody_is_reminded_of_what_is_paid_cancelled_or_an_offer() {
        let at = datetime!(2026-11-27 02:00 UTC);
        for invoice in [
            Invoice { status: InvoiceStatus::Paid, ..examples::invoice() },
            Invoice { status: InvoiceStatus::Cancelled, ..examples::invoice() },
            Invoice { kind: InvoiceKind::Upgrade, ..examples::invoice() },
        ] {
            let reminder = remind(&Invoice { remind_at: Some(at), ..invoice }, Zone::Jakarta, at).unwrap();
            assert_eq!((reminder.event, reminder.invoice.remind_at), (None, None));
        }
    }
}
