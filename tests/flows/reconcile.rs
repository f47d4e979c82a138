//! Reconciliation: what no webhook told is found all the same, soon, once, and not for ever.

mod trouble;

use crate::api::create_payment_link;
use billing::payment::{gateway::GatewayName, invoice::InvoiceStatus, order::OrderStatus};
use cloud::store::WakeKind;
use lunas_sandbox::{Fault, FaultKind, Outcome, Simulate};
use serde_json::{Value, json};
use testkit::{request::request, table::everything};
use time::Duration;

use crate::journey::Journey;

/// An open link at a gateway.
async fn with_link(gateway: GatewayName) -> (Journey, String) {
    let journey = Journey::start().await;
    let link = journey.link(&journey.token().await, Some(gateway)).await;
    (journey, link)
}

/// An open link that was paid, and the notification lost.
async fn paid_in_silence(gateway: GatewayName) -> Journey {
    let (mut journey, link) = with_link(gateway).await;
    journey.pay(&link).await;
    journey.undelivered.clear();
    journey
}

/// How often a gateway was asked what became of an order.
fn asked(journey: &Journey, gateway: GatewayName) -> usize {
    let call = if gateway == GatewayName::Midtrans { "midtrans.status" } else { "xendit.get" };
    journey.world.sandbox.calls_of(call)
}

/// Moves our clock and the gateways'.
fn wait_everywhere(journey: &Journey, by: Duration) {
    journey.wait(by);
    journey.world.sandbox.advance_clock(by.unsigned_abs());
}

#[tokio::test]
async fn a_lost_webhook_is_made_good_at_the_first_look_after_five_minutes_and_not_before() {
    for gateway in GatewayName::ALL {
        let mut journey = paid_in_silence(gateway).await;
        for _ in 0..4 {
            journey.reconcile().await;
            journey.wait(Duration::minutes(1));
        }
        journey.reconcile().await;
        assert_eq!(asked(&journey, gateway), 0, "{gateway}: nothing is asked before its time");
        journey.wait(Duration::minutes(1));
        journey.reconcile().await;
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
        assert_eq!(asked(&journey, gateway), 1);
    }
}

