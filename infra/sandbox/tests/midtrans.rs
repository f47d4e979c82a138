//! Midtrans as a merchant meets it.

mod common;

use std::time::Duration;

use common::{Merchant, order};
use serde_json::json;
use sha2::{Digest, Sha512};

#[tokio::test]
async fn the_core_api_knows_an_order_once_a_method_was_chosen() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    let (code, body) = merchant.core("INV-1", "status").await;
    assert_eq!(code, "404");
    assert_eq!(body["status_message"], "Transaction doesn't exist.");
    assert_eq!(merchant.core("INV-1", "cancel").await.0, "404");
    let played = merchant.play(&link, "pending").await;
    let (code, body) = merchant.core("INV-1", "status").await;
    assert_eq!((code.as_str(), body["transaction_status"].as_str()), ("201", Some("pending")));
    assert_eq!(body["transaction_id"], played["transactionId"]);
    assert_eq!(body["custom_field1"], "tenant-1");
    let by_id = body["transaction_id"].as_str().unwrap();
    assert_eq!(merchant.core(by_id, "status").await.1["order_id"], "INV-1");
}

#[tokio::test]
async fn core_errors_are_http_errors_if_told_so() {
    let merchant = Merchant::start_with(|options| options.midtrans_http_errors = true).await;
    let url = format!("{}/v2/INV-1/status", merchant.sandbox.urls().midtrans);
    let request = merchant.http.get(url).body("{}");
    assert_eq!(merchant.call(request, "SB-Mid-server-demo").await.0, 404);
}

#[tokio::test]
async fn re_posting_an_order_replaces_its_page_until_a_method_is_chosen() {
    let merchant = Merchant::start().await;
    let older = merchant.page("INV-1").await;
    let newer = merchant.page("INV-1").await;
    assert_ne!(older, newer);
    assert_eq!(merchant.simulate(&older, "paid", json!({})).await.0, 409);
    let page = merchant.http.get(&older).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("This page is closed"));
    merchant.play(&newer, "pending").await;
    let mut phrases = Vec::new();
    for _ in 0..2 {
        let (status, body) = merchant.snap(&order("INV-1")).await;
        assert_eq!(status, 400);
        phrases.push(body["error_messages"][0].as_str().unwrap().to_owned());
    }
    assert!(phrases.iter().any(|phrase| phrase.ends_with("order_id sudah digunakan")));
    assert!(phrases.iter().any(|phrase| phrase.ends_with("order_id has already been taken")));
}

#[tokio::test]
async fn every_valid_key_opens_and_the_first_signs() {
    let merchant = Merchant::start().await;
    merchant.sandbox.set_midtrans_server_keys(vec!["SB-Mid-server-new".to_owned(), "SB-Mid-server-demo".to_owned()]);
    let link = merchant.page("INV-1").await;
    merchant.play(&link, "paid").await;
    let body = &merchant.webhooks.all()[0].body;
    let signed = hex::encode(Sha512::digest(b"INV-1200300000.00SB-Mid-server-new"));
    assert_eq!(body["signature_key"], signed);
    let url = format!("{}/v2/INV-1/status", merchant.sandbox.urls().midtrans);
    for (key, expected) in [("SB-Mid-server-new", 200), ("SB-Mid-server-demo", 200), ("SB-Mid-server-x", 401)] {
        assert_eq!(merchant.call(merchant.http.get(&url), key).await.0, expected);
    }
    let url = format!("{}/snap/v1/transactions", merchant.sandbox.urls().midtrans);
    let (status, body) = merchant.call(merchant.http.post(&url).json(&order("INV-2")), "wrong").await;
    assert_eq!(status, 401);
    assert!(body["error_messages"][0].as_str().unwrap().starts_with("Access denied"));
}

#[tokio::test]
async fn a_payment_code_expires_by_the_clock_and_says_so() {
    let merchant = Merchant::start().await;
    let mut body = order("INV-1");
    body["expiry"] = json!({"unit": "hours", "duration": 2});
    let (_, created) = merchant.snap(&body).await;
    let link = created["redirect_url"].as_str().unwrap();
    merchant.sandbox.advance_clock(Duration::from_hours(1));
    merchant.play(link, "pending").await;
    // Without a start time the code's two hours began when the method was chosen.
    merchant.sandbox.advance_clock(Duration::from_mins(90));
    assert_eq!(merchant.core("INV-1", "status").await.0, "201");
    merchant.sandbox.advance_clock(Duration::from_mins(31));
    let (code, body) = merchant.core("INV-1", "status").await;
    assert_eq!((code.as_str(), body["transaction_status"].as_str()), ("407", Some("expire")));
    let news = merchant.webhooks.wait_for(2).await;
    assert_eq!(news[1].body["transaction_status"], "expire");
    assert_eq!(merchant.core("INV-1", "cancel").await.0, "412");
    assert_eq!(merchant.simulate(link, "paid", json!({})).await.0, 409);
}

