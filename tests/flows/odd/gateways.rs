//! What gateways say in odd ways.

use crate::api::receive_webhook;
use lunas_sandbox::DEMO_MIDTRANS_SERVER_KEY;
use testkit::request::delivery;

use super::*;

#[tokio::test]
async fn a_fee_that_the_gateway_adds_for_the_payer() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.play(&Simulate { fee: Some(4_000), ..Simulate::new(&link, Outcome::Paid) }).await;
    assert_eq!(journey.undelivered[0].json()["gross_amount"], "304000.00");
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: settled 300 | history: received 300",
    );
}

/// Pays while the gateway's status says something else in one field: nothing is booked, a person is told, once. Then it
/// says it again as it should.
async fn misreported(gateway: GatewayName, field: &'static str, value: &'static str) {
    let (mut journey, link) = with_link(gateway).await;
    journey.world.tap.alter_answers(gateway.as_str(), move |answer| alter(answer, field, value));
    journey.pay(&link).await;
    let paid = journey.undelivered.pop_front().expect("a notification");
    for _ in 0..3 {
        assert_ne!(journey.deliver(&paid).await, Some(500));
        journey.wait(Duration::minutes(6));
        journey.reconcile().await;
    }
    assert_end(
        &end(&mut journey).await,
        "UNPAID, due 300, credit 0, service +0 | ledger:  | told: unclear 300 | history: ",
    );
    journey.world.tap.answer_as_they_are();
    assert!(journey.orders().await[0].wake_at.is_some(), "it is looked at again");
    assert_eq!(journey.deliver(&paid).await, Some(200));
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: unclear 300, settled 300 | history: received 300",
    );
}

/// Puts `value` into every `field` of an answer that has one.
fn alter(answer: &mut Value, field: &str, value: &str) {
    match answer {
        Value::Object(object) => {
            if let Some(found) = object.get_mut(field) {
                *found = json!(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| alter(item, field, value)),
        _ => {}
    }
}

#[tokio::test]
async fn not_in_rupiah() {
    for gateway in GatewayName::ALL {
        misreported(gateway, "currency", "USD").await;
    }
}

#[tokio::test]
async fn a_status_that_nobody_knows() {
    misreported(GatewayName::Midtrans, "transaction_status", "settelment").await;
    misreported(GatewayName::Xendit, "status", "PAYED").await;
}

#[tokio::test]
async fn captured_and_challenged() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.simulate(&link, Outcome::Challenged).await;
    assert_end(
        &end(&mut journey).await,
        "UNPAID, due 300, credit 0, service +0 | ledger:  | told: unclear 300 | history: ",
    );
    assert!(journey.orders().await[0].wake_at.is_some(), "it is looked at again");
    journey.simulate(&link, Outcome::Paid).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: unclear 300, settled 300 | history: received 300",
    );
}

#[tokio::test]
async fn the_transaction_id_in_place_of_the_order_id_as_dana_has_it() {
    let mut journey = Journey::start().await;
    let rows = json!({"serverKey": DEMO_MIDTRANS_SERVER_KEY, "isSandbox": "true", "extraChannels": "dana"});
    journey.world.aws.set_secret("lunas/dev/midtrans", &rows.to_string());
    journey.world.app = journey.world.another_process();
    let link = journey.link(&journey.token().await, Some(GatewayName::Midtrans)).await;
    journey.play(&Simulate { channel: Some("dana".to_owned()), ..Simulate::new(&link, Outcome::Paid) }).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: settled 300 | history: received 300",
    );
}

#[tokio::test]
async fn switched_between_sandbox_and_production_while_orders_are_open() {
    let keys = |is_sandbox: bool| format!(r#"{{"serverKey":"{DEMO_MIDTRANS_SERVER_KEY}","isSandbox":"{is_sandbox}"}}"#);
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    let paid = journey.undelivered.pop_front().expect("a notification");
    journey.world.aws.set_secret("lunas/dev/midtrans", &keys(false));
    let production = journey.world.another_process();
    for _ in 0..3 {
        assert_eq!(receive_webhook::handle(&production, delivery(&paid)).await.status(), 503);
        journey.wait(Duration::minutes(70));
        reconcile_payments::handle(&production, json!({})).await;
    }
    assert_end(
        &end(&mut journey).await,
        "UNPAID, due 300, credit 0, service +0 | ledger:  | told: unclear 300 | history: ",
    );
    journey.world.aws.set_secret("lunas/dev/midtrans", &keys(true));
    journey.wait(Duration::minutes(70));
    reconcile_payments::handle(&journey.world.another_process(), json!({})).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: unclear 300, settled 300 | history: received 300",
    );
}

#[tokio::test]
async fn key_rotated_between_webhook_and_confirmation() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    let signed_with_the_old_key = journey.undelivered.pop_front().expect("a notification");
    // From here on the gateway knows the new key only, and so does the secret; this process still holds the old one.
    let rows =
        json!({"serverKey": "SB-Mid-server-new", "previousServerKey": DEMO_MIDTRANS_SERVER_KEY, "isSandbox": "true"});
    journey.wait(Duration::seconds(61));
    journey.world.aws.set_secret("lunas/dev/midtrans", &rows.to_string());
    journey.world.sandbox.set_midtrans_server_keys(vec!["SB-Mid-server-new".to_owned()]);
    assert_eq!(journey.deliver(&signed_with_the_old_key).await, Some(200));
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: settled 300 | history: received 300",
    );
}
