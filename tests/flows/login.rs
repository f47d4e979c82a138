//! Logging in by a code: what is answered, what is sent, how often, and what nobody can learn or read.

mod limits;

use crate::api::{customer_account, customer_session};
use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use billing::access::phone::Phone;
use billing::payment::gateway::GatewayName;
use billing::service::import::{CustomerRow, import};
use billing::zone::Zone;
use cloud::app::App;
use lambda_http::{Body, Response};
use lunas_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};
use testkit::request::{answer, request};
use testkit::table::items;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::journey::{Journey, PHONE, account_of, queue_trigger};

/// [`PHONE`] as it is stored.
const STORED_PHONE: &str = "6281234567890";
/// Nobody has it.
const UNKNOWN_PHONE: &str = "081299999999";
/// How many addresses may ask is told apart in one test only; the others leave that limit alone.
const NO_LIMIT: u64 = 1_000;

/// A journey whose login has no limit per address.
async fn start() -> Journey {
    let mut journey = Journey::start().await;
    journey.login = login_with(&journey, NO_LIMIT);
    journey
}

fn login_with(journey: &Journey, requests_per_address: u64) -> App {
    journey.world.with_settings(|settings| settings.requests_per_address = requests_per_address)
}

async fn post(login: &App, path: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/customer/{path}");
    answer(&customer_session::handle(login, request("POST", &path, None, Some(body))).await)
}

async fn ask(journey: &Journey, phone: &str) -> (u16, Value) {
    post(&journey.login, "otp", &json!({"phone": phone})).await
}

async fn try_code(journey: &Journey, code: &str) -> (u16, Value) {
    post(&journey.login, "login", &json!({"phone": PHONE, "code": code})).await
}

/// Messages to the customer, oldest first.
fn inbox(journey: &Journey) -> Vec<String> {
    journey.world.sandbox.inbox(STORED_PHONE).into_iter().map(|message| message.text).collect()
}

/// Asks for a code and reads it from the message.
async fn receive_code(journey: &mut Journey) -> String {
    let before = inbox(journey).len();
    assert_eq!(ask(journey, PHONE).await, (200, json!({"success": true})));
    journey.until_quiet().await;
    let messages = inbox(journey);
    assert_eq!(messages.len(), before + 1);
    messages.last().unwrap().strip_prefix("Kode masuk ").unwrap()[..6].to_owned()
}

