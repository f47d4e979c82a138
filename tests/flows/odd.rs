//! Every odd payment has a defined end: where the invoice and the service stand, what the ledger holds, what others are
//! told, what the customer's history shows, and what `lunas payments review` leaves for a person. One test per row,
//! each with its end in one line.

mod gateways;
mod reversals;
mod small;

use crate::api::customer_account;
use billing::{
    money::ledger::EntryKind,
    payment::{gateway::GatewayName, invoice::InvoiceStatus, order::OrderStatus, withdrawal::withdraw},
};
use lunas_sandbox::{DEMO_XENDIT_API_KEY, Fault, FaultKind, Outcome, Simulate};
use serde_json::{Value, json};
use testkit::request::{answer, from_browser, request};
use time::Duration;

use crate::journey::{Journey, account_of};

/// An installation with an open link at a gateway.
async fn with_link(gateway: GatewayName) -> (Journey, String) {
    let journey = Journey::start().await;
    let link = journey.link(&journey.token().await, Some(gateway)).await;
    (journey, link)
}

/// Everything that came of it, in thousands of rupiah. `service +1`: extended by one month.
async fn end(journey: &mut Journey) -> String {
    journey.until_quiet().await;
    let world = &journey.world;
    let (invoice, profile) = (world.invoice_now(&journey.invoice).await, world.profile(&journey.customer.id).await);
    let status = format!("{:?}", invoice.status).to_uppercase();
    let due = invoice.amount_due().unwrap().get() / 1_000;
    let extended = if profile.entitlement.expires_at == journey.extended_once() { "+1" } else { "+0" };
    let page = world.app.store.ledger(&profile.id, None, 100).await.unwrap();
    let mut ledger: Vec<_> = page
        .entries
        .iter()
        .map(|line| format!("{} {}", word(line.entry.kind), line.entry.amount.get() / 1_000))
        .collect();
    ledger.reverse();
    let mut told = Vec::new();
    for kind in ["payment.settled", "payment.reversed", "payment.review"] {
        for event in journey.events(kind).await {
            let why = event["reason"].as_str().unwrap_or_else(|| kind.trim_start_matches("payment."));
            told.push((
                event["at"].to_string() + &event["id"].to_string(),
                format!("{why} {}", event["amount"].as_i64().unwrap() / 1_000),
            ));
        }
    }
    told.sort();
    let told: Vec<_> = told.into_iter().map(|(_, told)| told).collect();
    let history = history(journey).await;
    // Whatever a person should look at is in `lunas payments review`: all that was told but settlements.
    let mut for_a_person: Vec<_> = told.iter().filter(|told| !told.starts_with("settled")).cloned().collect();
    for_a_person.sort();
    assert_eq!(reviews(journey).await, for_a_person);
    // Whatever happened: the books agree, and nothing is left to do.
    assert_eq!(ledger_sum(&page.entries, true), profile.credit.get(), "credit is the sum of its entries");
    assert_eq!(
        ledger_sum(&page.entries, false),
        invoice.held().unwrap().get(),
        "the invoice holds the sum of its entries"
    );
    assert!(!invoice.awaits_apply(), "everything is applied");
    journey.assert_outbox_empty("").await;
    let credit = profile.credit.get() / 1_000;
    format!(
        "{status}, due {due}, credit {credit}, service {extended} | ledger: {} | told: {} | history: {}",
        ledger.join(", "),
        told.join(", "),
        history.join(", ")
    )
}

fn ledger_sum(entries: &[cloud::store::LedgerLine], credit: bool) -> i64 {
    entries
        .iter()
        .map(|line| &line.entry)
        .filter(|entry| entry.kind.moves_credit() == credit)
        .map(|entry| entry.amount.get())
        .sum()
}

fn word(kind: EntryKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

/// What `lunas payments review` lists, in alphabetical order.
async fn reviews(journey: &Journey) -> Vec<String> {
    let mut found = Vec::new();
    for day in [journey.world.app.clock.now().date(), journey.customer.created_at.date()] {
        let page = journey.world.app.store.reviews(day, false, None).await.unwrap();
        for stored in page.reviews {
            found.push((stored.id, format!("{} {}", stored.review.why.as_str(), stored.review.amount.get() / 1_000)));
        }
    }
    found.sort();
    found.dedup();
    let mut reviews: Vec<_> = found.into_iter().map(|(_, review)| review).collect();
    reviews.sort();
    reviews
}

/// What the customer is shown, oldest first: `received 300`, `received 50 credit`.
async fn history(journey: &Journey) -> Vec<String> {
    let account = account_of(&journey.world.app);
    let token = journey.token().await;
    let asked = request("GET", "/api/customer/payments?limit=50", Some(&token), None);
    let (_, body) = answer(&customer_account::handle(&account, asked).await);
    let shown = |payment: &Value| {
        let credit = if payment["credit"] == true { " credit" } else { "" };
        format!("{} {}{credit}", payment["kind"].as_str().unwrap(), payment["amount"].as_i64().unwrap() / 1_000)
    };
    let mut seen: Vec<_> = body["payments"].as_array().unwrap().iter().map(shown).collect();
    seen.reverse();
    seen
}

#[track_caller]
fn assert_end(end: &str, expected: &str) {
    assert_eq!(end, expected);
}

#[tokio::test]
async fn paid_after_expiry() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.wait(Duration::hours(25));
        journey.reconcile().await;
        journey.pay(&link).await;
        assert_end(
            &end(&mut journey).await,
            "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: settled 300 | history: received 300",
        );
    }
}

