//! The event bus: `PutEvents` with its partial failures.

use aws_sdk_eventbridge::{Client, error::DisplayErrorContext, types::PutEventsRequestEntry};

use crate::store::outbox::StoredEvent;

/// Entries per call, the service's limit.
pub const BATCH: usize = 10;
/// The source of every event.
pub const SOURCE: &str = "lunas";
const TRIES: u64 = 3;

/// Puts events on the deployment's bus.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    #[must_use]
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Puts events on the bus and answers the ids of those that are there. `PutEvents` answers 200 with failed entries
    /// inside: only those are tried again, here and then by the sweep.
    pub async fn put(&self, events: &[StoredEvent]) -> Vec<String> {
        let mut relayed = Vec::with_capacity(events.len());
        for batch in events.chunks(BATCH) {
            let mut open: Vec<&StoredEvent> = batch.iter().collect();
            for attempt in 0..TRIES {
                open = self.put_batch(open, &mut relayed).await;
                if open.is_empty() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100_u64.saturating_mul(attempt.saturating_add(1))))
                    .await;
            }
        }
        relayed
    }

    async fn put_batch<'a>(&self, events: Vec<&'a StoredEvent>, relayed: &mut Vec<String>) -> Vec<&'a StoredEvent> {
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(SOURCE)
                .detail_type(&event.kind)
                .detail(&event.detail)
                .build()
        });
        let answer = match self.client.put_events().set_entries(Some(entries.collect())).send().await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(error = %DisplayErrorContext(error), events = events.len(), "events not relayed yet");
                return events;
            }
        };
        // Answers are aligned with the entries; an entry without an id of its own is not on the bus.
        let results = answer.entries();
        let mut open = Vec::new();
        for (index, event) in events.into_iter().enumerate() {
            if results.get(index).is_some_and(|result| result.event_id().is_some() && result.error_code().is_none()) {
                relayed.push(event.id.clone());
            } else {
                open.push(event);
            }
        }
        open
    }
}
