//! The NBI as it misbehaves: what is asked, and what becomes of answers that are none.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, time::Duration};

use billing::access::phone::Phone;
use devices::look::look;
use devices::matching::SubscriberLine;
use devices::nbi::{AcsError, Deadline, Refreshed};
use devices::secret::Acs;
use partner_http::testing::{Canned, Partner, nobody};
use time::{OffsetDateTime, macros::datetime};
use url::Url;

const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);
/// nginx refuses longer request lines: `large_client_header_buffers 4 8k`.
const PROXY_LINE: usize = 8 * 1024;

fn acs(url: &Url, more: &[(&str, &str)]) -> Acs {
    let mut rows = BTreeMap::from([("url".to_owned(), url.to_string())]);
    rows.extend(more.iter().map(|(row, text)| ((*row).to_owned(), (*text).to_owned())));
    Acs::from_secret(&rows, true).unwrap().unwrap()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(4))
}

fn line() -> SubscriberLine {
    SubscriberLine {
        device_id: Some("00259E-HG8245H%2DX-48575443A1B2C3D4".to_owned()),
        ont_serial: Some("48575443A1B2C3D4".to_owned()),
        phone: Phone::parse("081234567890").ok(),
        username: "pelanggan.dengan.nama.panjang@provider.example.id".to_owned(),
    }
}

fn reply(body: &str) -> Canned {
    Canned::Reply(200, body.to_owned())
}

/// The longest request line of everything that was asked.
fn longest_line(partner: &Partner) -> usize {
    partner.requests().iter().map(|request| request.lines().next().unwrap_or_default().len()).max().unwrap_or_default()
}

#[tokio::test]
async fn every_request_fits_through_a_proxy_and_carries_the_credentials() {
    let partner = Partner::start(vec![reply("[]"), reply("[]")]).await.unwrap();
    let url = partner.url.join("nbi/").unwrap();
    let acs = acs(&url, &[("username", "lunas"), ("password", "geheim")]);
    let look = look(&acs, &line(), None, true, NOW, deadline()).await.unwrap();
    assert!(look.found.is_none() && look.searched);
    let requests = partner.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert!(request.starts_with("GET /nbi/devices?query=%7B"), "{request}");
        assert!(request.to_ascii_lowercase().contains("authorization: basic bhvuyxm6z2vozwlt"), "{request}");
        assert!(request.contains("projection=_id") && !request.to_ascii_lowercase().contains("passphrase"));
    }
    assert!(
        longest_line(&partner) < PROXY_LINE,
        "{:?}",
        requests.iter().map(|r| r.lines().next().unwrap().len()).collect::<Vec<_>>()
    );
}

async fn failure(canned: Canned) -> AcsError {
    let partner = Partner::start(vec![canned]).await.unwrap();
    let error = acs(&partner.url, &[]).nbi.device("a", deadline()).await.unwrap_err();
    assert_eq!(partner.requests().len(), 1, "nothing is asked twice");
    error
}

#[tokio::test]
async fn what_is_no_answer_is_told_without_repeating_it() {
    for (canned, words) in [
        (Canned::Reply(502, "<html>geheim</html>".to_owned()), "HTTP 502"),
        (reply(" \n<!doctype html><title>geheim</title>"), "HTML instead of JSON"),
        (reply("[{\"_id\": \"geheim\""), "not a JSON list"),
        (reply("{\"geheim\": 1}"), "not a JSON list"),
        (Canned::Redirect("http://127.0.0.1:1/geheim".to_owned()), "redirects are not followed"),
        (Canned::Reply(401, "geheim".to_owned()), "refuses the credentials"),
        (Canned::Reply(404, "geheim".to_owned()), "NBI"),
    ] {
        let error = failure(canned).await;
        assert!(
            error.is_of_the_acs() && error.to_string().contains(words) && !error.to_string().contains("geheim"),
            "{error}"
        );
    }
    let error = acs(&nobody().await.unwrap(), &[]).nbi.device("a", deadline()).await.unwrap_err();
    assert!(matches!(error, AcsError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn an_answer_of_fifty_megabytes_is_cut_off_and_a_silent_one_given_up() {
    let error = failure(Canned::Flood(50 * 1024 * 1024)).await;
    assert!(error.to_string().contains("over 65536 bytes"), "{error}");
    let partner = Partner::start(vec![Canned::Silence, Canned::Silence]).await.unwrap();
    let started = std::time::Instant::now();
    let error = acs(&partner.url, &[]).nbi.device("a", Deadline::after(Duration::from_millis(300))).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2) && !error.is_of_the_acs(), "{error}");
    let error = acs(&partner.url, &[]).nbi.device("a", Deadline::after(Duration::from_mins(1))).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(6), "never longer than the limit of one call: {error}");
}

