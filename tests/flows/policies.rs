//! Each function's own policy in `template.yaml` against what the function does: every right that it uses, and no
//! other.

use crate::api::{
    check_payment, create_payment_link, customer_account, customer_session, device_status, receive_status,
    receive_webhook, request_upgrade,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use billing::payment::gateway::GatewayName;
use cloud::app::App;
use cloud::store::Store;
use lambda_http::{Request, http::HeaderName};
use lunas_sandbox::{Fault, FaultKind, Outcome, Simulate};
use serde_json::{Value, json};
use testkit::notification::Notification;
use testkit::request::{answer, delivery, from_browser, request};
use testkit::table::{self, items};
use time::Duration;
use web::csrf;
use yaml_rust2::{Yaml, YamlLoader};

use crate::journey::{Item, Journey, PHONE, account_of, queue_batch, queue_trigger, stream_batch};
use crate::pay_page;

/// Actions, each with what it acts on.
type Rights = BTreeSet<(String, String)>;

/// Rights of the event source mappings: Lambda itself uses them, no handler does.
const OF_EVENT_SOURCES: [&str; 6] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
];

/// The project's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn resources() -> Yaml {
    let text = fs::read_to_string(root().join("template.yaml")).unwrap();
    YamlLoader::load_from_str(&text).unwrap().remove(0)["Resources"].clone()
}

/// One text, or a list of them.
pub fn texts(yaml: &Yaml) -> Vec<&str> {
    yaml.as_vec()
        .map_or_else(|| vec![yaml.as_str().unwrap()], |list| list.iter().map(|one| one.as_str().unwrap()).collect())
}

/// What the tap calls a resource of a policy.
fn resource(resources: &Yaml, reference: &str) -> String {
    match reference {
        "Table.Arn" => "table".to_owned(),
        "${Table.Arn}/index/wake" => "index/wake".to_owned(),
        "Bus.Arn" => "lunas-test".to_owned(),
        arn => {
            // Secrets Manager appends a hyphen and six random characters to the name.
            let start = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:";
            let name = arn.strip_prefix(start).and_then(|rest| rest.strip_suffix("-??????").or(rest.strip_suffix('*')));
            let name = name.unwrap_or_else(|| panic!("a policy names {arn}"));
            let mut declared =
                resources.as_hash().unwrap().values().filter_map(|resource| resource["Properties"]["Name"].as_str());
            assert!(
                declared.any(|declared| declared == name),
                "a policy names {name}, which is no secret of the template"
            );
            name.replace("${Stage}", "dev")
        }
    }
}

/// The functions of the template, each with the rights of its policy.
fn policies() -> BTreeMap<String, Rights> {
    let resources = resources();
    let all = resources.as_hash().unwrap().values();
    let functions = all.filter(|resource| resource["Type"].as_str() == Some("AWS::Serverless::Function"));
    let policy = |function: &Yaml| {
        let mut rights = Rights::new();
        for statement in function["Properties"]["Policies"]
            .as_vec()
            .unwrap()
            .iter()
            .flat_map(|policy| policy["Statement"].as_vec().unwrap())
        {
            assert_eq!(statement["Effect"].as_str(), Some("Allow"));
            for action in texts(&statement["Action"]).into_iter().filter(|action| !OF_EVENT_SOURCES.contains(action)) {
                rights.extend(
                    texts(&statement["Resource"])
                        .into_iter()
                        .map(|reference| (action.to_owned(), resource(&resources, reference))),
                );
            }
        }
        rights
    };
    let name = |function: &Yaml| {
        let built = function["Properties"]["CodeUri"].as_str().unwrap();
        built.strip_prefix("target/lambda/").unwrap().trim_end_matches('/').to_owned()
    };
    functions.map(|function| (name(function), policy(function))).collect()
}

/// What one function was seen to do.
#[derive(Default)]
struct Seen(Rights);

impl Seen {
    /// Runs the function and notes what it does.
    async fn run<T>(&mut self, journey: &Journey, function: impl Future<Output = T>) -> T {
        journey.world.tap.forget();
        let done = function.await;
        for call in journey.world.tap.calls() {
            self.0.extend(call.actions.into_iter().map(|action| (action, call.resource.clone())));
        }
        done
    }

