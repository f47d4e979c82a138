//! Under which names a value can stand. Virtual parameters are scripts that every provider names as it likes, and
//! vendors put the same value at different places, so each meaning has a list of candidates: the first that says
//! something wins.
//!
//! The defaults are the names that Indonesian providers share, then TR-098, then TR-181. No name of a password is among
//! them, and none is ever asked for ([`is_secret`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The customer's rule: if this virtual parameter exists, it alone says whether the PPPoE session is up.
pub const PPP_USERNAME: &str = "VirtualParameters.pppUsername";
/// Where virtual parameters stand.
pub const VIRTUAL: &str = "VirtualParameters";

/// VLAN plans put the Internet connection into any of these (TR-098).
const WAN_CONNECTIONS: std::ops::RangeInclusive<u8> = 1..=8;
const PPP_INTERFACES: std::ops::RangeInclusive<u8> = 1..=2;
/// 2.4 GHz begins at 1, 5 GHz at 5, seldom at 2 or 3.
const WLANS: std::ops::RangeInclusive<u8> = 1..=8;
const WIFI_SSIDS: std::ops::RangeInclusive<u8> = 1..=4;
/// Candidates that a list may hold, and characters by which all lists together may grow: a request has to fit a proxy's
/// line limit.
const MOST_CANDIDATES: usize = 12;
const LONGEST_PATH: usize = 120;
const LISTS_MAY_GROW: usize = 800;

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Meaning {
    /// PPPoE user name.
    PppoeUsername,
    /// Address of the PPPoE session.
    PppoeIp,
    /// Received optical power.
    RxPower,
    /// Temperature of the modem or its optical module.
    Temperature,
    /// Since the modem started.
    Uptime,
    /// Devices that use the WiFi.
    ConnectedDevices,
    /// Serial number.
    SerialNumber,
    /// Model.
    Model,
    /// A WiFi name, where the list of networks cannot be had.
    Ssid,
    /// How often the modem reports.
    InformInterval,
}

impl Meaning {
    pub const ALL: [Self; 10] = [
        Self::PppoeUsername,
        Self::PppoeIp,
        Self::RxPower,
        Self::Temperature,
        Self::Uptime,
        Self::ConnectedDevices,
        Self::SerialNumber,
        Self::Model,
        Self::Ssid,
        Self::InformInterval,
    ];

    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::PppoeUsername => "PPPoE user",
            Self::PppoeIp => "PPPoE IP",
            Self::RxPower => "RX power",
            Self::Temperature => "temperature",
            Self::Uptime => "uptime",
            Self::ConnectedDevices => "connected devices",
            Self::SerialNumber => "serial number",
            Self::Model => "model",
            Self::Ssid => "WiFi name",
            Self::InformInterval => "inform interval",
        }
    }

    const fn defaults(self) -> &'static [&'static str] {
        match self {
            Self::PppoeUsername => {
                &["VirtualParameters.pppoeUsername", "VirtualParameters.pppoeUsername2", "VirtualParameters.pppoeUser"]
            }
            Self::PppoeIp => &["VirtualParameters.pppoeIP", "VirtualParameters.pppIP"],
            Self::RxPower => &[
                "VirtualParameters.RXPower",
                "VirtualParameters.redaman",
                "VirtualParameters.rxPower",
                "VirtualParameters.getRXPower",
                "InternetGatewayDevice.WANDevice.1.X_ZTE-COM_WANPONInterfaceConfig.RXPower",
                // The misspelling is Huawei's.
                "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower",
                "InternetGatewayDevice.WANDevice.1.X_FH_GponInterfaceConfig.RXPower",
                "InternetGatewayDevice.WANDevice.1.X_CMCC_GponInterfaceConfig.RXPower",
                "InternetGatewayDevice.WANDevice.1.X_CMCC_EponInterfaceConfig.RXPower",
                "InternetGatewayDevice.WANDevice.1.X_CT-COM_GponInterfaceConfig.RXPower",
                "InternetGatewayDevice.WANDevice.1.X_CT-COM_EponInterfaceConfig.RXPower",
                "InternetGatewayDevice.WANDevice.1.X_CU_WANEPONInterfaceConfig.OpticalTransceiver.RXPower",
                "Device.XPON.Interface.1.Stats.RXPower",
                "Device.Optical.Interface.1.OpticalSignalLevel",
            ],
            Self::Temperature => &[
                "VirtualParameters.gettemp",
                "InternetGatewayDevice.WANDevice.1.X_ZTE-COM_WANPONInterfaceConfig.TransceiverTemperature",
                "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.TransceiverTemperature",
                "InternetGatewayDevice.WANDevice.1.X_CMCC_GponInterfaceConfig.TransceiverTemperature",
                "InternetGatewayDevice.WANDevice.1.X_CT-COM_GponInterfaceConfig.TransceiverTemperature",
                "InternetGatewayDevice.WANDevice.1.X_CT-COM_EponInterfaceConfig.TransceiverTemperature",
                "Device.DeviceInfo.TemperatureStatus.TemperatureSensor.1.Value",
            ],
            Self::Uptime => &[
                "VirtualParameters.getdeviceuptime",
                "InternetGatewayDevice.DeviceInfo.UpTime",
                "Device.DeviceInfo.UpTime",
            ],
            Self::ConnectedDevices => &["VirtualParameters.activedevices", "VirtualParameters.userconnected"],
            Self::SerialNumber => {
                &["_deviceId._SerialNumber", "VirtualParameters.getSerialNumber", "VirtualParameters.SerialNumber"]
            }
            Self::Model => &[
                "InternetGatewayDevice.DeviceInfo.ModelName",
                "Device.DeviceInfo.ModelName",
                "_deviceId._ProductClass",
            ],
            Self::Ssid => &["VirtualParameters.getSSID", "VirtualParameters.SSID", "VirtualParameters.SSID_ALL"],
            Self::InformInterval => &[
                "InternetGatewayDevice.ManagementServer.PeriodicInformInterval",
                "Device.ManagementServer.PeriodicInformInterval",
            ],
        }
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(text.into()).ok()
    }
}

