//! Addresses that nobody has, or that were not typed as they are: what the portal answers, to which the API leads them.

use billing::payment::gateway::GatewayName;
use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use serde_json::json;
use testkit::notification::Notification;
use testkit::request::{answer, delivery, from_browser, request};
use web::routes::ROUTES;

use crate::contract::{self, Asked};
use crate::journey::Journey;
use crate::pay_page::link_of;

async fn ask(journey: &Journey, method: &str, path: &str, cookies: &[&str]) -> Response<Body> {
    customer_portal::handle(&journey.world.app, from_browser(method, path, &[], cookies, None)).await
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn leads_to(response: &Response<Body>) -> (u16, &str) {
    (response.status().as_u16(), header(response, "location"))
}

fn html(response: &Response<Body>) -> String {
    String::from_utf8(response.body().as_ref().to_vec()).unwrap()
}

#[test]
fn the_addresses_of_the_api_are_those_of_its_document() {
    let sorted = |mut routes: Vec<(String, String)>| {
        routes.sort();
        routes
    };
    let known = ROUTES.iter().map(|(path, methods)| ((*path).to_owned(), methods.join(", ")));
    let documented =
        contract::routes().into_iter().map(|(path, methods)| (path.to_owned(), methods.join(", ").to_uppercase()));
    assert_eq!(sorted(known.collect()), sorted(documented.collect()));
}

#[tokio::test]
async fn what_the_api_does_not_have_is_an_error_like_every_other() {
    let journey = Journey::start().await;
    for (method, path, status, code, allowed) in [
        ("GET", "/api", 404, "not_found", ""),
        ("GET", "/api/elsewhere", 404, "not_found", ""),
        ("POST", "/api/customer/invoices/inv_1/cancel", 404, "not_found", ""),
        ("GET", "/API/customer/me", 404, "not_found", ""),
        ("GET", "/api/customer/otp", 405, "method_not_allowed", "POST"),
        ("DELETE", "/api/customer/invoices/payment", 405, "method_not_allowed", "GET, POST"),
        ("OPTIONS", "/api/customer/me", 405, "method_not_allowed", "GET"),
        ("GET", "/api/customer/invoices/inv_1/check", 405, "method_not_allowed", "POST"),
        ("GET", "/api/webhooks/midtrans", 405, "method_not_allowed", "POST"),
        ("PUT", "/api/webhooks/whatsapp/meta", 405, "method_not_allowed", "GET, POST"),
    ] {
        let asked: Request = from_browser(method, path, &[("accept-language", "en")], &[], None);
        let contract = Asked::of(&asked);
        let response = customer_portal::handle(&journey.world.app, asked).await;
        contract::check(&contract, &response);
        let (answered, body) = answer(&response);
        assert_eq!(
            (answered, body["code"].as_str(), header(&response, "allow")),
            (status, Some(code), allowed),
            "{path}"
        );
        assert!(["Not found", "The method is not supported"].contains(&body["error"].as_str().unwrap()), "{body}");
    }
    let head = ask(&journey, "HEAD", "/api/customer/me", &[]).await;
    assert_eq!((head.status().as_u16(), head.body().as_ref()), (405, [].as_slice()));
}

#[tokio::test]
async fn an_address_that_nobody_has_is_a_page_with_a_way_home() {
    let journey = Journey::start().await;
    let session = format!("__Host-session={}", journey.token().await);
    for (method, path) in [
        ("GET", "/wp-login.php"),
        ("GET", "/favicon.ico"),
        ("GET", "/customer/nowhere"),
        ("GET", "/customer/pay"),
        ("GET", "/customer/pay/inv_1/again"),
        ("GET", "/p"),
        ("GET", "/%3Cscript%3E"),
        ("GET", "/apiary"),
        ("POST", "/"),
        ("POST", "/customer/history"),
        ("PUT", "/customer"),
        ("DELETE", "/customer/login"),
        ("OPTIONS", "/"),
    ] {
        for cookie in ["lang=id", session.as_str()] {
            let response = ask(&journey, method, path, &[cookie]).await;
            let page = html(&response);
            assert_eq!(
                (response.status().as_u16(), header(&response, "content-type")),
                (404, "text/html; charset=utf-8"),
                "{method} {path}"
            );
            assert!(page.contains(r#"href="/customer""#) && page.contains("Halaman tidak ditemukan"), "{path}: {page}");
            assert!(page.contains("lang=en") && !page.contains("nowhere"), "{path}: {page}");
            assert!(header(&response, "content-security-policy").contains("default-src 'none'"));
        }
        let english = html(&ask(&journey, method, path, &["lang=en"]).await);
        assert!(english.contains("Page not found"), "{path}: {english}");
    }
}

#[tokio::test]
async fn the_head_of_a_page_is_that_of_the_page() {
    let journey = Journey::start().await;
    for path in ["/customer/login", "/customer", "/", "/nowhere", "/CUSTOMER"] {
        let (page, head) = (ask(&journey, "GET", path, &[]).await, ask(&journey, "HEAD", path, &[]).await);
        assert_eq!(leads_to(&head), leads_to(&page), "{path}");
        assert!(head.body().as_ref().is_empty());
    }
}

#[tokio::test]
async fn a_link_with_something_behind_it_opens_what_was_meant() {
    let journey = Journey::start().await;
    let session = format!("__Host-session={}", journey.token().await);
    let link = link_of(&journey, &journey.invoice).await;
    let token = link.as_str();
    let bill = link.page(None);
    for (path, meant) in [
        (format!("{bill}/"), bill.clone()),
        (format!("{bill})."), bill.clone()),
        (format!("/P/{token}%3E"), bill.clone()),
        (format!("//p/{token}/Pay,"), format!("{bill}/pay")),
        ("/CUSTOMER".to_owned(), "/customer".to_owned()),
        ("/Customer/Wifi/?tab=upgrade&x=%3C&lang=en".to_owned(), "/customer/wifi?tab=upgrade".to_owned()),
    ] {
        let response = ask(&journey, "GET", &path, &[&session]).await;
        assert_eq!(leads_to(&response), (303, meant.as_str()), "{path}");
        assert_eq!(ask(&journey, "GET", &meant, &[&session]).await.status(), 200, "{meant}");
    }
    let other_case = format!("/p/{}/", token.to_uppercase());
    let led = ask(&journey, "GET", &other_case, &[]).await;
    assert_eq!(leads_to(&led), (303, other_case.trim_end_matches('/')));
    assert_eq!(header(&led, "referrer-policy"), "no-referrer");
    assert_eq!(ask(&journey, "GET", other_case.trim_end_matches('/'), &[]).await.status(), 404);
    // A form is not sent on: it is ours, and ours are right.
    assert_eq!(ask(&journey, "POST", "/CUSTOMER/logout", &[&session]).await.status(), 404);
}

/// Where a notification comes to, and whether its function has it.
const LOOSE: [(&str, bool); 6] = [
    ("/api/webhooks/{}/", true),
    ("/api/webhooks//{}", true),
    ("/api/webhooks/{}//", true),
    ("//api/webhooks/{}", false),
    ("/api//webhooks/{}", false),
    ("//api//webhooks//{}//", false),
];

#[tokio::test]
async fn a_webhook_with_a_slash_too_many_is_booked_like_any_other_or_told_the_right_address() {
    for gateway in GatewayName::ALL {
        for (pattern, is_here) in LOOSE {
            let mut journey = Journey::start().await;
            let link = journey.link(&journey.token().await, Some(gateway)).await;
            journey.pay(&link).await;
            let right = format!("/api/webhooks/{gateway}");
            for notification in std::mem::take(&mut journey.undelivered) {
                let typed = Notification { path: pattern.replace("{}", gateway.as_str()), ..notification };
                if is_here {
                    assert_eq!(journey.deliver(&typed).await, Some(200), "{pattern}");
                } else {
                    let told = customer_portal::handle(&journey.world.app, delivery(&typed)).await;
                    assert_eq!(leads_to(&told), (308, right.as_str()), "{pattern}");
                    assert_eq!(journey.deliver(&Notification { path: right.clone(), ..typed }).await, Some(200));
                }
            }
            assert!(journey.world.invoice_now(&journey.invoice).await.paid_at.is_some(), "{gateway} {pattern}");
        }
    }
}

#[tokio::test]
async fn a_status_of_a_message_finds_its_function_through_slashes_too_many() {
    let journey = Journey::start().await;
    let handshake = "hub.mode=subscribe&hub.verify_token=x&hub.challenge=1";
    let app = &journey.world.app;
    for path in ["/api/webhooks/whatsapp/meta/", "/api/webhooks/whatsapp//meta"] {
        let asked = request("GET", &format!("{path}?{handshake}"), None, None);
        assert_ne!(receive_status::handle(app, asked).await.status(), 404, "{path}");
    }
    let right = format!("/api/webhooks/whatsapp/meta?{handshake}");
    let at_the_portal = ask(&journey, "GET", &format!("//api/webhooks/whatsapp/meta?{handshake}"), &[]).await;
    assert_eq!(leads_to(&at_the_portal), (308, right.as_str()));
    // The route of the gateways takes this one.
    let sent = request("POST", &format!("/api/webhooks//whatsapp/meta?{handshake}"), None, Some(&json!({})));
    assert_eq!(sent.method(), Method::POST);
    assert_eq!(leads_to(&receive_webhook::handle(app, sent).await), (308, right.as_str()));
}