    fn assert_is_the_policy_of(&self, function: &str) {
        let policy = &policies()[function];
        let (lacking, idle): (Vec<_>, Vec<_>) =
            (self.0.difference(policy).collect(), policy.difference(&self.0).collect());
        assert!(
            lacking.is_empty() && idle.is_empty(),
            "{function}\nuses without a right: {lacking:?}\nhas and never uses: {idle:?}"
        );
    }
}

/// A process that has just started: no secret is cached.
fn fresh(journey: &Journey) -> App {
    journey.world.with_settings(|_| {})
}

/// The same table without the tap: what happens here is not seen.
fn unseen(journey: &Journey) -> App {
    let store = Store::new(journey.world.aws.direct.clone(), table::NAME.to_owned());
    App { store, secrets: journey.world.app.secrets.clone(), ..fresh(journey) }
}

async fn outbox(journey: &Journey) -> Vec<Item> {
    items(&journey.world.aws.direct, "EVENT").await
}

fn link_request(journey: &Journey, token: &str, gateway: &str) -> Request {
    let path = format!("/api/customer/invoices/payment?invoiceId={}&gateway={gateway}", journey.invoice.id);
    request("GET", &path, Some(token), None)
}

fn check_request(journey: &Journey, token: &str) -> Request {
    request("POST", &format!("/api/customer/invoices/{}/check", journey.invoice.id), Some(token), None)
}

/// Two links that could both be paid, because Xendit was down when the first was replaced. Both were paid, and nobody
/// was told: the invoice still shows the second. The notifications, in the order of payment.
async fn paid_twice() -> (Journey, String, [Notification; 2]) {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let first = journey.link(&token, Some(GatewayName::Xendit)).await;
    journey.world.sandbox.add_fault(Fault::once("xendit.expire", FaultKind::InternalError)).unwrap();
    let second = journey.link(&token, Some(GatewayName::Midtrans)).await;
    journey.pay(&first).await;
    journey.pay(&second).await;
    let notifications = [journey.undelivered.pop_front().unwrap(), journey.undelivered.pop_front().unwrap()];
    assert!(notifications[0].path.ends_with("xendit") && notifications[1].path.ends_with("midtrans"));
    (journey, token, notifications)
}

/// The gateway takes a moment to answer `target`, long enough for something else to happen.
fn delay(journey: &Journey, target: &str) {
    journey.world.sandbox.add_fault(Fault { ms: Some(700), ..Fault::once(target, FaultKind::Delay) }).unwrap();
}

/// Books the first payment where nobody sees it, while another function waits for a gateway.
async fn meanwhile(journey: &Journey, notification: &Notification) {
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(receive_webhook::handle(&unseen(journey), delivery(notification)).await.status(), 200);
}

#[test]
fn every_function_is_in_the_template_with_a_policy_of_its_own() {
    let folders = fs::read_dir(root().join("functions")).unwrap().map(|folder| folder.unwrap());
    let functions: BTreeSet<String> = folders.map(|folder| folder.file_name().into_string().unwrap()).collect();
    let policies = policies();
    assert_eq!(policies.keys().cloned().collect::<BTreeSet<_>>(), functions);
    for (function, rights) in policies {
        assert!(
            !rights.is_empty() && rights.iter().all(|(action, on)| !action.contains('*') && !on.contains('*')),
            "{function}"
        );
    }
}

#[tokio::test]
async fn create_payment_link_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let create = async |seen: &mut Seen, journey: &Journey, token: &str, gateway: &str| {
        let payments = fresh(journey);
        let made = create_payment_link::handle(&payments, link_request(journey, token, gateway));
        answer(&seen.run(journey, made).await)
    };
    let (_, new) = create(&mut seen, &journey, &token, "midtrans").await;
    assert_eq!(create(&mut seen, &journey, &token, "midtrans").await.1["paymentLink"], new["paymentLink"], "stored");
    let (_, replaced) = create(&mut seen, &journey, &token, "xendit").await;
    let link = replaced["paymentLink"].as_str().unwrap();
    journey.simulate(link, Outcome::Paid).await;
    assert_eq!(create(&mut seen, &journey, &token, "midtrans").await.0, 404, "paid on replacement");

    let journey = Journey::start().await;
    let page = pay_page::link_of(&journey, &journey.invoice).await;
    let asked = request("POST", &format!("/api/pay/{}/link", page.as_str()), None, None);
    let payments = fresh(&journey);
    assert_eq!(
        seen.run(&journey, create_payment_link::handle(&payments, asked)).await.status(),
        200,
        "by the public page"
    );

    let (journey, token, [first, _]) = paid_twice().await;
    delay(&journey, "midtrans.cancel");
    let (answered, ()) = tokio::join!(create(&mut seen, &journey, &token, "xendit"), meanwhile(&journey, &first));
    assert_eq!(
        (answered.0, journey.world.profile(&journey.customer.id).await.credit.get()),
        (404, 300_000),
        "paid twice"
    );
    seen.assert_is_the_policy_of("create-payment-link");
}

