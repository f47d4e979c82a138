//! Payment links: the answers of the API, the gateways' failures, reuse and replacement.

use crate::api::create_payment_link;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::order::OrderStatus;
use lunas_sandbox::{Fault, FaultKind, Outcome};
use serde_json::{Value, json};
use testkit::request::{answer, request};
use testkit::table::items;
use time::Duration;

use crate::journey::{Journey, PHONE};

async fn ask(journey: &Journey, method: &str, query: &str, token: Option<&str>) -> (u16, Value) {
    let path = format!("/api/customer/invoices/payment{query}");
    answer(&create_payment_link::handle(&journey.world.app, request(method, &path, token, None)).await)
}

/// Statuses of all orders, oldest first.
async fn orders(journey: &Journey) -> Vec<OrderStatus> {
    let mut orders = items(&journey.world.aws.direct, "ORDER").await;
    orders.sort_by_key(|order| order["created_at"].as_s().unwrap().clone());
    orders.iter().map(|order| serde_json::from_value(json!(order["status"].as_s().unwrap())).unwrap()).collect()
}

async fn unlocked(journey: &Journey) -> Invoice {
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!(invoice.lease, None, "nothing stays locked");
    invoice
}

#[tokio::test]
async fn the_link_is_answered_as_specified_and_again_the_same() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let query = format!("?invoiceId={}", journey.invoice.id);
    let (status, body) = ask(&journey, "GET", &query, Some(&token)).await;
    assert_eq!(status, 200);
    let due = billing::zone::format::date(journey.invoice.due_date);
    let expected = json!({"id": journey.invoice.id, "invoiceNumber": "INV-2026-000001", "amount": 300_000, "amountDue": 300_000, "dueDate": due});
    assert_eq!(body["invoice"], expected);
    assert!(
        body["success"] == true
            && body["paymentLink"].as_str().unwrap().starts_with(&journey.world.sandbox.urls().midtrans)
    );
    assert_eq!(ask(&journey, "GET", &query, Some(&token)).await, (200, body.clone()));
    let posted = request(
        "POST",
        "/api/customer/invoices/payment",
        Some(&token),
        Some(&json!({"invoiceId": journey.invoice.id})),
    );
    assert_eq!(answer(&create_payment_link::handle(&journey.world.app, posted).await), (200, body));
    assert_eq!(journey.world.sandbox.calls_of("midtrans.create"), 1);
}

#[tokio::test]
async fn every_refusal_has_its_status_and_its_words() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let mine = format!("?invoiceId={}", journey.invoice.id);
    let other = journey.world.customer("siti", PHONE).await;
    let others_invoice = journey.world.invoice(&other).await;
    let expired = journey.world.token(&other).await;
    let forged = format!("{}x", &token[..token.len() - 1]);
    let borrowed = format!("{}.{}", other.id, token.split_once('.').unwrap().1);
    for (query, token, status, words) in [
        (mine.clone(), None, 401, "Token tidak valid"),
        (mine.clone(), Some(forged.as_str()), 401, "Token tidak valid"),
        (mine.clone(), Some(borrowed.as_str()), 401, "Token tidak valid"),
        (String::new(), Some("nonsense"), 401, "Token tidak valid"),
        (String::new(), Some(token.as_str()), 400, "Invoice ID tidak diberikan"),
        ("?invoiceId=".to_owned(), Some(token.as_str()), 400, "Invoice ID tidak diberikan"),
        (format!("{mine}&gateway=paypal"), Some(token.as_str()), 400, "Invoice ID tidak diberikan"),
        ("?invoiceId=none".to_owned(), Some(token.as_str()), 404, "Invoice tidak ditemukan atau sudah dibayar"),
        ("?invoiceId=../../x%23".to_owned(), Some(token.as_str()), 404, "Invoice tidak ditemukan atau sudah dibayar"),
        (
            format!("?invoiceId={}", others_invoice.id),
            Some(token.as_str()),
            404,
            "Invoice tidak ditemukan atau sudah dibayar",
        ),
    ] {
        let (got, body) = ask(&journey, "GET", &query, token).await;
        assert_eq!(
            (got, body["error"].as_str(), &body["success"]),
            (status, Some(words), &json!(false)),
            "{query} {token:?}"
        );
    }
    journey.wait(Duration::hours(25));
    assert_eq!(
        ask(&journey, "GET", &format!("?invoiceId={}", others_invoice.id), Some(&expired)).await.0,
        401,
        "an expired session"
    );
    assert_eq!(orders(&journey).await, [], "none of it opened an order");
}

