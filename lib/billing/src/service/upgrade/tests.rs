//! One test for each sentence of the rules, in their order.

mod choosing;

use time::macros::{date, datetime};

use super::*;
use crate::examples::{self, EXPIRY, NOW};
use crate::id::InvoiceId;
use crate::money::credit::use_credit;
use crate::money::ledger::EntryKind;
use crate::payment::invoice::OrderKey;
use crate::payment::order::Order;
use crate::service::apply::{self, grant, revoke};
use crate::service::entitlement::{Grant, LateRenewal, Reason, extend, fold};
use crate::zone::{Zone, later};

const FULL_PRICE: UpgradeRules = UpgradeRules { zone: Zone::Jakarta, pricing: UpgradePricing::FullPrice };
const PRORATED: UpgradeRules = UpgradeRules { zone: Zone::Jakarta, pricing: UpgradePricing::Prorated };
const APPLY: apply::ApplyRules = apply::ApplyRules { zone: Zone::Jakarta, late: LateRenewal::FromPayment };
/// Half of the 31 days that end with 30 November are left: Rp150.000 of Rp300.000.
const HALFWAY: OffsetDateTime = datetime!(2026-11-15 11:59:59 +7);

fn home10() -> Package {
    Package { name: "Home 10".into(), ..examples::package("home10", 100_000) }
}

fn home50() -> Package {
    Package { name: "Home 50".into(), ..examples::package("home50", 500_000) }
}

fn free() -> Package {
    examples::package("free", 0)
}

/// A month of Home 20, paid at the end of 30 October.
fn first_month() -> Grant {
    let (paid_at, late) = (datetime!(2026-10-30 23:59:59 +7), LateRenewal::FromPayment);
    let invoice_id = InvoiceId::parse("inv_0").unwrap();
    let reason = Reason::Renewal { invoice_id, settlement_no: 1, paid_at, money: Rupiah::new(300_000), late };
    Grant { reason, granted_at: paid_at, ..examples::import() }
}

/// Served with Home 20 until the end of 30 November; nothing is open.
fn budi() -> Profile {
    Profile {
        entitlement: extend(None, &first_month(), Zone::Jakarta).unwrap(),
        open_renewal: None,
        ..examples::profile()
    }
}

/// The same, but as the provider's records say it: nobody knows what was paid.
fn imported() -> Profile {
    let import = Grant { granted_at: datetime!(2026-10-30 23:59:59 +7), ..examples::import() };
    Profile { entitlement: extend(None, &import, Zone::Jakarta).unwrap(), ..budi() }
}

fn new(number: u32) -> NewInvoice {
    NewInvoice {
        id: InvoiceId::parse(&format!("inv_{number}")).unwrap(),
        number: format!("INV-2026-{number:06}"),
        due_date: date!(2026 - 11 - 22),
    }
}

/// The invoice for a change, as it stands once it is paid.
fn paid(profile: &Profile, package: &Package, rules: UpgradeRules, at: OffsetDateTime) -> (Invoice, Profile) {
    let preview = preview(profile, package, rules, at).unwrap();
    let opened = open(profile, &preview, None, new(2), at).unwrap();
    let invoice = Invoice {
        status: InvoiceStatus::Paid,
        received: opened.invoice.amount,
        settlement_no: 1,
        paid_at: Some(at),
        ..opened.invoice
    };
    (invoice, opened.profile)
}

/// The profile after a change that is paid at once.
fn changed(profile: &Profile, package: &Package, rules: UpgradeRules, at: OffsetDateTime) -> Profile {
    let (invoice, profile) = paid(profile, package, rules, at);
    grant(&invoice, &profile, None, APPLY, at).unwrap().profile
}

fn until(profile: &Profile) -> OffsetDateTime {
    profile.entitlement.expires_at
}

#[test]
fn a_grant_stores_inputs_and_never_results() {
    let (invoice, profile) = paid(&budi(), &home50(), FULL_PRICE, HALFWAY);
    let stored = serde_json::to_value(grant(&invoice, &profile, None, APPLY, HALFWAY).unwrap().grant).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stored), ["customer_id", "sequence", "reason", "package", "revoked", "granted_at"]);
    assert_eq!(
        names(&stored["reason"]),
        ["kind", "invoice_id", "settlement_no", "paid_at", "money", "charge", "difference_until"]
    );
}

