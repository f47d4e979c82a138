use time::{Duration, macros::datetime};

use super::*;
use crate::examples::{import, package, renewal};

const ZONE: Zone = Zone::Jakarta;

fn home20() -> Package {
    package("home20", 300_000)
}

/// Served with `home20` until `expires`, a renewal of `paid_for` is paid at `paid_at`: served until when, anchored on
/// which day?
#[track_caller]
fn check(
    expires: OffsetDateTime,
    paid_at: OffsetDateTime,
    paid_for: Package,
    late: LateRenewal,
    expected: (OffsetDateTime, u8),
) {
    let before = Entitlement::imported(&home20(), expires, paid_at, ZONE);
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
    check(expires, paid_at, home20(), LateRenewal::FromPayment, (datetime!(2026-12-20 23:59:59 +7), 20));
    check(expires, paid_at, home20(), LateRenewal::FromExpiry, (datetime!(2026-12-10 23:59:59 +7), 10));
}

#[test]
fn a_second_late_is_late() {
    let (expires, paid_at) = (datetime!(2026-11-10 23:59:59 +7), datetime!(2026-11-11 00:00 +7));
    check(expires, paid_at, home20(), LateRenewal::FromPayment, (datetime!(2026-12-11 23:59:59 +7), 11));
}

#[test]
fn who_pays_on_the_last_day_is_not_late_although_the_money_is_used_up() {
    let first = renewal(1, home20(), datetime!(2026-11-10 00:48 +7), LateRenewal::FromPayment);
    let expiries = |paid_at| {
        let next = renewal(2, home20(), paid_at, LateRenewal::FromPayment);
        let after = fold([&first, &next], ZONE).unwrap().unwrap();
        (after.expires_at, after.unused(paid_at))
    };
    let (month, all) = (Rupiah::new(300_000), Ok(Rupiah::new(300_000)));
    assert_eq!(expiries(datetime!(2026-12-10 00:48 +7)), (datetime!(2027-01-10 23:59:59 +7), all.clone()));
    assert_eq!(expiries(datetime!(2026-12-10 23:59:59 +7)), (datetime!(2027-01-10 23:59:59 +7), all.clone()));
    assert_eq!(expiries(datetime!(2026-12-11 00:00 +7)), (datetime!(2027-01-11 23:59:59 +7), all));
    let alone = fold([&first], ZONE).unwrap().unwrap();
    assert_eq!(alone.unused(datetime!(2026-11-10 00:48 +7)), Ok(month));
    assert_eq!(alone.unused(datetime!(2026-12-10 00:48 +7)), Ok(Rupiah::ZERO), "the rest of the day is given");
}

#[test]
fn days_bought_bit_by_bit_are_rounded_up_once() {
    let before =
        Entitlement::imported(&home20(), datetime!(2026-11-30 23:59:59 +7), datetime!(2026-11-01 12:00 +7), ZONE);
    // A day and a half each, of a month of 30 days.
    let bit = |sequence, paid_at| renewal(sequence, package("home10", 15_000), paid_at, LateRenewal::FromPayment);
    let pay = |before, paid_at| extend(Some(before), &bit(2, paid_at), ZONE).unwrap();
    let early = datetime!(2026-11-01 12:00 +7);
    let once = pay(before, early);
    assert_eq!(once.expires_at, datetime!(2026-12-02 23:59:59 +7));
    assert_eq!(pay(once.clone(), early).expires_at, datetime!(2026-12-03 23:59:59 +7), "three days in all");
    // In the hours that are given nothing is used up any more: the money buys days after them.
    let in_given_hours = datetime!(2026-12-02 18:00 +7);
    let after = pay(once, in_given_hours);
    assert_eq!(
        (after.expires_at, after.unused(in_given_hours)),
        (datetime!(2026-12-04 23:59:59 +7), Ok(Rupiah::new(15_000)))
    );
}

#[test]
fn a_period_is_the_one_that_was_sold() {
    let quarter = Package { period_months: 3, price: Rupiah::new(800_000), ..home20() };
    check(
        datetime!(2026-11-30 23:59:59 +7),
        datetime!(2026-11-01 12:00 +7),
        quarter,
        LateRenewal::FromPayment,
        (datetime!(2027-02-28 23:59:59 +7), 30),
    );
}

