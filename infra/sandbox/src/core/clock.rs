//! The clock of the stand-ins, which a test can put forward.

use std::sync::atomic::{AtomicI64, Ordering};

use time::format_description::BorrowedFormatItem;
use time::macros::{format_description, offset};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

const MIDTRANS_LOCAL: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const MIDTRANS_WITH_ZONE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]");
const XENDIT_UTC: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Wall clock plus whatever a test has added to it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    advanced_seconds: AtomicI64,
}

impl Clock {
    /// The present instant of the gateways.
    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox plays other companies' servers, which have clocks of their own"
    )]
    pub(crate) fn now(&self) -> OffsetDateTime {
        let advanced = Duration::seconds(self.advanced_seconds.load(Ordering::SeqCst));
        OffsetDateTime::now_utc().saturating_add(advanced)
    }

    /// Puts the clock forward, so that a test need not wait for an expiry.
    pub(crate) fn advance(&self, seconds: i64) {
        self.advanced_seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// `2026-11-20 09:00:00`: Midtrans writes GMT+7 and names no zone.
pub(crate) fn midtrans_time(at: OffsetDateTime) -> String {
    at.to_offset(offset!(+7)).format(MIDTRANS_LOCAL).unwrap_or_default()
}

/// Reads `2026-11-20 09:00:00 +0700`, the form of `expiry.start_time`.
pub(crate) fn parse_midtrans_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, MIDTRANS_WITH_ZONE).ok()
}

/// `2026-11-20T02:03:10.000Z`, the form of every Xendit time.
pub(crate) fn utc_time(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(XENDIT_UTC).unwrap_or_default()
}

/// Reads what [`utc_time`] writes, for the date filters of the invoice list.
pub(crate) fn parse_utc_time(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, XENDIT_UTC).ok().map(PrimitiveDateTime::assume_utc)
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(at.millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn midtrans_writes_jakarta_time_without_a_zone() {
        assert_eq!(midtrans_time(datetime!(2026-11-20 02:00:00 UTC)), "2026-11-20 09:00:00");
        assert_eq!(parse_midtrans_time("2026-11-20 09:00:00 +0700"), Some(datetime!(2026-11-20 02:00:00 UTC)));
    }

    #[test]
    fn xendit_writes_utc_with_milliseconds() {
        let at = datetime!(2026-11-20 02:03:10.007 UTC);
        assert_eq!(utc_time(at), "2026-11-20T02:03:10.007Z");
        assert_eq!(parse_utc_time("2026-11-20T02:03:10.007Z"), Some(at));
        assert_eq!(unix_millis(at) % 1000, 7);
    }
}