#[tokio::test]
async fn a_page_expires_without_a_word() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    merchant.sandbox.advance_clock(Duration::from_hours(25));
    assert_eq!(merchant.simulate(&link, "paid", json!({})).await.0, 409);
    assert_eq!(merchant.core("INV-1", "status").await.0, "404");
    assert!(merchant.webhooks.all().is_empty());
}

#[tokio::test]
async fn a_session_is_cancelled_once_and_not_after_a_choice() {
    let merchant = Merchant::start().await;
    let cancel = async |token: &str| {
        let url = format!("{}/snap/v1/transactions/{token}/cancel", merchant.sandbox.urls().midtrans);
        let (status, body) = merchant.call(merchant.http.post(url), "SB-Mid-server-demo").await;
        let message = body["error_messages"][0].as_str().unwrap_or_default().to_owned();
        (status, message)
    };
    let link = merchant.page("INV-1").await;
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(cancel(token).await, (200, String::new()));
    assert_eq!(cancel(token).await, (400, "token already canceled".to_owned()));
    assert_eq!(merchant.simulate(&link, "paid", json!({})).await.0, 409);
    let chosen = merchant.page("INV-2").await;
    merchant.play(&chosen, "pending").await;
    let token = chosen.rsplit('/').next().unwrap();
    assert_eq!(cancel(token).await, (400, "Transaction is on progress".to_owned()));
    assert_eq!(cancel("nothing").await, (404, "token not found".to_owned()));
}

#[tokio::test]
async fn outcomes_follow_the_status_cycle() {
    let merchant = Merchant::start().await;
    for (order_id, steps) in [
        ("INV-A", [("denied", "deny"), ("paid", "settlement"), ("reversed", "deny")]),
        ("INV-B", [("challenged", "capture"), ("denied", "deny"), ("paid", "capture")]),
        ("INV-C", [("challenged", "capture"), ("paid", "capture"), ("settled", "settlement")]),
        ("INV-D", [("pending", "pending"), ("paid", "settlement"), ("chargeback", "chargeback")]),
    ] {
        let link = merchant.page(order_id).await;
        for (outcome, state) in steps {
            assert_eq!(merchant.play(&link, outcome).await["state"], state, "{order_id} {outcome}");
        }
    }
    let link = merchant.page("INV-E").await;
    for impossible in ["refunded", "reversed", "settled", "chargeback"] {
        let (status, body) = merchant.simulate(&link, impossible, json!({})).await;
        assert_eq!(status, 409, "{impossible}: {body}");
        assert!(body["error"].as_str().unwrap().contains("cannot follow not-chosen"));
    }
    merchant.play(&link, "paid").await;
    assert_eq!(merchant.simulate(&link, "paid", json!({})).await.0, 409);
    assert_eq!(merchant.core("INV-E", "cancel").await.0, "412");
    assert_eq!(merchant.core("INV-E", "expire").await.0, "412");
    assert_eq!(merchant.simulate("http://127.0.0.1/nothing", "paid", json!({})).await.0, 404);
    assert_eq!(merchant.simulate(&link, "explode", json!({})).await.0, 400);
}

#[tokio::test]
async fn less_more_and_a_fee_can_be_paid() {
    let merchant = Merchant::start().await;
    for (order_id, wish, gross) in [
        ("INV-1", json!({"amount": 299_000}), "299000.00"),
        ("INV-2", json!({"amount": 310_000.0}), "310000.00"),
        ("INV-3", json!({"fee": 4_000}), "304000.00"),
    ] {
        let link = merchant.page(order_id).await;
        assert_eq!(merchant.simulate(&link, "paid", wish).await.0, 200);
        assert_eq!(merchant.core(order_id, "status").await.1["gross_amount"], gross);
    }
    let with_fee = merchant.core("INV-3", "status").await.1;
    let info = &with_fee["metadata"]["extra_info"]["gross_amount_info"];
    assert_eq!(info["original_amount"], "300000.00");
    assert_eq!(info["customer_imposed_payment_fee"], "4000.00");
    let link = merchant.page("INV-4").await;
    assert_eq!(merchant.simulate(&link, "paid", json!({"amount": 0.5})).await.0, 400);
}

