//! What the gateways say about money, and what becomes of invoice, credit and service.

use billing::{
    money::ledger::EntryKind,
    payment::{gateway::GatewayName, invoice::InvoiceStatus, order::OrderStatus, withdrawal::withdraw},
    service::entitlement::Reason,
};
use lunas_sandbox::{Fault, FaultKind, Outcome, Simulate};
use serde_json::json;
use testkit::request::{answer, from_browser, request};
use time::Duration;

use super::{assert_unpaid, with_link};
use crate::api::{create_payment_link, customer_account};
use crate::journey::{Journey, account_of};
use crate::pay_page::link_of;

/// Invoice status and settlement, credit, live grants of renewals.
async fn check(journey: &Journey, status: InvoiceStatus, settlement_no: u32, credit: i64, live: usize) {
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    let profile = journey.world.profile(&journey.customer.id).await;
    let grants = journey.grants().await;
    let renewals =
        grants.iter().filter(|grant| !grant.revoked && matches!(grant.reason, Reason::Renewal { .. })).count();
    assert_eq!(
        (invoice.status, invoice.settlement_no, profile.credit.get(), renewals),
        (status, settlement_no, credit, live)
    );
    let expected = if live == 1 { journey.extended_once() } else { journey.customer.entitlement.expires_at };
    assert_eq!(profile.entitlement.expires_at, expected);
    assert_eq!(invoice.wake_at, None, "nothing is left to apply");
    journey.assert_outbox_empty("").await;
    assert_conserved(journey).await;
}

/// Every rupiah that the gateways keep for us is in the invoice or in the credit, and the ledger says the same.
async fn assert_conserved(journey: &Journey) {
    let kept: i64 = journey
        .orders()
        .await
        .iter()
        .flat_map(|order| order.booked.values())
        .map(|booked| booked.received.get() - booked.refunded.get())
        .sum();
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    let credit = journey.world.profile(&journey.customer.id).await.credit.get();
    assert_eq!(kept, invoice.received.get() - invoice.refunded.get() + credit);
    let page = journey.world.app.store.ledger(&journey.customer.id, None, 100).await.unwrap();
    let entries = || page.entries.iter().map(|line| &line.entry);
    assert_eq!(entries().map(|entry| entry.amount.get()).sum::<i64>(), kept);
    assert_eq!(
        entries().filter(|entry| entry.kind.moves_credit()).map(|entry| entry.amount.get()).sum::<i64>(),
        credit
    );
}

async fn reasons(journey: &Journey) -> Vec<String> {
    let reviews = journey.events("payment.review").await;
    let mut reasons: Vec<_> =
        reviews.iter().map(|review| format!("{} {}", review["reason"].as_str().unwrap(), review["amount"])).collect();
    reasons.sort();
    reasons
}

