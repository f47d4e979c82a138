//! The outbox: an event is written in the transaction of what it tells, and leaves from here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use billing::telling::event::{Envelope, Event, KEPT};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::error::{StoreError, failed_condition};
use super::id::new_id;
use super::item::{WakeKind, from_item, put_new, seconds, set_wake, to_item};
use super::keys;
use super::table::Store;

/// The stream relays within a second; what is still here after this long is for the sweep.
const RELAY_WITHIN: Duration = Duration::minutes(1);

/// An event as stored: ready to be put on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// UUIDv7.
    pub id: String,
    pub kind: String,
    /// The detail: an [`Envelope`] as JSON.
    pub detail: String,
}

/// What became of an event. Kept for a week.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventState {
    /// UUIDv7.
    pub id: String,
    /// The detail type, such as `payment.settled`.
    pub kind: String,
    /// When it first reached the bus; `None` = not yet.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub relayed_at: Option<OffsetDateTime>,
}

/// Events read for one list.
const EVENTS_READ: usize = 100;

impl Store {
    /// The event as part of a transaction.
    pub(super) fn event_item(&self, event: &Event, now: OffsetDateTime) -> Result<TransactWriteItem, StoreError> {
        self.event_item_as(&new_id("", now), event, now)
    }

    /// The event under an id that something else in the transaction keeps.
    pub(super) fn event_item_as(
        &self,
        id: &str,
        event: &Event,
        now: OffsetDateTime,
    ) -> Result<TransactWriteItem, StoreError> {
        let kind = event.kind().to_owned();
        let envelope = Envelope { id: id.to_owned(), at: now, event: event.clone() };
        let detail = serde_json::to_string(&envelope).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut item = to_item(&keys::event(id), &StoredEvent { id: id.to_owned(), kind, detail })?;
        set_wake(&mut item, WakeKind::Event, id, Some(now.saturating_add(RELAY_WITHIN)));
        put_new(&self.table, item)
    }

    /// The events that are to be relayed, at most `limit` per index partition. Rows of the index are hints: each is
    /// read again, and those that were relayed meanwhile are left out.
    pub async fn events_to_relay(&self, now: OffsetDateTime, limit: i32) -> Result<Vec<StoredEvent>, StoreError> {
        let keys = self.wake_ups(WakeKind::Event, now, limit).await?;
        let mut events = Vec::new();
        for item in self.get_many(&keys).await?.into_iter().filter(|item| item.contains_key("wake_key")) {
            match from_item::<StoredEvent>(item) {
                Ok(event) => events.push(event),
                // One that cannot be read must not keep the others here.
                Err(error) => tracing::error!(alarm = true, %error, "an event of the outbox cannot be read"),
            }
        }
        events.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(events)
    }

    /// The event is on the bus: not filed any more, and not needed much longer.
    pub async fn mark_relayed(&self, event_id: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let sent = self
            .update(&keys::event(event_id))
            .update_expression(
                "SET relayed_at = if_not_exists(relayed_at, :now), #ttl = :ttl REMOVE wake_key, wake_time",
            )
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", seconds(now.saturating_add(KEPT)))
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":now", AttributeValue::S(billing::zone::format::instant(now)))
            .send()
            .await;
        // Gone by its time to live: nothing left to mark.
        sent.map_or_else(|error| failed_condition(error).map(drop), |_| Ok(()))
    }

    /// What became of these events, by id, of the first hundred. One that is missing was deleted after its week.
    pub async fn event_states(&self, ids: &[String]) -> Result<HashMap<String, EventState>, StoreError> {
        let mut keys: Vec<_> = ids.iter().map(|id| keys::event(id)).collect();
        // A key twice in one request is refused.
        keys.sort_by(|a, b| a.pk.cmp(&b.pk));
        keys.dedup();
        keys.truncate(EVENTS_READ);
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.get_all(&keys).await?;
        let states = found.into_values().map(from_item::<EventState>);
        states.map(|state| state.map(|state| (state.id.clone(), state))).collect()
    }
}
