//! What became of messages: reports in any order, twice, early, forged; and who wants no more of them.

use crate::api::{customer_session, receive_status};
use std::collections::HashMap;

use crate::journey::Journey;
use aws_sdk_dynamodb::types::AttributeValue;
use billing::{access::phone::Phone, id::MessageId, language::Language, telling::notice::Kind};
use cloud::app::App;
use lambda_http::http::HeaderMap;
use lunas_sandbox::SimulateMessage;
use messaging::texts::{Facts, Link};
use messaging::{Category, Channel, Endpoints, Message, ProviderName, SendOutcome};
use serde_json::{Value, json};
use testkit::notification::Notification;
use testkit::request::{answer, delivery, from_browser, request};
use testkit::table::{self, everything, items};
use testkit::tap::{How, When};
use testkit::{World, sender_rows};
use time::Duration;

const PHONE: &str = "6281234567890";
/// Those that report something.
const SENDERS: [ProviderName; 3] = [ProviderName::Meta, ProviderName::Fonnte, ProviderName::Waha];

/// An installation whose messages go through one sender, and one message that was written down.
struct Sending {
    world: World,
    functions: App,
    sender: ProviderName,
    message: MessageId,
}

impl Sending {
    async fn start(sender: ProviderName) -> Self {
        let world = World::start().await;
        world.send_through(sender.as_str());
        let functions = world.another_process();
        let message = MessageId::parse("m1").unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = HashMap::from([
            ("PK".to_owned(), text("MESSAGE#m1")),
            ("SK".to_owned(), text("MESSAGE")),
            ("status".to_owned(), text("pending")),
            ("schema_version".to_owned(), AttributeValue::N("2".to_owned())),
        ]);
        world.aws.direct.put_item().table_name(table::NAME).set_item(Some(item)).send().await.unwrap();
        Self { world, functions, sender, message }
    }

    async fn channel(&self) -> Channel {
        let stand_in = self.functions.settings.partner_endpoints.get("whatsapp").map(String::as_str);
        let rows = self.functions.secrets.rows("whatsapp").await.unwrap();
        Channel::open(&rows, Endpoints { stand_in, loopback_http: true }).unwrap().unwrap()
    }

    /// Hands the message over; the sender's id of it.
    async fn send(&self) -> String {
        let channel = self.channel().await;
        let message = Message {
            template: "lunas_login_code",
            category: Category::Authentication,
            language: Language::Indonesian,
            parameters: vec!["482913".to_owned()],
            button: Some("482913".to_owned()),
            text: "Kode masuk 482913.".to_owned(),
            callback: self.message.to_string(),
        };
        let sent = channel.send(PHONE, &message).await;
        let SendOutcome::Accepted { provider_id: Some(id) } = sent.outcome else { panic!("{sent:?}") };
        id
    }

    async fn remember(&self, provider_id: &str) {
        let (store, now) = (&self.functions.store, self.functions.clock.now());
        store.remember_provider_id(self.sender.as_str(), provider_id, &self.message, now).await.unwrap();
    }

    /// What the sender reports when this happens to the message.
    async fn report(&self, event: &str, text: Option<&str>) -> Notification {
        let link_request = SimulateMessage {
            message: None,
            phone: Some(PHONE.to_owned()),
            event: event.to_owned(),
            code: None,
            text: text.map(str::to_owned),
        };
        self.world.sandbox.simulate_message(&link_request).await.unwrap();
        self.world.notifications.take().pop().unwrap()
    }

    async fn deliver(&self, report: &Notification) -> u16 {
        receive_status::handle(&self.functions, delivery(report)).await.status().as_u16()
    }

    async fn status(&self) -> String {
        let message = items(&self.world.aws.direct, "MESSAGE").await.remove(0);
        message["status"].as_s().unwrap().clone()
    }

    async fn is_opted_out(&self) -> bool {
        let opt_outs = items(&self.world.aws.direct, "OPTOUT").await;
        opt_outs.iter().any(|item| item["opted_out"] == AttributeValue::Bool(true))
    }
}

