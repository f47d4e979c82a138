//! Events: nothing is lost on the way from the table to the bus, whatever fails; and both sides keep to the schemas.

use crate::api::{
    check_payment, create_payment_link, customer_account, customer_session, receive_webhook, request_upgrade,
};
use std::{collections::BTreeSet, fs, path::PathBuf};

use billing::payment::gateway::GatewayName;
use billing::payment::invoice::InvoiceStatus;
use billing::telling::event::Envelope;
use cloud::queue::Batch;
use lunas_sandbox::{Outcome, Simulate};
use serde_json::{Value, json};
use testkit::request::{answer, delivery, request};
use testkit::table::items;
use time::Duration;

use crate::journey::{Item, Journey, PHONE, account_of, queue_batch, queue_trigger, stream_batch, text};

/// All a batch of the stream holds, and a little more than one call of the bus takes.
const EVENTS: usize = 12;

/// A journey with events in the outbox that nobody relayed.
async fn with_events(events: usize) -> Journey {
    let journey = Journey::start().await;
    for _ in 0..events {
        journey.world.invoice(&journey.customer).await;
    }
    journey
}

/// What stands in the outbox to be relayed.
async fn due(journey: &Journey) -> Vec<Item> {
    items(&journey.world.aws.direct, "EVENT").await.into_iter().filter(|event| event.contains_key("wake_key")).collect()
}

async fn stream(journey: &Journey) {
    relay_events::handle(&journey.relay, stream_batch(&due(journey).await)).await;
}

/// The details on the bus, in one order.
fn details(entries: &[Value]) -> Vec<String> {
    let mut details: Vec<_> = entries.iter().map(|entry| entry["Detail"].as_str().unwrap().to_owned()).collect();
    details.sort();
    details
}

fn stored_details(events: &[Item]) -> Vec<String> {
    let mut details: Vec<_> = events.iter().map(|event| text(event, "detail")).collect();
    details.sort();
    details
}