#[test]
fn money_for_another_package_buys_days_of_the_active_one() {
    let (expires, paid_at) = (datetime!(2026-11-30 23:59:59 +7), datetime!(2026-11-01 12:00 +7));
    // The month after 30 November has 30 days, the one after 30 December 31.
    for (price, days) in [(150_000, 15), (300_000, 30), (600_000, 61), (100_000, 10)] {
        let after = later_by_days(expires, days);
        check(expires, paid_at, package("home10", price), LateRenewal::FromPayment, (after, ZONE.date(after).day()));
    }
}

#[test]
fn money_cannot_buy_days_of_a_package_without_price_and_is_credit() {
    let paid_at = datetime!(2026-11-01 12:00 +7);
    let renewed = |expires| {
        let before = Entitlement::imported(&package("free", 0), expires, paid_at, ZONE);
        let after = extend(Some(before), &renewal(2, home20(), paid_at, LateRenewal::FromPayment), ZONE).unwrap();
        (after.package.price, after.to_credit, after.expires_at, after.anchor_day)
    };
    let credit = Rupiah::new(300_000);
    assert_eq!(
        renewed(datetime!(2026-10-20 09:00 +7)),
        (Rupiah::ZERO, credit, datetime!(2026-12-01 23:59:59 +7), 1),
        "served for a period"
    );
    assert_eq!(
        renewed(datetime!(2027-01-20 09:00 +7)),
        (Rupiah::ZERO, credit, datetime!(2027-01-20 09:00 +7), 20),
        "served longer already"
    );
}

fn later_by_days(at: OffsetDateTime, days: i64) -> OffsetDateTime {
    crate::zone::later(at, Duration::days(days))
}

#[test]
fn twelve_renewals_from_31_january_end_on_31_january() {
    let mut grants = vec![Grant {
        reason: Reason::Import { sets_package: true, expires_at: Some(datetime!(2026-01-31 23:59:59 +7)) },
        ..import()
    }];
    grants.extend(
        (2..14).map(|sequence| renewal(sequence, home20(), datetime!(2026-01-20 10:00 +7), LateRenewal::FromPayment)),
    );
    let entitlement = fold(&grants, ZONE).unwrap().unwrap();
    assert_eq!((entitlement.expires_at, entitlement.anchor_day), (datetime!(2027-01-31 23:59:59 +7), 31));
}

#[test]
fn months_are_counted_in_the_providers_zone() {
    // 30 January 23:30 in Jakarta is 31 January further east.
    let expires_at = datetime!(2027-01-30 16:30 UTC);
    let grants = [
        Grant { reason: Reason::Import { sets_package: true, expires_at: Some(expires_at) }, ..import() },
        renewal(2, home20(), datetime!(2027-01-20 00:00 UTC), LateRenewal::FromPayment),
    ];
    for (zone, anchor_day, expected) in [
        (Zone::Jakarta, 30, datetime!(2027-02-28 23:59:59 +7)),
        (Zone::Makassar, 31, datetime!(2027-02-28 23:59:59 +8)),
        (Zone::Jayapura, 31, datetime!(2027-02-28 23:59:59 +9)),
    ] {
        let entitlement = fold(&grants, zone).unwrap().unwrap();
        assert_eq!((entitlement.expires_at, entitlement.anchor_day), (expected, anchor_day), "{zone}");
    }
}

#[test]
fn the_first_grant_of_all_starts_when_it_is_paid() {
    let grant = renewal(1, home20(), datetime!(2026-11-05 09:00 +7), LateRenewal::FromExpiry);
    let entitlement = fold([&grant], ZONE).unwrap().unwrap();
    assert_eq!((entitlement.expires_at, entitlement.anchor_day), (datetime!(2026-12-05 23:59:59 +7), 5));
    assert_eq!(fold([], ZONE), Ok(None));
}

#[test]
fn who_paid_has_paid_until_the_last_day_is_over() {
    let paid = fold([&renewal(1, home20(), datetime!(2026-11-10 00:48 +7), LateRenewal::FromPayment)], ZONE);
    let paid = paid.unwrap().unwrap();
    assert_eq!(paid.expires_at, datetime!(2026-12-10 23:59:59 +7));
    for (at, has_paid) in [
        (datetime!(2026-12-10 00:30 +7), true),
        (datetime!(2026-12-10 12:00 +7), true),
        (datetime!(2026-12-11 00:00 +7), false),
    ] {
        assert_eq!(paid.has_paid(at), has_paid, "{at}");
    }
}