#[test]
fn the_entitlement_is_a_pure_function_of_the_live_grants() {
    let grants = [
        first_month(),
        examples::upgrade(2, home50(), HALFWAY),
        examples::renewal(3, home50(), HALFWAY, LateRenewal::FromPayment),
    ];
    let renewed = |profile: Profile| extend(Some(profile.entitlement), &grants[2], Zone::Jakarta).unwrap();
    assert_eq!(
        fold(&grants, Zone::Jakarta).unwrap().unwrap(),
        renewed(changed(&budi(), &home50(), FULL_PRICE, HALFWAY))
    );
}

#[test]
fn revoking_a_grant_in_the_middle_refolds_the_rest() {
    let import = Grant { granted_at: datetime!(2026-10-30 23:59:59 +7), ..examples::import() };
    let renewal = examples::renewal(2, examples::package("home20", 300_000), HALFWAY, LateRenewal::FromPayment);
    let upgrade = examples::upgrade(3, home50(), HALFWAY);
    let last = examples::renewal(4, home50(), HALFWAY, LateRenewal::FromPayment);
    let end = |grants: &[&Grant]| fold(grants.iter().copied(), Zone::Jakarta).unwrap().unwrap().expires_at;
    let revoked = |grant: &Grant| Grant { revoked: true, ..grant.clone() };
    // Without the renewal its Rp300.000 buy no days of Home 50; without the upgrade the last renewal buys days of Home
    // 20.
    assert_eq!(end(&[&import, &revoked(&renewal), &upgrade, &last]), end(&[&import, &upgrade, &last]));
    assert_eq!(end(&[&import, &renewal, &revoked(&upgrade), &last]), end(&[&import, &renewal, &last]));
    assert_eq!(
        end(&[&import, &renewal, &revoked(&upgrade), &last]),
        datetime!(2027-02-19 23:59:59 +7),
        "a month, and two thirds of the next"
    );
}

#[test]
fn an_import_after_a_change_sets_package_and_expiry() {
    let upgraded = changed(&budi(), &home50(), FULL_PRICE, HALFWAY);
    let import = Grant { sequence: 3, ..examples::import() };
    let after = extend(Some(upgraded.entitlement), &import, Zone::Jakarta).unwrap();
    assert_eq!((after.package.id, after.expires_at), (import.package.id, EXPIRY));
}

#[test]
fn a_renewal_paid_at_another_packages_price_buys_days_at_the_price_of_the_package_then_active() {
    let upgraded = changed(&budi(), &home50(), FULL_PRICE, HALFWAY);
    let renewal = examples::renewal(3, examples::package("home20", 300_000), HALFWAY, LateRenewal::FromPayment);
    let after = extend(Some(upgraded.entitlement), &renewal, Zone::Jakarta).unwrap();
    assert_eq!(after.package, home50());
    // Rp500.000 + Rp150.000 + Rp300.000 are one month and 0.9 of the 31 days from 15 December on.
    assert_eq!(after.expires_at, datetime!(2027-01-12 23:59:59 +7));
}

#[test]
fn at_full_price_the_invoice_is_the_new_packages_price() {
    for package in [home10(), home50()] {
        let (invoice, _) = paid(&budi(), &package, FULL_PRICE, HALFWAY);
        assert_eq!((invoice.amount, invoice.kind, &invoice.package), (package.price, InvoiceKind::Upgrade, &package));
        assert_eq!(invoice.description, format!("Ganti paket ke {}", package.name));
    }
}

#[test]
fn at_full_price_a_new_period_starts_with_the_payment_and_unused_value_is_carried_over_as_days_at_the_new_price() {
    // A month from 15 November, and Rp150.000 / Rp500.000 of the 31 days after that: 9,3 days.
    let shown = preview(&budi(), &home50(), FULL_PRICE, HALFWAY).unwrap();
    assert_eq!((shown.amount, shown.unused, shown.carried_over_days), (Rupiah::new(500_000), Rupiah::new(150_000), 9));
    assert_eq!((shown.new_expires_at, shown.to_credit), (datetime!(2026-12-24 23:59:59 +7), Rupiah::ZERO));
    assert_eq!(
        until(&changed(&budi(), &home50(), FULL_PRICE, HALFWAY)),
        shown.new_expires_at,
        "what is shown is what happens"
    );
    // Downwards: one and a half times the price are a month and half of the one after it.
    let shown = preview(&budi(), &home10(), FULL_PRICE, HALFWAY).unwrap();
    assert_eq!(
        (shown.amount, shown.carried_over_days, shown.new_expires_at),
        (Rupiah::new(100_000), 46, datetime!(2027-01-30 23:59:59 +7))
    );
}

