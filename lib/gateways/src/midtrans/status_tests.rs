use billing::id::OrderId;
use proptest::prelude::*;
use serde_json::json;
use time::macros::datetime;

use super::*;

const ORDER: &str = "INV-2026-0001-k3x9";
const TRANSACTION: &str = "0b2f6c1e-5d54-4f0e-9a51-0c9a3c1f7d10";

fn order() -> OrderRef {
    let order_id = OrderId::parse(ORDER).unwrap();
    OrderRef { order_id, reference: None, transaction_id: Some(TRANSACTION.to_owned()) }
}

/// A paid virtual account of Rp300.000 with the given fields changed; `null` takes a field away.
fn body(changes: Value) -> String {
    let mut body = json!({
        "status_code": "200", "order_id": ORDER, "transaction_id": TRANSACTION, "transaction_status": "settlement",
        "gross_amount": "300000.00", "currency": "IDR", "payment_type": "bank_transfer", "fraud_status": "accept",
        "transaction_time": "2026-11-20 09:00:00", "settlement_time": "2026-11-20 09:03:10",
        "va_numbers": [{ "va_number": "12345678901", "bank": "bca" }], "payment_amounts": [],
    });
    let (Value::Object(fields), Value::Object(changes)) = (&mut body, changes) else {
        panic!("changes are an object");
    };
    for (name, value) in changes {
        if value.is_null() {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    body.to_string()
}

fn read_as(status: u16, changes: Value, asked_id: &str) -> Result<Report, GatewayError> {
    read(&Reply::of(status, body(changes))?, &order(), asked_id)
}

/// State, and received, refunded, charged back of the one transaction.
#[track_caller]
fn check(changes: &Value, state: &ReportedState, money: [i64; 3]) {
    let report = read_as(200, changes.clone(), ORDER).unwrap();
    assert_eq!(&report.state, state, "{changes}");
    let [transaction] = report.transactions.as_slice() else {
        panic!("{changes}: {report:?}");
    };
    let found = [transaction.received, transaction.refunded, transaction.charged_back].map(Rupiah::get);
    assert_eq!(found, money, "{changes}");
    assert_eq!(transaction.paid_at.is_some(), money[0] > 0, "{changes}");
}

/// A person has to look, and nothing is said about money.
#[track_caller]
fn check_unclear(changes: &Value) {
    let report = read_as(200, changes.clone(), ORDER).unwrap();
    assert!(matches!(report.state, ReportedState::Unclear(_)), "{changes}: {report:?}");
    let received: i64 = report.transactions.iter().map(|transaction| transaction.received.get()).sum();
    assert_eq!(received, 0, "{changes}");
}

#[test]
fn every_status_of_the_vendors_table_has_one_meaning() {
    use ReportedState::{Cancelled, Expired, Paid, Pending};
    check(&json!({}), &Paid, [300_000, 0, 0]);
    check(&json!({ "fraud_status": null }), &Paid, [300_000, 0, 0]);
    check(&json!({ "transaction_status": "SETTLEMENT", "fraud_status": "ACCEPT" }), &Paid, [300_000, 0, 0]);
    check(
        &json!({ "transaction_status": "capture", "payment_type": "credit_card", "settlement_time": null }),
        &Paid,
        [300_000, 0, 0],
    );
    check(&json!({ "transaction_status": "pending", "status_code": "201" }), &Pending, [0; 3]);
    check(&json!({ "transaction_status": "PENDING", "status_code": "201" }), &Pending, [0; 3]);
    check(&json!({ "transaction_status": "authorize" }), &Pending, [0; 3]);
    check(&json!({ "transaction_status": "deny", "status_code": "202", "fraud_status": "deny" }), &Pending, [0; 3]);
    check(&json!({ "transaction_status": "failure", "status_code": "202" }), &Pending, [0; 3]);
    check(&json!({ "transaction_status": "cancel" }), &Cancelled, [0; 3]);
    check(&json!({ "transaction_status": "expire", "status_code": "407" }), &Expired, [0; 3]);
    check(&json!({ "transaction_status": "refund", "refund_amount": "300000.00" }), &Paid, [300_000, 300_000, 0]);
    check(&json!({ "transaction_status": "refund" }), &Paid, [300_000, 300_000, 0]);
    check(&json!({ "transaction_status": "partial_refund", "refund_amount": "50000.00" }), &Paid, [300_000, 50_000, 0]);
    check(&json!({ "transaction_status": "partial_refund", "refund_amount": 50_000 }), &Paid, [300_000, 50_000, 0]);
    check(&json!({ "transaction_status": "chargeback" }), &Paid, [300_000, 0, 300_000]);
    check(&json!({ "transaction_status": "chargeback", "refund_amount": "1000.00" }), &Paid, [300_000, 0, 300_000]);
    check(
        &json!({ "transaction_status": "partial_chargeback", "chargeback_amount": "70000.00" }),
        &Paid,
        [300_000, 0, 70_000],
    );
    check(
        &json!({ "transaction_status": "partial_chargeback", "refund_amount": "70000.00" }),
        &Paid,
        [300_000, 0, 70_000],
    );
}

#[test]
fn a_card_that_is_held_for_review_is_neither_paid_nor_over() {
    for code in ["200", "201"] {
        let changes = json!({ "transaction_status": "capture", "fraud_status": "challenge", "status_code": code });
        let report = read_as(200, changes, ORDER).unwrap();
        assert!(matches!(report.state, ReportedState::InReview(_)), "{report:?}");
        assert_eq!(report.transactions[0].received, Rupiah::ZERO);
    }
}

#[test]
fn what_is_not_certain_is_for_a_person_and_books_nothing() {
    check_unclear(&json!({ "transaction_status": "capture", "fraud_status": null }));
    check_unclear(&json!({ "transaction_status": "capture", "fraud_status": "deny" }));
    check_unclear(&json!({ "fraud_status": "challenge" }));
    check_unclear(&json!({ "status_code": "201" }));
    check_unclear(&json!({ "transaction_status": "settled" }));
    check_unclear(&json!({ "transaction_status": "" }));
    check_unclear(&json!({ "currency": "USD" }));
    check_unclear(&json!({ "gross_amount": "300000.50" }));
    check_unclear(&json!({ "gross_amount": "3e5" }));
    check_unclear(&json!({ "gross_amount": "0.00" }));
    check_unclear(&json!({ "gross_amount": null }));
    check_unclear(&json!({ "transaction_status": "partial_refund" }));
    check_unclear(&json!({ "transaction_status": "partial_chargeback" }));
    check_unclear(&json!({ "transaction_status": "partial_refund", "refund_amount": "-1.00" }));
}

#[test]
fn a_fee_borne_by_the_payer_is_not_the_orders_money() {
    let fee = |original: Value| {
        json!({ "gross_amount": "304000.00", "metadata": { "extra_info": { "gross_amount_info": {
            "original_amount": original, "gross_amount": "304000.00", "customer_imposed_payment_fee": "4000.00" } } } })
    };
    check(&fee(json!("300000.00")), &ReportedState::Paid, [300_000, 0, 0]);
    check(&fee(json!(300_000)), &ReportedState::Paid, [300_000, 0, 0]);
    check(&json!({ "metadata": "x" }), &ReportedState::Paid, [300_000, 0, 0]);
    check_unclear(&fee(json!("Rp300000")));
    let mut refund = fee(json!("300000.00"));
    refund["transaction_status"] = json!("refund");
    refund["refund_amount"] = json!("304000.00");
    check(&refund, &ReportedState::Paid, [300_000, 300_000, 0]);
}

#[test]
fn times_are_of_gmt_plus_7_and_channels_are_named() {
    let first = |changes: Value| read_as(200, changes, ORDER).unwrap().transactions.remove(0);
    let paid = first(json!({}));
    assert_eq!(paid.paid_at, Some(datetime!(2026-11-20 02:03:10 UTC)));
    assert_eq!(
        (paid.method.as_deref(), paid.status.as_str(), paid.id.as_str()),
        (Some("bank_transfer/bca"), "settlement", TRANSACTION)
    );
    assert_eq!(first(json!({ "settlement_time": null })).paid_at, Some(datetime!(2026-11-20 02:00:00 UTC)));
    let method = |changes: Value| first(changes).method.unwrap();
    assert_eq!(method(json!({ "va_numbers": null, "permata_va_number": "1" })), "bank_transfer/permata");
    assert_eq!(
        method(json!({ "va_numbers": null, "payment_type": "cstore", "store": "Indomaret" })),
        "cstore/indomaret"
    );
    assert_eq!(method(json!({ "va_numbers": null, "payment_type": "qris" })), "qris");
}

#[test]
fn an_unknown_transaction_is_normal() {
    let body = r#"{"status_code":"404","status_message":"Transaction doesn't exist.","id":"x"}"#;
    for status in [200, 404] {
        let report = read(&Reply::of(status, body).unwrap(), &order(), ORDER).unwrap();
        assert_eq!(report, Report { state: ReportedState::Unknown, transactions: vec![] });
    }
    assert!(matches!(read(&Reply::of(404, "<html>").unwrap(), &order(), ORDER), Err(GatewayError::Ambiguous(_))));
    assert!(read_as(407, json!({ "status_code": "407", "transaction_status": "expire" }), ORDER).is_ok());
}

#[test]
fn http_status_and_body_code_have_to_agree() {
    let with = |status, code| read_as(status, json!({ "status_code": code }), ORDER);
    assert!(matches!(with(200, "401"), Err(GatewayError::Unauthorized { status: 401 })));
    assert!(matches!(with(200, "429"), Err(GatewayError::RateLimited)));
    assert!(matches!(with(200, "500"), Err(GatewayError::Ambiguous(_))));
    assert!(matches!(with(200, "413"), Err(GatewayError::Rejected { .. })));
    assert!(matches!(with(200, ""), Err(GatewayError::Ambiguous(_))));
    assert!(matches!(with(400, "200"), Err(GatewayError::Rejected { status: 400, .. })));
    assert!(matches!(with(500, "200"), Err(GatewayError::Ambiguous(_))));
}

#[test]
fn an_answer_about_another_order_is_no_answer() {
    let ambiguous =
        |changes: Value, asked: &str| matches!(read_as(200, changes, asked), Err(GatewayError::Ambiguous(_)));
    assert!(ambiguous(json!({ "order_id": "INV-2026-0002-aaaa" }), ORDER));
    assert!(ambiguous(json!({ "order_id": null }), ORDER));
    assert!(
        ambiguous(json!({ "order_id": TRANSACTION }), ORDER),
        "only an answer by transaction id may repeat that id"
    );
    assert!(ambiguous(json!({ "transaction_id": null }), ORDER));
    assert!(ambiguous(json!({ "transaction_id": "a/../b" }), ORDER));
    assert!(read_as(200, json!({ "order_id": TRANSACTION }), TRANSACTION).is_ok(), "DANA");
    assert!(read_as(200, json!({ "order_id": TRANSACTION, "custom_field1": ORDER }), TRANSACTION).is_ok());
    assert!(ambiguous(json!({ "order_id": TRANSACTION, "custom_field1": "INV-2026-0002-aaaa" }), TRANSACTION));
    assert!(ambiguous(json!({ "order_id": "INV-2026-0002-aaaa" }), TRANSACTION));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z0-9.:-]{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "settlement",
            "capture",
            "refund",
            "200",
            "407",
            "300000.00",
            "0000-00-00 00:00:00",
            ORDER
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,9}", inner, 0..3).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

const FIELDS: [&str; 12] = [
    "status_code",
    "order_id",
    "transaction_id",
    "transaction_status",
    "fraud_status",
    "gross_amount",
    "currency",
    "settlement_time",
    "refund_amount",
    "va_numbers",
    "metadata",
    "custom_field1",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(status in 100_u16..600, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(reply) = Reply::of(status, bytes) {
            let _ = read(&reply, &order(), ORDER);
        }
    }

    #[test]
    fn any_value_in_any_field_is_read_or_refused(status in 200_u16..500, field in 0..FIELDS.len(), value in any_json()) {
        let _ = read_as(status, json!({ FIELDS[field]: value }), ORDER);
    }

    #[test]
    fn money_is_never_invented(word in "[a-z_]{0,12}", fraud in "[a-z]{0,9}", code in "(200|201|202|407|404|500)") {
        let changes = json!({ "transaction_status": word, "fraud_status": fraud, "status_code": code });
        if let Ok(report) = read_as(200, changes, ORDER) {
            for transaction in report.transactions {
                prop_assert!(transaction.received.get() == 0 || (report.state == ReportedState::Paid && transaction.received.get() == 300_000));
            }
        }
    }
}
