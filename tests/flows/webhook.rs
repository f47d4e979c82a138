//! Webhooks are hints: who may give them, what they can and cannot bring about, and how the gateway is told to send
//! again.

mod authenticity;
mod money;

use crate::api::receive_webhook;
use billing::{
    money::ledger::EntryKind,
    payment::{gateway::GatewayName, invoice::InvoiceStatus, order::OrderStatus},
};
use lunas_sandbox::{DEMO_MIDTRANS_SERVER_KEY, DEMO_XENDIT_CALLBACK_TOKEN, Fault, FaultKind, Outcome};
use serde_json::json;
use testkit::{notification::Notification, request::delivery, table::everything};
use time::Duration;

use crate::journey::Journey;

/// An installation with an open link at a gateway.
async fn with_link(gateway: GatewayName) -> (Journey, String) {
    let journey = Journey::start().await;
    let link = journey.link(&journey.token().await, Some(gateway)).await;
    (journey, link)
}

/// A webhook with valid signature or token that says that the only order was paid in full.
async fn claimed(journey: &Journey) -> Notification {
    let orders = journey.orders().await;
    let [order] = orders.as_slice() else { panic!("one order") };
    match order.gateway {
        GatewayName::Midtrans => Notification::midtrans(
            json!({
                "order_id": order.id, "status_code": "200", "gross_amount": "300000.00", "transaction_status": "settlement",
                "fraud_status": "accept", "transaction_id": "0b2f6c1e-5d54-4f0e-9a51-0c9a3c1f7d10", "currency": "IDR",
            }),
            DEMO_MIDTRANS_SERVER_KEY,
        ),
        GatewayName::Xendit => Notification::xendit(
            &json!({"id": order.reference, "external_id": order.id, "status": "PAID", "amount": 300_000, "paid_amount": 300_000}),
            DEMO_XENDIT_CALLBACK_TOKEN,
        ),
    }
}

/// The call that asks a gateway what became of an order.
const fn status_call(gateway: GatewayName) -> &'static str {
    match gateway {
        GatewayName::Midtrans => "midtrans.status",
        GatewayName::Xendit => "xendit.get",
    }
}

/// Nothing was booked, and reconcile looks at the order in half a minute.
async fn assert_followed_up(journey: &Journey, context: &str) {
    assert_unpaid(journey, context).await;
    let due = journey.orders().await[0].wake_at.expect("due") - journey.now();
    assert!(due > Duration::seconds(25) && due <= Duration::seconds(30), "{context}: due in {due}");
}

async fn assert_unpaid(journey: &Journey, context: &str) {
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!(
        (invoice.status, invoice.settlement_no, invoice.received.get()),
        (InvoiceStatus::Unpaid, 0, 0),
        "{context}"
    );
    assert_eq!(journey.world.app.store.ledger(&journey.customer.id, None, 100).await.unwrap().entries, [], "{context}");
    assert_eq!(journey.events("payment.settled").await.len(), 0, "{context}");
}

#[tokio::test]
async fn a_payment_that_the_gateway_does_not_confirm_is_not_booked_and_is_wanted_again() {
    for gateway in GatewayName::ALL {
        // Before the customer chose a method Midtrans says 404 and Xendit PENDING; afterwards both say pending.
        for begun in [false, true] {
            let (mut journey, link) = with_link(gateway).await;
            if begun {
                journey.simulate(&link, Outcome::Pending).await;
            }
            let claimed = claimed(&journey).await;
            let context = format!("{gateway}, begun: {begun}");
            assert_eq!(journey.deliver(&claimed).await, Some(503), "{context}");
            assert_followed_up(&journey, &context).await;
            // It was true after all, only early: the follow-up finds the money.
            journey.pay(&link).await;
            journey.undelivered.clear();
            journey.wait(Duration::seconds(31));
            journey.reconcile().await;
            journey.until_quiet().await;
            journey.assert_paid_once(&context).await;
        }
    }
}

#[tokio::test]
async fn a_pending_notification_is_answered_200_and_books_nothing() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.simulate(&link, Outcome::Pending).await;
    let pending = journey.undelivered.pop_front().expect("a notification");
    assert_eq!(journey.deliver(&pending).await, Some(200));
    assert_unpaid(&journey, "pending").await;
    let order = &journey.orders().await[0];
    assert_eq!(order.status, OrderStatus::Open);
    assert!(order.transaction_id.is_some(), "by which some channels have to be asked");
}

