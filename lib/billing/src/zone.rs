//! The provider's zone, in which due dates fall and months are counted. Indonesia has three, none with summer time.

use std::fmt;

use time::{Date, Duration, Month, OffsetDateTime, UtcOffset, macros::offset, util};

/// One of Indonesia's three time zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// WIB, UTC+7: Java, Sumatra, West and Central Kalimantan.
    #[default]
    Jakarta,
    /// WITA, UTC+8: Bali, Sulawesi, Nusa Tenggara, East, South and North Kalimantan.
    Makassar,
    /// WIT, UTC+9: Maluku, Papua.
    Jayapura,
}

/// The date that was asked for lies outside the years 0 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("date out of range")]
pub struct OutOfCalendar;

impl Zone {
    /// Reads an IANA name; `Asia/Pontianak` keeps Jakarta's time.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "Asia/Jakarta" | "Asia/Pontianak" => Some(Self::Jakarta),
            "Asia/Makassar" => Some(Self::Makassar),
            "Asia/Jayapura" => Some(Self::Jayapura),
            _ => None,
        }
    }

    /// The zone's fixed distance from UTC.
    #[must_use]
    pub const fn offset(self) -> UtcOffset {
        match self {
            Self::Jakarta => offset!(+7),
            Self::Makassar => offset!(+8),
            Self::Jayapura => offset!(+9),
        }
    }

    /// The calendar day that it is in this zone.
    #[must_use]
    pub fn date(self, at: OffsetDateTime) -> Date {
        at.checked_to_offset(self.offset()).unwrap_or(at).date()
    }

    /// The last second of a day in this zone: an import's `expiresAt` date serves the whole day.
    #[must_use]
    pub fn end_of(self, day: Date) -> OffsetDateTime {
        day.with_time(time::macros::time!(23:59:59)).assume_offset(self.offset()).to_offset(UtcOffset::UTC)
    }

    /// The first end of a day at or after `at`. Service that a payment buys ends there: what customers are told is a day.
    #[must_use]
    pub fn day_end(self, at: OffsetDateTime) -> OffsetDateTime {
        let day = self.date(at);
        let end = self.end_of(day);
        if at <= end { end } else { day.next_day().map_or(at, |next| self.end_of(next)) }
    }

    /// The first second of a day in this zone.
    #[must_use]
    pub fn start_of(self, day: Date) -> OffsetDateTime {
        day.midnight().assume_offset(self.offset()).to_offset(UtcOffset::UTC)
    }

    /// A time of a day in this zone.
    #[must_use]
    pub fn at(self, day: Date, time: time::Time) -> OffsetDateTime {
        day.with_time(time).assume_offset(self.offset()).to_offset(UtcOffset::UTC)
    }

    /// `months` later (earlier, if negative) at the same time of day, on `anchor_day` or the month's last day if it has
    /// no such day.
    ///
    /// Remembering the anchor keeps twelve months from 31 January on 31 January although February came between.
    pub fn add_months(self, at: OffsetDateTime, months: i32, anchor_day: u8) -> Result<OffsetDateTime, OutOfCalendar> {
        let local = at.checked_to_offset(self.offset()).ok_or(OutOfCalendar)?;
        let index = i32::from(u8::from(local.month()))
            .checked_sub(1)
            .and_then(|m| m.checked_add(months))
            .ok_or(OutOfCalendar)?;
        let year = local.year().checked_add(index.div_euclid(12)).ok_or(OutOfCalendar)?;
        let month_number =
            u8::try_from(index.rem_euclid(12)).ok().and_then(|m| m.checked_add(1)).ok_or(OutOfCalendar)?;
        let month = Month::try_from(month_number).map_err(|_| OutOfCalendar)?;
        let day = anchor_day.clamp(1, util::days_in_month(month, year));
        let date = Date::from_calendar_date(year, month, day).map_err(|_| OutOfCalendar)?;
        if date.year() > 9998 {
            return Err(OutOfCalendar);
        }
        Ok(date.with_time(local.time()).assume_offset(self.offset()).to_offset(UtcOffset::UTC))
    }

    /// Months from the calendar month of `from` to that of `until`, whatever the days.
    #[must_use]
    pub fn months_between(self, from: OffsetDateTime, until: OffsetDateTime) -> i32 {
        let index = |date: Date| date.year().saturating_mul(12).saturating_add(u8::from(date.month()).into());
        index(self.date(until)).saturating_sub(index(self.date(from)))
    }

    /// Calendar days from now to `at` in this zone; zero on the day itself, negative afterwards.
    #[must_use]
    pub fn days_until(self, at: OffsetDateTime, now: OffsetDateTime) -> i64 {
        let days = (self.date(at) - self.date(now)).whole_days();
        if at <= now { days.min(0) } else { days }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jakarta => "Asia/Jakarta",
            Self::Makassar => "Asia/Makassar",
            Self::Jayapura => "Asia/Jayapura",
        })
    }
}

/// Seconds from now until then, rounded up and at least one: whoever waits so long is not refused for a fraction of
/// one.
#[must_use]
pub fn retry_after(until: OffsetDateTime, now: OffsetDateTime) -> i64 {
    let wait = until - now;
    wait.whole_seconds().saturating_add((wait.subsec_nanoseconds() > 0).into()).max(1)
}

