//! What is left of a bill and is too little for a gateway is carried to the next one: no link asks for it alone.

use billing::money::LEAST_AMOUNT;

use super::*;
use crate::upgrade::choose;

/// The next bill, with a link; what both ask for.
async fn next_bill(journey: &mut Journey, gateway: GatewayName) -> (String, i64) {
    journey.invoice = journey.world.invoice(&journey.customer).await;
    let link = journey.link(&journey.token().await, Some(gateway)).await;
    let due = journey.world.invoice_now(&journey.invoice).await.amount_due().unwrap();
    let order = journey.orders().await.into_iter().find(|order| order.invoice_id == journey.invoice.id).unwrap();
    assert_eq!(order.amount, due);
    (link, due.get())
}

async fn credit(journey: &Journey) -> i64 {
    let profile = journey.world.profile(&journey.customer.id).await;
    let page = journey.world.app.store.ledger(&profile.id, None, 100).await.unwrap();
    assert_eq!(ledger_sum(&page.entries, true), profile.credit.get(), "credit is the sum of its entries");
    profile.credit.get()
}

#[tokio::test]
async fn paid_all_but_what_no_gateway_takes_and_the_rest_with_the_next_bill() {
    for gateway in GatewayName::ALL {
        for rest in [1, 500, 999] {
            let (mut journey, link) = with_link(gateway).await;
            journey.play(&Simulate { amount: Some(300_000 - rest), ..Simulate::new(&link, Outcome::Paid) }).await;
            journey.until_quiet().await;
            journey.assert_served_once().await;
            assert_eq!(credit(&journey).await, -rest);
            let (link, due) = next_bill(&mut journey, gateway).await;
            assert_eq!((due, credit(&journey).await), (300_000 + rest, 0));
            journey.pay(&link).await;
            journey.until_quiet().await;
            let paid = journey.world.invoice_now(&journey.invoice).await;
            assert_eq!((paid.status, paid.amount.get(), paid.carried.get()), (InvoiceStatus::Paid, 300_000, -rest));
            assert_eq!((credit(&journey).await, journey.events("subscription.extended").await.len()), (0, 2));
        }
    }
}

#[tokio::test]
async fn a_rest_that_a_gateway_takes_gets_a_link() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.play(&Simulate { amount: Some(299_000), ..Simulate::new(&link, Outcome::Paid) }).await;
        journey.until_quiet().await;
        let rest = journey.link(&journey.token().await, Some(gateway)).await;
        assert_eq!(journey.orders().await[1].amount, LEAST_AMOUNT);
        journey.pay(&rest).await;
        journey.until_quiet().await;
        journey.assert_served_once().await;
        assert_eq!(credit(&journey).await, 0);
    }
}

#[tokio::test]
async fn a_payment_with_a_carried_rest_that_is_taken_back_leaves_every_rupiah_due_once() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.play(&Simulate { amount: Some(299_500), ..Simulate::new(&link, Outcome::Paid) }).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    let open = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!((open.status, open.amount_due().unwrap().get()), (InvoiceStatus::Unpaid, 299_500));
    assert_eq!(credit(&journey).await, -500);
    let again = journey.link(&journey.token().await, Some(GatewayName::Xendit)).await;
    journey.pay(&again).await;
    journey.until_quiet().await;
    assert_eq!(next_bill(&mut journey, GatewayName::Xendit).await.1, 300_500);
}

#[tokio::test]
async fn a_bill_that_asked_for_more_and_is_refunded_leaves_that_owed_again() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.play(&Simulate { amount: Some(299_500), ..Simulate::new(&link, Outcome::Paid) }).await;
    journey.until_quiet().await;
    let (link, _) = next_bill(&mut journey, GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Refunded).await;
    journey.until_quiet().await;
    let refunded = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!((refunded.status, refunded.held().unwrap().get()), (InvoiceStatus::Cancelled, 0));
    assert_eq!(credit(&journey).await, -500);
    journey.assert_served_once().await;
    assert_eq!(next_bill(&mut journey, GatewayName::Midtrans).await.1, 300_500);
}

#[tokio::test]
async fn credit_that_leaves_too_little_pays_all_and_says_what_is_owed() {
    let (mut journey, old, new) = replaced().await;
    journey.pay(&new).await;
    journey.until_quiet().await;
    journey.invoice = journey.world.invoice(&journey.customer).await;
    journey.play(&Simulate { amount: Some(299_001), ..Simulate::new(&old, Outcome::Paid) }).await;
    journey.until_quiet().await;
    let (status, body) = journey.ask_link(&journey.token().await, None).await.unwrap();
    assert_eq!((status, body["status"].as_str(), &body["paymentLink"]), (200, Some("PAID"), &Value::Null));
    assert_eq!(body["message"], "Tagihan lunas; Rp999 ditagih bersama tagihan berikutnya");
    journey.until_quiet().await;
    assert_eq!((credit(&journey).await, journey.events("subscription.extended").await.len()), (-999, 2));
}

#[tokio::test]
async fn a_change_for_less_than_a_gateway_takes_is_made_at_once_and_owed() {
    let mut journey = crate::upgrade::start().await;
    journey.world.offer("mini", 700).await;
    journey.wait(journey.customer.entitlement.expires_at - journey.now() + Duration::DAY);
    let token = journey.token().await;
    let path = "/api/customer/upgrade?packageId=mini";
    let (status, body) =
        crate::upgrade::get(&journey.world.app, path.trim_start_matches("/api/customer/"), &token).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["explanation"].as_str().unwrap().contains("Rp700 ditagih bersama tagihan berikutnya"), "{body}");
    let agreed = json!({"packageId": "mini", "expectedAmount": 700});
    let (status, body) = choose(&journey.world.app, &token, &agreed).await;
    assert_eq!((status, &body["paymentLink"], body["code"].as_str()), (200, &Value::Null, Some("nothing_to_pay")));
    journey.until_quiet().await;
    assert_eq!(crate::upgrade::profile(&journey).await.entitlement.package.id.as_str(), "mini");
    assert_eq!((credit(&journey).await, journey.orders().await.len()), (-700, 0));
}
