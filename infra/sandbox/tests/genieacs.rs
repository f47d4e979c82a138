//! The NBI and its fleet, as a caller meets them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};

use lunas_sandbox::{Change, Options, Sandbox};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const BUDI: &str = "00259E-HG8245H-4857544300000001";

async fn start() -> Sandbox {
    lunas_sandbox::start(Options { genieacs_slow_ms: 400, ..Options::default() }).await.unwrap()
}

async fn ask(sandbox: &Sandbox, method: Method, path: &str, body: Option<Value>) -> Response {
    let mut request = reqwest::Client::new().request(method, format!("{}{path}", sandbox.urls().genieacs));
    request = request.basic_auth("lunas", Some("demo-genieacs-password"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

async fn devices(sandbox: &Sandbox, query: Value, projection: &str) -> (String, Value) {
    let url = reqwest::Url::parse_with_params(
        "http://x/devices/",
        [("query", query.to_string().as_str()), ("projection", projection)],
    )
    .unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let answer = ask(sandbox, Method::GET, &path, None).await;
    assert_eq!(answer.status(), 200);
    let total = answer.headers()["total"].to_str().unwrap().to_owned();
    (total, answer.json().await.unwrap())
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|device| device["_id"].as_str().unwrap()).collect()
}

async fn task(sandbox: &Sandbox, device: &str, more: &str) -> u16 {
    let path = format!("/devices/{}/tasks{more}", device.replace('%', "%25"));
    ask(sandbox, Method::POST, &path, Some(json!({"name": "refreshObject", "objectName": "VirtualParameters"})))
        .await
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_proxy_stands_in_front_and_speaks_html() {
    let sandbox = start().await;
    let refused = reqwest::get(format!("{}/devices", sandbox.urls().genieacs)).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().starts_with("<html>"));
    for (path, status) in [("/devices?query=no", 400), ("/users", 404), ("/devices/x/tasks", 405)] {
        assert_eq!(ask(&sandbox, Method::GET, path, None).await.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn devices_are_found_by_query_projected_counted_and_framed() {
    let sandbox = start().await;
    let (total, found) = devices(
        &sandbox,
        json!({"VirtualParameters.pppUsername": "budi@lunas"}),
        "_lastInform,VirtualParameters.RXPower,X.Y",
    )
    .await;
    assert_eq!((total.as_str(), ids(&found)), ("1", vec![BUDI]));
    assert_eq!(found[0]["VirtualParameters"]["RXPower"]["_value"], "-19.52");
    assert_eq!(found[0].as_object().unwrap().len(), 3, "{found}");
    let (total, none) = devices(&sandbox, json!({"_id": "nobody"}), "").await;
    assert_eq!((total.as_str(), none), ("0", json!([])));
    let raw =
        ask(&sandbox, Method::GET, "/devices?projection=_id&sort=%7B%22_id%22%3A-1%7D&skip=1&limit=2", None).await;
    assert_eq!(raw.headers()["total"], "13");
    let text = raw.text().await.unwrap();
    assert!(text.starts_with("[\n{\"_id\":") && text.ends_with("\n]") && text.contains(",\n"), "{text}");
    let head = ask(&sandbox, Method::HEAD, "/devices", None).await;
    assert_eq!(head.headers()["total"], "13");
}

#[tokio::test]
async fn a_name_with_a_star_finds_everybody() {
    let sandbox = start().await;
    let (total, _) = devices(&sandbox, json!({"VirtualParameters.pppUsername": "*@lunas"}), "_id").await;
    assert!(total.parse::<usize>().unwrap() > 5);
}

#[tokio::test]
async fn a_task_runs_at_once_if_the_modem_wakes_up_and_else_with_its_next_report() {
    let sandbox = start().await;
    assert_eq!(task(&sandbox, BUDI, "?connection_request&timeout=2000").await, 200);
    assert_eq!(task(&sandbox, BUDI, "").await, 202);
    let (_, found) = devices(&sandbox, json!({"_deviceId._SerialNumber": "FHTT00000003"}), "_id").await;
    let behind_nat = ids(&found)[0].to_owned();
    assert_eq!(task(&sandbox, &behind_nat, "?connection_request").await, 202);
    assert_eq!(sandbox.tasks().len(), 2);
    let waiting: Value = ask(&sandbox, Method::GET, "/tasks/?query=%7B%22name%22%3A%22refreshObject%22%7D", None)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    sandbox.advance_clock(Duration::from_mins(6));
    assert_eq!(sandbox.tasks().len(), 0, "reported meanwhile");
    assert_eq!(task(&sandbox, "nobody", "").await, 404);
}

#[tokio::test]
async fn an_id_with_a_percent_sign_is_encoded_once_more() {
    let sandbox = start().await;
    assert_eq!(task(&sandbox, "D0542D-G%2D1425G%2DA-ALCLB0000006", "").await, 202);
    let wrong = ask(
        &sandbox,
        Method::POST,
        "/devices/D0542D-G%2D1425G%2DA-ALCLB0000006/tasks",
        Some(json!({"name": "reboot"})),
    )
    .await;
    assert_eq!(wrong.status(), 404);
}

#[tokio::test]
async fn a_slow_modem_holds_who_asks_about_it_and_nobody_else() {
    let sandbox = start().await;
    let begun = Instant::now();
    devices(&sandbox, json!({"_id": BUDI}), "_id").await;
    assert!(begun.elapsed() < Duration::from_millis(300));
    devices(&sandbox, json!({"_deviceId._SerialNumber": "ZTEGC0000005"}), "_id").await;
    assert!(begun.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn modems_can_be_changed_by_scripts_and_from_the_page() {
    let sandbox = start().await;
    let http = reqwest::Client::new();
    let url = format!("{}/simulate-device", sandbox.urls().midtrans);
    let changed = http.post(&url).json(&json!({"device": "budi@lunas", "change": "swapped"})).send().await.unwrap();
    let new: Value = changed.json().await.unwrap();
    let query = json!({"VirtualParameters.pppUsername": "budi@lunas"});
    let (total, found) = devices(&sandbox, query, "_lastInform").await;
    assert_eq!(total, "2");
    assert!(ids(&found).contains(&new["device"].as_str().unwrap()) && new["device"] != BUDI);
    assert_eq!(
        http.post(&url).json(&json!({"device": "nobody", "change": "offline"})).send().await.unwrap().status(),
        404
    );
    assert_eq!(http.post(&url).json(&json!({"device": BUDI, "change": "fly"})).send().await.unwrap().status(), 400);
    let form = http
        .post(format!("{}/fleet", sandbox.urls().genieacs))
        .form(&[("device", BUDI), ("change", "offline")])
        .send()
        .await
        .unwrap();
    assert!(form.text().await.unwrap().contains("offline, 180 min ago"));
}

#[tokio::test]
async fn a_faulting_modem_keeps_its_task_until_the_fault_is_deleted() {
    let sandbox = start().await;
    sandbox.simulate_device(BUDI, Change::Faulting).unwrap();
    assert_eq!(task(&sandbox, BUDI, "?connection_request").await, 202);
    let faults: Value = ask(&sandbox, Method::GET, "/faults/", None).await.json().await.unwrap();
    assert_eq!((faults.as_array().unwrap().len(), sandbox.tasks().len()), (1, 1));
    let fault = faults[0]["_id"].as_str().unwrap().replace(':', "%3A");
    assert_eq!(ask(&sandbox, Method::DELETE, &format!("/faults/{fault}"), None).await.status(), 200);
    assert_eq!(sandbox.tasks().len(), 0);
}

#[tokio::test]
async fn tags_are_added_and_removed() {
    let sandbox = start().await;
    let path = format!("/devices/{BUDI}/tags/081234567890");
    assert_eq!(ask(&sandbox, Method::POST, &path, None).await.status(), 200);
    assert_eq!(devices(&sandbox, json!({"_tags": "081234567890"}), "_id").await.0, "1");
    assert_eq!(ask(&sandbox, Method::DELETE, &path, None).await.status(), 200);
    assert_eq!(devices(&sandbox, json!({"_tags": "081234567890"}), "_id").await.0, "0");
}
