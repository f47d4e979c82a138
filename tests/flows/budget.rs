//! Round trips. DynamoDB steps one after another and calls to partners are what a request waits for, so their number is
//! fixed for every path, and does not grow with what a customer has.

use crate::api::{
    check_payment, create_payment_link, customer_account, device_status, receive_webhook, request_upgrade,
};
use aws_sdk_dynamodb::types::AttributeValue;
use billing::payment::gateway::GatewayName;
use lunas_sandbox::Outcome;
use testkit::request::{delivery, from_browser, request};
use testkit::table::items;

use crate::journey::{Journey, account_of};
use crate::pay_page;

/// Invoices and grants that a customer of many years could have.
const MANY: usize = 300;
/// Items that one decision may hold.
const ITEMS_PER_TRANSACTION: usize = 12;

/// The cost of one request.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    /// Calls to DynamoDB one after another.
    dynamodb_steps: usize,
    partner_calls: usize,
    /// Calls one after another, whomever they go to: what the caller waits for.
    waits: usize,
}

fn cost(dynamodb_steps: usize, partner_calls: usize, waits: usize) -> Cost {
    Cost { dynamodb_steps, partner_calls, waits }
}

/// Measures what a handler costs. Secrets are cached by now, as they are in a process that lives.
async fn measure<T>(journey: &Journey, run: impl Future<Output = T>) -> (Cost, T) {
    journey.world.tap.forget();
    let done = run.await;
    let calls = journey.world.tap.calls();
    assert!(calls.iter().all(|call| call.service != "secretsmanager" && call.service != "events"), "{calls:?}");
    for call in &calls {
        assert_ne!(call.operation, "Scan", "nothing scans");
        assert!(call.operation != "TransactWriteItems" || call.actions.len() <= ITEMS_PER_TRANSACTION, "{call:?}");
    }
    (cost(journey.world.tap.steps(), journey.world.tap.partner_calls(), journey.world.tap.waits()), done)
}

/// An installation whose lines are slow enough that calls made at the same time are seen to be. The customer has
/// `copies` paid invoices and revoked grants more, of years ago.
async fn start(copies: usize) -> Journey {
    let journey = Journey::start().await;
    payments::connect::active_gateways(&journey.world.app).await;
    let direct = &journey.world.aws.direct;
    let partition = format!("CUSTOMER#{}", journey.customer.id);
    for prefix in ["INVOICE#", "GRANT#"] {
        let found = items(direct, prefix).await;
        let template = found.iter().find(|item| item["PK"] == AttributeValue::S(partition.clone())).expect("one");
        for n in 0..copies {
            let mut item = template.clone();
            let id = format!("0{n:05}");
            item.insert("SK".to_owned(), AttributeValue::S(format!("{prefix}{id}")));
            item.insert("revoked".to_owned(), AttributeValue::Bool(true));
            if prefix == "INVOICE#" {
                item.insert("id".to_owned(), AttributeValue::S(id));
                item.insert("status".to_owned(), AttributeValue::S("CANCELLED".to_owned()));
            }
            direct.put_item().table_name(testkit::table::NAME).set_item(Some(item)).send().await.unwrap();
        }
    }
    journey.world.tap.slow_down(std::time::Duration::from_millis(15));
    journey
}

#[tokio::test]
async fn a_link_costs_three_steps_and_one_call_and_the_stored_one_a_single_step() {
    for gateway in GatewayName::ALL {
        for copies in [0, MANY] {
            let journey = start(copies).await;
            let token = journey.token().await;
            let (new, answer) = measure(&journey, journey.ask_link(&token, Some(gateway))).await;
            assert_eq!((answer.unwrap().0, new), (200, cost(3, 1, 4)), "{gateway} {copies}: new");
            let (stored, answer) = measure(&journey, journey.ask_link(&token, Some(gateway))).await;
            assert_eq!((answer.unwrap().0, stored), (200, cost(1, 0, 1)), "{gateway} {copies}: stored");
            let (not_mine, answer) = measure(&journey, journey.ask_link("nonsense", Some(gateway))).await;
            assert_eq!((answer.unwrap().0, not_mine), (401, cost(0, 0, 0)), "{gateway} {copies}: no token");
        }
    }
}

