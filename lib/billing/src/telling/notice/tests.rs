use time::macros::{date, datetime};

use super::*;
use crate::examples::{self, NOW};
use crate::money::Rupiah;
use crate::payment::invoice::OrderKey;

fn envelope(event: Event) -> Envelope {
    Envelope { id: "01926f5e6a097b2c8d3e4f5061728394".into(), at: NOW, event }
}

fn reminder() -> Event {
    let invoice = examples::invoice();
    Event::InvoiceReminder {
        customer_id: invoice.customer_id,
        invoice_id: invoice.id,
        amount: Rupiah::new(300_000),
        stage: Stage::DueDay,
    }
}

fn extended() -> Event {
    let invoice = examples::invoice();
    Event::SubscriptionExtended {
        customer_id: invoice.customer_id,
        invoice_id: invoice.id,
        settlement_no: 1,
        expires_at: NOW,
        version: 2,
    }
}

fn told(kind: Kind, event: &Event, invoice: &Invoice) -> Result<Kind, Skip> {
    still_true(kind, event, invoice, Zone::Jakarta, NOW)
}

#[test]
fn an_event_has_one_message_whose_id_follows_from_it() {
    let notice = Notice::new(envelope(reminder()), NOW).unwrap();
    assert_eq!((notice.id.as_str(), notice.kind), ("01926f5e6a097b2c8d3e4f5061728394", Kind::DueToday));
    assert_eq!(
        (notice.customer_id, notice.invoice_id),
        (Some(examples::invoice().customer_id), Some(examples::invoice().id))
    );
    let code = Event::LoginCodeRequested { login_id: "l".into(), request_id: "r".into() };
    let code = Notice::new(envelope(code), NOW).unwrap();
    assert!(Notice::is_code(&code.id) && !Notice::is_code(&notice.id) && code.customer_id.is_none());
}

#[test]
fn a_payment_is_told_when_it_took_effect_and_not_when_it_came() {
    let invoice = examples::invoice();
    let (customer_id, invoice_id, amount) = (invoice.customer_id, invoice.id, invoice.amount);
    let settled = Event::PaymentSettled {
        customer_id: customer_id.clone(),
        invoice_id: invoice_id.clone(),
        settlement_no: 1,
        amount,
    };
    assert_eq!((Kind::of(&settled), Kind::of(&extended())), (None, Some(Kind::PaymentReceived)));
    let reverted =
        Event::SubscriptionReverted { customer_id, invoice_id, settlement_no: 1, expires_at: NOW, version: 2 };
    assert_eq!(Kind::of(&reverted), None);
}

#[test]
fn bills_are_told_as_long_as_something_is_to_pay() {
    let paid = Invoice { status: InvoiceStatus::Paid, ..examples::invoice() };
    let cancelled = Invoice { status: InvoiceStatus::Cancelled, ..examples::invoice() };
    for kind in Kind::ALL.into_iter().filter(|kind| kind.class() == Class::Bill) {
        assert_eq!(told(kind, &reminder(), &examples::invoice()), Ok(kind));
        assert_eq!(
            (told(kind, &reminder(), &paid), told(kind, &reminder(), &cancelled)),
            (Err(Skip::Settled), Err(Skip::Settled))
        );
    }
    let offer = Invoice { kind: InvoiceKind::Upgrade, ..examples::invoice() };
    assert_eq!(told(Kind::InvoiceIssued, &reminder(), &offer), Err(Skip::NotNeeded));
}

#[test]
fn what_asks_to_pay_waits_while_a_payment_is_held_for_review_and_everything_until_it_is_applied() {
    let order = examples::order();
    let in_review = Some(OrderKey { gateway: order.gateway, order_id: order.id });
    let held = Invoice { in_review, ..examples::invoice() };
    let applying = Invoice { status: InvoiceStatus::Paid, settlement_no: 1, ..held.clone() };
    for kind in Kind::ALL {
        let is_bill = kind.class() == Class::Bill || matches!(kind, Kind::PartlyPaid | Kind::PaymentReversed);
        assert_eq!(waits_for(kind, &held), is_bill.then_some("a payment is held for review"), "{kind:?}");
        assert_eq!(waits_for(kind, &applying), Some("the invoice is being applied"), "{kind:?}");
        assert_eq!(waits_for(kind, &examples::invoice()), None, "{kind:?}");
    }
}

#[test]
fn a_reminder_that_comes_too_late_gives_way_to_the_next() {
    let due_today = Invoice { due_date: Zone::Jakarta.date(NOW), ..examples::invoice() };
    assert_eq!(told(Kind::DueSoon, &reminder(), &due_today), Err(Skip::Superseded));
    assert_eq!(told(Kind::DueToday, &reminder(), &due_today), Ok(Kind::DueToday));
    let over = Invoice { due_date: date!(2026 - 11 - 22), ..examples::invoice() };
    assert_eq!(told(Kind::DueToday, &reminder(), &over), Err(Skip::Superseded));
    assert_eq!(told(Kind::Overdue, &reminder(), &over), Ok(Kind::Overdue));
}

