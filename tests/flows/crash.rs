//! Crash at every step: each call to DynamoDB, EventBridge, Secrets Manager or a gateway is broken once before and once
//! after its effect. Everything is delivered again until quiet. Then: one PAID, one live grant, one extension, no event
//! lost.

use crate::api::customer_session;
use std::collections::BTreeSet;

use billing::payment::gateway::GatewayName;
use serde_json::{Value, json};
use testkit::request::{answer, request};
use testkit::tap::{How, When};
use time::Duration;

use crate::journey::{Journey, PHONE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    Webhook,
    Check,
    Reconcile,
    Replacement,
}

/// Logs in by code, as a person does: asks again when something goes wrong.
async fn log_in(journey: &mut Journey) -> String {
    for _ in 0..6 {
        let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
        let login = journey.login.clone();
        journey.world.tap.or_crash(customer_session::handle(&login, asked)).await;
        journey.until_quiet().await;
        let inbox = journey.world.sandbox.inbox("6281234567890");
        let Some(message) = inbox.last() else {
            journey.wait(Duration::seconds(30));
            continue;
        };
        let code = message.text.split(['.', ' ']).nth(2).unwrap().to_owned();
        let body = json!({"phone": PHONE, "code": code});
        let tried = customer_session::handle(&login, request("POST", "/api/customer/login", None, Some(&body)));
        if let Some(response) = journey.world.tap.or_crash(tried).await
            && let (200, body) = answer(&response)
        {
            return body["token"].as_str().unwrap().to_owned();
        }
        journey.wait(Duration::minutes(6));
    }
    panic!("no login after six tries");
}

/// The whole way from the login to the extended service.
async fn run(journey: &mut Journey, gateway: GatewayName, via: Via) {
    let token = if via == Via::Webhook { log_in(journey).await } else { journey.token().await };
    if via == Via::Replacement {
        let other = GatewayName::ALL.into_iter().find(|other| *other != gateway).unwrap();
        journey.link(&token, Some(other)).await;
    }
    let link = journey.link(&token, Some(gateway)).await;
    journey.pay(&link).await;
    match via {
        Via::Webhook | Via::Replacement => {}
        Via::Check => {
            journey.undelivered.clear();
            while !matches!(journey.check(&token).await, Some((200, Value::Object(body))) if body["status"] == "PAID") {
                journey.wait(Duration::seconds(10));
            }
        }
        Via::Reconcile => {
            journey.undelivered.clear();
            for _ in 0..3 {
                journey.wait(Duration::minutes(6));
                journey.reconcile().await;
                journey.until_quiet().await;
            }
        }
    }
    journey.until_quiet().await;
    // What the clock does anyway must change nothing more.
    journey.wait(Duration::minutes(20));
    journey.sweep().await;
    journey.reconcile().await;
    journey.until_quiet().await;
}

async fn every_call(gateway: GatewayName, via: Via) {
    let mut journey = Journey::start().await;
    run(&mut journey, gateway, via).await;
    let calls = journey.world.tap.numbered_calls();
    journey.assert_paid_once("without a crash").await;
    let services: BTreeSet<&str> = calls.iter().map(|call| call.service.as_str()).collect();
    assert!(
        calls.len() > 10
            && services.contains("dynamodb")
            && services.contains("events")
            && services.contains(gateway.as_str())
    );

    for n in 1..=calls.len() {
        for (when, how) in [(When::Before, How::Crash), (When::After, How::Crash), (When::After, How::Error)] {
            let mut journey = Journey::start().await;
            journey.world.tap.break_call(n, when, how);
            run(&mut journey, gateway, via).await;
            let context = format!("{gateway} {via:?}: call {n} ({}) broken: {when:?} {how:?}", calls[n - 1].operation);
            assert!(journey.world.tap.broke(), "{context}: not reached");
            journey.assert_paid_once(&context).await;
        }
    }
}

#[tokio::test]
async fn paying_at_midtrans_survives_a_crash_at_every_step() {
    every_call(GatewayName::Midtrans, Via::Webhook).await;
}

#[tokio::test]
async fn paying_at_xendit_survives_a_crash_at_every_step() {
    every_call(GatewayName::Xendit, Via::Webhook).await;
}

#[tokio::test]
async fn replacing_a_link_survives_a_crash_at_every_step() {
    every_call(GatewayName::Xendit, Via::Replacement).await;
}

#[tokio::test]
async fn checking_survives_a_crash_at_every_step() {
    every_call(GatewayName::Midtrans, Via::Check).await;
}

#[tokio::test]
async fn reconciling_survives_a_crash_at_every_step() {
    every_call(GatewayName::Xendit, Via::Reconcile).await;
}
