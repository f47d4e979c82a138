//! Which notifications are believed, and what they point at.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use billing::payment::gateway::GatewayName;
use gateways::{Gateway, Hint, Setup, VerifyError, WebhookRequest, connect};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

const MIDTRANS_KEY: &str = "SB-Mid-server-EXAMPLE";
const SIGNATURE: &str = "9d6ab79dc51c47554d974bea0bef8fee559b280fe0a29102ef7423a46650dc9144c18beb45a8388f03fa2b706931a32cf761cf5f8caf0cbc0cab1042891f72e1";

fn gateway(name: GatewayName, rows: &[(&str, &str)]) -> Box<dyn Gateway> {
    let rows = rows.iter().map(|(row, text)| ((*row).to_owned(), (*text).to_owned())).collect();
    connect(name, &rows, &Setup { base_url: None, production_only: false }).unwrap()
}

fn midtrans(current: &str, previous: &str) -> Box<dyn Gateway> {
    gateway(GatewayName::Midtrans, &[("serverKey", current), ("previousServerKey", previous), ("isSandbox", "true")])
}

fn xendit(rows: &[(&str, &str)]) -> Box<dyn Gateway> {
    let mut all = vec![("apiKey", "xnd_development_EXAMPLE")];
    all.extend(rows);
    gateway(GatewayName::Xendit, &all)
}

fn signed(order_id: &str, key: &str) -> Value {
    let signature = hex::encode(Sha512::digest(format!("{order_id}200105000.00{key}")));
    json!({ "order_id": order_id, "status_code": "200", "gross_amount": "105000.00", "signature_key": signature })
}

fn example() -> Value {
    json!({ "order_id": "INV-2026-0001", "status_code": "200", "gross_amount": "300000.00", "signature_key": SIGNATURE,
        "transaction_id": "0b2f6c1e-5d54", "transaction_status": "settlement" })
}

fn verify(gateway: &dyn Gateway, body: &[u8], token: Option<&str>) -> Result<Hint, VerifyError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert("x-callback-token", HeaderValue::from_str(token).unwrap());
    }
    gateway.verify(&WebhookRequest { body, headers: &headers })
}

fn verify_json(gateway: &dyn Gateway, body: &Value) -> Result<Hint, VerifyError> {
    verify(gateway, body.to_string().as_bytes(), None)
}

#[test]
fn midtrans_signature_is_checked_with_the_current_and_the_previous_key() {
    for keys in [(MIDTRANS_KEY, ""), ("SB-Mid-server-NEWER", MIDTRANS_KEY)] {
        let Hint::Order { order_id, transaction_id, reference, claims_payment } =
            verify_json(&*midtrans(keys.0, keys.1), &example()).unwrap()
        else {
            panic!("not ours");
        };
        assert!(claims_payment);
        assert_eq!(
            (order_id.as_str(), transaction_id.as_deref(), reference),
            ("INV-2026-0001", Some("0b2f6c1e-5d54"), None)
        );
    }
    assert!(matches!(verify_json(&*midtrans("SB-Mid-server-OTHER", ""), &example()), Err(VerifyError::Forged)));
}

#[test]
fn midtrans_fields_are_signed_as_the_texts_they_are() {
    let gateway = midtrans(MIDTRANS_KEY, "");
    for (field, value) in [
        ("gross_amount", json!(300_000)),
        ("status_code", json!(200)),
        ("order_id", json!(null)),
        ("signature_key", json!([SIGNATURE])),
    ] {
        let mut body = example();
        body[field] = value;
        assert!(matches!(verify_json(&*gateway, &body), Err(VerifyError::Malformed(_))), "{field}");
        body.as_object_mut().unwrap().remove(field);
        assert!(matches!(verify_json(&*gateway, &body), Err(VerifyError::Malformed(_))), "{field}");
    }
    for (field, value) in [
        ("gross_amount", "300000".to_owned()),
        ("status_code", "201".to_owned()),
        ("order_id", "INV-2026-0002".to_owned()),
        ("signature_key", SIGNATURE.to_uppercase()),
        ("signature_key", String::new()),
    ] {
        let mut body = example();
        body[field] = json!(value);
        assert!(matches!(verify_json(&*gateway, &body), Err(VerifyError::Forged)), "{field}");
    }
    for text in ["", "null", "[]", "{", "\u{0}"] {
        assert!(matches!(verify(&*gateway, text.as_bytes(), None), Err(VerifyError::Malformed(_))), "{text}");
    }
}

