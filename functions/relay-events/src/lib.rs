//! Table stream and every minute: puts the events of the outbox on the bus.
//!
//! Never fails a batch: on AWS a failing batch blocks its shard. What could not be relayed stays in the index, and the
//! sweep of the next minute sends it.

use cloud::aws::AwsAccount;
use cloud::bus::{self, Bus};
use cloud::clock::Clock;
use cloud::settings::{SettingError, Settings};
use cloud::store::Store;
use cloud::store::outbox::StoredEvent;
use serde::Deserialize;
use serde_json::Value;

/// Events per index partition and run of the sweep.
const SWEEP_LIMIT: i32 = 25;

/// The store and the bus.
#[derive(Debug, Clone)]
pub struct Relay {
    pub store: Store,
    pub bus: Bus,
    pub clock: Clock,
}

impl Relay {
    /// What Lambda puts into the environment.
    pub fn from_env() -> Result<Self, SettingError> {
        let settings = Settings::from_env()?;
        let account = AwsAccount::from_env();
        Ok(Self {
            store: Store::new(account.dynamodb(), settings.table),
            bus: Bus::new(account.eventbridge(), settings.bus),
            clock: Clock::default(),
        })
    }
}

/// Relays what the stream brings, or, called by the clock, what is due.
pub async fn handle(relay: &Relay, trigger: Value) {
    let events = if trigger.get("Records").is_some() {
        from_stream(&trigger)
    } else {
        match relay.store.events_to_relay(relay.clock.now(), SWEEP_LIMIT).await {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(alarm = true, %error, "due events could not be read");
                return;
            }
        }
    };
    relay_all(relay, &events).await;
}

async fn relay_all(relay: &Relay, events: &[StoredEvent]) {
    // Marked batch by batch: should a slow bus use the time up, what it took is not sent again.
    for batch in events.chunks(bus::BATCH) {
        relay_batch(relay, batch).await;
    }
}

async fn relay_batch(relay: &Relay, batch: &[StoredEvent]) {
    let relayed = relay.bus.put(batch).await;
    if relayed.len() < batch.len() {
        let left = batch.len().saturating_sub(relayed.len());
        tracing::error!(alarm = true, left, "events not relayed; the sweep sends them");
    }
    for id in relayed {
        // Relayed but not marked: sent again by the sweep, which consumers bear.
        if let Err(error) = relay.store.mark_relayed(&id, relay.clock.now()).await {
            tracing::warn!(event = id, %error, "relayed event not marked");
        }
    }
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

#[derive(Deserialize)]
struct NewImage {
    id: Text,
    kind: Text,
    detail: Text,
}

/// The events among the stream's records. The mapping's filter lets only insertions of events through; anything else is
/// left out.
fn from_stream(batch: &Value) -> Vec<StoredEvent> {
    let records = batch.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let inserted = records.iter().filter(|record| record.get("eventName").and_then(Value::as_str) == Some("INSERT"));
    let images = inserted.filter_map(|record| record.get("dynamodb")?.get("NewImage"));
    let events = images.filter(|image| image.pointer("/SK/S").and_then(Value::as_str) == Some("EVENT"));
    let readable = events.filter_map(|image| match NewImage::deserialize(image) {
        Ok(image) => Some(StoredEvent { id: image.id.text, kind: image.kind.text, detail: image.detail.text }),
        Err(error) => {
            tracing::error!(alarm = true, %error, "an event in the stream cannot be read");
            None
        }
    });
    readable.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_insertions_of_events_are_taken_from_the_stream() {
        let image =
            json!({"SK": {"S": "EVENT"}, "id": {"S": "1"}, "kind": {"S": "payment.settled"}, "detail": {"S": "{}"}});
        let record = |name: &str, image: &Value| json!({"eventName": name, "dynamodb": {"NewImage": image}});
        let other = json!({"SK": {"S": "PROFILE"}});
        let broken = json!({"SK": {"S": "EVENT"}, "id": {"N": "1"}});
        let batch = json!({"Records": [record("INSERT", &image), record("MODIFY", &image), record("INSERT", &other), record("INSERT", &broken), {}]});
        assert_eq!(from_stream(&batch).into_iter().map(|event| event.id).collect::<Vec<_>>(), ["1"]);
    }
}
