//! Values as devices and scripts write them: `-22.50 dBm`, raw `56`, `3d 04:12:10`, `48 C`. What is impossible is
//! dropped.

use std::net::IpAddr;

/// Received optical power that is believed, in dBm.
const RX_DBM: std::ops::RangeInclusive<f64> = -50.0..=10.0;
/// Temperatures that are believed, in °C: what silicon bears.
const CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=125.0;
/// Longest uptime that is believed: ten years.
const LONGEST_UPTIME_S: u64 = 10 * 366 * 86_400;
/// Most devices that one modem is believed to serve.
const MOST_CLIENTS: u32 = 512;
/// Longest SSID, in bytes (IEEE 802.11).
const LONGEST_SSID: usize = 32;
/// Whole numbers from here on are not degrees but the optical module's 1/256 °C (SFF-8472, table 9-5).
const RAW_CELSIUS_FROM: f64 = 256.0;

/// A decimal number before its unit; a comma is a point. The number, whether it was written whole, and the unit.
fn number(text: &str) -> Option<(f64, bool, String)> {
    let text = text.trim().replace('\u{2212}', "-").replace(',', ".");
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let value = digits.parse::<f64>().ok().filter(|value| value.is_finite() && digits.len() <= 20)?;
    Some((value, !digits.contains('.'), unit.trim().to_ascii_lowercase()))
}

/// To hundredths: no measurement here is better than that.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Received optical power in dBm. A negative number is dBm; a positive whole one without unit is what the optical
/// module counts, tenths of a microwatt (SFF-8472; so do ZTE, CT-COM, CMCC and CU): `dBm = 10 · log10(raw) − 40`.
#[must_use]
pub fn rx_dbm(text: &str) -> Option<f64> {
    let (value, whole, unit) = number(text)?;
    let dbm = match unit.as_str() {
        "dbm" | "db" => value,
        "" if value < 0.0 => value,
        "" if whole && value >= 1.0 => from_tenths_of_microwatts(value),
        _ => return None,
    };
    // Exactly nothing is what a module reports that has not measured.
    Some(rounded(dbm)).filter(|dbm| RX_DBM.contains(dbm) && *dbm != 0.0)
}

fn from_tenths_of_microwatts(raw: f64) -> f64 {
    10.0_f64.mul_add(raw.log10(), -40.0)
}

/// A temperature in °C.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
pub fn celsius(text: &str) -> Option<f64> {
    let (value, whole, unit) = number(text)?;
    if !matches!(unit.as_str(), "" | "c" | "°c" | "° c" | "celsius" | "derajat") {
        return None;
    }
    let degrees = if whole && unit.is_empty() && value >= RAW_CELSIUS_FROM { value / 256.0 } else { value };
    Some(rounded(degrees)).filter(|degrees| CELSIUS.contains(degrees))
}

/// An uptime in seconds: plain seconds, `3d 04:12:10`, `04:12:10`, `3 days 4h 12m`.
#[must_use]
pub fn uptime_seconds(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let seconds = if text.contains(':') { clock_time(&text)? } else { units(&text)? };
    Some(seconds).filter(|seconds| *seconds <= LONGEST_UPTIME_S)
}

/// `[<days>d] hh:mm[:ss]`.
fn clock_time(text: &str) -> Option<u64> {
    let (days, clock) = match text.trim().rsplit_once(' ') {
        Some((days, clock)) => (units(days.trim_end_matches(',').trim_end())?, clock),
        None => (0, text),
    };
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    if minutes > 59 || seconds > 59 {
        return None;
    }
    days.checked_add(hours.checked_mul(3600)?)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
}

/// Numbers with units, such as `3d 4h`, `3 days`, `90 s`; a lone number is seconds.
fn units(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at_checked(end)?;
        let after = after.trim_start();
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, following) = after.split_at_checked(end)?;
        let scale = match unit.trim_end_matches([',', ' ']) {
            "d" | "day" | "days" | "hari" => 86_400,
            "h" | "hour" | "hours" | "jam" => 3600,
            "m" | "min" | "minute" | "minutes" | "menit" => 60,
            "" | "s" | "sec" | "second" | "seconds" | "detik" => 1,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(scale)?)?;
        rest = following;
    }
    Some(total)
}

/// A number of devices, whatever is written behind it.
#[must_use]
pub fn count(text: &str) -> Option<u32> {
    let (value, whole, _) = number(text)?;
    let digits = text.trim().trim_start_matches('+');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let count = digits.get(..end)?.parse().ok()?;
    (whole && value >= 0.0 && count <= MOST_CLIENTS).then_some(count)
}

/// An IP address that somebody can have.
#[must_use]
pub fn ip(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.trim().parse().ok()?;
    (!address.is_unspecified() && !address.is_loopback() && !address.is_multicast()).then_some(address)
}

