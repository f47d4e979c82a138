//! `lunas doctor acs`, as an admin runs it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

use lunas_sandbox::{Change, Fault, FaultKind};
use serde_json::{Value, json};
use testkit::{World, genieacs_rows};
use tokio::runtime::Runtime;

/// An installation with one customer, and GenieACS.
struct Provider {
    world: World,
    _runtime: Runtime,
}

impl Provider {
    fn with(username: &str, phone: &str, serial: Option<&str>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = runtime.block_on(async {
            let world = World::start().await;
            world.customer_with_device(username, phone, None, serial).await;
            world
        });
        Self { world, _runtime: runtime }
    }

    fn doctor(&self, arguments: &[&str]) -> (i32, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_lunas"))
            .env_clear()
            .envs([
                ("AWS_ENDPOINT_URL", self.world.aws.url.as_str()),
                ("AWS_REGION", "us-east-1"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ])
            .envs([
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("LUNAS_TABLE", "lunas-test"),
                ("LUNAS_STAGE", "dev"),
            ])
            .args(["doctor", "acs"])
            .args(arguments)
            .output()
            .unwrap();
        (
            done.status.code().unwrap(),
            String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap(),
        )
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let (actual, text) = self.doctor(arguments);
        assert_eq!(actual, code, "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} in\n{text}");
        }
        assert!(
            !text.contains("sandbox-") && !text.contains("demo-genieacs-password"),
            "secrets stay out of it:\n{text}"
        );
    }
}

#[test]
fn the_five_lines_are_answered_for_a_modem_that_works() {
    let provider = Provider::with("budi@lunas", "081200000001", Some("4857544300000001"));
    provider.check(
        &["--customer", "budi@lunas"],
        0,
        &[
            "ok     1 reached           http://127.0.0.1:",
            "the functions ask from AWS",
            "note   functions           they had no answer for this customer yet",
            "found by its serial number",
            "ok     2 virtual params",
            "RXPower",
            "exists, \"budi@lunas\": connected",
            "online; its interval is 300 s",
            "RX power            VirtualParameters.RXPower = \"-19.52\", read 20",
            "model               _deviceId._ProductClass = \"HG8245H\"",
            "raw answer, without secrets:",
        ],
    );
    let (_, text) = provider.doctor(&["--customer", "budi@lunas", "--json"]);
    let answered: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&answered["success"], &answered["raw"]["_id"]),
        (&json!(true), &json!("00259E-HG8245H-4857544300000001"))
    );
}

#[test]
fn without_a_customer_the_acs_itself_is_looked_at() {
    let provider = Provider::with("budi@lunas", "081200000001", None);
    provider.check(&[], 0, &["1 reached", "the ACS has", "a script of this name", "add --customer"]);
}

#[test]
fn what_is_wrong_is_said_with_its_reason() {
    let provider = Provider::with("rina@lunas", "081200000006", Some("ALCLB0000006"));
    provider.check(&["--customer", "rina@lunas"], 0, &["exists and is empty, so no other name counts: disconnected"]);
    provider.world.sandbox.simulate_device("ALCLB0000006", Change::Offline).unwrap();
    provider.check(&["--customer", "rina@lunas"], 1, &["WRONG  4 last inform", "offline, longer ago than 660 s"]);

    let lost = Provider::with("nobody@lunas", "081200000098", Some("4857544300000001"));
    lost.check(
        &["--customer", "nobody@lunas"],
        1,
        &["no modem is this customer's", "is not shown: dials in as budi@lunas"],
    );
}

#[test]
fn an_acs_that_is_not_reached_lets_in_nobody_or_is_not_configured_is_named() {
    let provider = Provider::with("budi@lunas", "081200000001", None);
    let endpoints = &provider.world.app.settings.partner_endpoints;
    let type_in = |rows: &Value| provider.world.aws.set_secret("lunas/dev/genieacs", &rows.to_string());
    let mut rows = genieacs_rows(endpoints);
    rows["password"] = json!("wrong");
    type_in(&rows);
    provider.check(&[], 1, &["WRONG  1 reached", "refuses the credentials (HTTP 401)"]);
    type_in(&json!({"url": "http://127.0.0.1:9"}));
    provider.check(&[], 1, &["cannot be reached"]);
    type_in(&json!({"url": ""}));
    provider.check(&[], 1, &["the row url of the secret genieacs is empty"]);
    type_in(&json!({"url": "http://acs.example.id"}));
    provider.check(&[], 1, &["row url: is plain http"]);
    type_in(&genieacs_rows(endpoints));
    provider.world.sandbox.add_fault(Fault::once("genieacs.devices", FaultKind::InternalError)).unwrap();
    provider.check(&["--customer", "budi@lunas"], 1, &["ok     1 reached", "WRONG  modem", "HTTP 500"]);
}
