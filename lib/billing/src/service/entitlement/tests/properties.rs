//! What holds for every history of grants: renewals, changes of package up and down, free packages, imports, in all
//! three zones.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{examples::upgrade, money::Rupiah};

const ZONES: [Zone; 3] = [Zone::Jakarta, Zone::Makassar, Zone::Jayapura];

fn packages() -> impl Strategy<Value = Package> {
    prop_oneof![
        3 => Just(home20()),
        2 => Just(package("home10", 150_000)),
        2 => Just(package("home50", 500_000)),
        1 => Just(package("mini", 700)),
        1 => Just(package("free", 0)),
        1 => Just(Package { period_months: 3, ..package("quarter", 800_000) }),
        // The price of home20 went up.
        1 => Just(package("home20", 333_333)),
    ]
}

/// Payments close to each other, early and late, on every day of the month and at every time of day.
fn instants() -> impl Strategy<Value = OffsetDateTime> {
    (0..400_i64, 0..86_400_i64)
        .prop_map(|(days, seconds)| datetime!(2026-01-01 00:00 UTC) + Duration::days(days) + Duration::seconds(seconds))
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let late = prop_oneof![Just(LateRenewal::FromPayment), Just(LateRenewal::FromExpiry)];
    let renewed =
        (packages(), instants(), late).prop_map(|(package, paid_at, late)| renewal(1, package, paid_at, late));
    let said = (any::<bool>(), prop::option::weighted(0.8, -30..400_i64));
    let imported = (packages(), instants(), said).prop_map(|(package, granted_at, (sets_package, days))| {
        let expires_at = days.map(|days| granted_at + Duration::days(days));
        let reason = Reason::Import { sets_package, expires_at };
        Grant { reason, package, granted_at, ..import() }
    });
    prop_oneof![5 => renewed, 4 => changed(), 1 => imported]
}

/// A change of package: at its price, at a difference, for a small amount, or with something to get back.
fn changed() -> impl Strategy<Value = Grant> {
    let charge = prop_oneof![3 => Just(None), 1 => (1..400_000_i64).prop_map(Some), 1 => (1..999_i64).prop_map(Some), 1 => (-300_000..=0_i64).prop_map(Some)];
    // An expiry that was agreed upon, which may have moved since; mostly days are bought.
    let difference_until = prop_oneof![2 => Just(None), 1 => (0..500_i64).prop_map(Some)];
    (packages(), instants(), charge, difference_until).prop_map(|(package, at, charge, until)| {
        let difference_until = until.map(|days| ZONE.day_end(datetime!(2026-01-01 00:00 UTC) + Duration::days(days)));
        let charge = Rupiah::new(charge.unwrap_or(package.price.get()));
        let money = if charge.is_positive() { charge.max(Rupiah::new(1_000)) } else { Rupiah::ZERO };
        let mut grant = upgrade(1, package, at);
        grant.reason = Reason::Upgrade {
            invoice_id: crate::id::InvoiceId::parse("inv_1").unwrap(),
            settlement_no: 1,
            paid_at: at,
            money,
            charge,
            difference_until,
        };
        grant
    })
}

/// An import, and what came after it.
fn history() -> impl Strategy<Value = Vec<Grant>> {
    vec(any_grant(), 1..10).prop_map(|more| {
        let numbered = (2..).zip(more).map(|(sequence, grant)| Grant { sequence, ..grant });
        std::iter::once(import()).chain(numbered).collect()
    })
}

fn paid(grant: &Grant) -> Option<(OffsetDateTime, Rupiah, bool)> {
    match grant.reason {
        Reason::Import { .. } => None,
        Reason::Renewal { paid_at, money, late, .. } => Some((paid_at, money, late == LateRenewal::FromExpiry)),
        Reason::Upgrade { paid_at, money, .. } => Some((paid_at, money, false)),
    }
}

fn differs_until(grant: &Grant) -> Option<OffsetDateTime> {
    match grant.reason {
        Reason::Upgrade { difference_until, .. } => difference_until,
        Reason::Import { .. } | Reason::Renewal { .. } => None,
    }
}

/// What the customer holds: unused service, and what changes of package made credit.
fn held(entitlement: &Entitlement, at: OffsetDateTime) -> i64 {
    entitlement.unused(at).unwrap().get() + entitlement.to_credit.get()
}

/// What an hour of it is worth at most. An import may set another package than the one that was paid for.
fn hourly(entitlement: &Entitlement) -> i64 {
    let paid = |stretch: &Stretch| stretch.paid.get() * 3_600 / (stretch.until - stretch.from).whole_seconds().max(1);
    let price = entitlement.package.price.get() / (28 * 24);
    entitlement.stretches.iter().map(paid).fold(price, i64::max)
}