#[tokio::test]
async fn a_message_moves_on_with_what_its_sender_reports_and_never_back() {
    for sender in SENDERS {
        let sending = Sending::start(sender).await;
        sending.remember(&sending.send().await).await;
        let mut reports = sending.world.notifications.take_all(2).await;
        for (report, status) in reports.iter().zip(["sent", "delivered"]) {
            assert_eq!(sending.deliver(report).await, 200);
            assert_eq!(sending.status().await, status, "{sender}");
        }
        reports.push(sending.report("read", None).await);
        assert_eq!(sending.deliver(&reports[2]).await, 200);
        assert_eq!(sending.status().await, "read", "{sender}");
        reports.push(sending.report("failed", None).await);
        for report in reports.iter().rev().chain(&reports) {
            assert_eq!(sending.deliver(report).await, 200);
            assert_eq!(sending.status().await, "read", "{sender}: late, twice, and a failure of what was read");
        }
    }
}

#[tokio::test]
async fn a_failure_ends_a_message_that_is_under_way_and_its_reason_is_kept() {
    for sender in SENDERS {
        let sending = Sending::start(sender).await;
        sending.remember(&sending.send().await).await;
        let sent = sending.world.notifications.take_all(2).await.remove(0);
        let failed = sending.report("failed", None).await;
        for report in [&failed, &sent, &failed] {
            assert_eq!(sending.deliver(report).await, 200);
            assert_eq!(sending.status().await, "failed", "{sender}");
        }
        let message = items(&sending.world.aws.direct, "MESSAGE").await.remove(0);
        let detail = message["status_detail"].as_s().unwrap();
        assert!(!detail.is_empty() && !detail.contains("81234567890"), "{detail}");
    }
}

#[tokio::test]
async fn a_report_that_comes_before_the_answer_to_the_sending_is_not_lost() {
    for sender in SENDERS {
        let sending = Sending::start(sender).await;
        let id = sending.send().await;
        let reports = sending.world.notifications.take_all(2).await;
        // The later one first. Fonnte's knows only its second id, which nobody can match before the first.
        let early = if sender == ProviderName::Fonnte { &reports[..1] } else { &reports[..] };
        for report in early.iter().rev() {
            assert_eq!(sending.deliver(report).await, 200);
        }
        sending.remember(&id).await;
        assert_eq!(
            sending.status().await,
            if sender == ProviderName::Fonnte { "sent" } else { "delivered" },
            "{sender}"
        );
    }
}

