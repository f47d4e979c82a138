//! Login codes: how many may be sent, how often one may be tried. The code itself is never part of the state.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use crate::access::phone::Phone;
use crate::zone::{Zone, format, later, retry_after};

/// A code is valid this long after it was last sent: whoever asks again gets the same code, and not with seconds left.
pub const VALID_FOR: Duration = Duration::minutes(5);
/// Asked for again so soon, a code is not sent a second time: three taps on a slow page are one wish.
pub const SEND_AGAIN_AFTER: Duration = Duration::seconds(30);
/// Codes sent per phone within [`SEND_WINDOW`].
pub const SENDS: usize = 3;
/// The window that [`SENDS`] counts in.
pub const SEND_WINDOW: Duration = Duration::minutes(15);
/// Codes sent per phone and calendar day: nobody can have a customer flooded with messages.
pub const SENDS_PER_DAY: u32 = 20;
/// So long after a login the browser that logged in may send the same form again: the answer to the first tap of two is
/// one that the browser never looks at, and its session is lost with it.
pub const REPEATED_WITHIN: Duration = Duration::minutes(1);
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
    /// Set once the code has opened a session.
    pub used: Option<Use>,
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

/// Who used a code, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Hash of a secret that only the browser holds which logged in. `None`: a program, which has no such secret.
    pub browser: Option<String>,
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

/// What becomes of a wish for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A message is to be sent, and this stored.
    Send(LoginState),
    /// The message that was sent a moment ago is the answer to this one too. Nothing is stored.
    JustSent,
}

/// A code is asked for. Within its validity the same request, so the same code, is sent again, unless it was used or
/// tried up.
pub fn request(
    state: Option<&LoginState>,
    phone: &Phone,
    fresh_request_id: String,
    zone: Zone,
    now: OffsetDateTime,
) -> Result<Asked, TooMany> {
    let today = zone.date(now);
    let mut next = state.cloned().unwrap_or_else(|| LoginState {
        phone: phone.clone(),
        request_id: fresh_request_id.clone(),
        expires_at: now,
        tries: 0,
        used: None,
        sends: Vec::new(),
        sends_today: 0,
        day: today,
        tries_today: 0,
        version: 0,
    });
    let is_usable = next.used.is_none() && next.tries < TRIES_PER_CODE && now < next.expires_at;
    if is_usable && next.sends.last().is_some_and(|sent| now < later(sent.0, SEND_AGAIN_AFTER)) {
        return Ok(Asked::JustSent);
    }
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
    if !is_usable {
        (next.request_id, next.tries, next.used) = (fresh_request_id, 0, None);
    }
    next.expires_at = later(now, VALID_FOR);
    next.sends.push(Instant(now));
    next.sends_today = next.sends_today.saturating_add(1);
    Ok(Asked::Send(next))
}

/// Why a code does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTried {
    /// No code was asked for, or it expired or was used.
    Expired,
    /// Too many tries.
    TooMany(TooMany),
}

/// Counts a try, before anything is compared. The answer is to be stored first. `browser` as in [`Use`].
pub fn count_try(
    state: Option<&LoginState>,
    browser: Option<&str>,
    zone: Zone,
    now: OffsetDateTime,
) -> Result<LoginState, NotTried> {
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
    if !next.is_open_to(browser, now) {
        return Err(NotTried::Expired);
    }
    if next.tries >= TRIES_PER_CODE {
        return Err(NotTried::TooMany(TooMany::until(next.expires_at, now)));
    }
    next.tries = next.tries.saturating_add(1);
    next.tries_today = next.tries_today.saturating_add(1);
    Ok(next)
}

/// The code of the request `request_id` fitted: uses it up, as the state stands by now. `None`: another login was faster,
/// or a new code was asked for. To be stored together with the session.
#[must_use]
pub fn use_up(state: &LoginState, request_id: &str, browser: Option<&str>, now: OffsetDateTime) -> Option<LoginState> {
    if state.request_id != request_id || !state.is_open_to(browser, now) {
        return None;
    }
    let first = || Use { at: now, browser: browser.map(str::to_owned) };
    Some(LoginState { used: Some(state.used.clone().unwrap_or_else(first)), ..state.clone() })
}

