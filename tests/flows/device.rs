//! Is my connection working? Every kind of modem, an ACS that is slow, down or hostile, and modems that are somebody
//! else's.

mod trouble;

use crate::api::device_status;
use ::device_status::DeviceStatus;
use billing::service::customer::Profile;
use lambda_http::http::HeaderValue;
use lunas_sandbox::{Behaviour, Change};
use serde_json::{Value, json};
use testkit::World;
use testkit::request::{answer, request};
use time::Duration;

/// The demo's phone of a customer.
const PHONE: &str = "081200000001";
const BUDI: &str = "00259E-HG8245H-4857544300000001";

/// One installation, one customer of it, and a process that answers for their modem.
struct Home {
    world: World,
    customer: Profile,
    token: String,
    process: DeviceStatus,
}

impl Home {
    /// A customer of whom the import knows this.
    async fn of(username: &str, phone: &str, id: Option<&str>, serial: Option<&str>) -> Self {
        let world = World::start().await;
        let customer = world.customer_with_device(username, phone, id, serial).await;
        let token = world.token(&customer).await;
        let process = DeviceStatus::new(world.another_process());
        Self { world, customer, token, process }
    }

    /// The customer with the well configured modem.
    async fn budi() -> Self {
        Self::of("budi@lunas", PHONE, Some(BUDI), None).await
    }

    async fn get(&self) -> (u16, Value) {
        self.get_as(&self.token).await
    }

    async fn get_as(&self, token: &str) -> (u16, Value) {
        answer(&device_status::handle(&self.process, request("GET", "/api/customer/device", Some(token), None)).await)
    }

    /// The device, which has to be there.
    async fn device(&self) -> Value {
        let (status, body) = self.get().await;
        assert!(status == 200 && body["success"] == true, "{status} {body}");
        body["device"].clone()
    }

    async fn refresh(&self) -> (u16, Value) {
        answer(
            &device_status::handle(
                &self.process,
                request("POST", "/api/customer/device/refresh", Some(&self.token), None),
            )
            .await,
        )
    }

    /// Time passes, here and at the ACS.
    fn wait(&self, by: Duration) {
        self.world.app.clock.advance(by);
        self.world.sandbox.advance_clock(by.unsigned_abs());
    }

    /// Requests that reached the ACS.
    fn asked(&self) -> usize {
        self.world.sandbox.calls_of("genieacs.devices")
    }
}

#[tokio::test]
async fn a_well_configured_modem_says_everything() {
    let home = Home::budi().await;
    let device = home.device().await;
    let text = |pointer: &str| device.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (pointer, expected) in [
        ("/status", "online"),
        ("/statusText", "Online"),
        ("/manufacturer", "Huawei Technologies Co., Ltd"),
        ("/model", "HG8245H"),
        ("/serialNumber", "4857544300000001"),
        ("/pppoe/status", "connected"),
        ("/pppoe/text", "Connected"),
        ("/pppoe/username", "budi@lunas"),
        ("/pppoe/ip", "10.10.1.21"),
        ("/rxPower/level", "baik"),
        ("/rxPower/text", "-19,52 dBm"),
        ("/temperatureC/text", "47 °C"),
        ("/uptimeSeconds/text", "12 hari 6 jam"),
        ("/connectedDevices/text", "6 perangkat"),
        ("/wifi/0/ssid", "Rumah Budi"),
        ("/wifi/1/text", "Aktif"),
    ] {
        assert_eq!(text(pointer), expected, "{pointer} of {device}");
    }
    for pointer in [
        "/lastInform",
        "/askedAt",
        "/pppoe/readAt",
        "/pppoe/ipReadAt",
        "/rxPower/readAt",
        "/temperatureC/readAt",
        "/wifi/0/readAt",
    ] {
        assert!(text(pointer).ends_with('Z'), "{pointer} of {device}");
    }
    assert_eq!(
        (&device["stale"], &device["rxPower"]["dbm"], &device["uptimeSeconds"]["value"]),
        (&json!(false), &json!(-19.52), &json!(1_060_205))
    );
}

/// What one modem of the fleet is answered, in short.
async fn kind(username: &str, phone: &str, id: Option<&str>, serial: Option<&str>) -> (Home, Value) {
    let home = Home::of(username, phone, id, serial).await;
    let device = home.device().await;
    let short = json!([
        device["status"],
        device["pppoe"]["text"],
        device["pppoe"]["ip"],
        device["rxPower"]["text"],
        device["rxPower"]["level"]
    ]);
    (home, short)
}

