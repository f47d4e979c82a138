//! The public page of a bill: who can open what, what can be brought about there, and what nobody learns by it.

use crate::api::{check_payment, create_payment_link};
use aws_sdk_dynamodb::types::AttributeValue;
use billing::{
    id::InvoiceId,
    payment::{gateway::GatewayName, invoice::Invoice, order::OrderStatus, withdrawal::withdraw},
};
use cloud::pay_page_key::{PayPageKey, Token};
use lambda_http::{Body, Response};
use lunas_sandbox::{Fault, FaultKind, Outcome};
use serde_json::{Value, json};
use testkit::request::{answer, from_browser};
use testkit::table::{everything, items};
use time::Duration;
use tracing_subscriber::filter::LevelFilter;
use web::{csrf, problem};

use crate::{journey::Journey, log::Log};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// What a browser sends with the page's own forms: `Referrer-Policy: no-referrer` takes the origin away.
const NO_ORIGIN: (&str, &str) = ("origin", "null");
const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAAAA";
const SITE: &str = "https://portal.example";

/// The link of a bill, as whoever sends it makes it.
pub async fn link_of(journey: &Journey, invoice: &Invoice) -> Token {
    let app = &journey.world.app;
    let token = PayPageKey::read(&app.secrets).await.unwrap().token(&invoice.id);
    app.store.remember_pay_page(&token.hash(), &invoice.customer_id, &invoice.id, journey.now()).await.unwrap();
    token
}

async fn start() -> (Journey, Token) {
    let journey = Journey::start().await;
    let token = link_of(&journey, &journey.invoice).await;
    journey.world.tap.forget();
    (journey, token)
}

async fn get(journey: &Journey, path: &str) -> Response<Body> {
    customer_portal::handle(&journey.world.app, from_browser("GET", path, &[], &[], None)).await
}

/// A page that opens.
async fn page(journey: &Journey, path: &str) -> String {
    let response = get(journey, path).await;
    assert_eq!(response.status(), 200, "{path}");
    html(&response)
}

