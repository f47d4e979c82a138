//! The network's receiver, as a caller and a person meet it.
#![expect(clippy::unwrap_used, reason = "a test")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use lunas_sandbox::{DEMO_NETWORK_SECRET, Effect, Options, Sandbox};
use serde_json::{Value, json};
use sha2::Sha256;

fn line(version: u64, active: bool) -> String {
    json!({"type": "subscription.extended", "customerId": "c1", "username": "budi<b>", "packageId": "home20", "downMbps": 20, "upMbps": 10,
        "expiresAt": "2026-12-30T16:59:59Z", "active": active, "version": version})
    .to_string()
}

/// The status of the answer.
async fn tell(sandbox: &Sandbox, body: &str, timestamp: i64, secret: &str) -> u16 {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("c1-1.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let request = reqwest::Client::new()
        .post(format!("{}/webhook", sandbox.urls().network))
        .header("webhook-id", "c1-1")
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature);
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

#[expect(clippy::disallowed_methods, reason = "the sandbox lives by the clock on the wall")]
fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

#[tokio::test]
async fn authentic_messages_change_lines_and_no_others_do() {
    let sandbox = lunas_sandbox::start(Options::default()).await.unwrap();
    let other = format!("whsec_{}", STANDARD.encode([7; 32]));
    assert_eq!(tell(&sandbox, &line(2, true), now(), &other).await, 401);
    assert_eq!(tell(&sandbox, &line(2, true), now() - 3600, DEMO_NETWORK_SECRET).await, 401);
    assert_eq!(tell(&sandbox, "{}", now(), DEMO_NETWORK_SECRET).await, 400);
    assert!(sandbox.network_lines().is_empty());
    for (version, active) in [(2, true), (2, true), (1, false)] {
        assert_eq!(tell(&sandbox, &line(version, active), now(), DEMO_NETWORK_SECRET).await, 200);
    }
    let effects: Vec<Effect> = sandbox.network_messages().iter().map(|told| told.effect).collect();
    assert_eq!(effects[3..], [Effect::Applied, Effect::Repeated, Effect::Late]);
    let known: Value = reqwest::get(format!("{}/lines", sandbox.urls().network)).await.unwrap().json().await.unwrap();
    assert!(known[0]["active"] == true && known[0]["version"] == 2, "{known}");
}

#[tokio::test]
async fn the_page_shows_what_came_and_its_buttons_make_it_fail() {
    let sandbox = lunas_sandbox::start(Options::default()).await.unwrap();
    let http = reqwest::Client::new();
    let press = async |kind: &str| {
        http.post(format!("{}/fail", sandbox.urls().network)).form(&[("kind", kind)]).send().await.unwrap()
    };
    press("410").await;
    assert_eq!(tell(&sandbox, &line(1, true), now(), DEMO_NETWORK_SECRET).await, 410);
    press("recover").await;
    assert_eq!(tell(&sandbox, &line(1, false), now(), DEMO_NETWORK_SECRET).await, 200);
    let page = reqwest::get(sandbox.urls().network).await.unwrap().text().await.unwrap();
    for shown in ["budi&lt;b&gt;", ">expired<", "signature verified", "It takes everything."] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
}
