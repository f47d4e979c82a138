//! New ids, which sort by time.

use time::OffsetDateTime;

/// A new id: `prefix` (`c` of customers, `inv_` of invoices) and a UUIDv7 whose time is `now`, so a page of
/// the newest is one query without another index.
#[must_use]
pub fn new_id(prefix: &str, now: OffsetDateTime) -> String {
    let (seconds, nanos) = (u64::try_from(now.unix_timestamp()).unwrap_or_default(), now.nanosecond());
    let timestamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    format!("{prefix}{}", uuid::Uuid::new_v7(timestamp).simple())
}

/// Ids of what happens at once, in its order.
pub fn new_ids(count: usize, now: OffsetDateTime) -> Vec<String> {
    let mut ids: Vec<String> = std::iter::repeat_with(|| new_id("", now)).take(count).collect();
    ids.sort();
    ids
}
