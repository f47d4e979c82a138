use super::*;
use crate::examples::{self, EXPIRY, NOW};

fn taken(by: &str) -> TryResult {
    TryResult { taken: vec![by.to_owned()], ..TryResult::default() }
}

fn failed(problem: ReceiverProblem) -> TryResult {
    TryResult { problem: Some(problem), ..TryResult::default() }
}

/// As the store answers it.
fn stored(network_update: NetworkUpdate) -> NetworkUpdate {
    NetworkUpdate { version: network_update.version.saturating_add(1), ..network_update }
}

fn first() -> NetworkUpdate {
    stored(claim(None, &examples::profile(), Some("subscription.extended"), NOW).unwrap())
}

fn told() -> NetworkUpdate {
    stored(first().after(&taken("a"), false, NOW))
}

/// The profile with another expiry and version.
fn extended(expires_at: OffsetDateTime, version: u64) -> Profile {
    let mut profile = examples::profile();
    profile.entitlement.expires_at = expires_at;
    profile.version = version;
    profile
}

#[test]
fn a_line_is_told_once_per_state() {
    let first = first();
    assert_eq!((first.state, first.number, first.tries, first.line.active), (TellingState::Pending, 1, 1, true));
    let told = stored(first.after(&taken("a"), false, NOW));
    assert_eq!(
        (told.state, told.told_number, told.told_at, told.wake_at),
        (TellingState::Told, Some(1), Some(NOW), None)
    );
    for kind in ["subscription.extended", "package.changed"] {
        assert_eq!(claim(Some(&told), &examples::profile(), Some(kind), NOW), None);
    }
    // What is written to the profile beside the entitlement is nothing to a network.
    assert_eq!(claim(Some(&told), &extended(EXPIRY, 9), None, NOW), None);
    let next =
        claim(Some(&told), &extended(EXPIRY + Duration::days(30), 9), Some("subscription.extended"), NOW).unwrap();
    assert_eq!((next.number, next.taken.len(), next.message_id().as_str()), (9, 0, "c1-9"));
}

#[test]
fn states_are_numbered_upwards_also_where_the_profile_stays_the_same() {
    let expired = claim(Some(&told()), &examples::profile(), Some("subscription.expired"), EXPIRY).unwrap();
    assert!(!expired.line.active && expired.number == 2, "{expired:?}");
    let again = stored(expired.after(&taken("a"), false, EXPIRY));
    let paid = claim(Some(&again), &extended(EXPIRY + Duration::days(30), 2), None, EXPIRY).unwrap();
    assert_eq!((paid.number, paid.kind.as_str(), paid.line.active), (3, "subscription.extended", true));
}

#[test]
fn one_tells_and_whoever_comes_meanwhile_leaves_it_to_them() {
    let first = first();
    let later_profile = extended(EXPIRY + Duration::days(30), 2);
    assert_eq!(
        claim(Some(&first), &later_profile, Some("subscription.extended"), NOW + LEASE - Duration::seconds(1)),
        None
    );
    let taken_over = claim(Some(&first), &examples::profile(), None, NOW + LEASE).unwrap();
    assert_eq!((taken_over.number, taken_over.tries, taken_over.kind.as_str()), (1, 2, "subscription.extended"));
    // The one who tells looks again afterwards, and says what changed by comparing.
    let next = claim(Some(&told()), &later_profile, None, NOW).unwrap();
    assert_eq!((next.number, next.kind.as_str()), (2, "subscription.extended"));
}

#[test]
fn the_kind_is_the_events_or_follows_from_the_lines() {
    let before = LineState::of(&examples::profile(), NOW);
    let after = |change: fn(&mut LineState)| {
        let mut line = before.clone();
        change(&mut line);
        before.change_to(&line)
    };
    assert_eq!(after(|line| line.expires_at += Duration::days(1)), "subscription.extended");
    assert_eq!(after(|line| line.expires_at -= Duration::days(1)), "subscription.reverted");
    assert_eq!(after(|line| line.active = false), "subscription.expired");
    assert_eq!(after(|line| line.package_id = PackageId::parse("home50").unwrap()), "package.changed");
}

#[test]
fn what_fails_is_told_again_ever_later_for_a_day_and_then_given_up() {
    let (mut network_update, mut now, mut waits) = (first(), NOW, Vec::new());
    loop {
        let after = stored(network_update.after(&failed(ReceiverProblem::Unreachable), false, now));
        let Some(wake_at) = after.wake_at else {
            assert_eq!((after.state, after.problem), (TellingState::GivenUp, Some(ReceiverProblem::Unreachable)));
            assert!(now - NOW >= TRIED_FOR && now - NOW < TRIED_FOR + LONGEST_WAIT && after.is_alarming());
            assert_eq!(claim(Some(&after), &examples::profile(), None, now + Duration::days(1)), None);
            break;
        };
        assert_eq!(
            claim(Some(&after), &examples::profile(), Some("subscription.extended"), wake_at - Duration::seconds(1)),
            None
        );
        waits.push((wake_at - now).whole_minutes());
        assert_eq!(after.is_alarming(), after.tries == 4, "once on its way");
        now = wake_at;
        network_update = stored(claim(Some(&after), &examples::profile(), None, now).unwrap());
        assert_eq!(network_update.number, 1);
    }
    assert_eq!(waits[..6], [1, 2, 4, 8, 15, 15]);
    assert!(waits.len() < 110, "{}", waits.len());
}