#[test]
fn after_the_expiry_nothing_is_carried_over() {
    let late = datetime!(2026-12-31 10:00 +7);
    let shown = preview(&budi(), &home50(), FULL_PRICE, late).unwrap();
    assert_eq!((shown.unused, shown.carried_over_days), (Rupiah::ZERO, 0));
    assert_eq!(shown.new_expires_at, datetime!(2027-01-31 23:59:59 +7));
    let renewed = examples::renewal(3, home50(), datetime!(2027-01-20 10:00 +7), LateRenewal::FromPayment);
    let after =
        extend(Some(changed(&budi(), &home50(), FULL_PRICE, late).entitlement), &renewed, Zone::Jakarta).unwrap();
    assert_eq!(
        (after.expires_at, after.anchor_day),
        (datetime!(2027-02-28 23:59:59 +7), 31),
        "the last of the month stays the last"
    );
}

#[test]
fn prorated_the_difference_for_the_time_left_is_paid_and_the_expiry_stays() {
    // At midnight 16 days were left: Rp266.666 of Home 50, less Rp154.838 of Home 20.
    let midnight = datetime!(2026-11-15 00:00 +7);
    let shown = preview(&budi(), &home50(), PRORATED, midnight).unwrap();
    assert_eq!(shown.amount, Rupiah::new(111_828));
    assert_eq!((shown.new_expires_at, shown.to_credit), (EXPIRY, Rupiah::ZERO));
    assert_eq!(shown.carried_over_days, 9, "of the 16 days");
}

#[test]
fn prorated_what_the_time_left_no_longer_costs_is_credit_and_the_expiry_stays() {
    // The difference of the day, paid at noon: Rp150.000 + Rp111.828, and the 15,5 days cost Rp258.333.
    let shown = preview(&budi(), &home50(), PRORATED, HALFWAY).unwrap();
    assert_eq!((shown.amount.get(), shown.to_credit.get(), shown.new_expires_at), (111_828, 3_495, EXPIRY));
    let (invoice, profile) = paid(&budi(), &home50(), PRORATED, HALFWAY);
    let paid_at =
        |at| grant(&Invoice { paid_at: Some(at), ..invoice.clone() }, &profile, None, APPLY, at).unwrap().profile;
    let at_once = paid_at(HALFWAY);
    assert_eq!((at_once.credit.get(), until(&at_once), at_once.entitlement.paid_until()), (3_495, EXPIRY, EXPIRY));
    let day_later = paid_at(HALFWAY + Duration::DAY);
    assert_eq!((day_later.credit.get(), until(&day_later)), (10_484, EXPIRY), "a day less of the dearer package");
}

#[test]
fn prorated_an_offer_lapses_with_the_time_that_it_is_for_and_money_that_still_comes_is_credit() {
    let last_evening = datetime!(2026-11-30 20:00 +7);
    let (invoice, profile) = paid(&budi(), &home50(), PRORATED, last_evening);
    let offered = Invoice { status: InvoiceStatus::Unpaid, received: Rupiah::ZERO, ..invoice.clone() };
    assert!(!offered.is_lapsed(EXPIRY - Duration::SECOND) && offered.is_lapsed(EXPIRY));
    // Rounded up, these few thousand rupiah would be a day of Home 50, every day anew.
    let next_day = datetime!(2026-12-01 00:01 +7);
    let late = Invoice { paid_at: Some(next_day), ..invoice.clone() };
    let done = grant(&late, &profile, None, APPLY, next_day).unwrap().profile;
    assert_eq!((until(&done), done.credit, &done.entitlement.package), (EXPIRY, invoice.amount, &home50()));
    assert_eq!(preview(&done, &home10(), PRORATED, next_day).unwrap().amount, home10().price);
}

#[test]
fn prorated_a_difference_pays_for_no_time_that_a_renewal_added_since() {
    let last_morning = datetime!(2026-11-30 08:00 +7);
    let (invoice, profile) = paid(&budi(), &home50(), PRORATED, last_morning);
    let renewal = examples::renewal(2, examples::package("home20", 300_000), last_morning, LateRenewal::FromPayment);
    let renewed = extend(Some(profile.entitlement), &renewal, Zone::Jakarta).unwrap();
    let done = grant(&invoice, &Profile { entitlement: renewed, ..budi() }, None, APPLY, last_morning).unwrap().profile;
    // Rp300.000 of a month of Home 50, two thirds of a day of Home 20, and the difference of this day.
    assert_eq!((until(&done), done.credit), (datetime!(2026-12-19 23:59:59 +7), Rupiah::ZERO));
}