#[tokio::test]
async fn a_status_that_the_signature_does_not_cover_is_not_believed() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.simulate(&link, Outcome::Pending).await;
    let genuine = journey.undelivered.pop_front().expect("a notification");
    for status in ["settlement", "SETTLEMENT", "capture", "refund"] {
        let mut body = genuine.json();
        body["transaction_status"] = json!(status);
        let answer = journey.deliver(&genuine.with_body(body.to_string())).await;
        assert_eq!(answer, Some(if status == "refund" { 200 } else { 503 }), "{status}");
        assert_unpaid(&journey, status).await;
    }
}

#[tokio::test]
async fn while_the_gateway_cannot_be_asked_the_webhook_is_wanted_again_and_then_settles_once() {
    for gateway in GatewayName::ALL {
        for kind in [
            FaultKind::InternalError,
            FaultKind::Garbage,
            FaultKind::TooManyRequests,
            FaultKind::Unauthorized,
            FaultKind::DropAfter,
        ] {
            let (mut journey, link) = with_link(gateway).await;
            journey.pay(&link).await;
            let paid = journey.undelivered.pop_front().expect("a notification");
            journey.world.sandbox.add_fault(Fault { times: 2, ..Fault::once(status_call(gateway), kind) }).unwrap();
            let context = format!("{gateway} {kind:?}");
            for _ in 0..2 {
                assert_eq!(journey.deliver(&paid).await, Some(503), "{context}");
                assert_followed_up(&journey, &context).await;
            }
            for _ in 0..2 {
                assert_eq!(journey.deliver(&paid).await, Some(200), "{context}");
            }
            journey.wait(Duration::seconds(31));
            journey.reconcile().await;
            journey.until_quiet().await;
            journey.assert_paid_once(&context).await;
        }
    }
}

#[tokio::test]
async fn the_same_notification_ten_times_books_once() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.pay(&link).await;
        let paid = journey.undelivered.pop_front().expect("a notification");
        assert_eq!(journey.deliver(&paid).await, Some(200));
        let after_the_first = everything(&journey.world.aws.direct).await;
        for _ in 0..9 {
            assert_eq!(journey.deliver(&paid).await, Some(200));
        }
        assert_eq!(
            everything(&journey.world.aws.direct).await,
            after_the_first,
            "{gateway}: copies write nothing at all"
        );
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
        assert_eq!(journey.deliver(&paid).await, Some(200), "also after it was applied");
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn notifications_in_the_wrong_order_end_the_same() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    for outcome in [Outcome::Pending, Outcome::Denied, Outcome::Paid] {
        journey.simulate(&link, outcome).await;
    }
    journey.undelivered.make_contiguous().reverse();
    assert_eq!(journey.undelivered.len(), 3);
    journey.until_quiet().await;
    journey.assert_paid_once("settlement before deny before pending").await;
}

#[tokio::test]
async fn an_order_of_the_gateways_other_mode_is_not_settled_until_its_key_is_back() {
    let sandbox_key = format!(r#"{{"serverKey":"{DEMO_MIDTRANS_SERVER_KEY}","isSandbox":"true"}}"#);
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    let paid = journey.undelivered.pop_front().expect("a notification");
    let production_key = format!(r#"{{"serverKey":"{DEMO_MIDTRANS_SERVER_KEY}","isSandbox":"false"}}"#);
    journey.world.aws.set_secret("lunas/dev/midtrans", &production_key);
    let production = journey.world.another_process();
    assert_eq!(receive_webhook::handle(&production, delivery(&paid)).await.status(), 503);
    assert_followed_up(&journey, "the other mode").await;
    journey.wait(Duration::minutes(1));
    reconcile_payments::handle(&production, json!({})).await;
    assert_unpaid(&journey, "the other mode, reconciled").await;
    let due = journey.orders().await[0].wake_at.expect("it is not given up");
    assert!(due - journey.now() > Duration::minutes(55), "it does not ring the alarm every few minutes");

    journey.world.aws.set_secret("lunas/dev/midtrans", &sandbox_key);
    assert_eq!(receive_webhook::handle(&journey.world.another_process(), delivery(&paid)).await.status(), 200);
    journey.until_quiet().await;
    journey.assert_paid_once("the key is back").await;
    assert_eq!(journey.ledger(EntryKind::Received).await, 300_000);
}
