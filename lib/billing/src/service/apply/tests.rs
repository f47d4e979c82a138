use time::macros::datetime;

use super::*;
use crate::examples::{self, NOW};
use crate::id::InvoiceId;
use crate::payment::invoice::Terms;
use crate::service::entitlement::{PackagePayment, change};
use crate::service::package::Package;

const RULES: ApplyRules = ApplyRules { zone: Zone::Jakarta, late: LateRenewal::FromPayment };

/// The invoice of the examples after its settlement number so much.
fn paid(settlement_no: u32) -> Invoice {
    Invoice {
        status: InvoiceStatus::Paid,
        received: examples::invoice().amount,
        settlement_no,
        paid_at: Some(NOW),
        wake_at: Some(NOW),
        ..examples::invoice()
    }
}

fn reversed(granted: u32) -> Invoice {
    Invoice { settlement_no: granted, granted: Some(granted), wake_at: Some(NOW), ..examples::invoice() }
}

#[track_caller]
fn check(status: InvoiceStatus, settlement_no: u32, granted: Option<u32>, todo: Todo) {
    let invoice = Invoice { status, settlement_no, granted, ..examples::invoice() };
    assert_eq!(next_step(&invoice), todo, "{status:?} settlement {settlement_no}, granted {granted:?}");
    assert_eq!(invoice.awaits_apply(), todo != Todo::Nothing, "what is to do is due, and nothing else");
}

#[test]
fn the_entitlement_follows_what_the_invoice_says_now() {
    use InvoiceStatus::{Cancelled, Paid, Unpaid};
    check(Unpaid, 0, None, Todo::Nothing);
    check(Paid, 1, None, Todo::Grant);
    check(Paid, 1, Some(1), Todo::Nothing);
    check(Unpaid, 1, Some(1), Todo::Revoke(1));
    check(Cancelled, 1, Some(1), Todo::Revoke(1));
    check(Paid, 2, Some(1), Todo::Revoke(1));
    check(Unpaid, 2, None, Todo::Nothing);
    check(Cancelled, 1, None, Todo::Nothing);
    let refunded = Invoice { granted: Some(1), refunded: Rupiah::new(50_000), ..paid(1) };
    assert_eq!(next_step(&refunded), Todo::GiveBack);
    assert_eq!(next_step(&Invoice { granted_return: Rupiah::new(50_000), ..refunded }), Todo::Nothing);
}

/// What a change to a package without a price makes credit of all that is unused.
fn becomes_credit(profile: &Profile) -> i64 {
    let free = Package { price: Rupiah::ZERO, ..examples::package("free", 0) };
    let payment = PackagePayment { at: NOW, money: Rupiah::ZERO, charge: Rupiah::ZERO, difference_until: None };
    change(Some(&profile.entitlement), &free, payment, RULES.zone).unwrap().to_credit.get()
}

#[test]
fn what_is_given_back_counts_no_more_whether_before_or_after_it_was_applied_and_moves_no_date() {
    let returned = |invoice: &Invoice| Invoice {
        refunded: Rupiah::new(60_000),
        charged_back: Rupiah::new(40_000),
        wake_at: Some(NOW),
        ..invoice.clone()
    };
    let granted = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    assert_eq!(becomes_credit(&granted.profile), 300_000);
    let grants = [examples::import(), granted.grant.clone()];
    let after = give_back(&returned(&granted.invoice), &granted.profile, &grants, RULES, NOW).unwrap();
    assert_eq!(
        (after.grant.returns.len(), after.grant_is_new, &after.events[..], &after.entries[..]),
        (1, false, &[][..], &[][..])
    );
    assert_eq!((after.invoice.wake_at, next_step(&after.invoice)), (None, Todo::Nothing));
    let at_once = grant(&returned(&paid(1)), &examples::profile(), None, RULES, NOW).unwrap();
    assert_eq!(next_step(&at_once.invoice), Todo::Nothing);
    for profile in [&after.profile, &at_once.profile] {
        assert_eq!(profile.entitlement.expires_at, granted.profile.entitlement.expires_at);
        assert_eq!((becomes_credit(profile), profile.last_grant), (200_000, 3));
    }
    assert_eq!(after.profile.entitlement, at_once.profile.entitlement);
    // Taken back altogether later, nothing of the grant is left, and nothing of what was given back of it.
    let reversed =
        Invoice { status: InvoiceStatus::Unpaid, refunded: Rupiah::ZERO, charged_back: Rupiah::ZERO, ..after.invoice };
    let gone = revoke(&reversed, 1, &after.profile, &[examples::import(), after.grant], RULES, NOW).unwrap();
    assert_eq!(
        (gone.profile.entitlement, gone.invoice.granted_return),
        (examples::profile().entitlement, Rupiah::ZERO)
    );
}

