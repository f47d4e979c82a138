use billing::id::OrderId;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;

const ORDER: &str = "INV-2026-0001-k3x9";
const INVOICE: &str = "65f0c0ffee0000000000abcd";

fn order() -> OrderRef {
    OrderRef { order_id: OrderId::parse(ORDER).unwrap(), reference: None, transaction_id: None }
}

/// A paid invoice of Rp300.000 with the given fields changed; `null` takes a field away.
fn invoice(changes: &Value) -> Value {
    let mut invoice = json!({
        "id": INVOICE, "external_id": ORDER, "status": "PAID", "amount": 300_000, "paid_amount": 300_000, "currency": "IDR",
        "paid_at": "2026-11-20T02:03:10.000Z", "updated": "2026-11-20T02:03:11.000Z",
        "payment_method": "BANK_TRANSFER", "payment_channel": "BCA",
    });
    for (name, value) in changes.as_object().unwrap() {
        invoice[name] = value.clone();
    }
    invoice
}

fn read_changed(changes: &Value) -> Result<Report, GatewayError> {
    read_one(&Reply::of(200, invoice(changes).to_string())?, &order(), INVOICE)
}

#[track_caller]
fn check(changes: &Value, state: &ReportedState, received: i64) {
    let report = read_changed(changes).unwrap();
    assert_eq!(&report.state, state, "{changes}");
    assert_eq!(report.transactions.len(), 1, "{changes}");
    assert_eq!(report.transactions[0].received.get(), received, "{changes}");
    assert_eq!(report.transactions[0].paid_at.is_some(), received > 0, "{changes}");
}

#[test]
fn every_status_has_one_meaning() {
    use ReportedState::{Expired, Paid, Pending};
    check(&json!({}), &Paid, 300_000);
    check(&json!({ "status": "SETTLED" }), &Paid, 300_000);
    check(&json!({ "status": "paid" }), &Paid, 300_000);
    check(&json!({ "paid_amount": null }), &Paid, 300_000);
    check(&json!({ "paid_amount": 250_000 }), &Paid, 250_000);
    check(&json!({ "paid_amount": "300000.00" }), &Paid, 300_000);
    check(&json!({ "status": "PENDING", "paid_amount": null }), &Pending, 0);
    check(&json!({ "status": "EXPIRED", "paid_amount": null }), &Expired, 0);
    check(&json!({ "status": "EXPIRED", "paid_amount": 0 }), &Expired, 0);
}

#[test]
fn what_is_not_certain_is_for_a_person_and_books_nothing() {
    for changes in [
        json!({ "status": "REFUNDED" }),
        json!({ "status": "" }),
        json!({ "currency": "PHP" }),
        json!({ "paid_amount": "12.50" }),
        json!({ "paid_amount": -5 }),
        json!({ "paid_amount": null, "amount": null }),
        json!({ "status": "EXPIRED" }),
    ] {
        let report = read_changed(&changes).unwrap();
        assert!(matches!(report.state, ReportedState::Unclear(_)), "{changes}: {report:?}");
        assert!(report.transactions.is_empty(), "{changes}");
    }
}

#[test]
fn an_amount_written_as_a_decimal_number_is_read_from_its_text() {
    let text = invoice(&json!({})).to_string().replace("300000", "300000.0");
    assert!(text.contains("\"paid_amount\":300000.0,"));
    let report = read_one(&Reply::of(200, text).unwrap(), &order(), INVOICE).unwrap();
    assert_eq!(report.transactions[0].received, Rupiah::new(300_000));
    let text = invoice(&json!({})).to_string().replace("300000", "300000.00000000001");
    let report = read_one(&Reply::of(200, text).unwrap(), &order(), INVOICE).unwrap();
    assert!(matches!(report.state, ReportedState::Unclear(_)));
}