/// The name of a WiFi network, as far as it can be one.
#[must_use]
pub fn ssid(text: &str) -> Option<String> {
    let name: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    (!name.is_empty() && name.len() <= LONGEST_SSID).then_some(name)
}

/// A switch.
#[must_use]
pub fn switch(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    match () {
        () if is(&["true", "1", "up", "enabled", "on", "yes"]) => Some(true),
        () if is(&["false", "0", "down", "disabled", "off", "no"]) => Some(false),
        () => None,
    }
}

/// The interval at which a device reports, in seconds: 10 s to two days. The longest factory setting seen is a day.
#[must_use]
pub fn interval_seconds(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|seconds| (10..=172_800).contains(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn optical_power_is_read_in_every_form_that_is_met() {
        for (text, dbm) in [
            ("-22.5", -22.5),
            ("-22.50 dBm", -22.5),
            ("-22,50dBm", -22.5),
            ("\u{2212}19.1 DBM", -19.1),
            (" -27 ", -27.0),
            ("56", -22.52),
            ("1000", -10.0),
            ("58", -22.37),
            ("3.2 dBm", 3.2),
        ] {
            assert_eq!(rx_dbm(text), Some(dbm), "{text}");
        }
        for text in [
            "",
            "N/A",
            "0",
            "0.0",
            "-",
            "2.5",
            "-51",
            "-2250",
            "999999999999",
            "abc -22",
            "-22 mW",
            "1e3",
            "inf",
            "NaN",
            "--3",
            "-22.5.1",
        ] {
            assert_eq!(rx_dbm(text), None, "{text}");
        }
    }

    #[test]
    fn temperatures_are_degrees_or_the_modules_own_count() {
        for (text, degrees) in
            [("48", 48.0), ("48 C", 48.0), ("48.5°C", 48.5), ("12288", 48.0), ("-3", -3.0), ("48,25", 48.25)]
        {
            assert_eq!(celsius(text), Some(degrees), "{text}");
        }
        for text in ["", "N/A°C", "126", "255", "65535", "-41", "48 F", "48 dBm"] {
            assert_eq!(celsius(text), None, "{text}");
        }
    }

    #[test]
    fn an_uptime_is_seconds_however_it_is_written() {
        for (text, seconds) in [
            ("3d 04:12:10", 274_330),
            ("0d 08:46:43", 31_603),
            ("04:12:10", 15_130),
            ("100:00", 360_000),
            ("31603", 31_603),
            ("90 s", 90),
            ("3 days, 4:12:10", 274_330),
            ("1d 2h 3m 4s", 93_784),
            ("2 hari 3 jam", 183_600),
        ] {
            assert_eq!(uptime_seconds(text), Some(seconds), "{text}");
        }
        for text in
            ["", "-5", "N/A", "3d", "04:60:10", "1:2:3:4", "999999999999", "3x", "d", "99999999999999999999d 00:00:01"]
        {
            let expected = (text == "3d").then_some(259_200);
            assert_eq!(uptime_seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn counts_addresses_names_and_switches_are_checked() {
        assert_eq!((count("5"), count("5 devices"), count("0")), (Some(5), Some(5), Some(0)));
        assert_eq!((count("-1"), count("513"), count("2.5"), count("")), (None, None, None, None));
        assert_eq!(ip(" 10.10.1.20 ").map(|ip| ip.to_string()).as_deref(), Some("10.10.1.20"));
        assert_eq!((ip("0.0.0.0"), ip("127.0.0.1"), ip("10.0.0.256"), ip("10.0.0.1; rm")), (None, None, None, None));
        assert_eq!(ssid("Rumah <b>Budi</b>").as_deref(), Some("Rumah <b>Budi</b>"));
        assert_eq!((ssid(""), ssid(&"x".repeat(33))), (None, None));
        assert_eq!((switch("Up"), switch("0"), switch("maybe")), (Some(true), Some(false), None));
        assert_eq!(
            (interval_seconds("300"), interval_seconds("0"), interval_seconds("999999")),
            (Some(300), None, None)
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_reader(text in "\\PC{0,40}") {
            let _ = (rx_dbm(&text), celsius(&text), uptime_seconds(&text), count(&text), ip(&text), ssid(&text), switch(&text));
        }

        #[test]
        fn numbers_with_units_are_possible_or_dropped(value in -1.0e6_f64..1.0e6, unit in "( ?dBm| ?C|)") {
            let text = format!("{value}{unit}");
            prop_assert!(rx_dbm(&text).is_none_or(|dbm| RX_DBM.contains(&dbm)));
            prop_assert!(celsius(&text).is_none_or(|degrees| CELSIUS.contains(&degrees)));
        }
    }
}
