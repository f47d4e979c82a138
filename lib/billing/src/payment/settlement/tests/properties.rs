//! What holds for every sequence of reports.

use proptest::{collection::vec, prelude::*};

use super::*;

/// Totals of one transaction, up or down, in rupiah near the invoice's amount.
fn totals() -> impl Strategy<Value = Transaction> {
    let near = prop_oneof![Just(1), Just(500), Just(299_001), Just(299_999), Just(300_500)];
    let amount = prop_oneof![Just(0), Just(100_000), Just(200_000), Just(300_000), Just(350_000), near, 0..700_000_i64];
    (
        prop_oneof![Just("t1"), Just("t2")],
        amount.clone(),
        prop_oneof![3 => Just(0), 2 => amount.clone()],
        prop_oneof![9 => Just(0), 1 => amount],
    )
        .prop_map(|(id, received, refunded, charged_back)| Transaction {
            id: id.into(),
            charged_back: Rupiah::new(charged_back),
            ..examples::transaction(received, refunded)
        })
}

fn state() -> impl Strategy<Value = ReportedState> {
    prop_oneof![
        6 => Just(ReportedState::Paid),
        2 => Just(ReportedState::Pending),
        1 => Just(ReportedState::Expired),
        1 => Just(ReportedState::Cancelled),
        1 => Just(ReportedState::Unknown),
        1 => Just(ReportedState::Unclear("?".into())),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // One transaction per report, so that an invoice changes its status at most once per step.
    let report = (0..2_usize, state(), totals()).prop_map(|(number, state, transaction)| {
        let id = format!("{number}-{}", transaction.id);
        Step::Report(number, Report { state, transactions: vec![Transaction { id, ..transaction }] })
    });
    prop_oneof![12 => report, 1 => Just(Step::Withdraw), 4 => Just(Step::Apply), 4 => Just(Step::UseCredit)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_books_balance_after_every_report(steps in vec(step(), 1..16)) {
        let mut story = Story::new();
        for step in &steps {
            let before = story.clone();
            story.go_on(step);
            let (was, is) = (before.invoice.status, story.invoice.status);
            if was == InvoiceStatus::Cancelled {
                prop_assert_eq!(is, InvoiceStatus::Cancelled);
            }
            // An open invoice that a report or credit closes was paid, were it for a moment.
            let paid = was == InvoiceStatus::Unpaid && is != InvoiceStatus::Unpaid && !matches!(step, Step::Withdraw);
            prop_assert_eq!(story.invoice.settlement_no, before.invoice.settlement_no + u32::from(paid));
            let new = &story.events[before.events.len()..];
            let settled = new.iter().filter(|event| matches!(event, Event::PaymentSettled { .. })).count();
            let reversed = new.iter().filter(|event| matches!(event, Event::PaymentReversed { .. })).count();
            prop_assert_eq!(settled == 1, was == InvoiceStatus::Unpaid && is == InvoiceStatus::Paid);
            prop_assert_eq!(reversed == 1, (was == InvoiceStatus::Paid || paid) && is != InvoiceStatus::Paid);
            prop_assert!(settled + reversed <= 1);
            if let Step::Report(number, report) = step {
                let again = settle(&story.orders[*number], &story.invoice, report, NOW).unwrap();
                prop_assert!(!matches!(again, SettleOutcome::Settled(_)), "booked twice: {:?}", again);
            }
        }
    }

    #[test]
    fn in_whatever_order_payments_are_seen_the_same_money_is_held(first in 1..500_000_i64, second in 1..500_000_i64) {
        let pay = |number: usize, received| Step::Report(number, examples::report(vec![Transaction { id: format!("t{number}"), ..examples::transaction(received, 0) }]));
        let one = Story::told(&[pay(0, first), pay(1, second)]);
        let other = Story::told(&[pay(1, second), pay(0, first)]);
        prop_assert_eq!((one.invoice.status, held(&one.invoice), one.credit), (other.invoice.status, held(&other.invoice), other.credit));
        prop_assert_eq!(held(&one.invoice) + one.credit.get(), first + second);
    }

    #[test]
    fn extreme_amounts_are_refused_or_booked_without_panic(amounts in vec((any::<i64>(), any::<i64>(), any::<i64>(), 0..3_u8), 1..6)) {
        let mut story = Story::new();
        for (received, refunded, charged_back, id) in amounts {
            let [received, refunded, charged_back] = [received, refunded, charged_back].map(|n| if n % 3 == 0 { n.saturating_abs() } else { n % 1_000_000 });
            let transaction = Transaction { id: id.to_string(), charged_back: Rupiah::new(charged_back), ..examples::transaction(received, refunded) };
            if let Ok(SettleOutcome::Settled(change)) = settle(&story.orders[0], &story.invoice, &examples::report(vec![transaction]), NOW) {
                story.orders[0] = change.order;
                story.invoice = change.invoice.unwrap_or(story.invoice);
            }
        }
    }
}
