use serde_json::json;
use time::{Duration, macros::datetime};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);
const FRESHNESS: Freshness = Freshness { default_interval_s: 300 };

fn line() -> SubscriberLine {
    SubscriberLine {
        device_id: None,
        ont_serial: None,
        phone: Phone::parse("081234567890").ok(),
        username: "budi@isp".to_owned(),
    }
}

/// A device that informed so many minutes ago.
fn device(id: &str, minutes: i64, username: Option<&str>, tags: &[&str]) -> Value {
    let at = billing::zone::format::instant(NOW - Duration::minutes(minutes));
    let mut device =
        json!({"_id": id, "_lastInform": at, "_tags": tags, "_deviceId": {"_SerialNumber": format!("SN-{id}")}});
    if let Some(username) = username {
        device["VirtualParameters"] = json!({"pppoeUsername": {"_value": username}});
    }
    device
}

#[track_caller]
fn check(line: &SubscriberLine, found: &[Value], expected: Option<(&str, Evidence)>) {
    let chosen = choose(line, found, &Names::default(), FRESHNESS, NOW);
    let chosen = chosen.as_ref().map(|(reading, evidence)| (reading.device_id.as_str(), *evidence));
    assert_eq!(chosen, expected);
}

#[test]
fn a_device_is_found_by_id_serial_name_or_tag() {
    let by_id = SubscriberLine { device_id: Some("a".to_owned()), ..line() };
    check(&by_id, &[device("a", 1, None, &[])], Some(("a", Evidence::Id)));
    let by_serial = SubscriberLine { ont_serial: Some("SN-a".to_owned()), ..line() };
    check(&by_serial, &[device("a", 1, None, &[])], Some(("a", Evidence::Serial)));
    check(&line(), &[device("a", 1, Some("budi@isp"), &[])], Some(("a", Evidence::Username)));
    for tag in ["081234567890", "6281234567890", "+6281234567890"] {
        check(&line(), &[device("a", 1, None, &["vip", tag])], Some(("a", Evidence::Tag)));
    }
    check(&line(), &[], None);
}

#[test]
fn what_a_pattern_dragged_in_is_not_the_customers() {
    let everybody = SubscriberLine { username: "*".to_owned(), phone: None, ..line() };
    check(&everybody, &[device("a", 1, Some("siti@isp"), &[]), device("b", 1, Some("agus@isp"), &[])], None);
    let any_serial = SubscriberLine { ont_serial: Some("/.*/".to_owned()), phone: None, ..line() };
    check(&any_serial, &[device("a", 1, None, &[])], None);
}

#[test]
fn a_device_that_dials_in_as_somebody_else_is_never_shown() {
    let stored = SubscriberLine { device_id: Some("a".to_owned()), ont_serial: Some("SN-a".to_owned()), ..line() };
    check(&stored, &[device("a", 1, Some("siti@isp"), &["081234567890"])], None);
    // The realm may be missing on the device, but two realms are two users.
    check(&stored, &[device("a", 1, Some("BUDI"), &[])], Some(("a", Evidence::Id)));
    check(&stored, &[device("a", 1, Some("budi@other"), &[])], None);
}

#[test]
fn a_swapped_modem_is_found_again() {
    let stored = SubscriberLine { device_id: Some("old".to_owned()), ont_serial: Some("SN-old".to_owned()), ..line() };
    let (old, new) = (device("old", 7200, Some("budi@isp"), &[]), device("new", 1, Some("budi@isp"), &[]));
    check(&stored, &[old.clone(), new.clone()], Some(("new", Evidence::Username)));
    check(&stored, &[new, old.clone()], Some(("new", Evidence::Username)));
    // Neither is online: the one that informed last.
    check(&stored, &[old, device("new", 60, Some("budi@isp"), &[])], Some(("new", Evidence::Username)));
    check(
        &line(),
        &[device("a", 3, Some("budi@isp"), &[]), device("b", 2, Some("budi@isp"), &[])],
        Some(("b", Evidence::Username)),
    );
}

#[test]
fn a_tag_that_several_devices_carry_proves_nothing() {
    let tag = ["081234567890"].as_slice();
    check(&line(), &[device("a", 1, None, tag), device("b", 1, None, tag)], None);
    check(&line(), &[device("a", 1, None, tag), device("b", 1, Some("siti@isp"), tag)], Some(("a", Evidence::Tag)));
    // The other line of the household is online, this one is not.
    check(
        &line(),
        &[device("mine", 600, Some("budi@isp"), tag), device("theirs", 1, None, tag)],
        Some(("mine", Evidence::Username)),
    );
}

#[test]
fn a_serial_is_known_as_on_the_label_and_as_in_the_device() {
    let line = |serial: &str| SubscriberLine { ont_serial: Some(serial.to_owned()), phone: None, ..line() };
    let of = |serial: &str| {
        let mut device = device("a", 1, None, &[]);
        device["_deviceId"]["_SerialNumber"] = json!(serial);
        device
    };
    check(&line("HWTCA1B2C3D4"), &[of("48575443A1B2C3D4")], Some(("a", Evidence::Serial)));
    check(&line("48575443A1B2C3D4"), &[of("HWTCA1B2C3D4")], Some(("a", Evidence::Serial)));
    check(&line("hwtca1b2c3d4"), &[of("48575443A1B2C3D4")], Some(("a", Evidence::Serial)));
    check(&line("ZTEGC0000001"), &[of("ZTEGC0000002")], None);
}
