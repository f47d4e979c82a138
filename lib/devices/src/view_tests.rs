use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::reading::Network;

const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);

fn minutes_ago(minutes: i64) -> OffsetDateTime {
    NOW - Duration::minutes(minutes)
}

fn reading(informed_minutes_ago: i64) -> Reading {
    let read_at = Some(minutes_ago(informed_minutes_ago));
    Reading {
        device_id: "00259E-HG8245H-1".to_owned(),
        last_inform: read_at,
        interval_s: Some(300),
        manufacturer: Some("Huawei".to_owned()),
        model: Some("HG8245H".to_owned()),
        serial: Some("48575443A1B2C3D4".to_owned()),
        pppoe: Some(Pppoe {
            session: PppoeSession::Up,
            username: Some("budi@isp".to_owned()),
            ip: Some(Measured { value: "10.1.1.2".to_owned(), read_at }),
            read_at,
        }),
        rx_dbm: Some(Measured { value: -26.1, read_at }),
        celsius: Some(Measured { value: 48.0, read_at }),
        uptime_s: Some(Measured { value: 274_330, read_at }),
        clients: Some(Measured { value: 5, read_at }),
        wifi: vec![Network { ssid: Measured { value: "Rumah <Budi>".to_owned(), read_at }, enabled: Some(true) }],
        won: BTreeMap::new(),
    }
}

fn view(reading: &Reading, stale: bool, language: Language) -> Value {
    let freshness = Freshness { default_interval_s: 300 };
    serde_json::to_value(DeviceView::of(
        reading,
        Frame { asked_at: minutes_ago(2), stale, freshness, language, now: NOW },
    ))
    .unwrap()
}

#[test]
fn a_device_is_answered_as_specified() {
    let at = "2026-11-23T02:58:00Z";
    let expected = json!({
        "status": "online", "statusText": "Online", "lastInform": at, "manufacturer": "Huawei", "model": "HG8245H",
        "serialNumber": "48575443A1B2C3D4",
        "pppoe": {
            "status": "connected", "text": "Connected", "username": "budi@isp", "ip": "10.1.1.2",
            "readAt": at, "ageText": "2 menit lalu", "ipReadAt": at, "ipAgeText": "2 menit lalu",
        },
        "rxPower": {
            "dbm": -26.1, "level": "lemah", "text": "-26,1 dBm", "levelText": "Lemah",
            "help": "Sinyal optik melemah; pastikan kabel fiber tidak tertekuk atau terjepit, dan hubungi kami bila Internet terasa lambat.",
            "readAt": at, "ageText": "2 menit lalu",
        },
        "temperatureC": {"value": 48.0, "text": "48 °C", "readAt": at, "ageText": "2 menit lalu"},
        "uptimeSeconds": {"value": 274_330, "text": "3 hari 4 jam", "readAt": at, "ageText": "2 menit lalu"},
        "connectedDevices": {"value": 5, "text": "5 perangkat", "readAt": at, "ageText": "2 menit lalu"},
        "wifi": [{"ssid": "Rumah <Budi>", "enabled": true, "text": "Aktif", "readAt": at, "ageText": "2 menit lalu"}],
        "stale": false, "askedAt": at, "staleText": null,
    });
    assert_eq!(view(&reading(2), false, Language::Indonesian), expected);
}

#[test]
fn a_dead_modem_never_looks_connected() {
    let shown = view(&reading(180), false, Language::Indonesian);
    assert_eq!(shown["statusText"], "Offline (terakhir terlihat 3 jam lalu)");
    let pppoe = &shown["pppoe"];
    assert_eq!(
        (&pppoe["status"], &pppoe["text"], &pppoe["ip"]),
        (&json!("disconnected"), &json!("Disconnected (data dari 3 jam lalu)"), &json!(null))
    );
    assert!(shown["rxPower"]["help"].as_str().unwrap().starts_with("Modem sedang offline"), "{shown}");
    let english = view(&reading(180), true, Language::English);
    assert_eq!(
        (&english["pppoe"]["text"], &english["staleText"]),
        (&json!("Disconnected (data from 3 hours ago)"), &json!("data from 2 minutes ago"))
    );
    let never = Reading { last_inform: None, pppoe: None, ..reading(180) };
    let shown = view(&never, false, Language::Indonesian);
    assert_eq!(
        (&shown["statusText"], &shown["pppoe"]["status"], &shown["pppoe"]["text"]),
        (&json!("Offline"), &json!("disconnected"), &json!("Disconnected"))
    );
}

#[test]
fn a_modem_that_says_nothing_of_pppoe_is_not_called_connected() {
    let silent = Reading { pppoe: None, ..reading(2) };
    let shown = view(&silent, false, Language::Indonesian);
    assert_eq!(
        (&shown["pppoe"]["status"], &shown["pppoe"]["text"]),
        (&json!("disconnected"), &json!("Disconnected (tidak dilaporkan modem)"))
    );
}

#[test]
fn an_old_word_and_an_acs_that_cannot_be_asked_are_told_with_their_age() {
    let mut old = reading(2);
    old.pppoe.as_mut().unwrap().read_at = Some(minutes_ago(3 * 60));
    assert_eq!(view(&old, false, Language::Indonesian)["pppoe"]["text"], "Connected (data dari 3 jam lalu)");
    let stale = view(&reading(3), true, Language::Indonesian);
    assert_eq!(
        (&stale["stale"], &stale["pppoe"]["text"]),
        (&json!(true), &json!("Connected (data dari 2 menit lalu)"))
    );
    assert_eq!(stale["staleText"], "data dari 2 menit lalu");
}

#[test]
fn what_is_not_known_is_null_and_never_a_zero() {
    let bare = Reading {
        rx_dbm: None,
        celsius: None,
        uptime_s: None,
        clients: None,
        wifi: Vec::new(),
        manufacturer: None,
        ..reading(2)
    };
    let shown = view(&bare, false, Language::Indonesian);
    for field in ["rxPower", "temperatureC", "uptimeSeconds", "connectedDevices", "manufacturer"] {
        assert!(shown[field].is_null(), "{field}");
    }
    assert_eq!(shown["wifi"], json!([]));
}