/// Neither the API nor a page offers a way to pay, and both say why. `is_held`: a payment is held for review.
async fn assert_offered(journey: &Journey, token: &str, is_held: bool) {
    let orders = journey.orders().await.len();
    let account = account_of(&journey.world.app);
    let (_, body) =
        answer(&customer_account::handle(&account, request("GET", "/api/customer/invoices", Some(token), None)).await);
    let shown = &body["invoices"][0];
    assert_eq!((&shown["inReview"], shown["paymentLink"].is_null()), (&json!(is_held), is_held), "{shown}");
    let cookie = format!("__Host-session={token}");
    let public = link_of(journey, &journey.invoice).await;
    for path in [
        "/customer",
        &format!("/customer/finish/{}", journey.invoice.id),
        &format!("/customer/pay/{}", journey.invoice.id),
        &public.page(None),
        &public.page(Some("pay")),
    ] {
        let page = customer_portal::handle(&journey.world.app, from_browser("GET", path, &[], &[&cookie], None)).await;
        let html = String::from_utf8(page.body().as_ref().to_vec()).unwrap();
        assert_eq!(html.contains("Sedang diperiksa<"), is_held, "{path}: {html}");
        assert_eq!(html.contains("data-state=\"in-review\""), is_held, "{path}");
        let can_pay = html.contains("/api/customer/invoices/payment\"")
            || html.contains("/link\"")
            || html.contains("http-equiv=\"refresh\"");
        assert_eq!(can_pay, !is_held, "{path}: {html}");
    }
    if is_held {
        for gateway in [None, Some(GatewayName::Midtrans), Some(GatewayName::Xendit)] {
            let (status, body) = journey.ask_link(token, gateway).await.unwrap();
            assert_eq!((status, &body["code"]), (409, &json!("payment_in_review")));
        }
        let by_link = from_browser("POST", &format!("/api/pay/{}/link", public.as_str()), &[], &[], Some("{}"));
        assert_eq!(
            answer(&create_payment_link::handle(&journey.world.app, by_link).await).1["code"],
            "payment_in_review"
        );
        journey.wait(Duration::seconds(10));
        assert_eq!(
            journey.check(token).await,
            Some((200, json!({"success": true, "status": "UNPAID", "inReview": true})))
        );
        let (_, again) = journey.check(token).await.unwrap();
        assert!(again["inReview"] == true && again["retryAfter"].is_i64(), "{again}");
        assert_eq!(journey.orders().await.len(), orders, "nothing was opened beside it");
    }
}

#[tokio::test]
async fn a_challenged_card_is_held_until_it_is_accepted() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    let token = journey.token().await;
    assert_offered(&journey, &token, false).await;
    journey.simulate(&link, Outcome::Challenged).await;
    journey.until_quiet().await;
    assert_unpaid(&journey, "challenged").await;
    assert!(journey.orders().await[0].wake_at.is_some());
    assert_offered(&journey, &token, true).await;
    journey.simulate(&link, Outcome::Paid).await;
    journey.until_quiet().await;
    journey.assert_paid_once("accepted").await;
    journey.simulate(&link, Outcome::Settled).await;
    journey.until_quiet().await;
    journey.assert_paid_once("and settled days later").await;
}

#[tokio::test]
async fn a_challenged_card_that_is_denied_is_not_paid_and_can_be_paid_again() {
    for is_lost in [false, true] {
        let (mut journey, link) = with_link(GatewayName::Midtrans).await;
        let token = journey.token().await;
        journey.simulate(&link, Outcome::Challenged).await;
        journey.until_quiet().await;
        journey.simulate(&link, Outcome::Denied).await;
        if is_lost {
            journey.undelivered.clear();
            assert_eq!(journey.check(&token).await, Some((200, json!({"success": true, "status": "UNPAID"}))));
        }
        journey.until_quiet().await;
        assert_unpaid(&journey, "denied").await;
        assert_offered(&journey, &token, false).await;
        let xendit = journey.link(&token, Some(GatewayName::Xendit)).await;
        journey.pay(&xendit).await;
        journey.until_quiet().await;
        journey.assert_paid_once("paid at the other gateway").await;
    }
}

#[tokio::test]
async fn a_review_that_nobody_was_told_of_is_found_before_its_link_is_replaced() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    let token = journey.token().await;
    journey.simulate(&link, Outcome::Challenged).await;
    journey.undelivered.clear();
    let (status, body) = journey.ask_link(&token, Some(GatewayName::Xendit)).await.unwrap();
    assert_eq!((status, &body["code"]), (409, &json!("payment_in_review")));
    assert_eq!(journey.world.sandbox.calls_of("xendit.create"), 0, "nobody can pay there");
    assert_offered(&journey, &token, true).await;
    journey.simulate(&link, Outcome::Paid).await;
    journey.until_quiet().await;
    journey.assert_paid_once("accepted").await;
}