#[test]
fn what_was_taken_back_is_not_told_as_received() {
    let granted = Invoice { status: InvoiceStatus::Paid, settlement_no: 1, granted: Some(1), ..examples::invoice() };
    assert_eq!(told(Kind::PaymentReceived, &extended(), &granted), Ok(Kind::PaymentReceived));
    for revoked in [Invoice { granted: None, ..granted.clone() }, Invoice { granted: Some(2), ..granted.clone() }] {
        assert_eq!(told(Kind::PaymentReceived, &extended(), &revoked), Err(Skip::Settled));
    }
    let reversed = |status| told(Kind::PaymentReversed, &extended(), &Invoice { status, ..granted.clone() });
    assert_eq!(reversed(InvoiceStatus::Unpaid), Ok(Kind::PaymentReversed));
    assert_eq!(reversed(InvoiceStatus::Cancelled), Ok(Kind::PaymentRefunded), "refunded in full");
    assert_eq!(reversed(InvoiceStatus::Paid), Err(Skip::Settled), "paid again");
}

#[test]
fn quiet_hours_end_in_the_morning_of_the_providers_zone() {
    let night = QuietHours::parse("21-8").unwrap();
    for (now, end) in [
        (datetime!(2026-11-23 20:59:59 +7), None),
        (datetime!(2026-11-23 21:00 +7), Some(datetime!(2026-11-24 08:00 +7))),
        (datetime!(2026-11-24 00:30 +7), Some(datetime!(2026-11-24 08:00 +7))),
        (datetime!(2026-11-24 07:59:59 +7), Some(datetime!(2026-11-24 08:00 +7))),
        (datetime!(2026-11-24 08:00 +7), None),
    ] {
        assert_eq!(night.end(Zone::Jakarta, now), end, "{now}");
    }
    assert_eq!(night.end(Zone::Jayapura, datetime!(2026-11-23 19:00 +7)), Some(datetime!(2026-11-24 08:00 +9)));
    let noon = QuietHours::parse(" 12 - 13 ").unwrap();
    assert_eq!(noon.end(Zone::Jakarta, datetime!(2026-11-23 12:30 +7)), Some(datetime!(2026-11-23 13:00 +7)));
    let none = QuietHours::parse("0-0").unwrap();
    assert!((0..24).all(|hour| none.end(Zone::Jakarta, NOW + Duration::hours(hour)).is_none()));
    for refused in ["", "21", "21-24", "a-b", "-1-8"] {
        assert_eq!(QuietHours::parse(refused), None, "{refused}");
    }
}

#[test]
fn a_message_is_due_while_pending_and_found_when_it_is_lost() {
    let notice = Notice::new(envelope(reminder()), NOW).unwrap();
    assert_eq!(notice.place(), None);
    let claimed = notice.clone().claimed(NOW);
    assert_eq!((claimed.place(), claimed.tries, claimed.sending), (Some(IndexPlace::Wake(NOW + LEASE)), 1, true));
    let until = NOW + Duration::HOUR;
    let waiting = claimed.clone().waiting(until, "quiet", NOW);
    assert_eq!(
        (waiting.place(), waiting.sending, waiting.status_detail.as_deref()),
        (Some(IndexPlace::Wake(until)), false, Some("quiet"))
    );
    assert_eq!(claimed.clone().concluded(DeliveryStatus::Accepted, None, NOW).place(), None);
    for lost in [DeliveryStatus::Unknown, DeliveryStatus::Failed] {
        let notice = claimed.clone().concluded(lost, Some("why"), NOW);
        assert_eq!(notice.place(), Some(IndexPlace::Undelivered(NOW)));
        assert_eq!(notice.again(until).unwrap().place(), Some(IndexPlace::Wake(until)));
    }
    for done in [DeliveryStatus::Accepted, DeliveryStatus::Delivered] {
        assert_eq!(claimed.clone().concluded(done, None, NOW).again(NOW), None);
    }
    assert_eq!(claimed.again(NOW), None, "it is under way");
}

#[test]
fn a_status_that_came_before_the_answer_stays() {
    let notice = Notice::new(envelope(reminder()), NOW).unwrap().claimed(NOW);
    let read = Notice { status: DeliveryStatus::Read, ..notice };
    let concluded = read.concluded(DeliveryStatus::Accepted, None, NOW);
    assert_eq!((concluded.status, concluded.place()), (DeliveryStatus::Read, None));
}