async fn send(
    journey: &Journey,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Response<Body> {
    let request = from_browser(method, path, headers, &[], body);
    if path.ends_with("/check") {
        check_payment::handle(&journey.world.app, request).await
    } else {
        create_payment_link::handle(&journey.world.app, request).await
    }
}

/// A form of the page, sent without a script: status and where it leads.
async fn submit(journey: &Journey, token: &Token, what: &str, body: &str) -> (u16, String) {
    let path = format!("/api/pay/{}/{what}", token.as_str());
    let response = send(journey, "POST", &path, &[FORM, NO_ORIGIN], Some(body)).await;
    (response.status().as_u16(), header(&response, "location").to_owned())
}

/// A call of the page's script.
async fn call(journey: &Journey, token: &str, what: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/pay/{token}/{what}");
    let body = body.to_string();
    answer(&send(journey, "POST", &path, &[("content-type", "application/json")], Some(&body)).await)
}

fn html(response: &Response<Body>) -> String {
    String::from_utf8(response.body().as_ref().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn state(html: &str) -> &str {
    html.split("data-state=\"").nth(1).unwrap_or_default().split('"').next().unwrap()
}

/// Where the page leads a browser on to.
fn leads_on_to(html: &str) -> Option<String> {
    let address = html.split("content=\"0; url=").nth(1)?.split('"').next()?;
    Some(address.replace("&amp;", "&"))
}

/// The gateway's own page, as the payer sees it.
async fn gateways_page(link: &str) -> String {
    reqwest::get(link).await.unwrap().text().await.unwrap()
}

/// Nothing of who they are, and no id of theirs.
fn assert_names_nobody(journey: &Journey, text: &str, context: &str) {
    let customer = &journey.customer;
    let personal = [
        customer.name.as_str(),
        customer.username.as_str(),
        customer.id.as_str(),
        journey.invoice.id.as_str(),
        journey.invoice.description.as_str(),
        customer.entitlement.package.name.as_str(),
        "6281234567890",
        "81234567890",
        "0812-3456-7890",
    ];
    for personal in personal {
        assert!(!text.contains(personal), "{personal} on {context}: {text}");
    }
}

#[tokio::test]
async fn whoever_holds_the_link_sees_the_bill_and_nothing_of_the_customer() {
    let (journey, token) = start().await;
    let response = get(&journey, &token.page(None)).await;
    let shown = html(&response);
    let due = journey.invoice.due_date.day().to_string();
    for told in [
        "Tagihan internet dari Nusantara Net",
        &journey.invoice.number,
        "Rp300.000",
        &due,
        "Bayar Sekarang",
        "Belum Bayar",
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert_names_nobody(&journey, &shown, "the page");
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-robots-tag", "noindex, nofollow, noarchive"),
        ("x-frame-options", "DENY"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(header(&response, name), value);
    }
    assert!(
        header(&response, "content-security-policy").starts_with("default-src 'none'; ")
            && response.headers().get("set-cookie").is_none()
    );
    let english = page(&journey, &format!("{}?lang=en", token.page(None))).await;
    assert!(english.contains("Internet bill from Nusantara Net") && english.contains("Pay now"));
    // Nothing of an address is shown but a known code's message.
    let failed = page(&journey, &format!("{}?error=link_failed&x=%3Cb%3E", token.page(None))).await;
    assert!(failed.contains("Gagal generate payment link, coba lagi") && !failed.contains("<b>"));

    let portal = journey.world.with_settings(|settings| settings.provider_name = None);
    let nameless = customer_portal::handle(&portal, from_browser("GET", &token.page(None), &[], &[], None)).await;
    assert!(html(&nameless).contains("Tagihan internet") && !html(&nameless).contains("dari"));
}

#[tokio::test]
async fn what_is_stored_opens_nothing_and_is_written_again_without_effect() {
    let (journey, token) = start().await;
    let stored = items(&journey.world.aws.direct, "PAY").await;
    assert_eq!(stored.len(), 1);
    assert!(
        !format!("{stored:?}").contains(token.as_str())
            && stored[0]["PK"].as_s().unwrap() == &format!("PAY#{}", token.hash())
    );
    assert!(link_of(&journey, &journey.invoice).await == token);
    assert_eq!(items(&journey.world.aws.direct, "PAY").await.len(), 1);
    // The hash is no token.
    assert_eq!(get(&journey, &format!("/p/{}", &token.hash()[..24])).await.status(), 404);
}

#[tokio::test]
async fn a_get_reads_and_has_no_effect_whatever_state_the_bill_is_in() {
    let (mut journey, token) = start().await;
    let other = journey.world.customer("siti", "081234567899").await;
    let cancelled = journey.world.invoice(&other).await;
    let gone = link_of(&journey, &cancelled).await;
    cancel(&journey, &cancelled).await;
    for stage in ["new", "with a link", "paid", "applied"] {
        match stage {
            "with a link" => assert_eq!(submit(&journey, &token, "link", "").await.0, 303),
            "paid" => {
                let link = journey.world.invoice_now(&journey.invoice).await.link.unwrap().url;
                journey.simulate(&link, Outcome::Paid).await;
                assert_eq!(submit(&journey, &token, "check", "").await.0, 303);
            }
            "applied" => journey.until_quiet().await,
            _ => {}
        }
        let before = everything(&journey.world.aws.direct).await;
        journey.world.tap.forget();
        for page in [
            token.page(None),
            token.page(Some("pay")),
            token.page(Some("finish")),
            gone.page(None),
            format!("/p/{UNKNOWN}"),
        ] {
            get(&journey, &page).await;
            get(&journey, &format!("{page}?order_id=x&status_code=200&transaction_status=settlement")).await;
        }
        let path = format!("/api/pay/{}/gateways", token.as_str());
        assert_eq!(send(&journey, "GET", &path, &[], None).await.status(), 200);
        for (method, what) in [("GET", "link"), ("GET", "nonsense")] {
            let path = format!("/api/pay/{}/{what}", token.as_str());
            assert_eq!(send(&journey, method, &path, &[], None).await.status(), 404, "{method} {what}");
        }
        let calls = journey.world.tap.calls();
        let reads = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "secretsmanager:GetSecretValue"];
        let read_only = |call: &testkit::tap::Call| {
            !call.actions.is_empty() && call.actions.iter().all(|action| reads.contains(&action.as_str()))
        };
        assert!(calls.iter().all(read_only), "{stage}: {calls:?}");
        assert!(calls.len() >= 10);
        assert_eq!(everything(&journey.world.aws.direct).await, before, "{stage}");
    }
}

async fn cancel(journey: &Journey, invoice: &Invoice) {
    let profile = journey.world.profile(&invoice.customer_id).await;
    let invoice = journey.world.invoice_now(invoice).await;
    let order = match &invoice.link {
        Some(link) => journey.world.app.store.order(link.gateway, &link.order_id).await.unwrap(),
        None => None,
    };
    let withdrawal = withdraw(&invoice, &profile, order.as_ref(), journey.now()).unwrap();
    journey.world.app.store.withdraw_invoice(&withdrawal, journey.now()).await.unwrap();
}

#[tokio::test]
async fn what_opens_nothing_is_answered_alike() {
    let (journey, token) = start().await;
    let other = journey.world.customer("siti", "081234567899").await;
    let cancelled = journey.world.invoice(&other).await;
    let gone = link_of(&journey, &cancelled).await;
    cancel(&journey, &cancelled).await;
    // Made with the right key, and given to nobody.
    let key = PayPageKey::read(&journey.world.app.secrets).await.unwrap();
    let never_sent = key.token(&InvoiceId::parse("inv_x").unwrap());
    // The same token but for its last letter.
    let mut close = token.as_str().to_owned();
    let last = close.pop().unwrap();
    close.push(if last == 'A' { 'B' } else { 'A' });

    let expected = html(&get(&journey, &format!("/p/{UNKNOWN}")).await);
    assert!(expected.contains("Link tidak berlaku") && !expected.contains("<form"));
    let tokens = [
        UNKNOWN,
        gone.as_str(),
        never_sent.as_str(),
        close.as_str(),
        journey.invoice.id.as_str(),
        journey.invoice.number.as_str(),
        "x",
        "%3Cscript%3E",
    ];
    for nothing in tokens {
        for page in [
            format!("/p/{nothing}"),
            format!("/p/{nothing}/pay"),
            format!("/p/{nothing}/finish"),
            format!("/p/{nothing}/other"),
        ] {
            let response = get(&journey, &page).await;
            assert_eq!((response.status().as_u16(), html(&response)), (404, expected.clone()), "{page}");
            assert_eq!(
                (header(&response, "referrer-policy"), header(&response, "cache-control")),
                ("no-referrer", "no-store"),
                "{page}"
            );
            assert_eq!(header(&response, "x-robots-tag"), "noindex, nofollow, noarchive");
        }
        for what in ["link", "check"] {
            let (status, body) = call(&journey, nothing, what, &json!({})).await;
            assert_eq!(
                (status, &body["code"], body.as_object().unwrap().len()),
                (404, &json!("not_found"), 3),
                "{nothing} {what}"
            );
        }
        let gateways = send(&journey, "GET", &format!("/api/pay/{nothing}/gateways"), &[], None).await;
        assert_eq!(gateways.status(), 404, "{nothing}");
    }
    assert_eq!(get(&journey, &token.page(Some("other"))).await.status(), 404);
    // A form is led to the page that says so.
    assert_eq!(
        submit(&journey, &gone, "link", "").await,
        (303, format!("{}?error={}", gone.page(Some("pay")), problem::NOT_FOUND.code))
    );
    assert_eq!(journey.world.tap.partner_calls(), 0);
}

#[tokio::test]
async fn a_token_opens_its_own_bill_only_and_a_session_opens_none() {
    let (journey, token) = start().await;
    let other = journey.world.customer("siti", "081234567899").await;
    let invoice = journey.world.invoice(&other).await;
    let others = link_of(&journey, &invoice).await;
    let (mine, theirs) = (page(&journey, &token.page(None)).await, page(&journey, &others.page(None)).await);
    assert!(mine.contains(&journey.invoice.number) && !mine.contains(&invoice.number));
    assert!(theirs.contains(&invoice.number) && !theirs.contains(&journey.invoice.number));
    let (_, made) = call(&journey, others.as_str(), "link", &json!({"invoiceId": journey.invoice.id})).await;
    assert!(made["paymentLink"].is_string(), "{made}");
    assert_eq!(journey.world.invoice_now(&journey.invoice).await.link, None, "a body names no other bill");
    assert!(journey.world.invoice_now(&invoice).await.link.is_some());

    let session = format!("__Host-session={}", journey.token().await);
    let path = format!("/api/pay/{UNKNOWN}/link");
    let request = from_browser("POST", &path, &[FORM, ("origin", SITE)], &[&session], Some(""));
    let led = create_payment_link::handle(&journey.world.app, request).await;
    assert_eq!(
        (led.status().as_u16(), header(&led, "location")),
        (303, "/p/AAAAAAAAAAAAAAAAAAAAAAAA/pay?error=not_found")
    );
}

#[tokio::test]
async fn a_bill_is_paid_without_a_login_and_without_a_script_at_either_gateway() {
    for gateway in GatewayName::ALL {
        let (mut journey, token) = start().await;
        let (finish, pay) = (token.page(Some("finish")), token.page(Some("pay")));
        assert_eq!(leads_on_to(&page(&journey, &pay).await), None, "no link yet: a page that makes none");
        assert_eq!(submit(&journey, &token, "link", &format!("gateway={gateway}")).await, (303, pay.clone()));
        let link = leads_on_to(&page(&journey, &pay).await).expect("the way to the gateway");
        assert_eq!(link, journey.world.invoice_now(&journey.invoice).await.link.unwrap().url);

        let theirs = gateways_page(&link).await;
        assert!(theirs.contains("300"), "{theirs}");
        assert_names_nobody(&journey, &theirs, "the gateway's page");
        assert_eq!(submit(&journey, &token, "check", "").await, (303, finish.clone()));
        let back = page(&journey, &finish).await;
        assert!(state(&back) == "unpaid" && back.contains("Periksa pembayaran"), "{back}");

        journey.wait(Duration::seconds(11));
        journey.simulate(&link, Outcome::Paid).await;
        assert!(
            gateways_page(&link).await.contains(&format!("{SITE}{finish}")),
            "leads back to this page, not to a login"
        );
        assert_eq!(state(&page(&journey, &finish).await), "unpaid", "what comes back proves nothing");
        assert_eq!(submit(&journey, &token, "check", "").await, (303, finish.clone()));
        let activating = page(&journey, &finish).await;
        assert!(state(&activating) == "activating" && activating.contains("Dibayar – mengaktifkan…"), "{activating}");
        journey.until_quiet().await;

        let profile = journey.world.profile(&journey.customer.id).await;
        let until = format!("{} ", profile.entitlement.expires_at.date().day());
        for path in [token.page(None), finish, pay] {
            let receipt = page(&journey, &path).await;
            assert!(state(&receipt) == "paid" && !receipt.contains("<form"), "{path}: {receipt}");
            let name = if gateway == GatewayName::Midtrans { "Midtrans" } else { "Xendit" };
            for told in [
                "Bukti pembayaran",
                "Lunas",
                &journey.invoice.number,
                "Rp300.000",
                "Dibayar pada",
                "Metode",
                name,
                "Berlaku sampai",
                &until,
            ] {
                assert!(receipt.contains(told), "{told}: {receipt}");
            }
            assert_names_nobody(&journey, &receipt, &path);
        }
        journey.assert_paid_once("paid by the public page").await;
        // Nothing is left to pay, whoever presses a button of an older page.
        let (status, body) = call(&journey, token.as_str(), "link", &json!({})).await;
        assert_eq!((status, &body["code"]), (404, &json!("invoice_not_found")));
        assert_eq!(
            call(&journey, token.as_str(), "check", &json!({})).await,
            (200, json!({"success": true, "status": "PAID"}))
        );
    }
}

#[tokio::test]
async fn the_script_is_answered_with_the_link_alone() {
    let (journey, token) = start().await;
    let (status, body) = call(&journey, token.as_str(), "link", &json!({"gateway": "xendit"})).await;
    let link = journey.world.invoice_now(&journey.invoice).await.link.unwrap();
    assert_eq!(
        (status, body, link.gateway),
        (200, json!({"success": true, "paymentLink": link.url}), GatewayName::Xendit)
    );
    let path = format!("/api/pay/{}/gateways", token.as_str());
    let gateways = answer(&send(&journey, "GET", &path, &[], None).await);
    assert_eq!(gateways, (200, json!({"success": true, "gateways": ["midtrans", "xendit"]})));
    let (status, body) = call(&journey, token.as_str(), "link", &json!({"gateway": "paypal"})).await;
    assert_eq!((status, &body["code"]), (400, &json!("unknown_gateway")));
    assert_eq!(
        call(&journey, token.as_str(), "check", &json!({})).await,
        (200, json!({"success": true, "status": "UNPAID"}))
    );
    journey
        .world
        .sandbox
        .add_fault(Fault { times: 2, ..Fault::once("midtrans.create", FaultKind::InternalError) })
        .unwrap();
    let (status, body) = call(&journey, token.as_str(), "link", &json!({"gateway": "midtrans"})).await;
    assert_eq!((status, &body["code"]), (500, &json!("link_failed")));
    assert_eq!(
        submit(&journey, &token, "link", "").await,
        (303, format!("{}?error=link_failed", token.page(Some("pay"))))
    );
    let failed = page(&journey, &format!("{}?error=link_failed", token.page(Some("pay")))).await;
    assert!(failed.contains("Gagal generate payment link") && failed.contains("Coba lagi"));
}

#[tokio::test]
async fn the_customers_own_link_names_them_and_is_not_given_to_others() {
    let (journey, token) = start().await;
    let session = journey.token().await;
    let own = journey.link(&session, Some(GatewayName::Midtrans)).await;
    assert!(gateways_page(&own).await.contains(&journey.customer.name), "so it matters");
    assert_eq!(leads_on_to(&page(&journey, &token.page(Some("pay"))).await), None);
    let (_, made) = call(&journey, token.as_str(), "link", &json!({})).await;
    let public = made["paymentLink"].as_str().unwrap();
    assert_ne!(public, own);
    assert_names_nobody(&journey, &gateways_page(public).await, "the gateway's page");
    let statuses: Vec<_> = journey.orders().await.iter().map(|order| order.status).collect();
    assert_eq!(statuses, [OrderStatus::Cancelled, OrderStatus::Open]);
    // One link at a time: the customer is given the same.
    assert_eq!(journey.link(&session, None).await, public);
    assert_eq!(call(&journey, token.as_str(), "link", &json!({})).await.1["paymentLink"], json!(public));
}

#[tokio::test]
async fn the_page_is_the_receipt_for_thirty_days() {
    let (mut journey, token) = start().await;
    let (_, made) = call(&journey, token.as_str(), "link", &json!({})).await;
    journey.pay(made["paymentLink"].as_str().unwrap()).await;
    journey.until_quiet().await;
    let paid_at = journey.world.invoice_now(&journey.invoice).await.paid_at.unwrap();
    journey.wait(paid_at + Duration::days(30) - Duration::seconds(5) - journey.now());
    assert_eq!(get(&journey, &token.page(None)).await.status(), 200);
    journey.wait(Duration::seconds(6));
    assert_eq!(get(&journey, &token.page(None)).await.status(), 404);
    assert_eq!(call(&journey, token.as_str(), "check", &json!({})).await.0, 404);
}

#[tokio::test]
async fn a_cancelled_bill_has_no_page_and_an_old_unpaid_one_has() {
    let (journey, token) = start().await;
    journey.wait(Duration::days(400));
    let old = page(&journey, &token.page(None)).await;
    assert_eq!(state(&old), "overdue");
    cancel(&journey, &journey.invoice).await;
    for step in [None, Some("pay"), Some("finish")] {
        assert_eq!(get(&journey, &token.page(step)).await.status(), 404);
    }
    for what in ["link", "check"] {
        assert_eq!(call(&journey, token.as_str(), what, &json!({})).await.0, 404, "{what}");
    }
}

#[tokio::test]
async fn a_receipt_tells_an_expiry_only_as_long_as_it_is_its_own() {
    let (mut journey, token) = start().await;
    let (_, made) = call(&journey, token.as_str(), "link", &json!({})).await;
    journey.pay(made["paymentLink"].as_str().unwrap()).await;
    journey.until_quiet().await;
    assert!(page(&journey, &token.page(None)).await.contains("Berlaku sampai"));
    let next = journey.world.invoice(&journey.customer).await;
    let others = link_of(&journey, &next).await;
    let (_, made) = call(&journey, others.as_str(), "link", &json!({})).await;
    journey.pay(made["paymentLink"].as_str().unwrap()).await;
    journey.until_quiet().await;
    let first = page(&journey, &token.page(None)).await;
    assert!(state(&first) == "paid" && first.contains("Metode") && !first.contains("Berlaku sampai"), "{first}");
    assert!(page(&journey, &others.page(None)).await.contains("Berlaku sampai"));
    assert!(!first.contains(&next.number));
}

#[tokio::test]
async fn credit_that_covers_the_bill_leaves_nothing_to_pay_and_the_page_is_the_receipt() {
    let (mut journey, token) = start().await;
    let (_, first) = call(&journey, token.as_str(), "link", &json!({"gateway": "xendit"})).await;
    journey.world.sandbox.add_fault(Fault::once("xendit.expire", FaultKind::InternalError)).unwrap();
    let (_, second) = call(&journey, token.as_str(), "link", &json!({"gateway": "midtrans"})).await;
    journey.pay(second["paymentLink"].as_str().unwrap()).await;
    journey.until_quiet().await;
    let next = journey.world.invoice(&journey.customer).await;
    let others = link_of(&journey, &next).await;
    assert_eq!(state(&page(&journey, &others.page(None)).await), "unpaid");
    // The replaced link could not be closed, and is paid after all: that is credit now.
    journey.pay(first["paymentLink"].as_str().unwrap()).await;
    journey.until_quiet().await;
    assert_eq!(journey.world.profile(&journey.customer.id).await.credit.get(), 300_000);

    let (status, body) = call(&journey, others.as_str(), "link", &json!({})).await;
    assert_eq!((status, &body["status"], &body["paymentLink"]), (200, &json!("PAID"), &Value::Null), "{body}");
    journey.until_quiet().await;
    let receipt = page(&journey, &others.page(None)).await;
    assert!(state(&receipt) == "paid" && receipt.contains("Saldo") && receipt.contains("Dibayar pada"), "{receipt}");
    assert!(!receipt.contains("Metode") && receipt.contains("Berlaku sampai"), "{receipt}");
}

#[tokio::test]
async fn money_that_is_taken_back_makes_the_page_a_bill_again() {
    let (mut journey, token) = start().await;
    let (_, made) = call(&journey, token.as_str(), "link", &json!({})).await;
    let link = made["paymentLink"].as_str().unwrap();
    journey.pay(link).await;
    journey.until_quiet().await;
    journey.simulate(link, Outcome::Reversed).await;
    journey.until_quiet().await;
    let shown = page(&journey, &token.page(None)).await;
    assert!(state(&shown) == "unpaid" && shown.contains("Bayar Sekarang"), "{shown}");
}

#[tokio::test]
async fn a_customer_gets_the_link_of_their_own_bill_and_of_no_other() {
    let journey = Journey::start().await;
    let session = journey.token().await;
    let cookie = format!("__Host-session={session}");
    let share = async |cookies: &[&str], origin: &str, csrf: &str, invoice: &str| {
        let form = format!("csrf={csrf}&invoiceId={invoice}");
        let request = from_browser("POST", "/customer/share", &[FORM, ("origin", origin)], cookies, Some(&form));
        let response = customer_portal::handle(&journey.world.app, request).await;
        (response.status().as_u16(), header(&response, "location").to_owned())
    };
    let (csrf, mine) = (csrf::token(&session), journey.invoice.id.as_str());
    assert!(page_of_dashboard(&journey, &cookie).await.contains("formaction=\"/customer/share\""));
    for (cookies, origin, csrf) in [
        (vec![], SITE, csrf.as_str()),
        (vec![cookie.as_str()], "https://evil.example", csrf.as_str()),
        (vec![cookie.as_str()], SITE, "guessed"),
    ] {
        let (status, location) = share(&cookies, origin, csrf, mine).await;
        assert!(status == 403 || location.starts_with("/customer/login"), "{status} {location}");
    }
    let other = journey.world.customer("siti", "081234567899").await;
    let others = journey.world.invoice(&other).await;
    for refused in [others.id.as_str(), "unknown", "%3Cb%3E"] {
        assert_eq!(share(&[&cookie], SITE, &csrf, refused).await, (404, String::new()), "{refused}");
    }
    assert_eq!(items(&journey.world.aws.direct, "PAY").await.len(), 0);

    let (status, link) = share(&[&cookie], SITE, &csrf, mine).await;
    assert_eq!((status, link.as_str()), (303, link_of(&journey, &journey.invoice).await.page(None).as_str()));
    assert!(page(&journey, &link).await.contains(&journey.invoice.number));
    cancel(&journey, &journey.invoice).await;
    assert_eq!(share(&[&cookie], SITE, &csrf, mine).await.0, 404);
}

async fn page_of_dashboard(journey: &Journey, cookie: &str) -> String {
    html(&customer_portal::handle(&journey.world.app, from_browser("GET", "/customer", &[], &[cookie], None)).await)
}

/// What the token stands for, in a layout that nobody knows.
async fn damage(journey: &Journey, token: &Token) {
    let mut item = items(&journey.world.aws.direct, "PAY").await.remove(0);
    assert!(item["PK"].as_s().unwrap().ends_with(&token.hash()));
    item.insert("schema_version".to_owned(), AttributeValue::N("99".to_owned()));
    journey.world.aws.direct.put_item().table_name(testkit::table::NAME).set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn no_token_stands_in_a_log() {
    let log = Log::begin(LevelFilter::DEBUG);
    let (mut journey, token) = start().await;
    // Every way in which a link fails, every answer of the page, and a payment.
    for kind in [FaultKind::InternalError, FaultKind::Unauthorized, FaultKind::Garbage, FaultKind::TooManyRequests] {
        for gateway in ["midtrans", "xendit"] {
            journey.world.sandbox.add_fault(Fault::once(&format!("{gateway}.create"), kind)).unwrap();
            submit(&journey, &token, "link", &format!("gateway={gateway}")).await;
            journey.wait(Duration::seconds(21));
        }
    }
    get(&journey, &token.page(None)).await;
    get(&journey, &format!("/p/{UNKNOWN}")).await;
    damage(&journey, &token).await;
    assert_eq!(get(&journey, &token.page(None)).await.status(), 503, "an item that cannot be read");
    link_of(&journey, &journey.invoice).await;
    let (_, made) = call(&journey, token.as_str(), "link", &json!({"gateway": "midtrans"})).await;
    let link = made["paymentLink"].as_str().unwrap().to_owned();
    journey.world.sandbox.add_fault(Fault::once("midtrans.status", FaultKind::InternalError)).unwrap();
    submit(&journey, &token, "check", "").await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    get(&journey, &token.page(None)).await;

    let logged = log.text();
    for expected in ["no payment link", "payment could not be checked", "the store failed", "settled"] {
        assert!(logged.contains(expected), "{expected} in {logged}");
    }
    for unsaid in [token.as_str(), "/p/"] {
        assert!(!logged.contains(unsaid), "{unsaid} in {logged}");
    }
}