#[tokio::test]
async fn a_review_of_a_link_that_was_replaced_already_closes_the_newer_one_to_customers_too() {
    let (mut journey, first) = with_link(GatewayName::Midtrans).await;
    let token = journey.token().await;
    // Midtrans does not answer while the link is replaced, so its page stays open in another tab.
    for call in ["midtrans.cancel", "midtrans.status"] {
        journey.world.sandbox.add_fault(Fault { times: 2, ..Fault::once(call, FaultKind::InternalError) }).unwrap();
    }
    journey.link(&token, Some(GatewayName::Xendit)).await;
    journey.world.sandbox.clear_faults();
    journey.simulate(&first, Outcome::Challenged).await;
    journey.until_quiet().await;
    assert_unpaid(&journey, "challenged").await;
    assert_offered(&journey, &token, true).await;
    journey.simulate(&first, Outcome::Paid).await;
    journey.until_quiet().await;
    journey.assert_paid_once("accepted").await;
}

#[tokio::test]
async fn a_denied_attempt_does_not_end_the_invoice() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.simulate(&link, Outcome::Denied).await;
    journey.until_quiet().await;
    assert_unpaid(&journey, "denied").await;
    assert_eq!(journey.link(&journey.token().await, None).await, link, "the link can still be used");
    journey.simulate(&link, Outcome::Paid).await;
    journey.until_quiet().await;
    journey.assert_paid_once("paid at the second try").await;
}

#[tokio::test]
async fn a_settlement_that_is_taken_back_takes_the_service_back_and_can_be_paid_again() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    let token = journey.token().await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.assert_paid_once("before").await;

    journey.simulate(&link, Outcome::Reversed).await;
    let reversed = journey.undelivered[0].clone();
    journey.until_quiet().await;
    check(&journey, InvoiceStatus::Unpaid, 1, 0, 0).await;
    assert_eq!(journey.ledger(EntryKind::Reversal).await, -300_000);
    assert_eq!(journey.world.profile(&journey.customer.id).await.open_renewal, Some(journey.invoice.id.clone()));
    assert_eq!(journey.events("subscription.reverted").await.len(), 1);

    let second = journey.link(&token, None).await;
    assert_ne!(second, link, "an order is never used twice");
    journey.pay(&second).await;
    journey.until_quiet().await;
    check(&journey, InvoiceStatus::Paid, 2, 0, 1).await;
    assert_eq!(journey.ledger(EntryKind::Received).await, 600_000);

    // A late copy of the reversal is about the first order, whose money is gone already; and messages say only where to
    // look.
    assert_eq!(journey.deliver(&reversed).await, Some(200));
    for kind in ["payment.reversed", "payment.settled"] {
        for event in journey.events(kind).await {
            journey.redeliver(&event);
        }
    }
    journey.until_quiet().await;
    check(&journey, InvoiceStatus::Paid, 2, 0, 1).await;
    assert_eq!(journey.events("subscription.extended").await.len(), 2);
}

#[tokio::test]
async fn a_reversal_before_the_payment_was_applied_leaves_no_grant() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    let paid = journey.undelivered.pop_front().expect("a notification");
    assert_eq!(journey.deliver(&paid).await, Some(200));
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    check(&journey, InvoiceStatus::Unpaid, 1, 0, 0).await;
}

#[tokio::test]
async fn a_full_refund_cancels_the_invoice_and_takes_the_service_back() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    // Midtrans notifies twice of a refund.
    journey.simulate(&link, Outcome::Refunded).await;
    assert_eq!(journey.undelivered.len(), 2);
    journey.until_quiet().await;
    check(&journey, InvoiceStatus::Cancelled, 1, 0, 0).await;
    assert_eq!(journey.ledger(EntryKind::Refund).await, -300_000);
    assert_eq!(journey.ask_link(&journey.token().await, None).await.unwrap().0, 404, "and it is not asked for again");
}

#[tokio::test]
async fn a_part_refund_is_for_a_person_and_revokes_nothing() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    for (part, so_far) in [(50_000, -50_000), (100_000, -150_000)] {
        journey.play(&Simulate { amount: Some(part), ..Simulate::new(&link, Outcome::Refunded) }).await;
        journey.until_quiet().await;
        check(&journey, InvoiceStatus::Paid, 1, 0, 1).await;
        assert_eq!(journey.ledger(EntryKind::Refund).await, so_far);
    }
    assert_eq!(reasons(&journey).await, ["partial_refund 100000", "partial_refund 50000"]);
    // The rest of it makes the refund full.
    journey.simulate(&link, Outcome::Refunded).await;
    journey.until_quiet().await;
    check(&journey, InvoiceStatus::Cancelled, 1, 0, 0).await;
}

