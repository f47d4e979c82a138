//! WAHA: what is sent to it, and what becomes of a message whatever it answers.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{TEXT, check_class, check_doubt, check_what_never_left, message, rows, send_to};
use messaging::{Channel, Endpoints, RejectionClass, SendOutcome};
use partner_http::testing::Canned;
use serde_json::{Value, json};

fn waha() -> BTreeMap<String, String> {
    rows(&[
        ("provider", "waha"),
        ("wahaUrl", "https://waha.example.id"),
        ("wahaApiKey", "key-EXAMPLE"),
        ("wahaSession", "billing"),
    ])
}

#[tokio::test]
async fn a_message_goes_to_the_chat_of_the_phone() {
    let yes = json!({"id": "true_6281234567890@c.us_3EB0AAAAAAAA"});
    let (_, requests) = send_to(&waha(), Canned::Reply(201, yes.to_string()), &message(TEXT)).await;
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /waha/api/sendText HTTP/1.1") && head.contains("x-api-key: key-EXAMPLE"), "{head}");
    let expected = json!({"session": "billing", "chatId": "6281234567890@c.us", "text": TEXT});
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
}

#[tokio::test]
async fn the_id_is_found_whatever_the_engine_and_holds_no_phone() {
    for answer in [
        json!({"id": "true_6281234567890@c.us_3EB0AAAAAAAA"}),
        json!({"id": {"fromMe": true, "id": "3EB0AAAAAAAA", "_serialized": "true_6281234567890@c.us_3EB0AAAAAAAA"}}),
        json!({"id": "true_111111111@lid_3EB0AAAAAAAA_6281234567890@c.us"}),
        json!({"key": {"remoteJid": "6281234567890@s.whatsapp.net", "fromMe": true, "id": "3EB0AAAAAAAA"}}),
        json!({"_data": {"id": {"_serialized": "true_6281234567890@c.us_3EB0AAAAAAAA"}}}),
    ] {
        let (outcome, _) = send_to(&waha(), Canned::Reply(201, answer.to_string()), &message(TEXT)).await;
        assert_eq!(outcome, SendOutcome::Accepted { provider_id: Some("3EB0AAAAAAAA".to_owned()) }, "{answer}");
    }
}

#[tokio::test]
async fn a_session_that_does_not_work_sends_nothing() {
    let unready =
        |status: &str| json!({"error": "Session status is not as expected", "session": "billing", "status": status});
    for (answer, class) in [
        (unready("STARTING"), RejectionClass::LATER),
        (unready("STOPPED"), RejectionClass::Stop),
        (unready("SCAN_QR_CODE"), RejectionClass::Stop),
        (unready("FAILED"), RejectionClass::Stop),
        (json!({"statusCode": 422, "message": "Session \"billing\" does not exist"}), RejectionClass::Stop),
        (json!({"statusCode": 422, "message": "text must be a string"}), RejectionClass::Message),
    ] {
        check_class(&send_to(&waha(), Canned::Reply(422, answer.to_string()), &message(TEXT)).await.0, class);
    }
}

#[tokio::test]
async fn a_status_says_what_to_do() {
    for (status, class) in [
        (401, RejectionClass::Stop),
        (403, RejectionClass::Stop),
        (404, RejectionClass::Stop),
        (429, RejectionClass::LATER),
        (400, RejectionClass::Message),
    ] {
        let answer = json!({"message": format!("no 6281234567890 {TEXT}")});
        check_class(&send_to(&waha(), Canned::Reply(status, answer.to_string()), &message(TEXT)).await.0, class);
    }
    let exception = json!({"statusCode": 500, "exception": {"message": "Evaluation failed"}});
    let (outcome, _) = send_to(&waha(), Canned::Reply(500, exception.to_string()), &message(TEXT)).await;
    assert!(matches!(outcome, SendOutcome::Unknown(_)), "it may have left: {outcome:?}");
    check_doubt(&waha()).await;
    check_what_never_left(&waha()).await;
}

#[test]
fn its_address_is_https() {
    for (row, value) in [
        ("wahaUrl", ""),
        ("wahaUrl", "http://10.8.0.2:3000"),
        ("wahaUrl", "https://a@waha.example.id"),
        ("wahaApiKey", ""),
    ] {
        let mut rows = waha();
        rows.insert(row.to_owned(), value.to_owned());
        assert_eq!(Channel::open(&rows, Endpoints::default()).unwrap_err().row, row, "{value}");
    }
    assert!(Channel::open(&waha(), Endpoints::default()).unwrap().is_some());
}
