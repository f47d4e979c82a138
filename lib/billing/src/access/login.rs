//! Login codes: how many may be sent, how often one may be tried. The code itself is never part of the state.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use crate::access::phone::Phone;
use crate::zone::{Zone, format, later, retry_after};

/// A code is valid this long after it was last sent: whoever asks again gets the same code, and not with seconds left.
pub const VALID_FOR: Duration = Duration::minutes(5);
/// Codes sent per phone within [`SEND_WINDOW`].
pub const SENDS: usize = 3;
/// The window that [`SENDS`] counts in.
pub const SEND_WINDOW: Duration = Duration::minutes(15);
/// Codes sent per phone and calendar day: nobody can have a customer flooded with messages.
pub const SENDS_PER_DAY: u32 = 20;
/// Tries per code.
pub const TRIES_PER_CODE: u32 = 5;
/// Tries per phone and calendar day.
pub const TRIES_PER_DAY: u32 = 15;

/// What is known of one phone's logins, whether a customer has that phone or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginState {
    pub phone: Phone,
    /// The current request; the code is derived from it.
    pub request_id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    pub tries: u32,
    pub used: bool,
    /// The newest sends, oldest first, at most [`SENDS`].
    pub sends: Vec<Instant>,
    /// Sends on `day`.
    pub sends_today: u32,
    /// The day that `sends_today` and `tries_today` count.
    #[serde(with = "format::day")]
    pub day: Date,
    pub tries_today: u32,
    pub version: u64,
}

/// An instant inside a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(#[serde(with = "time::serde::rfc3339")] pub OffsetDateTime);

/// Too many: wait so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds to wait, at least one.
    pub retry_after: i64,
}

impl TooMany {
    fn until(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { retry_after: retry_after(at, now) }
    }
}

/// A code is asked for. Within its validity the same request, so the same code, is sent again, unless it was used or
/// tried up.
pub fn request(
    state: Option<&LoginState>,
    phone: &Phone,
    fresh_request_id: String,
    zone: Zone,
    now: OffsetDateTime,
) -> Result<LoginState, TooMany> {
    let today = zone.date(now);
    let mut next = state.cloned().unwrap_or_else(|| LoginState {
        phone: phone.clone(),
        request_id: fresh_request_id.clone(),
        expires_at: now,
        tries: 0,
        used: false,
        sends: Vec::new(),
        sends_today: 0,
        day: today,
        tries_today: 0,
        version: 0,
    });
    if next.day != today {
        (next.day, next.sends_today, next.tries_today) = (today, 0, 0);
    }
    if next.sends_today >= SENDS_PER_DAY {
        return Err(TooMany::until(later(zone.end_of(today), Duration::SECOND), now));
    }
    next.sends.retain(|sent| later(sent.0, SEND_WINDOW) > now);
    if next.sends.len() >= SENDS {
        let free_at = next.sends.first().map_or(now, |oldest| later(oldest.0, SEND_WINDOW));
        return Err(TooMany::until(free_at, now));
    }
    if next.used || next.tries >= TRIES_PER_CODE || now >= next.expires_at {
        next.request_id = fresh_request_id;
        next.tries = 0;
        next.used = false;
    }
    next.expires_at = later(now, VALID_FOR);
    next.sends.push(Instant(now));
    next.sends_today = next.sends_today.saturating_add(1);
    Ok(next)
}

/// Why a try is not even compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTried {
    /// No code was asked for, or it expired or was used.
    Expired,
    /// Too many tries.
    TooMany(TooMany),
}