#[tokio::test]
async fn a_chargeback_is_for_a_person_and_revokes_nothing() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Chargeback).await;
    journey.until_quiet().await;
    let invoice = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!((invoice.status, invoice.granted), (InvoiceStatus::Paid, Some(1)));
    assert_eq!(journey.ledger(EntryKind::Chargeback).await, -300_000);
    assert_eq!(reasons(&journey).await, ["chargeback 300000"]);
}

#[tokio::test]
async fn what_is_paid_beyond_the_amount_becomes_credit() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.play(&Simulate { amount: Some(350_000), ..Simulate::new(&link, Outcome::Paid) }).await;
        journey.until_quiet().await;
        check(&journey, InvoiceStatus::Paid, 1, 50_000, 1).await;
        assert_eq!(reasons(&journey).await, ["surplus 50000"], "{gateway}");
    }
}

#[tokio::test]
async fn what_is_paid_short_of_the_amount_is_kept_and_the_next_link_asks_for_the_rest() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        let token = journey.token().await;
        journey.play(&Simulate { amount: Some(120_000), ..Simulate::new(&link, Outcome::Paid) }).await;
        journey.until_quiet().await;
        check(&journey, InvoiceStatus::Unpaid, 0, 0, 0).await;
        assert_eq!(reasons(&journey).await, ["partial 120000"], "{gateway}");

        let (status, body) = journey.ask_link(&token, Some(gateway)).await.unwrap();
        assert_eq!(
            (status, body["invoice"]["amount"].as_i64(), body["invoice"]["amountDue"].as_i64()),
            (200, Some(300_000), Some(180_000))
        );
        assert_eq!(journey.orders().await[1].amount.get(), 180_000);
        // Paid without an amount of our own: what the gateway asks for.
        journey.pay(body["paymentLink"].as_str().unwrap()).await;
        journey.until_quiet().await;
        check(&journey, InvoiceStatus::Paid, 1, 0, 1).await;
        assert_eq!(journey.ledger(EntryKind::Received).await, 300_000);
    }
}

#[tokio::test]
async fn a_fee_that_the_gateway_takes_from_the_payer_is_not_the_customers_money() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.play(&Simulate { fee: Some(4_000), ..Simulate::new(&link, Outcome::Paid) }).await;
    assert_eq!(journey.undelivered[0].json()["gross_amount"], "304000.00");
    journey.until_quiet().await;
    journey.assert_paid_once("with a fee").await;
}

#[tokio::test]
async fn a_payment_after_the_expiry_still_counts() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        // The gateway's clock is behind ours: its page lives, while for us the order is long over.
        journey.wait(Duration::hours(25));
        if gateway == GatewayName::Midtrans {
            journey.reconcile().await;
            assert_eq!(journey.orders().await[0].status, OrderStatus::Expired);
        }
        journey.pay(&link).await;
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn a_payment_for_a_withdrawn_invoice_becomes_credit() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        let (invoice, profile) =
            (journey.world.invoice_now(&journey.invoice).await, journey.world.profile(&journey.customer.id).await);
        let withdrawal = withdraw(&invoice, &profile, Some(&journey.orders().await[0]), journey.now()).unwrap();
        journey.world.app.store.withdraw_invoice(&withdrawal, journey.now()).await.unwrap();
        journey.pay(&link).await;
        journey.until_quiet().await;
        check(&journey, InvoiceStatus::Cancelled, 0, 300_000, 0).await;
        assert_eq!(reasons(&journey).await, ["surplus 300000"], "{gateway}");
        assert_eq!(journey.events("payment.settled").await.len(), 0);
    }
}