#[tokio::test]
async fn check_payment_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let token = journey.token().await;
        let link = journey.link(&token, Some(gateway)).await;
        for status in ["UNPAID", "PAID", "PAID"] {
            let payments = fresh(&journey);
            let checked = check_payment::handle(&payments, check_request(&journey, &token));
            assert_eq!(answer(&seen.run(&journey, checked).await).1["status"], status);
            if status == "UNPAID" {
                journey.pay(&link).await;
                journey.wait(Duration::seconds(10));
            }
        }
    }
    let journey = Journey::start().await;
    let page = pay_page::link_of(&journey, &journey.invoice).await;
    let asked = request("POST", &format!("/api/pay/{}/check", page.as_str()), None, None);
    let payments = fresh(&journey);
    assert_eq!(seen.run(&journey, check_payment::handle(&payments, asked)).await.status(), 200, "by the public page");

    let (journey, token, [first, _]) = paid_twice().await;
    delay(&journey, "midtrans.status");
    let payments = fresh(&journey);
    let checked = check_payment::handle(&payments, check_request(&journey, &token));
    let (checked, ()) = tokio::join!(seen.run(&journey, checked), meanwhile(&journey, &first));
    assert_eq!(
        (checked.status().as_u16(), journey.world.profile(&journey.customer.id).await.credit.get()),
        (200, 300_000),
        "paid twice"
    );
    seen.assert_is_the_policy_of("check-payment");
}

#[tokio::test]
async fn receive_webhook_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let (journey, _, notifications) = paid_twice().await;
    for notification in notifications.iter().chain(&notifications) {
        let payments = fresh(&journey);
        let received = receive_webhook::handle(&payments, delivery(notification));
        assert_eq!(seen.run(&journey, received).await.status(), 200);
    }
    assert_eq!(journey.world.profile(&journey.customer.id).await.credit.get(), 300_000, "paid twice");
    seen.assert_is_the_policy_of("receive-webhook");
}

#[tokio::test]
async fn receive_status_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let journey = Journey::start().await;
    journey.world.send_through("waha");
    let body =
        json!({"event": "message.ack", "session": "default", "payload": {"id": "3EB0AAAAAAAA", "ack": 2}}).to_string();
    let headers = [("x-webhook-hmac", lunas_sandbox::waha_signature(&body))].into_iter();
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
    let report = Notification { path: "/api/webhooks/whatsapp/waha".to_owned(), headers, body: body.into() };
    let functions = fresh(&journey);
    assert_eq!(seen.run(&journey, receive_status::handle(&functions, delivery(&report))).await.status(), 200);
    seen.assert_is_the_policy_of("receive-status");
}

#[tokio::test]
async fn reconcile_payments_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let run = async |seen: &mut Seen, journey: &Journey| {
        let payments = fresh(journey);
        seen.run(journey, reconcile_payments::handle(&payments, json!({}))).await;
    };
    let (journey, ..) = paid_twice().await;
    journey.wait(Duration::minutes(6));
    run(&mut seen, &journey).await;
    assert_eq!(
        journey.world.profile(&journey.customer.id).await.credit.get(),
        300_000,
        "both found, one of them to be cancelled"
    );
    let told = outbox(&journey).await.len();
    journey.wait(Duration::minutes(20));
    run(&mut seen, &journey).await;
    assert_eq!(outbox(&journey).await.len(), told + 1, "paid and not applied: told again");

    let journey = Journey::start().await;
    let token = journey.token().await;
    journey.link(&token, Some(GatewayName::Xendit)).await;
    journey.world.sandbox.add_fault(Fault::once("xendit.expire", FaultKind::InternalError)).unwrap();
    journey.link(&token, Some(GatewayName::Midtrans)).await;
    run(&mut seen, &journey).await;
    assert_eq!(journey.world.sandbox.calls_of("xendit.expire"), 2, "cancelled after all");

    // An offer that holds money when it lapses.
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    journey.world.offer("home50", 500_000).await;
    let (_, made) = choose(&mut Seen::default(), &journey, &token, "home50", 500_000, "midtrans").await;
    journey
        .play(&Simulate {
            amount: Some(100_000),
            ..Simulate::new(made["paymentLink"].as_str().unwrap(), Outcome::Paid)
        })
        .await;
    journey.until_quiet().await;
    journey.link(&token, Some(GatewayName::Midtrans)).await;
    journey.wait(Duration::days(9));
    run(&mut seen, &journey).await;
    let profile = journey.world.profile(&journey.customer.id).await;
    assert_eq!((profile.credit.get(), profile.open_upgrade), (100_000, None), "withdrawn, and the money is credit");
    seen.assert_is_the_policy_of("reconcile-payments");
}

