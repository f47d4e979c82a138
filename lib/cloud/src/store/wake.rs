//! The index of wake-ups. Its rows are hints: whoever takes one reads the item again.

use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;

use super::error::{StoreError, unavailable};
use super::item::{SHARDS, WakeKind, seconds};
use super::keys::Key;
use super::table::Store;

impl Store {
    /// Keys of items whose time has come, longest ago first, at most `limit` per partition.
    pub async fn wake_ups(&self, kind: WakeKind, now: OffsetDateTime, limit: i32) -> Result<Vec<Key>, StoreError> {
        self.wake_ups_between(kind, OffsetDateTime::UNIX_EPOCH, now, limit).await
    }

    /// Keys of items that wake up from `since` to `until`.
    pub(super) async fn wake_ups_between(
        &self,
        kind: WakeKind,
        since: OffsetDateTime,
        until: OffsetDateTime,
        limit: i32,
    ) -> Result<Vec<Key>, StoreError> {
        let mut queries = tokio::task::JoinSet::new();
        for shard in 0..SHARDS {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("wake")
                .key_condition_expression("wake_key = :key AND wake_time BETWEEN :since AND :until")
                .expression_attribute_values(":key", AttributeValue::S(format!("{}#{shard}", kind.as_str())))
                .expression_attribute_values(":since", seconds(since))
                .expression_attribute_values(":until", seconds(until))
                .limit(limit);
            queries.spawn(query.send());
        }
        let mut keys = Vec::new();
        while let Some(answer) = queries.join_next().await {
            let answer = answer
                .map_err(|error| StoreError::Unavailable(error.to_string()))?
                .map_err(|error| unavailable(&error))?;
            for item in answer.items() {
                let wake_time: i64 =
                    item.get("wake_time").and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default();
                keys.push((wake_time, Key::of(item)));
            }
        }
        keys.sort_by_key(|(wake_time, _)| *wake_time);
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }
}
