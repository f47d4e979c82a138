//! Many at once. Each request runs as a process of its own (its own cache of secrets), as Lambda runs them.
//!
//! The runtimes here have several threads: on one thread a handler is only ever interrupted where it awaits, and two
//! handlers never decide in the same instant.

use crate::api::{check_payment, create_payment_link, receive_webhook};
use billing::{
    money::ledger::EntryKind,
    payment::{gateway::GatewayName, invoice::InvoiceStatus, order::OrderStatus},
    service::entitlement::Reason,
};
use cloud::queue::Batch;
use lunas_sandbox::Outcome;
use serde_json::{Value, json};
use testkit::notification::Notification;
use testkit::request::{answer, delivery, request};
use time::Duration;
use tokio::task::JoinHandle;

use crate::journey::Journey;

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

fn ask_link(journey: &Journey, token: &str, gateway: GatewayName) -> JoinHandle<(u16, Option<String>, Value)> {
    let process = journey.world.another_process();
    let path = format!("/api/customer/invoices/payment?invoiceId={}&gateway={gateway}", journey.invoice.id);
    let asked = request("GET", &path, Some(token), None);
    tokio::spawn(async move {
        let response = create_payment_link::handle(&process, asked).await;
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let (status, body) = answer(&response);
        (status, retry_after, body)
    })
}

fn webhook(journey: &Journey, notification: &Notification) -> JoinHandle<u16> {
    let (process, delivery) = (journey.world.another_process(), delivery(notification));
    tokio::spawn(async move { receive_webhook::handle(&process, delivery).await.status().as_u16() })
}

fn check(journey: &Journey, token: &str) -> JoinHandle<u16> {
    let process = journey.world.another_process();
    let path = format!("/api/customer/invoices/{}/check", journey.invoice.id);
    let asked = request("POST", &path, Some(token), None);
    tokio::spawn(async move { check_payment::handle(&process, asked).await.status().as_u16() })
}

fn reconcile(journey: &Journey) -> JoinHandle<u16> {
    let process = journey.world.another_process();
    tokio::spawn(async move {
        reconcile_payments::handle(&process, json!({})).await;
        200
    })
}

/// The bus message about the payment, `copies` of them in a batch.
fn apply(journey: &Journey, copies: usize) -> JoinHandle<usize> {
    let detail = json!({
        "id": "e", "at": "2026-11-23T03:00:00Z", "kind": "payment.settled", "customerId": journey.customer.id,
        "invoiceId": journey.invoice.id, "settlementNo": 1, "amount": 300_000,
    });
    let message = |n| json!({"messageId": format!("m{n}"), "body": json!({"detail": detail}).to_string()});
    let batch: Batch =
        serde_json::from_value(json!({"Records": (0..copies).map(message).collect::<Vec<_>>()})).unwrap();
    let function = journey.apply.clone();
    tokio::spawn(async move { apply_payment::handle(&function, batch).await.batch_item_failures.len() })
}

