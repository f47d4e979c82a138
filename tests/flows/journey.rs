//! One installation with one customer, and everything that happens between the functions: notifications, stream, bus,
//! queues.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::LazyLock;

use ::customer_account::AccountApi;
use apply_payment::Apply;
use aws_sdk_dynamodb::types::AttributeValue;
use billing::id::OrderId;
use billing::money::ledger::EntryKind;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::order::Order;
use billing::service::apply::ApplyRules;
use billing::service::customer::Profile;
use billing::service::entitlement::{Grant, Reason};
use billing::zone::Zone;
use cloud::{app::App, queue::Batch};
use lunas_sandbox::{Outcome, Simulate};
use relay_events::Relay;
use serde_json::{Value, json};
use testkit::World;
use testkit::notification::Notification;
use testkit::request::{answer, delivery, request};
use testkit::table::items;
use time::{Duration, OffsetDateTime};

use crate::api::{check_payment, create_payment_link, receive_webhook};
use crate::policies;

/// What customers are told beside login codes: the rule `TellRule` of the template.
static TOLD: LazyLock<Vec<String>> = LazyLock::new(|| {
    let rule = &policies::resources()["TellRule"]["Properties"]["EventPattern"];
    policies::texts(&rule["detail-type"]).into_iter().map(str::to_owned).collect()
});

/// The phone of the customer.
pub const PHONE: &str = "081234567890";

pub struct Journey {
    pub world: World,
    pub customer: Profile,
    pub invoice: Invoice,
    pub login: App,
    pub notify: App,
    pub relay: Relay,
    pub apply: Apply,
    /// Events that the stream handed over successfully.
    streamed: BTreeSet<String>,
    /// Messages that wait, by queue.
    queues: BTreeMap<&'static str, VecDeque<Value>>,
    /// Every entry that was taken from the bus.
    pub on_bus: Vec<Value>,
    /// Notifications that no 2xx answered yet.
    pub undelivered: VecDeque<Notification>,
    /// Customers are told what happens, not only sent login codes.
    pub telling: bool,
    /// What waits for apply-payment stays in its queue.
    pub apply_is_late: bool,
}

/// An item as it is stored.
pub type Item = HashMap<String, AttributeValue>;