#[tokio::test]
async fn apply_payment_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let journey = Journey::start().await;
    let link = journey.link(&journey.token().await, Some(GatewayName::Midtrans)).await;
    for (outcome, kind, grants) in [(Outcome::Paid, "payment.settled", 2), (Outcome::Reversed, "payment.reversed", 1)] {
        journey.world.sandbox.simulate(&Simulate::new(&link, outcome)).await.unwrap();
        for notification in journey.world.notifications.take() {
            assert_eq!(journey.deliver(&notification).await, Some(200));
        }
        let event = journey.events(kind).await.remove(0);
        seen.run(&journey, apply_payment::handle(&journey.apply, queue_batch(&event))).await;
        assert_eq!(journey.grants().await.iter().filter(|grant| !grant.revoked).count(), grants, "{kind}");
    }

    // A change of package, and the renewal that it replaces with its link.
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    journey.link(&token, Some(GatewayName::Xendit)).await;
    journey.world.offer("home50", 500_000).await;
    let (_, made) = choose(&mut Seen::default(), &journey, &token, "home50", 500_000, "midtrans").await;
    journey.pay(made["paymentLink"].as_str().unwrap()).await;
    let notification = journey.undelivered.pop_front().unwrap();
    assert_eq!(journey.deliver(&notification).await, Some(200));
    let event = journey.events("payment.settled").await.remove(0);
    seen.run(&journey, apply_payment::handle(&journey.apply, queue_batch(&event))).await;
    assert_eq!(journey.orders().await.iter().filter(|order| order.cancel_wanted_since.is_some()).count(), 1);
    seen.assert_is_the_policy_of("apply-payment");
}

/// Asks for a package that costs `amount`, in a process that has just started.
async fn choose(
    seen: &mut Seen,
    journey: &Journey,
    token: &str,
    package: &str,
    amount: i64,
    gateway: &str,
) -> (u16, Value) {
    let app = fresh(journey);
    let body = json!({"packageId": package, "expectedAmount": amount, "gateway": gateway});
    let asked = request_upgrade::handle(&app, request("POST", "/api/customer/upgrade", Some(token), Some(&body)));
    answer(&seen.run(journey, asked).await)
}

#[tokio::test]
async fn request_upgrade_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    for (id, price) in [("home10", 150_000), ("home50", 500_000), ("gratis", 0)] {
        journey.world.offer(id, price).await;
    }
    for path in ["packages", "upgrade?packageId=home50"] {
        let app = fresh(&journey);
        let asked = request_upgrade::handle(&app, request("GET", &format!("/api/customer/{path}"), Some(&token), None));
        assert_eq!(seen.run(&journey, asked).await.status(), 200);
    }
    assert_eq!(choose(&mut seen, &journey, &token, "home10", 150_000, "xendit").await.0, 200);
    let (_, replaced) = choose(&mut seen, &journey, &token, "home50", 500_000, "xendit").await;
    // The link of the same choice at the other gateway; the first was paid when its gateway was down, and again
    // meanwhile.
    journey.world.sandbox.add_fault(Fault::once("xendit.expire", FaultKind::InternalError)).unwrap();
    let (_, second) = choose(&mut seen, &journey, &token, "home50", 500_000, "midtrans").await;
    for link in [&replaced, &second] {
        journey.pay(link["paymentLink"].as_str().unwrap()).await;
    }
    let first = journey.undelivered.pop_front().unwrap();
    delay(&journey, "midtrans.cancel");
    let (answered, ()) =
        tokio::join!(choose(&mut seen, &journey, &token, "home50", 500_000, "xendit"), meanwhile(&journey, &first));
    assert_eq!((answered.0, &answered.1["paymentLink"]), (200, &Value::Null), "paid twice: {}", answered.1);
    journey.undelivered.clear();
    journey.until_quiet().await;
    assert_eq!(journey.world.profile(&journey.customer.id).await.credit.get(), 500_000);
    journey.world.invoice(&journey.customer).await;
    assert_eq!(choose(&mut seen, &journey, &token, "gratis", 0, "xendit").await.1["code"], "nothing_to_pay");
    seen.assert_is_the_policy_of("request-upgrade");
}

