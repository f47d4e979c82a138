//! The index of due work. Its rows are hints: whoever takes one reads the item again.

use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;

use super::{
    DueKind, Store, StoreError,
    item::{SHARDS, seconds},
    keys::Key,
    unavailable,
};

impl Store {
    /// Keys of items that are due, longest overdue first, at most `limit` per partition.
    pub async fn due(&self, kind: DueKind, now: OffsetDateTime, limit: i32) -> Result<Vec<Key>, StoreError> {
        self.due_between(kind, OffsetDateTime::UNIX_EPOCH, now, limit).await
    }

    /// Keys of items that are due from `since` to `until`.
    pub(super) async fn due_between(
        &self,
        kind: DueKind,
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
                .index_name("due")
                .key_condition_expression("due_key = :key AND due_at BETWEEN :since AND :until")
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
                let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
                let due_at: i64 =
                    item.get("due_at").and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default();
                keys.push((due_at, Key { pk: text("PK"), sk: text("SK") }));
            }
        }
        keys.sort_by_key(|(due_at, _)| *due_at);
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }
}
