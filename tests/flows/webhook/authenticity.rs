//! Who may give hints: signatures and tokens, keys that are missing or being replaced, and bodies that are none.

use crate::api::receive_webhook;
use billing::payment::{gateway::GatewayName, invoice::InvoiceStatus};
use cloud::app::App;
use lunas_sandbox::{DEMO_MIDTRANS_SERVER_KEY, DEMO_XENDIT_API_KEY, DEMO_XENDIT_CALLBACK_TOKEN, Outcome};
use serde_json::{Value, json};
use testkit::{notification::Notification, request::delivery, table::everything};
use time::Duration;

use super::{assert_unpaid, claimed, with_link};
use crate::journey::Journey;

async fn deliver_to(payments: &App, notification: &Notification) -> u16 {
    receive_webhook::handle(payments, delivery(notification)).await.status().as_u16()
}

/// Delivers each of `notifications`, of which the table must show nothing.
async fn check_without_effect(journey: &Journey, notifications: Vec<(&str, Notification, u16)>) {
    let before = everything(&journey.world.aws.direct).await;
    for (what, notification, status) in notifications {
        assert_eq!(journey.deliver(&notification).await, Some(status), "{what}");
        assert_eq!(everything(&journey.world.aws.direct).await, before, "{what}");
    }
}

#[tokio::test]
async fn a_forged_signature_is_refused_and_changes_nothing() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    // The money is there, so whatever is believed would be seen.
    journey.pay(&link).await;
    let genuine = journey.undelivered.pop_front().expect("a notification");
    let with = |field: &str, value: Value| {
        let mut body = genuine.json();
        body[field] = value;
        genuine.with_body(body.to_string())
    };
    let signature = genuine.json()["signature_key"].as_str().unwrap().to_owned();
    let other_order = Notification::midtrans(
        json!({"order_id": "INV-2026-000001-other", "status_code": "200", "gross_amount": "300000.00"}),
        DEMO_MIDTRANS_SERVER_KEY,
    );
    let forgeries = vec![
        ("another key", Notification::midtrans(genuine.json(), "SB-Mid-server-forged"), 401),
        ("no key at all", Notification::midtrans(genuine.json(), ""), 401),
        ("the signature of another order", with("signature_key", other_order.json()["signature_key"].clone()), 401),
        ("an empty signature", with("signature_key", json!("")), 401),
        ("half a signature", with("signature_key", json!(signature[..64])), 401),
        ("more than a signature", with("signature_key", json!(format!("{signature}0"))), 401),
        ("another amount", with("gross_amount", json!("300001.00")), 401),
        ("the amount written otherwise", with("gross_amount", json!("300000")), 401),
        ("another code", with("status_code", json!("201")), 401),
        ("another order", with("order_id", json!("INV-2026-000001-other")), 401),
        ("no signature", with("signature_key", Value::Null), 400),
    ];
    check_without_effect(&journey, forgeries).await;
    assert_eq!(journey.deliver(&genuine).await, Some(200), "and the genuine one is still believed");
}

#[tokio::test]
async fn a_wrong_callback_token_is_refused_and_changes_nothing() {
    let (mut journey, link) = with_link(GatewayName::Xendit).await;
    journey.pay(&link).await;
    let genuine = journey.undelivered.pop_front().expect("a notification");
    let with = |token: &str| Notification::xendit(&genuine.json(), token);
    let mut without = genuine.clone();
    without.headers.remove("x-callback-token").expect("a token");
    let forgeries = vec![
        ("another token", with("forged"), 401),
        ("no token", without, 401),
        ("an empty token", with(""), 401),
        ("half the token", with(&DEMO_XENDIT_CALLBACK_TOKEN[..6]), 401),
        ("more than the token", with(&format!("{DEMO_XENDIT_CALLBACK_TOKEN}x")), 401),
        ("the API key", with(DEMO_XENDIT_API_KEY), 401),
        ("a forged body that is not JSON", with("forged").with_body("no"), 401),
    ];
    check_without_effect(&journey, forgeries).await;
    assert_eq!(journey.deliver(&genuine).await, Some(200));
}