/// A code that does not fit.
fn not(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn words(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

async fn me(journey: &Journey, token: &str) -> u16 {
    let account = account_of(&journey.world.app);
    customer_account::handle(&account, request("GET", "/api/customer/me", Some(token), None)).await.status().as_u16()
}

async fn sessions(journey: &Journey) -> usize {
    items(&journey.world.aws.direct, "SESSION#").await.len()
}

fn is_no_store(response: &Response<Body>) -> bool {
    response.headers()["cache-control"] == "no-store"
}

#[tokio::test]
async fn the_code_arrives_and_the_login_answers_as_specified() {
    let mut journey = start().await;
    let code = receive_code(&mut journey).await;
    assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let (status, body) = try_code(&journey, &format!(" {code} ")).await;
    let token = body["token"].as_str().unwrap();
    let customer = json!({"id": journey.customer.id, "name": "Pelanggan budi", "username": "budi"});
    let expected = json!({"success": true, "token": token, "expiresAt": body["expiresAt"], "customer": customer});
    assert_eq!((status, &body), (200, &expected));
    let expires = body["expiresAt"].as_str().unwrap();
    let left = OffsetDateTime::parse(expires, &Rfc3339).unwrap() - journey.now();
    assert!(expires.ends_with('Z') && (Duration::days(30) - left).whole_seconds() < 60, "{expires}");
    assert_eq!(me(&journey, token).await, 200);
    journey.wait(Duration::days(30));
    assert_eq!(me(&journey, token).await, 401, "an expired session");
}

#[tokio::test]
async fn within_its_validity_the_same_code_comes_again() {
    let mut journey = start().await;
    let first = receive_code(&mut journey).await;
    journey.wait(Duration::minutes(4));
    assert_eq!(receive_code(&mut journey).await, first);
    journey.wait(Duration::minutes(4));
    assert_eq!(try_code(&journey, &first).await.0, 200, "asking again made it valid for five more minutes");
}

#[tokio::test]
async fn a_used_a_tried_up_and_an_expired_code_are_followed_by_a_new_one() {
    let mut journey = start().await;
    let used = receive_code(&mut journey).await;
    assert_eq!(try_code(&journey, &used).await.0, 200);
    assert_eq!(words(&try_code(&journey, &used).await), (401, "code_expired"), "used up");
    let tried_up = receive_code(&mut journey).await;
    for _ in 0..5 {
        assert_eq!(words(&try_code(&journey, &not(&tried_up)).await), (401, "wrong_code"));
    }
    let expired = receive_code(&mut journey).await;
    journey.wait(Duration::minutes(5));
    assert_eq!(words(&try_code(&journey, &expired).await), (401, "code_expired"));
    journey.wait(Duration::minutes(10));
    let last = receive_code(&mut journey).await;
    assert_eq!(BTreeSet::from([&used, &tried_up, &expired, &last]).len(), 4);
    assert_eq!(try_code(&journey, &last).await.0, 200);
}

#[tokio::test]
async fn a_code_that_nobody_asked_for_does_not_log_in() {
    let journey = start().await;
    assert_eq!(words(&try_code(&journey, "000000").await), (401, "code_expired"));
}

#[tokio::test]
async fn of_several_lines_under_a_phone_one_is_chosen_with_the_same_code() {
    let mut journey = start().await;
    let shop = journey.world.customer("budi-toko", "+62 812 3456 7890").await;
    let siti = journey.world.customer("siti", UNKNOWN_PHONE).await;
    let code = receive_code(&mut journey).await;
    let choice = |profile: &billing::service::customer::Profile| json!({"id": profile.id, "name": profile.name, "username": profile.username, "package": "Home 20"});
    let (status, mut body) = try_code(&journey, &code).await;
    let offered = body["choose"].as_array_mut().unwrap();
    offered.sort_by_key(|line| line["username"].to_string());
    assert_eq!((status, &body), (200, &json!({"success": true, "choose": [choice(&journey.customer), choice(&shop)]})));
    for stranger in [siti.id.as_str(), "none", "../x", ""] {
        let asked = json!({"phone": PHONE, "code": code, "customerId": stranger});
        assert_eq!(words(&post(&journey.login, "login", &asked).await), (401, "wrong_code"), "{stranger}");
    }
    journey.wait(Duration::minutes(5));
    let code = receive_code(&mut journey).await;
    let asked = json!({"phone": PHONE, "code": code, "customerId": shop.id});
    let (status, body) = post(&journey.login, "login", &asked).await;
    assert_eq!((status, &body["customer"]["username"]), (200, &json!("budi-toko")));
    assert_eq!(words(&post(&journey.login, "login", &asked).await), (401, "code_expired"));
    assert_eq!(sessions(&journey).await, 1);
}

#[tokio::test]
async fn without_a_message_provider_no_code_is_asked_for() {
    let journey = start().await;
    for rows in ["{}", r#"{"provider":" "}"#, "broken"] {
        journey.world.aws.set_secret("lunas/dev/whatsapp", rows);
        let refused = post(&login_with(&journey, NO_LIMIT), "otp", &json!({"phone": PHONE})).await;
        assert_eq!(words(&refused), (503, "messaging_not_configured"), "{rows}");
    }
    assert_eq!(items(&journey.world.aws.direct, "LOGIN").await.len(), 0);
    assert_eq!(journey.events("login.code_requested").await.len(), 0);
}

#[tokio::test]
async fn a_phone_is_understood_however_it_is_written() {
    let mut journey = start().await;
    for (n, spelling) in [
        "0812-3456-7890",
        "+62 (0)812-3456-7890",
        "0062 812 3456 7890",
        "81234567890",
        "6281234567890",
        "'081234567890",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(ask(&journey, spelling).await.0, 200, "{spelling}");
        journey.until_quiet().await;
        assert_eq!(inbox(&journey).len(), n + 1, "{spelling}");
        journey.wait(Duration::minutes(6));
    }
    assert_eq!(items(&journey.world.aws.direct, "LOGIN").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_without_effect() {
    let journey = start().await;
    let huge = json!({"phone": PHONE, "code": "1".repeat(65 * 1024)});
    for (path, body, expected) in [
        ("otp", json!(null), (400, "bad_request")),
        ("otp", json!([]), (400, "bad_request")),
        ("otp", json!({}), (400, "bad_request")),
        ("otp", json!({"phone": 81_234_567_890_i64}), (400, "bad_request")),
        ("otp", json!({"phone": ""}), (400, "invalid_phone")),
        ("otp", json!({"phone": "021-5551234"}), (400, "invalid_phone")),
        ("otp", json!({"phone": "081234567890 / 081299999999"}), (400, "invalid_phone")),
        ("login", json!({"phone": PHONE}), (400, "bad_request")),
        ("login", json!({"phone": PHONE, "code": 123_456}), (400, "bad_request")),
        ("login", json!({"phone": "x", "code": "123456"}), (400, "invalid_phone")),
        ("login", huge, (413, "too_large")),
        ("password", json!({"phone": PHONE}), (404, "not_found")),
    ] {
        assert_eq!(words(&post(&journey.login, path, &body).await), expected, "{path} {body:.80}");
    }
    for (method, path) in
        [("GET", "/api/customer/otp"), ("PUT", "/api/customer/login"), ("POST", "/api/customer/otp/x"), ("POST", "/")]
    {
        let response =
            customer_session::handle(&journey.login, request(method, path, None, Some(&json!({"phone": PHONE})))).await;
        assert!(response.status() == 404 && is_no_store(&response), "{method} {path}");
    }
    assert_eq!(items(&journey.world.aws.direct, "LOGIN").await.len(), 0);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_no_other() {
    let journey = start().await;
    let (token, other) = (journey.token().await, journey.token().await);
    let log_out = async |token: Option<&str>| {
        customer_session::handle(&journey.login, request("POST", "/api/customer/logout", token, None)).await
    };
    assert_eq!((log_out(None).await.status().as_u16(), log_out(Some("x.y")).await.status().as_u16()), (401, 401));
    for _ in 0..2 {
        let response = log_out(Some(&token)).await;
        assert!(response.status() == 204 && is_no_store(&response) && response.body().as_ref().is_empty());
    }
    assert_eq!((me(&journey, &token).await, me(&journey, &other).await, sessions(&journey).await), (401, 200, 1));
}

#[tokio::test]
async fn whoever_had_the_phone_before_is_logged_out_when_the_line_gets_another_one() {
    let mut journey = start().await;
    let code = receive_code(&mut journey).await;
    let token = try_code(&journey, &code).await.1["token"].as_str().unwrap().to_owned();
    let row = CustomerRow {
        name: journey.customer.name.clone(),
        phone: Phone::parse(UNKNOWN_PHONE).ok(),
        username: journey.customer.username.clone(),
        package: journey.customer.entitlement.package.clone(),
        expires_at: Zone::Jakarta.end_of(journey.customer.imported_expiry),
        device_id: None,
        ont_serial: None,
    };
    let change = import(Some(&journey.customer), &row, &[], journey.customer.id.clone(), Zone::Jakarta, journey.now())
        .unwrap()
        .unwrap();
    journey.world.app.store.import_customer(&change).await.unwrap();
    assert_eq!(me(&journey, &token).await, 401);
}

/// Does `text` hold `word`, not as part of a longer word or number?
fn holds(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word)
}

#[tokio::test]
async fn no_event_and_no_item_tells_a_code_a_token_or_a_phone() {
    let mut journey = start().await;
    let code = receive_code(&mut journey).await;
    let (_, body) = try_code(&journey, &code).await;
    let token = body["token"].as_str().unwrap().to_owned();
    let link = journey.link(&token, Some(GatewayName::Midtrans)).await;
    journey.pay(&link).await;
    journey.until_quiet().await;

    let random = token.split_once('.').unwrap().1;
    let everything = items(&journey.world.aws.direct, "").await;
    assert!(everything.len() > 10);
    for item in &everything {
        let told = format!("{item:?}");
        assert!(!holds(&told, &code) && !told.contains(random), "{told}");
        let AttributeValue::S(key) = &item["SK"] else { panic!("{told}") };
        let keeps_phone = key == "PROFILE"
            || key == "LOGIN"
            || key.starts_with("SESSION#")
            || item["PK"].as_s().unwrap().starts_with("PHONE#");
        assert_eq!(told.contains("81234567890"), keeps_phone, "{told}");
    }
    let relayed = journey.on_bus.iter().map(Value::to_string);
    for event in everything
        .iter()
        .filter(|item| item["SK"].as_s().unwrap() == "EVENT")
        .map(|item| format!("{item:?}"))
        .chain(relayed)
    {
        assert!(!event.contains("81234567890") && !event.contains("Pelanggan") && !event.contains("budi"), "{event}");
    }
}

#[tokio::test]
async fn a_message_that_was_not_taken_comes_again_and_a_doubtful_one_does_not() {
    for (kind, calls, arrived) in [
        (FaultKind::TooManyRequests, 2, 1),
        (FaultKind::Unauthorized, 2, 1),
        (FaultKind::InternalError, 1, 0),
        (FaultKind::DropAfter, 1, 1),
        (FaultKind::Garbage, 1, 1),
    ] {
        let mut journey = start().await;
        journey.world.sandbox.add_fault(Fault::once("whatsapp.send", kind)).unwrap();
        assert_eq!(ask(&journey, PHONE).await.0, 200);
        journey.until_quiet().await;
        for _ in 0..2 {
            journey.send_waiting().await;
        }
        assert_eq!(
            (journey.world.sandbox.calls_of("whatsapp.send"), inbox(&journey).len()),
            (calls, arrived),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_message_waits_while_the_provider_is_down_but_not_longer_than_its_code_is_valid() {
    let mut journey = start().await;
    let nobody_listens = r#"{"provider":"http","url":"http://127.0.0.1:1/send","body":"{\"to\":\"{{phone}}\",\"text\":\"{{text}}\"}","successPointer":"/status"}"#;
    journey.world.aws.set_secret("lunas/dev/whatsapp", nobody_listens);
    assert_eq!(ask(&journey, PHONE).await.0, 200);
    assert_eq!(
        notify_customer::handle(&journey.notify, queue_trigger(&json!({}))).await.unwrap().batch_item_failures.len(),
        1,
        "not an event"
    );
    journey.until_quiet().await;
    for _ in 0..3 {
        journey.wait(Duration::minutes(1));
        journey.send_waiting().await;
    }
    journey.world.repair_whatsapp();
    journey.notify = journey.world.another_process();
    journey.wait(Duration::minutes(1));
    journey.send_waiting().await;
    assert_eq!(inbox(&journey).len(), 1);
    journey.world.aws.set_secret("lunas/dev/whatsapp", nobody_listens);
    journey.notify = journey.world.another_process();
    assert_eq!(ask(&journey, PHONE).await.0, 200);
    journey.until_quiet().await;
    journey.world.repair_whatsapp();
    journey.notify = journey.world.another_process();
    journey.wait(Duration::minutes(5));
    journey.send_waiting().await;
    assert_eq!(inbox(&journey).len(), 1, "the code has expired");
}
