//! What a customer is shown: the API's shape, with words beside the numbers.

use billing::{language::Language, zone::format};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::reading::{Freshness, Measured, Pppoe, PppoeSession, Reading};
use crate::words::{self, Level};

/// A value as old as this is shown with its age beside the word that it decides.
const OLD: Duration = Duration::hours(1);

/// A device as the API answers it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    /// `online` or `offline`: has it informed as lately as its interval allows?
    pub status: &'static str,
    pub status_text: String,
    pub last_inform: Option<String>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub serial_number: Option<String>,
    pub pppoe: PppoeView,
    pub rx_power: Option<RxPowerView>,
    pub temperature_c: Option<ValueView<f64>>,
    /// Seconds since the modem started, at the time of reading.
    pub uptime_seconds: Option<ValueView<u64>>,
    pub connected_devices: Option<ValueView<u32>>,
    pub wifi: Vec<NetworkView>,
    /// The ACS could not be asked now: this is what it answered last.
    pub stale: bool,
    pub asked_at: String,
    /// How long ago that was, if it could not be asked now.
    pub stale_text: Option<String>,
}

/// The PPPoE session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PppoeView {
    /// `connected` or `disconnected`; never connected while the device is offline.
    pub status: &'static str,
    /// `Connected`, or `Disconnected (data dari 3 jam lalu)`.
    pub text: String,
    pub username: Option<String>,
    /// Address, while connected.
    pub ip: Option<String>,
    pub read_at: Option<String>,
    pub age_text: Option<String>,
    pub ip_read_at: Option<String>,
    pub ip_age_text: Option<String>,
}

/// Received optical power.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RxPowerView {
    /// dBm, to hundredths.
    pub dbm: f64,
    /// `baik`, `lemah` or `buruk`, in every language.
    pub level: Level,
    /// Such as `-22,5 dBm`.
    pub text: String,
    pub level_text: &'static str,
    /// What to do, in one sentence.
    pub help: &'static str,
    pub read_at: Option<String>,
    pub age_text: Option<String>,
}

/// A number with its words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueView<T> {
    pub value: T,
    /// Such as `48 °C`, `3 hari 4 jam`.
    pub text: String,
    pub read_at: Option<String>,
    pub age_text: Option<String>,
}

/// A WiFi network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkView {
    pub ssid: String,
    /// Switched on; null if the device does not tell.
    pub enabled: Option<bool>,
    pub text: &'static str,
    pub read_at: Option<String>,
    pub age_text: Option<String>,
}

/// Everything around a reading that its words depend on.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub asked_at: OffsetDateTime,
    /// It could not be asked now.
    pub stale: bool,
    pub freshness: Freshness,
    pub language: Language,
    pub now: OffsetDateTime,
}

impl Frame {
    fn age(self, at: OffsetDateTime) -> String {
        words::ago(self.now - at, self.language)
    }

    fn value<T>(self, found: &Measured<T>, text: String) -> ValueView<T>
    where
        T: Copy,
    {
        let Measured { value, read_at } = found;
        ValueView {
            value: *value,
            text,
            read_at: read_at.map(format::instant),
            age_text: read_at.map(|at| self.age(at)),
        }
    }
}

impl DeviceView {
    #[must_use]
    pub fn of(reading: &Reading, frame: Frame) -> Self {
        let Frame { freshness, language, now, .. } = frame;
        let online = reading.is_online(freshness, now);
        let status_text = match (online, reading.last_inform) {
            (true, _) => "Online".to_owned(),
            (false, Some(at)) => format!("Offline ({} {})", words::last_seen(language), frame.age(at)),
            (false, None) => "Offline".to_owned(),
        };
        Self {
            status: if online { "online" } else { "offline" },
            status_text,
            last_inform: reading.last_inform.map(format::instant),
            manufacturer: reading.manufacturer.clone(),
            model: reading.model.clone(),
            serial_number: reading.serial.clone(),
            pppoe: pppoe(reading, online, frame),
            rx_power: reading.rx_dbm.as_ref().map(|found| rx_power(found, online, frame)),
            temperature_c: reading
                .celsius
                .as_ref()
                .map(|found| frame.value(found, words::celsius(found.value, language))),
            uptime_seconds: reading
                .uptime_s
                .as_ref()
                .map(|found| frame.value(found, words::duration(found.value, language))),
            connected_devices: reading
                .clients
                .as_ref()
                .map(|found| frame.value(found, words::devices(found.value, language))),
            wifi: reading.wifi.iter().map(|network| self::network(&network.ssid, network.enabled, frame)).collect(),
            stale: frame.stale,
            asked_at: format::instant(frame.asked_at),
            stale_text: frame.stale.then(|| words::data_from(&frame.age(frame.asked_at), language)),
        }
    }
}

/// A dead modem never looks connected: whatever it said last, it says nothing now.
fn pppoe(reading: &Reading, online: bool, frame: Frame) -> PppoeView {
    let said = reading.pppoe.as_ref();
    let connected = online && said.is_some_and(|pppoe| pppoe.session == PppoeSession::Up);
    let read_at = said.and_then(|pppoe| pppoe.read_at);
    // How old is what this word rests on?
    let of = match (online, frame.stale) {
        (false, _) => reading.last_inform.or(read_at),
        (true, true) => Some(frame.asked_at),
        (true, false) => read_at.filter(|at| frame.now - *at >= OLD),
    };
    let word = if connected { "Connected" } else { "Disconnected" };
    let text = match of {
        Some(at) => format!("{word} ({})", words::data_from(&frame.age(at), frame.language)),
        None if online && said.is_none() => format!("{word} ({})", words::not_told(frame.language)),
        None => word.to_owned(),
    };
    let ip = if connected { said.and_then(|pppoe: &Pppoe| pppoe.ip.as_ref()) } else { None };
    PppoeView {
        status: if connected { "connected" } else { "disconnected" },
        text,
        username: said.and_then(|pppoe| pppoe.username.clone()),
        ip: ip.map(|found| found.value.clone()),
        read_at: read_at.map(format::instant),
        age_text: read_at.map(|at| frame.age(at)),
        ip_read_at: ip.and_then(|found| found.read_at).map(format::instant),
        ip_age_text: ip.and_then(|found| found.read_at).map(|at| frame.age(at)),
    }
}

fn rx_power(found: &Measured<f64>, online: bool, frame: Frame) -> RxPowerView {
    let level = Level::of(found.value);
    RxPowerView {
        dbm: found.value,
        level,
        text: words::dbm(found.value, frame.language),
        level_text: level.text(frame.language),
        // A good signal of three hours ago is no reason to do nothing.
        help: if online { level.help(found.value, frame.language) } else { words::offline_help(frame.language) },
        read_at: found.read_at.map(format::instant),
        age_text: found.read_at.map(|at| frame.age(at)),
    }
}

fn network(ssid: &Measured<String>, enabled: Option<bool>, frame: Frame) -> NetworkView {
    NetworkView {
        ssid: ssid.value.clone(),
        enabled,
        text: words::switch(enabled, frame.language),
        read_at: ssid.read_at.map(format::instant),
        age_text: ssid.read_at.map(|at| frame.age(at)),
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