#[test]
fn what_is_given_back_takes_the_credit_that_its_money_became() {
    let first = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    let free = Package { price: Rupiah::ZERO, ..examples::package("free", 0) };
    let terms = Terms { charge: Rupiah::ZERO, difference_until: None };
    let to_free = Invoice {
        id: InvoiceId::parse("inv_2").unwrap(),
        kind: InvoiceKind::Upgrade,
        package: free,
        amount: Rupiah::ZERO,
        received: Rupiah::ZERO,
        upgrade: Some(terms),
        ..paid(1)
    };
    let second = grant(&to_free, &first.profile, None, RULES, NOW).unwrap();
    assert_eq!(second.profile.credit, Rupiah::new(300_000));
    let charged_back = Invoice { charged_back: Rupiah::new(300_000), wake_at: Some(NOW), ..first.invoice };
    let grants = [examples::import(), first.grant, second.grant];
    let done = give_back(&charged_back, &second.profile, &grants, RULES, NOW).unwrap();
    assert_eq!((done.profile.credit, done.profile.entitlement.to_credit), (Rupiah::ZERO, Rupiah::ZERO));
    assert_eq!(
        done.entries.iter().map(|entry| (entry.kind, entry.amount.get())).collect::<Vec<_>>(),
        [(EntryKind::Unused, -300_000)]
    );
    assert_eq!(done.profile.entitlement.expires_at, second.profile.entitlement.expires_at);
}

#[test]
fn a_paid_renewal_extends_the_service_and_is_no_longer_due() {
    let done = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    assert_eq!(done.profile.entitlement.expires_at, datetime!(2026-12-30 16:59:59 UTC));
    assert_eq!((done.profile.last_grant, done.profile.open_renewal), (2, None));
    assert_eq!((done.invoice.granted, done.invoice.wake_at, done.invoice.awaits_apply()), (Some(1), None, false));
    assert_eq!((done.grant.sequence, done.grant.revoked), (2, false));
    let reason = Reason::Renewal {
        invoice_id: paid(1).id,
        settlement_no: 1,
        paid_at: NOW,
        money: paid(1).amount,
        late: LateRenewal::FromPayment,
    };
    assert_eq!(done.grant.reason, reason);
    let event = Event::SubscriptionExtended {
        customer_id: examples::profile().id,
        invoice_id: paid(1).id,
        settlement_no: 1,
        expires_at: done.profile.entitlement.expires_at,
        version: examples::profile().version + 1,
    };
    assert_eq!((done.events, done.entries, done.withdrawal), (vec![event], vec![], None));
}

#[test]
fn a_payment_counts_from_when_it_was_made_not_from_when_it_is_applied() {
    let profile = Profile {
        entitlement: Entitlement { expires_at: datetime!(2026-11-01 00:00 UTC), ..examples::profile().entitlement },
        ..examples::profile()
    };
    let three_days_later = crate::zone::later(NOW, time::Duration::days(3));
    let done = grant(&paid(1), &profile, None, RULES, three_days_later).unwrap();
    assert_eq!(done.profile.entitlement.expires_at, datetime!(2026-12-23 16:59:59 UTC));
}

#[test]
fn granting_leaves_another_open_renewal_alone() {
    let other = InvoiceId::parse("inv_9").ok();
    let profile = Profile { open_renewal: other.clone(), ..examples::profile() };
    assert_eq!(grant(&paid(1), &profile, None, RULES, NOW).unwrap().profile.open_renewal, other);
}