#[tokio::test]
async fn without_a_configured_gateway_there_is_no_link() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let query = format!("?invoiceId={}", journey.invoice.id);
    let words = json!("Payment gateway belum dikonfigurasi");
    let ask_with = async |midtrans: &str, xendit: &str, query: &str| {
        journey.world.aws.set_secret("lunas/dev/midtrans", midtrans);
        journey.world.aws.set_secret("lunas/dev/xendit", xendit);
        let fresh = journey.world.with_settings(|_| {});
        let path = format!("/api/customer/invoices/payment{query}");
        answer(&create_payment_link::handle(&fresh, request("GET", &path, Some(&token), None)).await)
    };
    let key = r#"{"serverKey":"SB-Mid-server-demo","isSandbox":"true"}"#;
    for (midtrans, xendit, query) in [
        ("{}", "{}", query.clone()),
        (r#"{"serverKey":"  "}"#, r#"{"apiKey":""}"#, query.clone()),
        ("broken", "{}", query.clone()),
        (r#"{"serverKey":"SB-Mid-server-demo","isSandbox":"true","isActive":"false"}"#, "{}", query.clone()),
        (key, "{}", format!("{query}&gateway=xendit")),
    ] {
        let (status, body) = ask_with(midtrans, xendit, &query).await;
        assert_eq!((status, &body["error"]), (503, &words), "{midtrans} {xendit}");
    }
    assert_eq!(ask_with(key, "{}", &query).await.0, 200);
}

#[tokio::test]
async fn production_refuses_sandbox_keys() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let production = journey.world.with_settings(|settings| {
        settings.stage = "prod".to_owned();
        settings.partner_endpoints.clear();
    });
    let production = cloud::app::App { secrets: journey.world.fresh_secrets(), ..production };
    let path = format!("/api/customer/invoices/payment?invoiceId={}", journey.invoice.id);
    let (status, body) =
        answer(&create_payment_link::handle(&production, request("GET", &path, Some(&token), None)).await);
    assert_eq!((status, body["code"].as_str()), (503, Some("gateway_not_configured")));
}

#[tokio::test]
async fn a_gateway_that_fails_is_told_and_the_order_recorded_and_nothing_locked() {
    for gateway in GatewayName::ALL {
        let target = format!("{gateway}.create");
        for (kind, left) in [
            (FaultKind::InternalError, OrderStatus::Creating),
            (FaultKind::TooManyRequests, OrderStatus::Failed),
            (FaultKind::Unauthorized, OrderStatus::Failed),
            (FaultKind::Garbage, OrderStatus::Creating),
            (FaultKind::Redirect, OrderStatus::Creating),
            (FaultKind::Huge, OrderStatus::Creating),
            (FaultKind::DropAfter, OrderStatus::Creating),
        ] {
            let journey = Journey::start().await;
            let token = journey.token().await;
            journey.world.sandbox.add_fault(Fault::once(&target, kind)).unwrap();
            let (status, body) = journey.ask_link(&token, Some(gateway)).await.unwrap();
            assert_eq!(
                (status, body["error"].as_str()),
                (500, Some("Gagal generate payment link, coba lagi")),
                "{target} {kind:?}"
            );
            assert_eq!(orders(&journey).await, [left], "{target} {kind:?}");
            unlocked(&journey).await;
            let (status, _) = journey.ask_link(&token, Some(gateway)).await.unwrap();
            assert_eq!(status, 200, "{target} {kind:?}: the next request opens another order at once");
        }
    }
}