#[tokio::test]
async fn reports_of_messages_that_are_not_ours_are_taken_and_change_nothing_of_ours() {
    for sender in SENDERS {
        let sending = Sending::start(sender).await;
        sending.send().await;
        let reports = sending.world.notifications.take_all(2).await;
        for report in &reports {
            assert_eq!(sending.deliver(report).await, 200, "{sender}");
        }
        // Meta gives our id back; of the others nobody remembered one.
        let expected = if sender == ProviderName::Meta { "delivered" } else { "pending" };
        assert_eq!(sending.status().await, expected, "{sender}");
        for item in items(&sending.world.aws.direct, "WAMID").await {
            assert!(item.contains_key("ttl") && !format!("{item:?}").contains("81234567890"), "{item:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_authentic_changes_nothing() {
    for sender in SENDERS {
        let sending = Sending::start(sender).await;
        sending.remember(&sending.send().await).await;
        let genuine = sending.world.notifications.take_all(2).await.remove(0);
        let before = everything(&sending.world.aws.direct).await;
        let mut forged = vec![Notification { headers: HeaderMap::new(), path: bare(&genuine.path), ..genuine.clone() }];
        if sender != ProviderName::Fonnte {
            // Signed over the bytes, so one blank more is another webhook.
            forged.push(genuine.with_body([&genuine.body[..], b" "].concat()));
        }
        for report in &forged {
            assert_eq!(sending.deliver(report).await, 401, "{sender}");
        }
        let mut rows = sender_rows(sender.as_str());
        for row in ["metaAppSecret", "fonnteWebhookToken", "wahaHmacKey"] {
            rows[row] = "".into();
        }
        sending.world.aws.set_secret("lunas/dev/whatsapp", &rows.to_string());
        let without_keys = sending.world.another_process();
        assert_eq!(receive_status::handle(&without_keys, delivery(&genuine)).await.status(), 503, "{sender}");
        assert_eq!(everything(&sending.world.aws.direct).await, before, "{sender}");

        // Typed in a moment later: the process that read the empty rows reads them again, a minute later at most.
        sending.world.send_through(sender.as_str());
        sending.functions.clock.advance(Duration::minutes(1));
        assert_eq!(receive_status::handle(&without_keys, delivery(&genuine)).await.status(), 200, "{sender}");
        assert_eq!(sending.status().await, "sent", "{sender}");
    }
}

fn bare(path: &str) -> String {
    path.split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_word_ends_messages_and_another_brings_them_back() {
    for sender in SENDERS {
        let sending = Sending::start(sender).await;
        sending.send().await;
        let _ = sending.world.notifications.take_all(2).await;
        assert!(!sending.is_opted_out().await);
        let mut reports = Vec::new();
        for (words, expected) in
            [("BERHENTI", true), ("terima kasih", true), ("mulai", false), ("Stop.", true), ("START", false)]
        {
            let report = sending.report("reply", Some(words)).await;
            assert_eq!(sending.deliver(&report).await, 200);
            assert_eq!(sending.is_opted_out().await, expected, "{sender}: {words}");
            reports.push(report);
        }
        let phones = items(&sending.world.aws.direct, "OPTOUT").await;
        assert_eq!((phones.len(), phones[0]["source"].as_s().unwrap().as_str()), (1, sender.as_str()));
    }
}

#[tokio::test]
async fn a_word_that_comes_late_does_not_undo_a_later_one() {
    let sending = Sending::start(ProviderName::Meta).await;
    let phone = Phone::parse(PHONE).unwrap();
    let now = sending.functions.clock.now();
    let store = &sending.functions.store;
    store.set_opt_out(&phone, false, now, "meta").await.unwrap();
    store.set_opt_out(&phone, true, now.saturating_sub(Duration::hours(1)), "meta").await.unwrap();
    assert!(!sending.is_opted_out().await);
    store.set_opt_out(&phone, true, now.saturating_add(Duration::seconds(1)), "meta").await.unwrap();
    assert!(sending.is_opted_out().await);
}

#[tokio::test]
async fn whatever_breaks_a_repeated_report_is_written_down_in_the_end() {
    for sender in SENDERS {
        for when in [When::Before, When::After] {
            for call in 1.. {
                let sending = Sending::start(sender).await;
                sending.remember(&sending.send().await).await;
                let report = sending.world.notifications.take_all(2).await.remove(0);
                sending.world.tap.forget();
                sending.world.tap.break_call(call, when, How::Crash);
                let first = receive_status::handle(&sending.functions, delivery(&report));
                let _ = sending.world.tap.or_crash(first).await;
                if !sending.world.tap.broke() {
                    assert!(call > 1, "nothing was called");
                    break;
                }
                assert_eq!(sending.deliver(&report).await, 200);
                assert_eq!(sending.status().await, "sent", "{sender}, call {call}");
            }
        }
    }
}

#[tokio::test]
async fn metas_handshake_is_answered_for_the_right_token_only() {
    let sending = Sending::start(ProviderName::Meta).await;
    let ask = async |path: &str| {
        let response = receive_status::handle(&sending.functions, request("GET", path, None, None)).await;
        (response.status().as_u16(), String::from_utf8_lossy(response.body().as_ref()).into_owned())
    };
    let path = |token: &str| {
        format!("/api/webhooks/whatsapp/meta?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444")
    };
    assert_eq!(ask(&path("demo-meta-verify-token")).await, (200, "1158201444".to_owned()));
    for (path, status) in [
        (path("wrong"), 401),
        (path("demo-meta-app-secret"), 401),
        ("/api/webhooks/whatsapp/meta".to_owned(), 401),
        ("/api/webhooks/whatsapp/waha?hub.mode=subscribe".to_owned(), 404),
    ] {
        assert_eq!(ask(&path).await.0, status, "{path}");
    }
    let unanswerable = path("demo-meta-verify-token").replace("1158201444", "%3Cb%3E");
    assert_eq!(ask(&unanswerable).await.0, 400, "a challenge is given back as it is, so it must be harmless");
    let mut rows = sender_rows("meta");
    rows["metaVerifyToken"] = "".into();
    sending.world.aws.set_secret("lunas/dev/whatsapp", &rows.to_string());
    let asked = request("GET", &path("demo-meta-verify-token"), None, None);
    assert_eq!(receive_status::handle(&sending.world.another_process(), asked).await.status(), 503);
}

#[tokio::test]
async fn an_authentic_webhook_that_cannot_be_read_is_said_to_be_malformed() {
    let sending = Sending::start(ProviderName::Fonnte).await;
    let rows = sender_rows("fonnte");
    let path = format!("/api/webhooks/whatsapp/fonnte?token={}", rows["fonnteWebhookToken"].as_str().unwrap());
    let asked = from_browser("POST", &path, &[("content-type", "application/json")], &[], Some("{"));
    assert_eq!(receive_status::handle(&sending.functions, asked).await.status(), 400);
}

#[tokio::test]
async fn what_is_no_webhook_of_ours_is_not_found() {
    let sending = Sending::start(ProviderName::Meta).await;
    for (method, path) in [
        ("POST", "/api/webhooks/whatsapp/wablas"),
        ("POST", "/api/webhooks/whatsapp/http"),
        ("PUT", "/api/webhooks/whatsapp/meta"),
        ("POST", "/api/webhooks/whatsapp"),
    ] {
        let response = receive_status::handle(&sending.functions, request(method, path, None, Some(&json!({})))).await;
        assert_eq!(
            answer(&response),
            (404, json!({"success": false, "code": "not_found", "error": "Tidak ditemukan"})),
            "{method} {path}"
        );
    }
    let huge = Value::from("x".repeat(3 * 1024 * 1024));
    let response =
        receive_status::handle(&sending.functions, request("POST", "/api/webhooks/whatsapp/meta", None, Some(&huge)))
            .await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_login_code_arrives_through_every_sender() {
    for sender in SENDERS {
        let mut journey = Journey::start().await;
        journey.world.send_through(sender.as_str());
        journey.notify = journey.world.another_process();
        let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
        assert_eq!(customer_session::handle(&journey.world.another_process(), asked).await.status(), 200);
        journey.until_quiet().await;
        let [message] = &journey.world.sandbox.inbox(PHONE)[..] else { panic!("{sender}: one message") };
        let code = message.text.strip_prefix("Kode masuk ").and_then(|rest| rest.get(..6));
        assert!(code.is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit())), "{sender}: {}", message.text);
    }
}

#[tokio::test]
async fn what_meta_shows_is_what_a_linked_phone_gets() {
    let facts = Facts {
        name: "Budi".to_owned(),
        amount: "Rp300.000".to_owned(),
        code: "123456".to_owned(),
        ..Facts::default()
    };
    let link = Link { prefix: "https://PUBLIC_URL/p/", token: "AbCdEfGhIjKlMnOpQrStUvWx" };
    let sending = Sending::start(ProviderName::Meta).await;
    let base = sending.world.notifications.url();
    let channel = sending.channel().await;
    for language in Language::ALL {
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::LoginCode) {
            let message = messaging::texts::message(kind, language, &facts, Some(link), "m1");
            let sent = channel.send(PHONE, &message).await;
            assert!(matches!(sent.outcome, SendOutcome::Accepted { .. }), "{kind:?}: {sent:?}");
            let shown = sending.world.sandbox.inbox(PHONE).pop().unwrap();
            // Meta takes no empty parameters.
            let expected = message.text.replace("https://PUBLIC_URL", &base);
            let blank = |text: &str| text.replace('-', "").split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(blank(&shown.text), blank(&expected), "{kind:?}");
        }
    }
}
