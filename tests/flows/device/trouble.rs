//! An ACS that is slow, down, in the way of a proxy, or hostile.

use crate::api::device_status;
use std::time::Instant;

use ::device_status::DeviceStatus;
use lunas_sandbox::{Fault, FaultKind};
use partner_http::testing::{Canned, Partner, nobody};
use serde_json::{Value, json};
use testkit::genieacs_rows;
use testkit::request::{answer, request};
use time::Duration;

use super::{BUDI, Home};

/// The secret leads to `url` from now on, for a process that has just started.
fn lead_to(home: &mut Home, url: &str) {
    type_in(home, &json!({"url": url}));
}

fn type_in(home: &mut Home, rows: &Value) {
    home.world.aws.set_secret("lunas/dev/genieacs", &rows.to_string());
    home.process = DeviceStatus::new(home.world.another_process());
}

fn code(answered: &(u16, Value)) -> (u16, &str) {
    (answered.0, answered.1["code"].as_str().unwrap_or_default())
}

fn fault(home: &Home, kind: FaultKind, times: u32) {
    home.world.sandbox.add_fault(Fault { times, ..Fault::once("genieacs.devices", kind) }).unwrap();
}

#[tokio::test]
async fn whatever_a_proxy_answers_is_limited_and_the_last_answer_is_shown_with_its_age() {
    let mut home = Home::budi().await;
    home.device().await;
    let hostile = vec![
        Canned::Reply(502, "<html><h1>502 Bad Gateway</h1></html>".to_owned()),
        Canned::Reply(200, "<!doctype html><title>Login</title>".to_owned()),
        Canned::Reply(200, format!("[{{\"_id\":\"{BUDI}\"")),
        Canned::Reply(401, "no".to_owned()),
        Canned::Redirect("http://169.254.169.254/latest/meta-data/".to_owned()),
        Canned::Flood(50 * 1024 * 1024),
        Canned::Drop,
    ];
    let partner = Partner::start(hostile.clone()).await.unwrap();
    for (minutes, canned) in hostile.iter().enumerate() {
        // A process each: what is tested is the answer, not the circuit.
        lead_to(&mut home, partner.url.as_str());
        home.wait(Duration::minutes(1));
        let device = home.device().await;
        let shown = (&device["stale"], device["staleText"].as_str(), &device["serialNumber"]);
        let age = format!("data dari {} menit lalu", minutes + 1);
        assert_eq!(shown, (&json!(true), Some(age.as_str()), &json!("4857544300000001")), "{canned:?}");
    }
    assert_eq!(partner.requests().len(), hostile.len(), "each was asked once and no redirect followed");
}

#[tokio::test]
async fn values_that_cannot_be_are_left_out_and_text_stays_text() {
    let home = Home::budi().await;
    home.world.sandbox.edit_device(BUDI, |device| {
        let values = &mut device.document["VirtualParameters"];
        values["RXPower"]["_value"] = json!("-9999");
        values["gettemp"]["_value"] = json!({"a": [1]});
        values["getdeviceuptime"]["_value"] = json!("<script>");
        values["activedevices"]["_value"] = json!(-7);
        values["pppoeIP"]["_value"] = json!("10.0.0.1<script>");
        let wlan = &mut device.document["InternetGatewayDevice"]["LANDevice"]["1"]["WLANConfiguration"];
        wlan["1"]["SSID"]["_value"] = json!("</script><img src=x onerror=alert(1)>");
        wlan["5"]["SSID"]["_value"] = json!("</script><b>");
        wlan["1"]["TotalAssociations"] = json!("not a leaf");
    });
    let device = home.device().await;
    for field in ["rxPower", "temperatureC", "uptimeSeconds"] {
        assert!(device[field].is_null(), "{field}: {device}");
    }
    assert_eq!((&device["pppoe"]["ip"], device["wifi"].as_array().unwrap().len()), (&Value::Null, 1), "{device}");
    assert_eq!((&device["wifi"][0]["ssid"], &device["connectedDevices"]["value"]), (&json!("</script><b>"), &json!(2)));
}