#[test]
fn to_and_fro_all_day_makes_neither_money_nor_days() {
    for rules in [FULL_PRICE, PRORATED] {
        let mut at = datetime!(2026-11-30 08:00 +7);
        let (mut profile, mut paid_in) = (budi(), Rupiah::ZERO);
        let value = |profile: &Profile, at| profile.entitlement.unused(at).unwrap().plus(profile.credit).unwrap();
        let begun = value(&profile, at);
        while at < datetime!(2026-12-01 06:00 +7) {
            for package in [home50(), home10(), free(), home10()] {
                paid_in = paid_in.plus(preview(&profile, &package, rules, at).unwrap().amount).unwrap();
                profile = changed(&profile, &package, rules, at);
                assert!(value(&profile, at) <= begun.plus(paid_in).unwrap(), "{at}");
                at += Duration::minutes(7);
            }
        }
        // What buys days buys no more than they cost, but for the last of them.
        let cost = cost(&home10(), at, until(&profile), Zone::Jakarta).unwrap();
        let over = cost.minus(profile.entitlement.unused(at).unwrap()).unwrap();
        assert!(over.get() <= home10().price.get() / 28, "{over}");
    }
}

#[test]
fn prorated_the_amount_holds_until_midnight() {
    let amount = |at| preview(&budi(), &home50(), PRORATED, at).unwrap().amount.get();
    let day = [datetime!(2026-11-15 00:00 +7), HALFWAY, datetime!(2026-11-15 23:59:59 +7)].map(amount);
    assert_eq!((day, amount(datetime!(2026-11-16 00:00 +7))), ([111_828; 3], 104_838));
}

#[test]
fn prorated_a_second_change_of_the_day_pays_for_no_hour_before_the_first() {
    let first = changed(&budi(), &home50(), FULL_PRICE, HALFWAY);
    let dearer = examples::package("home100", 1_000_000);
    let shown = preview(&first, &dearer, PRORATED, HALFWAY + Duration::HOUR).unwrap();
    // The value that is left is paid for once more, not what there would be since midnight.
    assert_eq!(shown.amount, Rupiah::new(650_000));
}

#[test]
fn prorated_with_no_time_left_a_period_is_paid() {
    let shown = preview(&budi(), &home50(), PRORATED, datetime!(2026-12-05 10:00 +7)).unwrap();
    assert_eq!((shown.amount, shown.new_expires_at), (Rupiah::new(500_000), datetime!(2027-01-05 23:59:59 +7)));
    assert!(shown.terms.new_period());
}

#[test]
fn an_amount_of_zero_or_less_is_settled_at_once_without_a_gateway_and_the_surplus_is_credit() {
    // 15,5 of 30 days of Home 10 are Rp51.666; Rp150.000 were left.
    let shown = preview(&budi(), &home10(), PRORATED, HALFWAY).unwrap();
    assert_eq!(
        (shown.amount, shown.terms.charge, shown.to_credit),
        (Rupiah::ZERO, Rupiah::new(-98_334), Rupiah::new(98_334))
    );
    let opened = open(&budi(), &shown, None, new(2), HALFWAY).unwrap();
    assert_eq!(
        (opened.invoice.status, opened.invoice.settlement_no, opened.invoice.awaits_apply()),
        (InvoiceStatus::Paid, 1, true)
    );
    assert!(matches!(opened.event, Event::PaymentSettled { amount: Rupiah::ZERO, settlement_no: 1, .. }));
    let done = grant(&opened.invoice, &opened.profile, None, APPLY, HALFWAY).unwrap();
    assert_eq!((done.profile.credit, &done.profile.entitlement.package), (Rupiah::new(98_334), &home10()));
    assert_eq!(until(&done.profile), EXPIRY);
    let entries: Vec<_> = done.entries.iter().map(|entry| (entry.kind, entry.amount.get())).collect();
    assert_eq!(entries, [(EntryKind::Unused, 98_334)]);
}

