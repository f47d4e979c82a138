//! Items: a state of `billing` as attributes, with its key, its version and its place in the index of wake-ups.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use billing::{
    access::login::LoginState,
    payment::{invoice::Invoice, order::Order},
    service::customer::Profile,
    telling::{network::NetworkUpdate, notice::Notice, sender::Sender},
};
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::{error::StoreError, keys::Key};

/// Attributes of one item.
pub type Item = HashMap<String, AttributeValue>;

/// Version of the layout of items. To be raised with every field that is added to an item, together with a rule for
/// reading the one before.
pub(super) const SCHEMA_VERSION: &str = "1";
/// Partitions per kind of wake-ups.
pub const SHARDS: u32 = 16;

/// Kinds of wake-ups: each is a set of partitions of the index `wake`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeKind {
    /// Orders whose gateway is to be asked.
    Order,
    /// Invoices that await apply.
    Invoice,
    /// Events that are not relayed.
    Event,
    /// Unpaid invoices that customers are to be reminded of.
    Reminder,
    /// Customers whose expiry is to be told.
    Expiry,
    /// Bills and reminders that wait, or are being handed over.
    Message,
    /// Receipts and what else a customer has to know, likewise.
    Receipt,
    /// Login codes, likewise.
    Code,
    /// Messages that did not arrive, or of which nobody knows: for people, by when that was.
    LostMessage,
    /// Lines that the network is to be told of once more.
    NetworkUpdate,
}

impl WakeKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Invoice => "invoice",
            Self::Event => "event",
            Self::Reminder => "reminder",
            Self::Expiry => "expiry",
            Self::Message => "message",
            Self::Receipt => "receipt",
            Self::Code => "code",
            Self::LostMessage => "lost",
            Self::NetworkUpdate => "network",
        }
    }

    /// The index partition of an id: FNV-1a, so that it stays the same in every build.
    pub(super) fn partition(self, id: &str) -> String {
        let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{}#{}", self.as_str(), hash.checked_rem(SHARDS).unwrap_or_default())
    }
}

/// A state that is written over the version it was read in.
pub trait Versioned {
    /// The state as it stands once it is written.
    #[must_use]
    fn stored(self) -> Self;
}

macro_rules! versioned {
    ($($state:ty),+) => {$(
        impl Versioned for $state {
            fn stored(self) -> Self {
                Self { version: self.version.saturating_add(1), ..self }
            }
        }
    )+};
}

versioned!(Invoice, LoginState, NetworkUpdate, Notice, Order, Profile, Sender);

/// A state as an item under `key`.
pub fn to_item(key: &Key, state: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item =
        serde_dynamo::to_item(state).map_err(|error| StoreError::Damaged(format!("{key}: {error}")))?;
    item.extend(key.attributes());
    item.insert("schema_version".to_owned(), AttributeValue::N(SCHEMA_VERSION.to_owned()));
    Ok(item)
}

/// The state in an item.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    let name = |attribute: &str| item.get(attribute).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let place = format!("{} / {}", name("PK"), name("SK"));
    // An older build would drop what a newer one added, the next time it writes the item.
    let version = item.get("schema_version").and_then(|value| value.as_n().ok()).map_or(SCHEMA_VERSION, String::as_str);
    if version != SCHEMA_VERSION {
        return Err(StoreError::Damaged(format!("{place}: layout {version}, this build knows {SCHEMA_VERSION}")));
    }
    serde_dynamo::from_item(item).map_err(|error| StoreError::Damaged(format!("{place}: {error}")))
}

/// Enters or leaves the index of wake-ups.
pub fn set_wake(item: &mut Item, kind: WakeKind, id: &str, wake_at: Option<OffsetDateTime>) {
    if let Some(wake_at) = wake_at {
        item.insert("wake_key".to_owned(), AttributeValue::S(kind.partition(id)));
        item.insert("wake_time".to_owned(), seconds(wake_at));
    }
}

/// Lets DynamoDB delete the item some time after `at`; readers check for themselves.
pub fn set_ttl(item: &mut Item, at: OffsetDateTime) {
    item.insert("ttl".to_owned(), seconds(at));
}

/// An instant as whole seconds.
pub fn seconds(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N(at.unix_timestamp().to_string())
}

/// Writes a state over version `read` of itself; 0 = it must not exist yet. The item gets version `read + 1`.
pub fn put_version(table: &str, mut item: Item, read: u64) -> Result<TransactWriteItem, StoreError> {
    item.insert("version".to_owned(), AttributeValue::N(read.saturating_add(1).to_string()));
    if read == 0 {
        return put_new(table, item);
    }
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("#version = :read")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":read", AttributeValue::N(read.to_string()))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
    write(put.build().map(|put| TransactWriteItem::builder().put(put)))
}

/// Writes an item that must not exist.
pub fn put_new(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(table).set_item(Some(item)).condition_expression("attribute_not_exists(PK)");
    write(put.build().map(|put| TransactWriteItem::builder().put(put)))
}

/// Writes an item whatever was there.
pub fn put_over(table: &str, item: Item) -> Result<TransactWriteItem, StoreError> {
    write(
        Put::builder().table_name(table).set_item(Some(item)).build().map(|put| TransactWriteItem::builder().put(put)),
    )
}

/// Demands that an item still has version `read`, without writing it.
pub fn check_version(table: &str, key: &Key, read: u64) -> Result<TransactWriteItem, StoreError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.attributes()))
        .condition_expression("#version = :read")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":read", AttributeValue::N(read.to_string()));
    write(check.build().map(|check| TransactWriteItem::builder().condition_check(check)))
}

pub(super) fn write(
    built: Result<aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder, aws_sdk_dynamodb::error::BuildError>,
) -> Result<TransactWriteItem, StoreError> {
    built
        .map(aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder::build)
        .map_err(|error| StoreError::Damaged(error.to_string()))
}