#[tokio::test]
async fn every_kind_of_modem_is_found_and_understood() {
    let (_, few) = kind("siti@lunas", "081200000002", None, Some("5A54454700000002")).await;
    assert_eq!(
        few,
        json!(["online", "Connected", "10.10.1.22", "-22,52 dBm", "baik"]),
        "raw power, few virtual parameters, serial as on the label"
    );
    let (_, weak) = kind("agus@lunas", "081200000003", None, None).await;
    assert_eq!(weak, json!(["online", "Connected", "10.10.1.23", "-26,1 dBm", "lemah"]));
    let (_, offline) = kind("dewi@lunas", "081200000004", Some("00259E-EG8141A5-4857544300000004"), None).await;
    assert_eq!(offline, json!(["offline", "Disconnected (data dari 3 jam lalu)", null, "-20,87 dBm", "baik"]));
    let (_, empty) = kind("rina@lunas", "081200000006", None, Some("ALCLB0000006")).await;
    assert_eq!(
        empty,
        json!(["online", "Disconnected", null, "-21,3 dBm", "baik"]),
        "pppUsername is empty, whatever other names say"
    );
    let (home, tr181) = kind("joko@lunas", "081200000007", Some("D8F12E-XX530v-2234567000007"), None).await;
    assert_eq!(tr181, json!(["online", "Disconnected", null, "-18,2 dBm", "baik"]));
    let device = home.device().await;
    assert_eq!((&device["wifi"][1]["ssid"], &device["connectedDevices"]["value"]), (&json!("Joko 5G"), &json!(5)));
    let (_, tagged) = kind("wati@lunas", "081200000011", None, None).await;
    assert_eq!(
        tagged,
        json!(["online", "Disconnected (tidak dilaporkan modem)", null, "-28,54 dBm", "buruk"]),
        "found by its tag; nothing is said of PPPoE"
    );
    let (home, human) = kind("eko@lunas", "081200000012", None, None).await;
    assert_eq!(human, json!(["online", "Connected", "10.10.1.32", "-22,5 dBm", "baik"]));
    let device = home.device().await;
    assert_eq!((&device["uptimeSeconds"]["value"], &device["temperatureC"]["value"]), (&json!(274_330), &json!(48.0)));
}

#[tokio::test]
async fn a_swapped_modem_is_found_again_and_remembered() {
    let home = Home::of("andi@lunas", "081200000010", Some("28FF3E-F660-ZTEGC0000010"), Some("ZTEGC0000010")).await;
    let device = home.device().await;
    assert_eq!(
        (&device["status"], &device["serialNumber"], &device["pppoe"]["ip"]),
        (&json!("online"), &json!("48575443000000A0"), &json!("10.10.1.31"))
    );
    assert_eq!(home.asked(), 3, "the stored one, all of them, the new one");
    home.wait(Duration::minutes(1));
    assert_eq!(home.device().await["serialNumber"], "48575443000000A0");
    assert_eq!(home.asked(), 4, "its id is known now");

    let budi = Home::budi().await;
    budi.device().await;
    let new = budi.world.sandbox.simulate_device(BUDI, Change::Swapped).unwrap();
    budi.wait(Duration::minutes(12));
    let device = budi.device().await;
    assert!(new.ends_with(device["serialNumber"].as_str().unwrap()) && device["status"] == "online", "{device}");
}

#[tokio::test]
async fn a_silent_modem_is_searched_for_every_two_minutes_and_not_more_often() {
    let home = Home::of("dewi@lunas", "081200000004", None, Some("4857544300000004")).await;
    home.device().await;
    assert_eq!(home.asked(), 2);
    for expected in [3, 4, 6] {
        home.wait(Duration::seconds(45));
        assert_eq!(home.device().await["status"], "offline");
        assert_eq!(home.asked(), expected);
    }
}

#[tokio::test]
async fn two_lines_of_one_household_never_see_each_others_modem() {
    let home = Home::of("maya-rumah@lunas", "081200000008", None, None).await;
    let shop = home.world.customer("maya-warung@lunas", "081200000008").await;
    let shop_token = home.world.token(&shop).await;
    let device = home.device().await;
    assert_eq!(
        (&device["serialNumber"], &device["pppoe"]["ip"]),
        (&json!("FHTT00000008"), &json!("10.10.1.28")),
        "the customer's own connection"
    );
    assert_eq!(home.get_as(&shop_token).await.1["device"]["serialNumber"], "4857544300000009");
    // A third line of the same phone has no modem of its own.
    let third = home.world.customer("maya-kos@lunas", "081200000008").await;
    let (status, body) = home.get_as(&home.world.token(&third).await).await;
    assert_eq!((status, &body["code"]), (404, &json!("device_not_found")));
}