#[tokio::test]
async fn whatever_byte_of_a_notification_is_changed_nothing_is_booked() {
    let (mut journey, link) = with_link(GatewayName::Midtrans).await;
    journey.simulate(&link, Outcome::Pending).await;
    let genuine = journey.undelivered.pop_front().expect("a notification");
    assert_eq!(journey.deliver(&genuine).await, Some(200));
    let before = everything(&journey.world.aws.direct).await;
    let text = String::from_utf8(genuine.body.to_vec()).unwrap();
    let signed: Vec<_> = ["signature_key", "order_id", "status_code", "gross_amount"]
        .iter()
        .map(|field| {
            let value = genuine.json()[*field].as_str().unwrap().to_owned();
            let start = text.find(&format!("\"{field}\":\"{value}\"")).unwrap() + field.len() + 4;
            start..start + value.len()
        })
        .collect();
    for position in 0..text.len() {
        let covered = signed.iter().any(|range| range.contains(&position));
        if !covered && position % 7 != 0 {
            continue;
        }
        let mut body = genuine.body.to_vec();
        body[position] ^= 1;
        let status = journey.deliver(&genuine.with_body(body)).await.unwrap();
        let allowed: &[u16] = if covered { &[400, 401] } else { &[200, 400, 401] };
        assert!(allowed.contains(&status), "byte {position}: {status}");
    }
    assert_eq!(everything(&journey.world.aws.direct).await, before);
}

#[tokio::test]
async fn what_is_no_notification_is_refused_and_changes_nothing() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.pay(&link).await;
        let genuine = journey.undelivered.pop_front().expect("a notification");
        let with = |change: Value| {
            let mut body = genuine.json();
            for (field, value) in change.as_object().unwrap() {
                body[field] = value.clone();
            }
            genuine.with_body(body.to_string())
        };
        let id = if gateway == GatewayName::Midtrans { "order_id" } else { "external_id" };
        let at = |path: &str| Notification { path: path.to_owned(), ..genuine.clone() };
        // Xendit's token is authentic whatever the body is about; Midtrans's signature is over an order.
        let about_nothing = if gateway == GatewayName::Midtrans { 400 } else { 200 };
        let refused = vec![
            ("nothing", genuine.with_body(""), 400),
            ("not JSON", genuine.with_body("order_id=1"), 400),
            ("half a body", genuine.with_body(genuine.body.slice(..genuine.body.len() / 2)), 400),
            ("a list", genuine.with_body("[]"), 400),
            ("a text", genuine.with_body("\"paid\""), 400),
            ("an empty object", genuine.with_body("{}"), about_nothing),
            ("a number as id", with(json!({id: 5})), about_nothing),
            ("an object as id", with(json!({id: {"$ne": null}})), about_nothing),
            ("deeply nested", genuine.with_body("[".repeat(30_000)), 400),
            ("64 KB and more", genuine.with_body(format!("{}{}", genuine.json(), " ".repeat(64 * 1024))), 413),
            ("of a gateway that there is not", at("/api/webhooks/paypal"), 404),
            ("of no gateway", at("/api/webhooks/"), 404),
            ("of a gateway in capitals", at(&genuine.path.to_uppercase()), 404),
        ];
        check_without_effect(&journey, refused).await;
        if gateway == GatewayName::Midtrans {
            let numbers = vec![
                ("a number as amount", with(json!({"gross_amount": 300_000})), 400),
                ("a number as code", with(json!({"status_code": 200})), 400),
                ("a list as signature", with(json!({"signature_key": []})), 400),
            ];
            check_without_effect(&journey, numbers).await;
        }
        assert_unpaid(&journey, gateway.as_str()).await;
        assert_eq!(journey.deliver(&genuine).await, Some(200));
    }
}