#[tokio::test]
async fn replacing_a_link_costs_one_or_two_calls_more() {
    for (first, other) in [(GatewayName::Midtrans, GatewayName::Xendit), (GatewayName::Xendit, GatewayName::Midtrans)] {
        let mut journey = start(0).await;
        let token = journey.token().await;
        let link = journey.link(&token, Some(first)).await;
        let (replaced, answer) = measure(&journey, journey.ask_link(&token, Some(other))).await;
        // One step more to read the old order, which is marked before its gateway is asked to cancel it.
        assert_eq!((answer.unwrap().0, replaced), (200, cost(4, 2, 6)), "{first}");
        if first == GatewayName::Xendit {
            // The customer has begun to pay at Midtrans: its page cannot be closed, so the payment is expired.
            let second = journey.world.invoice_now(&journey.invoice).await.link.unwrap().url;
            assert_ne!(second, link);
            journey.simulate(&second, Outcome::Pending).await;
            let (replaced, answer) = measure(&journey, journey.ask_link(&token, Some(first))).await;
            assert_eq!((answer.unwrap().0, replaced), (200, cost(4, 3, 7)), "begun");
        }
    }
}

#[tokio::test]
async fn a_webhook_costs_two_steps_and_one_call_and_its_copy_a_single_step() {
    for gateway in GatewayName::ALL {
        for copies in [0, MANY] {
            let mut journey = start(copies).await;
            let link = journey.link(&journey.token().await, Some(gateway)).await;
            journey.pay(&link).await;
            let paid = journey.undelivered.pop_front().expect("a notification");
            let (first, status) = measure(&journey, receive_webhook::handle(&journey.world.app, delivery(&paid))).await;
            assert_eq!((status.status().as_u16(), first), (200, cost(2, 1, 2)), "{gateway} {copies}");
            let largest = journey.world.tap.calls().iter().map(|call| call.actions.len()).max();
            assert_eq!(largest, Some(4), "order, invoice, event and ledger");
            let (copy, status) = measure(&journey, receive_webhook::handle(&journey.world.app, delivery(&paid))).await;
            // After its booking the order carries no copy of the invoice any more.
            assert!(
                status.status() == 200 && copy.partner_calls == 1 && copy.dynamodb_steps <= 2,
                "{gateway} {copies}: {copy:?}"
            );
        }
    }
}

#[tokio::test]
async fn applying_a_payment_costs_two_steps_and_taking_it_back_three() {
    for copies in [0, MANY] {
        let mut journey = start(copies).await;
        let link = journey.link(&journey.token().await, Some(GatewayName::Midtrans)).await;
        for (outcome, steps) in [(Outcome::Paid, 2), (Outcome::Reversed, 3)] {
            journey.simulate(&link, outcome).await;
            let notification = journey.undelivered.pop_front().expect("a notification");
            assert_eq!(journey.deliver(&notification).await, Some(200));
            let batch = serde_json::from_value(apply_batch(&journey)).unwrap();
            let (applied, report) = measure(&journey, apply_payment::handle(&journey.apply, batch)).await;
            assert_eq!(
                (report.batch_item_failures.len(), applied),
                (0, cost(steps, 0, steps)),
                "{copies}: {outcome:?}"
            );
        }
        let batch = serde_json::from_value(apply_batch(&journey)).unwrap();
        assert_eq!(
            measure(&journey, apply_payment::handle(&journey.apply, batch)).await.0,
            cost(1, 0, 1),
            "{copies}: nothing to do"
        );
    }
}

