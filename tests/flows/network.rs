//! Telling the provider's network: every change of a line reaches every receiver, once per state, signed, whatever
//! breaks.

mod customers;
mod receiving;
mod trouble;

use crate::api::request_upgrade;
use cloud::queue::BatchReport;
use lunas_sandbox::{DEMO_NETWORK_SECRET, Effect, NetworkLine, Outcome, Told};
use notify_network::Network;
use serde_json::{Value, json};
use testkit::request::{answer, request};
use testkit::table::items;
use time::Duration;

use crate::journey::{Item, Journey};

/// The secret that signed before [`DEMO_NETWORK_SECRET`].
const OLD_SECRET: &str = "whsec_bGFtYWxhbWFsYW1hbGFtYWxhbWFsYW1h";

/// A provider with a network, and what the rule puts into the queue of notify-network.
struct Provider {
    journey: Journey,
    network: Network,
    /// Entries of the bus that were handed over.
    handed: usize,
}

impl Provider {
    /// One receiver: the sandbox's, through the tap.
    async fn start() -> Self {
        let journey = Journey::start().await;
        let network = Network::new(journey.world.another_process());
        let provider = Self { journey, network, handed: 0 };
        provider.configure(&provider.receiver());
        provider
    }

    fn receiver(&self) -> String {
        format!("{}/webhook", self.journey.world.app.settings.partner_endpoints["network"])
    }

    /// What the admin types in.
    fn configure(&self, urls: &str) {
        self.type_in(&json!({"webhookUrl": urls, "secret": DEMO_NETWORK_SECRET}));
    }

    fn type_in(&self, rows: &Value) {
        self.journey.world.aws.set_secret("lunas/dev/network", &rows.to_string());
    }

    /// A function of its own: nothing cached.
    fn another_process(&self) -> Network {
        Network::new(self.journey.world.another_process())
    }

    /// Everywhere.
    fn wait(&self, by: Duration) {
        self.journey.wait(by);
        self.journey.world.sandbox.advance_clock(by.unsigned_abs());
    }

    /// Pays the bill, or the next one, until the service is extended. The network is not told yet.
    async fn pay(&mut self) -> String {
        if self.journey.world.invoice_now(&self.journey.invoice).await.granted.is_some() {
            self.journey.invoice = self.journey.world.invoice(&self.journey.customer).await;
        }
        let token = self.journey.token().await;
        let link = self.journey.link(&token, None).await;
        self.journey.pay(&link).await;
        self.journey.until_quiet().await;
        link
    }

    /// What the rule has put into the queue since the last time: details of events.
    fn queued(&mut self) -> Vec<Value> {
        let new = self.journey.on_bus.iter().skip(self.handed);
        let is_for_network = |kind: &str| kind.starts_with("subscription.") || kind == "package.changed";
        let queued = new.filter(|entry| is_for_network(entry["DetailType"].as_str().unwrap()));
        let details = queued.map(|entry| serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap()).collect();
        self.handed = self.journey.on_bus.len();
        details
    }

    /// Delivers what is queued; nothing may come back.
    async fn deliver(&mut self) {
        for detail in self.queued() {
            assert_eq!(hand_over(&self.network, &detail).await, BatchReport::default());
        }
    }

    async fn pay_and_deliver(&mut self) {
        self.pay().await;
        self.deliver().await;
    }

    async fn sweep(&self) {
        notify_network::handle(&self.network, json!({})).await;
    }

    /// What reached the receiver.
    fn messages(&self) -> Vec<Told> {
        self.journey.world.sandbox.network_messages()
    }

    fn effects(&self) -> Vec<Effect> {
        self.messages().iter().map(|told| told.effect).collect()
    }

    /// The line as the network knows it.
    fn line(&self) -> NetworkLine {
        self.journey
            .world
            .sandbox
            .network_lines()
            .into_iter()
            .find(|line| line.username == "budi")
            .expect("the network knows budi")
    }

