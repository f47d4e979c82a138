use proptest::prelude::*;
use serde_json::json;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);
const FRESHNESS: Freshness = Freshness { default_interval_s: 300 };

fn leaf(value: impl Into<Value>) -> Value {
    json!({"_object": false, "_writable": false, "_value": value.into(), "_type": "xsd:string", "_timestamp": "2026-11-23T02:55:00Z"})
}

/// A device with these values at these paths.
fn device(values: &[(&str, Value)]) -> Value {
    let mut device = json!({"_id": "00259E-HG8245H-1", "_lastInform": "2026-11-23T02:58:00Z"});
    for (path, value) in values {
        let mut node = &mut device;
        for name in path.split('.') {
            node = node.as_object_mut().unwrap().entry(name).or_insert_with(|| json!({}));
        }
        *node = if path.starts_with('_') { value.clone() } else { leaf(value.clone()) };
    }
    device
}

fn read(values: &[(&str, Value)]) -> Reading {
    Reading::of(&device(values), &Names::default(), "budi@isp", NOW).unwrap()
}

const WAN: &str = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice";

#[test]
fn ppp_username_decides_whatever_other_names_say() {
    let others =
        [("VirtualParameters.pppoeUsername", json!("budi@isp")), ("VirtualParameters.pppoeIP", json!("10.1.1.2"))];
    let with = |value: Value| {
        let reading = read(&[others.as_slice(), &[("VirtualParameters.pppUsername", value)]].concat());
        let pppoe = reading.pppoe.unwrap();
        (pppoe.session, pppoe.username, pppoe.ip.map(|ip| ip.value))
    };
    for empty in [json!(""), json!(" "), json!("N/A"), json!("-"), Value::Null] {
        assert_eq!(with(empty.clone()), (PppoeSession::Down, None, None), "{empty}");
    }
    assert_eq!(with(json!("budi@isp")), (PppoeSession::Up, Some("budi@isp".to_owned()), Some("10.1.1.2".to_owned())));
}

#[test]
fn without_ppp_username_the_other_names_are_tried_in_turn() {
    let session =
        |values: &[(&str, Value)]| read(values).pppoe.map(|pppoe| (pppoe.session, pppoe.username.unwrap_or_default()));
    assert_eq!(
        session(&[("VirtualParameters.pppoeUsername2", json!("budi@isp"))]),
        Some((PppoeSession::Up, "budi@isp".to_owned()))
    );
    let at = |n: u8, leaf: &str| format!("{WAN}.{n}.WANPPPConnection.1.{leaf}");
    let (management, internet) = (at(1, "Username"), at(4, "Username"));
    let (status, ip_1, ip_4) = (at(4, "ConnectionStatus"), at(1, "ExternalIPAddress"), at(4, "ExternalIPAddress"));
    let two = |word: &str| {
        let reading = read(&[
            (management.as_str(), json!("tr069@isp")),
            (ip_1.as_str(), json!("172.16.0.9")),
            (internet.as_str(), json!("budi@isp")),
            (status.as_str(), json!(word)),
            (ip_4.as_str(), json!("10.1.1.2")),
        ]);
        let pppoe = reading.pppoe.unwrap();
        (pppoe.session, pppoe.username.unwrap(), pppoe.ip.map(|ip| ip.value))
    };
    assert_eq!(two("Connected"), (PppoeSession::Up, "budi@isp".to_owned(), Some("10.1.1.2".to_owned())));
    assert_eq!(two("Disconnected"), (PppoeSession::Down, "budi@isp".to_owned(), None));
    assert_eq!(
        session(&[("Device.PPP.Interface.1.Username", json!("budi@isp"))]),
        Some((PppoeSession::Up, "budi@isp".to_owned()))
    );
    assert_eq!(session(&[]), None);
    // A script that was never run leaves no value: it says nothing.
    let mut never = device(&[("VirtualParameters.pppoeUser", json!("budi@isp"))]);
    never["VirtualParameters"]["pppUsername"] = json!({"_object": false, "_writable": false});
    assert_eq!(
        Reading::of(&never, &Names::default(), "budi@isp", NOW).unwrap().pppoe.unwrap().session,
        PppoeSession::Up
    );
}

