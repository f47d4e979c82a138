//! The portal's function: who is shown which page, and what a page never does.

use billing::payment::gateway::GatewayName;
use lambda_http::{Body, Response};
use lunas_sandbox::Outcome;
use testkit::request::{from_browser, request};
use testkit::table::items;
use time::Duration;
use web::csrf;

use crate::api::customer_session;
use crate::journey::{Journey, PHONE};

const SITE: &str = "https://portal.example";
const FORM: &str = "application/x-www-form-urlencoded";
/// [`PHONE`] as it is stored.
const STORED_PHONE: &str = "6281234567890";

async fn get(journey: &Journey, path: &str, cookies: &[&str]) -> Response<Body> {
    customer_portal::handle(&journey.world.app, from_browser("GET", path, &[], cookies, None)).await
}

async fn submit(journey: &Journey, path: &str, cookies: &[&str], origin: &str, form: &str) -> Response<Body> {
    let headers = [("content-type", FORM), ("origin", origin)];
    customer_portal::handle(&journey.login, from_browser("POST", path, &headers, cookies, Some(form))).await
}

fn html(response: &Response<Body>) -> String {
    String::from_utf8(response.body().as_ref().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A cookie that an answer sets, as the browser sends it back.
fn cookie_of(response: &Response<Body>, name: &str) -> String {
    let lines = response.headers().get_all("set-cookie").into_iter().map(|line| line.to_str().unwrap());
    let line = lines
        .into_iter()
        .find(|line| line.starts_with(&format!("{name}=")))
        .unwrap_or_else(|| panic!("no cookie {name}"));
    line.split(';').next().unwrap().to_owned()
}

fn leads_to(response: &Response<Body>) -> (u16, &str) {
    (response.status().as_u16(), header(response, "location"))
}

fn session(token: &str) -> String {
    format!("__Host-session={token}")
}

/// The login page as a first visitor gets it: the visit's cookie, and the token of its forms.
async fn first_visit(journey: &Journey) -> (String, String) {
    let page = get(journey, "/customer/login", &[]).await;
    let visit = cookie_of(&page, "__Host-visit");
    let token = csrf::token(visit.split_once('=').unwrap().1);
    assert!(html(&page).contains(&token));
    (visit, token)
}

#[tokio::test]
async fn a_customer_logs_in_by_forms_and_out_again() {
    let mut journey = Journey::start().await;
    let (visit, csrf) = first_visit(&journey).await;
    let asked = submit(&journey, "/customer/login", &[&visit], SITE, &format!("csrf={csrf}&phone={PHONE}")).await;
    assert_eq!(leads_to(&asked), (303, "/customer/login?step=code"));
    // The step can be come back to, in either language, as long as the code may be valid.
    let phone = cookie_of(&asked, "__Host-phone");
    let step = html(&get(&journey, "/customer/login?step=code", &[&visit, &phone]).await);
    assert!(
        step.contains("one-time-code")
            && step.contains("0812-3456-7890")
            && step.contains("/customer/login?step=code&amp;lang=en"),
        "{step}"
    );
    assert!(html(&get(&journey, "/customer/login?step=code", &[&visit]).await).contains("phone-form"));
    journey.until_quiet().await;
    let code = journey.world.sandbox.inbox(STORED_PHONE)[0].text[11..17].to_owned();
    let wrong =
        submit(&journey, "/customer/login", &[&visit], SITE, &format!("csrf={csrf}&phone={PHONE}&code=12")).await;
    assert!(wrong.status() == 401 && html(&wrong).contains("Kode salah"));

    let form = format!("csrf={csrf}&phone={PHONE}&code={code}");
    let logged_in = submit(&journey, "/customer/login", &[&visit], SITE, &form).await;
    assert_eq!(leads_to(&logged_in), (303, "/customer"));
    let session = cookie_of(&logged_in, "__Host-session");
    assert!(
        header(&logged_in, "set-cookie").starts_with("__Host-session=")
            && header(&logged_in, "set-cookie").ends_with("; Path=/; Max-Age=5184000; HttpOnly; SameSite=Lax; Secure")
    );
    let dashboard = get(&journey, "/customer", &[&session]).await;
    assert!(dashboard.status() == 200 && html(&dashboard).contains(&journey.customer.name));
    assert_eq!(leads_to(&get(&journey, "/customer/login", &[&session]).await), (303, "/customer"));

    let of_session = csrf::token(session.split_once('=').unwrap().1);
    let kept =
        submit(&journey, "/customer/logout", &[&session], "https://evil.example", &format!("csrf={of_session}")).await;
    assert_eq!((kept.status().as_u16(), get(&journey, "/customer", &[&session]).await.status().as_u16()), (403, 200));
    let ended = submit(&journey, "/customer/logout", &[&session], SITE, &format!("csrf={of_session}")).await;
    assert_eq!(leads_to(&ended), (303, "/customer/login"));
    assert!(header(&ended, "set-cookie").starts_with("__Host-session=; Path=/; Max-Age=0;"));
    assert_eq!(cookie_of(&ended, "__Host-visit"), "__Host-visit=", "whoever comes next cannot repeat the login");
    assert_eq!(leads_to(&get(&journey, "/customer", &[&session]).await), (303, "/customer/login?ended=1"));
}

/// The login form with the code, as the visitor of [`first_visit`] sends it.
async fn send_code(journey: &Journey, (visit, csrf): &(String, String), code: &str) -> Response<Body> {
    submit(journey, "/customer/login", &[visit], SITE, &format!("csrf={csrf}&phone={PHONE}&code={code}")).await
}

/// Has a code sent to the visitor, and reads it.
async fn ask_for_code(journey: &mut Journey, (visit, csrf): &(String, String)) -> String {
    submit(journey, "/customer/login", &[visit], SITE, &format!("csrf={csrf}&phone={PHONE}")).await;
    journey.until_quiet().await;
    journey.world.sandbox.inbox(STORED_PHONE).last().unwrap().text[11..17].to_owned()
}

async fn assert_is_in(journey: &Journey, answer: &Response<Body>) {
    assert_eq!(leads_to(answer), (303, "/customer"));
    let dashboard = get(journey, "/customer", &[&cookie_of(answer, "__Host-session")]).await;
    assert!(dashboard.status() == 200 && html(&dashboard).contains(&journey.customer.name));
}

fn assert_is_refused(answer: &Response<Body>) {
    assert!(answer.status() == 401 && html(answer).contains("Kode sudah kedaluwarsa"), "{}", answer.status());
    assert!(answer.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn a_login_form_that_is_sent_twice_lands_in_the_session_both_times() {
    let mut journey = Journey::start().await;
    let mine = first_visit(&journey).await;
    let code = ask_for_code(&mut journey, &mine).await;
    assert_is_in(&journey, &send_code(&journey, &mine, &code).await).await;
    journey.wait(Duration::seconds(59));
    assert_is_in(&journey, &send_code(&journey, &mine, &code).await).await;
    // Whoever saw the code is none the wiser: neither another browser nor a program gets in by it.
    assert_is_refused(&send_code(&journey, &first_visit(&journey).await, &code).await);
    let body = serde_json::json!({"phone": PHONE, "code": code});
    let by_program = request("POST", "/api/customer/login", None, Some(&body));
    assert_eq!(customer_session::handle(&journey.login, by_program).await.status(), 401);
    journey.wait(Duration::seconds(1));
    assert_is_refused(&send_code(&journey, &mine, &code).await);
}

#[tokio::test]
async fn two_login_forms_at_the_same_instant_both_land_in_a_session() {
    for _ in 0..5 {
        let mut journey = Journey::start().await;
        let mine = first_visit(&journey).await;
        let code = ask_for_code(&mut journey, &mine).await;
        let (one, other) = tokio::join!(send_code(&journey, &mine, &code), send_code(&journey, &mine, &code));
        assert_is_in(&journey, &one).await;
        assert_is_in(&journey, &other).await;
    }
}

#[tokio::test]
async fn of_two_browsers_with_the_same_code_at_the_same_instant_one_gets_in() {
    for _ in 0..5 {
        let mut journey = Journey::start().await;
        let (mine, stranger) = (first_visit(&journey).await, first_visit(&journey).await);
        let code = ask_for_code(&mut journey, &mine).await;
        let (one, other) = tokio::join!(send_code(&journey, &mine, &code), send_code(&journey, &stranger, &code));
        let mut seen = [one.status().as_u16(), other.status().as_u16()];
        seen.sort_unstable();
        assert_eq!((seen, items(&journey.world.aws.direct, "SESSION#").await.len()), ([303, 401], 1));
    }
}

#[tokio::test]
async fn a_login_form_of_another_site_logs_nobody_in() {
    let journey = Journey::start().await;
    let (visit, csrf) = first_visit(&journey).await;
    for (cookies, origin, token) in [
        (vec![visit.as_str()], "https://evil.example", csrf.as_str()),
        (vec![visit.as_str()], "null", csrf.as_str()),
        (vec![visit.as_str()], SITE, "guessed"),
        (vec![], SITE, csrf.as_str()),
        // The token of an empty cookie can be computed by everybody.
        (vec!["__Host-visit="], SITE, csrf::token("").as_str()),
    ] {
        let refused =
            submit(&journey, "/customer/login", &cookies, origin, &format!("csrf={token}&phone={PHONE}")).await;
        assert_eq!(refused.status(), 403, "{origin} {token}");
        // Else another site could take the form away that somebody has open, or log them out.
        assert!(origin == SITE || refused.headers().get("set-cookie").is_none());
        let out = submit(&journey, "/customer/logout", &[], origin, "").await;
        assert!(origin == SITE || out.status() == 403 && out.headers().get("set-cookie").is_none());
    }
    assert!(
        items(&journey.world.aws.direct, "EVENT")
            .await
            .iter()
            .all(|event| event["kind"].as_s().unwrap() != "login.code_requested")
    );
}

#[tokio::test]
async fn no_page_is_shown_without_a_session() {
    let journey = Journey::start().await;
    let invoice = &journey.invoice.id;
    let pages = [
        "/customer".to_owned(),
        "/customer/invoices".to_owned(),
        "/customer/history".to_owned(),
        "/customer/wifi".to_owned(),
        format!("/customer/pay/{invoice}"),
        "/customer/finish".to_owned(),
        format!("/customer/finish/{invoice}"),
    ];
    let forged = session(&format!("{}.{}", journey.customer.id, "A".repeat(43)));
    for page in &pages {
        assert_eq!(leads_to(&get(&journey, page, &[]).await), (303, "/customer/login"), "{page}");
        assert_eq!(leads_to(&get(&journey, page, &[&forged]).await), (303, "/customer/login?ended=1"), "{page}");
    }
    for ended in ["/customer/login?ended", "/customer/login?ended=1"] {
        assert!(html(&get(&journey, ended, &[]).await).contains("Sesi berakhir, silakan masuk lagi"), "{ended}");
    }
    let token = journey.token().await;
    journey.wait(Duration::days(31));
    for page in &pages {
        assert_eq!(
            leads_to(&get(&journey, page, &[&session(&token)]).await),
            (303, "/customer/login?ended=1"),
            "{page}: expired"
        );
    }
}

#[tokio::test]
async fn whoever_asks_too_often_can_still_use_the_code_that_came() {
    let journey = Journey::start().await;
    let (visit, csrf) = first_visit(&journey).await;
    let ask =
        async || submit(&journey, "/customer/login", &[&visit], SITE, &format!("csrf={csrf}&phone={PHONE}")).await;
    for _ in 0..billing::access::login::SENDS {
        assert_eq!(ask().await.status(), 303);
        assert_eq!(ask().await.status(), 303, "tapped twice, which counts once");
        journey.wait(Duration::seconds(30));
    }
    let refused = ask().await;
    assert!(
        refused.status() == 429
            && html(&refused).contains("one-time-code")
            && html(&refused).contains("Terlalu banyak percobaan")
    );
}

#[tokio::test]
async fn whoever_comes_from_a_gateway_and_has_to_log_in_gets_to_where_they_were_going() {
    let mut journey = Journey::start().await;
    let finish = format!("/customer/finish/{}", journey.invoice.id);
    let sent = get(&journey, &finish, &[]).await;
    let wanted = cookie_of(&sent, "__Host-wanted");
    let (visit, csrf) = first_visit(&journey).await;
    let form = format!("csrf={csrf}&phone={PHONE}");
    submit(&journey, "/customer/login", &[&visit], SITE, &form).await;
    journey.until_quiet().await;
    let code = journey.world.sandbox.inbox(STORED_PHONE)[0].text[11..17].to_owned();
    let logged_in = submit(&journey, "/customer/login", &[&visit, &wanted], SITE, &format!("{form}&code={code}")).await;
    assert_eq!(leads_to(&logged_in), (303, finish.as_str()));
    for elsewhere in ["/customer/finish/%2F%2Fevil.example", "/customer/pay/..%2F..", "/customer/unknown"] {
        assert!(get(&journey, elsewhere, &[]).await.headers().get("set-cookie").is_none(), "{elsewhere}");
    }
}

#[tokio::test]
async fn another_customers_invoice_is_not_found() {
    let journey = Journey::start().await;
    let other = journey.world.customer("siti", "081234567899").await;
    let token = journey.world.token(&other).await;
    for page in ["pay", "finish"] {
        for invoice in [journey.invoice.id.as_str(), "unknown", "%3Cscript%3E"] {
            let shown = get(&journey, &format!("/customer/{page}/{invoice}"), &[&session(&token)]).await;
            assert_eq!(shown.status(), 404, "{page} {invoice}");
            assert!(!html(&shown).contains(&journey.invoice.number) && !html(&shown).contains("<script>"));
        }
    }
}

#[tokio::test]
async fn every_answer_is_fenced_in() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    for path in [
        "/customer",
        "/customer/login",
        "/customer/offline",
        "/customer/nowhere",
        "/sw.js",
        "/customer/manifest.webmanifest",
        "/",
    ] {
        let answer = get(&journey, path, &[&session(&token)]).await;
        let policy = header(&answer, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("form-action 'self'")
                && policy.contains("frame-ancestors 'none'")
                && policy.contains("base-uri 'none'")
        );
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "x-frame-options"), "DENY");
        assert_eq!(header(&answer, "strict-transport-security"), "max-age=31536000");
        let kept = header(&answer, "cache-control");
        assert!(kept == "no-store" || path.contains('.') && kept == "no-cache", "{path}: {kept}");
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_arrive_compressed() {
    let journey = Journey::start().await;
    let page = html(&get(&journey, "/customer/login", &[]).await);
    let style = page.split('"').find(|word| word.starts_with("/assets/portal.") && word.contains(".css")).unwrap();
    let request = from_browser("GET", style, &[("accept-encoding", "gzip, br")], &[], None);
    let answer = customer_portal::handle(&journey.world.app, request).await;
    assert_eq!(
        (header(&answer, "content-encoding"), header(&answer, "cache-control")),
        ("br", "public, max-age=31536000, immutable")
    );
    assert_eq!(get(&journey, "/assets/portal.000000000000.css", &[]).await.status(), 404);
    let request = from_browser("GET", "/customer/login", &[("accept-encoding", "gzip")], &[], None);
    let answer = customer_portal::handle(&journey.world.app, request).await;
    assert_eq!((header(&answer, "content-encoding"), header(&answer, "vary")), ("gzip", "accept-encoding"));
}

#[tokio::test]
async fn the_language_is_remembered_and_nothing_else_of_an_address_is_shown() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let english = get(&journey, "/customer?lang=en", &[&session(&token)]).await;
    assert!(html(&english).contains("<html lang=\"en\">") && html(&english).contains("Unpaid"));
    let remembered = cookie_of(&english, "lang");
    assert!(
        html(&get(&journey, "/customer/history", &[&session(&token), &remembered]).await)
            .contains("<html lang=\"en\">")
    );
    for path in [
        "/customer?lang=%3Cb%3E",
        "/customer?error=%3Cb%3E",
        "/customer?error=no_such_code",
        "/customer?cursor=%3Cb%3E",
        "/customer/wifi?tab=%3Cb%3E",
    ] {
        let page = get(&journey, path, &[&session(&token)]).await;
        assert!(!html(&page).contains("<b>") && !html(&page).contains("no_such_code"), "{path}");
    }
    let failed = get(&journey, "/customer?error=link_failed", &[&session(&token)]).await;
    assert!(html(&failed).contains("Gagal generate payment link, coba lagi"));
}

#[tokio::test]
async fn bills_payments_and_the_finish_page_follow_a_payment() {
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let token = journey.token().await;
        let cookie = session(&token);
        let id = journey.invoice.id.clone();
        let state = async |journey: &Journey, page: &str| {
            let html = html(&get(journey, page, &[&cookie]).await);
            let row = html.split("data-state=\"").nth(1).unwrap_or_default();
            row.split('"').next().unwrap().to_owned()
        };
        assert_eq!(state(&journey, "/customer").await, "unpaid");
        assert!(html(&get(&journey, "/customer", &[&cookie]).await).contains("Generate Link Pembayaran"));
        let link = journey.link(&token, Some(gateway)).await;
        assert!(html(&get(&journey, "/customer", &[&cookie]).await).contains("Bayar Sekarang"));
        let pay = html(&get(&journey, &format!("/customer/pay/{id}"), &[&cookie]).await);
        assert!(pay.contains(&format!("content=\"0; url={link}\"")), "{pay}");

        journey.simulate(&link, Outcome::Paid).await;
        journey.check(&token).await;
        assert_eq!(state(&journey, "/customer").await, "activating", "paid, and nothing behind the bus has run");
        assert_eq!(state(&journey, "/customer/finish").await, "activating");
        journey.until_quiet().await;
        assert_eq!(state(&journey, "/customer").await, "paid");
        assert_eq!(state(&journey, &format!("/customer/finish/{id}")).await, "paid");
        let bought = html(&get(&journey, "/customer", &[&cookie]).await);
        assert!(!bought.contains(">Bayar Sekarang<") && !bought.contains("Generate Link Pembayaran"));
        let history = html(&get(&journey, "/customer/history", &[&cookie]).await);
        for told in ["Rp300.000", &journey.invoice.number, "Link dibuat", "Layanan diperpanjang"] {
            assert!(history.contains(told), "{told} in {history}");
        }
    }
}

#[tokio::test]
async fn no_page_holds_a_link_that_is_not_given_out() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, None).await;
    journey.wait(Duration::minutes(23 * 60 + 51));
    let pay = html(&get(&journey, &format!("/customer/pay/{}", journey.invoice.id), &[&session(&token)]).await);
    assert!(!pay.contains(&link) && pay.contains("/api/customer/invoices/payment"), "{pay}");
}

#[tokio::test]
async fn without_a_public_url_nobody_is_served() {
    let journey = Journey::start().await;
    let portal = journey.world.with_settings(|settings| settings.public_url = None);
    let token = journey.token().await;
    let answer =
        customer_portal::handle(&portal, from_browser("GET", "/customer", &[], &[&session(&token)], None)).await;
    assert_eq!(answer.status(), 503);
}
