//! What rows of a secret make of a gateway.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use billing::payment::gateway::{GatewayName, Mode};
use gateways::{Gateway, SecretRows, Setup, SetupError, connect};
use url::Url;

fn rows(rows: &[(&str, &str)]) -> SecretRows {
    rows.iter().map(|(row, text)| ((*row).to_owned(), (*text).to_owned())).collect()
}

fn connected(name: GatewayName, typed: &[(&str, &str)], production_only: bool) -> Result<Box<dyn Gateway>, SetupError> {
    connect(name, &rows(typed), &Setup { base_url: None, production_only })
}

#[track_caller]
fn check_unusable(name: GatewayName, typed: &[(&str, &str)], production_only: bool) {
    let error = connected(name, typed, production_only).unwrap_err();
    assert!(matches!(error, SetupError::Unusable { .. }), "{typed:?}: {error}");
    assert!(!error.to_string().contains("EXAMPLE"), "{error}");
}

#[test]
fn no_key_is_not_configured() {
    for name in GatewayName::ALL {
        for typed in
            [&[][..], &[("serverKey", ""), ("apiKey", "  ")], &[("previousServerKey", "x"), ("callbackToken", "x")]]
        {
            assert_eq!(connected(name, typed, true).unwrap_err(), SetupError::NotConfigured(name));
        }
    }
}

#[test]
fn the_mode_comes_from_the_switch_or_the_key() {
    let mode = |name, typed: &[(&str, &str)]| connected(name, typed, false).unwrap().mode();
    assert_eq!(mode(GatewayName::Midtrans, &[("serverKey", "Mid-server-EXAMPLE")]), Mode::Production);
    assert_eq!(
        mode(GatewayName::Midtrans, &[("serverKey", "SB-Mid-server-EXAMPLE"), ("isSandbox", " TRUE ")]),
        Mode::Sandbox
    );
    assert_eq!(mode(GatewayName::Midtrans, &[("serverKey", "k"), ("isSandbox", "Ya")]), Mode::Sandbox);
    assert_eq!(mode(GatewayName::Xendit, &[("apiKey", "xnd_production_EXAMPLE")]), Mode::Production);
    assert_eq!(mode(GatewayName::Xendit, &[("apiKey", "xnd_development_EXAMPLE")]), Mode::Sandbox);
}

#[test]
fn production_takes_no_play_money_and_no_stand_in() {
    check_unusable(GatewayName::Midtrans, &[("serverKey", "SB-Mid-server-EXAMPLE")], true);
    check_unusable(GatewayName::Midtrans, &[("serverKey", "Mid-server-EXAMPLE"), ("isSandbox", "true")], true);
    check_unusable(GatewayName::Xendit, &[("apiKey", "xnd_development_EXAMPLE")], true);
    let stand_in = |address: &str, production_only| {
        let setup = Setup { base_url: Some(Url::parse(address).unwrap()), production_only };
        connect(GatewayName::Midtrans, &rows(&[("serverKey", "Mid-server-EXAMPLE")]), &setup)
    };
    assert!(stand_in("http://127.0.0.1:9000", false).is_ok());
    assert!(stand_in("http://127.0.0.1:9000", true).is_err());
    for refused in
        ["https://127.0.0.1", "http://10.0.0.1", "http://example.com", "http://u:p@127.0.0.1", "http://127.0.0.1/?a=b"]
    {
        assert!(matches!(stand_in(refused, false), Err(SetupError::Unusable { .. })), "{refused}");
    }
}

#[test]
fn slips_while_typing_are_told_without_the_value() {
    check_unusable(GatewayName::Midtrans, &[("serverKey", "Mid-client-EXAMPLE")], false);
    check_unusable(GatewayName::Midtrans, &[("serverKey", "Mid-server EXAMPLE")], false);
    check_unusable(GatewayName::Midtrans, &[("serverKey", "k"), ("isSandbox", "EXAMPLE")], false);
    check_unusable(GatewayName::Midtrans, &[("serverKey", "k"), ("isActive", "EXAMPLE")], false);
    check_unusable(GatewayName::Xendit, &[("apiKey", "xnd_production_k"), ("isActive", "off")], false);
    check_unusable(GatewayName::Midtrans, &[("serverKey", "k"), ("extraChannels", "dana; EXAMPLE")], false);
    check_unusable(GatewayName::Xendit, &[("apiKey", "xnd_public_EXAMPLE")], false);
    check_unusable(GatewayName::Xendit, &[("apiKey", "EXAMPLE")], false);
    check_unusable(GatewayName::Xendit, &[("apiKey", "xnd_production_k"), ("callbackToken", "EXAMPLE\n1")], false);
}

#[test]
fn a_gateway_can_be_switched_off_for_new_links() {
    let active = |text: &str| {
        connected(GatewayName::Xendit, &[("apiKey", "xnd_production_k"), ("isActive", text)], true).unwrap().is_active()
    };
    assert!(active("") && active("true"));
    assert!(!active("false") && !active("No") && !active("TIDAK") && !active(" 0 "));
}

#[test]
fn nothing_printed_holds_a_key_and_a_fingerprint_tells_keys_apart() {
    let one = connected(
        GatewayName::Midtrans,
        &[("serverKey", "Mid-server-EXAMPLE"), ("previousServerKey", "EXAMPLE2")],
        true,
    )
    .unwrap();
    let other =
        connected(GatewayName::Xendit, &[("apiKey", "xnd_production_EXAMPLE"), ("callbackToken", "EXAMPLE3")], true)
            .unwrap();
    let shown = format!("{one:?} {other:?}");
    assert!(!shown.contains("EXAMPLE") && !shown.contains("TWlkLXNlcnZlci1FWEFNUExF"), "{shown}");
    let again = connected(GatewayName::Midtrans, &[("serverKey", "Mid-server-EXAMPLE")], false).unwrap();
    let newer = connected(GatewayName::Midtrans, &[("serverKey", "Mid-server-NEWER")], false).unwrap();
    assert_eq!(one.key_fingerprint(), again.key_fingerprint());
    assert_ne!(one.key_fingerprint(), newer.key_fingerprint());
    assert_eq!(one.key_fingerprint().len(), 12);
}
