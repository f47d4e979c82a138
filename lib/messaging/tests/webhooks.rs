//! Who may report what became of a message, and what is understood of it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::collections::BTreeMap;

use billing::telling::delivery::DeliveryStatus;
use common::rows;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use messaging::webhook::{ProviderReport, WebhookError, WebhookRequest};
use messaging::{ProviderName, RejectionClass, meta_handshake, read_webhook};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

fn secret() -> BTreeMap<String, String> {
    rows(&[
        ("metaAppSecret", "APPSECRET-EXAMPLE"),
        ("metaPhoneNumberId", "106540352242922"),
        ("metaVerifyToken", "verify-EXAMPLE"),
        ("wahaHmacKey", "WAHA-HOOK-KEY-EXAMPLE"),
        ("fonnteWebhookToken", "a-token-of-the-admin"),
    ])
}

fn read(
    provider: ProviderName,
    body: &str,
    header: Option<(&'static str, String)>,
    token: Option<&str>,
) -> Result<Vec<ProviderReport>, WebhookError> {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = header {
        headers.insert(name, HeaderValue::try_from(value).unwrap());
    }
    read_webhook(provider, &secret(), &WebhookRequest { body: body.as_bytes(), headers: &headers, token })
}

fn meta_signature(body: &str) -> (&'static str, String) {
    let mac = Hmac::<Sha256>::new_from_slice(b"APPSECRET-EXAMPLE").unwrap().chain_update(body.as_bytes());
    ("x-hub-signature-256", format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}

fn waha_signature(body: &str) -> (&'static str, String) {
    let mac = Hmac::<Sha512>::new_from_slice(b"WAHA-HOOK-KEY-EXAMPLE").unwrap().chain_update(body.as_bytes());
    ("x-webhook-hmac", hex::encode(mac.finalize().into_bytes()))
}

fn meta(value: &Value) -> Vec<ProviderReport> {
    let mut value = value.clone();
    if value.get("metadata").is_none() {
        value["metadata"] = json!({"display_phone_number": "62811", "phone_number_id": "106540352242922"});
    }
    let change = json!({"field": "messages", "value": value});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).to_string();
    read(ProviderName::Meta, &body, Some(meta_signature(&body)), None).unwrap()
}

fn waha(event: &str, payload: &Value) -> Vec<ProviderReport> {
    let body = json!({"event": event, "session": "default", "payload": payload}).to_string();
    read(ProviderName::Waha, &body, Some(waha_signature(&body)), None).unwrap()
}

fn fonnte(body: &Value) -> Vec<ProviderReport> {
    read(ProviderName::Fonnte, &body.to_string(), None, Some("a-token-of-the-admin")).unwrap()
}

/// Status, id, callback and class of the only notice.
#[track_caller]
fn status(notices: &[ProviderReport]) -> (DeliveryStatus, &str, Option<&str>, Option<RejectionClass>) {
    let [ProviderReport::Status(status)] = notices else { panic!("{notices:?}") };
    (status.status, &status.provider_id, status.callback.as_deref(), status.class)
}

#[track_caller]
fn check_wish(notices: &[ProviderReport], wanted: Option<bool>) {
    match (notices, wanted) {
        ([], None) => {}
        ([ProviderReport::OptOut { phone, opted_out, .. }], Some(wanted)) => {
            assert_eq!((phone.as_str(), *opted_out), ("6281234567890", wanted));
        }
        _ => panic!("{notices:?}, expected {wanted:?}"),
    }
}

#[test]
fn signatures_are_those_of_the_published_vectors() {
    let body = r#"{"object":"whatsapp_business_account","entry":[]}"#;
    let signature = "sha256=057f72507c9d22d67443826732232a0b3b7855d588147b6c5e524ed01efaa404";
    assert_eq!(
        read(ProviderName::Meta, body, Some(("x-hub-signature-256", signature.to_owned())), None),
        Ok(Vec::new())
    );
    let body = r#"{"event":"session.status","session":"default","payload":{"status":"WORKING"}}"#;
    let (_, signature) = waha_signature(body);
    assert!(
        signature.starts_with("6e24a8f75990b4c2404082b5f558ff69") && signature.ends_with("b022380bd38fe57bb"),
        "{signature}"
    );
    assert_eq!(read(ProviderName::Waha, body, Some(("x-webhook-hmac", signature)), None), Ok(Vec::new()));
}

#[test]
fn what_is_not_signed_over_these_very_bytes_is_forged() {
    let body = r#"{"object":"whatsapp_business_account","entry":[],"name":"S\u00e9"}"#;
    let rewritten = r#"{"object":"whatsapp_business_account","entry":[],"name":"Sé"}"#;
    let (meta_header, signature) = meta_signature(body);
    let bare = signature.strip_prefix("sha256=").unwrap().to_owned();
    for (text, header) in [
        (rewritten, Some((meta_header, signature.clone()))),
        (body, Some((meta_header, bare))),
        (body, Some((meta_header, "sha256=".to_owned()))),
        (body, Some((meta_header, "sha256=zz".to_owned()))),
        (body, Some(("x-hub-signature", signature))),
        (body, None),
    ] {
        assert_eq!(read(ProviderName::Meta, text, header, None), Err(WebhookError::Forged));
    }
    let (waha_header, signature) = waha_signature(body);
    for (text, header) in [
        (rewritten, Some((waha_header, signature.clone()))),
        (body, Some((waha_header, signature[..64].to_owned()))),
        (body, Some((waha_header, meta_signature(body).1))),
        (body, None),
    ] {
        assert_eq!(read(ProviderName::Waha, text, header, None), Err(WebhookError::Forged));
    }
    for token in [None, Some(""), Some("a-token-of-the-admi"), Some("a-token-of-the-admin ")] {
        assert_eq!(read(ProviderName::Fonnte, "{}", None, token), Err(WebhookError::Forged));
    }
}

#[test]
fn without_a_key_nothing_is_believed() {
    let headers = HeaderMap::new();
    let request = WebhookRequest { body: b"{}", headers: &headers, token: Some("short") };
    let short = rows(&[("fonnteWebhookToken", "short")]);
    for (provider, row) in [
        (ProviderName::Meta, "metaAppSecret"),
        (ProviderName::Waha, "wahaHmacKey"),
        (ProviderName::Fonnte, "fonnteWebhookToken"),
    ] {
        assert_eq!(read_webhook(provider, &short, &request), Err(WebhookError::NotConfigured(row)));
    }
    assert_eq!(read_webhook(ProviderName::Http, &secret(), &request), Err(WebhookError::NoWebhooks));
}

#[test]
fn the_handshake_gives_the_challenge_back_for_the_right_token_only() {
    let handshake = |mode: &str, token: &str, challenge: &str| {
        meta_handshake(&secret(), |name| match name {
            "hub.mode" => Some(mode.to_owned()),
            "hub.verify_token" => Some(token.to_owned()),
            "hub.challenge" => Some(challenge.to_owned()),
            _ => None,
        })
    };
    assert_eq!(handshake("subscribe", "verify-EXAMPLE", "1158201444"), Ok("1158201444".to_owned()));
    for (mode, token) in [
        ("subscribe", ""),
        ("subscribe", "APPSECRET-EXAMPLE"),
        ("unsubscribe", "verify-EXAMPLE"),
        ("", "verify-EXAMPLE"),
    ] {
        assert_eq!(handshake(mode, token, "1"), Err(WebhookError::Forged));
    }
    assert!(matches!(handshake("subscribe", "verify-EXAMPLE", "<script>"), Err(WebhookError::Malformed(_))));
    assert_eq!(meta_handshake(&BTreeMap::new(), |_| None), Err(WebhookError::NotConfigured("metaVerifyToken")));
}

#[test]
fn metas_statuses_are_read_with_our_id_and_without_a_number() {
    let told = |word: &str| {
        meta(
            &json!({"statuses": [{"id": "wamid.A", "status": word, "timestamp": "1795402800", "biz_opaque_callback_data": "m1"}]}),
        )
    };
    for (word, reached) in
        [("sent", DeliveryStatus::Sent), ("delivered", DeliveryStatus::Delivered), ("read", DeliveryStatus::Read)]
    {
        assert_eq!(status(&told(word)), (reached, "wamid.A", Some("m1"), None));
    }
    for word in ["deleted", "warning", "", "SENT"] {
        assert!(told(word).is_empty(), "{word}");
    }
}

#[test]
fn a_failure_is_classified_by_the_code_that_the_sending_would_have_been() {
    for (code, class) in [
        (131_026, RejectionClass::Recipient),
        (190, RejectionClass::Stop),
        (132_001, RejectionClass::Message),
        (424_242, RejectionClass::Message),
    ] {
        let errors = json!([{"code": code, "title": "no", "error_data": {"details": "to 6281234567890"}}]);
        let notices = meta(
            &json!({"statuses": [{"id": "wamid.A", "status": "failed", "recipient_id": "6281234567890", "errors": errors}]}),
        );
        assert_eq!(status(&notices), (DeliveryStatus::Failed, "wamid.A", None, Some(class)));
        assert!(!format!("{notices:?}").contains("81234567890"), "{notices:?}");
    }
}

#[test]
fn one_post_of_meta_holds_many_items_and_only_those_of_our_number_count() {
    let status = json!({"id": "wamid.A", "status": "sent"});
    let message = json!({"from": "6281234567890", "id": "wamid.B", "timestamp": "1795402800", "type": "text", "text": {"body": "Berhenti"}});
    assert_eq!(meta(&json!({"statuses": [status, status], "messages": [message, {"type": "image"}]})).len(), 3);
    assert!(
        meta(&json!({"metadata": {"phone_number_id": "999999"}, "statuses": [status], "messages": [message]}))
            .is_empty()
    );
}

#[test]
fn a_word_alone_opts_out_or_in_at_every_provider() {
    for (words, wanted) in
        [("STOP", Some(true)), ("berhenti", Some(true)), ("Mulai", Some(false)), ("start", Some(false)), ("Halo", None)]
    {
        check_wish(
            &meta(&json!({"messages": [{"from": "6281234567890", "type": "text", "text": {"body": words}}]})),
            wanted,
        );
        check_wish(
            &meta(&json!({"messages": [{"from": "6281234567890", "type": "button", "button": {"text": words}}]})),
            wanted,
        );
        check_wish(
            &waha("message", &json!({"id": "x", "from": "6281234567890@c.us", "fromMe": false, "body": words})),
            wanted,
        );
        check_wish(&fonnte(&json!({"device": "62811", "sender": "6281234567890", "message": words})), wanted);
    }
    check_wish(&waha("message", &json!({"from": "6281234567890@c.us", "fromMe": true, "body": "STOP"})), None);
    check_wish(&waha("message", &json!({"from": "120363@g.us", "fromMe": false, "body": "STOP"})), None);
    let hidden = json!({"from": "111111@lid", "fromMe": false, "body": "STOP", "_data": {"key": {"senderPn": "6281234567890@s.whatsapp.net"}}});
    check_wish(&waha("message", &hidden), Some(true));
    // Said in a group, to neighbours, whoever the engine says it was.
    let group = json!({"from": "120363@g.us", "fromMe": false, "body": "STOP", "_data": {"Info": {"SenderAlt": "6281234567890@s.whatsapp.net"}}});
    check_wish(&waha("message", &group), None);
}

#[test]
fn wahas_acknowledgements_are_read() {
    let ack = |ack: i64| {
        waha("message.ack", &json!({"id": "true_6281234567890@c.us_3EB0AAAAAAAA", "fromMe": true, "ack": ack}))
    };
    for (number, reached) in [
        (1, DeliveryStatus::Sent),
        (2, DeliveryStatus::Delivered),
        (3, DeliveryStatus::Read),
        (4, DeliveryStatus::Read),
    ] {
        assert_eq!(status(&ack(number)), (reached, "3EB0AAAAAAAA", None, None));
    }
    assert_eq!(status(&ack(-1)).0, DeliveryStatus::Failed);
    assert!(ack(0).is_empty());
    let other =
        json!({"event": "message.ack", "session": "other", "payload": {"id": "3EB0AAAAAAAA", "ack": 3}}).to_string();
    assert_eq!(
        read(ProviderName::Waha, &other, Some(waha_signature(&other)), None),
        Ok(Vec::new()),
        "another session's"
    );
}

#[test]
fn fonntes_words_are_read_and_its_second_id_is_told() {
    let first =
        fonnte(&json!({"device": "62811", "id": "80367170", "stateid": "S-1", "status": "sent", "state": "sent"}));
    assert_eq!(status(&first), (DeliveryStatus::Sent, "80367170", None, None));
    assert!(matches!(&first[..], [ProviderReport::Status(status)] if status.alias.as_deref() == Some("S-1")));
    assert_eq!(
        status(&fonnte(&json!({"device": "62811", "stateid": "S-1", "state": "read"}))),
        (DeliveryStatus::Read, "S-1", None, None)
    );
    for (word, class) in [
        ("invalid", RejectionClass::Recipient),
        ("expired", RejectionClass::Stop),
        ("url unreachable", RejectionClass::Message),
    ] {
        let told = fonnte(&json!({"id": 80_367_170, "status": word}));
        assert_eq!(status(&told), (DeliveryStatus::Failed, "80367170", None, Some(class)));
    }
    for word in ["pending", "waiting", "processing", "new"] {
        assert!(fonnte(&json!({"id": "1", "status": word})).is_empty(), "{word}");
    }
}

#[test]
fn a_sender_in_trouble_is_told() {
    for status in ["FAILED", "SCAN_QR_CODE", "STOPPED"] {
        assert!(
            matches!(&waha("session.status", &json!({"status": status}))[..], [ProviderReport::SenderProblem(_)]),
            "{status}"
        );
    }
    assert!(waha("session.status", &json!({"status": "STARTING"})).is_empty());
    assert!(matches!(
        &fonnte(&json!({"device": "62811", "status": "disconnect"}))[..],
        [ProviderReport::SenderProblem(_)]
    ));
    assert!(fonnte(&json!({"device": "62811", "status": "connect"})).is_empty());
    assert!(matches!(
        &meta(&json!({"errors": [{"code": 131_031, "title": "locked"}]}))[..],
        [ProviderReport::SenderProblem(_)]
    ));
}