#[tokio::test]
async fn another_customers_modem_is_never_shown_whatever_the_records_say() {
    // The import says that Budi's modem is Siti's; it dials in as Budi.
    let wrong = Home::of("siti-lama@lunas", "081200000099", Some(BUDI), Some("4857544300000001")).await;
    let (status, body) = wrong.get().await;
    assert_eq!(
        (status, &body["code"], &body["error"]),
        (404, &json!("device_not_found"), &json!("Modem Anda belum terdaftar di sistem kami, hubungi kami"))
    );
    // Names that are patterns to GenieACS.
    for username in ["*", "*@lunas", "/.*/", "/budi/i", "bud*"] {
        let pattern = Home::of(username, "081200000098", None, Some("*")).await;
        assert_eq!(pattern.get().await.0, 404, "{username}");
    }
    // A modem that was given to somebody else after it was remembered.
    let home = Home::budi().await;
    home.device().await;
    home.world.sandbox.edit_device(BUDI, |device| {
        device.document["VirtualParameters"]["pppUsername"]["_value"] = json!("siti@lunas");
        device.document["VirtualParameters"]["pppoeUsername"]["_value"] = json!("siti@lunas");
    });
    home.wait(Duration::minutes(1));
    assert_eq!(home.get().await.0, 404);
}

#[tokio::test]
async fn what_is_remembered_ends_when_the_line_is_given_another_modem() {
    let home = Home::of("budi@lunas", PHONE, Some(BUDI), None).await;
    home.device().await;
    let asked = home.asked();
    let mut profile = home.world.profile(&home.customer.id).await;
    profile.device_id = Some("gone".to_owned());
    profile.username = "nobody@lunas".to_owned();
    let change = billing::service::import::Import { profile, grant: None, former_phone: None, losses: Vec::new() };
    home.world.app.store.import_customer(&change).await.unwrap();
    assert_eq!(home.get().await.0, 404, "not what was remembered of the modem before");
    assert!(home.asked() > asked);
}

#[tokio::test]
async fn an_answer_younger_than_thirty_seconds_is_reused_and_so_is_that_there_is_none() {
    let home = Home::budi().await;
    home.device().await;
    let other_process = DeviceStatus::new(home.world.another_process());
    let request = || request("GET", "/api/customer/device", Some(&home.token), None);
    assert_eq!(device_status::handle(&other_process, request()).await.status(), 200);
    home.wait(Duration::seconds(29));
    assert_eq!(home.device().await["stale"], false);
    assert_eq!(home.asked(), 1);
    home.wait(Duration::seconds(1));
    home.device().await;
    assert_eq!(home.asked(), 2);

    let nobody = Home::of("nobody@lunas", "081200000097", None, None).await;
    for _ in 0..3 {
        assert_eq!(nobody.get().await.0, 404);
    }
    assert_eq!(nobody.asked(), 1);
}

#[tokio::test]
async fn a_refresh_is_done_at_once_by_a_modem_that_wakes_up() {
    let home = Home::budi().await;
    home.wait(Duration::minutes(1));
    let before = home.device().await["rxPower"]["readAt"].clone();
    home.wait(Duration::seconds(2));
    let (status, body) = home.refresh().await;
    assert_eq!(
        (status, body),
        (200, json!({"success": true, "queued": false, "message": "Sudah diperbarui", "retryAfter": 120}))
    );
    let after = home.device().await["rxPower"]["readAt"].clone();
    assert!(after.as_str() > before.as_str(), "asked anew although the last answer is young: {before} {after}");
    assert!(home.world.sandbox.tasks().is_empty());
}

#[tokio::test]
async fn a_refresh_waits_for_the_next_report_and_is_not_queued_twice() {
    let home = Home::of("agus@lunas", "081200000003", None, None).await;
    let (status, body) = home.refresh().await;
    assert_eq!((status, &body["queued"]), (200, &json!(true)));
    assert!(body["message"].as_str().unwrap().contains("diperbarui pada inform berikutnya"), "{body}");
    let task = home.world.sandbox.tasks().remove(0);
    assert_eq!((&task.body["name"], &task.body["objectName"]), (&json!("refreshObject"), &json!("VirtualParameters")));
    let (status, body) = home.refresh().await;
    assert_eq!((status, &body["code"]), (429, &json!("too_many_requests")));
    assert!((1..=120).contains(&body["retryAfter"].as_i64().unwrap()), "{body}");
    // Two minutes later it still waits.
    home.wait(Duration::minutes(2));
    assert_eq!(home.refresh().await.1["queued"], true);
    assert_eq!(home.world.sandbox.tasks().len(), 1);
    home.wait(Duration::minutes(5));
    assert!(home.world.sandbox.tasks().is_empty());
}

