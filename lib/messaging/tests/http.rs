//! The generic provider: what becomes of a message, whatever it does.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{LOCAL, PHONE, TEXT, check_class, message};
use messaging::{Channel, Endpoints, Pacing, RejectionClass, SendOutcome};
use partner_http::rows::RowError;
use partner_http::testing::{Canned, Partner, nobody};

fn open(rows: &BTreeMap<String, String>) -> Channel {
    Channel::open(rows, LOCAL).unwrap().unwrap()
}

fn refused(rows: &BTreeMap<String, String>) -> RowError {
    Channel::open(rows, Endpoints::default()).unwrap_err()
}

fn rows(url: &str) -> BTreeMap<String, String> {
    let rows = [
        ("provider", "http"),
        ("url", url),
        ("headers", r#"{"Authorization":"token-EXAMPLE"}"#),
        ("body", r#"{"target":"{{phone}}","message":"{{text}}","api_key":"key-EXAMPLE"}"#),
        ("successPointer", "/status"),
        ("successValue", "true"),
        ("idPointer", "/id/0"),
    ];
    rows.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

async fn outcome(canned: Canned) -> (SendOutcome, Vec<String>) {
    let partner = Partner::start(vec![canned]).await.unwrap();
    let channel = open(&rows(partner.url.as_str()));
    (channel.send(PHONE, &message(TEXT)).await.outcome, partner.requests())
}

#[tokio::test]
async fn an_accepted_message_went_out_once_and_whole() {
    let (outcome, requests) = outcome(Canned::Reply(200, r#"{"status":true,"id":["m-1"]}"#.to_owned())).await;
    assert_eq!(outcome, SendOutcome::Accepted { provider_id: Some("m-1".to_owned()) });
    assert_eq!(requests.len(), 1);
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST / HTTP/1.1") && head.contains("authorization: token-EXAMPLE"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({ "target": PHONE, "message": TEXT, "api_key": "key-EXAMPLE" }));
}

#[tokio::test]
async fn a_refusal_is_seen_in_the_body_of_a_200() {
    let echo = format!(r#"{{"status":false,"reason":"invalid 081234567890: {}"}}"#, TEXT.replace('"', "\\\""));
    for body in [echo.as_str(), r#"{"status":"false"}"#, r#"{"status":null}"#, "{}", "[]", r#"{"state":true}"#] {
        check_class(&outcome(Canned::Reply(200, body.to_owned())).await.0, RejectionClass::Recipient);
    }
}

#[tokio::test]
async fn a_status_says_what_to_do() {
    let yes = || r#"{"status":true}"#.to_owned();
    for (status, class) in [
        (401, RejectionClass::Stop),
        (403, RejectionClass::Stop),
        (429, RejectionClass::LATER),
        (400, RejectionClass::Recipient),
        (404, RejectionClass::Recipient),
        (422, RejectionClass::Recipient),
    ] {
        check_class(&outcome(Canned::Reply(status, yes())).await.0, class);
    }
    check_class(&outcome(Canned::Reply(404, "<html>".to_owned())).await.0, RejectionClass::Stop);
    check_class(&outcome(Canned::Redirect("http://127.0.0.1:9/".to_owned())).await.0, RejectionClass::Stop);
}

#[tokio::test]
async fn a_doubtful_answer_is_unknown() {
    for canned in [
        Canned::Reply(200, "OK".to_owned()),
        Canned::Reply(200, String::new()),
        Canned::Reply(500, r#"{"status":false}"#.to_owned()),
        Canned::Reply(502, String::new()),
        Canned::Reply(408, String::new()),
        Canned::Drop,
        Canned::Flood(70 * 1024),
        Canned::Silence,
    ] {
        let (outcome, requests) = outcome(canned).await;
        assert!(matches!(outcome, SendOutcome::Unknown(_)), "{outcome:?}");
        assert_eq!(requests.len(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn what_never_left_may_be_sent_later() {
    let channel = open(&rows(nobody().await.unwrap().as_str()));
    let send = async |phone, text| channel.send(phone, &message(text)).await.outcome;
    check_class(&send(PHONE, TEXT).await, RejectionClass::LATER);
    for phone in ["", "+6281234567890", "62812 345", "abc", "1234567890123456"] {
        check_class(&send(phone, TEXT).await, RejectionClass::Recipient);
    }
    check_class(&send(PHONE, " ").await, RejectionClass::Message);
}

#[test]
fn an_empty_secret_is_not_configured() {
    assert!(Channel::open(&BTreeMap::new(), LOCAL).unwrap().is_none());
    let blank = BTreeMap::from([("provider".to_owned(), " ".to_owned())]);
    assert!(Channel::open(&blank, LOCAL).unwrap().is_none());
}

#[test]
fn a_row_that_cannot_be_used_is_named_without_its_value() {
    let https = "https://api.example.com/send";
    assert!(Channel::open(&rows(https), Endpoints::default()).unwrap().is_some());
    for (row, value) in [
        ("provider", "wablas-EXAMPLE"),
        ("url", "http://api.example.com/EXAMPLE"),
        ("url", "http://127.0.0.1:80/EXAMPLE"),
        ("url", "https://EXAMPLE@api.example.com/"),
        ("url", "ftp://EXAMPLE/"),
        ("url", ""),
        ("headers", "EXAMPLE"),
        ("headers", r#"{"a":1}"#),
        ("headers", r#"{"a b":"EXAMPLE"}"#),
        ("headers", r#"{"HOST":"EXAMPLE"}"#),
        ("body", r#"{"to":"{{phone}}"}"#),
        ("body", r#"{"to":{{phone}},"message":"{{text}}"}"#),
        ("successPointer", "status"),
        ("successPointer", ""),
        ("idPointer", "id"),
        ("linkedPhone", "EXAMPLE"),
    ] {
        let mut rows = rows(https);
        rows.insert(row.to_owned(), value.to_owned());
        let error = refused(&rows);
        assert_eq!(error.row, row);
        assert!(!error.to_string().contains("EXAMPLE"), "{error}");
    }
}

#[test]
fn a_phone_is_linked_unless_somebody_says_no_in_any_spelling() {
    for (typed, is_linked) in
        [("", true), ("Ya", true), ("1", true), ("False", false), (" TIDAK ", false), ("0", false)]
    {
        let mut rows = rows("https://api.example.com/send");
        rows.insert("linkedPhone".to_owned(), typed.to_owned());
        assert_eq!(matches!(open(&rows).pacing(), Pacing::LinkedPhone { .. }), is_linked, "{typed}");
    }
}

#[test]
fn a_provider_shows_no_key() {
    let shown = format!("{:?}", open(&rows("https://api.example.com/key-EXAMPLE")));
    assert_eq!(shown, r#"Channel { first: HttpProvider { host: Some("api.example.com"), .. }, second: None }"#);
}