impl LoginState {
    /// Can its code still open a session? Once it was used only for the very browser that used it, a moment ago.
    fn is_open_to(&self, browser: Option<&str>, now: OffsetDateTime) -> bool {
        let is_repeated = |first: &Use| {
            browser.is_some() && first.browser.as_deref() == browser && now < later(first.at, REPEATED_WITHIN)
        };
        now < self.expires_at && self.used.as_ref().is_none_or(is_repeated)
    }
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

    /// What is stored when a message is sent; `None` if one was just sent.
    fn wish(state: Option<&LoginState>, fresh: &str, seconds: i64) -> Result<Option<LoginState>, TooMany> {
        request(state, &phone(), fresh.into(), ZONE, at(seconds)).map(|asked| match asked {
            Asked::Send(next) => Some(next),
            Asked::JustSent => None,
        })
    }

    fn ask(state: Option<&LoginState>, fresh: &str, seconds: i64) -> Result<LoginState, TooMany> {
        wish(state, fresh, seconds).map(|next| next.expect("a message is sent"))
    }

    fn used(state: &LoginState, browser: Option<&str>, seconds: i64) -> LoginState {
        use_up(state, &state.request_id, browser, at(seconds)).unwrap()
    }

    fn asked() -> LoginState {
        ask(None, "first", 0).unwrap()
    }

    /// Tries a code so many times, one second apart.
    fn tried(mut state: LoginState, times: i64) -> LoginState {
        for second in 0..times {
            state = count_try(Some(&state), None, ZONE, at(second)).unwrap();
        }
        state
    }

    #[track_caller]
    fn check_request(state: &LoginState, seconds: i64, expected: &str) {
        let next = ask(Some(state), "second", seconds).unwrap();
        assert_eq!(next.request_id, expected);
        assert_eq!((next.expires_at, next.used), (later(at(seconds), VALID_FOR), None));
    }

    #[test]
    fn within_its_validity_the_same_code_is_sent_again() {
        check_request(&asked(), 30, "first");
        check_request(&asked(), 299, "first");
        check_request(&tried(asked(), 4), 60, "first");
    }

    #[test]
    fn a_code_that_expired_was_used_or_tried_up_is_replaced() {
        check_request(&asked(), 300, "second");
        check_request(&used(&asked(), Some("phone"), 0), 1, "second");
        check_request(&tried(asked(), 5), 10, "second");
        assert_eq!(ask(Some(&tried(asked(), 5)), "second", 10).unwrap().tries, 0);
    }

    #[test]
    fn sending_the_same_code_again_gives_no_more_tries() {
        let state = ask(Some(&tried(asked(), 4)), "second", 60).unwrap();
        assert_eq!((state.tries, state.tries_today), (4, 4));
    }

    #[test]
    fn asked_again_within_half_a_minute_no_second_message_is_sent_and_nothing_is_counted() {
        for seconds in [0, 1, 29] {
            assert_eq!(wish(Some(&asked()), "second", seconds), Ok(None), "{seconds}");
        }
        let second = ask(Some(&asked()), "second", 30).unwrap();
        assert_eq!((second.sends.len(), second.sends_today), (2, 2));
        assert_eq!(wish(Some(&second), "third", 59), Ok(None));
        let third = ask(Some(&second), "third", 60).unwrap();
        assert_eq!(wish(Some(&third), "fourth", 89), Ok(None), "not even told that it is too often");
    }

    #[test]
    fn three_codes_are_sent_in_fifteen_minutes() {
        let second = ask(Some(&asked()), "second", 30).unwrap();
        let third = ask(Some(&second), "third", 60).unwrap();
        assert_eq!(ask(Some(&third), "fourth", 90), Err(TooMany { retry_after: 810 }));
        assert_eq!(ask(Some(&third), "fourth", 899), Err(TooMany { retry_after: 1 }));
        let fourth = ask(Some(&third), "fourth", 900).unwrap();
        assert_eq!((fourth.sends.len(), fourth.request_id.as_str()), (3, "fourth"));
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
        assert_eq!(count_try(Some(&state), None, ZONE, at(100)), Err(NotTried::TooMany(TooMany { retry_after: 200 })));
    }

