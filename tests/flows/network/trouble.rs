//! Receivers that are down, slow, strange or hostile, and functions that die.

use cloud::queue::BatchReport;
use lunas_sandbox::{Effect, Fault, FaultKind};
use partner_http::testing::{Canned, Partner};
use serde_json::{Value, json};
use testkit::tap::{How, When};
use time::Duration;
use tracing_subscriber::filter::LevelFilter;

use super::{DEMO_NETWORK_SECRET, Provider, expired, hand_over};
use crate::{journey::PHONE, log::Log};

fn fail(provider: &Provider, kind: FaultKind, times: u32) {
    provider.journey.world.sandbox.add_fault(Fault { times, ..Fault::once("network.webhook", kind) }).unwrap();
}

fn calls(provider: &Provider) -> usize {
    provider.journey.world.sandbox.calls_of("network.webhook")
}

#[tokio::test]
async fn after_an_hour_of_a_receiver_that_is_down_the_newest_state_is_told_once() {
    let mut provider = Provider::start().await;
    fail(&provider, FaultKind::InternalError, 10_000);
    provider.pay_and_deliver().await;
    for minute in 0..60 {
        provider.wait(Duration::minutes(1));
        provider.sweep().await;
        if minute == 20 {
            provider.pay_and_deliver().await;
        }
    }
    assert!(provider.messages().is_empty());
    assert!((8..20).contains(&calls(&provider)), "it is left in peace in between: {}", calls(&provider));
    reqwest::Client::new()
        .delete(format!("{}/faults", provider.journey.world.sandbox.urls().network))
        .send()
        .await
        .unwrap();
    for _ in 0..30 {
        provider.wait(Duration::minutes(1));
        provider.sweep().await;
    }
    assert_eq!(provider.effects(), [Effect::Applied], "once, though there were two payments");
    provider.assert_network_knows("both payments").await;
    assert_eq!(provider.state().await, "told");
}

#[tokio::test]
async fn repetitions_keep_their_id_and_carry_a_new_timestamp() {
    let mut provider = Provider::start().await;
    // The receiver does its work, and its answer is lost.
    fail(&provider, FaultKind::DropAfter, 2);
    provider.pay_and_deliver().await;
    for _ in 0..5 {
        provider.wait(Duration::minutes(1));
        provider.sweep().await;
    }
    let messages = provider.messages();
    assert_eq!(provider.effects(), [Effect::Applied, Effect::Repeated, Effect::Repeated]);
    assert!(messages.iter().all(|told| told.id == messages[0].id && told.body == messages[0].body && told.verified));
    assert_ne!(messages[1].timestamp, messages[0].timestamp);
}

#[tokio::test]
async fn a_day_in_vain_ends_in_an_alarm_and_the_next_change_begins_anew() {
    let mut provider = Provider::start().await;
    fail(&provider, FaultKind::InternalError, 1_000_000);
    provider.pay_and_deliver().await;
    let logged = logged(async {
        for _ in 0..(25 * 4) {
            provider.wait(Duration::minutes(15));
            provider.sweep().await;
        }
    })
    .await;
    let alarms: Vec<Value> = logged
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["alarm"] == true)
        .collect();
    assert_eq!(alarms.len(), 2, "when it is late, and when it is given up: {alarms:?}");
    assert_eq!(provider.state().await, "given_up");
    let before = calls(&provider);
    provider.wait(Duration::days(1));
    provider.sweep().await;
    assert_eq!(calls(&provider), before);

    reqwest::Client::new()
        .delete(format!("{}/faults", provider.journey.world.sandbox.urls().network))
        .send()
        .await
        .unwrap();
    provider.pay_and_deliver().await;
    assert_eq!((provider.effects(), provider.state().await.as_str()), (vec![Effect::Applied], "told"));
}

#[tokio::test]
async fn what_changes_during_the_last_try_is_told_all_the_same() {
    let mut provider = Provider::start().await;
    fail(&provider, FaultKind::InternalError, 2);
    provider.pay_and_deliver().await;
    provider.wait(Duration::hours(25));
    let (network, tap) = (provider.network.clone(), provider.journey.world.tap.clone());
    tap.hold_answer("network");
    let sweeping = tokio::spawn(async move { Box::pin(notify_network::handle(&network, json!({}))).await });
    tap.held().await;
    provider.pay_and_deliver().await;
    tap.release();
    sweeping.await.unwrap();
    assert_eq!((provider.effects(), provider.state().await.as_str()), (vec![Effect::Applied], "told"));
    provider.assert_network_knows("both payments").await;
}

