//! When a second provider is asked, and when not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use common::{PHONE, TEXT, message, rows};
use messaging::{Channel, Endpoints, ProviderName, Sent};
use partner_http::testing::{Canned, Partner};
use serde_json::json;

/// Meta answers as told, then Fonnte takes the message; who was asked last, and how many were asked.
async fn send(meta: Canned) -> (Sent, usize) {
    let fonnte = Canned::Reply(200, json!({"status": true, "id": ["1"]}).to_string());
    let partner = Partner::start(vec![meta, fonnte]).await.unwrap();
    let base = partner.url.as_str().trim_end_matches('/').to_owned();
    let rows = rows(&[
        ("provider", "meta"),
        ("fallback", "fonnte"),
        ("metaToken", "t"),
        ("metaPhoneNumberId", "106540352242922"),
        ("fonnteToken", "t"),
    ]);
    let channel = Channel::open(&rows, Endpoints { stand_in: Some(&base), loopback_http: false }).unwrap().unwrap();
    assert_eq!(channel.name(), ProviderName::Meta);
    (channel.send(PHONE, &message(TEXT)).await, partner.requests().len())
}

fn error(code: i64) -> Canned {
    Canned::Reply(400, json!({"error": {"code": code, "message": "no"}}).to_string())
}

#[tokio::test]
async fn the_second_provider_is_asked_only_if_the_first_certainly_did_not_take_the_message_and_may_take_it_later() {
    for canned in [error(190), error(131_048), error(130_429), error(131_000), Canned::Reply(429, String::new())] {
        let shown = format!("{canned:?}");
        let (sent, asked) = send(canned).await;
        assert_eq!((sent.by, asked), (ProviderName::Fonnte, 2), "{shown}");
        assert_eq!(sent.refused_by.map(|(first, _)| first), Some(ProviderName::Meta), "{shown}");
    }
    for canned in [
        Canned::Reply(200, json!({"messages": [{"id": "wamid.1"}]}).to_string()),
        Canned::Reply(200, "lost".to_owned()),
        Canned::Reply(500, String::new()),
        Canned::Drop,
        Canned::Silence,
        error(131_026),
        error(132_000),
        // Enough for this recipient, for a few seconds.
        error(131_056),
    ] {
        let shown = format!("{canned:?}");
        let (sent, asked) = send(canned).await;
        assert_eq!((sent.by, asked), (ProviderName::Meta, 1), "{shown}");
    }
}

#[test]
fn a_second_provider_is_another_one_and_has_its_rows() {
    let open = |fallback: &str| {
        let rows = rows(&[("provider", "fonnte"), ("fonnteToken", "t"), ("fallback", fallback)]);
        Channel::open(&rows, Endpoints::default()).map(|_| ())
    };
    assert!(open("").is_ok());
    assert_eq!(open("fonnte").unwrap_err().row, "fallback");
    assert_eq!(open("wablas").unwrap_err().row, "fallback");
    assert_eq!(open("meta").unwrap_err().row, "metaToken");
}