fn apply_batch(journey: &Journey) -> serde_json::Value {
    let detail = serde_json::json!({
        "id": "e", "at": "2026-11-23T03:00:00Z", "kind": "payment.settled", "customerId": journey.customer.id,
        "invoiceId": journey.invoice.id, "settlementNo": 1, "amount": 300_000,
    });
    serde_json::json!({"Records": [{"messageId": "m", "body": serde_json::json!({"detail": detail}).to_string()}]})
}

#[tokio::test]
async fn account_and_invoices_cost_a_single_step_and_payments_two() {
    for copies in [0, MANY] {
        let mut journey = start(copies).await;
        let token = journey.token().await;
        let link = journey.link(&token, None).await;
        journey.pay(&link).await;
        journey.until_quiet().await;
        let account = account_of(&journey.world.app);
        for (path, steps) in [("me", 1), ("invoices", 1), ("invoices?limit=50", 1), ("payments", 2)] {
            let asked = request("GET", &format!("/api/customer/{path}"), Some(&token), None);
            let (measured, response) = measure(&journey, customer_account::handle(&account, asked)).await;
            assert_eq!((response.status().as_u16(), measured), (200, cost(steps, 0, steps)), "{path} with {copies}");
        }
    }
}

#[tokio::test]
async fn a_page_of_the_portal_costs_a_single_step_and_the_history_two() {
    for copies in [0, MANY] {
        let mut journey = start(copies).await;
        let token = journey.token().await;
        let link = journey.link(&token, None).await;
        journey.pay(&link).await;
        journey.until_quiet().await;
        let cookie = format!("__Host-session={token}");
        let finish = format!("/finish/{}", journey.invoice.id);
        let pages = [
            ("", 1),
            ("/invoices", 1),
            ("/history", 2),
            ("/wifi?tab=status", 1),
            ("/wifi?tab=upgrade", 1),
            ("/finish", 1),
            (&finish, 1),
        ];
        for (page, steps) in pages {
            let asked = from_browser("GET", &format!("/customer{page}"), &[], &[&cookie], None);
            let (measured, response) = measure(&journey, customer_portal::handle(&journey.world.app, asked)).await;
            assert_eq!((response.status().as_u16(), measured), (200, cost(steps, 0, steps)), "{page} with {copies}");
        }
    }
}

#[tokio::test]
async fn the_public_page_of_a_bill_costs_two_steps_and_its_receipt_three() {
    for copies in [0, MANY] {
        let mut journey = start(copies).await;
        let token = pay_page::link_of(&journey, &journey.invoice).await;
        let look = async |journey: &Journey| {
            let asked = from_browser("GET", &token.page(None), &[], &[], None);
            let (measured, response) = measure(journey, customer_portal::handle(&journey.world.app, asked)).await;
            (response.status().as_u16(), measured)
        };
        let ask = async |journey: &Journey, what: &str| {
            let asked = request("POST", &format!("/api/pay/{}/{what}", token.as_str()), None, None);
            let app = &journey.world.app;
            let (measured, response) = match what {
                "link" => measure(journey, create_payment_link::handle(app, asked)).await,
                _ => measure(journey, check_payment::handle(app, asked)).await,
            };
            (response.status().as_u16(), measured)
        };
        assert_eq!(look(&journey).await, (200, cost(2, 0, 2)), "{copies}");
        // One step more than for the customer: the token says which bill it is.
        assert_eq!(ask(&journey, "link").await, (200, cost(4, 1, 5)), "{copies}: new");
        assert_eq!(ask(&journey, "link").await, (200, cost(2, 0, 2)), "{copies}: stored");
        let link = journey.world.invoice_now(&journey.invoice).await.link.unwrap().url;
        journey.pay(&link).await;
        assert_eq!(ask(&journey, "check").await, (200, cost(4, 1, 5)), "{copies}");
        assert_eq!(ask(&journey, "check").await, (200, cost(2, 0, 2)), "{copies}: paid");
        journey.until_quiet().await;
        assert_eq!(look(&journey).await, (200, cost(3, 0, 3)), "{copies}: receipt");
        let nothing = from_browser("GET", "/p/AAAAAAAAAAAAAAAAAAAAAAAA", &[], &[], None);
        assert_eq!(
            measure(&journey, customer_portal::handle(&journey.world.app, nothing)).await.0,
            cost(1, 0, 1),
            "{copies}"
        );
    }
}

