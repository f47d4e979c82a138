//! The one place that reads the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// The time of day. Clones share it; tests move it forward.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// Now, in UTC.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = OffsetDateTime::now_utc();
        now.saturating_add(Duration::seconds(self.ahead_seconds.load(Ordering::Relaxed)))
    }

    /// Moves this clock and its clones forward.
    pub fn advance(&self, by: Duration) {
        self.ahead_seconds.fetch_add(by.whole_seconds(), Ordering::Relaxed);
    }
}
