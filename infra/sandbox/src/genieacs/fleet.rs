//! The modems of the demo's customers: four vendors and more, each with something that real fleets have.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::device::{Behaviour, Device, leaf, set};
use crate::core::utc_time;

/// What is particular to one modem.
struct Plan {
    /// OUI, product class, serial number: together the id.
    id: (&'static str, &'static str, &'static str),
    manufacturer: &'static str,
    behaviour: Behaviour,
    silent_for: Duration,
    tags: &'static [&'static str],
    values: Vec<(&'static str, Value)>,
}

impl Plan {
    fn online(id: (&'static str, &'static str, &'static str), manufacturer: &'static str) -> Self {
        Self {
            id,
            manufacturer,
            behaviour: Behaviour::Online,
            silent_for: Duration::seconds(40),
            tags: &[],
            values: Vec::new(),
        }
    }

    fn with(mut self, values: Vec<(&'static str, Value)>) -> Self {
        self.values.extend(values);
        self
    }

    fn tagged(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }

    fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    fn silent_for(self, silent_for: Duration) -> Self {
        Self { silent_for, behaviour: Behaviour::Offline, ..self }
    }

    fn build(self, now: OffsetDateTime) -> Device {
        let (oui, product, serial) = self.id;
        let last_inform = now.saturating_sub(self.silent_for);
        let encoded = product.replace('-', "%2D");
        let tags: Vec<Value> = self.tags.iter().map(|tag| Value::from(*tag)).collect();
        let mut document = json!({
            "_id": format!("{oui}-{encoded}-{serial}"),
            "_deviceId": {"_Manufacturer": self.manufacturer, "_OUI": oui, "_ProductClass": product, "_SerialNumber": serial},
            "_registered": utc_time(now.saturating_sub(Duration::days(200))),
            "_lastBoot": utc_time(now.saturating_sub(Duration::days(3))),
            "_lastInform": utc_time(last_inform),
            "_tags": tags,
        });
        for (path, value) in self.values {
            set(&mut document, path, &leaf(&value, last_inform));
        }
        Device { document, behaviour: self.behaviour, interval_s: 300, last_inform }
    }
}

const INTERVAL: &str = "InternetGatewayDevice.ManagementServer.PeriodicInformInterval";

/// The virtual parameters that shared configurations bring along; passwords included, which nobody should ask for.
fn starter_pack(username: &str, ip: &str, rx: &str, ssid: &str) -> Vec<(&'static str, Value)> {
    vec![
        (INTERVAL, json!(300)),
        ("VirtualParameters.pppUsername", json!(username)),
        ("VirtualParameters.pppoeUsername", json!(username)),
        ("VirtualParameters.pppoePassword", json!("sandbox-ppp-password")),
        ("VirtualParameters.pppoeIP", json!(ip)),
        ("VirtualParameters.IPTR069", json!("172.16.4.9")),
        ("VirtualParameters.RXPower", json!(rx)),
        ("VirtualParameters.gettemp", json!("47")),
        ("VirtualParameters.getdeviceuptime", json!("12d 06:30:05")),
        ("VirtualParameters.getpppuptime", json!("0d 08:46:43")),
        ("VirtualParameters.activedevices", json!("6")),
        ("VirtualParameters.getponmode", json!("GPON")),
        ("VirtualParameters.getSSID", json!(ssid)),
        ("VirtualParameters.WlanPassword", json!("sandbox-wifi-password")),
    ]
}

/// One network of 2.4 GHz and one of 5 GHz, with their keys.
fn wlans(ssid: &str, clients: (u32, u32), five: bool) -> Vec<(&'static str, Value)> {
    vec![
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID", json!(ssid)),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Enable", json!(true)),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.TotalAssociations", json!(clients.0)),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.KeyPassphrase", json!("sandbox-wifi-password")),
        (
            "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.PreSharedKey",
            json!("sandbox-wifi-password"),
        ),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.5.SSID", json!(format!("{ssid} 5G"))),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.5.Enable", json!(five)),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.5.TotalAssociations", json!(clients.1)),
        ("InternetGatewayDevice.LANDevice.1.WLANConfiguration.5.KeyPassphrase", json!("sandbox-wifi-password")),
    ]
}