#[test]
fn a_package_without_a_price_is_served_for_a_period_and_all_that_was_left_is_credit() {
    for rules in [FULL_PRICE, PRORATED] {
        let shown = preview(&budi(), &free(), rules, HALFWAY).unwrap();
        assert_eq!((shown.amount, shown.carried_over_days, shown.to_credit), (Rupiah::ZERO, 0, Rupiah::new(150_000)));
        assert_eq!(shown.new_expires_at, datetime!(2026-12-15 23:59:59 +7));
        let done = changed(&budi(), &free(), rules, HALFWAY);
        assert_eq!((done.credit, done.entitlement.unused(HALFWAY)), (Rupiah::new(150_000), Ok(Rupiah::ZERO)));
        let back = preview(&done, &home50(), FULL_PRICE, HALFWAY).unwrap();
        assert_eq!((back.amount, back.unused, back.carried_over_days), (home50().price, Rupiah::ZERO, 0));
    }
}

#[test]
fn a_charge_that_no_gateway_takes_is_asked_as_it_is_and_makes_no_credit() {
    for price in [1, 700, 999, 1_000] {
        let expired = datetime!(2026-12-05 10:00 +7);
        let shown = preview(&budi(), &examples::package("mini", price), FULL_PRICE, expired).unwrap();
        assert_eq!(
            (shown.amount.get(), shown.to_credit, shown.new_expires_at),
            (price, Rupiah::ZERO, datetime!(2027-01-05 23:59:59 +7))
        );
        let opened = open(&budi(), &shown, None, new(2), expired).unwrap();
        let standing = LinkedInvoice { invoice: &opened.invoice, order: None };
        let used = use_credit(standing, &opened.profile, expired).unwrap();
        assert_eq!(used.is_some_and(|used| used.invoice.carried == shown.amount), price < 1_000, "{price}");
        let done = changed(&budi(), &shown.package, FULL_PRICE, expired);
        assert_eq!((done.credit, until(&done)), (Rupiah::ZERO, shown.new_expires_at));
    }
}

#[test]
fn the_open_change_is_held_on_the_profile() {
    let shown = preview(&budi(), &home50(), FULL_PRICE, NOW).unwrap();
    let opened = open(&Profile { open_renewal: Some(new(1).id), ..budi() }, &shown, None, new(2), NOW).unwrap();
    assert_eq!((opened.profile.open_upgrade, opened.profile.open_renewal), (Some(new(2).id), Some(new(1).id)));
    assert!(matches!(opened.event, Event::InvoiceIssued { amount, .. } if amount == home50().price));
    assert_eq!((opened.invoice.status, opened.invoice.wake_at), (InvoiceStatus::Unpaid, None));
}

#[test]
fn the_same_choice_is_the_same_invoice_and_another_one_replaces_it() {
    let shown = preview(&budi(), &home50(), FULL_PRICE, NOW).unwrap();
    let invoice = open(&budi(), &shown, None, new(2), NOW).unwrap().invoice;
    let decide = |open: Option<&Invoice>, preview: &Preview| decide(&budi(), open, preview, NOW);
    assert_eq!((decide(None, &shown), decide(Some(&invoice), &shown)), (Decision::Open, Decision::Same));
    let dearer = Preview { amount: Rupiah::new(1), ..shown.clone() };
    let renamed = Preview { package: Package { name: "Home 50 Plus".into(), ..home50() }, ..shown.clone() };
    for other in [preview(&budi(), &home10(), FULL_PRICE, NOW).unwrap(), dearer, renamed] {
        assert_eq!(decide(Some(&invoice), &other), Decision::Replace);
    }
    let order = examples::order();
    let held = Some(OrderKey { gateway: order.gateway, order_id: order.id });
    let in_review = Invoice { in_review: held, ..invoice.clone() };
    let other = preview(&budi(), &home10(), FULL_PRICE, NOW).unwrap();
    assert_eq!(
        (decide(Some(&in_review), &shown), decide(Some(&in_review), &other)),
        (Decision::Same, Decision::Underway)
    );
    let paid = Invoice { status: InvoiceStatus::Paid, settlement_no: 1, ..invoice.clone() };
    let reversed = Invoice { granted: Some(1), settlement_no: 1, ..invoice.clone() };
    for underway in [&paid, &reversed] {
        assert_eq!(decide(Some(underway), &shown), Decision::Underway);
    }
    for over in [Invoice { granted: Some(1), ..paid.clone() }, Invoice { status: InvoiceStatus::Cancelled, ..invoice }]
    {
        assert_eq!(decide(Some(&over), &shown), Decision::Open);
    }
}