/// A link at Midtrans that was replaced by one at Xendit while Midtrans could not be told.
async fn replaced() -> (Journey, String, String) {
    let (journey, old) = with_link(GatewayName::Midtrans).await;
    journey.world.sandbox.add_fault(Fault::once("midtrans.cancel", FaultKind::InternalError)).unwrap();
    let new = journey.link(&journey.token().await, Some(GatewayName::Xendit)).await;
    assert_ne!(old, new);
    (journey, old, new)
}

#[tokio::test]
async fn paid_on_a_replaced_order() {
    let (mut journey, old, new) = replaced().await;
    journey.pay(&old).await;
    journey.undelivered.clear();
    for _ in 0..3 {
        journey.wait(Duration::minutes(6));
        journey.reconcile().await;
        journey.until_quiet().await;
    }
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 0, service +1 | ledger: received 300 | told: settled 300 | history: received 300",
    );
    journey.reconcile().await;
    assert_eq!(journey.orders().await[0].status, OrderStatus::Paid);
    assert!(
        journey.world.sandbox.simulate(&Simulate::new(&new, Outcome::Paid)).await.is_err(),
        "and the new link cannot be paid as well"
    );
}

#[tokio::test]
async fn paid_twice_at_two_gateways() {
    let (mut journey, old, new) = replaced().await;
    journey.pay(&new).await;
    journey.until_quiet().await;
    journey.pay(&old).await;
    for _ in 0..3 {
        journey.wait(Duration::minutes(6));
        journey.reconcile().await;
        journey.until_quiet().await;
    }
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 300, service +1 | ledger: received 300, surplus 300 | told: settled 300, surplus 300 | history: received 300, received 300 credit",
    );
}

#[tokio::test]
async fn paid_twice_with_two_xendit_invoices_under_one_external_id() {
    let (mut journey, link) = with_link(GatewayName::Xendit).await;
    let order = journey.orders().await.remove(0);
    // Xendit does not refuse an external id that it knows: somebody posted ours once more.
    let posted = reqwest::Client::new()
        .post(format!("{}/v2/invoices", journey.world.sandbox.urls().xendit))
        .basic_auth(DEMO_XENDIT_API_KEY, Some(""))
        .json(&json!({"external_id": order.id, "amount": 300_000}))
        .send()
        .await
        .unwrap();
    let second: Value = serde_json::from_slice(&posted.bytes().await.unwrap()).unwrap();
    journey.pay(second["invoice_url"].as_str().unwrap()).await;
    journey.pay(&link).await;
    assert_end(
        &end(&mut journey).await,
        "PAID, due 0, credit 300, service +1 | ledger: received 300, surplus 300 | told: settled 300, surplus 300 | history: received 300, received 300 credit",
    );
}

#[tokio::test]
async fn paid_on_a_cancelled_invoice() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        let (invoice, profile) =
            (journey.world.invoice_now(&journey.invoice).await, journey.world.profile(&journey.customer.id).await);
        let withdrawal = withdraw(&invoice, &profile, Some(&journey.orders().await[0]), journey.now()).unwrap();
        journey.world.app.store.withdraw_invoice(&withdrawal, journey.now()).await.unwrap();
        journey.pay(&link).await;
        assert_end(
            &end(&mut journey).await,
            "CANCELLED, due 0, credit 300, service +0 | ledger: surplus 300 | told: surplus 300 | history: received 300 credit",
        );
    }
}

#[tokio::test]
async fn paid_more() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.play(&Simulate { amount: Some(350_000), ..Simulate::new(&link, Outcome::Paid) }).await;
        assert_end(
            &end(&mut journey).await,
            "PAID, due 0, credit 50, service +1 | ledger: received 300, surplus 50 | told: settled 300, surplus 50 | history: received 300, received 50 credit",
        );
    }
}

