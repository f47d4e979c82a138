//! The generic sender of WhatsApp messages, and the inbox of all.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use common::Merchant;
use serde_json::{Value, json};

async fn send(merchant: &Merchant, key: &str, to: &str, text: &str) -> (u16, Value) {
    let response = merchant
        .http
        .post(format!("{}/send", merchant.sandbox.urls().whatsapp))
        .header("authorization", key)
        .json(&json!({"to": to, "text": text}))
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn inbox(merchant: &Merchant, accept: &str) -> String {
    let url = format!("{}/inbox?phone=628120000001", merchant.sandbox.urls().whatsapp);
    let request = merchant.http.get(url).header("accept", accept);
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn messages_arrive_in_the_inbox_oldest_first() {
    let merchant = Merchant::start().await;
    for text in ["Kode masuk 123456", "Tagihan <b>lunas</b>"] {
        let (status, body) = send(&merchant, "demo-whatsapp-key", "628120000001", text).await;
        assert_eq!((status, &body["status"]), (200, &json!(true)));
        assert!(body["id"].is_string());
    }
    send(&merchant, "demo-whatsapp-key", "628120000002", "lain").await;
    let messages: Value = serde_json::from_str(&inbox(&merchant, "*/*").await).unwrap();
    let texts: Vec<&str> =
        messages.as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Kode masuk 123456", "Tagihan <b>lunas</b>"]);
    assert!(messages[0]["sentAt"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(messages[0]["provider"], "http");
    let page = inbox(&merchant, "text/html,application/xhtml+xml").await;
    assert!(page.contains("&lt;b&gt;lunas") && !page.contains("lain"));
    assert_eq!(merchant.sandbox.inbox("628120000001").len(), 2);
}

#[tokio::test]
async fn failures_travel_as_success() {
    let merchant = Merchant::start().await;
    for (key, to, text, reason) in [
        ("wrong", "628120000001", "hai", "invalid token"),
        ("demo-whatsapp-key", "08120000001", "hai", "target invalid"),
        ("demo-whatsapp-key", "628120000001", " ", "message invalid"),
    ] {
        let (status, body) = send(&merchant, key, to, text).await;
        assert_eq!((status, body), (200, json!({"status": false, "reason": reason})));
    }
    assert_eq!(inbox(&merchant, "application/json").await, "[]");
}

#[tokio::test]
async fn a_message_may_arrive_although_the_answer_does_not() {
    let merchant = Merchant::start().await;
    merchant.control("/faults", json!({"target": "whatsapp.send", "kind": "garbage"})).await;
    let response = merchant
        .http
        .post(format!("{}/send", merchant.sandbox.urls().whatsapp))
        .header("authorization", "demo-whatsapp-key")
        .json(&json!({"to": "628120000001", "text": "Kode masuk 123456"}))
        .send()
        .await
        .unwrap();
    assert!(response.json::<Value>().await.is_err());
    assert_eq!(merchant.sandbox.inbox("628120000001").len(), 1);
    let recorded = serde_json::to_string(&merchant.sandbox.calls()).unwrap();
    assert!(!recorded.contains("123456"), "login codes stay out of the record");
}