/// Counts a try, before anything is compared. The answer is to be stored first.
pub fn count_try(state: Option<&LoginState>, zone: Zone, now: OffsetDateTime) -> Result<LoginState, NotTried> {
    let Some(state) = state else { return Err(NotTried::Expired) };
    let mut next = state.clone();
    let today = zone.date(now);
    if next.day != today {
        (next.day, next.sends_today, next.tries_today) = (today, 0, 0);
    }
    if next.tries_today >= TRIES_PER_DAY {
        let midnight = later(zone.end_of(today), Duration::SECOND);
        return Err(NotTried::TooMany(TooMany::until(midnight, now)));
    }
    if next.used || now >= next.expires_at {
        return Err(NotTried::Expired);
    }
    if next.tries >= TRIES_PER_CODE {
        return Err(NotTried::TooMany(TooMany::until(next.expires_at, now)));
    }
    next.tries = next.tries.saturating_add(1);
    next.tries_today = next.tries_today.saturating_add(1);
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::NOW;

    const ZONE: Zone = Zone::Jakarta;

    fn phone() -> Phone {
        Phone::parse("081234567890").unwrap()
    }

    fn at(seconds: i64) -> OffsetDateTime {
        later(NOW, Duration::seconds(seconds))
    }

    fn ask(state: Option<&LoginState>, fresh: &str, seconds: i64) -> Result<LoginState, TooMany> {
        request(state, &phone(), fresh.into(), ZONE, at(seconds))
    }

    fn asked() -> LoginState {
        ask(None, "first", 0).unwrap()
    }

    /// Tries a code so many times, one second apart.
    fn tried(mut state: LoginState, times: i64) -> LoginState {
        for second in 0..times {
            state = count_try(Some(&state), ZONE, at(second)).unwrap();
        }
        state
    }

    #[track_caller]
    fn check_request(state: &LoginState, seconds: i64, expected: &str) {
        let next = ask(Some(state), "second", seconds).unwrap();
        assert_eq!(next.request_id, expected);
        assert_eq!((next.expires_at, next.used), (later(at(seconds), VALID_FOR), false));
    }

    #[test]
    fn within_its_validity_the_same_code_is_sent_again() {
        check_request(&asked(), 0, "first");
        check_request(&asked(), 299, "first");
        check_request(&tried(asked(), 4), 60, "first");
    }

    #[test]
    fn a_code_that_expired_was_used_or_tried_up_is_replaced() {
        check_request(&asked(), 300, "second");
        check_request(&LoginState { used: true, ..asked() }, 1, "second");
        check_request(&tried(asked(), 5), 10, "second");
        assert_eq!(ask(Some(&tried(asked(), 5)), "second", 10).unwrap().tries, 0);
    }

    #[test]
    fn sending_the_same_code_again_gives_no_more_tries() {
        let state = ask(Some(&tried(asked(), 4)), "second", 60).unwrap();
        assert_eq!((state.tries, state.tries_today), (4, 4));
    }

    #[test]
    fn three_codes_are_sent_in_fifteen_minutes_without_a_wait_between() {
        let second = ask(Some(&asked()), "second", 0).unwrap();
        let third = ask(Some(&second), "third", 60).unwrap();
        assert_eq!(ask(Some(&third), "fourth", 61), Err(TooMany { retry_after: 839 }));
        assert_eq!(ask(Some(&third), "fourth", 899), Err(TooMany { retry_after: 1 }));
        let fourth = ask(Some(&third), "fourth", 900).unwrap();
        // The first two leave the window together.
        assert_eq!((fourth.sends.len(), fourth.request_id.as_str()), (2, "fourth"));
    }

    #[test]
    fn a_wait_is_never_told_as_nothing() {
        let mut state = asked();
        state.sends = vec![Instant(later(NOW, Duration::milliseconds(-899_600))); SENDS];
        assert_eq!(ask(Some(&state), "second", 0), Err(TooMany { retry_after: 1 }));
    }

    #[test]
    fn every_try_is_counted_before_it_is_compared() {
        let state = tried(asked(), 3);
        assert_eq!((state.tries, state.tries_today), (3, 3));
    }

    #[test]
    fn a_code_can_be_tried_five_times() {
        let state = tried(asked(), 5);
        assert_eq!(count_try(Some(&state), ZONE, at(100)), Err(NotTried::TooMany(TooMany { retry_after: 200 })));
    }

    #[test]
    fn a_phone_can_be_tried_fifteen_times_a_day_in_the_providers_zone() {
        let at_midnight = time::macros::datetime!(2026-11-24 00:00 +7);
        let before = later(at_midnight, Duration::seconds(-30));
        let state =
            LoginState { expires_at: later(before, VALID_FOR), day: ZONE.date(before), tries_today: 14, ..asked() };
        let last = count_try(Some(&state), ZONE, before).unwrap();
        let fresh = LoginState { tries: 0, ..last };
        assert_eq!(count_try(Some(&fresh), ZONE, before), Err(NotTried::TooMany(TooMany { retry_after: 30 })));
        let next_day = count_try(Some(&fresh), ZONE, at_midnight).unwrap();
        assert_eq!((next_day.day, next_day.tries_today, next_day.tries), (ZONE.date(at_midnight), 1, 1));
    }

    #[test]
    fn asking_for_a_new_code_does_not_reset_the_days_tries() {
        let state = ask(Some(&tried(asked(), 5)), "second", 10).unwrap();
        assert_eq!(tried(state, 5).tries_today, 10);
    }

    #[test]
    fn a_code_that_expired_was_used_or_never_sent_is_not_tried() {
        assert_eq!(count_try(None, ZONE, NOW), Err(NotTried::Expired));
        assert_eq!(count_try(Some(&LoginState { used: true, ..asked() }), ZONE, NOW), Err(NotTried::Expired));
        assert!(count_try(Some(&asked()), ZONE, at(299)).is_ok());
        assert_eq!(count_try(Some(&asked()), ZONE, at(300)), Err(NotTried::Expired));
    }
}