#[test]
fn money_that_went_back_is_worth_nothing_with_another_package_too() {
    let [begin, mut paid, package] = <[Grant; 3]>::try_from(corrected(true, None)).unwrap();
    let at = datetime!(2026-11-10 12:00 +7);
    paid.give_back(Return { sequence: 3, amount: Rupiah::new(300_000), at }).unwrap();
    let after = fold([&begin, &paid, &Grant { sequence: 4, ..package }], ZONE).unwrap().unwrap();
    assert_eq!((after.package.id.as_str(), after.unused(at)), ("home50", Ok(Rupiah::ZERO)));
}

/// What the provider's records say at noon on 15 November, after November was paid for with `home20`, Rp300.000.
fn corrected(sets_package: bool, expires_at: Option<OffsetDateTime>) -> Vec<Grant> {
    let begin = Grant {
        reason: Reason::Import { sets_package: true, expires_at: Some(datetime!(2026-10-31 23:59:59 +7)) },
        granted_at: datetime!(2026-10-20 12:00 +7),
        ..import()
    };
    let paid = renewal(2, home20(), datetime!(2026-10-25 12:00 +7), LateRenewal::FromPayment);
    let correction = Grant {
        sequence: 3,
        reason: Reason::Import { sets_package, expires_at },
        package: package("home50", 500_000),
        granted_at: datetime!(2026-11-15 12:00 +7),
        ..import()
    };
    vec![begin, paid, correction]
}

#[test]
fn an_import_sets_what_it_says_and_leaves_the_rest_as_payments_made_it() {
    let at = datetime!(2026-11-15 23:59:59 +7);
    let after = |grants: &[Grant]| {
        let after = fold(grants, ZONE).unwrap().unwrap();
        let unused = [after.unused(at).unwrap(), after.unused_recorded(at).unwrap()];
        (after.package.id.to_string(), after.expires_at, unused.map(Rupiah::get))
    };
    let [november, december] = [datetime!(2026-11-30 23:59:59 +7), datetime!(2026-12-30 23:59:59 +7)];
    let ended = datetime!(2026-10-31 23:59:59 +7);
    let mut package = corrected(true, None);
    assert_eq!(after(&package), ("home50".into(), november, [150_000, 150_000]), "what was paid counts on");
    package[1].revoked = true;
    assert_eq!(after(&package), ("home50".into(), ended, [0, 0]), "the expiry that payments made is not frozen");
    let longer = corrected(false, Some(december));
    assert_eq!(after(&longer), ("home20".into(), december, [450_000, 150_000]), "nobody paid for December");
    let shorter = corrected(false, Some(at));
    assert_eq!(after(&shorter), ("home20".into(), at, [0, 0]));
    let mut unpaid = corrected(true, Some(december));
    unpaid.remove(1);
    assert_eq!(after(&unpaid), ("home50".into(), december, [737_704, 0]), "all at list price from 15 November on");
}

#[test]
fn unused_service_is_worth_its_share_of_what_was_paid_for_it() {
    // Renewed for November at Rp300.000 and, after a rise of the price, for December at Rp310.000. Home 20 was imported
    // for October.
    let import = Grant {
        reason: Reason::Import { sets_package: true, expires_at: Some(datetime!(2026-10-31 23:59:59 +7)) },
        granted_at: datetime!(2026-10-01 00:00 +7),
        ..import()
    };
    let paid_at = datetime!(2026-10-20 00:00 +7);
    let grants = [
        import,
        renewal(2, home20(), paid_at, LateRenewal::FromPayment),
        renewal(3, package("home20", 310_000), paid_at, LateRenewal::FromPayment),
    ];
    let entitlement = fold(&grants, ZONE).unwrap().unwrap();
    for (at, unused) in [
        (datetime!(2026-10-31 23:59:59 +7), 610_000),
        (datetime!(2026-11-15 23:59:59 +7), 460_000),
        (datetime!(2026-11-30 23:59:59 +7), 310_000),
        (datetime!(2026-12-30 23:59:59 +7), 10_000),
        // Rp310.000 for 2.678.400 seconds: less than Rp1 is not counted.
        (datetime!(2026-12-31 23:59:51 +7), 0),
        (datetime!(2026-12-31 23:59:59 +7), 0),
        (datetime!(2028-01-01 00:00 +7), 0),
    ] {
        assert_eq!(entitlement.unused(at), Ok(Rupiah::new(unused)), "{at}");
    }
}

