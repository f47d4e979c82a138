//! What goes over the wire to a gateway, and what becomes of a call whatever comes back.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use billing::id::OrderId;
use billing::money::Rupiah;
use billing::payment::gateway::{GatewayName, ReportedState};
use gateways::{Cancellation, CreatedOrder, Gateway, GatewayError, NewOrder, OrderRef, Setup, connect};
use partner_http::testing::{Canned, Partner, nobody};
use serde_json::{Value, json};
use time::macros::datetime;
use url::Url;

const ORDER: &str = "INV-2026-000001-k3x9";
const INVOICE: &str = "65f0c0ffee0000000000abcd";
const TRANSACTION: &str = "0b2f6c1e-5d54-4f0e-9a51-0c9a3c1f7d10";

fn gateway(name: GatewayName, base_url: &Url) -> Box<dyn Gateway> {
    let rows = match name {
        GatewayName::Midtrans => {
            [("serverKey", "SB-Mid-server-EXAMPLE"), ("isSandbox", "true"), ("extraChannels", "dana, bca_va")]
        }
        GatewayName::Xendit => [("apiKey", "xnd_development_EXAMPLE"), ("isActive", "true"), ("callbackToken", "t")],
    };
    let rows = rows.map(|(row, text)| (row.to_owned(), text.to_owned())).into();
    connect(name, &rows, &Setup { base_url: Some(base_url.clone()), production_only: false }).unwrap()
}

fn new_order() -> NewOrder {
    NewOrder {
        order_id: OrderId::parse(ORDER).unwrap(),
        amount: Rupiah::new(300_000),
        description: "Home 20 | INV-2026-000001\nwith a description that is longer than fifty".to_owned(),
        customer_name: "Budi Santoso".to_owned(),
        customer_phone: Some("6281234567890".to_owned()),
        expires_at: datetime!(2026-11-21 02:00:30 UTC),
        now: datetime!(2026-11-20 02:00:00.5 UTC),
        finish_url: Some("https://isp.example/customer/finish".to_owned()),
    }
}

fn order_ref(reference: Option<&str>, transaction_id: Option<&str>) -> OrderRef {
    OrderRef {
        order_id: OrderId::parse(ORDER).unwrap(),
        reference: reference.map(str::to_owned),
        transaction_id: transaction_id.map(str::to_owned),
    }
}

fn reply(status: u16, body: &Value) -> Canned {
    Canned::Reply(status, body.to_string())
}

fn snap_reply(link: &str) -> Canned {
    reply(201, &json!({ "token": "66e4fa55-fdac-4ef9", "redirect_url": link }))
}

fn invoice_reply(changes: &[(&str, Value)]) -> Canned {
    let mut invoice = json!({ "id": INVOICE, "external_id": ORDER, "status": "PENDING", "amount": 300_000,
        "invoice_url": "http://127.0.0.1:9000/pay", "expiry_date": "2026-11-21T02:00:00.000Z", "currency": "IDR" });
    for (name, value) in changes {
        invoice[*name] = value.clone();
    }
    reply(200, &invoice)
}

async fn create(name: GatewayName, answers: Vec<Canned>) -> (Result<CreatedOrder, GatewayError>, Vec<String>) {
    let partner = Partner::start(answers).await.unwrap();
    let created = gateway(name, &partner.url).create(&new_order()).await;
    (created, partner.requests())
}

async fn cancel(
    name: GatewayName,
    order: &OrderRef,
    answers: Vec<Canned>,
) -> (Result<Cancellation, GatewayError>, Vec<String>) {
    let partner = Partner::start(answers).await.unwrap();
    let cancelled = gateway(name, &partner.url).cancel(order).await;
    (cancelled, partner.requests().iter().map(|request| first_line(request)).collect())
}

fn first_line(request: &str) -> String {
    request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned()
}

fn sent_body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn midtrans_is_asked_for_a_page_with_everything_set() {
    let (created, requests) = create(GatewayName::Midtrans, vec![snap_reply("http://127.0.0.1:9000/pay")]).await;
    let expires_at = datetime!(2026-11-21 02:00:00 UTC);
    let expected = CreatedOrder {
        link: "http://127.0.0.1:9000/pay".to_owned(),
        reference: "66e4fa55-fdac-4ef9".to_owned(),
        expires_at,
    };
    assert_eq!(created.unwrap(), expected);
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(first_line(request), "POST /snap/v1/transactions");
    assert!(request.contains("authorization: Basic U0ItTWlkLXNlcnZlci1FWEFNUExFOg==\r\n"), "{request}");
    assert_eq!(
        sent_body(request),
        json!({
            "transaction_details": { "order_id": ORDER, "gross_amount": 300_000 },
            "item_details": [{ "id": "invoice", "name": "Home 20 INV-2026-000001 with a description that is", "price": 300_000, "quantity": 1 }],
            "customer_details": { "first_name": "Budi Santoso", "phone": "+6281234567890" },
            "enabled_payments": ["credit_card", "bca_va", "bni_va", "bri_va", "permata_va", "cimb_va", "echannel", "gopay",
                "shopeepay", "ovo", "other_qris", "alfamart", "indomaret", "dana"],
            "credit_card": { "secure": true },
            "expiry": { "start_time": "2026-11-20 09:00:00 +0700", "unit": "minute", "duration": 1440 },
            "page_expiry": { "unit": "minute", "duration": 1440 },
            "custom_field1": ORDER,
            "callbacks": { "finish": "https://isp.example/customer/finish" },
        })
    );
}

