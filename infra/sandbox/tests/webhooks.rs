//! Notifications: repeated, lost, replayed and faked.

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::Merchant;
use serde_json::json;
use sha2::{Digest, Sha512};

/// How many attempts a gateway makes for a payment that is always answered with `status`.
async fn attempts(gateway: &str, status: u16) -> usize {
    // Fast enough for a test, slow enough that a first attempt is over before the next.
    let merchant = Merchant::start_with(|options| options.retry_speedup = 1_000_000).await;
    merchant.webhooks.answer(&[status; 20]);
    let link = match gateway {
        "midtrans" => merchant.page("INV-1").await,
        _ => merchant.invoice("INV-1", json!({})).await.1,
    };
    let played = merchant.play(&link, "paid").await;
    assert_eq!(played["webhook"]["status"], status);
    tokio::time::sleep(Duration::from_millis(400)).await;
    merchant.webhooks.all().len()
}

#[tokio::test]
async fn midtrans_repeats_by_answer() {
    for (status, expected) in [(200, 1), (302, 1), (500, 2), (404, 3), (503, 5), (401, 6)] {
        assert_eq!(attempts("midtrans", status).await, expected, "{status}");
    }
}

#[tokio::test]
async fn xendit_repeats_six_times() {
    for (status, expected) in [(204, 1), (302, 7), (503, 7)] {
        assert_eq!(attempts("xendit", status).await, expected, "{status}");
    }
}

#[tokio::test]
async fn a_repetition_is_the_same_notification_and_ends_with_success() {
    let merchant = Merchant::start().await;
    merchant.webhooks.answer(&[503, 503, 200]);
    let (_, link) = merchant.invoice("INV-1", json!({})).await;
    merchant.play(&link, "paid").await;
    let told = merchant.webhooks.wait_for(3).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(merchant.webhooks.all().len(), 3);
    let ids: HashSet<_> = told.iter().map(|told| told.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 1);
    let retries: Vec<usize> = merchant.sandbox.deliveries().iter().map(|delivery| delivery.retry).collect();
    assert_eq!(retries, [0, 1, 2]);
}

#[tokio::test]
async fn a_redirect_with_307_keeps_the_body() {
    let merchant = Merchant::start().await;
    merchant.webhooks.answer(&[307]);
    let link = merchant.page("INV-1").await;
    merchant.play(&link, "paid").await;
    let told = merchant.webhooks.all();
    assert_eq!(told[1].path, "/moved");
    assert_eq!(told[1].body, told[0].body);
}

#[tokio::test]
async fn a_lost_notification_comes_with_a_replay() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    let (_, played) = merchant.simulate(&link, "paid", json!({"webhook": false})).await;
    assert_eq!(played["webhook"], json!(null));
    assert!(merchant.webhooks.all().is_empty());
    assert_eq!(merchant.core("INV-1", "status").await.1["transaction_status"], "settlement");
    let replay = json!({"link": link, "copies": 50, "shuffle": true});
    let (status, body) = merchant.control("/webhooks/replay", replay).await;
    assert_eq!((status, &body["sent"]), (200, &json!(50)));
    assert_eq!(body["answers"], json!({"200": 50}));
    assert_eq!(merchant.webhooks.all().len(), 50);
}

#[tokio::test]
async fn a_replay_sends_everything_ever_made_in_another_order() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    for outcome in ["pending", "denied", "paid"] {
        merchant.simulate(&link, outcome, json!({"webhook": false})).await;
    }
    merchant.control("/webhooks/replay", json!({"link": link, "copies": 20, "shuffle": true})).await;
    let told = merchant.webhooks.all();
    let count = |status: &str| told.iter().filter(|told| told.body["transaction_status"] == status).count();
    assert_eq!((count("pending"), count("deny"), count("settlement")), (20, 20, 20));
    let unknown = merchant.control("/webhooks/replay", json!({"link": "nothing"})).await;
    assert_eq!(unknown.0, 404);
    let many = merchant.control("/webhooks/replay", json!({"link": link, "copies": 1_000_000})).await;
    assert_eq!(many.0, 400);
}

