//! Meta, Fonnte and WAHA: what they take, how they refuse, and what they report.
#![expect(clippy::unwrap_used, reason = "a test")]

mod common;

use common::Merchant;
use lunas_sandbox::{DEMO_FONNTE_TOKEN, DEMO_META_PHONE_NUMBER_ID, DEMO_META_TOKEN, DEMO_WAHA_API_KEY};
use serde_json::{Value, json};

const PHONE: &str = "628120000001";

/// A login code as Lunas sends it.
fn login_code(code: &str) -> Value {
    let code = json!([{"type": "text", "text": code}]);
    json!({"messaging_product": "whatsapp", "to": PHONE, "type": "template", "biz_opaque_callback_data": "m1", "template": {
        "name": "lunas_login_code", "language": {"code": "id"}, "components": [
            {"type": "body", "parameters": code}, {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
        ],
    }})
}

async fn meta_as(merchant: &Merchant, token: &str, number: &str, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/meta/v23.0/{number}/{path}", merchant.sandbox.urls().whatsapp);
    let response = merchant.http.post(url).bearer_auth(token).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn meta(merchant: &Merchant, body: &Value) -> (u16, Value) {
    meta_as(merchant, DEMO_META_TOKEN, DEMO_META_PHONE_NUMBER_ID, "messages", body).await
}

async fn fonnte(merchant: &Merchant, token: &str, target: &str) -> (u16, Value) {
    let part =
        |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = format!("{}{}--b--\r\n", part("target", target), part("message", "Halo\r\nlagi"));
    let request = merchant.http.post(format!("{}/fonnte/send", merchant.sandbox.urls().whatsapp));
    let request =
        request.header("authorization", token).header("content-type", "multipart/form-data; boundary=b").body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn waha(merchant: &Merchant, key: &str, body: &Value) -> (u16, Value) {
    let request = merchant.http.post(format!("{}/waha/api/sendText", merchant.sandbox.urls().whatsapp));
    let response = request.header("x-api-key", key).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn code_of(answer: &(u16, Value)) -> i64 {
    answer.1["error"]["code"].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn meta_shows_the_template_with_its_parameters() {
    let merchant = Merchant::start().await;
    let (status, body) = meta(&merchant, &login_code("482913")).await;
    assert_eq!(status, 200);
    let id = body["messages"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("wamid."), "{id}");
    let [message] = &merchant.sandbox.inbox(PHONE)[..] else { unreachable!() };
    assert_eq!(message.text, "Kode masuk 482913. Demi keamanan, jangan bagikan kode ini. Berlaku 5 menit.");
    assert_eq!((message.template.as_deref(), message.id.as_str()), (Some("lunas_login_code"), id));
    let recorded = serde_json::to_string(&merchant.sandbox.calls()).unwrap();
    assert!(!recorded.contains("482913") && recorded.contains(PHONE), "login codes stay out of the record");
}

#[tokio::test]
async fn meta_refuses_what_does_not_fit_the_template() {
    let merchant = Merchant::start().await;
    let changed = |pointer: &str, value: Value| {
        let mut body = login_code("482913");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let texts = |texts: &[&str]| {
        Value::from(texts.iter().map(|text| json!({"type": "text", "text": text})).collect::<Vec<_>>())
    };
    let first = "/template/components/0/parameters";
    for (body, code) in [
        (changed("/template/name", json!("login")), 132_001),
        (changed("/template/language/code", json!("id_ID")), 132_001),
        (changed(first, texts(&[])), 132_000),
        (changed(first, texts(&["1", "2"])), 132_000),
        (changed(first, texts(&["1\n2"])), 132_018),
        (changed(first, texts(&["1     2"])), 132_018),
        (changed(first, texts(&[""])), 131_008),
        (changed(first, texts(&[&"x".repeat(1_100)])), 132_005),
        (changed("/template/components/1/parameters", texts(&["other"])), 131_008),
        (changed("/to", json!("0812")), 131_009),
        (changed("/type", json!("text")), 131_047),
        (changed("/messaging_product", json!("x")), 100),
    ] {
        let answer = meta(&merchant, &body).await;
        assert_eq!((answer.0, code_of(&answer)), (400, code), "{body}");
    }
    let stranger = meta_as(&merchant, "wrong", DEMO_META_PHONE_NUMBER_ID, "messages", &login_code("1")).await;
    assert_eq!((stranger.0, code_of(&stranger)), (401, 190));
    let elsewhere = meta_as(&merchant, DEMO_META_TOKEN, "628110000000", "messages", &login_code("1")).await;
    assert_eq!((elsewhere.0, code_of(&elsewhere), &elsewhere.1["error"]["error_subcode"]), (400, 100, &json!(33)));
    assert!(merchant.sandbox.inbox(PHONE).is_empty());
}

#[tokio::test]
async fn templates_can_be_submitted_and_lead_to_a_page() {
    let merchant = Merchant::start().await;
    let template = json!({"name": "bill", "language": "id", "category": "UTILITY", "components": [
        {"type": "BODY", "text": "Halo {{1}}, tagihan {{2}}. {{2}}!"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Bayar", "url": "https://PUBLIC_URL/p/{{1}}"}]},
    ]});
    let submitted = meta_as(&merchant, DEMO_META_TOKEN, "1", "message_templates", &template).await;
    assert_eq!((submitted.0, &submitted.1["status"]), (200, &json!("APPROVED")));
    let text = |text: &str| json!({"type": "text", "text": text});
    let bill = |button: &[Value]| {
        json!({"messaging_product": "whatsapp", "to": PHONE, "type": "template", "template": {
            "name": "bill", "language": {"code": "id"}, "components": [
                {"type": "body", "parameters": [text("{{2}}"), text("Rp300.000")]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": button},
            ],
        }})
    };
    assert_eq!(meta(&merchant, &bill(&[text("abc")])).await.0, 200);
    let text = merchant.sandbox.inbox(PHONE)[0].text.clone();
    assert!(
        text.starts_with("Halo {{2}}, tagihan Rp300.000. Rp300.000!\n\nBayar: http://127.0.0.1:")
            && text.ends_with("/p/abc"),
        "{text}"
    );
    assert_eq!(code_of(&meta(&merchant, &bill(&[])).await), 131_008);
    let nameless = json!({"name": "Bill", "language": "id", "category": "UTILITY", "components": []});
    let own_words = json!({"name": "otp", "language": "id", "category": "AUTHENTICATION", "components": [{"type": "BODY", "text": "{{1}}"}]});
    for refused in [nameless, own_words] {
        assert_eq!(code_of(&meta_as(&merchant, DEMO_META_TOKEN, "1", "message_templates", &refused).await), 100);
    }
}

#[tokio::test]
async fn fonnte_says_no_with_a_200() {
    let merchant = Merchant::start().await;
    let (status, body) = fonnte(&merchant, DEMO_FONNTE_TOKEN, PHONE).await;
    assert!(status == 200 && body["status"] == true && body["id"][0].is_string(), "{body}");
    assert_eq!(merchant.sandbox.inbox(PHONE)[0].text, "Halo\r\nlagi");
    assert_eq!(fonnte(&merchant, "Bearer x", PHONE).await, (200, json!({"status": false, "reason": "token invalid"})));
    assert_eq!(
        fonnte(&merchant, DEMO_FONNTE_TOKEN, "6281|x").await,
        (200, json!({"status": false, "reason": "target invalid"}))
    );
}

#[tokio::test]
async fn waha_wants_its_key_its_session_and_a_chat() {
    let merchant = Merchant::start().await;
    let body = |session: &str, chat: &str| json!({"session": session, "chatId": chat, "text": "Halo"});
    let chat = format!("{PHONE}@c.us");
    let (status, answer) = waha(&merchant, DEMO_WAHA_API_KEY, &body("default", &chat)).await;
    assert!(status == 201 && answer["id"].as_str().unwrap().starts_with("true_628120000001@c.us_"), "{answer}");
    assert_eq!(waha(&merchant, "wrong", &body("default", &chat)).await.0, 401);
    assert_eq!(waha(&merchant, DEMO_WAHA_API_KEY, &body("other", &chat)).await.0, 422);
    assert_eq!(waha(&merchant, DEMO_WAHA_API_KEY, &body("default", PHONE)).await.0, 400);
    assert_eq!(merchant.sandbox.inbox(PHONE).len(), 1);
}

#[tokio::test]
async fn each_refuses_in_its_own_words_on_demand() {
    let merchant = Merchant::start().await;
    let refuse = async |reason: &str| {
        merchant.control("/faults", json!({"target": "whatsapp.send", "kind": "refuse", "reason": reason})).await
    };
    refuse("131056").await;
    assert_eq!(code_of(&meta(&merchant, &login_code("1")).await), 131_056);
    refuse("insufficient quota").await;
    assert_eq!(fonnte(&merchant, DEMO_FONNTE_TOKEN, PHONE).await.1["reason"], "insufficient quota");
    refuse("STOPPED").await;
    let message = json!({"session": "default", "chatId": format!("{PHONE}@c.us"), "text": "Halo"});
    let (status, body) = waha(&merchant, DEMO_WAHA_API_KEY, &message).await;
    assert_eq!((status, &body["status"]), (422, &json!("STOPPED")));
    assert!(merchant.sandbox.inbox(PHONE).is_empty());
    let refused = merchant.control("/faults", json!({"target": "xendit.get", "kind": "refuse", "reason": "x"})).await;
    assert!(refused.1["error"].is_string(), "{refused:?}");
}

#[tokio::test]
async fn what_happens_to_a_message_is_reported_signed() {
    let merchant = Merchant::start().await;
    meta(&merchant, &login_code("482913")).await;
    let reports = merchant.webhooks.wait_for(2).await;
    let status = |report: &common::Received| report.body["entry"][0]["changes"][0]["value"]["statuses"][0].clone();
    let words: Vec<Value> = reports.iter().map(|report| status(report)["status"].clone()).collect();
    assert_eq!(words, ["sent", "delivered"]);
    for report in &reports {
        assert_eq!(report.path, "/api/webhooks/whatsapp/meta");
        assert!(report.headers["x-hub-signature-256"].to_str().unwrap().starts_with("sha256="));
        assert_eq!(status(report)["biz_opaque_callback_data"], "m1");
    }
    for (event, told) in [
        (json!({"phone": PHONE, "event": "read"}), "read"),
        (json!({"phone": PHONE, "event": "failed", "code": 131_049}), "failed"),
    ] {
        assert_eq!(merchant.control("/simulate-message", event).await.1["webhook"]["status"], 200);
        assert_eq!(status(merchant.webhooks.all().last().unwrap())["status"], told);
    }
    assert_eq!(status(merchant.webhooks.all().last().unwrap())["errors"][0]["code"], 131_049);
    merchant.control("/simulate-message", json!({"phone": PHONE, "event": "reply", "text": "BERHENTI"})).await;
    let reply = merchant.webhooks.all().pop().unwrap().body;
    assert_eq!(reply["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"], "BERHENTI");
}

#[tokio::test]
async fn the_page_has_a_button_for_what_customers_do() {
    let merchant = Merchant::start().await;
    meta(&merchant, &login_code("482913")).await;
    merchant.webhooks.wait_for(2).await;
    let url = merchant.sandbox.urls().whatsapp;
    let page = merchant.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("Kode masuk 482913")
            && page.contains("template lunas_login_code")
            && page.contains("value=\"read\""),
        "{page}"
    );
    let id = merchant.sandbox.inbox(PHONE)[0].id.clone();
    let form = [("message", id.as_str()), ("text", "BERHENTI"), ("event", "reply")];
    let pressed = merchant.http.post(format!("{url}/inbox/event")).form(&form).send().await.unwrap();
    assert!(pressed.status().is_success() || pressed.status().is_redirection(), "{}", pressed.status());
    assert_eq!(merchant.webhooks.all().len(), 3);
}
