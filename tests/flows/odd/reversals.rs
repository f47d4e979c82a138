//! Money that goes back.

use super::*;

#[tokio::test]
async fn refund_before_its_settlement_is_seen() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.undelivered.clear();
    journey.simulate(&link, Outcome::Refunded).await;
    assert_end(
        &end(&mut journey).await,
        "CANCELLED, due 0, credit 0, service +0 | ledger: received 300, refund -300 | told: reversed 300 | history: received 300, refund 300",
    );
}

#[tokio::test]
async fn full_refund() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Refunded).await;
    assert_end(
        &end(&mut journey).await,
        "CANCELLED, due 0, credit 0, service +0 | ledger: received 300, refund -300 | told: settled 300, reversed 300 | history: received 300, refund 300",
    );
}

#[tokio::test]
async fn full_refund_of_an_invoice_that_credit_paid_in_part() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.play(&Simulate { amount: Some(400_000), ..Simulate::new(&link, Outcome::Paid) }).await;
    journey.until_quiet().await;
    journey.invoice = journey.world.invoice(&journey.customer).await;
    let rest = journey.link(&journey.token().await, Some(GatewayName::Midtrans)).await;
    assert_eq!(journey.orders().await[1].amount.get(), 200_000);
    journey.pay(&rest).await;
    journey.until_quiet().await;
    journey.simulate(&rest, Outcome::Refunded).await;
    journey.until_quiet().await;
    let (invoice, profile) =
        (journey.world.invoice_now(&journey.invoice).await, journey.world.profile(&journey.customer.id).await);
    assert_eq!(
        (invoice.status, invoice.held().unwrap().get(), profile.credit.get()),
        (InvoiceStatus::Cancelled, 0, 100_000)
    );
    assert_eq!(profile.entitlement.expires_at, journey.extended_once(), "the first month stays");
}

#[tokio::test]
async fn partial_refund_twice_in_cumulative_amounts() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    for part in [50_000, 100_000] {
        journey.play(&Simulate { amount: Some(part), ..Simulate::new(&link, Outcome::Refunded) }).await;
        journey.until_quiet().await;
    }
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300, refund -50, refund -100 | told: settled 300, partial_refund 50, partial_refund 100 | history: received 300, refund 50, refund 100",
    );
    assert_eq!(worth(&journey).await, 150_000);
}

/// What would become credit of the paid month, were the package changed to one without a price before it begins.
async fn worth(journey: &Journey) -> i64 {
    use billing::{
        money::Rupiah,
        service::{entitlement::PackagePayment, package::Package},
        zone::Zone,
    };
    let free = Package { price: Rupiah::ZERO, ..testkit::home20() };
    let payment =
        PackagePayment { at: journey.now(), money: Rupiah::ZERO, charge: Rupiah::ZERO, difference_until: None };
    let entitlement = journey.world.profile(&journey.customer.id).await.entitlement;
    billing::service::entitlement::change(Some(&entitlement), &free, payment, Zone::Jakarta).unwrap().to_credit.get()
}

#[tokio::test]
async fn chargeback() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    assert_eq!(worth(&journey).await, 300_000);
    journey.simulate(&link, Outcome::Chargeback).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300, chargeback -300 | told: settled 300, chargeback 300 | history: received 300, chargeback 300",
    );
    assert_eq!(worth(&journey).await, 0, "it is served, and worth nothing");
}

#[tokio::test]
async fn settlement_reversed_to_deny_while_its_event_waits_in_the_queue() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    let paid = journey.undelivered.pop_front().expect("a notification");
    assert_eq!(journey.deliver(&paid).await, Some(200));
    journey.simulate(&link, Outcome::Reversed).await;
    assert_end(
        &end(&mut journey).await,
        "UNPAID, due 300, credit 0, service +0 | ledger: received 300, reversal -300 | told: settled 300, reversed 300 | history: received 300, reversal 300",
    );
}

#[tokio::test]
async fn reversed_and_then_paid_again() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    let second = journey.link(&journey.token().await, Some(GatewayName::Xendit)).await;
    journey.pay(&second).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300, reversal -300, received 300 | told: settled 300, reversed 300, settled 300 | history: received 300, reversal 300, received 300",
    );
}

#[tokio::test]
async fn a_bill_that_was_refunded_before_it_was_applied_takes_no_place_of_one_that_is_reversed() {
    let (mut journey, first) = with_link(GatewayName::Midtrans).await;
    journey.pay(&first).await;
    journey.until_quiet().await;
    let reversed = journey.invoice.clone();
    journey.invoice = journey.world.invoice(&journey.customer).await;
    let second = journey.link(&journey.token().await, Some(GatewayName::Midtrans)).await;
    journey.pay(&second).await;
    journey.simulate(&second, Outcome::Refunded).await;
    journey.until_quiet().await;
    assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Cancelled);
    journey.invoice = reversed;
    journey.simulate(&first, Outcome::Reversed).await;
    journey.until_quiet().await;
    let (invoice, profile) =
        (journey.world.invoice_now(&journey.invoice).await, journey.world.profile(&journey.customer.id).await);
    assert_eq!(
        (invoice.status, invoice.amount_due().unwrap().get()),
        (InvoiceStatus::Unpaid, 300_000),
        "it can be paid again"
    );
    assert_eq!(profile.open_renewal, Some(invoice.id));
}

#[tokio::test]
async fn a_surplus_that_is_taken_back() {
    let (mut journey, old, new) = replaced().await;
    journey.pay(&new).await;
    journey.until_quiet().await;
    journey.play(&Simulate { channel: Some("permata_va".to_owned()), ..Simulate::new(&old, Outcome::Paid) }).await;
    journey.until_quiet().await;
    journey.simulate(&old, Outcome::Reversed).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300, surplus 300, surplus-reversal -300 | told: settled 300, surplus 300, taken_back 300 | history: received 300, received 300 credit, reversal 300 credit",
    );
}