#[tokio::test]
async fn a_customer_who_comes_back_need_not_wait_for_the_look() {
    for gateway in GatewayName::ALL {
        let mut journey = paid_in_silence(gateway).await;
        let token = journey.token().await;
        for _ in 0..2 {
            let (status, body) = journey.check(&token).await.unwrap();
            assert_eq!((status, body), (200, json!({"success": true, "status": "PAID"})), "{gateway}");
        }
        assert_eq!(asked(&journey, gateway), 1, "what is known is not asked again");
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn checking_what_is_not_paid_says_so_and_books_nothing() {
    let (journey, _) = with_link(GatewayName::Xendit).await;
    let token = journey.token().await;
    assert_eq!(journey.check(&token).await.unwrap(), (200, json!({"success": true, "status": "UNPAID"})));
    journey.wait(Duration::seconds(10));
    journey.world.sandbox.add_fault(Fault::once("xendit.get", FaultKind::InternalError)).unwrap();
    assert_eq!(journey.check(&token).await.unwrap().0, 503);
    let before = everything(&journey.world.aws.direct).await;
    assert_eq!(journey.check("nonsense").await.unwrap().0, 401);
    let other = journey.world.customer("siti", "081111111111").await;
    let others = journey.world.token(&other).await;
    assert_eq!(journey.check(&others).await.unwrap().0, 404, "another's invoice");
    let ours = everything(&journey.world.aws.direct).await.into_iter().filter(|(key, _)| before.contains_key(key));
    assert_eq!(ours.collect::<std::collections::BTreeMap<_, _>>(), before);
}

#[tokio::test]
async fn an_unpaid_order_is_looked_at_as_planned_and_then_never_again() {
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let token = journey.token().await;
        let two_days = journey.world.with_settings(|settings| settings.link_lifetime = Duration::hours(48));
        let path = format!("/api/customer/invoices/payment?invoiceId={}&gateway={gateway}", journey.invoice.id);
        assert_eq!(
            create_payment_link::handle(&two_days, request("GET", &path, Some(&token), None)).await.status(),
            200
        );

        let mut looks = Vec::new();
        while let Some(due) = journey.orders().await[0].wake_at {
            wait_everywhere(&journey, due - journey.now() - Duration::seconds(20));
            journey.reconcile().await;
            assert_eq!(asked(&journey, gateway), looks.len(), "{gateway}: not before its time");
            wait_everywhere(&journey, Duration::seconds(22));
            journey.reconcile().await;
            let order = journey.orders().await.remove(0);
            looks.push(due - order.created_at);
            assert_eq!(asked(&journey, gateway), looks.len(), "{gateway}: asked once a look");
            assert_eq!(
                order.status,
                if looks.len() < 6 { OrderStatus::Open } else { OrderStatus::Expired },
                "{gateway}: {looks:?}"
            );
        }
        let day = 24 * 60;
        let planned = [5, 15, 60, 360, day, 2 * day, 3 * day, 4 * day, 5 * day, 6 * day, 7 * day, 8 * day, 9 * day]
            .map(Duration::minutes);
        // A gateway's page lives for whole minutes, counted from the request: a little less than was wished.
        let near = |(look, planned): (&Duration, &Duration)| (*look - *planned).abs() <= Duration::seconds(90);
        assert!(looks.len() == planned.len() && looks.iter().zip(&planned).all(near), "{gateway}: {looks:?}");
        wait_everywhere(&journey, Duration::days(300));
        assert_eq!(
            journey.world.app.store.wake_ups(WakeKind::Order, journey.now(), 10).await.unwrap(),
            [],
            "{gateway}: out of the index"
        );
        journey.reconcile().await;
        assert_eq!(asked(&journey, gateway), looks.len(), "{gateway}");
        journey.until_quiet().await;
        assert_eq!(
            journey.world.invoice_now(&journey.invoice).await.status,
            InvoiceStatus::Unpaid,
            "{gateway}: the invoice stays open"
        );
    }
}

/// An order that the gateway opened and that answered with silence. The order id.
async fn orphan(journey: &Journey, gateway: GatewayName) -> String {
    let token = journey.token().await;
    journey.world.sandbox.add_fault(Fault::once(&format!("{gateway}.create"), FaultKind::DropAfter)).unwrap();
    assert_eq!(journey.ask_link(&token, Some(gateway)).await.unwrap().0, 500);
    let order = journey.orders().await.remove(0);
    assert_eq!((order.status, order.reference), (OrderStatus::Creating, None));
    order.id.to_string()
}

#[tokio::test]
async fn an_orphan_that_nobody_pays_ends_expired() {
    for gateway in GatewayName::ALL {
        let journey = Journey::start().await;
        orphan(&journey, gateway).await;
        wait_everywhere(&journey, Duration::hours(25));
        journey.reconcile().await;
        assert_eq!(journey.orders().await[0].status, OrderStatus::Expired, "{gateway}");
        for _ in 0..7 {
            assert!(journey.orders().await[0].wake_at.is_some(), "{gateway}: a week more");
            wait_everywhere(&journey, Duration::days(1));
            journey.reconcile().await;
        }
        assert_eq!(journey.orders().await[0].wake_at, None, "{gateway}");
    }
}

#[tokio::test]
async fn an_orphan_that_was_paid_settles_the_invoice() {
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let orphan = orphan(&journey, gateway).await;
        journey.pay(&orphan).await;
        journey.undelivered.clear();
        journey.wait(Duration::minutes(5) + Duration::seconds(1));
        journey.reconcile().await;
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn an_orphan_that_was_paid_besides_another_link_becomes_credit() {
    for gateway in GatewayName::ALL {
        for orphan_first in [true, false] {
            let mut journey = Journey::start().await;
            let orphan = orphan(&journey, gateway).await;
            let link = journey.link(&journey.token().await, Some(gateway)).await;
            let both = if orphan_first { [&orphan, &link] } else { [&link, &orphan] };
            for paid in both {
                journey.pay(paid).await;
            }
            journey.undelivered.clear();
            for minutes in [6, 10] {
                journey.wait(Duration::minutes(minutes));
                journey.reconcile().await;
                journey.until_quiet().await;
            }
            let profile = journey.world.profile(&journey.customer.id).await;
            let context = format!("{gateway}, orphan first: {orphan_first}");
            assert_eq!(
                (profile.credit.get(), profile.entitlement.expires_at),
                (300_000, journey.extended_once()),
                "{context}"
            );
            assert_eq!(
                journey.orders().await.iter().map(|order| order.status).collect::<Vec<_>>(),
                [OrderStatus::Paid; 2],
                "{context}"
            );
        }
    }
}

#[tokio::test]
async fn an_invoice_that_was_paid_through_another_order_has_its_link_closed() {
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let orphan = orphan(&journey, gateway).await;
        let link = journey.link(&journey.token().await, Some(gateway)).await;
        journey.pay(&orphan).await;
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
        assert!(journey.orders().await[1].cancel_wanted_since.is_some(), "{gateway}");
        journey.reconcile().await;
        assert_eq!(journey.orders().await[1].status, OrderStatus::Cancelled, "{gateway}");
        assert!(
            journey.world.sandbox.simulate(&Simulate::new(&link, Outcome::Paid)).await.is_err(),
            "nobody can pay twice"
        );
    }
}

#[tokio::test]
async fn a_payment_whose_messages_were_lost_is_told_again_and_applied_once() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    let paid = journey.undelivered.pop_front().expect("a notification");
    assert_eq!(journey.deliver(&paid).await, Some(200));
    for told in 2..4 {
        journey.lose_messages().await;
        assert_eq!(journey.grants().await.len(), 1, "only the import's");
        journey.reconcile().await;
        assert_eq!(journey.events("payment.settled").await.len(), told - 1, "not before its time");
        journey.wait(Duration::minutes(10) + Duration::seconds(1));
        journey.reconcile().await;
        assert_eq!(journey.events("payment.settled").await.len(), told);
    }
    journey.until_quiet().await;
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!((invoice.granted, invoice.wake_at), (Some(1), None));
    assert_eq!(journey.grants().await.len(), 2);
    assert_eq!(journey.world.profile(&journey.customer.id).await.entitlement.expires_at, journey.extended_once());
    journey.wait(Duration::hours(1));
    journey.reconcile().await;
    assert_eq!(journey.events("payment.settled").await.len(), 3, "what is applied is told no more");
}

#[tokio::test]
async fn a_reversal_whose_messages_were_lost_is_told_again() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    let reversed = journey.undelivered.pop_front().expect("a notification");
    assert_eq!(journey.deliver(&reversed).await, Some(200));
    journey.lose_messages().await;
    journey.wait(Duration::minutes(3));
    journey.reconcile().await;
    journey.until_quiet().await;
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!((invoice.status, invoice.granted, invoice.wake_at), (InvoiceStatus::Unpaid, None, None));
    assert_eq!(journey.world.profile(&journey.customer.id).await.entitlement, journey.customer.entitlement);
    let told = journey.events("payment.reversed").await;
    assert_eq!(told.iter().map(|event| event["settlementNo"].clone()).collect::<Vec<Value>>(), [json!(1), json!(1)]);
}

#[tokio::test]
async fn a_reversal_whose_webhook_was_lost_is_found_at_the_look_after_the_payment() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.undelivered.clear();
    journey.wait(Duration::minutes(15) + Duration::seconds(1));
    journey.reconcile().await;
    journey.until_quiet().await;
    assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Unpaid);
    assert_eq!(journey.world.profile(&journey.customer.id).await.entitlement, journey.customer.entitlement);
}