#[test]
fn choices_are_not_free_to_make() {
    let shown = preview(&budi(), &home50(), FULL_PRICE, NOW).unwrap();
    let mut profile = budi();
    for number in 0..ATTEMPTS {
        let at = later(NOW, Duration::minutes(number.into()));
        assert_eq!(decide(&profile, None, &shown, at), Decision::Open);
        profile = open(&profile, &shown, None, new(number), at).unwrap().profile;
    }
    let last = open(&profile, &shown, None, new(99), NOW).unwrap().invoice;
    let at = later(NOW, Duration::minutes(50));
    assert_eq!(decide(&profile, None, &shown, at), Decision::TooMany { retry_after: 600 });
    assert_eq!(decide(&profile, Some(&last), &shown, at), Decision::Same, "clicking again is");
    assert_eq!(decide(&profile, None, &shown, later(NOW, Duration::HOUR)), Decision::Open);
}

#[test]
fn a_new_choice_cancels_the_unpaid_one_gives_its_money_back_and_leaves_the_gateway_as_due_work() {
    let shown = preview(&budi(), &home50(), FULL_PRICE, NOW).unwrap();
    let opened = open(&budi(), &shown, None, new(2), NOW).unwrap();
    let first = Invoice { received: Rupiah::new(40_000), link: Some(examples::link()), ..opened.invoice };
    let order = Order { invoice_id: first.id.clone(), ..examples::order() };
    let other = preview(&opened.profile, &home10(), FULL_PRICE, NOW).unwrap();
    let standing = LinkedInvoice { invoice: &first, order: Some(&order) };
    let replaced = open(&opened.profile, &other, Some(standing), new(3), NOW).unwrap();
    let withdrawal = replaced.withdrawal.unwrap();
    assert_eq!(
        (withdrawal.invoice.status, withdrawal.invoice.link, withdrawal.entries.len()),
        (InvoiceStatus::Cancelled, None, 2)
    );
    let order = withdrawal.order.unwrap();
    assert_eq!((order.cancel_wanted_since.is_some(), order.wake_at), (true, Some(NOW)));
    assert_eq!((replaced.profile.credit, replaced.profile.open_upgrade), (Rupiah::new(40_000), Some(new(3).id)));
}

#[test]
fn an_applied_change_cancels_an_unpaid_renewal_for_time_that_it_replaced() {
    let renewal = Invoice { received: Rupiah::new(50_000), link: Some(examples::link()), ..examples::invoice() };
    let with_renewal = Profile { open_renewal: Some(renewal.id.clone()), ..budi() };
    let (invoice, profile) = paid(&with_renewal, &home50(), FULL_PRICE, HALFWAY);
    assert_eq!(apply::replaced_renewal(&invoice, &profile), Some(&renewal.id));
    let standing = LinkedInvoice { invoice: &renewal, order: Some(&examples::order()) };
    let done = grant(&invoice, &profile, Some(standing), APPLY, HALFWAY).unwrap();
    let withdrawal = done.withdrawal.unwrap();
    assert_eq!(withdrawal.invoice.status, InvoiceStatus::Cancelled);
    assert!(withdrawal.order.unwrap().cancel_wanted_since.is_some(), "as due work");
    assert_eq!(
        (done.profile.open_renewal, done.profile.open_upgrade, done.profile.credit),
        (None, None, Rupiah::new(50_000))
    );
    assert_eq!(done.profile.entitlement.package, home50(), "both are in one profile");
    // One that was paid meanwhile is not touched: it will buy days of the new package.
    let settled = Invoice { status: InvoiceStatus::Paid, settlement_no: 1, ..renewal };
    let done =
        grant(&invoice, &profile, Some(LinkedInvoice { invoice: &settled, order: None }), APPLY, HALFWAY).unwrap();
    assert_eq!((done.withdrawal, done.profile.open_renewal), (None, Some(settled.id)));
}

#[test]
fn a_difference_replaces_no_time_so_the_renewal_stays() {
    let with_renewal = Profile { open_renewal: Some(new(1).id), ..budi() };
    let (invoice, profile) = paid(&with_renewal, &home50(), PRORATED, HALFWAY);
    assert_eq!(apply::replaced_renewal(&invoice, &profile), None);
}