#[tokio::test]
async fn a_metadata_service_is_never_asked_by_address_or_by_name() {
    for address in
        ["http://169.254.169.254/", "http://[::ffff:169.254.169.254]/", "http://2852039166/", "http://0.0.0.0:7557/"]
    {
        let acs = acs(&Url::parse(address).unwrap(), &[("allowHttp", "true")]);
        let error = acs.nbi.device("a", deadline()).await.unwrap_err();
        assert!(error.to_string().contains("never called"), "{address}: {error}");
    }
    // This machine is reached in tests and the demo only.
    let rows = BTreeMap::from([
        ("url".to_owned(), "http://localhost:7557".to_owned()),
        ("allowHttp".to_owned(), "true".to_owned()),
    ]);
    let acs = Acs::from_secret(&rows, false).unwrap().unwrap();
    let error = acs.nbi.device("a", deadline()).await.unwrap_err();
    assert!(matches!(&error, AcsError::Unreachable(why) if why.contains("never called")), "{error}");
}

#[tokio::test]
async fn a_refresh_is_one_task_under_the_id_encoded_once_more() {
    let partner = Partner::start(vec![
        Canned::Reply(202, "{}".to_owned()),
        reply("{}"),
        Canned::Reply(404, "No such device".to_owned()),
    ])
    .await
    .unwrap();
    let acs = acs(&partner.url, &[("bearerToken", "geheim")]);
    for expected in [Refreshed::Queued, Refreshed::Done, Refreshed::NoDevice] {
        assert_eq!(acs.nbi.refresh("00259E-HG%2D8245-1", "VirtualParameters", deadline()).await.unwrap(), expected);
    }
    let request = partner.requests().remove(0);
    assert!(
        request.starts_with("POST /devices/00259E-HG%252D8245-1/tasks?connection_request&timeout=2000 "),
        "{request}"
    );
    assert!(request.to_ascii_lowercase().contains("authorization: bearer geheim"));
    assert!(request.ends_with(r#"{"name":"refreshObject","objectName":"VirtualParameters"}"#), "{request}");
}

#[tokio::test]
async fn an_equal_task_is_seen_and_another_devices_is_not() {
    let task = |device: &str, object: &str| {
        reply(&format!(r#"[{{"_id":"1","device":"{device}","name":"refreshObject","objectName":"{object}"}}]"#))
    };
    let partner = Partner::start(vec![
        task("a", "VirtualParameters"),
        task("b", "VirtualParameters"),
        task("a", "Device"),
        reply("[]"),
    ])
    .await
    .unwrap();
    let acs = acs(&partner.url, &[]);
    let mut pending = Vec::new();
    for _ in 0..4 {
        pending.push(acs.nbi.is_refresh_pending("a", "VirtualParameters", deadline()).await.unwrap());
    }
    assert_eq!(pending, [true, false, false, false]);
}

/// A device with this PPPoE user that informed so many minutes before [`NOW`].
fn device(id: &str, minutes: i64, username: &str) -> String {
    let at = billing::zone::format::instant(NOW - time::Duration::minutes(minutes));
    format!(
        r#"{{"_id":"{id}","_lastInform":"{at}","VirtualParameters":{{"pppoeUsername":{{"_value":"{username}"}}}}}}"#
    )
}

#[tokio::test]
async fn a_known_device_that_is_online_costs_one_question() {
    let mine = line().username;
    let partner = Partner::start(vec![reply(&format!("[{}]", device("known", 1, &mine)))]).await.unwrap();
    let look = look(&acs(&partner.url, &[]), &line(), Some("known"), true, NOW, deadline()).await.unwrap();
    assert_eq!((look.found.unwrap().reading.device_id.as_str(), look.searched), ("known", false));
    assert_eq!(partner.requests().len(), 1);
}

#[tokio::test]
async fn a_silent_device_is_searched_for_and_kept_if_the_search_fails() {
    let mine = line().username;
    let (old, new) = (device("old", 9000, &mine), device("new", 1, &mine));
    let answers = vec![reply(&format!("[{old}]")), reply(&format!("[{new},{old}]")), reply(&format!("[{new}]"))];
    let partner = Partner::start(answers).await.unwrap();
    let swapped = look(&acs(&partner.url, &[]), &line(), Some("old"), true, NOW, deadline()).await.unwrap();
    assert_eq!((swapped.found.unwrap().reading.device_id.as_str(), swapped.searched), ("new", true));

    let partner = Partner::start(vec![reply(&format!("[{old}]")), Canned::Drop]).await.unwrap();
    let kept = look(&acs(&partner.url, &[]), &line(), Some("old"), true, NOW, deadline()).await.unwrap();
    assert_eq!((kept.found.unwrap().reading.device_id.as_str(), kept.searched), ("old", false));
}

#[tokio::test]
async fn a_device_of_another_customer_is_not_taken_whatever_the_acs_answers() {
    let theirs = device("00259E-HG8245H%2DX-48575443A1B2C3D4", 1, "siti@isp");
    let other_id = device("another", 1, &line().username);
    let answers = vec![
        reply(&format!("[{theirs}]")),
        reply(&format!("[{theirs}]")),
        reply(&format!("[{other_id}]")),
        reply("[]"),
    ];
    let partner = Partner::start(answers).await.unwrap();
    let acs = acs(&partner.url, &[]);
    let none = look(&acs, &line(), None, true, NOW, deadline()).await.unwrap();
    assert!(none.found.is_none(), "it dials in as somebody else");
    assert_eq!(acs.nbi.device("asked", deadline()).await.unwrap(), None, "an answer to another question");
}
