use billing::id::{CustomerId, InvoiceId, PackageId};
use billing::money::Rupiah;
use billing::money::ledger::{Entry, PaymentRef};
use billing::payment::gateway::{GatewayName, Mode};
use billing::payment::invoice::{InvoiceKind, PaymentLink};
use billing::service::entitlement::LateRenewal;
use billing::service::package::Package;
use billing::telling::network::{LineState, ReceiverProblem};
use billing::zone::Zone;
use time::Duration;
use time::macros::{date, datetime};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);
const UI: Ui = Ui::new(false, Zone::Jakarta);

fn after(seconds: i64) -> OffsetDateTime {
    NOW + Duration::seconds(seconds)
}

fn invoice(status: InvoiceStatus) -> Invoice {
    let package = Package {
        id: PackageId::parse("home20").unwrap(),
        name: "Home 20".into(),
        price: Rupiah::new(300_000),
        period_months: 1,
        down_mbps: 20,
        up_mbps: 10,
    };
    let paid = status == InvoiceStatus::Paid;
    Invoice {
        id: InvoiceId::parse("inv_1").unwrap(),
        customer_id: CustomerId::parse("c1").unwrap(),
        number: "INV-2026-000001".into(),
        kind: InvoiceKind::Renewal,
        description: package.name.clone(),
        amount: package.price,
        package,
        received: if paid { Rupiah::new(300_000) } else { Rupiah::ZERO },
        credit_applied: Rupiah::ZERO,
        carried: Rupiah::ZERO,
        refunded: Rupiah::ZERO,
        charged_back: Rupiah::ZERO,
        granted_return: Rupiah::ZERO,
        status,
        settlement_no: u32::from(paid),
        granted: None,
        applied_at: None,
        due_date: date!(2026 - 11 - 30),
        paid_at: paid.then_some(after(60)),
        link: None::<PaymentLink>,
        in_review: None,
        lease: None,
        attempts: None,
        upgrade: None,
        created_at: NOW,
        updated_at: after(61),
        remind_at: None,
        wake_at: None,
        version: 1,
    }
}

fn order(status: OrderStatus, moments: &[&str]) -> Order {
    let mut order = Order {
        id: OrderId::parse("INV-2026-000001-x").unwrap(),
        gateway: GatewayName::Midtrans,
        mode: Mode::Sandbox,
        key_fingerprint: "k".into(),
        customer_id: CustomerId::parse("c1").unwrap(),
        invoice_id: InvoiceId::parse("inv_1").unwrap(),
        amount: Rupiah::new(300_000),
        reference: None,
        transaction_id: None,
        expires_at: after(86_400),
        status,
        cancel_wanted_since: None,
        unclear: Vec::new(),
        booked: std::collections::BTreeMap::default(),
        invoice: None,
        timeline: Vec::new(),
        look_after_payment: None,
        created_at: NOW,
        wake_at: Some(after(300)),
        version: 1,
    };
    for what in moments {
        order.note(after(61), *what);
    }
    order
}

fn received() -> LedgerLine {
    let payment = PaymentRef {
        gateway: GatewayName::Midtrans,
        order_id: OrderId::parse("INV-2026-000001-x").unwrap(),
        transaction_id: "t1".into(),
        method: Some("qris".into()),
    };
    let entry = Entry {
        customer_id: CustomerId::parse("c1").unwrap(),
        invoice_id: InvoiceId::parse("inv_1").ok(),
        kind: EntryKind::Received,
        amount: Rupiah::new(300_000),
        payment: Some(payment),
        at: after(60),
    };
    LedgerLine { id: "l1".into(), events: vec!["e1".into()], reason: None, entry }
}

fn facts(invoice: Invoice, orders: Vec<Order>) -> Facts {
    Facts {
        invoice,
        orders,
        entries: Vec::new(),
        events: HashMap::new(),
        grants: Vec::new(),
        taken: None,
        network_update: None,
    }
}