#[tokio::test]
async fn a_modem_costs_a_step_before_one_question_and_a_step_after_and_its_copy_a_single_step() {
    for copies in [0, MANY] {
        let journey = start(copies).await;
        let customer =
            journey.world.customer_with_device("budi@lunas", "081200000001", None, Some("4857544300000001")).await;
        let token = journey.world.token(&customer).await;
        let process = ::device_status::DeviceStatus::new(journey.world.app.clone());
        journey.world.app.secrets.rows("genieacs").await.unwrap();
        let ask =
            |method: &str, path: &str| request(method, &format!("/api/customer/device{path}"), Some(&token), None);
        for (asked, answered, expected, what) in [
            (ask("GET", ""), 200, cost(2, 2, 4), "searched, then read"),
            (ask("GET", ""), 200, cost(1, 0, 1), "remembered"),
            (ask("POST", "/refresh"), 200, cost(2, 2, 4), "an equal task looked for, then one queued"),
            (ask("POST", "/refresh"), 429, cost(1, 0, 1), "too soon"),
            (ask("GET", ""), 200, cost(2, 1, 3), "known"),
        ] {
            let (measured, response) = measure(&journey, device_status::handle(&process, asked)).await;
            assert_eq!((response.status().as_u16(), measured), (answered, expected), "{what} with {copies}");
        }
        let nobody = request("GET", "/api/customer/device", Some("nonsense"), None);
        assert_eq!(measure(&journey, device_status::handle(&process, nobody)).await.0, cost(0, 0, 0));
    }
}

#[tokio::test]
async fn checking_costs_three_steps_and_one_call_and_none_when_it_is_paid_or_was_asked_a_moment_ago() {
    for gateway in GatewayName::ALL {
        let mut journey = start(0).await;
        let token = journey.token().await;
        let link = journey.link(&token, Some(gateway)).await;
        // The claim is made beside the order's read. Xendit names its payment before it is paid, and that is noted.
        let unpaid = if gateway == GatewayName::Xendit { cost(3, 1, 4) } else { cost(2, 1, 3) };
        assert_eq!(measure(&journey, journey.check(&token)).await.0, unpaid, "{gateway}: not paid");
        assert_eq!(measure(&journey, journey.check(&token)).await.0, cost(2, 0, 2), "{gateway}: again");
        journey.pay(&link).await;
        journey.wait(time::Duration::seconds(10));
        assert_eq!(measure(&journey, journey.check(&token)).await.0, cost(3, 1, 4), "{gateway}");
        assert_eq!(measure(&journey, journey.check(&token)).await.0, cost(1, 0, 1), "{gateway}: paid");
    }
}

async fn choose(
    journey: &Journey,
    token: &str,
    package: &str,
    amount: i64,
) -> lambda_http::Response<lambda_http::Body> {
    let body = serde_json::json!({"packageId": package, "expectedAmount": amount});
    request_upgrade::handle(&journey.world.app, request("POST", "/api/customer/upgrade", Some(token), Some(&body)))
        .await
}