#[tokio::test]
async fn relay_events_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let journey = Journey::start().await;
    journey.world.invoice(&journey.customer).await;
    journey.world.aws.stop_bus(true);
    relay_events::handle(&journey.relay, stream_batch(&outbox(&journey).await)).await;
    journey.world.aws.stop_bus(false);
    journey.wait(Duration::minutes(2));
    seen.run(&journey, relay_events::handle(&journey.relay, json!({}))).await;
    seen.run(&journey, relay_events::handle(&journey.relay, stream_batch(&outbox(&journey).await))).await;
    assert!(journey.world.aws.take_bus().len() >= 2);
    seen.assert_is_the_policy_of("relay-events");
}

#[tokio::test]
async fn customer_session_and_notify_customer_have_the_rights_they_use_and_no_other() {
    let (mut session, mut notify) = (Seen::default(), Seen::default());
    let journey = Journey::start().await;
    let (login, sender) = (fresh(&journey), fresh(&journey));
    let post = |path: &str, token: Option<&str>, body: &Value| {
        request("POST", &format!("/api/customer/{path}"), token, Some(body))
    };
    let asked = customer_session::handle(&login, post("otp", None, &json!({"phone": PHONE})));
    assert_eq!(session.run(&journey, asked).await.status(), 200);
    let event = journey.events("login.code_requested").await.remove(0);
    notify.run(&journey, notify_customer::handle(&sender, queue_trigger(&event))).await.unwrap();
    let code = journey.world.sandbox.inbox("6281234567890")[0].text[11..17].to_owned();

    journey.world.customer("budi-toko", PHONE).await;
    let mut body = json!({"phone": PHONE, "code": code});
    let several = session.run(&journey, customer_session::handle(&login, post("login", None, &body))).await;
    assert!(answer(&several).1["choose"].is_array());
    body["customerId"] = json!(journey.customer.id);
    let opened = session.run(&journey, customer_session::handle(&login, post("login", None, &body))).await;
    let token = answer(&opened).1["token"].as_str().unwrap().to_owned();
    let ended = customer_session::handle(&login, post("logout", Some(&token), &json!({})));
    assert_eq!(session.run(&journey, ended).await.status(), 204);
    session.assert_is_the_policy_of("customer-session");

    // A bill, and a minute later one that waited.
    let mut journey = Journey::start().await;
    let sender = fresh(&journey);
    let issued = journey.events("invoice.issued").await.remove(0);
    notify.run(&journey, notify_customer::handle(&sender, queue_trigger(&issued))).await.unwrap();
    journey.world.change_whatsapp(&[("linkedPhone", "true"), ("gapSeconds", "60-60"), ("idPointer", "/id")]);
    let sender = fresh(&journey);
    for username in ["a", "b", "c"] {
        let customer = journey.world.customer(username, PHONE).await;
        journey.world.invoice(&customer).await;
    }
    for event in journey.events("invoice.issued").await {
        notify.run(&journey, notify_customer::handle(&sender, queue_trigger(&event))).await.unwrap();
    }
    journey.wait(Duration::minutes(3));
    notify.run(&journey, notify_customer::handle(&sender, json!({}))).await.unwrap();
    journey.until_quiet().await;
    assert_eq!(journey.world.sandbox.inbox("6281234567890").len(), 3, "one at once, one after the pause");
    notify.assert_is_the_policy_of("notify-customer");
}

#[tokio::test]
async fn run_billing_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let journey = Journey::start().await;
    journey.wait(Duration::days(6));
    let billing = fresh(&journey);
    seen.run(&journey, run_billing::handle(&billing, json!({}))).await;
    assert_eq!(journey.events("invoice.reminder").await.len(), 1);
    seen.assert_is_the_policy_of("run-billing");
}