/// The places of one PPP connection.
pub(crate) struct Connection {
    pub(crate) username: String,
    pub(crate) ip: String,
    pub(crate) status: String,
}

/// The places of one WiFi network.
pub(crate) struct Wlan {
    pub(crate) ssid: String,
    pub(crate) enabled: String,
    pub(crate) clients: String,
}

/// Every PPP connection that a modem can have, in the order in which they are looked at.
pub(crate) fn connections() -> impl Iterator<Item = Connection> {
    let tr098 = WAN_CONNECTIONS.map(|n| {
        let at = format!("InternetGatewayDevice.WANDevice.1.WANConnectionDevice.{n}.WANPPPConnection.1");
        (format!("{at}.Username"), format!("{at}.ExternalIPAddress"), format!("{at}.ConnectionStatus"))
    });
    let tr181 = PPP_INTERFACES.map(|n| {
        let at = format!("Device.PPP.Interface.{n}");
        (format!("{at}.Username"), format!("{at}.IPCP.LocalIPAddress"), format!("{at}.ConnectionStatus"))
    });
    tr098.chain(tr181).map(|(username, ip, status)| Connection { username, ip, status })
}

/// Every WiFi network that a modem can have.
pub(crate) fn wlans() -> impl Iterator<Item = Wlan> {
    let tr098 = WLANS.map(|n| {
        let at = format!("InternetGatewayDevice.LANDevice.1.WLANConfiguration.{n}");
        Wlan { ssid: format!("{at}.SSID"), enabled: format!("{at}.Enable"), clients: format!("{at}.TotalAssociations") }
    });
    let tr181 = WIFI_SSIDS.map(|n| Wlan {
        ssid: format!("Device.WiFi.SSID.{n}.SSID"),
        enabled: format!("Device.WiFi.SSID.{n}.Enable"),
        clients: format!("Device.WiFi.AccessPoint.{n}.AssociatedDeviceNumberOfEntries"),
    });
    tr098.chain(tr181)
}

/// The lists of one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(BTreeMap<Meaning, Vec<String>>);

/// Why the row `paths` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadNames(String);

impl Default for Names {
    fn default() -> Self {
        Self(
            Meaning::ALL
                .into_iter()
                .map(|meaning| (meaning, meaning.defaults().iter().map(|path| (*path).to_owned()).collect()))
                .collect(),
        )
    }
}

impl Names {
    /// Reads the row `paths`: a JSON object of lists, such as `{"rxPower":["redaman"]}`. A name without a point is a
    /// virtual parameter. A meaning that is not named keeps its default.
    pub fn parse(text: &str) -> Result<Self, BadNames> {
        let bad = |problem: String| BadNames(problem);
        let lists: BTreeMap<String, Vec<String>> = serde_json::from_str(text)
            .map_err(|_| bad("type a JSON object of lists, such as {\"rxPower\":[\"redaman\"]}".to_owned()))?;
        let mut names = Self::default();
        for (meaning, list) in lists {
            let known =
                Meaning::parse(&meaning).ok_or_else(|| bad(format!("{meaning:?} is not one of {}", meanings())))?;
            if list.is_empty() || list.len() > MOST_CANDIDATES {
                return Err(bad(format!("{meaning} needs 1 to {MOST_CANDIDATES} names")));
            }
            let list: Option<Vec<String>> = list.iter().map(|name| path(name.trim())).collect();
            let list =
                list.ok_or_else(|| bad(format!("{meaning} holds a name that is none, or that of a password")))?;
            names.0.insert(known, list);
        }
        if names.length() > LISTS_MAY_GROW.saturating_add(Self::default().length()) {
            return Err(bad("the lists are too long for one request".to_owned()));
        }
        Ok(names)
    }

