//! Books that the rules themselves wrote are clean, whatever happened; and whatever is changed in them is found.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

mod corrupted;
mod story;

use proptest::{collection::vec, prelude::*};
use time::Duration;

use super::*;
use crate::money::Rupiah;
use story::{Step, Story};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let near = || prop_oneof![Just(1), Just(500), Just(299_001), Just(299_500), Just(300_500), Just(300_999)];
    let amount =
        || prop_oneof![Just(0), Just(100_000), Just(300_000), Just(500_000), Just(650_000), near(), 0..700_000_i64];
    let report = (
        0..6_usize,
        prop_oneof![Just("t1"), Just("t2")],
        amount(),
        prop_oneof![4 => Just(0), 1 => amount()],
        prop_oneof![9 => Just(0), 1 => amount()],
    )
        .prop_map(|(order, id, received, refunded, charged_back)| Step::Reported {
            order,
            id,
            received,
            refunded,
            charged_back,
        });
    let step = prop_oneof![
        3 => Just(Step::Bill),
        2 => prop_oneof![Just("home20"), Just("home50"), Just("free")].prop_map(Step::Choose),
        4 => Just(Step::Open),
        8 => report,
        6 => Just(Step::Apply),
        1 => Just(Step::Withdraw),
        1 => prop_oneof![Just(-500), Just(-50_000), Just(299_500)].prop_map(Step::Adjust),
        3 => (prop_oneof![Just("home20"), Just("home50"), Just("free")], -40..80_i64)
            .prop_map(|(package, days)| Step::Import(package, days)),
        3 => (0..40_i64).prop_map(Step::Wait),
    ];
    vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whatever_happened_the_books_agree(steps in steps()) {
        let mut story = Story::new();
        for step in &steps {
            story.go_on(step);
            let said = story.audit();
            prop_assert!(said.is_clean(), "after {step:?} of {steps:?}: {:#?}", said.findings);
        }
        story.go_on(&Step::Apply);
        prop_assert!(!story.audit().pending.iter().any(|pending| matches!(pending.wait, Wait::Apply | Wait::Revoke)));
    }
}

#[test]
fn a_part_payment_that_ends_a_debt_leaves_clean_books_when_its_bill_is_withdrawn() {
    let part = Step::Reported { order: 0, id: "t1", received: 500, refunded: 0, charged_back: 0 };
    let story = Story::told(&[Step::Adjust(-500), Step::Bill, Step::Open, part, Step::Withdraw]);
    assert_eq!((story.audit().findings, story.profile.credit), (vec![], Rupiah::ZERO));
}

#[test]
fn a_cut_that_was_meant_is_not_told_of_for_ever_to_who_keeps_renewing() {
    let mut story = Story::told(&[Step::Bill, Step::Open, Step::paid(0), Step::Apply, Step::Overwrite("home20", 3)]);
    for order in 1..5 {
        for step in [Step::Wait(25), Step::Bill, Step::Open, Step::paid(order), Step::Apply] {
            story.go_on(&step);
        }
    }
    assert_eq!(story.audit().findings, []);
}

#[test]
fn an_import_that_takes_paid_service_away_is_found_until_that_time_is_over() {
    let paid = [Step::Bill, Step::Open, Step::paid(0), Step::Apply];
    for taken in [Step::Overwrite("home20", 3), Step::Overwrite("free", 200)] {
        let mut story = Story::told(&paid);
        story.go_on(&taken);
        let rules = |story: &Story| story.audit().findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>();
        assert_eq!(rules(&story), [Rule::PaidService], "{taken:?}");
        // Another payment on top does not hide it.
        for step in [Step::Bill, Step::Open, Step::paid(1), Step::Apply] {
            story.go_on(&step);
        }
        assert_eq!(rules(&story), [Rule::PaidService], "{taken:?}");
        story.go_on(&Step::Wait(400));
        assert!(!rules(&story).contains(&Rule::PaidService), "{taken:?}");
    }
    let mut story = Story::told(&paid);
    for step in [Step::taken_back(0), Step::Apply, Step::Overwrite("home20", 3)] {
        story.go_on(&step);
    }
    assert_eq!(story.audit().findings, [], "nothing was paid for any more");
}

#[test]
fn what_waits_to_be_applied_or_taken_back_is_pending_and_no_finding() {
    let mut story = Story::told(&[Step::Bill, Step::Open, Step::paid(0)]);
    let waits = |story: &Story| {
        story.audit().pending.iter().map(|pending| pending.wait).filter(|wait| *wait != Wait::Relay).collect::<Vec<_>>()
    };
    assert_eq!((story.audit().findings, waits(&story)), (vec![], vec![Wait::Apply]));
    story.go_on(&Step::Apply);
    assert_eq!((story.audit().findings, waits(&story)), (vec![], vec![]));
    story.go_on(&Step::taken_back(0));
    assert_eq!((story.audit().findings, waits(&story)), (vec![], vec![Wait::Revoke]));
    story.go_on(&Step::Wait(1));
    assert_eq!((story.audit().findings, waits(&story)), (vec![], vec![Wait::Revoke, Wait::Look]));
}
