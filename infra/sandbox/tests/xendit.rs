//! Xendit as a merchant meets it.

mod common;

use std::time::Duration;

use common::Merchant;
use serde_json::{Value, json};

#[tokio::test]
async fn an_external_id_may_have_many_invoices() {
    let merchant = Merchant::start().await;
    let (first, _) = merchant.invoice("INV-1", json!({})).await;
    let (second, _) = merchant.invoice("INV-1", json!({})).await;
    merchant.invoice("INV-2", json!({})).await;
    let (_, list) = merchant.xendit_get("/v2/invoices?external_id=INV-1").await;
    let ids: Vec<&Value> = list.as_array().unwrap().iter().map(|invoice| &invoice["id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)]);
    assert_eq!(merchant.xendit_get("/v2/invoices?limit=2").await.1.as_array().unwrap().len(), 2);
    assert_eq!(merchant.xendit_get("/v2/invoices?external_id=none").await.1, json!([]));
}

#[tokio::test]
async fn whole_amounts_are_taken_as_integer_or_float() {
    let merchant = Merchant::start().await;
    let (status, invoice) =
        merchant.xendit_post("/v2/invoices/", Some(&json!({"external_id": "a", "amount": 300_000.0}))).await;
    assert_eq!((status, &invoice["amount"]), (200, &json!(300_000)));
    for array in ["banks", "retail_outlets", "ewallets", "qr_codes", "direct_debits", "paylaters"] {
        assert!(invoice[format!("available_{array}")].is_array(), "{array}");
    }
    for (change, code) in [
        (json!({"amount": 1.5}), "API_VALIDATION_ERROR"),
        (json!({"amount": "300000"}), "API_VALIDATION_ERROR"),
        (json!({"external_id": null}), "API_VALIDATION_ERROR"),
        (json!({"currency": "USD"}), "UNSUPPORTED_CURRENCY"),
        (json!({"payer_email": "nobody"}), "EMAIL_FORMAT_ERROR"),
        (json!({"payment_methods": ["CASH"]}), "UNAVAILABLE_PAYMENT_METHOD_ERROR"),
    ] {
        let mut body = json!({"external_id": "a", "amount": 300_000});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, body) = merchant.xendit_post("/v2/invoices", Some(&body)).await;
        assert_eq!((status, body["error_code"].as_str()), (400, Some(code)));
    }
}

#[tokio::test]
async fn a_paid_invoice_is_told_with_the_token_and_may_settle() {
    let merchant = Merchant::start().await;
    let (id, link) = merchant.invoice("INV-1", json!({"description": "Internet"})).await;
    let played = merchant.play(&link, "paid").await;
    assert_eq!(played["state"], "PAID");
    assert_eq!(played["webhook"]["status"], 200);
    let told = &merchant.webhooks.all()[0];
    assert_eq!(told.path, "/api/webhooks/xendit");
    assert_eq!(told.headers["x-callback-token"], "demo-callback-token");
    assert!(told.headers.contains_key("webhook-id"));
    assert_eq!((&told.body["paid_amount"], &told.body["status"]), (&json!(300_000), &json!("PAID")));
    merchant.play(&link, "settled").await;
    assert_eq!(merchant.xendit_get(&format!("/v2/invoices/{id}")).await.1["status"], "SETTLED");
    for impossible in ["paid", "expired", "refunded", "reversed", "challenged"] {
        assert_eq!(merchant.simulate(&link, impossible, json!({})).await.0, 409, "{impossible}");
    }
}

#[tokio::test]
async fn only_a_pending_invoice_expires() {
    let merchant = Merchant::start().await;
    let (by_clock, _) = merchant.invoice("INV-1", json!({"invoice_duration": 3600})).await;
    let (by_api, _) = merchant.invoice("INV-2", json!({})).await;
    merchant.sandbox.advance_clock(Duration::from_mins(61));
    assert_eq!(merchant.xendit_get(&format!("/v2/invoices/{by_clock}")).await.1["status"], "EXPIRED");
    let expire = format!("/invoices/{by_api}/expire!");
    assert_eq!(merchant.xendit_post(&expire, None).await.1["status"], "EXPIRED");
    let (status, body) = merchant.xendit_post(&expire, None).await;
    assert_eq!((status, body["error_code"].as_str()), (404, Some("INVOICE_NOT_FOUND_ERROR")));
    let news = merchant.webhooks.wait_for(2).await;
    assert!(news.iter().all(|told| told.body["status"] == "EXPIRED"));
}

#[tokio::test]
async fn a_failed_attempt_leaves_an_invoice_pending_and_untold() {
    let merchant = Merchant::start().await;
    let (_, link) = merchant.invoice("INV-1", json!({})).await;
    for outcome in ["pending", "denied"] {
        let played = merchant.play(&link, outcome).await;
        assert_eq!((&played["state"], &played["webhook"]), (&json!("PENDING"), &Value::Null));
    }
    assert!(merchant.webhooks.all().is_empty());
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let merchant = Merchant::start().await;
    merchant.sandbox.set_xendit_keys("xnd_development_new", "new-token");
    let (status, body) = merchant.xendit_get("/v2/invoices/1").await;
    assert_eq!((status, body["error_code"].as_str()), (401, Some("INVALID_API_KEY")));
}

#[tokio::test]
async fn the_hosted_page_has_buttons() {
    let merchant = Merchant::start().await;
    let (id, link) = merchant
        .invoice("INV-1", json!({"payment_methods": ["QRIS"], "success_redirect_url": "https://example.com/finish"}))
        .await;
    let page = merchant.http.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Rp300.000") && page.contains("QRIS") && !page.contains("BCA"));
    let pressed = merchant
        .http
        .post(&link)
        .form(&[("outcome", "paid"), ("amount", "299000"), ("lost", "yes")])
        .send()
        .await
        .unwrap();
    assert_eq!(pressed.status(), 303);
    let (_, invoice) = merchant.xendit_get(&format!("/v2/invoices/{id}")).await;
    assert_eq!((&invoice["status"], &invoice["paid_amount"]), (&json!("PAID"), &json!(299_000)));
    assert_eq!(invoice["payment_method"], "QR_CODE");
    assert!(merchant.webhooks.all().is_empty());
    let page = merchant.http.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("https://example.com/finish"));
}
