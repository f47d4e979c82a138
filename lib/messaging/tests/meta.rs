//! Meta's Cloud API: what is sent to it, and what becomes of a message whatever it answers.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{TEXT, check_class, check_doubt, check_what_never_left, message, rows, send_to};
use messaging::{About, Category, Channel, Endpoints, Message, Pacing, RejectionClass, SendOutcome};
use partner_http::testing::Canned;
use serde_json::{Value, json};

fn meta() -> BTreeMap<String, String> {
    rows(&[("provider", "meta"), ("metaToken", "token-EXAMPLE"), ("metaPhoneNumberId", "106540352242922")])
}

fn error(code: i64) -> Value {
    json!({"error": {
        "message": format!("(#{code}) Something about 6281234567890"),
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "Recipient +6281234567890 and code 482913"},
        "fbtrace_id": "AbCdEf-1",
    }})
}

#[tokio::test]
async fn a_login_code_is_sent_as_an_authentication_template() {
    let yes = json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": "6281234567890"}],
        "messages": [{"id": "wamid.EXAMPLE==", "message_status": "accepted"}],
    });
    let (outcome, requests) = send_to(&meta(), Canned::Reply(200, yes.to_string()), &message(TEXT)).await;
    assert_eq!(outcome, SendOutcome::Accepted { provider_id: Some("wamid.EXAMPLE==".to_owned()) });
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /meta/v23.0/106540352242922/messages HTTP/1.1"), "{head}");
    assert!(head.contains("authorization: Bearer token-EXAMPLE"), "{head}");
    let code = json!([{"type": "text", "text": "482913"}]);
    let expected = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "6281234567890",
        "biz_opaque_callback_data": "m1",
        "type": "template",
        "template": {"name": "login_code", "language": {"code": "id"}, "components": [
            {"type": "body", "parameters": code},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
        ]},
    });
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
}

#[tokio::test]
async fn parameters_keep_their_order_and_lose_what_meta_refuses() {
    let bill = Message {
        template: "bill",
        category: Category::Utility,
        parameters: vec!["Budi\nSantoso".to_owned(), String::new(), "Rp  300.000".to_owned()],
        button: None,
        ..message("Tagihan")
    };
    let (_, requests) = send_to(&meta(), Canned::Reply(200, String::new()), &bill).await;
    let body: Value = serde_json::from_str(requests[0].split_once("\r\n\r\n").unwrap().1).unwrap();
    let texts: Vec<_> = body
        .pointer("/template/components/0/parameters")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["text"].clone())
        .collect();
    assert_eq!(texts, ["Budi Santoso", "-", "Rp 300.000"]);
    assert_eq!(body.pointer("/template/components").unwrap().as_array().unwrap().len(), 1, "no button");
}

#[tokio::test]
async fn every_code_says_what_to_do() {
    let later = |about, seconds| RejectionClass::Later { about, wait: Some(Duration::from_secs(seconds)) };
    for (codes, class) in [
        (
            &[0, 3, 10, 33, 190, 200, 299, 368, 131_031, 131_042, 131_045, 131_048, 133_010, 133_016][..],
            RejectionClass::Stop,
        ),
        (&[1, 2, 131_000, 131_016, 133_004][..], RejectionClass::LATER),
        (&[4, 80_007, 130_429][..], later(About::Sender, 60)),
        (&[131_056][..], later(About::Recipient, 6)),
        (&[131_021, 131_026, 130_497, 131_049, 130_472][..], RejectionClass::Recipient),
        (&[100, 131_008, 131_009, 131_030, 131_047, 131_051, 131_052, 131_053][..], RejectionClass::Message),
        (
            &[132_000, 132_001, 132_005, 132_007, 132_012, 132_015, 132_016, 132_018, 424_242][..],
            RejectionClass::Message,
        ),
    ] {
        for code in codes {
            // The HTTP status changes with versions, the code does not.
            let status = if *code == 131_000 { 500 } else { 400 };
            let (outcome, _) = send_to(&meta(), Canned::Reply(status, error(*code).to_string()), &message(TEXT)).await;
            check_class(&outcome, class);
            let SendOutcome::Rejected { detail, .. } = outcome else { unreachable!() };
            assert_eq!(detail, format!("Meta's code {code}: Recipient +… and code … (fbtrace_id AbCdEf-1)"));
        }
    }
    let (outcome, _) = send_to(&meta(), Canned::Reply(200, error(131_026).to_string()), &message(TEXT)).await;
    check_class(&outcome, RejectionClass::Recipient);
    let (outcome, _) = send_to(&meta(), Canned::Reply(500, error(424_242).to_string()), &message(TEXT)).await;
    assert!(
        matches!(outcome, SendOutcome::Unknown(_)),
        "a code that nobody knows, from a server in trouble: {outcome:?}"
    );
}

#[tokio::test]
async fn a_wrong_id_of_the_sending_number_stops_the_channel() {
    let mut answer = error(100);
    answer["error"]["error_subcode"] = 33.into();
    let (outcome, _) = send_to(&meta(), Canned::Reply(400, answer.to_string()), &message(TEXT)).await;
    check_class(&outcome, RejectionClass::Stop);
}

#[tokio::test]
async fn without_a_code_the_status_says_what_to_do() {
    for (status, class) in [
        (401, RejectionClass::Stop),
        (403, RejectionClass::Stop),
        (429, RejectionClass::LATER),
        (400, RejectionClass::Message),
        (404, RejectionClass::Message),
    ] {
        check_class(&send_to(&meta(), Canned::Reply(status, "<html>".to_owned()), &message(TEXT)).await.0, class);
    }
    let elsewhere = Canned::Redirect("http://127.0.0.1:9/".to_owned());
    check_class(&send_to(&meta(), elsewhere, &message(TEXT)).await.0, RejectionClass::Stop);
    check_doubt(&meta()).await;
    check_what_never_left(&meta()).await;
}

#[test]
fn rows_are_checked_and_named_without_their_values() {
    for (row, value) in [
        ("metaToken", ""),
        ("metaToken", "EXAMPLE\nX: y"),
        ("metaPhoneNumberId", ""),
        ("metaPhoneNumberId", "+62 812 EXAMPLE"),
        ("metaPhoneNumberId", "../EXAMPLE"),
        ("metaApiVersion", "EXAMPLE"),
        ("metaRecipientsPerDay", "0"),
        ("metaRecipientsPerDay", "EXAMPLE"),
    ] {
        let mut rows = meta();
        rows.insert(row.to_owned(), value.to_owned());
        let error = Channel::open(&rows, Endpoints::default()).unwrap_err();
        assert_eq!(error.row, row, "{value}");
        assert!(!error.to_string().contains("EXAMPLE"), "{error}");
    }
}

#[test]
fn the_pace_is_metas_limit_of_recipients() {
    let pacing = |value: &str| {
        let mut rows = meta();
        rows.insert("metaRecipientsPerDay".to_owned(), value.to_owned());
        Channel::open(&rows, Endpoints::default()).unwrap().unwrap().pacing()
    };
    assert_eq!(pacing(""), Pacing::DistinctRecipients { per_day: 250 });
    assert_eq!(pacing("2000"), Pacing::DistinctRecipients { per_day: 2000 });
    assert_eq!(pacing("unlimited"), Pacing::Unlimited);
}
