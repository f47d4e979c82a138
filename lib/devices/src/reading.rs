//! What a device says, out of whatever JSON GenieACS answered. Pure; nothing in it can fail, only be absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

pub use crate::document::Measured;
use crate::document::{Document, says_nothing};
use crate::formats;
use crate::names::{Meaning, Names, PPP_USERNAME, connections, wlans};

/// An instant of GenieACS's clock that lies further ahead is not believed.
const CLOCK_SKEW: Duration = Duration::days(1);
/// On top of twice the interval (one report may get lost): reports come late when many modems start at once.
const SLACK: Duration = Duration::seconds(60);
/// WiFi networks kept.
const MOST_NETWORKS: usize = 8;

/// How long a silence is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The interval of devices that do not tell theirs, in seconds.
    pub default_interval_s: u32,
}

/// Is the PPPoE session up, as far as the device says?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PppoeSession {
    /// It is.
    Up,
    /// It is not.
    Down,
}

/// The PPPoE session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pppoe {
    pub session: PppoeSession,
    pub username: Option<String>,
    pub ip: Option<Measured<String>>,
    /// When the device told what decides.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub read_at: Option<OffsetDateTime>,
}

/// A WiFi network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    pub ssid: Measured<String>,
    /// Switched on; `None` = not told.
    pub enabled: Option<bool>,
}

/// What a device said last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub device_id: String,
    /// When it last reported.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_inform: Option<OffsetDateTime>,
    /// How often it reports, in seconds.
    pub interval_s: Option<u32>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub serial: Option<String>,
    /// The PPPoE session; `None` = nothing is said of it.
    pub pppoe: Option<Pppoe>,
    /// Received optical power, in dBm.
    pub rx_dbm: Option<Measured<f64>>,
    pub celsius: Option<Measured<f64>>,
    /// In seconds, at the time of reading.
    pub uptime_s: Option<Measured<u64>>,
    pub clients: Option<Measured<u32>>,
    pub wifi: Vec<Network>,
    pub won: BTreeMap<Meaning, String>,
}

impl Reading {
    /// Reads a device for the customer with that PPPoE user name. `None` if it has no id.
    #[must_use]
    pub fn of(device: &Value, names: &Names, username: &str, now: OffsetDateTime) -> Option<Self> {
        let mut reader = Reader { device: Document(device), names, won: BTreeMap::new() };
        let plain = |path: &str| Document(device).says(path).map(|found| found.value);
        let device_id = plain("_id")?;
        let text = |found: &String| Some(found.clone());
        let serial = reader.first(Meaning::SerialNumber, text).map(|found| found.value);
        let model = reader.first(Meaning::Model, text).map(|found| found.value);
        let interval_s =
            reader.first(Meaning::InformInterval, |text| formats::interval_seconds(text)).map(|found| found.value);
        let pppoe = reader.pppoe(username);
        let rx_dbm = reader.first(Meaning::RxPower, |text| formats::rx_dbm(text));
        let celsius = reader.first(Meaning::Temperature, |text| formats::celsius(text));
        let uptime_s = reader.first(Meaning::Uptime, |text| formats::uptime_seconds(text));
        let clients = reader.clients();
        let wifi = reader.wifi();
        Some(Self {
            device_id,
            last_inform: Document(device).instant("_lastInform").filter(|at| *at - now <= CLOCK_SKEW),
            interval_s,
            manufacturer: plain("_deviceId._Manufacturer"),
            model,
            serial,
            pppoe,
            rx_dbm,
            celsius,
            uptime_s,
            clients,
            wifi,
            won: reader.won,
        })
    }

    /// How often it reports, as far as known.
    #[must_use]
    pub fn interval(&self, freshness: Freshness) -> Duration {
        Duration::seconds(self.interval_s.unwrap_or(freshness.default_interval_s).into())
    }

    #[must_use]
    pub fn patience(&self, freshness: Freshness) -> Duration {
        self.interval(freshness).saturating_mul(2).saturating_add(SLACK)
    }

    /// Has it informed as lately as its interval allows? One that never did has not.
    #[must_use]
    pub fn is_online(&self, freshness: Freshness, now: OffsetDateTime) -> bool {
        self.last_inform.is_some_and(|at| now - at <= self.patience(freshness))
    }
}

/// Notes which candidates won.
struct Reader<'a> {
    device: Document<'a>,
    names: &'a Names,
    won: BTreeMap<Meaning, String>,
}

