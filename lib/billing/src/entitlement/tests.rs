use proptest::{collection::vec, prelude::*};
use time::macros::datetime;

use super::*;
use crate::examples::{import, package, renewal};

const ZONE: Zone = Zone::Jakarta;

fn home20() -> Package {
    package("home20", 300_000)
}

/// Served with `home20` until `expires`, a renewal of `paid_for` is paid at `paid_at`: served until when, anchored on which day?
#[track_caller]
fn check(expires: OffsetDateTime, paid_at: OffsetDateTime, paid_for: Package, late: LateRenewal, expected: (OffsetDateTime, u8)) {
    let before = Entitlement { package: home20(), expires_at: expires, anchor_day: ZONE.date(expires).day() };
    let after = extend(Some(before), &renewal(2, paid_for, paid_at, late), ZONE).unwrap();
    assert_eq!((after.expires_at, after.anchor_day), expected);
    assert_eq!(after.package.id, home20().id, "a renewal changes no package");
}

#[test]
fn an_early_renewal_adds_a_period_to_the_expiry() {
    for late in [LateRenewal::FromPayment, LateRenewal::FromExpiry] {
        for paid_at in [datetime!(2026-11-01 10:00 +7), datetime!(2026-11-30 23:59:59 +7)] {
            check(datetime!(2026-11-30 23:59:59 +7), paid_at, home20(), late, (datetime!(2026-12-30 23:59:59 +7), 30));
        }
    }
}

#[test]
fn a_late_renewal_starts_when_it_is_paid_or_at_the_old_expiry_as_the_provider_has_it() {
    let (expires, paid_at) = (datetime!(2026-11-10 23:59:59 +7), datetime!(2026-11-20 08:30 +7));
    check(expires, paid_at, home20(), LateRenewal::FromPayment, (datetime!(2026-12-20 08:30 +7), 20));
    check(expires, paid_at, home20(), LateRenewal::FromExpiry, (datetime!(2026-12-10 23:59:59 +7), 10));
}

#[test]
fn a_second_late_is_late() {
    let (expires, paid_at) = (datetime!(2026-11-10 23:59:59 +7), datetime!(2026-11-11 00:00 +7));
    check(expires, paid_at, home20(), LateRenewal::FromPayment, (datetime!(2026-12-11 00:00 +7), 11));
}

#[test]
fn a_period_is_the_one_that_was_sold() {
    let quarter = Package { period_months: 3, price: Rupiah::new(800_000), ..home20() };
    check(
        datetime!(2026-11-30 12:00 +7),
        datetime!(2026-11-01 12:00 +7),
        quarter,
        LateRenewal::FromPayment,
        (datetime!(2027-02-28 12:00 +7), 30),
    );
}

#[test]
fn money_for_another_package_buys_days_of_the_active_one() {
    let (expires, paid_at) = (datetime!(2026-11-30 12:00 +7), datetime!(2026-11-01 12:00 +7));
    // The month after 30 November has 30 days.
    for (price, days) in [(150_000, 15), (300_000, 30), (600_000, 60), (100_000, 10)] {
        let after = later_by_days(expires, days);
        check(expires, paid_at, package("home10", price), LateRenewal::FromPayment, (after, ZONE.date(after).day()));
    }
}

#[test]
fn money_for_a_package_without_price_buys_one_period() {
    let before = Entitlement { package: package("free", 0), expires_at: datetime!(2026-11-30 12:00 +7), anchor_day: 30 };
    let after = extend(Some(before), &renewal(2, home20(), datetime!(2026-11-01 12:00 +7), LateRenewal::FromPayment), ZONE).unwrap();
    assert_eq!(after.expires_at, datetime!(2026-12-30 12:00 +7));
}

fn later_by_days(at: OffsetDateTime, days: i64) -> OffsetDateTime {
    crate::zone::later(at, Duration::days(days))
}

#[test]
fn twelve_renewals_from_31_january_end_on_31_january() {
    let mut grants = vec![Grant { reason: Reason::Import { expires_at: datetime!(2026-01-31 23:59:59 +7) }, ..import() }];
    grants.extend((2..14).map(|sequence| renewal(sequence, home20(), datetime!(2026-01-20 10:00 +7), LateRenewal::FromPayment)));
    let entitlement = fold(&grants, ZONE).unwrap().unwrap();
    assert_eq!((entitlement.expires_at, entitlement.anchor_day), (datetime!(2027-01-31 23:59:59 +7), 31));
}