#[tokio::test]
async fn notifications_of_midtrans_are_signed_and_named() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    merchant.simulate(&link, "paid", json!({"channel": "permata_va"})).await;
    let told = &merchant.webhooks.all()[0];
    assert_eq!(told.path, "/api/webhooks/midtrans");
    assert_eq!(told.headers["user-agent"], "Veritrans");
    assert!(told.body["permata_va_number"].is_string());
    let text = |name: &str| told.body[name].as_str().unwrap();
    let signed = format!("{}{}{}SB-Mid-server-demo", text("order_id"), text("status_code"), text("gross_amount"));
    assert_eq!(text("signature_key"), hex::encode(Sha512::digest(signed.as_bytes())));
    assert_eq!(text("transaction_time").len(), "2026-11-20 09:00:00".len());
}

#[tokio::test]
async fn the_dashboards_test_buttons_send_payments_that_never_were() {
    let merchant = Merchant::start().await;
    assert_eq!(merchant.control("/webhooks/test", json!({})).await.1["status"], 200);
    assert_eq!(merchant.control("/webhooks/test", json!({"gateway": "xendit"})).await.1["status"], 200);
    let told = merchant.webhooks.all();
    let order_id = told[0].body["order_id"].as_str().unwrap();
    assert!(order_id.starts_with("payment_notif_test_"));
    assert!(order_id.len() > 50, "longer than any order id of a merchant");
    assert_eq!(merchant.core(order_id, "status").await.0, "404");
    assert_eq!(told[1].body["id"], "579c8d61f23fa4ca35e52da4");
    assert_eq!(told[1].headers["x-callback-token"], "demo-callback-token");
}

#[tokio::test]
async fn one_transaction_can_notify_another_address() {
    let merchant = Merchant::start().await;
    let base = merchant.sandbox.urls().midtrans;
    let hook = format!("{base}/nowhere, https://example.com/hook");
    let request = merchant
        .http
        .post(format!("{base}/snap/v1/transactions"))
        .header("x-override-notification", hook)
        .json(&common::order("INV-1"));
    let (_, created) = merchant.call(request, "SB-Mid-server-demo").await;
    let played = merchant.play(created["redirect_url"].as_str().unwrap(), "paid").await;
    assert_eq!(played["webhook"]["status"], 404);
    assert!(merchant.webhooks.all().is_empty());
}

#[tokio::test]
async fn without_an_address_nothing_is_sent_and_a_replay_says_so() {
    let merchant = Merchant::start_with(|options| options.webhook_base = None).await;
    let link = merchant.page("INV-1").await;
    assert_eq!(merchant.play(&link, "paid").await["webhook"], json!(null));
    assert_eq!(merchant.control("/webhooks/replay", json!({"link": link})).await.0, 409);
    assert!(merchant.sandbox.set_webhook_base("https://example.com").is_err());
}

#[tokio::test]
async fn notifications_that_are_kept_are_sent_nowhere_and_taken_once() {
    let merchant = Merchant::start().await;
    merchant.sandbox.keep_notifications();
    let page = merchant.page("INV-1").await;
    merchant.play(&page, "paid").await;
    merchant.play(&merchant.invoice("INV-2", json!({})).await.1, "paid").await;
    let made = merchant.sandbox.take_notifications();
    let paths: Vec<&str> = made.iter().map(|made| made.path.as_str()).collect();
    assert_eq!(paths, ["/api/webhooks/midtrans", "/api/webhooks/xendit"]);
    assert!(made[0].body.contains("INV-1") && made[1].headers.iter().any(|(name, _)| *name == "x-callback-token"));
    assert_eq!((merchant.webhooks.all().len(), merchant.sandbox.take_notifications().len()), (0, 0));
}