#[tokio::test]
async fn notify_network_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let mut journey = Journey::start().await;
    let receiver = format!("{}/webhook", journey.world.app.settings.partner_endpoints["network"]);
    let rows = json!({"webhookUrl": receiver, "secret": lunas_sandbox::DEMO_NETWORK_SECRET});
    journey.world.aws.set_secret("lunas/dev/network", &rows.to_string());
    journey.world.sandbox.add_fault(Fault::once("network.webhook", FaultKind::InternalError)).unwrap();
    let link = journey.link(&journey.token().await, None).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let detail = journey.events("subscription.extended").await.remove(0);
    let body = json!({"detail": detail}).to_string();
    let network = notify_network::Network::new(fresh(&journey));
    seen.run(&journey, notify_network::handle(&network, json!({"Records": [{"messageId": "m", "body": body}]}))).await;
    journey.wait(Duration::minutes(1));
    seen.run(&journey, notify_network::handle(&network, json!({}))).await;
    assert_eq!(journey.world.sandbox.network_lines().len(), 1);
    seen.assert_is_the_policy_of("notify-network");
}

#[tokio::test]
async fn device_status_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let journey = Journey::start().await;
    let customer = journey.world.customer("budi@lunas", "081200000001").await;
    let token = journey.world.token(&customer).await;
    let process = ::device_status::DeviceStatus::new(fresh(&journey));
    for (method, path) in [("GET", "/api/customer/device"), ("POST", "/api/customer/device/refresh")] {
        let asked = device_status::handle(&process, request(method, path, Some(&token), None));
        assert_eq!(seen.run(&journey, asked).await.status(), 200, "{path}");
    }
    seen.assert_is_the_policy_of("device-status");
}

#[tokio::test]
async fn customer_account_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, None).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let account = account_of(&fresh(&journey));
    for path in ["me", "invoices", "payments"] {
        let asked =
            customer_account::handle(&account, request("GET", &format!("/api/customer/{path}"), Some(&token), None));
        assert_eq!(seen.run(&journey, asked).await.status(), 200);
    }
    seen.assert_is_the_policy_of("customer-account");
}

#[tokio::test]
async fn customer_portal_has_the_rights_it_uses_and_no_other() {
    let mut seen = Seen::default();
    let mut journey = Journey::start().await;
    let portal = fresh(&journey);
    let visit = "some-visit";
    let visit_cookie = format!("__Host-visit={visit}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://portal.example")];
    let submit = |path: &str, cookie: &str, form: String| from_browser("POST", path, &headers, &[cookie], Some(&form));
    let form = format!("csrf={}&phone={PHONE}", csrf::token(visit));
    let asked = customer_portal::handle(&portal, submit("/customer/login", &visit_cookie, form.clone()));
    assert_eq!(seen.run(&journey, asked).await.status(), 303);
    journey.until_quiet().await;
    let code = &journey.world.sandbox.inbox("6281234567890")[0].text[11..17];
    let opened =
        customer_portal::handle(&portal, submit("/customer/login", &visit_cookie, format!("{form}&code={code}")));
    let opened = seen.run(&journey, opened).await;
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    for page in ["", "/invoices", "/history", "/wifi", "/finish"] {
        let page = from_browser("GET", &format!("/customer{page}"), &[], &[&cookie], None);
        assert_eq!(seen.run(&journey, customer_portal::handle(&portal, page)).await.status(), 200);
    }
    let public = pay_page::link_of(&journey, &journey.invoice).await;
    let link = journey.link(&journey.token().await, None).await;
    for paid in [false, true] {
        if paid {
            journey.pay(&link).await;
            journey.until_quiet().await;
        }
        let page = from_browser("GET", &public.page(None), &[], &[], None);
        assert_eq!(seen.run(&journey, customer_portal::handle(&portal, page)).await.status(), 200);
    }
    let form = format!("csrf={}", csrf::token(cookie.split_once('=').unwrap().1));
    let shared = submit("/customer/share", &cookie, format!("{form}&invoiceId={}", journey.invoice.id));
    assert_eq!(
        seen.run(&journey, customer_portal::handle(&portal, shared)).await.headers()["location"],
        public.page(None).as_str()
    );
    let ended = customer_portal::handle(&portal, submit("/customer/logout", &cookie, form));
    assert_eq!(seen.run(&journey, ended).await.headers()["location"], "/customer/login");
    seen.assert_is_the_policy_of("customer-portal");
}