/// Every modem, in the order of the customers whom they belong to.
pub(super) fn fleet(now: OffsetDateTime) -> Vec<Device> {
    let plans = [well_configured(), troubled(), other_models(), shared_and_swapped(), by_hand()];
    plans.into_iter().flatten().map(|plan| plan.build(now)).collect()
}

/// c01 all virtual parameters, c02 few of them and raw optical power, c03 behind NAT with a weak signal.
fn well_configured() -> Vec<Plan> {
    vec![
        Plan::online(("00259E", "HG8245H", "4857544300000001"), "Huawei Technologies Co., Ltd")
            .with(starter_pack("budi@lunas", "10.10.1.21", "-19.52", "Rumah Budi"))
            .with(wlans("Rumah Budi", (4, 2), true)),
        Plan::online(("28FF3E", "F670L", "ZTEGC0000002"), "ZTE")
            .with(vec![
                (INTERVAL, json!(300)),
                ("VirtualParameters.pppUsername", json!("siti@lunas")),
                ("InternetGatewayDevice.DeviceInfo.ModelName", json!("F670L")),
                ("InternetGatewayDevice.DeviceInfo.UpTime", json!(31_603)),
                ("InternetGatewayDevice.WANDevice.1.X_ZTE-COM_WANPONInterfaceConfig.RXPower", json!(56)),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Username",
                    json!("siti@lunas"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Password",
                    json!("sandbox-ppp-password"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.ExternalIPAddress",
                    json!("10.10.1.22"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.ConnectionStatus",
                    json!("Connected"),
                ),
            ])
            .with(wlans("Siti", (3, 0), false)),
        Plan::online(("0838E6", "HG6145F", "FHTT00000003"), "FiberHome")
            .behaving(Behaviour::BehindNat)
            .with(starter_pack("agus@lunas", "10.10.1.23", "-26.10 dBm", "Agus"))
            .with(wlans("Agus", (1, 1), true)),
    ]
}

/// c04 offline for three hours, c05 slow, c06 known by its serial only and without a PPPoE session, whatever other
/// names say.
fn troubled() -> Vec<Plan> {
    let mut empty = starter_pack("rina@lunas", "10.10.1.26", "-21.30", "Rina");
    empty.retain(|(path, _)| *path != "VirtualParameters.pppUsername");
    vec![
        Plan::online(("00259E", "EG8141A5", "4857544300000004"), "Huawei Technologies Co., Ltd")
            .with(starter_pack("dewi@lunas", "10.10.1.24", "-20.87", "Dewi"))
            .with(wlans("Dewi", (2, 0), true))
            .silent_for(Duration::hours(3)),
        Plan::online(("28FF3E", "F609", "ZTEGC0000005"), "ZTE").behaving(Behaviour::Slow).with(starter_pack(
            "rudi@lunas",
            "10.10.1.25",
            "-22.01",
            "Rudi",
        )),
        Plan::online(("D0542D", "G-1425G-A", "ALCLB0000006"), "ALCL")
            .with(empty)
            .with(vec![("VirtualParameters.pppUsername", json!(""))])
            .with(wlans("Rina", (0, 0), false)),
    ]
}

/// c07 a modem of the newer data model, without a session: its subscription has ended.
fn other_models() -> Vec<Plan> {
    vec![Plan::online(("D8F12E", "XX530v", "2234567000007"), "TP-Link").with(vec![
        ("Device.ManagementServer.PeriodicInformInterval", json!(300)),
        ("Device.DeviceInfo.ModelName", json!("XX530v")),
        ("Device.DeviceInfo.UpTime", json!(90_061)),
        ("Device.DeviceInfo.TemperatureStatus.TemperatureSensor.1.Value", json!(51)),
        ("Device.Optical.Interface.1.OpticalSignalLevel", json!("-18.2")),
        ("Device.PPP.Interface.1.Username", json!("joko@lunas")),
        ("Device.PPP.Interface.1.Password", json!("sandbox-ppp-password")),
        ("Device.PPP.Interface.1.ConnectionStatus", json!("Disconnected")),
        ("Device.PPP.Interface.1.IPCP.LocalIPAddress", json!("0.0.0.0")),
        ("Device.WiFi.SSID.1.SSID", json!("Joko")),
        ("Device.WiFi.SSID.1.Enable", json!(true)),
        ("Device.WiFi.AccessPoint.1.AssociatedDeviceNumberOfEntries", json!(4)),
        ("Device.WiFi.AccessPoint.1.Security.KeyPassphrase", json!("sandbox-wifi-password")),
        ("Device.WiFi.SSID.2.SSID", json!("Joko 5G")),
        ("Device.WiFi.SSID.2.Enable", json!(true)),
        ("Device.WiFi.AccessPoint.2.AssociatedDeviceNumberOfEntries", json!(1)),
    ])]
}

/// c08 and c09 two lines under one phone, both tagged with it; c10 a modem that was swapped, the old one still on
/// record.
fn shared_and_swapped() -> Vec<Plan> {
    vec![
        Plan::online(("0838E6", "HG6243C", "FHTT00000008"), "FiberHome")
            .tagged(&["081200000008"])
            .with(vec![
                (INTERVAL, json!(100)),
                ("InternetGatewayDevice.WANDevice.1.X_FH_GponInterfaceConfig.RXPower", json!("-23.4")),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Username",
                    json!("tr069@lunas"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.ExternalIPAddress",
                    json!("172.16.4.18"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.3.WANPPPConnection.1.Username",
                    json!("maya-rumah@lunas"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.3.WANPPPConnection.1.ExternalIPAddress",
                    json!("10.10.1.28"),
                ),
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.3.WANPPPConnection.1.ConnectionStatus",
                    json!("Connected"),
                ),
            ])
            .with(wlans("Maya", (5, 3), true)),
        Plan::online(("00259E", "HG8245A", "4857544300000009"), "Huawei Technologies Co., Ltd")
            .tagged(&["081200000008", "warung"])
            .with(starter_pack("maya-warung@lunas", "10.10.1.29", "-24.95", "Warung Maya")),
        Plan::online(("28FF3E", "F660", "ZTEGC0000010"), "ZTE")
            .with(starter_pack("andi@lunas", "10.10.1.30", "-27.80", "Andi"))
            .silent_for(Duration::days(5)),
        Plan::online(("00259E", "HG8245H5", "48575443000000A0"), "Huawei Technologies Co., Ltd").with(starter_pack(
            "andi@lunas",
            "10.10.1.31",
            "-20.10",
            "Andi",
        )),
    ]
}

/// c11 known by a tag only, with a bad signal in the module's own numbers; c12 with values as scripts write them.
fn by_hand() -> Vec<Plan> {
    let mut human = starter_pack("eko@lunas", "10.10.1.32", "N/A", "Eko");
    human.retain(|(path, _)| !matches!(*path, "VirtualParameters.gettemp" | "VirtualParameters.getdeviceuptime"));
    vec![
        Plan::online(("8CE748", "GM220-S", "CMDCA0000011"), "CMDC")
            .tagged(&["+6281200000011"])
            .with(vec![
                (INTERVAL, json!(300)),
                ("InternetGatewayDevice.DeviceInfo.UpTime", json!(604_800)),
                ("InternetGatewayDevice.WANDevice.1.X_CMCC_GponInterfaceConfig.RXPower", json!(14)),
                ("InternetGatewayDevice.WANDevice.1.X_CMCC_GponInterfaceConfig.TransceiverTemperature", json!(13_312)),
            ])
            .with(wlans("Wati", (2, 1), true)),
        Plan::online(("0838E6", "HG6145D2", "FHTT00000012"), "FiberHome").with(human).with(vec![
            ("VirtualParameters.redaman", json!("-22.50 dBm")),
            ("VirtualParameters.gettemp", json!("48 C")),
            ("VirtualParameters.getdeviceuptime", json!("3d 04:12:10")),
        ]),
    ]
}