#[tokio::test]
async fn xendit_is_asked_for_an_invoice_with_everything_set() {
    let (created, requests) = create(GatewayName::Xendit, vec![invoice_reply(&[])]).await;
    let expires_at = datetime!(2026-11-21 02:00:00 UTC);
    let expected =
        CreatedOrder { link: "http://127.0.0.1:9000/pay".to_owned(), reference: INVOICE.to_owned(), expires_at };
    assert_eq!(created.unwrap(), expected);
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(first_line(request), "POST /v2/invoices");
    let description = "Home 20 INV-2026-000001 with a description that is longer than fifty";
    assert_eq!(
        sent_body(request),
        json!({
            "external_id": ORDER, "amount": 300_000, "currency": "IDR", "description": description,
            "invoice_duration": 86_400, "should_send_email": false, "locale": "id",
            "customer": { "given_names": "Budi Santoso", "mobile_number": "+6281234567890" },
            "items": [{ "name": description, "price": 300_000, "quantity": 1 }],
            "success_redirect_url": "https://isp.example/customer/finish",
            "failure_redirect_url": "https://isp.example/customer/finish",
        })
    );
}

#[tokio::test]
async fn an_answer_that_leaves_open_what_happened_is_ambiguous_at_every_call() {
    for name in GatewayName::ALL {
        for canned in [
            Canned::Drop,
            Canned::Flood(2 * 1024 * 1024),
            Canned::Redirect("http://127.0.0.1:9/".to_owned()),
            Canned::Reply(200, "{\"token\":".to_owned()),
            Canned::Reply(201, String::new()),
            Canned::Reply(500, r#"{"error_messages":["sorry"]}"#.to_owned()),
            Canned::Reply(503, "<html>".to_owned()),
            Canned::Reply(409, "{}".to_owned()),
        ] {
            let partner = Partner::start(vec![canned.clone(), canned.clone(), canned.clone()]).await.unwrap();
            let gateway = gateway(name, &partner.url);
            let order = order_ref(Some(INVOICE), None);
            let created = gateway.create(&new_order()).await.unwrap_err();
            let asked = gateway.status(&order).await.unwrap_err();
            let cancelled = gateway.cancel(&order).await.unwrap_err();
            for error in [created, asked, cancelled] {
                assert!(error.may_exist(), "{name} {canned:?}: {error}");
            }
            assert_eq!(partner.requests().len(), 3, "nothing is sent twice");
        }
    }
}

#[tokio::test]
async fn a_gateway_that_is_down_or_silent_is_given_up_in_time() {
    for name in GatewayName::ALL {
        let down = gateway(name, &nobody().await.unwrap()).create(&new_order()).await;
        assert!(matches!(down, Err(GatewayError::Ambiguous(_))));
        let started = std::time::Instant::now();
        let (silent, _) = create(name, vec![Canned::Silence]).await;
        assert!(matches!(silent, Err(GatewayError::Ambiguous(_))));
        assert!(started.elapsed().as_secs() < 8);
    }
}

#[tokio::test]
async fn a_refused_key_and_the_rate_limit_are_told_apart() {
    for name in GatewayName::ALL {
        for status in [401, 403] {
            let (created, _) = create(name, vec![reply(status, &json!({ "error_messages": ["Access denied"] }))]).await;
            assert!(matches!(created, Err(GatewayError::Unauthorized { status: found }) if found == status));
        }
        let (created, _) = create(name, vec![Canned::Reply(429, String::new())]).await;
        assert!(matches!(created, Err(GatewayError::RateLimited)));
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_gateways_words_without_the_customers_data() {
    let midtrans =
        json!({ "error_messages": ["transaction_details.order_id sudah digunakan", "Budi Santoso 6281234567890"] });
    let xendit = json!({ "error_code": "API_VALIDATION_ERROR", "message": "Budi Santoso 6281234567890 is wrong" });
    for (name, body, words) in [
        (GatewayName::Midtrans, midtrans, "order_id sudah digunakan"),
        (GatewayName::Xendit, xendit, "API_VALIDATION_ERROR"),
    ] {
        let (created, _) = create(name, vec![reply(400, &body)]).await;
        let Err(GatewayError::Rejected { status: 400, detail }) = created else {
            panic!("{created:?}");
        };
        assert!(detail.contains(words) && !detail.contains("Budi") && !detail.contains("62812"), "{detail}");
    }
}

#[tokio::test]
async fn a_created_order_counts_only_if_it_is_the_one_asked_for() {
    let odd = [
        vec![reply(200, &json!({ "token": "t", "redirect_url": "http://127.0.0.1/" }))],
        vec![snap_reply("https://app.midtrans.com.example/pay")],
        vec![snap_reply("http://127.0.0.1@example.com/pay")],
        vec![snap_reply("")],
        vec![reply(201, &json!({ "token": "../t", "redirect_url": "http://127.0.0.1/" }))],
    ];
    for answers in odd {
        let created = create(GatewayName::Midtrans, answers).await.0;
        assert!(created.as_ref().is_err_and(GatewayError::may_exist), "{created:?}");
    }
    for change in [
        ("external_id", json!("INV-2")),
        ("amount", json!(299_999)),
        ("status", json!("EXPIRED")),
        ("id", json!("a/b")),
        ("invoice_url", json!("https://checkout.xendit.co.example/x")),
        ("invoice_url", Value::Null),
    ] {
        let (created, _) = create(GatewayName::Xendit, vec![invoice_reply(std::slice::from_ref(&change))]).await;
        assert!(created.as_ref().is_err_and(GatewayError::may_exist), "{change:?}: {created:?}");
    }
}

#[tokio::test]
async fn an_order_of_nothing_is_not_even_posted() {
    for name in GatewayName::ALL {
        let partner = Partner::start(vec![]).await.unwrap();
        let order = NewOrder { amount: Rupiah::ZERO, ..new_order() };
        let created = gateway(name, &partner.url).create(&order).await;
        assert!(matches!(created, Err(GatewayError::Rejected { .. })));
        assert!(partner.requests().is_empty());
    }
}

#[tokio::test]
async fn midtrans_is_asked_by_order_id_and_then_by_transaction_id() {
    let unknown = || reply(404, &json!({ "status_code": "404", "status_message": "Transaction doesn't exist." }));
    let paid = json!({ "status_code": "200", "order_id": TRANSACTION, "transaction_id": TRANSACTION, "gross_amount": "300000.00",
        "transaction_status": "settlement", "payment_type": "dana", "currency": "IDR", "settlement_time": "2026-11-20 09:03:10" });
    let partner = Partner::start(vec![unknown(), reply(200, &paid), unknown()]).await.unwrap();
    let midtrans = gateway(GatewayName::Midtrans, &partner.url);
    let report = midtrans.status(&order_ref(None, Some(TRANSACTION))).await.unwrap();
    assert_eq!((report.state, report.transactions[0].received), (ReportedState::Paid, Rupiah::new(300_000)));
    let report = midtrans.status(&order_ref(None, Some("../../x"))).await.unwrap();
    assert_eq!((report.state, report.transactions.len()), (ReportedState::Unknown, 0));
    let asked: Vec<String> = partner.requests().iter().map(|request| first_line(request)).collect();
    let by_order = format!("GET /v2/{ORDER}/status");
    assert_eq!(asked, [by_order.clone(), format!("GET /v2/{TRANSACTION}/status"), by_order]);
    let dots = OrderRef { order_id: OrderId::parse("..").unwrap(), ..order_ref(None, None) };
    assert!(matches!(midtrans.status(&dots).await, Err(GatewayError::Rejected { .. })));
}

#[tokio::test]
async fn midtrans_is_asked_about_an_earlier_attempt_beside_the_latest() {
    let attempt = |id: &str, status: &str| {
        json!({ "status_code": "200", "order_id": ORDER, "transaction_id": id, "gross_amount": "300000.00",
            "transaction_status": status, "payment_type": "bank_transfer", "currency": "IDR" })
    };
    let (later, earlier) = (attempt("later", "deny"), attempt(TRANSACTION, "settlement"));
    let partner = Partner::start(vec![reply(200, &later), reply(200, &earlier), reply(200, &earlier)]).await.unwrap();
    let midtrans = gateway(GatewayName::Midtrans, &partner.url);
    for (asked, calls) in [(order_ref(None, Some(TRANSACTION)), 2), (order_ref(None, Some(TRANSACTION)), 3)] {
        let report = midtrans.status(&asked).await.unwrap();
        let received: i64 = report.transactions.iter().map(|transaction| transaction.received.get()).sum();
        assert_eq!((report.state, received), (ReportedState::Paid, 300_000));
        assert_eq!(partner.requests().len(), calls, "the second time it is the latest itself");
    }
}

#[tokio::test]
async fn xendit_is_asked_by_invoice_id_or_else_by_order_id() {
    let paid = || {
        invoice_reply(&[
            ("status", json!("PAID")),
            ("paid_amount", json!(300_000)),
            ("paid_at", json!("2026-11-20T02:03:10Z")),
        ])
    };
    let partner = Partner::start(vec![paid(), reply(200, &json!([]))]).await.unwrap();
    let xendit = gateway(GatewayName::Xendit, &partner.url);
    assert_eq!(xendit.status(&order_ref(Some(INVOICE), None)).await.unwrap().state, ReportedState::Paid);
    assert_eq!(xendit.status(&order_ref(None, None)).await.unwrap().state, ReportedState::Unknown);
    let asked: Vec<String> = partner.requests().iter().map(|request| first_line(request)).collect();
    assert_eq!(asked, [format!("GET /v2/invoices/{INVOICE}"), format!("GET /v2/invoices?external_id={ORDER}")]);
}

#[tokio::test]
async fn midtrans_closes_the_page_and_expires_what_began_on_it() {
    let page = || order_ref(Some("token-1"), None);
    let message = |text: &str| reply(400, &json!({ "error_messages": [text] }));
    let core = |code: &str, status: &str| {
        reply(200, &json!({ "status_code": code, "order_id": ORDER, "transaction_status": status }))
    };
    let close = "POST /snap/v1/transactions/token-1/cancel".to_owned();
    let expire = format!("POST /v2/{ORDER}/expire");
    let both = vec![close.clone(), expire.clone()];
    for (order, answers, expected, calls) in [
        (
            page(),
            vec![reply(200, &json!({ "canceled_at": "2026-11-20T02:00:00Z" }))],
            Cancellation::Cancelled,
            vec![close.clone()],
        ),
        (page(), vec![message("token already canceled")], Cancellation::Cancelled, vec![close]),
        (
            page(),
            vec![message("Transaction is on progress"), core("407", "expire")],
            Cancellation::Cancelled,
            both.clone(),
        ),
        (
            page(),
            vec![message("Transaction is on progress"), core("412", "settlement")],
            Cancellation::Refused,
            both.clone(),
        ),
        (
            page(),
            vec![message("token not found"), reply(404, &json!({ "status_code": "404" }))],
            Cancellation::Refused,
            both.clone(),
        ),
        (page(), vec![reply(200, &json!({})), core("200", "settlement")], Cancellation::Refused, both.clone()),
        (page(), vec![message("Transaction is on progress"), core("412", "expire")], Cancellation::Cancelled, both),
        (order_ref(None, None), vec![Canned::Reply(404, "<html>".to_owned())], Cancellation::Refused, vec![expire]),
    ] {
        let (cancelled, requests) = cancel(GatewayName::Midtrans, &order, answers).await;
        assert_eq!((cancelled.unwrap(), requests), (expected, calls));
    }
    let stranger = reply(200, &json!({ "status_code": "200", "order_id": "INV-2", "transaction_status": "expire" }));
    let (cancelled, _) = cancel(GatewayName::Midtrans, &order_ref(None, None), vec![stranger]).await;
    assert_eq!(cancelled.unwrap(), Cancellation::Refused);
    let (cancelled, _) = cancel(GatewayName::Midtrans, &order_ref(None, None), vec![core("401", "")]).await;
    assert!(matches!(cancelled, Err(GatewayError::Unauthorized { status: 401 })));
}

#[tokio::test]
async fn xendit_expires_the_invoice() {
    let order = order_ref(Some(INVOICE), None);
    let (cancelled, requests) =
        cancel(GatewayName::Xendit, &order, vec![invoice_reply(&[("status", json!("EXPIRED"))])]).await;
    assert_eq!(
        (cancelled.unwrap(), requests),
        (Cancellation::Cancelled, vec![format!("POST /invoices/{INVOICE}/expire!")])
    );
    let (cancelled, _) =
        cancel(GatewayName::Xendit, &order, vec![reply(404, &json!({ "error_code": "INVOICE_NOT_FOUND_ERROR" }))])
            .await;
    assert_eq!(cancelled.unwrap(), Cancellation::Refused);
    let (cancelled, requests) = cancel(GatewayName::Xendit, &order_ref(None, None), vec![]).await;
    assert_eq!((cancelled.unwrap(), requests.len()), (Cancellation::Refused, 0));
}