fn words(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn an_event_is_on_the_bus_word_for_word() {
    let journey = with_events(EVENTS).await;
    let stored = due(&journey).await;
    stream(&journey).await;
    let entries = journey.world.aws.take_bus();
    assert_eq!(details(&entries), stored_details(&stored));
    for entry in entries {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        let expected = json!({"Source": "lunas", "DetailType": detail["kind"], "Detail": entry["Detail"], "EventBusName": "lunas-test"});
        assert_eq!(entry, expected);
    }
    assert_eq!(due(&journey).await.len(), 0);
}

#[tokio::test]
async fn entries_that_failed_inside_a_200_are_sent_again_and_only_those() {
    for failing in [1, 3, EVENTS] {
        let journey = with_events(EVENTS).await;
        let stored = due(&journey).await;
        journey.world.aws.fail_entries(failing);
        stream(&journey).await;
        assert_eq!(details(&journey.world.aws.take_bus()), stored_details(&stored), "{failing} failed");
        assert_eq!(due(&journey).await.len(), 0);
    }
}

#[tokio::test]
async fn what_the_bus_did_not_take_is_sent_by_the_sweep_a_minute_later() {
    let journey = with_events(3).await;
    let stored = due(&journey).await;
    for down in [true, false] {
        journey.world.aws.stop_bus(down);
        journey.world.aws.fail_entries(if down { 0 } else { 9 });
        stream(&journey).await;
        assert_eq!((journey.world.aws.take_bus().len(), due(&journey).await.len()), (0, 3), "bus down: {down}");
    }
    journey.sweep().await;
    assert_eq!(journey.world.aws.take_bus().len(), 0, "the stream has a minute");
    journey.wait(Duration::seconds(61));
    journey.sweep().await;
    assert_eq!(details(&journey.world.aws.take_bus()), stored_details(&stored));
    journey.sweep().await;
    assert_eq!((journey.world.aws.take_bus().len(), due(&journey).await.len()), (0, 0));
}

#[tokio::test]
async fn an_index_that_lags_delays_events_and_loses_none() {
    let journey = with_events(3).await;
    let stored = due(&journey).await;
    journey.wait(Duration::minutes(2));
    journey.world.aws.hide_index(true);
    journey.sweep().await;
    assert_eq!((journey.world.aws.take_bus().len(), due(&journey).await.len()), (0, 3));
    journey.world.aws.hide_index(false);
    journey.sweep().await;
    assert_eq!(details(&journey.world.aws.take_bus()), stored_details(&stored));
}

#[tokio::test]
async fn a_stale_index_row_does_not_send_an_event_twice() {
    let journey = with_events(3).await;
    journey.wait(Duration::minutes(2));
    journey.world.aws.stop_bus(true);
    journey.sweep().await;
    journey.world.aws.stop_bus(false);
    journey.world.aws.freeze_index(true);
    journey.sweep().await;
    assert_eq!(journey.world.aws.take_bus().len(), 3);
    journey.sweep().await;
    assert_eq!(journey.world.aws.take_bus().len(), 0, "the rows still say due, the events do not");
}

#[tokio::test]
async fn an_unreadable_outbox_waits_for_the_next_minute() {
    let journey = with_events(3).await;
    journey.wait(Duration::minutes(2));
    journey.world.aws.leave_unprocessed(100);
    journey.sweep().await;
    assert_eq!((journey.world.aws.take_bus().len(), due(&journey).await.len()), (0, 3));
    journey.world.aws.leave_unprocessed(2);
    journey.sweep().await;
    assert_eq!((journey.world.aws.take_bus().len(), due(&journey).await.len()), (3, 0));
}

/// Every request that writes, each in turn, with its answer; the customer then pays. What is injected is set before
/// each.
async fn every_writing_request(inject: impl Fn(&Journey)) -> Vec<(&'static str, (u16, Value))> {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let mut seen = Vec::new();
    inject(&journey);
    let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
    seen.push(("otp", answer(&customer_session::handle(&journey.login, asked).await)));
    journey.world.aws.conflict(0);
    journey.until_quiet().await;
    let inbox = journey.world.sandbox.inbox("6281234567890");
    if let Some(message) = inbox.last() {
        let body = json!({"phone": PHONE, "code": message.text[11..17]});
        inject(&journey);
        let asked = request("POST", "/api/customer/login", None, Some(&body));
        seen.push(("login", answer(&customer_session::handle(&journey.login, asked).await)));
    }
    inject(&journey);
    seen.push(("link", journey.ask_link(&token, None).await.unwrap()));
    journey.world.aws.conflict(0);
    journey.wait(Duration::seconds(21));
    let link = journey.link(&token, None).await;
    journey.pay(&link).await;
    let notification = journey.undelivered.pop_front().unwrap();
    inject(&journey);
    seen.push(("webhook", answer(&receive_webhook::handle(&journey.world.app, delivery(&notification)).await)));
    inject(&journey);
    seen.push(("check", journey.check(&token).await.unwrap()));
    journey.world.aws.conflict(0);
    journey.deliver(&notification).await;
    inject(&journey);
    let settled = journey.events("payment.settled").await;
    apply_payment::handle(&journey.apply, queue_batch(&settled[0])).await;
    journey.world.aws.conflict(0);
    journey.until_quiet().await;
    journey.assert_paid_once("after all").await;
    seen
}

#[tokio::test]
async fn a_transaction_that_meets_another_one_is_tried_again() {
    for (request, answer) in every_writing_request(|journey| journey.world.aws.conflict(2)).await {
        assert_eq!(answer.0, 200, "{request}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_transaction_that_always_meets_another_one_is_told_as_busy_and_never_as_missing() {
    let seen = every_writing_request(|journey| journey.world.aws.conflict(1_000)).await;
    assert_eq!(seen.len(), 4, "no code arrived, so nobody logged in");
    for (request, answer) in seen {
        assert!(matches!(words(&answer), (503, "busy" | "not_confirmed")), "{request}: {answer:?}");
    }
}

#[tokio::test]
async fn unprocessed_keys_are_asked_for_again_and_never_taken_for_missing() {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, None).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.world.invoice(&journey.customer).await;
    let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
    customer_session::handle(&journey.login, asked).await;
    journey.until_quiet().await;
    let code = journey.world.sandbox.inbox("6281234567890")[0].text[11..17].to_owned();
    let settled = journey.events("payment.settled").await.remove(0);

    let p = &journey.world.app;
    let account = account_of(p);
    let newest = journey.world.profile(&journey.customer.id).await.open_renewal.unwrap();
    for (batches, expected) in [(100, (503, "busy")), (3, (200, ""))] {
        for path in ["me", "invoices", "payments"] {
            journey.world.aws.leave_unprocessed(batches);
            let asked = request("GET", &format!("/api/customer/{path}"), Some(&token), None);
            assert_eq!(
                words(&answer(&customer_account::handle(&account, asked).await)),
                expected,
                "{path}, {batches} times"
            );
        }
        journey.world.aws.leave_unprocessed(batches);
        let asked = request("GET", &format!("/api/customer/invoices/payment?invoiceId={newest}"), Some(&token), None);
        assert_eq!(words(&answer(&create_payment_link::handle(p, asked).await)), expected, "link, {batches} times");
        journey.world.aws.leave_unprocessed(batches);
        let asked = request("POST", &format!("/api/customer/invoices/{newest}/check"), Some(&token), None);
        assert_eq!(words(&answer(&check_payment::handle(p, asked).await)), expected, "check, {batches} times");
        journey.world.aws.leave_unprocessed(batches);
        let asked = request("POST", "/api/customer/login", None, Some(&json!({"phone": PHONE, "code": code})));
        assert_eq!(
            words(&answer(&customer_session::handle(&journey.login, asked).await)),
            expected,
            "login, {batches} times"
        );
        journey.world.aws.leave_unprocessed(batches);
        let report = apply_payment::handle(&journey.apply, queue_batch(&settled)).await;
        assert_eq!(report.batch_item_failures.is_empty(), batches == 3, "apply, {batches} times");
    }
}

fn events_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../infra/events")
}

fn read(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(events_folder().join(file)).unwrap()).unwrap()
}