#[tokio::test]
async fn of_two_receivers_only_the_one_that_failed_is_told_again() {
    let mut provider = Provider::start().await;
    let other =
        Partner::start(vec![Canned::Reply(503, String::new()), Canned::Drop, Canned::Reply(204, String::new())])
            .await
            .unwrap();
    provider.configure(&format!("{}, {}hook", provider.receiver(), other.url));
    provider.pay_and_deliver().await;
    assert_eq!(provider.state().await, "failing");
    for _ in 0..6 {
        provider.wait(Duration::minutes(1));
        provider.sweep().await;
    }
    assert_eq!((provider.effects(), provider.state().await.as_str()), (vec![Effect::Applied], "told"));
    let requests = other.requests();
    assert_eq!(requests.len(), 3, "until it took it");
    let id = |request: &String| request.lines().find(|line| line.starts_with("webhook-id: ")).unwrap().to_owned();
    assert!(requests.iter().all(|request| id(request) == format!("webhook-id: {}", provider.messages()[0].id)));
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_asked_again() {
    let mut provider = Provider::start().await;
    fail(&provider, FaultKind::Gone, 1);
    provider.pay_and_deliver().await;
    assert_eq!(provider.state().await, "given_up");
    provider.wait(Duration::days(1));
    provider.sweep().await;
    assert_eq!(calls(&provider), 1);
    provider.pay_and_deliver().await;
    assert_eq!(provider.state().await, "told", "it may come back with the next state");
}

#[tokio::test]
async fn strange_answers_are_no_acknowledgement_and_nothing_is_followed() {
    let elsewhere = Partner::start(Vec::new()).await.unwrap();
    let mut provider = Provider::start().await;
    let answers = vec![
        Canned::Redirect(elsewhere.url.to_string()),
        Canned::Flood(5_000_000),
        Canned::Drop,
        Canned::Reply(400, "{}".to_owned()),
        Canned::Reply(429, String::new()),
        Canned::Reply(401, String::new()),
        Canned::Reply(200, "not json".to_owned()),
    ];
    let problems = ["redirected", "no_answer", "no_answer", "refused", "throttled", "unauthorized"];
    let receiver = Partner::start(answers).await.unwrap();
    provider.configure(receiver.url.as_str());
    provider.pay_and_deliver().await;
    for problem in problems {
        let network_update = provider.network_update().await.unwrap();
        assert_eq!(
            (network_update["state"].as_s().unwrap().as_str(), network_update["problem"].as_s().unwrap().as_str()),
            ("failing", problem)
        );
        provider.wait(Duration::minutes(16));
        provider.sweep().await;
    }
    assert_eq!(provider.state().await, "told");
    assert_eq!((receiver.requests().len(), elsewhere.requests().len()), (7, 0));
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_let_go() {
    let mut provider = Provider::start().await;
    // Held for an hour: that this test ends is what it shows.
    let held = Fault { ms: Some(3_600_000), ..Fault::once("network.webhook", FaultKind::Timeout) };
    provider.journey.world.sandbox.add_fault(held).unwrap();
    provider.pay_and_deliver().await;
    assert_eq!(provider.network_update().await.unwrap()["problem"].as_s().unwrap(), "no_answer");
    provider.wait(Duration::minutes(1));
    provider.sweep().await;
    assert_eq!(provider.state().await, "told");
}

#[tokio::test]
async fn addresses_that_must_not_be_called_are_not() {
    let mut provider = Provider::start().await;
    let rows = |url: &str| json!({"webhookUrl": url, "secret": DEMO_NETWORK_SECRET});
    let production = |provider: &Provider| {
        let app = provider.journey.world.with_settings(|settings| settings.partner_endpoints.clear());
        notify_network::Network::new(app)
    };
    provider.pay().await;
    let event = provider.queued().remove(0);
    for (url, problem) in [
        ("https://169.254.169.254/latest/meta-data", "unreachable"),
        ("https://127.0.0.1:9001/2018-06-01/runtime", "unreachable"),
        ("https://localhost:9001/x", "unreachable"),
        ("http://127.0.0.1:9001/x", "misconfigured"),
        ("http://radius.example/hook", "misconfigured"),
        ("ftp://radius.example/hook", "misconfigured"),
        ("https://user:password@radius.example/hook", "misconfigured"),
        (
            "https://a.example https://b.example https://c.example https://d.example https://e.example https://f.example",
            "misconfigured",
        ),
    ] {
        provider.type_in(&rows(url));
        let network = production(&provider);
        assert_eq!(hand_over(&network, &event).await, BatchReport::default());
        let network_update = provider.network_update().await.unwrap();
        assert_eq!(
            (network_update["state"].as_s().unwrap().as_str(), network_update["problem"].as_s().unwrap().as_str()),
            ("failing", problem),
            "{url}"
        );
        provider.wait(Duration::minutes(16));
        notify_network::handle(&network, json!({})).await;
        provider.wait(Duration::minutes(16));
    }
    assert_eq!(calls(&provider), 0);
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_calls_a_person_and_is_used_once_repaired() {
    let mut provider = Provider::start().await;
    for rows in
        [json!({"webhookUrl": provider.receiver(), "secret": "tooshort"}), json!({"webhookUrl": provider.receiver()})]
    {
        provider.type_in(&rows);
        provider.network = provider.another_process();
        let told = logged(provider.pay_and_deliver()).await;
        assert!(told.contains("\"alarm\":true") && told.contains("secret network, row secret"), "{told}");
        assert_eq!(provider.state().await, "failing");
    }
    provider.configure(&provider.receiver());
    provider.wait(Duration::minutes(6));
    provider.sweep().await;
    assert_eq!((provider.effects(), provider.state().await.as_str()), (vec![Effect::Applied], "told"));
}

#[tokio::test]
async fn a_receiver_that_refuses_one_line_does_not_hold_up_the_others() {
    let mut provider = Provider::start().await;
    fail(&provider, FaultKind::InternalError, 30);
    provider.pay().await;
    let mut event = provider.queued().remove(0);
    for n in 0..30 {
        let customer = provider.journey.world.customer(&format!("line{n}"), "081200000099").await;
        event["customerId"] = json!(customer.id);
        assert_eq!(hand_over(&provider.network, &event).await, BatchReport::default());
    }
    assert!(provider.messages().is_empty());
    // The breaker: a receiver that is down is found out with five lines, not with all of them.
    fail(&provider, FaultKind::InternalError, 5);
    provider.wait(Duration::minutes(2));
    let before = calls(&provider);
    provider.sweep().await;
    assert_eq!(calls(&provider) - before, 5);
    provider.wait(Duration::minutes(3));
    provider.sweep().await;
    assert_eq!(provider.effects(), vec![Effect::Applied; 30]);
}

#[tokio::test]
async fn whatever_call_dies_the_network_is_told_in_the_end() {
    for when in [When::Before, When::After] {
        for how in [How::Crash, How::Error] {
            for n in 1.. {
                let mut provider = Provider::start().await;
                provider.pay().await;
                let event = provider.queued().remove(0);
                let tap = provider.journey.world.tap.clone();
                tap.forget();
                tap.break_call(n, when, how);
                let context = format!("call {n} {when:?} {how:?}");
                let mut delivered = false;
                for _ in 0..6 {
                    if !delivered {
                        let report = tap.or_crash(hand_over(&provider.network, &event)).await;
                        delivered = report.is_some_and(|report| report == BatchReport::default());
                    }
                    provider.wait(Duration::minutes(2));
                    tap.or_crash(provider.sweep()).await;
                }
                provider.assert_network_knows(&context).await;
                assert_eq!(provider.state().await, "told", "{context}");
                let applied = provider.effects().iter().filter(|effect| **effect == Effect::Applied).count();
                assert_eq!((applied, provider.effects().contains(&Effect::Late)), (1, false), "{context}");
                if !tap.broke() {
                    assert!(n > 5, "every call is broken once");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn no_log_line_holds_a_person_a_key_or_an_address() {
    let mut provider = Provider::start().await;
    fail(&provider, FaultKind::InternalError, 3);
    fail(&provider, FaultKind::Unauthorized, 3);
    fail(&provider, FaultKind::Redirect, 3);
    provider.configure(&format!("{}?key=sehr-geheim", provider.receiver()));
    let told = logged(async {
        provider.pay_and_deliver().await;
        for _ in 0..12 {
            provider.wait(Duration::minutes(16));
            provider.sweep().await;
        }
        provider.wait(Duration::days(400));
        hand_over(&provider.network, &expired(&provider)).await;
        hand_over(&provider.network, &json!({"kind": "subscription.extended", "customerId": "BUDI budi 081234567890"}))
            .await;
        provider.type_in(&json!({"webhookUrl": "http://budi:sehr-geheim@example.org", "secret": DEMO_NETWORK_SECRET}));
        provider.network = provider.another_process();
        provider.pay_and_deliver().await;
    })
    .await;
    assert!(told.lines().count() > 8, "{told}");
    let secret = DEMO_NETWORK_SECRET.trim_start_matches("whsec_");
    for kept in [PHONE, "6281234567890", "budi", "Pelanggan", "sehr-geheim", secret, "127.0.0.1", "v1,"] {
        assert!(!told.contains(kept), "{kept} in {told}");
    }
}

/// What functions log while something runs.
async fn logged<T>(run: impl Future<Output = T>) -> String {
    let log = Log::begin(LevelFilter::INFO);
    run.await;
    log.text()
}