#[tokio::test]
async fn an_acs_that_was_never_heard_is_unreachable_and_one_without_address_is_not_configured() {
    let mut home = Home::budi().await;
    lead_to(&mut home, nobody().await.unwrap().as_str());
    let answered = home.get().await;
    assert_eq!((code(&answered), &answered.1["retryAfter"]), ((503, "acs_unreachable"), &json!(30)));
    assert_eq!(code(&home.refresh().await), (503, "acs_unreachable"));
    for rows in [
        json!({"url": ""}),
        json!({"url": "ftp://x"}),
        json!({"url": "http://acs.example.id"}),
        json!({"url": "https://x", "paths": "{"}),
    ] {
        type_in(&mut home, &rows);
        assert_eq!(code(&home.get().await), (503, "acs_not_configured"), "{rows}");
        assert_eq!(code(&home.refresh().await), (503, "acs_not_configured"), "{rows}");
    }
    type_in(&mut home, &json!([]));
    assert_eq!(code(&home.get().await), (503, "acs_not_configured"), "not a list of rows");
}

#[tokio::test]
async fn a_metadata_service_is_never_asked() {
    let mut home = Home::budi().await;
    type_in(&mut home, &json!({"url": "http://169.254.169.254/latest/", "allowHttp": "true"}));
    assert_eq!(code(&home.get().await), (503, "acs_unreachable"));
    // On AWS this machine is the function's own runtime. Only a stand-in is reached there.
    let real = home.world.with_settings(|settings| settings.partner_endpoints.clear());
    let (url, before) = (home.world.sandbox.urls().genieacs, home.asked());
    home.world.aws.set_secret("lunas/dev/genieacs", &json!({"url": url, "allowHttp": "true"}).to_string());
    home.process = DeviceStatus::new(real);
    assert_eq!((code(&home.get().await), home.asked()), ((503, "acs_unreachable"), before));
}

#[tokio::test]
async fn a_slow_modem_is_waited_for_four_seconds() {
    let home = Home::of("rudi@lunas", "081200000005", Some("28FF3E-F609-ZTEGC0000005"), None).await;
    let begun = Instant::now();
    assert_eq!(code(&home.get().await), (503, "acs_unreachable"));
    let waited = begun.elapsed();
    assert!(waited.as_secs() >= 3 && waited.as_secs() < 6, "{waited:?}");
}

#[tokio::test]
async fn one_silent_modem_does_not_open_the_circuit_for_everybody() {
    let mut home = Home::of("rudi@lunas", "081200000005", Some("28FF3E-F609-ZTEGC0000005"), None).await;
    let other = home.world.customer_with_device("budi@lunas", super::PHONE, Some(BUDI), None).await;
    let other_token = home.world.token(&other).await;
    let online = json!([{"_id": BUDI, "_lastInform": billing::zone::format::instant(home.world.app.clock.now())}]);
    // Broken lines tell no more of the ACS than a long silence does.
    let mut answers = vec![Canned::Drop; 8];
    answers.push(Canned::Reply(200, online.to_string()));
    let partner = Partner::start(answers).await.unwrap();
    lead_to(&mut home, partner.url.as_str());
    for _ in 0..8 {
        assert_eq!(code(&home.get().await), (503, "acs_unreachable"));
    }
    let (status, body) = home.get_as(&other_token).await;
    assert_eq!((status, &body["device"]["stale"]), (200, &json!(false)), "{body}");
}

#[tokio::test]
async fn five_failures_in_a_row_open_the_circuit_for_half_a_minute() {
    let home = Home::budi().await;
    home.device().await;
    home.wait(Duration::seconds(31));
    fault(&home, FaultKind::InternalError, 6);
    for _ in 0..5 {
        assert_eq!(home.device().await["stale"], true);
    }
    let asked = home.asked();
    for _ in 0..10 {
        assert_eq!(home.device().await["stale"], true);
    }
    assert_eq!(code(&home.refresh().await), (503, "acs_unreachable"));
    assert_eq!(home.asked(), asked, "it is left in peace");
    home.wait(Duration::seconds(30));
    assert_eq!(
        (home.device().await["stale"].clone(), home.asked()),
        (json!(true), asked + 1),
        "one tries, and it fails again"
    );
    assert_eq!((home.device().await["stale"].clone(), home.asked()), (json!(true), asked + 1));
    home.wait(Duration::seconds(30));
    assert_eq!(
        (home.device().await["stale"].clone(), home.asked()),
        (json!(false), asked + 2),
        "one tries, and it is well"
    );
}