/// `at` plus a duration, or the far end of the calendar: for deadlines, which may not fail.
#[must_use]
pub fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.saturating_add(by)
}

/// Instants and dates on the wire and in items: RFC 3339 in UTC, and `YYYY-MM-DD`.
pub mod format {
    use serde::Serializer;
    use time::{Date, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description};

    /// For `#[serde(with)]`: a date as `YYYY-MM-DD`.
    pub mod day {
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
        use time::Date;

        /// Writes `YYYY-MM-DD`.
        pub fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
            super::date(*day).serialize(serializer)
        }

        /// Reads `YYYY-MM-DD`.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
            let text = String::deserialize(deserializer)?;
            super::parse_date(&text).ok_or_else(|| D::Error::custom("not a date, expected YYYY-MM-DD"))
        }
    }

    /// RFC 3339 in UTC, whole seconds, such as `2026-11-20T02:03:10Z`.
    #[must_use]
    pub fn instant(at: OffsetDateTime) -> String {
        let whole = at.to_offset(UtcOffset::UTC).replace_nanosecond(0).unwrap_or(at);
        whole.format(&Rfc3339).unwrap_or_default()
    }

    /// For `#[serde(serialize_with)]`: an [`instant`].
    pub fn write_instant<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&instant(*at))
    }

    /// `YYYY-MM-DD`.
    #[must_use]
    pub fn date(day: Date) -> String {
        day.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
    }

    /// Reads `YYYY-MM-DD`.
    #[must_use]
    pub fn parse_date(text: &str) -> Option<Date> {
        Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn whoever_waits_as_long_as_they_are_told_is_not_too_early() {
        let now = datetime!(2026-11-23 03:00:00.4 UTC);
        for (until, seconds) in [
            (datetime!(2026-11-23 03:00:02.4 UTC), 2),
            (datetime!(2026-11-23 03:00:02.5 UTC), 3),
            (datetime!(2026-11-23 03:00:02.3 UTC), 2),
            (datetime!(2026-11-23 03:00:00.5 UTC), 1),
            (now, 1),
        ] {
            assert_eq!(retry_after(until, now), seconds, "{until}");
            assert!(now + time::Duration::seconds(seconds) >= until);
        }
    }

    #[test]
    fn twelve_months_from_31_january_is_31_january() {
        let zone = Zone::Jakarta;
        let mut at = datetime!(2026-01-31 10:00 +7).to_offset(UtcOffset::UTC);
        let mut days = Vec::new();
        for _ in 0..12 {
            at = zone.add_months(at, 1, 31).unwrap();
            days.push(zone.date(at).day());
        }
        assert_eq!(days, [28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31]);
        assert_eq!(zone.date(at), date!(2027 - 01 - 31));
    }

    #[test]
    fn the_day_is_the_providers_not_utc() {
        let at = datetime!(2026-11-30 17:30 UTC);
        assert_eq!(Zone::Jakarta.date(at), date!(2026 - 12 - 01));
        assert_eq!(Zone::Jakarta.add_months(at, 1, 1).unwrap(), datetime!(2026-12-31 17:30 UTC));
    }

    #[test]
    fn every_moment_has_an_end_of_day_that_is_not_before_it() {
        for (zone, end) in [
            (Zone::Jakarta, datetime!(2027-01-01 16:59:59 UTC)),
            (Zone::Makassar, datetime!(2027-01-01 15:59:59 UTC)),
            (Zone::Jayapura, datetime!(2027-01-01 14:59:59 UTC)),
        ] {
            for at in [end - Duration::DAY + Duration::SECOND, end - Duration::HOUR, end] {
                assert_eq!(zone.day_end(at), end, "{zone} {at}");
            }
            let (before, after) = (end - Duration::DAY, end + Duration::milliseconds(500));
            assert_eq!((zone.day_end(before), zone.day_end(after)), (before, end + Duration::DAY), "{zone}");
        }
    }

    #[test]
    fn months_go_back_too_and_are_counted_in_the_zone() {
        let zone = Zone::Jakarta;
        let at = datetime!(2026-03-31 10:00 +7);
        assert_eq!(zone.add_months(at, -1, 31).unwrap(), datetime!(2026-02-28 10:00 +7));
        assert_eq!(zone.add_months(at, -4, 31).unwrap(), datetime!(2025-11-30 10:00 +7));
        let late = datetime!(2026-03-31 17:30 UTC);
        assert_eq!([Zone::Jakarta, Zone::Jayapura].map(|zone| zone.months_between(at, late)), [1, 1]);
        assert_eq!((zone.months_between(late, at), zone.months_between(at, datetime!(2028-03-01 00:00 +7))), (-1, 24));
        assert_eq!(zone.start_of(zone.date(late)), datetime!(2026-04-01 00:00 +7));
    }

    #[test]
    fn days_left_count_calendar_days_and_are_not_positive_once_expired() {
        let now = datetime!(2026-11-23 10:00 +7);
        let days = |at| Zone::Jakarta.days_until(at, now);
        assert_eq!(days(datetime!(2026-11-24 00:00 +7)), 1);
        assert_eq!(days(datetime!(2026-11-23 23:59 +7)), 0);
        assert_eq!(days(datetime!(2026-11-23 09:59 +7)), 0);
        assert_eq!(days(datetime!(2026-11-20 23:59 +7)), -3);
    }
}
