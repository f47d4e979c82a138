//! The outbox: an event is written in the transaction of what it tells, and leaves from here.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use billing::telling::event::{Envelope, Event, KEPT};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{
    Store, StoreError, WakeKind,
    item::{from_item, put_new, seconds, set_wake, to_item},
    keys, unavailable,
};

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

/// A new UUIDv7 whose time is `now`: sorts by time, so a page of the newest is one query without another index.
pub(super) fn new_id(now: OffsetDateTime) -> String {
    let (seconds, nanos) = (u64::try_from(now.unix_timestamp()).unwrap_or_default(), now.nanosecond());
    let timestamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    uuid::Uuid::new_v7(timestamp).simple().to_string()
}

/// Ids of what happens at once, in its order.
pub(super) fn new_ids(count: usize, now: OffsetDateTime) -> Vec<String> {
    let mut ids: Vec<String> = std::iter::repeat_with(|| new_id(now)).take(count).collect();
    ids.sort();
    ids
}

impl Store {
    /// The event as part of a transaction.
    pub(super) fn event_item(&self, event: &Event, now: OffsetDateTime) -> Result<TransactWriteItem, StoreError> {
        self.event_item_as(&new_id(now), event, now)
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
        for chunk in keys.chunks(100) {
            let found = self.get_all(chunk).await?;
            for item in found.into_values().filter(|item| item.contains_key("wake_key")) {
                match from_item::<StoredEvent>(item) {
                    Ok(event) => events.push(event),
                    // One that cannot be read must not keep the others here.
                    Err(error) => tracing::error!(alarm = true, %error, "an event of the outbox cannot be read"),
                }
            }
        }
        events.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(events)
    }

    /// The event is on the bus: not filed any more, and not needed much longer.
    pub async fn mark_relayed(&self, event_id: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::event(event_id).attributes()))
            .update_expression(
                "SET relayed_at = if_not_exists(relayed_at, :now), #ttl = :ttl REMOVE wake_key, wake_time",
            )
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", seconds(now.saturating_add(KEPT)))
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":now", AttributeValue::S(billing::zone::format::instant(now)))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            // Gone by its time to live: nothing left to mark.
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::update_item::UpdateItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(unavailable(&error)),
        }
    }
}
