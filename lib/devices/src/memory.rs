//! What is remembered of a customer's device between two looks.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{matching::SubscriberLine, reading::Reading};

/// An answer is shown again for so long without asking.
pub const FRESH_FOR: Duration = Duration::seconds(30);
/// A device that is offline is searched for anew (it may have been swapped) at most this often.
pub const SEARCH_EVERY: Duration = Duration::minutes(2);

/// What became of the last look that got an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// What was known of the line then. Once that changes, nothing of this counts any more.
    pub line: SubscriberLine,
    /// What the device said; `None` = there was no device.
    pub reading: Option<Reading>,
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// When all devices were last searched.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub searched_at: Option<OffsetDateTime>,
}

impl Memory {
    /// May be shown again without asking: young, and nothing was refreshed since.
    #[must_use]
    pub fn is_fresh(&self, refreshed_at: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        // A refresh is stored to the second: one in the same second may have come later.
        let is_newer = |at: OffsetDateTime| at.unix_timestamp() < self.asked_at.unix_timestamp();
        now - self.asked_at < FRESH_FOR && refreshed_at.is_none_or(is_newer)
    }

    /// May all devices be searched again?
    #[must_use]
    pub fn may_search(&self, now: OffsetDateTime) -> bool {
        self.searched_at.is_none_or(|at| now - at >= SEARCH_EVERY)
    }
}