#[test]
fn a_genuine_midtrans_notification_that_is_not_ours_has_no_effect() {
    let gateway = midtrans(MIDTRANS_KEY, "");
    for order_id in ["payment_notif_test_G000000000_0b2f6c1e-5d54", "TOKO/2026/1", "", &"a".repeat(51)] {
        assert!(matches!(verify_json(&*gateway, &signed(order_id, MIDTRANS_KEY)), Ok(Hint::NotOurs(_))), "{order_id}");
        assert!(matches!(verify_json(&*gateway, &signed(order_id, "guess")), Err(VerifyError::Forged)), "{order_id}");
    }
}

#[test]
fn a_transaction_id_that_could_walk_through_a_path_is_dropped() {
    let gateway = midtrans(MIDTRANS_KEY, "");
    for id in [json!("../x"), json!("a b"), json!(7), json!("")] {
        let mut body = example();
        body["transaction_id"] = id;
        assert!(matches!(verify_json(&*gateway, &body), Ok(Hint::Order { transaction_id: None, .. })));
    }
}

const XENDIT_BODY: &str = r#"{"id":"65f0c0ffee0000000000abcd","external_id":"INV-2026-0001-a1","status":"PAID"}"#;

#[test]
fn xendit_token_is_checked_and_without_one_nothing_is_believed() {
    let body = XENDIT_BODY.as_bytes();
    let none = xendit(&[("previousCallbackToken", "token-EXAMPLE")]);
    assert!(matches!(verify(&*none, body, Some("token-EXAMPLE")), Err(VerifyError::NotConfigured)));
    assert!(matches!(verify(&*none, body, Some("")), Err(VerifyError::NotConfigured)));
    for rows in [
        vec![("callbackToken", "token-EXAMPLE")],
        vec![("callbackToken", "token-NEWER"), ("previousCallbackToken", "token-EXAMPLE")],
    ] {
        let gateway = xendit(&rows);
        let hint = verify(&*gateway, body, Some("token-EXAMPLE")).unwrap();
        assert!(matches!(hint, Hint::Order { order_id, reference: Some(reference), .. }
            if order_id.as_str() == "INV-2026-0001-a1" && reference == "65f0c0ffee0000000000abcd"));
        for token in [None, Some(""), Some("token-EXAMPL"), Some("token-EXAMPLE2"), Some("Token-EXAMPLE")] {
            assert!(matches!(verify(&*gateway, body, token), Err(VerifyError::Forged)), "{token:?}");
        }
    }
}

