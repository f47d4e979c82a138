//! One payment: the link is asked for, paid at the gateway's stand-in, its notification delivered, its event relayed
//! and applied.

use billing::payment::gateway::GatewayName;
use lunas_sandbox::{Outcome, Simulate};
use serde_json::{Value, json};
use testkit::request::{answer, delivery, request};
use time::Duration;

use crate::shop::{Shop, locked};

/// Tries of what customers and gateways repeat.
const TRIES: usize = 4;
/// Events that the stream hands over at once, per partition of the outbox.
const RELAYED_AT_ONCE: i32 = 10;

impl Shop {
    pub async fn pay(&self, number: usize) {
        let (profile, invoice) = self.take(number);
        let token = self.world.token(&profile).await;
        let gateway = GatewayName::ALL[number % GatewayName::ALL.len()];
        let path = format!("/api/customer/invoices/payment?invoiceId={}&gateway={gateway}", invoice.id);
        let Some(link) = self.link(&path, &token).await else { return };
        if let Err(error) = self.world.sandbox.simulate(&Simulate::new(&link, Outcome::Paid)).await {
            return self.error(format!("{}: not paid: {error}", invoice.number));
        }
        self.deliver().await;
        self.relay_once().await;
        self.apply_waiting().await;
    }

    async fn link(&self, path: &str, token: &str) -> Option<String> {
        for _ in 0..TRIES {
            let asked = request("GET", path, Some(token), None);
            let (status, body) = answer(&create_payment_link::handle(&self.world.app, asked).await);
            match body["paymentLink"].as_str() {
                Some(link) if status == 200 => return Some(link.to_owned()),
                _ => self.error(format!("link: {status} {}", body["code"])),
            }
        }
        None
    }

    /// Whoever comes by delivers every notification that arrived.
    async fn deliver(&self) {
        for notification in self.world.notifications.take() {
            for _ in 0..TRIES {
                let received = receive_webhook::handle(&self.world.app, delivery(&notification)).await;
                if received.status().is_success() {
                    break;
                }
                self.error(format!("webhook: {}", received.status()));
            }
        }
    }

    /// Hands the outbox's new events to relay-events, as the stream would, and what reaches the bus to the queue.
    /// Nothing if somebody is at it.
    pub async fn relay_once(&self) -> usize {
        let Ok(_relaying) = self.relaying.try_lock() else { return 0 };
        let store = &self.relay.store;
        let events =
            store.events_to_relay(self.relay.clock.now() + Duration::minutes(2), RELAYED_AT_ONCE).await.unwrap();
        let image = |event: &cloud::store::outbox::StoredEvent| {
            let image = json!({"SK": {"S": "EVENT"}, "id": {"S": event.id}, "kind": {"S": event.kind}, "detail": {"S": event.detail}});
            json!({"eventName": "INSERT", "dynamodb": {"NewImage": image}})
        };
        if !events.is_empty() {
            relay_events::handle(&self.relay, json!({"Records": events.iter().map(image).collect::<Vec<_>>()})).await;
        }
        self.world.tap.forget();
        let on_bus = self.world.aws.take_bus();
        let settled = on_bus.iter().filter(|entry| entry["DetailType"] == "payment.settled");
        let details = settled.map(|entry| serde_json::from_str::<Value>(entry["Detail"].as_str().unwrap()).unwrap());
        locked(&self.to_apply).extend(
            details.map(|detail| json!({"source": "lunas", "detail-type": "payment.settled", "detail": detail})),
        );
        events.len()
    }

    async fn apply_waiting(&self) -> usize {
        let mut applied = 0;
        loop {
            let next = locked(&self.to_apply).pop_front();
            let Some(message) = next else { return applied };
            let batch = json!({"Records": [{"messageId": "m", "body": message.to_string()}]});
            let report = apply_payment::handle(&self.apply, serde_json::from_value(batch).unwrap()).await;
            if !report.batch_item_failures.is_empty() {
                self.error("not applied, again".to_owned());
                locked(&self.to_apply).push_back(message);
                return applied;
            }
            applied += 1;
        }
    }

    /// Until nothing waits any more.
    pub async fn until_quiet(&self) {
        for _ in 0..100_000 {
            self.deliver().await;
            let moved = self.relay_once().await + self.apply_waiting().await;
            if moved == 0 && locked(&self.to_apply).is_empty() {
                return;
            }
        }
        panic!("not quiet");
    }
}
