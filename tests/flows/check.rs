//! A customer presses the button again and again: the gateway of one invoice is asked once in ten seconds, whoever asks
//! for it where.

use crate::api::{check_payment, create_payment_link};
use billing::payment::gateway::GatewayName;
use lunas_sandbox::{Fault, FaultKind};
use serde_json::json;
use testkit::request::{answer, request};
use time::Duration;

use crate::journey::Journey;

fn asked(journey: &Journey, gateway: GatewayName) -> usize {
    let call = if gateway == GatewayName::Midtrans { "midtrans.status" } else { "xendit.get" };
    journey.world.sandbox.calls_of(call)
}

async fn with_link(gateway: GatewayName) -> (Journey, String, String) {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, Some(gateway)).await;
    (journey, token, link)
}

#[tokio::test]
async fn a_second_check_within_ten_seconds_answers_what_is_known_and_says_how_long_to_wait() {
    for gateway in GatewayName::ALL {
        let (mut journey, token, link) = with_link(gateway).await;
        assert_eq!(
            journey.check(&token).await.unwrap(),
            (200, json!({"success": true, "status": "UNPAID"})),
            "{gateway}"
        );
        journey.pay(&link).await;
        journey.undelivered.clear();
        journey.wait(Duration::seconds(4));
        let (status, body) = journey.check(&token).await.unwrap();
        let wait = body["retryAfter"].as_i64().unwrap();
        assert_eq!((status, &body["success"], &body["status"]), (200, &json!(true), &json!("UNPAID")), "{gateway}");
        assert!((1..=6).contains(&wait), "{gateway}: {wait}");
        assert_eq!(asked(&journey, gateway), 1, "{gateway}");
        // Who waits as told is answered by the gateway, and what is paid is known without asking.
        journey.wait(Duration::seconds(wait));
        for _ in 0..3 {
            assert_eq!(
                journey.check(&token).await.unwrap(),
                (200, json!({"success": true, "status": "PAID"})),
                "{gateway}"
            );
        }
        assert_eq!(asked(&journey, gateway), 2, "{gateway}");
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn what_was_booked_meanwhile_is_answered_at_once() {
    let (mut journey, token, link) = with_link(GatewayName::Xendit).await;
    journey.check(&token).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    assert_eq!(journey.check(&token).await.unwrap(), (200, json!({"success": true, "status": "PAID"})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_processes_one_asks() {
    let (journey, token, _) = with_link(GatewayName::Midtrans).await;
    let path = format!("/api/customer/invoices/{}/check", journey.invoice.id);
    for round in 1..=2 {
        let tasks: Vec<_> = (0..12)
            .map(|_| {
                let (process, asked) = (journey.world.another_process(), request("POST", &path, Some(&token), None));
                tokio::spawn(async move { answer(&check_payment::handle(&process, asked).await) })
            })
            .collect();
        let mut waiting = 0;
        for task in tasks {
            let (status, body) = task.await.unwrap();
            assert_eq!((status, &body["status"]), (200, &json!("UNPAID")));
            waiting += usize::from(body["retryAfter"].is_i64());
        }
        assert_eq!((waiting, asked(&journey, GatewayName::Midtrans)), (11, round));
        journey.wait(Duration::seconds(10));
    }
}

#[tokio::test]
async fn nobody_else_uses_up_the_check_of_a_customer() {
    let (journey, token, _) = with_link(GatewayName::Xendit).await;
    let other = journey.world.customer("siti", "081111111111").await;
    let others = journey.world.token(&other).await;
    for stranger in [others.as_str(), "nonsense"] {
        assert!(matches!(journey.check(stranger).await.unwrap().0, 401 | 404));
    }
    assert_eq!(journey.check(&token).await.unwrap().1.get("retryAfter"), None, "the gateway was asked");
    assert_eq!(asked(&journey, GatewayName::Xendit), 1);
    // Another bill of the same customer has a check of its own.
    let second = journey.world.invoice(&journey.customer).await;
    let path = format!("/api/customer/invoices/payment?invoiceId={}", second.id);
    let linked = create_payment_link::handle(&journey.world.app, request("GET", &path, Some(&token), None)).await;
    assert_eq!(linked.status().as_u16(), 200);
    let path = format!("/api/customer/invoices/{}/check", second.id);
    let checked = check_payment::handle(&journey.world.app, request("POST", &path, Some(&token), None)).await;
    assert_eq!(answer(&checked), (200, json!({"success": true, "status": "UNPAID"})));
}

#[tokio::test]
async fn a_gateway_in_trouble_is_not_asked_all_the_more() {
    let (journey, token, _) = with_link(GatewayName::Xendit).await;
    journey.world.sandbox.add_fault(Fault::once("xendit.get", FaultKind::InternalError)).unwrap();
    let (status, body) = journey.check(&token).await.unwrap();
    assert_eq!((status, &body["code"], &body["retryAfter"]), (503, &json!("busy"), &json!(10)));
    assert_eq!(journey.check(&token).await.unwrap().0, 200, "what is known");
    assert_eq!(asked(&journey, GatewayName::Xendit), 1);
    journey.wait(Duration::seconds(10));
    assert_eq!(journey.check(&token).await.unwrap(), (200, json!({"success": true, "status": "UNPAID"})));
}