#[tokio::test]
async fn test_notifications_of_the_dashboards_are_answered_200_without_effect() {
    for gateway in GatewayName::ALL {
        let (journey, _) = with_link(gateway).await;
        let test = journey.world.test_notification(gateway).await;
        check_without_effect(&journey, vec![("the dashboard's test", test.clone(), 200)]).await;
        let forged = match gateway {
            GatewayName::Midtrans => Notification::midtrans(test.json(), "forged"),
            GatewayName::Xendit => Notification::xendit(&test.json(), "forged"),
        };
        check_without_effect(&journey, vec![("a forged test", forged, 401)]).await;
    }
}

#[tokio::test]
async fn notifications_of_other_products_of_xendit_are_answered_200_and_nobody_is_asked() {
    let (journey, _) = with_link(GatewayName::Xendit).await;
    let order = journey.orders().await[0].id.clone();
    journey.world.tap.forget();
    for (what, body) in [
        (
            "a batch of disbursements",
            json!({"id": "57e5007de614fc6222cb0571", "reference": "gaji", "status": "COMPLETED", "disbursements": []}),
        ),
        (
            "a disbursement under an id that could be ours",
            json!({"id": "57f1ca56bb1a631a65eee65e", "external_id": format!("{order}x"), "status": "COMPLETED"}),
        ),
        ("a payout", json!({"event": "payout.succeeded", "business_id": "x", "data": {"reference_id": order}})),
    ] {
        let authentic = Notification::xendit(&body, DEMO_XENDIT_CALLBACK_TOKEN);
        check_without_effect(
            &journey,
            vec![(what, authentic, 200), (what, Notification::xendit(&body, "forged"), 401)],
        )
        .await;
    }
    assert_eq!(journey.world.tap.partner_calls(), 0);
}

#[tokio::test]
async fn a_status_of_xendit_that_is_not_known_has_the_gateway_asked_about_an_order_of_ours_and_no_other() {
    for word in [json!("paid"), json!("PAYED"), json!("COMPLETED"), Value::Null] {
        let (mut journey, link) = with_link(GatewayName::Xendit).await;
        journey.pay(&link).await;
        let paid = journey.undelivered.pop_front().expect("a notification");
        let mut body = paid.json();
        body["status"] = word.clone();
        let ours = paid.with_body(body.to_string());
        if word != "paid" {
            body["external_id"] = json!("INV-2026-999999-aaaa");
            journey.world.tap.forget();
            let strangers = paid.with_body(body.to_string());
            check_without_effect(&journey, vec![("another order", strangers, 200)]).await;
            assert_eq!(journey.world.tap.partner_calls(), 0, "{word}");
        }
        assert_eq!(journey.deliver(&ours).await, Some(200), "{word}");
        assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Paid, "{word}");
        journey.until_quiet().await;
        journey.assert_paid_once("what the gateway says counts").await;
    }
}

