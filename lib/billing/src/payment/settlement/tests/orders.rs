//! Where reports leave the order itself.

use super::*;

#[test]
fn an_order_of_any_status_accepts_money() {
    use OrderStatus::{Cancelled, Creating, Expired, Failed, Open, Paid, Reversed};
    for status in [Creating, Open, Expired, Failed, Cancelled, Paid, Reversed] {
        let mut story = Story::new();
        story.orders[0].status = status;
        story.orders[0].cancel_wanted_since.replace(examples::NOW);
        story.go_on(&t1(300, 0));
        assert_eq!(story.summary(), "PAID holds 300, credit 0: settled#1 300", "{status:?}");
        let order = &story.orders[0];
        assert_eq!(
            (order.status, order.cancel_wanted_since.is_some()),
            (Paid, false),
            "a paid order is not to be cancelled"
        );
        assert_eq!(order.wake_at, Some(Order::when_to_look_after_payment(NOW)));
    }
}

/// A report without money: where does an order of `before` stand after it?
#[track_caller]
fn check_note(before: OrderStatus, state: &ReportedState, minutes: i64, after: OrderStatus) {
    let order = Order { status: before, cancel_wanted_since: Some(NOW), ..examples::order() };
    let now = later(NOW, Duration::minutes(minutes));
    let outcome =
        settle(&order, &examples::invoice(), &Report { state: state.clone(), transactions: vec![] }, now).unwrap();
    let SettleOutcome::Noted(noted) = outcome else { panic!("{state:?} of {before:?}: {outcome:?}") };
    let noted = noted.order;
    assert_eq!(noted.status, after, "{state:?} of {before:?}");
    assert_eq!(noted.cancel_wanted_since.is_some(), before == after, "what is over needs no cancellation");
    assert_eq!(noted.wake_at, noted.next_look(now));
}

#[test]
fn a_report_without_money_moves_only_the_order() {
    use OrderStatus::{Cancelled, Creating, Expired, Open};
    let day = 24 * 60;
    check_note(Open, &ReportedState::Pending, 0, Open);
    check_note(Open, &ReportedState::Expired, 0, Expired);
    check_note(Creating, &ReportedState::Expired, 0, Expired);
    check_note(Open, &ReportedState::Cancelled, 0, Cancelled);
    check_note(Open, &ReportedState::Unknown, day - 1, Open);
    check_note(Open, &ReportedState::Unknown, day, Expired);
    check_note(Creating, &ReportedState::Unknown, day, Expired);
    check_note(Cancelled, &ReportedState::Unknown, day, Cancelled);
    check_note(Open, &ReportedState::Unclear("held".into()), day, Open);
}

#[test]
fn a_report_without_money_never_unpays_an_order() {
    for status in [OrderStatus::Paid, OrderStatus::Reversed] {
        for state in [ReportedState::Expired, ReportedState::Cancelled, ReportedState::Pending, ReportedState::Unknown]
        {
            let order = Order { status, ..examples::order() };
            let report = Report { state, transactions: vec![] };
            match settle(&order, &examples::invoice(), &report, order.expires_at).unwrap() {
                SettleOutcome::Noted(note) => assert_eq!((note.order.status, note.invoice), (status, None)),
                outcome => assert_eq!(outcome, SettleOutcome::Unchanged),
            }
        }
    }
}

#[test]
fn an_answer_that_is_older_than_the_payment_does_not_undo_it() {
    let mut story = Story::told(&[t1(300, 0)]);
    for state in [ReportedState::Pending, ReportedState::Expired, ReportedState::Paid] {
        let nothing_yet = Transaction { taken_back: false, ..transaction("t1", 0, 0) };
        story.go_on(&Step::Report(0, Report { state, transactions: vec![nothing_yet] }));
        assert_eq!(story.summary(), "PAID holds 300, credit 0: settled#1 300");
    }
}

#[test]
fn a_link_that_nobody_can_pay_any_more_is_not_kept() {
    let invoice = Invoice { link: Some(examples::link()), ..examples::invoice() };
    for (state, kept) in
        [(ReportedState::Expired, false), (ReportedState::Cancelled, false), (ReportedState::Pending, true)]
    {
        let report = Report { state, transactions: vec![] };
        let SettleOutcome::Noted(note) = settle(&examples::order(), &invoice, &report, NOW).unwrap() else {
            panic!("nothing noted")
        };
        assert_eq!(note.invoice.is_none_or(|invoice| invoice.link.is_some()), kept, "{:?}", report.state);
        let others = Order { id: crate::id::OrderId::parse("another").unwrap(), ..examples::order() };
        let SettleOutcome::Noted(note) = settle(&others, &invoice, &report, NOW).unwrap() else {
            panic!("nothing noted")
        };
        assert_eq!(note.invoice, None, "the link of another order stays");
    }
}

#[test]
fn an_unclear_report_is_noted_and_told_once() {
    let report = Report { state: ReportedState::Unclear("held".into()), transactions: vec![] };
    let mut story = Story::new();
    story.go_on(&Step::Report(0, report.clone()));
    assert_eq!(story.orders[0].timeline.last().map(|moment| moment.what.as_str()), Some("unclear:held"));
    assert_eq!(story.summary(), "UNPAID holds 0, credit 0: Unclear 300");
    assert_eq!(settle(&story.orders[0], &story.invoice, &report, NOW), Ok(SettleOutcome::Unchanged));
}