#[test]
fn the_time_and_the_channel_are_taken_over() {
    let first = |changes: &Value| read_changed(changes).unwrap().transactions.remove(0);
    let paid = first(&json!({}));
    assert_eq!(paid.paid_at, Some(datetime!(2026-11-20 02:03:10 UTC)));
    assert_eq!(
        (paid.method.as_deref(), paid.status.as_str(), paid.id.as_str()),
        (Some("bank_transfer/bca"), "paid", INVOICE)
    );
    assert_eq!(first(&json!({ "paid_at": null })).paid_at, Some(datetime!(2026-11-20 02:03:11 UTC)));
    assert_eq!(first(&json!({ "paid_at": null, "status": "SETTLED" })).paid_at, None);
}

#[test]
fn several_invoices_of_one_order_are_several_transactions() {
    let list = |invoices: Vec<Value>| read_list(&Reply::of(200, Value::from(invoices).to_string()).unwrap(), &order());
    assert_eq!(list(vec![]).unwrap(), Report { state: ReportedState::Unknown, transactions: vec![] });
    let expired = || invoice(&json!({ "id": "65f0c0ffee0000000000abce", "status": "EXPIRED", "paid_amount": null }));
    let report =
        list(vec![expired(), invoice(&json!({})), invoice(&json!({ "id": "65f0c0ffee0000000000abcf" }))]).unwrap();
    assert_eq!(report.state, ReportedState::Paid);
    assert_eq!(report.transactions.iter().map(|one| one.received.get()).sum::<i64>(), 600_000);
    let odd = invoice(&json!({ "id": "65f0c0ffee0000000000abd0", "status": "ODD" }));
    let report = list(vec![odd, invoice(&json!({}))]).unwrap();
    assert!(matches!(report.state, ReportedState::Unclear(_)));
    assert_eq!(report.transactions.len(), 1);
    let stranger = invoice(&json!({ "external_id": "INV-2026-0002-aaaa" }));
    assert!(matches!(list(vec![invoice(&json!({})), stranger]), Err(GatewayError::Ambiguous(_))));
}

#[test]
fn an_answer_about_another_invoice_is_no_answer() {
    for changes in [json!({ "id": "65f0c0ffee0000000000ffff" }), json!({ "external_id": "INV-2026-0002-aaaa" })] {
        assert!(matches!(read_changed(&changes), Err(GatewayError::Ambiguous(_))), "{changes}");
    }
}

#[test]
fn only_a_known_word_for_not_found_means_unknown() {
    let one = |body: &str| read_one(&Reply::of(404, body).unwrap(), &order(), INVOICE);
    assert_eq!(
        one(r#"{"error_code":"INVOICE_NOT_FOUND_ERROR","message":"no"}"#).unwrap().state,
        ReportedState::Unknown
    );
    assert!(matches!(one("<html>"), Err(GatewayError::Rejected { status: 404, .. })));
}

#[test]
fn an_invoice_is_cancelled_only_if_the_answer_says_expired() {
    let expire = |status: u16, changes: &Value| {
        read_expiry(&Reply::of(status, invoice(changes).to_string())?, &order(), INVOICE)
    };
    assert_eq!(expire(200, &json!({ "status": "EXPIRED" })).unwrap(), Cancellation::Cancelled);
    assert_eq!(expire(200, &json!({})).unwrap(), Cancellation::Refused);
    assert_eq!(expire(404, &json!({})).unwrap(), Cancellation::Refused);
    assert!(expire(200, &json!({ "status": "EXPIRED", "external_id": "x" })).is_err());
    assert!(expire(500, &json!({ "status": "EXPIRED" })).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(status in 100_u16..600, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(reply) = Reply::of(status, bytes) {
            let _ = read_one(&reply, &order(), INVOICE);
            let _ = read_list(&reply, &order());
            let _ = read_expiry(&reply, &order(), INVOICE);
        }
    }

    #[test]
    fn any_text_in_any_field_is_read_or_refused(
        field in prop::sample::select(vec!["id", "external_id", "status", "amount", "paid_amount", "currency", "paid_at", "updated"]),
        text in ".{0,30}",
        number in any::<i64>(),
    ) {
        let _ = read_changed(&json!({ field: text }));
        let _ = read_changed(&json!({ field: number }));
        let _ = read_changed(&json!({ field: [number] }));
    }
}