#[test]
fn a_new_state_is_told_at_once_while_the_one_before_waits() {
    let failing = stored(first().after(&failed(ReceiverProblem::ServerError), false, NOW));
    let next =
        claim(Some(&failing), &extended(EXPIRY + Duration::days(30), 4), Some("subscription.extended"), NOW).unwrap();
    assert_eq!((next.number, next.tries, next.problem), (4, 1, None));
}

#[test]
fn only_who_has_not_taken_it_is_asked_again() {
    let half = TryResult { taken: vec!["a".into()], gone: Vec::new(), problem: Some(ReceiverProblem::NoAnswer) };
    let failing = stored(first().after(&half, false, NOW));
    assert!(failing.is_settled_with("a") && !failing.is_settled_with("b"));
    let again = stored(claim(Some(&failing), &examples::profile(), None, NOW + Duration::minutes(1)).unwrap());
    assert!(again.is_settled_with("a"));
    assert_eq!(again.after(&taken("b"), false, NOW).state, TellingState::Told);
}

#[test]
fn a_receiver_that_wants_no_more_is_not_asked_again_and_does_not_count_as_told() {
    let gone = TryResult { gone: vec!["a".into()], ..TryResult::default() };
    let given_up = first().after(&gone, false, NOW);
    assert_eq!(
        (given_up.state, given_up.problem, given_up.wake_at),
        (TellingState::GivenUp, Some(ReceiverProblem::Gone), None)
    );
    let with_other = first().after(&TryResult { taken: vec!["b".into()], ..gone }, false, NOW);
    assert_eq!((with_other.state, with_other.is_settled_with("a")), (TellingState::Told, true));
}

#[test]
fn a_line_that_nobody_will_read_again_is_due() {
    let network_update = stored(first().after(&taken("a"), true, NOW));
    assert_eq!(network_update.state, TellingState::Told);
    let again = stored(claim(Some(&network_update), &examples::profile(), None, NOW + Duration::minutes(1)).unwrap());
    assert!(again.is_settled_with("a"), "nobody is told twice");
    assert_eq!(again.after(&TryResult::default(), false, NOW).wake_at, None);
}

#[test]
fn a_network_that_is_switched_off_and_on_again_starts_with_the_next_event() {
    let off = stored(told().off().unwrap());
    assert_eq!((off.off(), off.progress(&examples::profile(), NOW)), (None, None));
    let on = claim(Some(&off), &examples::profile(), Some("subscription.extended"), NOW).unwrap();
    assert_eq!(on.number, 2);
}

#[test]
fn a_person_can_have_it_told_anew() {
    let again = stored(told().again(NOW));
    let claimed = claim(Some(&again), &examples::profile(), None, NOW).unwrap();
    assert_eq!((claimed.number, claimed.tries, claimed.is_settled_with("a")), (1, 1, false));
}

#[test]
fn only_what_was_applied_since_is_owed_to_the_network() {
    assert!(first().is_owed(NOW) && first().is_owed(NOW - Duration::minutes(1)));
    assert!(!first().is_owed(NOW - Duration::days(30)), "paid before there was a network");
    assert!(!told().is_owed(NOW - Duration::seconds(1)) && told().is_owed(NOW + Duration::seconds(1)));
}

#[test]
fn a_customer_never_waits_for_ever() {
    let profile = examples::profile();
    let soon = NOW + LATE_AFTER - Duration::seconds(1);
    let late = NOW + LATE_AFTER;
    assert_eq!(first().progress(&profile, soon), Some(NetworkProgress::Activating));
    assert_eq!(first().progress(&profile, late), Some(NetworkProgress::Late));
    let failing = first().after(&failed(ReceiverProblem::Unreachable), false, NOW);
    assert_eq!(
        (failing.progress(&profile, soon), failing.progress(&profile, late)),
        (Some(NetworkProgress::Activating), Some(NetworkProgress::Late))
    );
    assert_eq!(told().progress(&profile, late), Some(NetworkProgress::Told));
    // Paid just now, and the event is on its way; or imported, which has no event.
    let paid = extended(EXPIRY + Duration::days(30), 2);
    assert_eq!(
        (told().progress(&paid, soon), told().progress(&paid, late)),
        (Some(NetworkProgress::Activating), Some(NetworkProgress::Told))
    );
    let given_up = NetworkUpdate { state: TellingState::GivenUp, ..failing };
    assert_eq!(given_up.progress(&profile, NOW), Some(NetworkProgress::Late));
}