/// The kinds that have an example.
fn kinds() -> BTreeSet<String> {
    let files = fs::read_dir(events_folder().join("examples"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    files.map(|name| name.strip_suffix(".json").unwrap().to_owned()).collect()
}

/// A payment of too much and its reversal, weeks in which nobody pays, then a change of package: every kind of event.
async fn every_kind_of_event() -> Journey {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
    customer_session::handle(&journey.login, asked).await;
    let link = journey.link(&token, Some(GatewayName::Midtrans)).await;
    journey
        .world
        .sandbox
        .simulate(&Simulate { amount: Some(350_000), ..Simulate::new(&link, Outcome::Paid) })
        .await
        .unwrap();
    journey.undelivered.extend(journey.world.notifications.take());
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    // Nobody pays: three days before it is due, on the day, and after it; and the service is over.
    for days in [5, 3, 30] {
        journey.wait(Duration::days(days));
        journey.run_billing().await;
        journey.until_quiet().await;
    }
    let token = journey.token().await;
    journey.world.offer("gratis", 0).await;
    let free = json!({"packageId": "gratis", "expectedAmount": 0});
    let asked = request("POST", "/api/customer/upgrade", Some(&token), Some(&free));
    assert_eq!(request_upgrade::handle(&journey.world.app, asked).await.status(), 200);
    journey.until_quiet().await;
    journey
}

#[tokio::test]
async fn every_event_keeps_to_its_schema_where_it_is_made_and_is_understood_where_it_arrives() {
    let journey = every_kind_of_event().await;
    let stored = items(&journey.world.aws.direct, "EVENT").await;
    let mut seen = BTreeSet::new();
    for event in &stored {
        let kind = text(event, "kind");
        let detail: Value = serde_json::from_str(&text(event, "detail")).unwrap();
        let validator =
            jsonschema::options().should_validate_formats(true).build(&read(&format!("{kind}.schema.json"))).unwrap();
        let errors: Vec<_> = validator.iter_errors(&detail).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{detail}: {errors:?}");
        assert_eq!((&detail["id"], &detail["kind"]), (&json!(text(event, "id")), &json!(kind)));
        seen.insert(kind);
    }
    assert_eq!(seen, kinds());
    assert_eq!(details(&journey.on_bus), stored_details(&stored));
    for entry in &journey.on_bus {
        let envelope: Envelope = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(envelope.event.kind(), entry["DetailType"]);
    }
}

/// The example of a kind, about the customer and the invoice of the journey.
fn example(journey: &Journey, kind: &str) -> Value {
    let mut detail = read(&format!("examples/{kind}.json"));
    for (name, value) in [("customerId", json!(journey.customer.id)), ("invoiceId", json!(journey.invoice.id))] {
        if detail.get(name).is_some() {
            detail[name] = value;
        }
    }
    detail
}

#[tokio::test]
async fn consumers_bear_every_event_and_fields_that_they_do_not_know() {
    let mut journey = Journey::start().await;
    let link = journey.link(&journey.token().await, None).await;
    journey.pay(&link).await;
    let notification = journey.undelivered.pop_front().unwrap();
    journey.deliver(&notification).await;
    for kind in kinds() {
        let mut newer = example(&journey, &kind);
        newer["channel"] = json!({"name": "added later", "parts": [1, null]});
        for detail in [example(&journey, &kind), newer] {
            // As EventBridge wraps it for a queue.
            let body = json!({
                "version": "0", "id": "6a7e8feb", "detail-type": kind, "source": "lunas", "account": "1", "time": "2026-11-23T03:00:00Z",
                "region": "ap-southeast-3", "resources": [], "detail": detail,
            });
            let trigger = || {
                let message = json!({
                    "messageId": "m", "receiptHandle": "r", "body": body.to_string(), "attributes": {"ApproximateReceiveCount": "1"},
                    "messageAttributes": {}, "md5OfBody": "x", "eventSource": "aws:sqs", "eventSourceARN": "arn", "awsRegion": "r",
                });
                json!({"Records": [message]})
            };
            let batch: Batch = serde_json::from_value(trigger()).unwrap();
            assert!(
                apply_payment::handle(&journey.apply, batch).await.batch_item_failures.is_empty(),
                "apply: {detail}"
            );
            assert!(
                notify_customer::handle(&journey.notify, trigger()).await.unwrap().batch_item_failures.is_empty(),
                "notify: {detail}"
            );
        }
    }
    journey.until_quiet().await;
    journey.assert_paid_once("the examples named the paid invoice").await;
    assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Paid);
}

#[tokio::test]
async fn what_is_no_event_of_ours_ends_where_a_person_looks() {
    let journey = Journey::start().await;
    let mut unknown_kind = example(&journey, "payment.settled");
    unknown_kind["kind"] = json!("payment.invented");
    let mut incomplete = example(&journey, "payment.settled");
    incomplete.as_object_mut().unwrap().remove("invoiceId");
    let mut foreign = example(&journey, "payment.settled");
    foreign["customerId"] = json!("CUSTOMER#x");
    for detail in [json!(null), json!("text"), unknown_kind, incomplete, foreign] {
        assert_eq!(
            apply_payment::handle(&journey.apply, queue_batch(&detail)).await.batch_item_failures.len(),
            1,
            "apply: {detail}"
        );
        assert_eq!(
            notify_customer::handle(&journey.notify, queue_trigger(&detail)).await.unwrap().batch_item_failures.len(),
            1,
            "notify: {detail}"
        );
    }
    let nobodys = read("examples/payment.settled.json");
    assert_eq!(
        apply_payment::handle(&journey.apply, queue_batch(&nobodys)).await.batch_item_failures.len(),
        1,
        "no such invoice"
    );
}