fn grant(invoice: &Invoice) -> Grant {
    let reason = Reason::Renewal {
        invoice_id: invoice.id.clone(),
        settlement_no: 1,
        paid_at: after(60),
        money: invoice.amount,
        late: LateRenewal::FromPayment,
    };
    Grant {
        customer_id: invoice.customer_id.clone(),
        sequence: 2,
        reason,
        package: invoice.package.clone(),
        revoked: false,
        returns: Vec::new(),
        granted_at: after(63),
    }
}

fn settled(relayed_at: Option<OffsetDateTime>, applied: bool) -> Facts {
    let mut invoice = invoice(InvoiceStatus::Paid);
    let mut grants = vec![];
    if applied {
        (invoice.granted, invoice.applied_at) = (Some(1), Some(after(63)));
        grants.push(grant(&invoice));
    } else {
        invoice.wake_at = Some(after(180));
    }
    let order = order(OrderStatus::Paid, &["creating", "link_created", "booked:settlement", "confirmed_by:webhook"]);
    let event = EventState { id: "e1".into(), kind: "payment.settled".into(), relayed_at };
    Facts {
        invoice,
        orders: vec![order],
        entries: vec![received()],
        events: HashMap::from([("e1".to_owned(), event)]),
        grants,
        taken: None,
        network_update: None,
    }
}

#[test]
fn whether_somebody_is_served_is_told_from_the_grant() {
    let mut facts = settled(Some(after(62)), true);
    let applied = |facts: &Facts| steps(facts, UI).into_iter().find(|step| step.name == "applied").unwrap().detail;
    assert_eq!(applied(&facts), "the customer is served for it");
    let entitlement = |at| Entitlement::imported(&facts.invoice.package, at, NOW, Zone::Jakarta);
    let taken = Taken { bought: entitlement(after(86_400)), left: entitlement(after(3_600)) };
    let imported = Reason::Import { sets_package: false, expires_at: Some(after(3_600)) };
    let later = Grant { sequence: 3, reason: imported, ..facts.grants[0].clone() };
    facts.taken = Some(taken);
    assert_eq!(applied(&facts), "the customer is served for it", "the import was before the payment");
    facts.grants.push(later);
    assert_eq!(
        applied(&facts),
        "an import took service away: with home20 until 2026-11-23 11:00:00 WIB, bought was home20 until 2026-11-24 10:00:00 WIB"
    );
    check_next(&facts, "an import says less than was paid for");
    facts.grants[0].revoked = true;
    assert_eq!(applied(&facts), "");
    check_next(&facts, "no grant serves the customer");
}

#[track_caller]
fn check_next(facts: &Facts, words: &str) {
    let actual = next(facts, UI);
    assert!(actual.contains(words), "{actual}");
}

#[test]
fn a_payment_that_is_through_shows_every_step() {
    let facts = settled(Some(after(62)), true);
    let steps = steps(&facts, UI);
    let names: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.at.is_some())).collect();
    assert_eq!(names, ["link", "webhook", "confirmation", "settled", "relayed", "applied"].map(|name| (name, true)));
    assert_eq!(steps[0].detail, "Rp300.000, payable until 2026-11-24 10:00:00 WIB");
    assert_eq!(steps[2].detail, "the gateway said so when webhook asked");
    assert_eq!(steps[3].detail, "Rp300.000 received (qris)");
    check_next(&facts, "nothing to do");
}

