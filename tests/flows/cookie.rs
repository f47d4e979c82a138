//! The portal's cookie: what it opens, and what other sites cannot do with it.

use crate::api::{check_payment, create_payment_link, customer_account};
use lambda_http::{Body, Response};
use serde_json::Value;
use testkit::request::{answer, from_browser};
use web::csrf;

use crate::journey::{Journey, account_of};

const SITE: &str = "https://portal.example";
const FORM: &str = "application/x-www-form-urlencoded";

struct Browser {
    journey: Journey,
    token: String,
}

impl Browser {
    async fn start() -> Self {
        let journey = Journey::start().await;
        let token = journey.token().await;
        Self { journey, token }
    }

    fn cookie(&self) -> String {
        format!("__Host-session={}", self.token)
    }

    /// A request to the link endpoint with the session's cookie and these headers.
    async fn ask(&self, method: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response<Body> {
        let query = if method == "GET" { format!("?invoiceId={}", self.journey.invoice.id) } else { String::new() };
        let path = format!("/api/customer/invoices/payment{query}");
        let request = from_browser(method, &path, headers, &[&self.cookie()], body);
        create_payment_link::handle(&self.journey.world.app, request).await
    }

    fn json(&self) -> String {
        format!(r#"{{"invoiceId":"{}"}}"#, self.journey.invoice.id)
    }

    fn form(&self, csrf: &str) -> String {
        format!("csrf={csrf}&invoiceId={}", self.journey.invoice.id)
    }

    async fn orders(&self) -> usize {
        self.journey.orders().await.len()
    }
}

fn location(response: &Response<Body>) -> (u16, &str) {
    (response.status().as_u16(), response.headers().get("location").map_or("", |value| value.to_str().unwrap()))
}

#[tokio::test]
async fn the_cookie_says_who_is_calling_like_the_header() {
    let browser = Browser::start().await;
    let account = account_of(&browser.journey.world.app);
    let me = async |cookies: &[&str]| {
        let response =
            customer_account::handle(&account, from_browser("GET", "/api/customer/me", &[], cookies, None)).await;
        answer(&response)
    };
    let (status, body) = me(&["lang=en", &browser.cookie()]).await;
    assert_eq!((status, &body["customer"]["username"]), (200, &Value::from("budi")));
    // On https only the name that a neighbouring host cannot set is believed, and only once.
    assert_eq!(me(&[&format!("session={}", browser.token)]).await.0, 401);
    assert_eq!(me(&[&browser.cookie(), &browser.cookie()]).await.0, 401);
    assert_eq!(me(&[&format!("{}x", browser.cookie())]).await.0, 401);
    assert_eq!(me(&[]).await.0, 401);
}

#[tokio::test]
async fn our_own_page_makes_a_link_with_its_token() {
    let browser = Browser::start().await;
    let token = csrf::token(&browser.token);
    let headers = [("origin", SITE), ("x-csrf-token", token.as_str()), ("content-type", "application/json")];
    let (status, body) = answer(&browser.ask("POST", &headers, Some(&browser.json())).await);
    assert_eq!(status, 200, "{body}");
    assert!(body["paymentLink"].as_str().unwrap().starts_with("http"));
}

#[tokio::test]
async fn another_site_makes_nothing_with_the_cookie() {
    let browser = Browser::start().await;
    let token = csrf::token(&browser.token);
    let another = csrf::token("c1.another-session");
    let json = browser.json();
    let kind = ("content-type", "application/json");
    for headers in [
        vec![kind],
        vec![kind, ("origin", SITE)],
        vec![kind, ("x-csrf-token", token.as_str())],
        vec![kind, ("origin", "https://evil.example"), ("x-csrf-token", token.as_str())],
        vec![kind, ("origin", "null"), ("x-csrf-token", token.as_str())],
        vec![kind, ("origin", "http://portal.example"), ("x-csrf-token", token.as_str())],
        vec![kind, ("origin", SITE), ("x-csrf-token", another.as_str())],
        vec![kind, ("origin", SITE), ("x-csrf-token", "")],
    ] {
        let (status, body) = answer(&browser.ask("POST", &headers, Some(&json)).await);
        assert_eq!((status, &body["code"]), (403, &Value::from("not_from_here")), "{headers:?}");
    }
    let forged = browser
        .ask("POST", &[("content-type", FORM), ("origin", "https://evil.example")], Some(&browser.form(&token)))
        .await;
    assert_eq!(
        location(&forged),
        (303, format!("/customer/pay/{}?error=not_from_here", browser.journey.invoice.id).as_str())
    );
    assert_eq!(browser.orders().await, 0);
}

#[tokio::test]
async fn a_get_with_the_cookie_finds_a_link_and_makes_none() {
    let browser = Browser::start().await;
    let (status, body) = answer(&browser.ask("GET", &[], None).await);
    assert_eq!((status, &body["code"]), (403, &Value::from("not_from_here")));
    assert_eq!(browser.orders().await, 0);
    let link = browser.journey.link(&browser.token, None).await;
    let (status, body) = answer(&browser.ask("GET", &[], None).await);
    assert_eq!((status, &body["paymentLink"]), (200, &Value::from(link)));
}

#[tokio::test]
async fn a_form_is_led_to_the_page_that_opens_the_link_or_says_why_not() {
    let mut browser = Browser::start().await;
    let invoice = browser.journey.invoice.id.clone();
    let headers = [("content-type", FORM), ("origin", SITE)];
    let good = browser.form(&csrf::token(&browser.token));
    assert_eq!(
        location(&browser.ask("POST", &headers, Some(&good)).await),
        (303, format!("/customer/pay/{invoice}").as_str())
    );
    assert_eq!(browser.orders().await, 1);
    assert_eq!(
        location(&browser.ask("POST", &headers, Some(&format!("{good}&gateway=paypal"))).await),
        (303, format!("/customer/pay/{invoice}?error=unknown_gateway").as_str())
    );
    // What is no invoice id never becomes part of an address.
    let evil = format!("csrf={}&invoiceId=%2F%2Fevil.example", csrf::token(&browser.token));
    assert_eq!(location(&browser.ask("POST", &headers, Some(&evil)).await), (303, "/customer?error=invoice_not_found"));
    browser.token.replace_range(browser.token.len() - 4.., "AAAA");
    let over = browser.form(&csrf::token(&browser.token));
    assert_eq!(location(&browser.ask("POST", &headers, Some(&over)).await), (303, "/customer/login?ended=1"));
}

#[tokio::test]
async fn a_form_that_checks_is_led_back_to_its_page() {
    let browser = Browser::start().await;
    let (invoice, token) = (&browser.journey.invoice.id, csrf::token(&browser.token));
    let path = format!("/api/customer/invoices/{invoice}/check");
    let check = async |csrf: &str| {
        let body = format!("csrf={csrf}");
        let request =
            from_browser("POST", &path, &[("content-type", FORM), ("origin", SITE)], &[&browser.cookie()], Some(&body));
        check_payment::handle(&browser.journey.world.app, request).await
    };
    assert_eq!(location(&check(&token).await), (303, format!("/customer/finish/{invoice}").as_str()));
    assert_eq!(location(&check("").await), (303, format!("/customer/finish/{invoice}?error=not_from_here").as_str()));
}

#[tokio::test]
async fn the_portal_is_told_which_gateways_there_are_to_choose_from() {
    let browser = Browser::start().await;
    let world = &browser.journey.world;
    let ask = async |cookies: &[&str]| {
        let request = from_browser("GET", "/api/customer/invoices/payment/gateways", &[], cookies, None);
        answer(&create_payment_link::handle(&world.another_process(), request).await)
    };
    let cookie = browser.cookie();
    assert_eq!(ask(&[&cookie]).await, (200, serde_json::json!({"success": true, "gateways": ["midtrans", "xendit"]})));
    world.aws.set_secret("lunas/dev/midtrans", "{}");
    assert_eq!(ask(&[&cookie]).await.1["gateways"], serde_json::json!(["xendit"]));
    assert_eq!(ask(&[]).await.0, 401);
}