#[test]
fn imported_service_is_worth_the_price_of_its_package() {
    for (package, expires, at, unused) in [
        (home20(), datetime!(2026-11-30 00:00 +7), datetime!(2026-11-15 00:00 +7), 145_161), // 15 of 31 days
        (home20(), datetime!(2026-11-30 00:00 +7), datetime!(2026-12-15 00:00 +7), 0),
        (home20(), datetime!(2027-01-31 00:00 +7), datetime!(2026-10-31 00:00 +7), 900_000),
        (home20(), datetime!(2027-01-31 00:00 +7), datetime!(2026-10-30 00:00 +7), 907_317), // 93 of the 123 days of four periods
        (
            Package { period_months: 3, ..home20() },
            datetime!(2027-01-31 00:00 +7),
            datetime!(2026-10-31 00:00 +7),
            300_000,
        ),
        (package("free", 0), datetime!(2027-01-31 00:00 +7), datetime!(2026-10-31 00:00 +7), 0),
        // Nobody paid for what has no end in sight: it counts as two years.
        (home20(), datetime!(2099-10-31 00:00 +7), datetime!(2026-10-31 00:00 +7), 24 * 300_000),
        (home20(), datetime!(9999-12-31 00:00 +7), datetime!(2026-10-31 00:00 +7), 24 * 300_000),
    ] {
        let entitlement = Entitlement::imported(&package, expires, at, ZONE);
        let value = entitlement.stretches.iter().map(|stretch| stretch.unused(at).unwrap().get()).sum::<i64>();
        assert!((value - unused).abs() <= 2, "{expires} {at}: {value}");
    }
}

#[test]
fn what_is_used_up_is_not_kept() {
    let mut grants = vec![import()];
    let month = |sequence: u32| {
        ZONE.add_months(datetime!(2026-11-25 10:00 +7), i32::try_from(sequence).unwrap() - 2, 25).unwrap()
    };
    grants.extend((2..38).map(|sequence| renewal(sequence, home20(), month(sequence), LateRenewal::FromPayment)));
    let entitlement = fold(&grants, ZONE).unwrap().unwrap();
    assert_eq!(entitlement.stretches.len(), 2, "the month that runs, and the one just paid");
}

#[test]
fn who_pays_years_ahead_has_a_bounded_profile_and_the_same_value() {
    let mut grants = vec![import()];
    grants.extend((2..62).map(|sequence| renewal(sequence, home20(), crate::examples::NOW, LateRenewal::FromPayment)));
    let entitlement = fold(&grants, ZONE).unwrap().unwrap();
    let import = fold(&grants[..1], ZONE).unwrap().unwrap();
    let value = |entitlement: &Entitlement| entitlement.unused(crate::examples::NOW).unwrap().get();
    assert_eq!(entitlement.stretches.len(), STRETCHES);
    // Joining spreads the import's month and those behind it evenly: months differ by three days, not more.
    assert!((value(&entitlement) - value(&import) - 60 * 300_000).abs() < 300_000, "{}", value(&entitlement));
}

#[test]
fn the_end_of_the_calendar_is_an_error_and_no_panic() {
    let grant = Grant {
        reason: Reason::Import { sets_package: true, expires_at: Some(datetime!(9999-12-31 23:59:59 UTC)) },
        ..import()
    };
    let forever = extend(None, &grant, ZONE).unwrap();
    let at = datetime!(2026-11-05 09:00 +7);
    assert_eq!(forever.unused(at), Ok(Rupiah::ZERO), "nothing that could be counted");
    let next = renewal(2, home20(), at, LateRenewal::FromPayment);
    assert_eq!(extend(Some(forever), &next, ZONE), Err(FoldError::Calendar(OutOfCalendar)));
}

mod properties;
