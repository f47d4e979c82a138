//! A change of package with every call broken, before and after its effect. Then: one change, one payment, one renewal
//! cancelled, no event lost, nothing left to do.

use crate::api::request_upgrade;
use std::collections::BTreeSet;

use billing::money::ledger::EntryKind;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use billing::payment::order::OrderStatus;
use serde_json::json;
use testkit::request::{answer, request};
use testkit::tap::{How, When};
use time::Duration;

use crate::journey::Journey;
use crate::upgrade::{profile, start, upgrades};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    /// Chosen once; the renewal has a link that has to be closed.
    Choice,
    /// Another package was chosen before, and has a link too.
    Replacement,
    /// To a package that costs nothing.
    Free,
}

/// Chooses as a person does: reads the preview, agrees, and again when something goes wrong. The link, if there is one.
async fn choose(journey: &Journey, token: &str, package: &str, gateway: GatewayName) -> Option<String> {
    for _ in 0..6 {
        let asked = request("GET", &format!("/api/customer/upgrade?packageId={package}"), Some(token), None);
        let shown = journey.world.tap.or_crash(request_upgrade::handle(&journey.world.app, asked)).await;
        let Some((200, shown)) = shown.map(|response| answer(&response)) else {
            // Applied already, though nobody was told.
            if profile(journey).await.entitlement.package.id.as_str() == package {
                return None;
            }
            continue;
        };
        let body = json!({"packageId": package, "expectedAmount": shown["amount"], "gateway": gateway});
        let asked = request("POST", "/api/customer/upgrade", Some(token), Some(&body));
        let made = journey.world.tap.or_crash(request_upgrade::handle(&journey.world.app, asked)).await;
        if let Some((200, made)) = made.map(|response| answer(&response)) {
            match made["paymentLink"].as_str() {
                Some(link) => return Some(link.to_owned()),
                None if made["code"] == "nothing_to_pay" => return None,
                None => {}
            }
        }
        journey.wait(Duration::seconds(21));
        if package == "gratis" && profile(journey).await.open_upgrade.is_some() {
            return None;
        }
    }
    panic!("no link after six tries");
}

async fn run(journey: &mut Journey, gateway: GatewayName, via: Via) {
    let token = journey.token().await;
    journey.link(&token, Some(gateway)).await;
    if via == Via::Replacement {
        choose(journey, &token, "home10", gateway).await;
    }
    let target = if via == Via::Free { "gratis" } else { "home50" };
    if let Some(link) = choose(journey, &token, target, gateway).await {
        journey.pay(&link).await;
    }
    journey.until_quiet().await;
    // What the clock does anyway: left-over events, and links that are to be closed.
    for _ in 0..2 {
        journey.wait(Duration::minutes(20));
        journey.sweep().await;
        journey.reconcile().await;
        journey.until_quiet().await;
    }
}

async fn assert_changed_once(journey: &Journey, via: Via, context: &str) {
    let target = if via == Via::Free { "gratis" } else { "home50" };
    let profile = profile(journey).await;
    assert_eq!(
        (profile.entitlement.package.id.as_str(), &profile.open_upgrade, &profile.open_renewal),
        (target, &None, &None),
        "{context}"
    );
    let (paid, others): (Vec<Invoice>, Vec<Invoice>) =
        upgrades(journey).await.into_iter().partition(|invoice| invoice.status == InvoiceStatus::Paid);
    assert_eq!((paid.len(), paid[0].granted, paid[0].wake_at), (1, Some(1), None), "{context}");
    assert!(others.iter().all(|invoice| invoice.status == InvoiceStatus::Cancelled), "{context}");
    assert_eq!(others.len(), usize::from(via == Via::Replacement), "{context}");
    assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Cancelled, "{context}");
    let page = journey.world.app.store.invoices(&journey.customer.id, None, 100).await.unwrap();
    assert_eq!(page.entries.iter().filter(|invoice| invoice.kind == InvoiceKind::Renewal).count(), 1, "{context}");
    let received = if via == Via::Free { 0 } else { 500_000 };
    assert_eq!(
        (journey.ledger(EntryKind::Received).await, journey.ledger(EntryKind::Surplus).await),
        (received, 0),
        "{context}"
    );
    assert_eq!(journey.ledger(EntryKind::Unused).await, profile.credit.get(), "{context}");
    assert_eq!((profile.credit.get(), journey.grants().await.len()), (0, 2), "{context}");
    assert_eq!(journey.events("package.changed").await.len(), 1, "{context}");
    assert_eq!(journey.events("payment.settled").await.len(), 1, "{context}");
    journey.assert_outbox_empty(context).await;
    for order in journey.orders().await {
        // Never posted or never heard of: nobody has its link. Everything else is paid or closed.
        let open = order.status == OrderStatus::Open && order.invoice_id != paid[0].id;
        assert!(!open, "{context}: {order:?}");
    }
}

async fn every_call(gateway: GatewayName, via: Via) {
    let mut journey = start().await;
    journey.world.tap.forget();
    run(&mut journey, gateway, via).await;
    let calls = journey.world.tap.numbered_calls();
    assert_changed_once(&journey, via, "without a crash").await;
    let services: BTreeSet<&str> = calls.iter().map(|call| call.service.as_str()).collect();
    assert!(
        calls.len() > 10
            && services.contains("dynamodb")
            && services.contains("events")
            && services.contains(gateway.as_str())
    );
    for n in 1..=calls.len() {
        for (when, how) in [(When::Before, How::Crash), (When::After, How::Crash), (When::After, How::Error)] {
            let mut journey = start().await;
            journey.world.tap.forget();
            journey.world.tap.break_call(n, when, how);
            run(&mut journey, gateway, via).await;
            let context = format!("{gateway} {via:?}: call {n} ({}) broken: {when:?} {how:?}", calls[n - 1].operation);
            assert!(journey.world.tap.broke(), "{context}: not reached");
            assert_changed_once(&journey, via, &context).await;
        }
    }
}

#[tokio::test]
async fn changing_at_midtrans_survives_a_crash_at_every_step() {
    every_call(GatewayName::Midtrans, Via::Choice).await;
}

#[tokio::test]
async fn changing_at_xendit_survives_a_crash_at_every_step() {
    every_call(GatewayName::Xendit, Via::Choice).await;
}

#[tokio::test]
async fn choosing_again_survives_a_crash_at_every_step() {
    every_call(GatewayName::Xendit, Via::Replacement).await;
}

#[tokio::test]
async fn a_change_that_costs_nothing_survives_a_crash_at_every_step() {
    every_call(GatewayName::Midtrans, Via::Free).await;
}