#[test]
fn months_are_counted_in_the_providers_zone() {
    // 30 January 23:30 in Jakarta is 31 January further east, so February ends a day apart.
    let expires_at = datetime!(2027-01-30 16:30 UTC);
    let grants = [
        Grant { reason: Reason::Import { expires_at }, ..import() },
        renewal(2, home20(), datetime!(2027-01-20 00:00 UTC), LateRenewal::FromPayment),
    ];
    for (zone, anchor_day, expected) in [
        (Zone::Jakarta, 30, datetime!(2027-02-28 16:30 UTC)),
        (Zone::Makassar, 31, datetime!(2027-02-27 16:30 UTC)),
        (Zone::Jayapura, 31, datetime!(2027-02-27 16:30 UTC)),
    ] {
        let entitlement = fold(&grants, zone).unwrap().unwrap();
        assert_eq!((entitlement.expires_at, entitlement.anchor_day), (expected, anchor_day), "{zone}");
    }
}

#[test]
fn the_first_grant_of_all_starts_when_it_is_paid() {
    let grant = renewal(1, home20(), datetime!(2026-11-05 09:00 +7), LateRenewal::FromExpiry);
    let entitlement = fold([&grant], ZONE).unwrap().unwrap();
    assert_eq!((entitlement.expires_at, entitlement.anchor_day), (datetime!(2026-12-05 09:00 +7), 5));
    assert_eq!(fold([], ZONE), Ok(None));
}

#[test]
fn an_import_sets_package_and_expiry_whatever_was_before() {
    let grants = [
        renewal(1, package("home50", 500_000), datetime!(2026-11-05 09:00 +7), LateRenewal::FromPayment),
        Grant { sequence: 2, ..import() },
    ];
    assert_eq!(fold(&grants, ZONE), Ok(Some(crate::examples::profile().entitlement)));
}

#[test]
fn the_end_of_the_calendar_is_an_error_and_no_panic() {
    let grant = Grant { reason: Reason::Import { expires_at: datetime!(9999-12-31 23:59:59 UTC) }, ..import() };
    let forever = extend(None, &grant, ZONE).unwrap();
    let next = renewal(2, home20(), datetime!(2026-11-05 09:00 +7), LateRenewal::FromPayment);
    assert_eq!(extend(Some(forever), &next, ZONE), Err(OutOfCalendar));
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let paid_at = (0..400_i64, 0..86_400_i64)
        .prop_map(|(days, seconds)| datetime!(2026-01-01 00:00 UTC) + Duration::days(days) + Duration::seconds(seconds));
    let package = prop_oneof![3 => Just(home20()), 1 => Just(package("home10", 150_000)), 1 => Just(package("home50", 500_000))];
    let late = prop_oneof![Just(LateRenewal::FromPayment), Just(LateRenewal::FromExpiry)];
    let renewed = (package.clone(), paid_at.clone(), late).prop_map(|(package, paid_at, late)| renewal(1, package, paid_at, late));
    let imported =
        (package, paid_at).prop_map(|(package, expires_at)| Grant { package, reason: Reason::Import { expires_at }, ..import() });
    prop_oneof![5 => renewed, 1 => imported]
}

/// An import, and what came after it.
fn history() -> impl Strategy<Value = Vec<Grant>> {
    vec(any_grant(), 1..10).prop_map(|more| {
        let numbered = (2..).zip(more).map(|(sequence, grant)| Grant { sequence, ..grant });
        std::iter::once(import()).chain(numbered).collect()
    })
}

proptest! {
    #[test]
    fn folding_all_grants_is_extending_by_each(grants in history()) {
        let step_by_step = grants.iter().fold(None, |entitlement, grant| Some(extend(entitlement, grant, ZONE).unwrap()));
        prop_assert_eq!(fold(&grants, ZONE).unwrap(), step_by_step.clone());
        let shuffled: Vec<_> = grants.iter().rev().collect();
        prop_assert_eq!(fold(shuffled, ZONE).unwrap(), step_by_step);
    }

    #[test]
    fn a_revoked_grant_is_as_if_it_was_never_given(grants in history(), which in any::<prop::sample::Index>()) {
        let which = which.index(grants.len());
        let mut revoked = grants.clone();
        revoked[which].revoked = true;
        let mut never = grants;
        never.remove(which);
        prop_assert_eq!(fold(&revoked, ZONE).unwrap(), fold(&never, ZONE).unwrap());
    }

    #[test]
    fn a_renewal_never_takes_time_away(grants in history(), next in any_grant()) {
        let before = fold(&grants, ZONE).unwrap().unwrap();
        if matches!(next.reason, Reason::Renewal { .. }) {
            let after = extend(Some(before.clone()), &next, ZONE).unwrap();
            prop_assert!(after.expires_at > before.expires_at);
        }
    }
}