    fn length(&self) -> usize {
        self.0.values().flatten().map(String::len).sum()
    }

    /// The candidates of a meaning, best first. Those of the PPPoE user name come after [`PPP_USERNAME`].
    pub fn of(&self, meaning: Meaning) -> impl Iterator<Item = &str> {
        self.0.get(&meaning).into_iter().flatten().map(String::as_str)
    }

    /// Every value that is shown, each once, ready for `projection`.
    pub(crate) fn projection(&self) -> Vec<String> {
        let mut paths = self.identity();
        paths.extend(self.0.values().flatten().cloned());
        paths.extend(connections().flat_map(|at| [at.ip, at.status]));
        paths.extend(wlans().flat_map(|at| [at.ssid, at.enabled, at.clients]));
        once_each(paths)
    }

    /// What tells whose a device is, and whether it is online.
    pub(crate) fn identity(&self) -> Vec<String> {
        let mut paths: Vec<String> = ["_id", "_deviceId", "_lastInform", "_tags"].map(str::to_owned).into();
        paths.extend(self.username_paths());
        paths.extend(self.serial_paths().chain(self.of(Meaning::InformInterval)).map(str::to_owned));
        once_each(paths)
    }

    /// Where a PPPoE user name is looked up: the virtual parameters, then the vendors' places.
    pub(crate) fn username_paths(&self) -> Vec<String> {
        let named = std::iter::once(PPP_USERNAME).chain(self.of(Meaning::PppoeUsername)).map(str::to_owned);
        named.chain(connections().map(|at| at.username)).collect()
    }

    /// Where a serial number is looked up.
    pub(crate) fn serial_paths(&self) -> impl Iterator<Item = &str> {
        self.of(Meaning::SerialNumber)
    }
}

/// MongoDB refuses a field beside the object that it is in, so `_deviceId` stands for all that is in it.
fn once_each(mut paths: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    paths.retain(|path| !path.starts_with("_deviceId.") && seen.insert(path.clone()));
    paths
}

fn meanings() -> String {
    let names =
        Meaning::ALL.into_iter().filter_map(|meaning| serde_json::to_value(meaning).ok()?.as_str().map(str::to_owned));
    names.collect::<Vec<_>>().join(", ")
}

fn path(name: &str) -> Option<String> {
    let path = if name.contains('.') { name.to_owned() } else { format!("{VIRTUAL}.{name}") };
    let segment =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    (path.len() <= LONGEST_PATH && path.split('.').all(segment) && !is_secret(&path)).then_some(path)
}

/// Does a name look like that of a password or key?
#[must_use]
pub fn is_secret(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    ["password", "passphrase", "presharedkey", "wepkey", "secret"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_ever_asked_for_and_no_path_holds_another() {
        let paths = Names::default().projection();
        assert!(paths.iter().all(|path| !is_secret(path)), "{paths:?}");
        for path in &paths {
            let inside = |other: &&String| other.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'));
            assert_eq!(paths.iter().find(inside), None, "MongoDB refuses {path} beside what is in it");
        }
    }

    #[test]
    fn the_lists_can_be_replaced_one_by_one() {
        let names = Names::parse(r#"{"rxPower":["redamanku","InternetGatewayDevice.X_Y.RXPower"]}"#).unwrap();
        assert_eq!(
            names.of(Meaning::RxPower).collect::<Vec<_>>(),
            ["VirtualParameters.redamanku", "InternetGatewayDevice.X_Y.RXPower"]
        );
        assert_eq!(names.of(Meaning::Uptime).next(), Some("VirtualParameters.getdeviceuptime"));
        assert!(names.username_paths().starts_with(&[PPP_USERNAME.to_owned()]));
    }

    #[test]
    fn what_is_no_list_of_names_is_refused_with_the_reason() {
        for (text, reason) in [
            ("no", "type a JSON object"),
            (r#"{"rx":["a"]}"#, "not one of pppoeUsername"),
            (r#"{"rxPower":[]}"#, "needs 1 to"),
            (r#"{"rxPower":["a,b"]}"#, "is none"),
            (r#"{"ssid":["WlanPassword"]}"#, "password"),
            (r#"{"ssid":["a..b"]}"#, "is none"),
        ] {
            let error = Names::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
