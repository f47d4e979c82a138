//! Fonnte: what is sent to it, and what becomes of a message whatever it answers.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{TEXT, check_class, check_doubt, check_what_never_left, message, rows, send_to};
use messaging::{Channel, Endpoints, Pacing, RejectionClass, SendOutcome};
use partner_http::testing::Canned;
use serde_json::json;

fn fonnte() -> BTreeMap<String, String> {
    rows(&[("provider", "fonnte"), ("fonnteToken", "token-EXAMPLE")])
}

#[tokio::test]
async fn a_message_goes_out_as_a_form_with_the_bare_token() {
    let yes = json!({"detail": "success! message in queue", "id": ["80367170"], "process": "pending", "status": true});
    let (outcome, requests) = send_to(&fonnte(), Canned::Reply(200, yes.to_string()), &message(TEXT)).await;
    assert_eq!(
        outcome,
        SendOutcome::Accepted { provider_id: Some("80367170".to_owned()) },
        "pending is taken, Fonnte tries by itself"
    );
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /fonnte/send HTTP/1.1") && head.contains("authorization: token-EXAMPLE"), "{head}");
    assert!(head.contains("content-type: multipart/form-data; boundary=lunas-0"), "{head}");
    for (name, value) in [("target", "6281234567890"), ("message", TEXT), ("countryCode", "62")] {
        assert!(body.contains(&format!("name=\"{name}\"\r\n\r\n{value}\r\n--lunas-0")), "{name}: {body}");
    }
}

#[tokio::test]
async fn a_reason_in_a_200_says_what_to_do() {
    for (reason, class) in [
        ("token invalid", RejectionClass::Stop),
        ("invalid token", RejectionClass::Stop),
        ("request invalid on disconnected device", RejectionClass::Stop),
        ("devices must belong to an account", RejectionClass::Stop),
        ("insufficient quota", RejectionClass::Stop),
        ("unknown user", RejectionClass::Stop),
        ("package expired", RejectionClass::Stop),
        ("too many requests", RejectionClass::LATER),
        ("target invalid", RejectionClass::Recipient),
        ("invalid target number 081234567890", RejectionClass::Recipient),
        ("input invalid", RejectionClass::Message),
        ("JSON format invalid", RejectionClass::Message),
        ("something new", RejectionClass::Message),
    ] {
        let answer = json!({"status": false, "reason": reason});
        for status in [200, 400] {
            check_class(&send_to(&fonnte(), Canned::Reply(status, answer.to_string()), &message(TEXT)).await.0, class);
        }
        let (outcome, _) = send_to(&fonnte(), Canned::Reply(500, answer.to_string()), &message(TEXT)).await;
        assert!(matches!(outcome, SendOutcome::Unknown(_)), "{outcome:?}");
    }
    let echo = json!({"status": false, "reason": format!("target invalid: {TEXT} 6281234567890")});
    check_class(
        &send_to(&fonnte(), Canned::Reply(200, echo.to_string()), &message(TEXT)).await.0,
        RejectionClass::Recipient,
    );
}

#[tokio::test]
async fn without_an_answer_the_status_says_what_to_do() {
    for (status, class) in [
        (401, RejectionClass::Stop),
        (403, RejectionClass::Stop),
        (404, RejectionClass::Stop),
        (429, RejectionClass::LATER),
        (400, RejectionClass::Message),
    ] {
        check_class(&send_to(&fonnte(), Canned::Reply(status, String::new()), &message(TEXT)).await.0, class);
    }
    check_doubt(&fonnte()).await;
    check_what_never_left(&fonnte()).await;
}

#[test]
fn a_linked_phone_is_paced() {
    let pacing = |pairs: &[(&str, &str)]| {
        let mut all = fonnte();
        all.extend(rows(pairs));
        Channel::open(&all, Endpoints::default()).map(|channel| channel.unwrap().pacing())
    };
    let seconds = Duration::from_secs;
    assert_eq!(pacing(&[]).unwrap(), Pacing::LinkedPhone { gap: seconds(5)..=seconds(15), per_day: 500 });
    let typed = pacing(&[("gapSeconds", "8 - 20"), ("messagesPerDay", "90")]).unwrap();
    assert_eq!(typed, Pacing::LinkedPhone { gap: seconds(8)..=seconds(20), per_day: 90 });
    for (row, value) in [
        ("gapSeconds", "8"),
        ("gapSeconds", "20-8"),
        ("gapSeconds", "1-601"),
        ("messagesPerDay", "x"),
        ("fonnteToken", ""),
    ] {
        assert_eq!(pacing(&[(row, value)]).unwrap_err().row, row, "{value}");
    }
}