#[test]
fn what_the_network_knows_of_a_payment_is_the_last_step() {
    let network_update = |state, told_at: Option<i64>, problem| NetworkUpdate {
        customer_id: CustomerId::parse("c1").unwrap(),
        kind: "subscription.extended".into(),
        line: LineState {
            username: "budi".into(),
            package_id: PackageId::parse("home20").unwrap(),
            down_mbps: 20,
            up_mbps: 10,
            expires_at: after(86_400),
            active: true,
        },
        number: 7,
        state,
        taken: Vec::new(),
        gone: Vec::new(),
        tries: 3,
        problem,
        since: after(64),
        told_number: told_at.map(|_| 7),
        told_at: told_at.map(after),
        wake_at: (state == TellingState::Failing).then(|| after(300)),
        version: 1,
    };
    let shown = |network_update| {
        let facts = Facts { network_update: Some(network_update), ..settled(Some(after(62)), true) };
        let last = steps(&facts, UI).pop().unwrap();
        (last.name, last.at, last.detail, next(&facts, UI))
    };
    let (name, at, detail, advice) = shown(network_update(TellingState::Told, Some(65), None));
    assert_eq!((name.as_str(), at, detail.as_str()), ("network", Some(after(65)), "knows version 7"));
    assert!(advice.contains("nothing to do"), "{advice}");
    let (name, at, detail, advice) =
        shown(network_update(TellingState::Failing, None, Some(ReceiverProblem::Unreachable)));
    assert_eq!(
        (name.as_str(), at, detail.as_str()),
        ("network", None, "3 tries: unreachable; next try 2026-11-23 10:05:00 WIB")
    );
    assert!(advice.contains("lunas network tell"), "{advice}");
    assert!(
        shown(network_update(TellingState::GivenUp, Some(10), Some(ReceiverProblem::Gone)))
            .2
            .contains("gone; not told any more")
    );
    assert_eq!(shown(network_update(TellingState::Off, None, None)).0, "applied", "there is no network");
    assert!(
        shown(network_update(TellingState::Pending, Some(10), None)).3.contains("nothing to do"),
        "it is being told"
    );
}

#[test]
fn what_is_missing_is_said_with_where_to_look() {
    check_next(&settled(None, false), "settled but not relayed");
    check_next(&settled(Some(after(62)), false), "settled but not applied: look at the queue of apply-payment");
    check_next(&settled(Some(after(62)), false), "told again at 2026-11-23 10:03:00 WIB");
    check_next(&facts(invoice(InvoiceStatus::Unpaid), vec![]), "not asked for a payment link");
    check_next(&facts(invoice(InvoiceStatus::Cancelled), vec![]), "the invoice is cancelled");
    let wanted = Order { cancel_wanted_since: Some(NOW), ..order(OrderStatus::Open, &["cancellation_wanted"]) };
    check_next(&facts(invoice(InvoiceStatus::Cancelled), vec![wanted]), "reconcile-payments");
    let taken_back = Invoice { settlement_no: 1, granted: Some(1), ..invoice(InvoiceStatus::Unpaid) };
    check_next(&facts(taken_back, vec![]), "taken back but not applied");
    for (status, moments, words) in [
        (
            OrderStatus::Open,
            &["link_created"][..],
            "no payment seen at the gateway yet; next look 2026-11-23 10:05:00 WIB",
        ),
        (OrderStatus::Creating, &["creating", "no_answer"], "no payment seen"),
        (OrderStatus::Failed, &["creating", "refused"], "logs of create-payment-link"),
        (OrderStatus::Expired, &["link_created", "expired"], "ask for a new one"),
        (OrderStatus::Reversed, &["link_created"], "pay again"),
        (OrderStatus::Open, &["link_created", "unclear:challenge"], "needs a person (challenge)"),
    ] {
        check_next(&facts(invoice(InvoiceStatus::Unpaid), vec![order(status, moments)]), words);
    }
    let part = Invoice { received: Rupiah::new(100_000), ..invoice(InvoiceStatus::Unpaid) };
    check_next(
        &facts(part, vec![order(OrderStatus::Paid, &[])]),
        "Rp100.000 of Rp300.000 was paid; the customer can pay the rest",
    );
}

#[test]
fn a_webhook_that_was_not_needed_is_not_a_fault() {
    let order = order(OrderStatus::Paid, &["link_created", "booked:settlement", "confirmed_by:reconcile"]);
    let steps = steps(&facts(invoice(InvoiceStatus::Paid), vec![order]), UI);
    assert_eq!((steps[1].at, steps[1].detail.as_str()), (None, "not needed: reconcile was faster"));
    assert_eq!(
        steps.iter().find(|step| step.name == "relayed").map(|step| step.detail.as_str()),
        Some("no longer known: events are kept for a week")
    );
}

#[test]
fn other_moments_are_listed_too() {
    let steps = steps(
        &facts(invoice(InvoiceStatus::Unpaid), vec![order(OrderStatus::Expired, &["link_created", "expired"])]),
        UI,
    );
    assert!(steps.iter().any(|step| step.name == "expired" && step.at.is_some()));
}