#[test]
fn a_genuine_xendit_notification_that_is_not_ours_has_no_effect() {
    let gateway = xendit(&[("callbackToken", "token-EXAMPLE")]);
    let verify = |body: &str| verify(&*gateway, body.as_bytes(), Some("token-EXAMPLE"));
    for body in [
        r#"{"id":"579c8d61f23fa4ca35e52da4","external_id":"invoice_123124123","status":"PAID"}"#,
        r#"{"id":"65f0c0ffee0000000000abcd","external_id":"TOKO/1","status":"PAID"}"#,
        // Payments, payouts, recurring: envelopes.
        r#"{"event":"payment.capture","business_id":"x","data":{}}"#,
        r#"{"event":"payout.succeeded","business_id":"x","created":"2026-11-20T02:03:10Z","data":{"id":"disb-1","reference_id":"gaji-11"}}"#,
        r#"{"event":"recurring.cycle.succeeded","business_id":"x","data":{"id":"repl_1"}}"#,
        // A batch of disbursements has a `reference`, and its own list.
        r#"{"created":"2026-11-20T02:03:10Z","id":"57e5007de614fc6222cb0571","reference":"gaji-11","status":"COMPLETED",
            "total_uploaded_count":2,"disbursements":[{"id":"57c9010f5ef9e7077bcb96b6","external_id":"gaji-11-1","amount":10000}]}"#,
        "{}",
        r#"{"id":"a","external_id":7}"#,
    ] {
        assert!(matches!(verify(body), Ok(Hint::NotOurs(_))), "{body}");
    }
    // Ids that could be ours: a single disbursement, a virtual account that was made or paid; and an invoice in a new word.
    for (body, id, word) in [
        (
            r#"{"id":"57f1ca56bb1a631a65eee65e","external_id":"gaji-11-1","amount":17000,"status":"COMPLETED"}"#,
            "gaji-11-1",
            Some("COMPLETED"),
        ),
        (r#"{"id":"57f6fbf26b9f064272622aa6","external_id":"va-1","status":"ACTIVE"}"#, "va-1", Some("ACTIVE")),
        (r#"{"id":"57f6fbf26b9f064272622aa6","external_id":"va-1","payment_id":"1","amount":17000}"#, "va-1", None),
        (r#"{"id":"65f0c0ffee0000000000abcd","external_id":"INV-1","status":"PAYED"}"#, "INV-1", Some("PAYED")),
    ] {
        let Ok(Hint::OtherWord { order_id, status }) = verify(body) else { panic!("{body}") };
        assert_eq!((order_id.as_str(), status.as_deref()), (id, word), "{body}");
    }
    for (status, claims) in
        [("PAID", true), ("SETTLED", true), ("EXPIRED", false), ("PENDING", false), ("paid", true), ("Expired", false)]
    {
        for (id, expected) in
            [(json!("65f0"), Some("65f0")), (json!("a/b"), None), (json!(1), None), (Value::Null, None)]
        {
            let body = json!({"id": id, "external_id": "INV-1", "status": status}).to_string();
            let Ok(Hint::Order { order_id, reference, claims_payment, .. }) = verify(&body) else { panic!("{body}") };
            assert_eq!(
                (order_id.as_str(), reference.as_deref(), claims_payment),
                ("INV-1", expected, claims),
                "{body}"
            );
        }
    }
    for body in ["", "7", "[]", "\"paid\"", "{", "a=b"] {
        assert!(matches!(verify(body), Err(VerifyError::Malformed(_))), "{body}");
    }
}

/// Subscriptions and linked accounts: <https://docs.midtrans.com/reference/http-notification>.
#[test]
fn a_midtrans_notification_that_is_signed_over_no_order_is_refused() {
    let gateway = midtrans(MIDTRANS_KEY, "");
    let signature = hex::encode(Sha512::digest(format!("a1ENABLED200{MIDTRANS_KEY}")));
    for body in [
        json!({"event_name": "subscription.charge", "transaction": {"transaction_status": "settlement"}, "subscription": {"id": "s1"}}),
        json!({"id": "s1", "name": "HOME20", "amount": "300000", "currency": "IDR", "status": "active"}),
        json!({"account_id": "a1", "account_status": "ENABLED", "status_code": "200", "signature_key": signature}),
    ] {
        assert!(matches!(verify_json(&*gateway, &body), Err(VerifyError::Malformed(_))), "{body}");
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_in_what_is_signed_is_refused(field in 0..4_usize, at in 0..128_usize, bit in 0..7_u32) {
        let field = ["order_id", "status_code", "gross_amount", "signature_key"][field];
        let mut body = example();
        let mut bytes = body[field].as_str().unwrap().as_bytes().to_vec();
        let at = at.min(bytes.len().saturating_sub(1));
        bytes[at] ^= 1 << bit;
        body[field] = json!(String::from_utf8(bytes).unwrap());
        prop_assert!(matches!(verify_json(&*midtrans(MIDTRANS_KEY, ""), &body), Err(VerifyError::Forged)));
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(&*midtrans(MIDTRANS_KEY, ""), &bytes, None).is_err());
        prop_assert!(verify(&*xendit(&[("callbackToken", "token-EXAMPLE")]), &bytes, Some("token-EXAMPLE")).is_err());
    }
}