    /// The network knows what the profile says.
    async fn assert_network_knows(&self, context: &str) {
        let profile = self.journey.world.profile(&self.journey.customer.id).await;
        let (line, now) = (self.line(), self.journey.now());
        let expected = billing::zone::format::instant(profile.entitlement.expires_at);
        assert_eq!((line.expires_at.as_str(), line.active), (expected.as_str(), profile.is_active(now)), "{context}");
        assert_eq!(line.package_id, profile.entitlement.package.id.as_str(), "{context}");
    }

    /// The item of what the network was told.
    async fn network_update(&self) -> Option<Item> {
        items(&self.journey.world.aws.direct, "NETWORK").await.pop()
    }

    async fn state(&self) -> String {
        self.network_update().await.map_or_else(String::new, |item| item["state"].as_s().unwrap().clone())
    }
}

/// One event as the queue hands it over.
async fn hand_over(network: &Network, detail: &Value) -> BatchReport {
    let body = json!({"source": "lunas", "detail-type": detail["kind"], "detail": detail}).to_string();
    notify_network::handle(network, json!({"Records": [{"messageId": "m", "body": body}]})).await
}

/// The event that says that a subscription ended, as whoever watches the clock emits it.
fn expired(provider: &Provider) -> Value {
    json!({
        "id": "0197a0b0-0000-7000-8000-000000000009", "at": "2026-12-30T17:00:00Z", "kind": "subscription.expired",
        "customerId": provider.journey.customer.id, "expiresAt": "2026-12-30T16:59:59Z", "version": 9,
    })
}

#[tokio::test]
async fn every_kind_of_event_is_one_signed_message_with_the_line_as_it_stands() {
    let mut provider = Provider::start().await;
    provider.journey.world.offer("home50", 500_000).await;
    let link = provider.pay().await;
    provider.deliver().await;
    let body: Value = serde_json::from_str(&provider.messages()[0].body).unwrap();
    let profile = provider.journey.world.profile(&provider.journey.customer.id).await;
    let since = body["timestamp"].clone();
    assert_eq!(
        body,
        json!({
            "type": "subscription.extended", "timestamp": since, "customerId": profile.id, "username": "budi", "packageId": "home20",
            "downMbps": 20, "upMbps": 10, "expiresAt": billing::zone::format::instant(profile.entitlement.expires_at), "active": true,
            "version": profile.version,
        })
    );
    assert_eq!(provider.messages()[0].id, format!("{}-{}", profile.id, profile.version));

    let token = provider.journey.token().await;
    let link_request = json!({"packageId": "home50", "expectedAmount": 500_000});
    let asked = request("POST", "/api/customer/upgrade", Some(&token), Some(&link_request));
    let (_, made) = answer(&request_upgrade::handle(&provider.journey.world.app, asked).await);
    provider.journey.pay(made["paymentLink"].as_str().unwrap()).await;
    provider.journey.until_quiet().await;
    provider.deliver().await;

    // Taken back by the gateway: one transaction, and two events if the package is another.
    provider.journey.simulate(&link, Outcome::Reversed).await;
    provider.journey.until_quiet().await;
    provider.deliver().await;

    provider.wait(Duration::days(400));
    assert_eq!(hand_over(&provider.network, &expired(&provider)).await, BatchReport::default());

    let kinds: Vec<String> = provider
        .messages()
        .iter()
        .map(|told| serde_json::from_str::<Value>(&told.body).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["subscription.extended", "package.changed", "subscription.reverted", "subscription.expired"]);
    assert!(
        provider.messages().iter().all(|told| told.verified && told.effect == Effect::Applied),
        "{:?}",
        provider.messages()
    );
    assert!(!provider.line().active);
    assert_eq!(provider.state().await, "told");
}