impl Reader<'_> {
    /// The first candidate of a meaning that says something that can be.
    fn first<T>(&mut self, meaning: Meaning, read: impl Fn(&String) -> Option<T>) -> Option<Measured<T>> {
        for path in self.names.of(meaning) {
            if let Some(found) = self.device.says(path).and_then(|found| found.parse(&read)) {
                self.won.insert(meaning, path.to_owned());
                return Some(found);
            }
        }
        None
    }

    /// The customer's rule: `pppUsername` first, and if it exists it decides. Without it the other names do; a
    /// connection that tells its own status is believed.
    fn pppoe(&mut self, customer: &str) -> Option<Pppoe> {
        if let Some(found) = self.device.text(PPP_USERNAME) {
            self.won.insert(Meaning::PppoeUsername, PPP_USERNAME.to_owned());
            let username = Some(found.value).filter(|text| !says_nothing(text));
            let session = if username.is_some() { PppoeSession::Up } else { PppoeSession::Down };
            let of = username.as_deref().unwrap_or(customer);
            let ip = if session == PppoeSession::Up { self.ip(of) } else { None };
            return Some(Pppoe { session, username, ip, read_at: found.read_at });
        }
        if let Some(found) = self.first(Meaning::PppoeUsername, |text| Some(text.clone())) {
            let ip = self.ip(&found.value);
            return Some(Pppoe { session: PppoeSession::Up, username: Some(found.value), ip, read_at: found.read_at });
        }
        let known = connections().filter_map(|at| Some((self.device.says(&at.username)?, at)));
        let mut known: Vec<_> = known.collect();
        // Management connections come first in some plans; the customer's own is the one that counts.
        known.sort_by_key(|(found, _)| found.value != customer);
        let (found, at) = known.into_iter().next()?;
        let status = self.device.says(&at.status);
        let up = status.as_ref().is_none_or(|status| status.value.eq_ignore_ascii_case("connected"));
        let session = if up { PppoeSession::Up } else { PppoeSession::Down };
        let ip = if up { self.ip(&found.value) } else { None };
        let read_at = status.map_or(found.read_at, |status| status.read_at);
        self.won.insert(Meaning::PppoeUsername, at.username);
        Some(Pppoe { session, username: Some(found.value), ip, read_at })
    }

    /// The address of the session of `username`.
    fn ip(&mut self, username: &str) -> Option<Measured<String>> {
        let address = |text: &String| formats::ip(text).map(|ip| ip.to_string());
        if let Some(found) = self.first(Meaning::PppoeIp, address) {
            return Some(found);
        }
        let mut fallback = None;
        for at in connections() {
            let Some(found) = self.device.says(&at.ip).and_then(|found| found.parse(address)) else { continue };
            let whose = self.device.says(&at.username);
            if whose.is_some_and(|whose| whose.value == username) {
                self.won.insert(Meaning::PppoeIp, at.ip);
                return Some(found);
            }
            fallback.get_or_insert((found, at.ip));
        }
        let (found, path) = fallback?;
        self.won.insert(Meaning::PppoeIp, path);
        Some(found)
    }

    /// Told as one number, or added up over the networks; as old as the oldest of them.
    fn clients(&mut self) -> Option<Measured<u32>> {
        if let Some(found) = self.first(Meaning::ConnectedDevices, |text| formats::count(text)) {
            return Some(found);
        }
        let mut sum: Option<Measured<u32>> = None;
        for at in wlans() {
            let Some(found) = self.device.says(&at.clients).and_then(|found| found.parse(|text| formats::count(text)))
            else {
                continue;
            };
            self.won.entry(Meaning::ConnectedDevices).or_insert(at.clients);
            sum = Some(match sum {
                None => found,
                Some(sum) => {
                    Measured { value: sum.value.saturating_add(found.value), read_at: sum.read_at.min(found.read_at) }
                }
            });
        }
        sum
    }

    fn wifi(&mut self) -> Vec<Network> {
        let mut networks = Vec::new();
        for at in wlans() {
            let Some(ssid) = self.device.says(&at.ssid).and_then(|found| found.parse(|text| formats::ssid(text)))
            else {
                continue;
            };
            let enabled = self.device.says(&at.enabled).and_then(|found| formats::switch(&found.value));
            self.won.entry(Meaning::Ssid).or_insert(at.ssid);
            networks.push(Network { ssid, enabled });
        }
        networks.truncate(MOST_NETWORKS);
        if networks.is_empty() {
            networks.extend(
                self.first(Meaning::Ssid, |text| formats::ssid(text)).map(|ssid| Network { ssid, enabled: None }),
            );
        }
        networks
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