/// A text in an item.
pub fn text(item: &Item, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

/// Events of the outbox as the table stream hands them to relay-events.
pub fn stream_batch<'a>(events: impl IntoIterator<Item = &'a Item>) -> Value {
    let records = events.into_iter().map(|event| {
        let image = json!({"SK": {"S": "EVENT"}, "id": {"S": text(event, "id")}, "kind": {"S": text(event, "kind")}, "detail": {"S": text(event, "detail")}});
        json!({"eventName": "INSERT", "dynamodb": {"NewImage": image}})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// One event of the bus as its queue hands it to a consumer.
pub fn queue_batch(detail: &Value) -> Batch {
    serde_json::from_value(queue_trigger(detail)).unwrap()
}

/// The same, as it triggers a function that the clock triggers too.
pub fn queue_trigger(detail: &Value) -> Value {
    let body = json!({"source": "lunas", "detail-type": detail["kind"], "detail": detail}).to_string();
    json!({"Records": [{"messageId": "m", "body": body}]})
}

/// What `customer-account` needs, of a deployment.
pub fn account_of(p: &App) -> AccountApi {
    AccountApi {
        store: p.store.clone(),
        zone: p.settings.zone,
        public_url: p.settings.public_url.clone(),
        clock: p.clock.clone(),
    }
}

impl Journey {
    pub async fn start() -> Self {
        Self::start_in(World::start().await).await
    }

    /// The same in a world that was changed before.
    pub async fn start_in(world: World) -> Self {
        let customer = world.customer("budi", PHONE).await;
        let invoice = world.invoice(&customer).await;
        let p = &world.app;
        let (login, notify) = (p.clone(), p.clone());
        let relay = Relay { store: p.store.clone(), bus: world.bus.clone(), clock: p.clock.clone() };
        let rules = ApplyRules { zone: p.settings.zone, late: p.settings.late_renewal };
        let apply = Apply { store: p.store.clone(), rules, clock: p.clock.clone() };
        let mut journey = Self {
            customer: world.profile(&customer.id).await,
            world,
            invoice,
            login,
            notify,
            relay,
            apply,
            streamed: BTreeSet::new(),
            queues: BTreeMap::new(),
            on_bus: Vec::new(),
            undelivered: VecDeque::new(),
            telling: false,
            apply_is_late: false,
        };
        journey.until_quiet().await;
        journey.world.tap.forget();
        journey
    }

    pub fn now(&self) -> OffsetDateTime {
        self.world.app.clock.now()
    }

    pub fn wait(&self, by: Duration) {
        self.world.app.clock.advance(by);
    }

    pub async fn token(&self) -> String {
        self.world.token(&self.customer).await
    }

    /// `GET …/invoices/payment`, once.
    pub async fn ask_link(&self, token: &str, gateway: Option<GatewayName>) -> Option<(u16, Value)> {
        let gateway = gateway.map(|gateway| format!("&gateway={gateway}")).unwrap_or_default();
        let path = format!("/api/customer/invoices/payment?invoiceId={}{gateway}", self.invoice.id);
        let asked = create_payment_link::handle(&self.world.app, request("GET", &path, Some(token), None));
        self.world.tap.or_crash(asked).await.map(|response| answer(&response))
    }

    /// Asks as a person does: again after a crash, an error, or "being made".
    pub async fn link(&self, token: &str, gateway: Option<GatewayName>) -> String {
        for _ in 0..6 {
            if let Some((200, body)) = self.ask_link(token, gateway).await {
                return body["paymentLink"].as_str().unwrap().to_owned();
            }
            self.wait(Duration::seconds(21));
        }
        panic!("no link after six tries");
    }

    /// Pays at the gateway's page. The notification is kept for [`Self::until_quiet`].
    pub async fn pay(&mut self, link: &str) {
        self.world.sandbox.simulate(&Simulate::new(link, Outcome::Paid)).await.unwrap();
        self.undelivered.extend(self.world.notifications.take());
    }

    pub async fn simulate(&mut self, link: &str, outcome: Outcome) {
        self.play(&Simulate::new(link, outcome)).await;
    }

    /// What a customer, a bank or the provider does at the gateway, in detail.
    pub async fn play(&mut self, simulate: &Simulate) {
        self.world.sandbox.simulate(simulate).await.unwrap();
        self.undelivered.extend(self.world.notifications.take());
    }

    pub async fn check(&self, token: &str) -> Option<(u16, Value)> {
        let path = format!("/api/customer/invoices/{}/check", self.invoice.id);
        let checked = check_payment::handle(&self.world.app, request("POST", &path, Some(token), None));
        self.world.tap.or_crash(checked).await.map(|response| answer(&response))
    }

    pub async fn deliver(&self, notification: &Notification) -> Option<u16> {
        let received = Box::pin(receive_webhook::handle(&self.world.app, delivery(notification)));
        self.world.tap.or_crash(received).await.map(|response| response.status().as_u16())
    }

    pub async fn reconcile(&self) {
        self.world.tap.or_crash(Box::pin(reconcile_payments::handle(&self.world.app, json!({})))).await;
    }

    pub async fn sweep(&self) {
        self.world.tap.or_crash(relay_events::handle(&self.relay, json!({}))).await;
    }

    /// Delivers whatever is under way, as often as it takes.
    pub async fn until_quiet(&mut self) {
        for _ in 0..40 {
            let moved = self.deliver_notifications().await | self.stream().await | self.work_queues().await;
            if !moved {
                return;
            }
        }
        panic!("not quiet after forty rounds");
    }

    async fn deliver_notifications(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.undelivered);
        let moved = !waiting.is_empty();
        for notification in waiting {
            if !matches!(self.deliver(&notification).await, Some(200..=299)) {
                self.undelivered.push_back(notification);
            }
        }
        moved
    }

    /// The table stream: every new event, again until the function lived through it.
    async fn stream(&mut self) -> bool {
        let events = items(&self.world.aws.direct, "EVENT").await;
        let new: Vec<_> = events.iter().filter(|event| !self.streamed.contains(&text(event, "id"))).collect();
        if new.is_empty() {
            return false;
        }
        let batch = stream_batch(new.iter().copied());
        if self.world.tap.or_crash(relay_events::handle(&self.relay, batch)).await.is_some() {
            self.streamed.extend(new.iter().map(|event| text(event, "id")));
        }
        true
    }

    /// Rules of the bus, then the queues. A message stays until its function lived through it and did not report it.
    async fn work_queues(&mut self) -> bool {
        let entries = self.world.aws.take_bus();
        self.on_bus.extend(entries.iter().cloned());
        for entry in entries {
            let kind = entry["DetailType"].as_str().unwrap();
            if matches!(kind, "payment.settled" | "payment.reversed" | "payment.review") {
                self.enqueue("apply", &entry);
            }
            if kind == "login.code_requested" || self.telling && TOLD.iter().any(|told| told == kind) {
                self.enqueue("notify", &entry);
            }
        }
        let mut moved = false;
        for queue in ["apply", "notify"] {
            if queue == "apply" && self.apply_is_late {
                continue;
            }
            let waiting = self.queues.remove(queue).unwrap_or_default();
            for message in waiting {
                moved = true;
                let trigger = json!({"Records": [message]});
                let report = if queue == "apply" {
                    let batch: Batch = serde_json::from_value(trigger).unwrap();
                    // On the heap: what tests nest is deeper than a test's stack.
                    self.world.tap.or_crash(Box::pin(apply_payment::handle(&self.apply, batch))).await
                } else {
                    let told = Box::pin(notify_customer::handle(&self.notify, trigger));
                    self.world.tap.or_crash(told).await.map(Result::unwrap)
                };
                if report.is_none_or(|report| !report.batch_item_failures.is_empty()) {
                    self.queues.entry(queue).or_default().push_back(message);
                }
            }
        }
        moved
    }

    fn enqueue(&mut self, queue: &'static str, entry: &Value) {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        let body = json!({"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail}).to_string();
        self.queues.entry(queue).or_default().push_back(json!({"messageId": "m", "body": body}));
    }

    /// Every minute: messages that wait.
    pub async fn send_waiting(&self) {
        self.world.tap.or_crash(Box::pin(notify_customer::handle(&self.notify, json!({})))).await;
    }

    /// Every five minutes: reminders.
    pub async fn run_billing(&self) {
        self.world.tap.or_crash(Box::pin(run_billing::handle(&self.world.app, json!({})))).await;
    }

    /// Puts a message into the queue of apply-payment once more.
    pub fn redeliver(&mut self, detail: &Value) {
        let body = json!({"detail": detail}).to_string();
        self.queues.entry("apply").or_default().push_back(json!({"messageId": "m", "body": body}));
    }

    /// Details of the stored events of a kind.
    pub async fn events(&self, kind: &str) -> Vec<Value> {
        let events = items(&self.world.aws.direct, "EVENT").await;
        let of_kind = events.iter().filter(|event| event["kind"].as_s().unwrap() == kind);
        of_kind.map(|event| serde_json::from_str(event["detail"].as_s().unwrap()).unwrap()).collect()
    }

    /// Every order, oldest first.
    pub async fn orders(&self) -> Vec<Order> {
        let mut orders = Vec::new();
        for item in items(&self.world.aws.direct, "ORDER").await {
            let gateway = GatewayName::parse(item["gateway"].as_s().unwrap()).unwrap();
            let id = OrderId::parse(item["id"].as_s().unwrap()).unwrap();
            orders.push(self.world.app.store.order(gateway, &id).await.unwrap().unwrap());
        }
        orders.sort_by_key(|order| order.created_at);
        orders
    }

    /// Relays what is new, and loses it between the bus and the queues.
    pub async fn lose_messages(&mut self) {
        assert!(self.stream().await);
        assert_ne!(self.world.aws.take_bus().len(), 0);
    }

    pub async fn grants(&self) -> Vec<Grant> {
        self.world.app.store.grants(&self.customer.id).await.unwrap()
    }

    /// What the ledger says in total of a kind.
    pub async fn ledger(&self, kind: EntryKind) -> i64 {
        let page = self.world.app.store.ledger(&self.customer.id, None, 100).await.unwrap();
        page.entries.iter().filter(|line| line.entry.kind == kind).map(|line| line.entry.amount.get()).sum()
    }

    /// The expiry after one paid month.
    pub fn extended_once(&self) -> OffsetDateTime {
        let before = &self.customer.entitlement;
        Zone::Jakarta.add_months(before.expires_at, 1, before.anchor_day).unwrap()
    }

    /// The customer has one month more than at the beginning.
    pub async fn assert_served_once(&self) {
        let profile = self.world.profile(&self.customer.id).await;
        assert_eq!(profile.entitlement.expires_at, self.extended_once());
    }

    /// One payment, counted once everywhere, and nothing left to do.
    pub async fn assert_paid_once(&self, context: &str) {
        let invoice = self.world.invoice_now(&self.invoice).await;
        assert_eq!(
            (invoice.status, invoice.settlement_no, invoice.granted),
            (InvoiceStatus::Paid, 1, Some(1)),
            "{context}"
        );
        assert_eq!(self.ledger(EntryKind::Received).await, 300_000, "{context}");
        assert_eq!(self.ledger(EntryKind::Surplus).await, 0, "{context}");
        let grants = self.grants().await;
        let renewals =
            grants.iter().filter(|grant| !grant.revoked && matches!(grant.reason, Reason::Renewal { .. })).count();
        assert_eq!((grants.len(), renewals), (2, 1), "{context}");
        let profile = self.world.profile(&self.customer.id).await;
        assert_eq!(
            (profile.entitlement.expires_at, profile.credit.get(), profile.open_renewal),
            (self.extended_once(), 0, None),
            "{context}"
        );
        assert_eq!(self.events("payment.settled").await.len(), 1, "{context}");
        assert_eq!(self.events("subscription.extended").await.len(), 1, "{context}");
        self.assert_outbox_empty(context).await;
        assert_eq!(invoice.wake_at, None, "{context}");
    }

    /// Every event was relayed.
    pub async fn assert_outbox_empty(&self, context: &str) {
        let left = items(&self.world.aws.direct, "EVENT")
            .await
            .into_iter()
            .filter(|event| event.contains_key("wake_key"))
            .count();
        assert_eq!(left, 0, "{context}: events not relayed");
    }
}