#[tokio::test]
async fn a_slow_gateway_is_not_waited_for_longer_than_the_function_lives() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    journey.world.sandbox.add_fault(Fault::once("midtrans.create", FaultKind::Timeout)).unwrap();
    let answered = tokio::time::timeout(std::time::Duration::from_secs(14), journey.ask_link(&token, None)).await;
    assert_eq!(answered.expect("inside the function's 15 seconds").unwrap().0, 500);
    unlocked(&journey).await;
}

#[tokio::test]
async fn a_link_of_another_amount_or_with_too_little_time_or_of_another_gateway_is_replaced() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let first = journey.link(&token, None).await;
    let second = journey.link(&token, Some(GatewayName::Xendit)).await;
    assert_ne!(first, second);
    assert_eq!(orders(&journey).await, [OrderStatus::Cancelled, OrderStatus::Open]);
    assert_eq!(journey.link(&token, None).await, second, "whoever does not choose keeps the stored link");
    journey.wait(Duration::hours(24) - Duration::minutes(9));
    let third = journey.link(&token, None).await;
    assert_ne!(second, third, "nine minutes are too little");
    assert_eq!(orders(&journey).await.len(), 3);
}

#[tokio::test]
async fn a_link_that_was_cancelled_for_another_is_never_given_out_again() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let first = journey.link(&token, None).await;
    journey.world.sandbox.add_fault(Fault::once("xendit.create", FaultKind::InternalError)).unwrap();
    assert_eq!(journey.ask_link(&token, Some(GatewayName::Xendit)).await.unwrap().0, 500);
    assert_ne!(journey.link(&token, None).await, first, "its page is closed");
}

#[tokio::test]
async fn a_link_that_was_paid_is_settled_instead_of_replaced() {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, None).await;
    journey.pay(&link).await;
    journey.undelivered.clear();
    let (status, body) = journey.ask_link(&token, Some(GatewayName::Xendit)).await.unwrap();
    assert_eq!((status, body["code"].as_str()), (404, Some("invoice_not_found")));
    journey.until_quiet().await;
    journey.assert_paid_once("settled on replacement").await;
}

#[tokio::test]
async fn a_gateway_that_is_down_does_not_stand_in_the_way_of_the_other() {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let first = journey.link(&token, None).await;
    for target in ["midtrans.cancel", "midtrans.status", "midtrans.expire"] {
        journey.world.sandbox.add_fault(Fault::once(target, FaultKind::InternalError)).unwrap();
    }
    let second = journey.link(&token, Some(GatewayName::Xendit)).await;
    // Both get paid: the second payment is credit, and nothing is lost.
    journey.pay(&first).await;
    journey.pay(&second).await;
    journey.until_quiet().await;
    let profile = journey.world.profile(&journey.customer.id).await;
    assert_eq!((profile.credit.get(), profile.entitlement.expires_at), (300_000, journey.extended_once()));
    assert_eq!(journey.events("payment.review").await.len(), 1);
}

#[tokio::test]
async fn a_paid_or_withdrawn_invoice_gives_no_link() {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, None).await;
    journey.simulate(&link, Outcome::Paid).await;
    journey.until_quiet().await;
    assert_eq!(journey.ask_link(&token, None).await.unwrap().0, 404);
    assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Paid);
}

#[tokio::test]
async fn messages_are_english_for_those_who_ask_for_it() {
    let journey = Journey::start().await;
    let mut asked = request("GET", "/api/customer/invoices/payment", None, None);
    asked.headers_mut().insert("accept-language", "en-GB,id;q=0.5".parse().unwrap());
    let (status, body) = answer(&create_payment_link::handle(&journey.world.app, asked).await);
    assert_eq!((status, body["error"].as_str()), (401, Some("The token is not valid")));
}
