//! What the tests of all providers share.
#![allow(dead_code, reason = "each file of tests uses what it needs")]

use std::collections::BTreeMap;

use billing::language::Language;
use messaging::{Category, Channel, Endpoints, Message, RejectionClass, SendOutcome};
use partner_http::testing::{Canned, Partner, nobody};

pub const LOCAL: Endpoints<'static> = Endpoints { stand_in: None, loopback_http: true };
pub const PHONE: &str = "6281234567890";
pub const TEXT: &str = "Kode masuk 482913. \"Jangan\" dibagikan {{phone}}";

pub fn message(text: &str) -> Message {
    Message {
        template: "login_code",
        category: Category::Authentication,
        language: Language::Indonesian,
        parameters: vec!["482913".to_owned()],
        button: Some("482913".to_owned()),
        text: text.to_owned(),
        callback: "m1".to_owned(),
    }
}

pub fn rows(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Sends a message to a stand-in that does as told; the outcome, and the requests that arrived.
pub async fn send_to(rows: &BTreeMap<String, String>, canned: Canned, message: &Message) -> (SendOutcome, Vec<String>) {
    let partner = Partner::start(vec![canned]).await.unwrap();
    let base = partner.url.as_str().trim_end_matches('/').to_owned();
    let channel = Channel::open(rows, Endpoints { stand_in: Some(&base), loopback_http: false }).unwrap().unwrap();
    (channel.send(PHONE, message).await.outcome, partner.requests())
}

/// What becomes of a message that never left, and of one for a phone that is none.
pub async fn check_what_never_left(rows: &BTreeMap<String, String>) {
    let base = nobody().await.unwrap().as_str().trim_end_matches('/').to_owned();
    let channel = Channel::open(rows, Endpoints { stand_in: Some(&base), loopback_http: false }).unwrap().unwrap();
    check_class(&channel.send(PHONE, &message(TEXT)).await.outcome, RejectionClass::LATER);
    for phone in ["", "+6281234567890", "62812 345", "6281,6282", "6281|x", "abc", "1234567890123456"] {
        check_class(&channel.send(phone, &message(TEXT)).await.outcome, RejectionClass::Recipient);
    }
    check_class(&channel.send(PHONE, &message(" ")).await.outcome, RejectionClass::Message);
}

/// What becomes of a message whose answer is lost or cannot be read: nobody knows, and it went out once.
pub async fn check_doubt(rows: &BTreeMap<String, String>) {
    for canned in [
        Canned::Reply(200, "OK".to_owned()),
        Canned::Reply(200, String::new()),
        Canned::Reply(200, "{}".to_owned()),
        Canned::Reply(201, "[]".to_owned()),
        Canned::Reply(500, "<html>".to_owned()),
        Canned::Reply(502, String::new()),
        Canned::Reply(503, "{}".to_owned()),
        Canned::Reply(408, String::new()),
        Canned::Drop,
        Canned::Flood(70 * 1024),
        Canned::Silence,
    ] {
        let shown = format!("{canned:?}");
        let (outcome, requests) = send_to(rows, canned, &message(TEXT)).await;
        assert!(matches!(outcome, SendOutcome::Unknown(_)), "{shown}: {outcome:?}");
        assert_eq!(requests.len(), 1, "nothing is sent twice");
    }
}

#[track_caller]
pub fn check_class(outcome: &SendOutcome, expected: RejectionClass) {
    assert!(
        matches!(outcome, SendOutcome::Rejected { class, .. } if *class == expected),
        "{outcome:?}, expected {expected:?}"
    );
    let shown = format!("{outcome:?}");
    assert!(!shown.contains("482913") && !shown.contains("81234567890") && !shown.contains("EXAMPLE"), "{shown}");
}