#[tokio::test]
async fn a_success_in_between_keeps_the_circuit_closed() {
    let home = Home::budi().await;
    home.device().await;
    for _ in 0..4 {
        fault(&home, FaultKind::TooManyRequests, 4);
        home.wait(Duration::seconds(31));
        for _ in 0..4 {
            assert_eq!(home.device().await["stale"], true);
        }
        assert_eq!(home.device().await["stale"], false);
    }
}

#[tokio::test]
async fn a_password_that_was_replaced_is_read_again_at_once() {
    let home = Home::budi().await;
    home.device().await;
    home.world.sandbox.set_genieacs_password("new");
    let mut rows = genieacs_rows(&home.world.app.settings.partner_endpoints);
    rows["password"] = json!("new");
    home.world.aws.set_secret("lunas/dev/genieacs", &rows.to_string());
    home.wait(Duration::seconds(61));
    assert_eq!(home.device().await["stale"], false);
    assert_eq!(home.asked(), 3, "refused once, then let in");
    // One that stays wrong is not tried twice.
    home.world.sandbox.set_genieacs_password("newer");
    home.wait(Duration::seconds(61));
    assert_eq!(home.device().await["stale"], true);
    assert_eq!(home.asked(), 4);
}

#[tokio::test]
async fn a_dead_modem_stays_dead_while_the_acs_cannot_be_asked() {
    let home = Home::budi().await;
    assert_eq!(home.device().await["pppoe"]["text"], "Connected");
    fault(&home, FaultKind::InternalError, 3);
    home.wait(Duration::minutes(2));
    assert_eq!(home.device().await["pppoe"]["text"], "Connected (data dari 2 menit lalu)");
    home.wait(Duration::hours(3));
    let device = home.device().await;
    let shown = (&device["stale"], &device["status"], &device["pppoe"]["text"]);
    assert_eq!(shown, (&json!(true), &json!("offline"), &json!("Disconnected (data dari 3 jam lalu)")));
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_looked_for_and_never_repeated() {
    let mut home = Home::of("agus@lunas", "081200000003", None, None).await;
    // Past the tap, which would answer for the line that breaks.
    let mut rows = genieacs_rows(&home.world.app.settings.partner_endpoints);
    rows["url"] = json!(home.world.sandbox.urls().genieacs);
    type_in(&mut home, &rows);
    home.device().await;
    home.world.sandbox.add_fault(Fault { ms: Some(10), ..Fault::once("genieacs.tasks", FaultKind::Delay) }).unwrap();
    home.world.sandbox.add_fault(Fault::once("genieacs.tasks", FaultKind::DropAfter)).unwrap();
    let (status, body) = home.refresh().await;
    assert_eq!((status, &body["queued"], home.world.sandbox.tasks().len()), (200, &json!(true), 1), "{body}");
    let posts = home.world.sandbox.calls().into_iter().filter(|call| call.method == "POST").count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_refresh_that_the_acs_fails_is_not_asked_for_again_at_once() {
    let home = Home::budi().await;
    home.device().await;
    home.world
        .sandbox
        .add_fault(Fault { times: 3, ..Fault::once("genieacs.tasks", FaultKind::InternalError) })
        .unwrap();
    let answered = home.refresh().await;
    assert_eq!((code(&answered), &answered.1["retryAfter"]), ((503, "acs_unreachable"), &json!(120)));
    assert_eq!(code(&home.refresh().await), (429, "too_many_requests"));
    assert_eq!(home.world.sandbox.calls_of("genieacs.tasks"), 1);
}

#[tokio::test]
async fn a_modem_that_cannot_be_remembered_is_shown_all_the_same() {
    let home = Home::budi().await;
    let asked = request("GET", "/api/customer/device", Some(&home.token), None);
    // Read, secret, question, remember: the fourth call fails, also when it is repeated.
    home.world.tap.forget();
    home.world.tap.break_call(4, testkit::tap::When::Before, testkit::tap::How::Error);
    let (status, body) = answer(&device_status::handle(&home.process, asked).await);
    assert!(home.world.tap.broke() && status == 200 && body["device"]["status"] == "online", "{body}");
}