#[tokio::test]
async fn of_many_refreshes_at_once_one_is_queued() {
    let home = Home::of("agus@lunas", "081200000003", None, None).await;
    home.device().await;
    let processes: Vec<DeviceStatus> = (0..12).map(|_| DeviceStatus::new(home.world.another_process())).collect();
    let mut running = tokio::task::JoinSet::new();
    for process in processes {
        let asked = request("POST", "/api/customer/device/refresh", Some(&home.token), None);
        running.spawn(async move { device_status::handle(&process, asked).await.status().as_u16() });
    }
    let mut statuses = running.join_all().await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], home.world.sandbox.tasks().len()), (200, 429, 1), "{statuses:?}");
}

#[tokio::test]
async fn the_words_are_in_the_callers_language_and_the_codes_are_not() {
    let home = Home::of("dewi@lunas", "081200000004", None, None).await;
    let mut asked = request("GET", "/api/customer/device", Some(&home.token), None);
    asked.headers_mut().insert("accept-language", HeaderValue::from_static("en-GB,en;q=0.9"));
    let (_, body) = answer(&device_status::handle(&home.process, asked).await);
    let device = &body["device"];
    assert_eq!(device["statusText"], "Offline (last seen 3 hours ago)");
    assert_eq!(
        (&device["pppoe"]["text"], &device["rxPower"]["level"]),
        (&json!("Disconnected (data from 3 hours ago)"), &json!("baik"))
    );
    assert!(device["rxPower"]["help"].as_str().unwrap().starts_with("The modem is offline"), "{device}");
}

#[tokio::test]
async fn nobody_without_a_session_is_answered_and_other_paths_are_not_found() {
    let home = Home::budi().await;
    assert_eq!(
        home.get_as("nonsense").await,
        (401, json!({"success": false, "code": "invalid_token", "error": "Token tidak valid"}))
    );
    let asked = home.asked();
    for (method, path) in
        [("POST", "/api/customer/device"), ("GET", "/api/customer/device/refresh"), ("GET", "/api/customer/device/x")]
    {
        let response = device_status::handle(&home.process, request(method, path, Some(&home.token), None)).await;
        assert_eq!(response.status(), 404, "{method} {path}");
    }
    assert_eq!(home.asked(), asked);
}

#[tokio::test]
async fn no_password_is_asked_for_and_one_question_stays_small() {
    for (username, phone) in [
        ("budi@lunas", PHONE),
        ("siti@lunas", "081200000002"),
        ("joko@lunas", "081200000007"),
        ("maya-rumah@lunas", "081200000008"),
    ] {
        let home = Home::of(username, phone, None, None).await;
        let device = home.device().await;
        assert!(!device.to_string().contains("sandbox-"), "{device}");
        for call in home.world.sandbox.calls() {
            let path = call.path.to_lowercase();
            assert!(
                !path.contains("password") && !path.contains("passphrase") && !path.contains("presharedkey"),
                "{path}"
            );
            // The line limit of nginx.
            assert!(
                path.len() < 8 * 1024 - 20 && path.contains("query=") && path.contains("projection="),
                "{} {path}",
                path.len()
            );
            let url = format!("{}{}", home.world.sandbox.urls().genieacs, call.path);
            let answered = reqwest::Client::new()
                .get(url)
                .basic_auth("lunas", Some("demo-genieacs-password"))
                .send()
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            assert!(answered.len() <= 4096, "{username}: {} bytes", answered.len());
        }
    }
}

#[tokio::test]
async fn an_interval_of_a_day_is_no_reason_to_be_called_offline() {
    let mut home = Home::budi().await;
    home.world.sandbox.edit_device(BUDI, |device| {
        device.behaviour = Behaviour::Offline;
        device.document["InternetGatewayDevice"]["ManagementServer"]["PeriodicInformInterval"]["_value"] =
            json!(86_400);
    });
    home.wait(Duration::hours(20));
    let device = home.device().await;
    assert_eq!(
        (&device["status"], &device["pppoe"]["text"]),
        (&json!("online"), &json!("Connected (data dari 20 jam lalu)"))
    );
    home.wait(Duration::hours(30));
    home.token = home.world.token(&home.customer).await;
    assert_eq!(home.device().await["status"], "offline");
}