    #[test]
    fn a_phone_can_be_tried_fifteen_times_a_day_in_the_providers_zone() {
        let at_midnight = time::macros::datetime!(2026-11-24 00:00 +7);
        let before = later(at_midnight, Duration::seconds(-30));
        let state =
            LoginState { expires_at: later(before, VALID_FOR), day: ZONE.date(before), tries_today: 14, ..asked() };
        let last = count_try(Some(&state), None, ZONE, before).unwrap();
        let fresh = LoginState { tries: 0, ..last };
        assert_eq!(count_try(Some(&fresh), None, ZONE, before), Err(NotTried::TooMany(TooMany { retry_after: 30 })));
        let next_day = count_try(Some(&fresh), None, ZONE, at_midnight).unwrap();
        assert_eq!((next_day.day, next_day.tries_today, next_day.tries), (ZONE.date(at_midnight), 1, 1));
    }

    #[test]
    fn asking_for_a_new_code_does_not_reset_the_days_tries() {
        let state = ask(Some(&tried(asked(), 5)), "second", 10).unwrap();
        assert_eq!(tried(state, 5).tries_today, 10);
    }

    #[test]
    fn a_code_that_expired_was_used_or_never_sent_is_not_tried() {
        let tried = |state: Option<&LoginState>, seconds| count_try(state, Some("phone"), ZONE, at(seconds));
        assert_eq!(tried(None, 0), Err(NotTried::Expired));
        assert_eq!(tried(Some(&used(&asked(), Some("another"), 0)), 0), Err(NotTried::Expired));
        assert!(tried(Some(&asked()), 299).is_ok());
        assert_eq!(tried(Some(&asked()), 300), Err(NotTried::Expired));
    }

    #[track_caller]
    fn check_repeated(first: Option<&str>, again: Option<&str>, seconds: i64, lets_in: bool) {
        let state = used(&asked(), first, 10);
        let next = use_up(&state, "first", again, at(seconds));
        assert_eq!(count_try(Some(&state), again, ZONE, at(seconds)).is_ok(), lets_in);
        // The time of the first use stays: repeating it does not keep the code alive.
        assert_eq!(next, lets_in.then_some(state));
    }

    #[test]
    fn the_browser_that_logged_in_may_send_its_form_again_for_a_minute_and_nobody_else() {
        check_repeated(Some("phone"), Some("phone"), 10, true);
        check_repeated(Some("phone"), Some("phone"), 69, true);
        check_repeated(Some("phone"), Some("phone"), 70, false);
        check_repeated(Some("phone"), Some("another"), 10, false);
        check_repeated(Some("phone"), None, 10, false);
        check_repeated(None, Some("phone"), 10, false);
        check_repeated(None, None, 10, false);
    }

    #[test]
    fn a_code_is_used_up_as_the_state_stands_by_then() {
        let state = asked();
        assert_eq!(use_up(&state, "another request", Some("phone"), NOW), None);
        assert_eq!(use_up(&state, "first", Some("phone"), at(300)), None);
        let counted = tried(state, 2);
        let next = use_up(&counted, "first", None, at(5)).unwrap();
        assert_eq!(next, LoginState { used: Some(Use { at: at(5), browser: None }), ..counted });
    }

    #[test]
    fn repeating_a_form_is_a_try_like_any_other() {
        let mut state = used(&tried(asked(), 3), Some("phone"), 3);
        for second in 4..6 {
            state = count_try(Some(&state), Some("phone"), ZONE, at(second)).unwrap();
        }
        assert!(matches!(count_try(Some(&state), Some("phone"), ZONE, at(6)), Err(NotTried::TooMany(_))));
    }
}
