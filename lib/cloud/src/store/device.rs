//! What is remembered of a customer's modem between two looks. A cache: losing it costs a question to the ACS, and
//! nothing else.
//!
//! What is remembered is written as one, last one counts. When something was last refreshed stands beside it, because
//! that is a limit.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::id::CustomerId;
use serde::{Serialize, de::DeserializeOwned};
use time::{Duration, OffsetDateTime};

use super::error::{StoreError, failed_condition, unavailable};
use super::item::{Item, SCHEMA_VERSION, from_item, seconds};
use super::keys;
use super::table::Store;

const MEMORY: &str = "memory";
const REFRESHED_AT: &str = "refreshed_at";
/// The last good answer is worth something for so long.
const KEPT: Duration = Duration::days(30);

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceMemory<T> {
    /// The last answer; `None` = none, or one of another layout.
    pub memory: Option<T>,
    /// When the customer last had the modem asked to tell everything anew.
    pub refreshed_at: Option<OffsetDateTime>,
}

impl<T: DeserializeOwned> DeviceMemory<T> {
    pub(super) fn read(item: Option<Item>) -> Self {
        let Some(mut item) = item else { return Self { memory: None, refreshed_at: None } };
        let refreshed_at = item.get(REFRESHED_AT).and_then(|value| value.as_n().ok()?.parse().ok());
        let refreshed_at = refreshed_at.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        // One that another version wrote is as good as none.
        let is_ours = item.get("schema_version") == Some(&AttributeValue::N(SCHEMA_VERSION.to_owned()));
        let memory = match item.remove(MEMORY) {
            Some(AttributeValue::M(attributes)) if is_ours => from_item(attributes).ok(),
            _ => None,
        };
        Self { memory, refreshed_at }
    }
}

impl Store {
    /// Remembers an answer, over whatever is there: it is a cache of what the ACS knows, and the last answer counts.
    pub async fn remember_device<T>(
        &self,
        customer: &CustomerId,
        memory: &T,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>
    where
        T: Serialize + Sync,
    {
        let memory: Item = serde_dynamo::to_item(memory).map_err(|error| StoreError::Damaged(error.to_string()))?;
        self.update(&keys::device(customer))
            .update_expression("SET #memory = :memory, #ttl = :ttl, #schema = :schema")
            .expression_attribute_names("#memory", MEMORY)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#schema", "schema_version")
            .expression_attribute_values(":memory", AttributeValue::M(memory))
            .expression_attribute_values(":ttl", seconds(now.saturating_add(KEPT)))
            .expression_attribute_values(":schema", AttributeValue::N(SCHEMA_VERSION.to_owned()))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    /// Claims a refresh: at most one per `every`, whoever else asks at this moment. `Stale` when there was one.
    pub async fn claim_refresh(
        &self,
        customer: &CustomerId,
        every: Duration,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let sent = self
            .update(&keys::device(customer))
            .update_expression("SET #refreshed = :now, #ttl = :ttl")
            .condition_expression("attribute_not_exists(#refreshed) OR #refreshed <= :before")
            .expression_attribute_names("#refreshed", REFRESHED_AT)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", seconds(now))
            .expression_attribute_values(":before", seconds(now.saturating_sub(every)))
            .expression_attribute_values(":ttl", seconds(now.saturating_add(KEPT)))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => failed_condition(error).and(Err(StoreError::Stale)),
        }
    }

    /// What is remembered, for people.
    pub async fn device_memory<T: DeserializeOwned>(
        &self,
        customer: &CustomerId,
    ) -> Result<DeviceMemory<T>, StoreError> {
        Ok(DeviceMemory::read(self.get_item(&keys::device(customer)).await?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn item(schema: &str, memory: AttributeValue) -> Item {
        let number = |text: &str| AttributeValue::N(text.to_owned());
        HashMap::from([
            ("schema_version".to_owned(), number(schema)),
            (REFRESHED_AT.to_owned(), number("1795402800")),
            (MEMORY.to_owned(), memory),
        ])
    }

    #[test]
    fn what_cannot_be_read_is_forgotten_and_the_limit_is_not() {
        let map = AttributeValue::M(HashMap::from([("a".to_owned(), AttributeValue::S("b".to_owned()))]));
        let read = |item: Option<Item>| {
            let DeviceMemory { memory, refreshed_at } = DeviceMemory::<HashMap<String, String>>::read(item);
            (memory.is_some(), refreshed_at.is_some())
        };
        assert_eq!(read(Some(item(SCHEMA_VERSION, map.clone()))), (true, true));
        assert_eq!(read(Some(item("0", map))), (false, true), "another version's");
        assert_eq!(read(Some(item(SCHEMA_VERSION, AttributeValue::S("x".to_owned())))), (false, true));
        assert_eq!(read(None), (false, false));
    }
}