#[tokio::test]
async fn two_hundred_copies_of_an_event_are_one_message() {
    let mut provider = Provider::start().await;
    provider.pay().await;
    let event = provider.queued().remove(0);
    // Eight processes, each of which has read the secret: two hundred at once would be busy with that for longer than a
    // call may take.
    let processes: Vec<Network> = (0..8).map(|_| provider.another_process()).collect();
    let mut of_nobody = event.clone();
    of_nobody["customerId"] = json!("nobody");
    for process in &processes {
        assert_eq!(hand_over(process, &of_nobody).await, BatchReport::default());
    }
    let mut copies = tokio::task::JoinSet::new();
    for process in processes.iter().cycle().take(200) {
        let (network, event) = (process.clone(), event.clone());
        copies.spawn(async move { Box::pin(hand_over(&network, &event)).await });
    }
    let reports = copies.join_all().await;
    assert_eq!(provider.effects(), [Effect::Applied]);
    // What came back is delivered again, and still changes nothing.
    for _ in reports.iter().filter(|report| **report != BatchReport::default()) {
        assert_eq!(hand_over(&provider.network, &event).await, BatchReport::default());
    }
    assert_eq!((provider.effects(), provider.state().await.as_str()), (vec![Effect::Applied], "told"));
    provider.wait(Duration::hours(1));
    provider.sweep().await;
    assert_eq!(provider.effects().len(), 1, "nothing is due");
}

#[tokio::test]
async fn events_that_come_late_or_in_any_order_bring_no_old_state() {
    let mut provider = Provider::start().await;
    provider.pay().await;
    provider.pay().await;
    let mut events = provider.queued();
    assert_eq!(events.len(), 2);
    events.reverse();
    events.extend(events.clone());
    for event in &events {
        assert_eq!(hand_over(&provider.network, event).await, BatchReport::default());
    }
    assert_eq!(provider.effects(), [Effect::Applied]);
    provider.assert_network_knows("the state of both").await;
}

#[tokio::test]
async fn what_changes_while_a_message_is_under_way_is_told_right_after_it() {
    let mut provider = Provider::start().await;
    provider.pay().await;
    let first = provider.queued().remove(0);
    let (network, tap) = (provider.another_process(), provider.journey.world.tap.clone());
    tap.hold_answer("network");
    let telling = tokio::spawn(async move { Box::pin(hand_over(&network, &first)).await });
    tap.held().await;
    provider.pay().await;
    provider.deliver().await;
    assert_eq!(provider.messages().len(), 1, "the second event leaves it to who is at it");
    tap.release();
    assert_eq!(telling.await.unwrap(), BatchReport::default());
    assert_eq!(provider.effects(), [Effect::Applied, Effect::Applied]);
    provider.assert_network_knows("both payments").await;
    assert_eq!(provider.state().await, "told");
}

#[tokio::test]
async fn while_the_secret_is_replaced_receivers_with_either_accept() {
    let mut provider = Provider::start().await;
    provider.type_in(
        &json!({"webhookUrl": provider.receiver(), "secret": DEMO_NETWORK_SECRET, "previousSecret": OLD_SECRET}),
    );
    for secret in [OLD_SECRET, DEMO_NETWORK_SECRET] {
        provider.journey.world.sandbox.set_network_secret(secret);
        provider.pay_and_deliver().await;
    }
    assert_eq!(provider.effects(), [Effect::Applied, Effect::Applied]);
    assert_eq!(provider.messages()[0].signature.split(' ').count(), 2);
}

#[tokio::test]
async fn nothing_configured_is_no_effect_and_no_error() {
    let mut provider = Provider::start().await;
    provider.type_in(&json!({"webhookUrl": "", "secret": ""}));
    provider.journey.world.tap.forget();
    provider.pay_and_deliver().await;
    provider.sweep().await;
    assert!(provider.messages().is_empty() && provider.network_update().await.is_none());

    // Switched off while it fails: nobody is told any more, and nothing stays due.
    provider.configure("https://127.0.0.1:1/nobody");
    provider.network = provider.another_process();
    provider.pay_and_deliver().await;
    assert_eq!(provider.state().await, "failing");
    provider.type_in(&json!({"webhookUrl": "", "secret": ""}));
    provider.network = provider.another_process();
    provider.wait(Duration::minutes(2));
    provider.sweep().await;
    assert_eq!(provider.state().await, "off");
    assert!(!provider.network_update().await.unwrap().contains_key("wake_key"));

    // On again: told from the next event on, with a higher version than ever before.
    provider.configure(&provider.receiver());
    provider.network = provider.another_process();
    provider.pay_and_deliver().await;
    assert_eq!(provider.effects(), [Effect::Applied]);
}