#[tokio::test]
async fn methods_that_go_by_transaction_id_answer_with_it() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    let (_, played) = merchant.simulate(&link, "paid", json!({"channel": "dana"})).await;
    let id = played["transactionId"].as_str().unwrap();
    assert_eq!(merchant.core("INV-1", "status").await.0, "404");
    let (_, body) = merchant.core(id, "status").await;
    assert_eq!(body["order_id"], id);
    assert_eq!(body["transaction_status"], "SETTLEMENT");
    assert_eq!(merchant.webhooks.all()[0].body["order_id"], "INV-1");
}

#[tokio::test]
async fn refunds_add_up_and_are_told_twice() {
    let merchant = Merchant::start().await;
    let link = merchant.page("INV-1").await;
    merchant.simulate(&link, "paid", json!({"channel": "other_qris"})).await;
    let refund = async |body| merchant.core_with("INV-1", "refund", Some(body)).await;
    let (code, body) = refund(json!({"refund_key": "a", "amount": 50_000, "reason": "late"})).await;
    assert_eq!((code.as_str(), body["refund_amount"].as_str()), ("200", Some("50000.00")));
    assert_eq!(refund(json!({"refund_key": "a", "amount": 50_000})).await.0, "200");
    assert_eq!(refund(json!({"refund_key": "a", "amount": 60_000})).await.0, "406");
    assert_eq!(refund(json!({"refund_key": "b", "amount": 250_001})).await.0, "414");
    assert_eq!(refund(json!({"refund_key": "b/c"})).await.0, "400");
    assert_eq!(refund(json!({"refund_key": "b", "amount": 100_000})).await.0, "200");
    let (_, body) = merchant.core("INV-1", "status").await;
    assert_eq!(body["transaction_status"], "partial_refund");
    assert_eq!(body["refund_amount"], "150000.00");
    let news = merchant.webhooks.wait_for(5).await;
    let confirmed = |index: usize| !news[index].body["refunds"][0]["bank_confirmed_at"].is_null();
    assert!(!confirmed(1) && confirmed(2));
    merchant.play(&link, "refunded").await;
    assert_eq!(merchant.core("INV-1", "status").await.1["transaction_status"], "refund");
    assert_eq!(refund(json!({"refund_key": "z"})).await.0, "412");
}

#[tokio::test]
async fn a_page_offers_only_what_is_enabled() {
    let merchant = Merchant::start().await;
    let mut body = order("INV-1");
    body["enabled_payments"] = json!(["gopay", "indomaret"]);
    body["callbacks"] = json!({"finish": "https://example.com/customer/finish"});
    let (_, created) = merchant.snap(&body).await;
    let link = created["redirect_url"].as_str().unwrap();
    let page = merchant.http.get(link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("GoPay") && page.contains("Indomaret") && !page.contains("BCA"));
    assert_eq!(merchant.simulate(link, "paid", json!({"channel": "bca_va"})).await.0, 409);
    let pressed = merchant
        .http
        .post(link)
        .form(&[("outcome", "paid"), ("channel", "indomaret"), ("amount", "")])
        .send()
        .await
        .unwrap();
    assert_eq!(pressed.status(), 303);
    let (_, body) = merchant.core("INV-1", "status").await;
    assert_eq!((body["store"].as_str(), body.get("fraud_status")), (Some("indomaret"), None));
    let page = merchant.http.get(link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("finish?order_id=INV-1&amp;status_code=200&amp;transaction_status=settlement"));
}

#[tokio::test]
async fn the_books_tell_what_was_received_and_given_back_without_a_fee() {
    let merchant = Merchant::start().await;
    let held = |order_id: &str| {
        let books = merchant.sandbox.books();
        let account = books.iter().find(|account| account.order_id == order_id).unwrap();
        (account.asked, account.received, account.refunded, account.charged_back)
    };
    let link = merchant.page("INV-1").await;
    assert_eq!(held("INV-1"), (300_000, 0, 0, false));
    merchant.simulate(&link, "paid", json!({"fee": 4_000, "channel": "other_qris"})).await;
    assert_eq!(held("INV-1"), (300_000, 300_000, 0, false));
    merchant.simulate(&link, "refunded", json!({"amount": 100_000})).await;
    assert_eq!(held("INV-1"), (300_000, 300_000, 100_000, false));
    merchant.play(&link, "reversed").await;
    assert_eq!(held("INV-1"), (300_000, 0, 0, false), "a denial gives everything back");
    let link = merchant.page("INV-2").await;
    merchant.play(&link, "paid").await;
    merchant.play(&link, "chargeback").await;
    assert_eq!(held("INV-2"), (300_000, 300_000, 0, true));
}