fn day_apart(one: OffsetDateTime, other: OffsetDateTime) -> bool {
    (one - other).abs() <= Duration::DAY
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn folding_all_grants_is_extending_by_each(grants in history(), zone in prop::sample::select(&ZONES[..])) {
        let step_by_step = grants.iter().fold(None, |entitlement, grant| Some(extend(entitlement, grant, zone).unwrap()));
        prop_assert_eq!(fold(&grants, zone).unwrap(), step_by_step.clone());
        let shuffled: Vec<_> = grants.iter().rev().collect();
        prop_assert_eq!(fold(shuffled, zone).unwrap(), step_by_step);
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
            prop_assert!(after.expires_at >= before.expires_at);
            let buys = paid(&next).unwrap().1.is_positive() && before.package.price.is_positive();
            // Little money can be used up on a day that was given already.
            prop_assert!(!buys || after.paid_until() > before.paid_until() || after.expires_at == before.expires_at);
        }
    }

    #[test]
    fn a_payment_adds_its_money_to_what_the_customer_holds_to_the_rupiah(
        grants in history(), next in any_grant(), zone in prop::sample::select(&ZONES[..])
    ) {
        let before = fold(&grants, zone).unwrap().unwrap();
        let Some((at, money, charged_for_days_offline)) = paid(&next) else { return Ok(()) };
        if charged_for_days_offline && at > before.expires_at {
            return Ok(());
        }
        let after = extend(Some(before.clone()), &next, zone).unwrap();
        // The list price of imported service is worth days only: where it buys none, it is worth nothing.
        let imported = before.unused(at).unwrap().get() - before.unused_recorded(at).unwrap().get();
        let (now, expected) = (held(&after, at), held(&before, at) + money.get());
        prop_assert!(now <= expected && now >= expected - imported, "{} {}", now, expected);
    }

    #[test]
    fn what_is_given_back_is_taken_to_the_rupiah_from_what_the_customer_holds_and_moves_no_date(
        grants in history(), amount in 1..900_000_i64, late in 0..86_400_i64, zone in prop::sample::select(&ZONES[..])
    ) {
        let before = fold(&grants, zone).unwrap().unwrap();
        let last = grants.iter().filter_map(paid).map(|(at, ..)| at).max().unwrap_or(crate::examples::NOW);
        let at = last + Duration::seconds(late);
        let after = before.clone().give_back(Rupiah::new(amount), at).unwrap();
        prop_assert_eq!((&after.package, after.expires_at, &after.purchase), (&before.package, before.expires_at, &before.purchase));
        let recorded = before.unused_recorded(at).unwrap().get();
        let taken = amount.min(recorded + before.to_credit.get());
        prop_assert_eq!(held(&before, at) - held(&after, at), taken);
        prop_assert!(after.to_credit == before.to_credit || amount > recorded, "unused service goes first");
        // In the fold it takes its place, whatever order the grants are read in.
        let mut returned = grants.clone();
        let sequence = 1 + u32::try_from(grants.len()).unwrap();
        returned[grants.len() - 1].give_back(Return { sequence, amount: Rupiah::new(amount), at }).unwrap();
        prop_assert_eq!(fold(returned.iter().rev(), zone).unwrap().unwrap(), after);
    }

    #[test]
    fn no_more_becomes_credit_than_was_paid(grants in history(), zone in prop::sample::select(&ZONES[..])) {
        let received: i64 = grants.iter().filter_map(paid).map(|(_, money, _)| money.get()).sum();
        prop_assert!(fold(&grants, zone).unwrap().unwrap().to_credit.get() <= received);
    }

    #[test]
    fn time_is_what_its_money_buys_at_the_price_to_the_rupiah_day(
        grants in history(), change in changed(), zone in prop::sample::select(&ZONES[..])
    ) {
        let before = fold(&grants, zone).unwrap().unwrap();
        let (at, ..) = paid(&change).unwrap();
        let (was_free, expired_at) = (!before.package.price.is_positive(), before.expires_at);
        let is_difference = differs_until(&change).is_some_and(|until| expired_at <= until);
        let after = extend(Some(before), &change, zone).unwrap();
        let price = i128::from(after.package.price.get());
        if price > 0 && is_difference {
            prop_assert_eq!(after.expires_at, zone.day_end(expired_at));
        } else if price > 0 {
            let value = i128::from(after.unused(at).unwrap().get());
            // The month that the last day falls into has 28 to 31 days, so days are compared in value: at most a day's
            // price apart.
            let cost = i128::from(stretch::cost(&after.package, at, after.expires_at, zone).unwrap().get());
            let day = price / (28 * i128::from(after.package.period_months)) + 1;
            prop_assert!((value - cost).abs() <= day, "{} {}", value, cost);
        } else if was_free {
            prop_assert_eq!(after.expires_at, zone.day_end(expired_at));
        } else {
            let period = zone.add_months(at, after.package.period_months.into(), zone.date(at).day()).unwrap();
            prop_assert_eq!(after.expires_at, zone.day_end(period));
        }
    }

    /// Also of an import that ends within a day, as soon as somebody paid.
    #[test]
    fn what_a_payment_made_ends_at_the_end_of_a_day_and_less_than_a_day_after_its_money(
        grants in history(), next in any_grant(), zone in prop::sample::select(&ZONES[..])
    ) {
        let before = fold(&grants, zone).unwrap().unwrap();
        let was_free = !before.package.price.is_positive();
        let after = extend(Some(before.clone()), &next, zone).unwrap();
        if paid(&next).is_none() || (was_free && after.expires_at == before.expires_at) {
            return Ok(());
        }
        prop_assert_eq!(after.expires_at, zone.end_of(zone.date(after.expires_at)));
        let given = after.expires_at - after.paid_until();
        prop_assert!(given >= Duration::ZERO, "{}", given);
        let moved = after.expires_at != zone.day_end(before.expires_at);
        prop_assert!(given < Duration::DAY || !moved || was_free, "{}", given);
    }

    /// To and fro at the same moment, at what the difference comes to: no money and no day is made of it.
    #[test]
    fn changing_to_and_fro_at_one_moment_makes_no_money_and_less_than_a_day(
        grants in history(), targets in vec(packages(), 1..12), at in instants(), prorated in any::<bool>(), zone in prop::sample::select(&ZONES[..])
    ) {
        let begun = fold(&grants, zone).unwrap().unwrap();
        let mut entitlement = begun.clone();
        let mut money = 0;
        for target in targets.into_iter().chain([begun.package.clone()]) {
            let has_a_difference = prorated && entitlement.paid_until() > at
                && target.price.is_positive() && entitlement.package.price.is_positive();
            let charge = if has_a_difference {
                let cost = stretch::cost(&target, at, entitlement.paid_until(), zone).unwrap();
                cost.minus(entitlement.unused(at).unwrap()).unwrap()
            } else {
                target.price
            };
            let paid = charge.max(Rupiah::ZERO);
            let difference_until = has_a_difference.then_some(entitlement.expires_at);
            let payment = PackagePayment { at, money: paid, charge, difference_until };
            entitlement = change(Some(&entitlement), &target, payment, zone).unwrap();
            money += paid.get();
            let (holds, put_in) = (held(&entitlement, at), held(&begun, at) + money);
            prop_assert!(holds <= put_in, "{} of {}", holds, put_in);
            if target.price.is_positive() {
                let days = entitlement.unused(at).unwrap();
                let (bought, _) = bought(&target, &Purchase { from: at, anchor_day: zone.date(at).day(), paid: days }, zone).unwrap();
                let given = entitlement.expires_at - bought;
                // What the time before already had is not more for it, and a rupiah of a cheap package is a day.
                let kept = begun.expires_at - begun.paid_until();
                let rupiah = Duration::seconds(31 * 86_400 * i64::from(target.period_months) / target.price.get());
                prop_assert!(given < Duration::DAY + kept.max(Duration::ZERO) + rupiah, "{}", given);
            }
        }
    }

    #[test]
    fn renewals_on_time_stay_at_the_end_of_their_day_and_gain_nothing(
        start in instants(), early in vec(0..2_000_000_i64, 1..14), zone in prop::sample::select(&ZONES[..])
    ) {
        let mut entitlement = extend(None, &renewal(1, home20(), start, LateRenewal::FromPayment), zone).unwrap();
        let (first, anchor_day) = (entitlement.expires_at, entitlement.anchor_day);
        for (months, early) in (1..).zip(early) {
            let at = entitlement.expires_at - Duration::seconds(early);
            entitlement = extend(Some(entitlement), &renewal(1, home20(), at, LateRenewal::FromPayment), zone).unwrap();
            prop_assert_eq!(entitlement.expires_at, zone.add_months(first, months, anchor_day).unwrap());
        }
    }

    /// A renewal invoiced before the change of package, and the change: whichever is paid first. Not with `from-expiry`
    /// after the expiry: paying the renewal first then is paying for days offline, which the change alone does not.
    #[test]
    fn change_and_renewal_paid_in_either_order_end_within_a_day_with_the_same_value(
        grants in history(), target in packages(), apart in 0..3_600_i64, zone in prop::sample::select(&ZONES[..]), at in instants()
    ) {
        let before = fold(&grants, zone).unwrap().unwrap();
        let later = at + Duration::seconds(apart);
        let renewed = |sequence, at| renewal(sequence, before.package.clone(), at, LateRenewal::FromPayment);
        // Not the question here: a month from 28 February and one from 1 March end four days apart, in whatever order
        // they are paid; and an hour on a package ten times as dear is worth ten hours of the other.
        let comparable = zone.date(at) == zone.date(later) && hourly(&before) < 10 * target.price.get() / (28 * 24);
        let later = if comparable { later } else { at };
        let both = |first: Grant, second: Grant| {
            let entitlement = extend(Some(before.clone()), &first, zone).unwrap();
            extend(Some(entitlement), &second, zone).unwrap()
        };
        if before.package.id == target.id || (!before.package.price.is_positive() && before.expires_at < later) {
            return Ok(());
        }
        let one = both(renewed(20, at), upgrade(21, target.clone(), later));
        let other = both(upgrade(20, target.clone(), at), renewed(21, later));
        prop_assert_eq!(&one.package, &other.package);
        prop_assert!(day_apart(one.expires_at, other.expires_at), "{} {}", one.expires_at, other.expires_at);
        let differ = (held(&one, later) - held(&other, later)).abs();
        let hour = hourly(&before).max(target.price.get() / (28 * 24)) + 2;
        prop_assert!(differ <= hour, "{}", differ);
    }
}