#[test]
fn the_first_candidate_that_can_be_wins_and_is_noted() {
    let reading = read(&[
        ("VirtualParameters.RXPower", json!("N/A")),
        ("VirtualParameters.redaman", json!("-400")),
        ("InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower", json!(56)),
        ("VirtualParameters.gettemp", json!("48 C")),
        ("VirtualParameters.getdeviceuptime", json!("3d 04:12:10")),
        ("VirtualParameters.activedevices", json!("5")),
        ("_deviceId._Manufacturer", json!("Huawei")),
        ("_deviceId._ProductClass", json!("HG8245H")),
        ("_deviceId._SerialNumber", json!("48575443A1B2C3D4")),
    ]);
    assert_eq!(reading.rx_dbm, Some(Measured { value: -22.52, read_at: Some(datetime!(2026-11-23 02:55 UTC)) }));
    assert_eq!(reading.won[&Meaning::RxPower], "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower");
    assert_eq!(
        (reading.celsius.unwrap().value, reading.uptime_s.unwrap().value, reading.clients.unwrap().value),
        (48.0, 274_330, 5)
    );
    let shown = (reading.manufacturer.as_deref(), reading.model.as_deref(), reading.serial.as_deref());
    assert_eq!(shown, (Some("Huawei"), Some("HG8245H"), Some("48575443A1B2C3D4")));
}

#[test]
fn networks_are_listed_and_their_devices_added_up() {
    let wlan = |n: u8, leaf: &str| format!("InternetGatewayDevice.LANDevice.1.WLANConfiguration.{n}.{leaf}");
    let (ssid_1, on_1, clients_1) = (wlan(1, "SSID"), wlan(1, "Enable"), wlan(1, "TotalAssociations"));
    let (ssid_5, on_5, clients_5) = (wlan(5, "SSID"), wlan(5, "Enable"), wlan(5, "TotalAssociations"));
    let reading = read(&[
        (&ssid_1, json!("Rumah Budi")),
        (&on_1, json!(true)),
        (&clients_1, json!(3)),
        (&ssid_5, json!("Rumah Budi 5G")),
        (&on_5, json!("0")),
        (&clients_5, json!("2")),
    ]);
    let networks: Vec<_> = reading.wifi.iter().map(|network| (network.ssid.value.as_str(), network.enabled)).collect();
    assert_eq!(networks, [("Rumah Budi", Some(true)), ("Rumah Budi 5G", Some(false))]);
    assert_eq!(reading.clients.unwrap().value, 5);
    let named = read(&[("VirtualParameters.getSSID", json!("Rumah Budi"))]);
    assert_eq!((named.wifi.len(), named.wifi[0].enabled), (1, None));
}

#[test]
fn a_device_is_online_as_long_as_its_own_interval_allows() {
    let silent_for = |seconds: i64, interval: Option<u32>| {
        let last_inform = Some(NOW - Duration::seconds(seconds));
        Reading { last_inform, interval_s: interval, ..read(&[]) }.is_online(FRESHNESS, NOW)
    };
    assert!(silent_for(0, None) && silent_for(660, None) && !silent_for(661, None));
    assert!(silent_for(260, Some(100)) && !silent_for(261, Some(100)));
    assert!(silent_for(86_400, Some(86_400)) && !silent_for(3 * 86_400, Some(86_400)));
    assert!(silent_for(-60, None), "the ACS's clock may be ahead");
    let never = Reading { last_inform: None, ..read(&[]) };
    assert!(!never.is_online(FRESHNESS, NOW));
    let far_ahead = device(&[("_lastInform", json!("2031-01-01T00:00:00Z"))]);
    assert_eq!(Reading::of(&far_ahead, &Names::default(), "", NOW).unwrap().last_inform, None);
}

#[test]
fn the_interval_is_the_devices_own_if_it_can_be() {
    let path = "InternetGatewayDevice.ManagementServer.PeriodicInformInterval";
    assert_eq!(read(&[(path, json!(100))]).interval_s, Some(100));
    assert_eq!(read(&[(path, json!("0"))]).interval_s, None);
    assert_eq!(read(&[]).interval(FRESHNESS), Duration::seconds(300));
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z_.]{0,12}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_breaks_the_reader(value in any_json()) {
        let _ = Reading::of(&value, &Names::default(), "budi@isp", NOW);
    }

    #[test]
    fn no_value_at_a_known_place_breaks_the_reader(values in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..12), raw in any::<bool>()) {
        let paths = Names::default().projection();
        let mut device = json!({"_id": "x"});
        for (index, value) in values {
            let mut node = &mut device;
            for name in paths[index.index(paths.len())].split('.') {
                if !node.is_object() {
                    *node = json!({});
                }
                node = node.as_object_mut().unwrap().entry(name).or_insert_with(|| json!({}));
            }
            *node = if raw { value } else { leaf(value) };
        }
        if let Some(reading) = Reading::of(&device, &Names::default(), "budi@isp", NOW) {
            let kept: Reading = serde_json::from_str(&serde_json::to_string(&reading).unwrap()).unwrap();
            prop_assert_eq!(kept, reading);
        }
    }
}
