//! Faults, and the record of calls that shows what was done.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use common::{Merchant, order};
use lunas_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

/// Creates a page under a fault: status and body, or none if the connection broke.
async fn create(merchant: &Merchant, order_id: &str, fault: Value) -> Option<(u16, String)> {
    let mut body = json!({"target": "midtrans.create"});
    body.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
    assert_eq!(merchant.control("/faults", body).await.0, 200);
    let response = merchant
        .http
        .post(format!("{}/snap/v1/transactions", merchant.sandbox.urls().midtrans))
        .basic_auth("SB-Mid-server-demo", Some(""))
        .json(&order(order_id))
        .send()
        .await
        .ok()?;
    let status = response.status().as_u16();
    Some((status, response.text().await.ok()?))
}

/// Whether the order exists: its link can be paid.
async fn exists(merchant: &Merchant, order_id: &str) -> bool {
    merchant.simulate(order_id, "paid", json!({})).await.0 == 200
}

#[tokio::test]
async fn error_answers_leave_the_work_undone() {
    let merchant = Merchant::start().await;
    for (kind, expected) in [("500", 500), ("429", 429), ("401", 401), ("redirect", 302)] {
        let (status, _) = create(&merchant, kind, json!({"kind": kind})).await.unwrap();
        assert_eq!(status, expected);
        assert!(!exists(&merchant, kind).await);
    }
    let (status, body) = create(&merchant, "huge", json!({"kind": "huge"})).await.unwrap();
    assert!(status == 200 && body.len() > 2_000_000);
    assert!(!exists(&merchant, "huge").await);
}

#[tokio::test]
async fn garbage_and_a_broken_connection_come_after_the_work() {
    let merchant = Merchant::start().await;
    let (status, body) = create(&merchant, "garbage", json!({"kind": "garbage"})).await.unwrap();
    assert_eq!(status, 201);
    assert!(serde_json::from_str::<Value>(&body).is_err());
    assert!(exists(&merchant, "garbage").await);
    assert_eq!(create(&merchant, "dropped", json!({"kind": "drop-after"})).await, None);
    assert!(exists(&merchant, "dropped").await);
}

#[tokio::test]
async fn a_timeout_holds_and_closes_without_the_work() {
    let merchant = Merchant::start().await;
    let start = Instant::now();
    assert_eq!(create(&merchant, "held", json!({"kind": "timeout", "ms": 300})).await, None);
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(!exists(&merchant, "held").await);
}

#[tokio::test]
async fn a_delayed_call_is_carried_through_though_the_caller_hung_up() {
    let merchant = Merchant::start().await;
    let late = tokio::time::timeout(
        Duration::from_millis(100),
        create(&merchant, "late", json!({"kind": "delay", "ms": 400})),
    );
    assert!(late.await.is_err());
    assert!(!exists(&merchant, "late").await);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(exists(&merchant, "late").await);
}

#[tokio::test]
async fn faults_strike_as_often_as_told_and_only_their_target() {
    let merchant = Merchant::start().await;
    let fault = Fault { times: 2, ..Fault::once("xendit.get", FaultKind::InternalError) };
    merchant.sandbox.add_fault(fault).unwrap();
    let (id, _) = merchant.invoice("INV-1", json!({})).await;
    let path = format!("/v2/invoices/{id}");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let (status, body) = merchant.xendit_get(&path).await;
        assert!(status == 200 || body["error_code"] == "SERVER_ERROR");
        statuses.push(status);
    }
    assert_eq!(statuses, [500, 500, 200]);
    assert_eq!(merchant.sandbox.calls_of("xendit.get"), 3);
}

#[tokio::test]
async fn faults_can_be_listed_and_cleared_at_any_base_url() {
    let merchant = Merchant::start().await;
    merchant.control("/faults", json!({"target": "whatsapp.send", "kind": "500", "times": 3})).await;
    let url = format!("{}/faults", merchant.sandbox.urls().xendit);
    let list: Value = merchant.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["faults"], json!([{"target": "whatsapp.send", "kind": "500", "times": 3}]));
    assert_eq!(merchant.http.delete(&url).send().await.unwrap().status(), 204);
    let list: Value = merchant.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["faults"], json!([]));
    for wrong in [
        json!({"target": "midtrans.pay", "kind": "500"}),
        json!({"target": "midtrans.create", "kind": "boom"}),
        json!({}),
    ] {
        assert_eq!(merchant.control("/faults", wrong).await.0, 400);
    }
}

#[tokio::test]
async fn calls_are_recorded_without_secrets() {
    let merchant = Merchant::start().await;
    merchant.page("INV-1").await;
    merchant.page("INV-2").await;
    merchant.core("INV-1", "status").await;
    let (_, link) = merchant.invoice("INV-3", json!({})).await;
    merchant.http.get(&link).send().await.unwrap();
    let url = format!("{}/requests?target=midtrans.create&reference=INV-1", merchant.sandbox.urls().whatsapp);
    let calls: Value = merchant.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(calls.as_array().unwrap().len(), 1);
    assert_eq!((&calls[0]["status"], &calls[0]["method"]), (&json!(201), &json!("POST")));
    assert_eq!(calls[0]["body"]["transaction_details"]["gross_amount"], 300_000);
    let all = serde_json::to_string(&merchant.sandbox.calls()).unwrap();
    assert!(!all.contains("demo") && !all.to_lowercase().contains("authorization"));
    assert_eq!(merchant.sandbox.calls().len(), 4);
}
