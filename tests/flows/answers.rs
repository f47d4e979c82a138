//! Refusals of the API that no story comes by. What is answered is held against the document by `contract.rs`; here
//! every operation is brought to say it.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::id::InvoiceId;
use cloud::{app::App, store::keys};
use lambda_http::{Body, Request, Response};
use lunas_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};
use testkit::request::{from_browser, request};
use testkit::tap::{How, When};
use time::Duration;

use crate::api::{
    check_payment, create_payment_link, customer_session, device_status, receive_status, request_upgrade,
};
use crate::journey::Journey;
use crate::pay_page::link_of;

const LINK: &str = "/api/customer/invoices/payment";

/// Whichever function API Gateway sends that path to.
async fn answered(app: &App, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [.., "otp" | "login" | "logout"] => customer_session::handle(app, request).await,
        [.., "check"] => check_payment::handle(app, request).await,
        [.., "packages" | "upgrade"] => request_upgrade::handle(app, request).await,
        [_, "webhooks", "whatsapp", _] => receive_status::handle(app, request).await,
        [_, _, "device", ..] => device_status::handle(&::device_status::DeviceStatus::new(app.clone()), request).await,
        _ => create_payment_link::handle(app, request).await,
    }
}

async fn check(app: &App, request: Request, status: u16) {
    let context = format!("{} {}", request.method(), request.uri().path());
    assert_eq!(answered(app, request).await.status(), status, "{context}");
}

#[tokio::test]
async fn a_table_that_gives_no_answer_is_told_by_every_operation() {
    let journey = Journey::start().await;
    let (token, page) = (journey.token().await, link_of(&journey, &journey.invoice).await);
    let page = page.as_str();
    let invoice = &journey.invoice.id;
    let choice = json!({"packageId": "home50", "expectedAmount": 1});
    for (method, path, body) in [
        ("POST", "/api/customer/logout".to_owned(), None),
        ("POST", LINK.to_owned(), Some(json!({"invoiceId": invoice}))),
        ("GET", format!("{LINK}/gateways"), None),
        ("POST", format!("/api/pay/{page}/link"), Some(json!({}))),
        ("GET", format!("/api/pay/{page}/gateways"), None),
        ("POST", format!("/api/pay/{page}/check"), None),
        ("GET", "/api/customer/packages".to_owned(), None),
        ("GET", "/api/customer/upgrade?packageId=home50".to_owned(), None),
        ("POST", "/api/customer/upgrade".to_owned(), Some(choice)),
    ] {
        journey.world.tap.forget();
        journey.world.tap.break_calls(1, 100, When::Before, How::Error);
        check(&journey.world.app, request(method, &path, Some(&token), body.as_ref()), 503).await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let journey = Journey::start().await;
    let (token, page) = (journey.token().await, link_of(&journey, &journey.invoice).await);
    let huge = json!({"invoiceId": "x".repeat(65 * 1024)});
    for path in [
        "/api/customer/otp".to_owned(),
        LINK.to_owned(),
        format!("/api/pay/{}/link", page.as_str()),
        "/api/customer/upgrade".to_owned(),
    ] {
        check(&journey.world.app, request("POST", &path, Some(&token), Some(&huge)), 413).await;
    }
}

#[tokio::test]
async fn a_posted_request_for_a_link_is_refused_as_a_get_is() {
    let journey = Journey::start().await;
    let (app, token) = (&journey.world.app, journey.token().await);
    let post = |token: Option<&str>, body: &Value| request("POST", LINK, token, Some(body));
    let ours = json!({"invoiceId": journey.invoice.id});
    check(app, post(Some(&token), &json!({})), 400).await;
    check(app, post(None, &ours), 401).await;
    check(app, post(Some(&token), &json!({"invoiceId": "inv_unknown"})), 404).await;
    let failing = Fault { times: 10, ..Fault::once("midtrans.create", FaultKind::InternalError) };
    journey.world.sandbox.add_fault(failing).unwrap();
    check(app, post(Some(&token), &ours), 500).await;
    journey.world.sandbox.clear_faults();
}

#[tokio::test]
async fn a_link_that_is_being_made_or_was_made_too_often_is_refused_whoever_asks() {
    let journey = Journey::start().await;
    let (app, token, page) = (&journey.world.app, journey.token().await, link_of(&journey, &journey.invoice).await);
    let (invoice, public) = (&journey.invoice.id, format!("/api/pay/{}/link", page.as_str()));
    let asked = || {
        [
            request("GET", &format!("{LINK}?invoiceId={invoice}"), Some(&token), None),
            request("POST", LINK, Some(&token), Some(&json!({"invoiceId": invoice}))),
            request("POST", &public, None, Some(&json!({}))),
        ]
    };
    let at = |instant: time::OffsetDateTime| {
        AttributeValue::S(instant.format(&time::format_description::well_known::Rfc3339).unwrap())
    };
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let lease = [("order_id", text("other-order")), ("until", at(journey.now() + Duration::seconds(20)))];
    set(&journey, invoice, "lease", &lease).await;
    for request in asked() {
        check(app, request, 409).await;
    }
    journey.wait(Duration::seconds(21));
    let attempts = [("since", at(journey.now())), ("count", AttributeValue::N("60".to_owned()))];
    set(&journey, invoice, "attempts", &attempts).await;
    for request in asked() {
        check(app, request, 429).await;
    }
}

/// Sets one attribute of an invoice, as another process would have.
async fn set(journey: &Journey, invoice: &InvoiceId, name: &str, fields: &[(&str, AttributeValue)]) {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let update = journey.world.aws.direct.update_item().table_name(journey.world.app.store.table());
    let update = update.set_key(Some(keys::invoice(&journey.customer.id, invoice).attributes()));
    let update = update.update_expression("SET #name = :fields").expression_attribute_names("#name", name);
    update.expression_attribute_values(":fields", AttributeValue::M(fields)).send().await.unwrap();
}

#[tokio::test]
async fn a_cookie_without_our_origin_changes_nothing() {
    let journey = Journey::start().await;
    let cookie = format!("__Host-session={}", journey.token().await);
    for path in ["/api/customer/logout".to_owned(), format!("/api/customer/invoices/{}/check", journey.invoice.id)] {
        check(&journey.world.app, from_browser("POST", &path, &[], &[&cookie], None), 403).await;
    }
}

#[tokio::test]
async fn a_refresh_wants_a_customer_and_a_modem() {
    let journey = Journey::start().await;
    let path = "/api/customer/device/refresh";
    check(&journey.world.app, request("POST", path, None, None), 401).await;
    let token = journey.token().await;
    check(&journey.world.app, request("POST", path, Some(&token), None), 404).await;
}