#[test]
fn an_applied_change_is_told_with_both_packages_and_the_expiry() {
    let (invoice, profile) = paid(&budi(), &home50(), FULL_PRICE, HALFWAY);
    let done = grant(&invoice, &profile, None, APPLY, HALFWAY).unwrap();
    let told = Event::PackageChanged {
        customer_id: profile.id.clone(),
        invoice_id: invoice.id.clone(),
        settlement_no: 1,
        from_package_id: budi().entitlement.package.id,
        package_id: home50().id,
        expires_at: datetime!(2026-12-24 23:59:59 +7),
        version: profile.version + 1,
    };
    assert_eq!(done.events, [told]);
    assert_eq!((done.invoice.granted, done.invoice.wake_at), (Some(1), None));
}

#[test]
fn a_reversed_change_is_taken_back_with_what_it_made_credit() {
    let mini = examples::package("mini", 700);
    let (invoice, profile) = paid(&budi(), &mini, FULL_PRICE, datetime!(2026-12-05 10:00 +7));
    // More was agreed than the change costs.
    let invoice = Invoice { amount: Rupiah::new(1_000), received: Rupiah::new(1_000), ..invoice };
    let done = grant(&invoice, &profile, None, APPLY, NOW).unwrap();
    assert_eq!((done.profile.credit, &done.profile.entitlement.package), (Rupiah::new(300), &mini));
    let reversed =
        Invoice { status: InvoiceStatus::Unpaid, received: Rupiah::ZERO, wake_at: Some(NOW), ..done.invoice };
    let taken_back = revoke(&reversed, 1, &done.profile, &[first_month(), done.grant], APPLY, NOW).unwrap();
    assert_eq!((taken_back.profile.credit, &taken_back.profile.entitlement), (Rupiah::ZERO, &budi().entitlement));
    assert_eq!((taken_back.profile.open_upgrade, taken_back.profile.open_renewal), (Some(reversed.id), None));
    assert_eq!(
        taken_back.entries.iter().map(|entry| (entry.kind, entry.amount.get())).collect::<Vec<_>>(),
        [(EntryKind::Unused, -300)]
    );
    let kinds: Vec<_> = taken_back.events.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["subscription.reverted", "package.changed"]);
    assert!(
        matches!(&taken_back.events[1], Event::PackageChanged { from_package_id, .. } if *from_package_id == mini.id)
    );
}

#[test]
fn imported_service_buys_days_and_never_becomes_credit() {
    let (known, unknown) =
        (changed(&budi(), &home50(), FULL_PRICE, HALFWAY), changed(&imported(), &home50(), FULL_PRICE, HALFWAY));
    assert_eq!(until(&known), until(&unknown));
    for (package, rules) in [(free(), FULL_PRICE), (home10(), PRORATED)] {
        let shown = preview(&imported(), &package, rules, HALFWAY).unwrap();
        assert_eq!((shown.amount, shown.to_credit), (Rupiah::ZERO, Rupiah::ZERO));
        assert_eq!(changed(&imported(), &package, rules, HALFWAY).credit, Rupiah::ZERO);
    }
    // Nor later, through the days that it bought: only the Rp500.000 that were paid.
    let back = preview(&unknown, &free(), FULL_PRICE, HALFWAY).unwrap();
    assert_eq!((back.unused, back.to_credit), (Rupiah::new(650_000), Rupiah::new(500_000)));
}

#[test]
fn from_one_package_without_a_price_to_another_no_time_is_given() {
    let done = changed(&budi(), &free(), FULL_PRICE, HALFWAY);
    let other = preview(&done, &examples::package("free2", 0), FULL_PRICE, HALFWAY + Duration::days(20)).unwrap();
    assert_eq!((other.amount, other.new_expires_at), (Rupiah::ZERO, until(&done)));
}

#[test]
fn prorated_who_is_served_for_ever_or_for_nothing_pays_a_period() {
    let far = Grant {
        reason: Reason::Import { sets_package: true, expires_at: Some(datetime!(2099-12-31 16:59:59 UTC)) },
        ..examples::import()
    };
    let far = Profile { entitlement: extend(None, &far, Zone::Jakarta).unwrap(), ..budi() };
    let for_nothing = changed(&budi(), &free(), FULL_PRICE, HALFWAY);
    for profile in [far, for_nothing] {
        let shown = preview(&profile, &home50(), PRORATED, HALFWAY).unwrap();
        assert_eq!((shown.amount, shown.terms.new_period()), (home50().price, true));
    }
}