/// An invoice that was paid; its notification is not delivered yet.
async fn paid(gateway: GatewayName) -> (Journey, Notification) {
    let mut journey = Journey::start().await;
    let link = journey.link(&journey.token().await, Some(gateway)).await;
    journey.pay(&link).await;
    let notification = journey.undelivered.pop_front().expect("a notification");
    (journey, notification)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_requests_for_a_link_at_once_open_one_order() {
    for gateway in GatewayName::ALL {
        let journey = Journey::start().await;
        let token = journey.token().await;
        let answers = all((0..20).map(|_| ask_link(&journey, &token, gateway)).collect()).await;
        let (given, later): (Vec<_>, Vec<_>) = answers.iter().partition(|(status, ..)| *status == 200);
        assert!(!given.is_empty(), "{answers:?}");
        assert!(given.iter().all(|(_, _, body)| body == &given[0].2), "all get the same link: {given:?}");
        for (status, retry_after, body) in later {
            assert_eq!(
                (*status, retry_after.as_deref(), body["code"].as_str()),
                (409, Some("1"), Some("link_in_progress"))
            );
        }
        assert_eq!(journey.world.sandbox.calls_of(&format!("{gateway}.create")), 1);
        assert_eq!(journey.orders().await.len(), 1);
        let (status, _, body) = ask_link(&journey, &token, gateway).await.unwrap();
        assert_eq!((status, &body), (200, &given[0].2), "whoever comes back gets it too");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_requests_to_replace_a_link_at_once_open_one_order() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let first = journey.link(&token, Some(GatewayName::Midtrans)).await;
    let answers = all((0..20).map(|_| ask_link(&journey, &token, GatewayName::Xendit)).collect()).await;
    assert!(answers.iter().all(|(status, ..)| matches!(status, 200 | 409)), "{answers:?}");
    assert_eq!(journey.world.sandbox.calls_of("xendit.create"), 1);
    let orders = journey.orders().await;
    assert_eq!(
        orders.iter().map(|order| order.status).collect::<Vec<_>>(),
        [OrderStatus::Cancelled, OrderStatus::Open]
    );
    let second = journey.link(&token, None).await;
    assert_ne!(first, second);
    assert!(answers.iter().all(|(status, _, body)| *status == 409 || body["paymentLink"] == second.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_copies_of_a_webhook_at_once_extend_once() {
    for gateway in GatewayName::ALL {
        let (mut journey, notification) = paid(gateway).await;
        let answers = all((0..50).map(|_| webhook(&journey, &notification)).collect()).await;
        assert!(answers.iter().all(|status| matches!(status, 200 | 503)) && answers.contains(&200), "{answers:?}");
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
        let ledger = journey.world.app.store.ledger(&journey.customer.id, None, 100).await.unwrap();
        assert_eq!(ledger.entries.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn webhook_check_reconciliation_and_apply_at_once_count_once() {
    for gateway in GatewayName::ALL {
        for conflicts in [0, 3] {
            let (mut journey, notification) = paid(gateway).await;
            let token = journey.token().await;
            journey.wait(Duration::minutes(6));
            journey.world.aws.conflict(conflicts);
            let applied = vec![apply(&journey, 1), apply(&journey, 1), apply(&journey, 1)];
            let settled = vec![
                webhook(&journey, &notification),
                check(&journey, &token),
                reconcile(&journey),
                webhook(&journey, &notification),
            ];
            let answers = all(settled).await;
            assert!(answers.iter().all(|status| matches!(status, 200 | 503)), "{answers:?}");
            all(applied).await;
            journey.until_quiet().await;
            // Whoever was told to come again comes again.
            assert_eq!(webhook(&journey, &notification).await.unwrap(), 200);
            journey.until_quiet().await;
            journey.assert_paid_once(&format!("{gateway}, {conflicts} conflicts: {answers:?}")).await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_grew_old_on_its_way_does_not_undo_the_payment() {
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let token = journey.token().await;
        let link = journey.link(&token, Some(gateway)).await;
        journey.simulate(&link, Outcome::Pending).await;
        journey.undelivered.clear();
        journey.world.tap.hold_answer(gateway.as_str());
        let checking = check(&journey, &token);
        journey.world.tap.held().await;
        // The gateway said "pending"; while that is on its way, the customer pays and the webhook settles.
        journey.pay(&link).await;
        journey.until_quiet().await;
        journey.world.tap.release();
        assert_eq!(checking.await.unwrap(), 200);
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_orders_paid_at_once_settle_one_and_credit_the_other() {
    for _ in 0..5 {
        let mut journey = Journey::start().await;
        let token = journey.token().await;
        let first = journey.link(&token, Some(GatewayName::Midtrans)).await;
        // The first order cannot be cancelled: its gateway is down while the customer changes their mind.
        journey
            .world
            .sandbox
            .add_fault(lunas_sandbox::Fault::once("midtrans.cancel", lunas_sandbox::FaultKind::InternalError))
            .unwrap();
        let second = journey.link(&token, Some(GatewayName::Xendit)).await;
        journey.pay(&first).await;
        journey.pay(&second).await;
        let notifications: Vec<_> = journey.undelivered.drain(..).collect();
        assert_eq!(notifications.len(), 2);
        let copies = notifications.iter().cycle().take(10);
        let answers = all(copies.map(|notification| webhook(&journey, notification)).collect()).await;
        assert!(answers.iter().all(|status| matches!(status, 200 | 503)), "{answers:?}");
        journey.undelivered.extend(notifications);
        journey.until_quiet().await;

        let invoice = journey.world.invoice_now(&journey.invoice).await;
        let profile = journey.world.profile(&journey.customer.id).await;
        assert_eq!((invoice.status, invoice.settlement_no, invoice.received.get()), (InvoiceStatus::Paid, 1, 300_000));
        assert_eq!((profile.credit.get(), profile.entitlement.expires_at), (300_000, journey.extended_once()));
        assert_eq!(
            (journey.ledger(EntryKind::Received).await, journey.ledger(EntryKind::Surplus).await),
            (300_000, 300_000)
        );
        let to_credit: Vec<i64> = journey
            .orders()
            .await
            .iter()
            .flat_map(|order| order.booked.values())
            .map(|booked| booked.to_credit.get())
            .collect();
        assert_eq!(
            (to_credit.len(), to_credit.iter().sum::<i64>()),
            (2, 300_000),
            "one order settled, the other became credit"
        );
        assert_eq!(journey.events("payment.settled").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_copies_of_the_bus_message_at_once_grant_once() {
    for conflicts in [0, 5] {
        let (mut journey, notification) = paid(GatewayName::Midtrans).await;
        assert_eq!(webhook(&journey, &notification).await.unwrap(), 200);
        journey.world.aws.conflict(conflicts);
        let failures = all((0..10).map(|_| apply(&journey, 1)).collect()).await;
        // What failed comes again; here the rest of the queue does the same.
        let renewals =
            journey.grants().await.iter().filter(|grant| matches!(grant.reason, Reason::Renewal { .. })).count();
        assert_eq!(renewals, 1, "{failures:?}");
        assert_eq!(apply(&journey, 10).await.unwrap(), 0, "a batch of nothing but copies");
        journey.until_quiet().await;
        journey.assert_paid_once(&format!("{conflicts} conflicts: {failures:?}")).await;
    }
}

#[tokio::test]
async fn a_transaction_that_meets_others_is_tried_again_and_then_left_to_the_next_delivery() {
    let (mut journey, notification) = paid(GatewayName::Midtrans).await;
    // Three conflicts: the fourth try succeeds. More than one delivery tries: the gateway sends again.
    journey.world.aws.conflict(3);
    assert_eq!(journey.deliver(&notification).await, Some(200));
    journey.world.aws.conflict(4);
    assert_eq!(apply(&journey, 1).await.unwrap(), 1, "reported, so that it comes again");
    assert_eq!(apply(&journey, 1).await.unwrap(), 0);
    journey.until_quiet().await;
    journey.assert_paid_once("after conflicts").await;
}