#[tokio::test]
async fn authentic_notifications_of_other_orders_are_answered_200_without_effect() {
    for order in ["INV-2026-999999-aaaa", "wp/shop/17", "an order", "", &"x".repeat(80)] {
        for gateway in GatewayName::ALL {
            let (journey, _) = with_link(gateway).await;
            let mut body = claimed(&journey).await.json();
            let authentic = match gateway {
                GatewayName::Midtrans => {
                    body["order_id"] = json!(order);
                    Notification::midtrans(body, DEMO_MIDTRANS_SERVER_KEY)
                }
                GatewayName::Xendit => {
                    body["external_id"] = json!(order);
                    Notification::xendit(&body, DEMO_XENDIT_CALLBACK_TOKEN)
                }
            };
            check_without_effect(&journey, vec![(order, authentic, 200)]).await;
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_believed_and_everything_is_wanted_again() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.pay(&link).await;
        let paid = journey.undelivered.pop_front().expect("a notification");
        let secret = format!("lunas/dev/{gateway}");
        let before = everything(&journey.world.aws.direct).await;
        for rows in ["{}", r#"{"serverKey":" ","apiKey":""}"#, "broken", "", r#"{"apiKey":"xnd_development_demo"}"#] {
            journey.world.aws.set_secret(&secret, rows);
            let process = journey.world.another_process();
            assert_eq!(deliver_to(&process, &paid).await, 503, "{gateway} {rows}");
            let empty_key = match gateway {
                GatewayName::Midtrans => Notification::midtrans(paid.json(), ""),
                GatewayName::Xendit => Notification::xendit(&paid.json(), ""),
            };
            assert_eq!(deliver_to(&process, &empty_key).await, 503, "{gateway} {rows}: signed with the empty key");
        }
        assert_eq!(everything(&journey.world.aws.direct).await, before, "{gateway}");
    }
}

/// Replaces the keys at the gateway and in the secret. What the gateway signs with afterwards is `signs`.
fn replace_keys(journey: &Journey, gateway: GatewayName, signs: &str) {
    let world = &journey.world;
    match gateway {
        GatewayName::Midtrans => {
            let rows = json!({"serverKey": "SB-Mid-server-new", "previousServerKey": DEMO_MIDTRANS_SERVER_KEY, "isSandbox": "true"});
            world.aws.set_secret("lunas/dev/midtrans", &rows.to_string());
            let mut keys = vec!["SB-Mid-server-new".to_owned(), DEMO_MIDTRANS_SERVER_KEY.to_owned()];
            keys.sort_by_key(|key| key.contains("new") != (signs == "new"));
            world.sandbox.set_midtrans_server_keys(keys);
        }
        GatewayName::Xendit => {
            let rows = json!({"apiKey": DEMO_XENDIT_API_KEY, "callbackToken": "new", "previousCallbackToken": DEMO_XENDIT_CALLBACK_TOKEN});
            world.aws.set_secret("lunas/dev/xendit", &rows.to_string());
            world
                .sandbox
                .set_xendit_keys(DEMO_XENDIT_API_KEY, if signs == "new" { "new" } else { DEMO_XENDIT_CALLBACK_TOKEN });
        }
    }
}

#[tokio::test]
async fn the_previous_key_is_honoured_while_keys_are_replaced() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        replace_keys(&journey, gateway, "previous");
        journey.pay(&link).await;
        let paid = journey.undelivered.pop_front().expect("a notification");
        assert_eq!(deliver_to(&journey.world.another_process(), &paid).await, 200, "{gateway}");
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_a_moment_ago_is_read_again_at_once() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.wait(Duration::seconds(61));
        replace_keys(&journey, gateway, "new");
        journey.pay(&link).await;
        let paid = journey.undelivered.pop_front().expect("a notification");
        assert_eq!(journey.deliver(&paid).await, Some(200), "{gateway}: the cached key is four minutes from its end");
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}

#[tokio::test]
async fn a_key_that_was_typed_in_a_moment_ago_is_read_at_once() {
    for gateway in GatewayName::ALL {
        let (mut journey, link) = with_link(gateway).await;
        journey.pay(&link).await;
        let paid = journey.undelivered.pop_front().expect("a notification");
        journey.world.aws.set_secret(&format!("lunas/dev/{gateway}"), "{}");
        let process = journey.world.another_process();
        assert_eq!(deliver_to(&process, &paid).await, 503, "{gateway}");
        replace_keys(&journey, gateway, "previous");
        journey.wait(Duration::seconds(61));
        assert_eq!(
            deliver_to(&process, &paid).await,
            200,
            "{gateway}: the empty secret is four minutes from the end of its cache"
        );
    }
}

#[tokio::test]
async fn a_flood_of_forgeries_reads_the_secret_once_a_minute() {
    let (journey, _) = with_link(GatewayName::Midtrans).await;
    let forged = Notification::midtrans(claimed(&journey).await.json(), "forged");
    journey.wait(Duration::seconds(61));
    journey.world.tap.forget();
    for _ in 0..20 {
        assert_eq!(journey.deliver(&forged).await, Some(401));
    }
    let reads = journey.world.tap.calls().into_iter().filter(|call| call.service == "secretsmanager").count();
    assert_eq!(
        (reads, journey.world.tap.calls().len()),
        (1, 1),
        "and neither the table nor the gateway is asked at all"
    );
}