#[test]
fn prorated_nobody_is_paid_for_the_lengths_of_months() {
    let (paid_at, late) = (datetime!(2026-02-15 10:00 +7), LateRenewal::FromPayment);
    let invoice_id = InvoiceId::parse("inv_0").unwrap();
    let february = Grant {
        reason: Reason::Renewal { invoice_id, settlement_no: 1, paid_at, money: Rupiah::new(300_000), late },
        ..first_month()
    };
    let profile = Profile { entitlement: extend(None, &february, Zone::Jakarta).unwrap(), ..budi() };
    for package in [examples::package("twin", 300_000), examples::package("dearer", 301_000)] {
        let shown = preview(&profile, &package, PRORATED, datetime!(2026-03-01 10:00 +7)).unwrap();
        assert_eq!(shown.to_credit, Rupiah::ZERO, "{}", package.id);
    }
}

#[test]
fn an_offer_lapses_after_its_week_and_the_next_choice_takes_its_place() {
    let chosen = preview(&budi(), &home50(), FULL_PRICE, HALFWAY).unwrap();
    let opened = open(&budi(), &chosen, None, new(2), HALFWAY).unwrap();
    let (last_moment, later) = (HALFWAY + Duration::days(8) - Duration::SECOND, HALFWAY + Duration::days(8));
    assert!(!opened.invoice.is_lapsed(last_moment) && opened.invoice.is_lapsed(later));
    assert!(!opened.invoice.is_overdue(Zone::Jakarta, later));
    let link = crate::payment::link::decide(&opened.invoice, false, None, &[], later).unwrap();
    assert_eq!(link, crate::payment::link::LinkDecision::NotPayable);
    assert_eq!(decide(&opened.profile, Some(&opened.invoice), &chosen, last_moment), Decision::Same);
    assert_eq!(decide(&opened.profile, Some(&opened.invoice), &chosen, later), Decision::Replace);
}

#[test]
fn a_reversed_change_whose_place_was_taken_is_to_be_paid_no_more() {
    let (invoice, profile) = paid(&budi(), &home50(), FULL_PRICE, HALFWAY);
    let done = grant(&invoice, &profile, None, APPLY, HALFWAY).unwrap();
    let other = Some(InvoiceId::parse("inv_3").unwrap());
    let chosen_meanwhile = Profile { open_upgrade: other.clone(), ..done.profile };
    let reversed =
        Invoice { status: InvoiceStatus::Unpaid, received: Rupiah::ZERO, wake_at: Some(NOW), ..done.invoice };
    let taken_back = revoke(&reversed, 1, &chosen_meanwhile, &[first_month(), done.grant], APPLY, NOW).unwrap();
    assert_eq!((taken_back.invoice.status, taken_back.profile.open_upgrade), (InvoiceStatus::Cancelled, other));
    assert!(!taken_back.invoice.awaits_apply());
}

#[test]
fn a_renewal_that_is_reversed_after_a_downgrade_takes_back_the_credit_that_its_money_became() {
    let renewed =
        Invoice { status: InvoiceStatus::Paid, settlement_no: 1, paid_at: Some(HALFWAY), ..examples::invoice() };
    let first = grant(&renewed, &budi(), None, APPLY, HALFWAY).unwrap();
    let (invoice, profile) = paid(&first.profile, &free(), FULL_PRICE, HALFWAY);
    let second = grant(&invoice, &profile, None, APPLY, HALFWAY).unwrap();
    assert_eq!(second.profile.credit, Rupiah::new(450_000));
    let reversed = Invoice { status: InvoiceStatus::Unpaid, wake_at: Some(NOW), ..first.invoice };
    let done = revoke(&reversed, 1, &second.profile, &[first_month(), first.grant, second.grant], APPLY, NOW).unwrap();
    assert_eq!((done.profile.credit, done.profile.entitlement.package), (Rupiah::new(150_000), free()));
    assert_eq!(done.events.len(), 1, "the package is the same as before");
}

#[test]
fn days_are_the_providers() {
    // Until midnight in Jakarta; in Jayapura it is the next day already, and one day less is to be paid.
    let at = datetime!(2026-11-15 22:30 +7);
    let amount = |zone| preview(&budi(), &home50(), UpgradeRules { zone, ..PRORATED }, at).unwrap().amount.get();
    assert!(amount(Zone::Jakarta) > amount(Zone::Jayapura));
}