#[test]
fn a_reversed_payment_takes_its_extension_back_and_the_invoice_is_open_again() {
    let granted = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    let grants = [examples::import(), granted.grant.clone()];
    let done = revoke(&reversed(1), 1, &granted.profile, &grants, RULES, NOW).unwrap();
    assert_eq!(done.profile.entitlement, examples::profile().entitlement);
    assert_eq!((done.profile.last_grant, &done.profile.open_renewal), (2, &Some(paid(1).id)));
    assert_eq!((done.invoice.granted, done.invoice.wake_at), (None, None));
    assert_eq!(done.grant, Grant { revoked: true, ..granted.grant });
    assert!(
        matches!(done.events[..], [Event::SubscriptionReverted { settlement_no: 1, expires_at, .. }] if expires_at == done.profile.entitlement.expires_at)
    );
}

#[test]
fn a_refunded_invoice_is_not_open_again() {
    let granted = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    let refunded = Invoice { status: InvoiceStatus::Cancelled, ..reversed(1) };
    let done = revoke(&refunded, 1, &granted.profile, &[examples::import(), granted.grant], RULES, NOW).unwrap();
    assert_eq!((done.profile.open_renewal, done.invoice.granted), (None, None));
}

#[test]
fn a_reversed_invoice_does_not_displace_a_newer_open_one() {
    let newer = InvoiceId::parse("inv_9").ok();
    let granted = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    let profile = Profile { open_renewal: newer.clone(), ..granted.profile };
    let done = revoke(&reversed(1), 1, &profile, &[examples::import(), granted.grant], RULES, NOW).unwrap();
    assert_eq!(done.profile.open_renewal, newer);
}

#[test]
fn what_was_paid_again_after_a_reversal_is_revoked_and_granted_anew() {
    let first = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    let again = Invoice { granted: Some(1), ..paid(2) };
    assert_eq!(next_step(&again), Todo::Revoke(1));
    let undone = revoke(&again, 1, &first.profile, &[examples::import(), first.grant.clone()], RULES, NOW).unwrap();
    assert_eq!(undone.invoice.wake_at, again.wake_at, "granting is still due");
    assert_eq!(undone.profile.open_renewal, None, "a paid invoice is not open");
    assert_eq!(next_step(&undone.invoice), Todo::Grant);
    let done = grant(&undone.invoice, &undone.profile, None, RULES, NOW).unwrap();
    assert_eq!(done.profile.entitlement, first.profile.entitlement, "served as long as if paid once");
    assert_eq!((done.grant.sequence, next_step(&done.invoice)), (3, Todo::Nothing));

    // And the right one of the two grants is revoked if that is reversed too.
    let grants = [examples::import(), undone.grant, done.grant];
    let last = revoke(&reversed(2), 2, &done.profile, &grants, RULES, NOW).unwrap();
    assert_eq!((last.grant.sequence, last.profile.entitlement), (3, examples::profile().entitlement));
}

#[test]
fn revoking_in_the_middle_keeps_the_later_renewal() {
    let first = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    let next = Invoice { id: InvoiceId::parse("inv_2").unwrap(), ..paid(1) };
    let second = grant(&next, &first.profile, None, RULES, NOW).unwrap();
    let grants = [examples::import(), first.grant, second.grant];
    let done = revoke(&reversed(1), 1, &second.profile, &grants, RULES, NOW).unwrap();
    assert_eq!(done.profile.entitlement.expires_at, datetime!(2026-12-30 16:59:59 UTC));
}

#[test]
fn grants_that_do_not_reach_to_the_newest_are_stale() {
    let first = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    for grants in [vec![], vec![examples::import()]] {
        assert_eq!(revoke(&reversed(1), 1, &first.profile, &grants, RULES, NOW), Err(ApplyError::Stale));
    }
    let newer = examples::renewal(3, examples::package("home20", 300_000), NOW, LateRenewal::FromPayment);
    assert_eq!(
        revoke(&reversed(1), 1, &first.profile, &[examples::import(), first.grant, newer], RULES, NOW),
        Err(ApplyError::Stale)
    );
}

#[test]
fn a_grant_that_does_not_exist_is_damage_and_not_ignored() {
    assert_eq!(
        revoke(&reversed(1), 1, &examples::profile(), &[examples::import()], RULES, NOW),
        Err(ApplyError::Missing)
    );
    let first = grant(&paid(1), &examples::profile(), None, RULES, NOW).unwrap();
    assert_eq!(
        revoke(&reversed(2), 2, &first.profile, &[examples::import(), first.grant], RULES, NOW),
        Err(ApplyError::Missing)
    );
}