#[tokio::test]
async fn paid_less_and_then_the_rest() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.play(&Simulate { amount: Some(120_000), ..Simulate::new(&link, Outcome::Paid) }).await;
        assert_end(
            &end(&mut journey).await,
            "UNPAID, due 180, credit 0, service +0 | ledger: received 120 | told: partial 120 | history: received 120",
        );
        let rest = journey.link(&journey.token().await, Some(gateway)).await;
        assert_eq!(journey.orders().await[1].amount.get(), 180_000, "the next link is for the rest");
        journey.pay(&rest).await;
        assert_end(
            &end(&mut journey).await,
            "PAID, due 0, credit 0, service +1 | ledger: received 120, received 180 | told: partial 120, settled 300 | history: received 120, received 180",
        );
    }
}

#[tokio::test]
async fn credit_pays_the_next_invoice_when_it_is_issued() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.play(&Simulate { amount: Some(650_000), ..Simulate::new(&link, Outcome::Paid) }).await;
    journey.until_quiet().await;
    let next = journey.world.invoice(&journey.customer).await;
    assert_eq!(
        (next.status, next.credit_applied.get(), next.amount_due().unwrap().get()),
        (InvoiceStatus::Paid, 300_000, 0)
    );
    journey.until_quiet().await;
    let profile = journey.world.profile(&journey.customer.id).await;
    assert_eq!((profile.credit.get(), journey.events("subscription.extended").await.len()), (50_000, 2));
    let part = journey.world.invoice(&journey.customer).await;
    assert_eq!((part.status, part.amount_due().unwrap().get()), (InvoiceStatus::Unpaid, 250_000));
    assert_eq!(history(&journey).await, ["received 300", "received 350 credit", "received 300", "received 50"]);
}

#[tokio::test]
async fn credit_pays_when_a_link_is_asked_for_and_what_it_covers_needs_no_gateway() {
    for (surplus, due) in [(100_000, 200), (300_000, 0)] {
        // Money on an old link of the invoice before arrives when the next one is out already, with a link of its own.
        let (mut journey, old, new) = replaced().await;
        journey.pay(&new).await;
        journey.until_quiet().await;
        journey.invoice = journey.world.invoice(&journey.customer).await;
        let token = journey.token().await;
        journey.link(&token, Some(GatewayName::Xendit)).await;
        journey.play(&Simulate { amount: Some(surplus), ..Simulate::new(&old, Outcome::Paid) }).await;
        journey.until_quiet().await;
        assert_eq!(journey.world.profile(&journey.customer.id).await.credit.get(), surplus);
        let (status, body) = journey.ask_link(&token, Some(GatewayName::Xendit)).await.unwrap();
        assert_eq!(status, 200, "{body}");
        journey.until_quiet().await;
        let invoice = journey.world.invoice_now(&journey.invoice).await;
        assert_eq!((invoice.amount_due().unwrap().get() / 1_000, invoice.credit_applied.get()), (due, surplus));
        if due > 0 {
            assert_eq!(
                (body["invoice"]["amountDue"].as_i64(), invoice.link.unwrap().amount.get()),
                (Some(200_000), 200_000)
            );
        } else {
            assert_eq!(
                (body["status"].as_str(), &body["paymentLink"], body["invoice"]["amountDue"].as_i64(), invoice.granted),
                (Some("PAID"), &Value::Null, Some(0), Some(1))
            );
            let cookie = format!("__Host-session={token}");
            let page = from_browser("GET", &format!("/customer/pay/{}", invoice.id), &[], &[&cookie], None);
            let page = customer_portal::handle(&journey.world.app, page).await;
            let html = String::from_utf8_lossy(page.body().as_ref()).into_owned();
            assert!(html.contains("data-state=\"paid\"") && html.contains("Lunas"), "{html}");
            let (again, body) = journey.ask_link(&token, None).await.unwrap();
            assert_eq!((again, body["error"].as_str()), (404, Some("Invoice tidak ditemukan atau sudah dibayar")));
            assert!(journey.orders().await[2].cancel_wanted_since.is_some(), "its link cannot be paid any more");
        }
    }
}

#[tokio::test]
async fn credit_does_not_pay_beside_a_payment_that_is_held_for_review() {
    let (mut journey, old, new) = replaced().await;
    journey.pay(&new).await;
    journey.until_quiet().await;
    journey.invoice = journey.world.invoice(&journey.customer).await;
    let token = journey.token().await;
    let link = journey.link(&token, Some(GatewayName::Midtrans)).await;
    journey.simulate(&link, Outcome::Challenged).await;
    journey.pay(&old).await;
    journey.until_quiet().await;
    assert_eq!(journey.world.profile(&journey.customer.id).await.credit.get(), 300_000);
    assert_eq!(journey.ask_link(&token, None).await.unwrap().1["code"], "payment_in_review");
    journey.simulate(&link, Outcome::Denied).await;
    journey.until_quiet().await;
    assert_eq!(journey.ask_link(&token, None).await.unwrap().1["status"], "PAID");
}