#[tokio::test]
async fn packages_and_preview_cost_a_single_step_and_a_choice_five_with_its_link() {
    for copies in [0, MANY] {
        let journey = start(copies).await;
        for (id, price) in [("home10", 150_000), ("home50", 500_000), ("gratis", 0)] {
            journey.world.offer(id, price).await;
        }
        let token = journey.token().await;
        for path in ["packages", "upgrade?packageId=home50"] {
            let asked = request("GET", &format!("/api/customer/{path}"), Some(&token), None);
            let (measured, response) = measure(&journey, request_upgrade::handle(&journey.world.app, asked)).await;
            assert_eq!((response.status().as_u16(), measured), (200, cost(1, 0, 1)), "{path} with {copies}");
        }
        // Who is calling beside the packages, the number, the invoice, the order, the link.
        let (new, response) = measure(&journey, choose(&journey, &token, "home50", 500_000)).await;
        assert_eq!((response.status().as_u16(), new), (200, cost(5, 1, 6)), "{copies}: new");
        let (again, _) = measure(&journey, choose(&journey, &token, "home50", 500_000)).await;
        assert_eq!(again, cost(2, 0, 2), "{copies}: again");
        // Two more to read what is replaced; its gateway is not called.
        let (other, _) = measure(&journey, choose(&journey, &token, "home10", 150_000)).await;
        assert_eq!(other, cost(7, 1, 8), "{copies}: another");
        // Reading what is replaced, the renewal and its order; opening, and applying at once.
        journey.link(&token, None).await;
        let (free, response) = measure(&journey, choose(&journey, &token, "gratis", 0)).await;
        assert_eq!((response.status().as_u16(), free), (200, cost(9, 0, 9)), "{copies}: at once");
    }
}

#[tokio::test]
async fn applying_a_change_of_package_costs_two_steps_and_two_more_to_cancel_the_renewal() {
    for (copies, with_renewal) in [(0, true), (MANY, true), (0, false)] {
        let mut journey = start(copies).await;
        journey.world.offer("home50", 500_000).await;
        let token = journey.token().await;
        if with_renewal {
            journey.link(&token, None).await;
        } else {
            let profile = journey.world.profile(&journey.customer.id).await;
            let withdrawal =
                billing::payment::withdrawal::withdraw(&journey.invoice, &profile, None, journey.now()).unwrap();
            journey.world.app.store.withdraw_invoice(&withdrawal, journey.now()).await.unwrap();
        }
        let (_, made) = testkit::request::answer(&choose(&journey, &token, "home50", 500_000).await);
        journey.pay(made["paymentLink"].as_str().unwrap()).await;
        let notification = journey.undelivered.pop_front().expect("a notification");
        assert_eq!(journey.deliver(&notification).await, Some(200));
        let event = journey.events("payment.settled").await.remove(0);
        let steps = if with_renewal { 4 } else { 2 };
        let (applied, report) =
            measure(&journey, apply_payment::handle(&journey.apply, crate::journey::queue_batch(&event))).await;
        assert_eq!((report.batch_item_failures.len(), applied), (0, cost(steps, 0, steps)), "{copies}");
    }
}

#[tokio::test]
async fn telling_the_network_costs_four_steps_and_one_call_and_a_repetition_a_single_step() {
    for copies in [0, MANY] {
        let mut journey = start(copies).await;
        let receiver = format!("{}/webhook", journey.world.app.settings.partner_endpoints["network"]);
        let rows = serde_json::json!({"webhookUrl": receiver, "secret": lunas_sandbox::DEMO_NETWORK_SECRET});
        journey.world.aws.set_secret("lunas/dev/network", &rows.to_string());
        let network = notify_network::Network::new(journey.world.another_process());
        let link = journey.link(&journey.token().await, None).await;
        journey.pay(&link).await;
        journey.until_quiet().await;
        let mut detail = journey.events("subscription.extended").await.remove(0);
        let batch = |detail: &serde_json::Value| {
            let body = serde_json::json!({"detail": detail}).to_string();
            serde_json::json!({"Records": [{"messageId": "m", "body": body}]})
        };
        let event = batch(&detail);
        // Somebody who does not exist: now the secret is cached.
        detail["customerId"] = "nobody".into();
        notify_network::handle(&network, batch(&detail)).await;
        // The line, the claim, what became of it, and the line once more.
        assert_eq!(
            measure(&journey, notify_network::handle(&network, event.clone())).await.0,
            cost(4, 1, 5),
            "{copies}"
        );
        assert_eq!(
            measure(&journey, notify_network::handle(&network, event)).await.0,
            cost(1, 0, 1),
            "{copies}: again"
        );
        assert_eq!(journey.world.sandbox.network_lines().len(), 1);
    }
}
