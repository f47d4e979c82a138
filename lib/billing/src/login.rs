//! Login codes: how many may be sent, how often one may be tried. The code itself is never part of the state.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use crate::{phone::Phone, zone::{Zone, format, later}};

/// A code is valid this long after it was last sent.
pub const VALID_FOR: Duration = Duration::minutes(5);
/// Codes sent per phone within [`SEND_WINDOW`].
pub const SENDS: usize = 3;
/// The window that [`SENDS`] counts in.
pub const SEND_WINDOW: Duration = Duration::minutes(15);
/// Tries per code.
pub const TRIES_PER_CODE: u32 = 5;
/// Tries per phone and calendar day.
pub const TRIES_PER_DAY: u32 = 15;

/// What is known of one phone's logins, whether a customer has that phone or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginState {
    /// The phone.
    pub phone: Phone,
    /// The current request; the code is derived from it.
    pub request_id: String,
    /// Until when its code is valid.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Tries of this code.
    pub tries: u32,
    /// A session was made with it.
    pub used: bool,
    /// The newest sends, oldest first, at most [`SENDS`].
    pub sends: Vec<Instant>,
    /// The day that `tries_today` counts.
    #[serde(with = "format::day")]
    pub day: Date,
    /// Tries on that day.
    pub tries_today: u32,
    /// Counts the writes.
    #[serde(default)]
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

/// A code is asked for. Within its validity the same request, so the same code, is sent again, unless it was used or tried up.
pub fn request(state: Option<&LoginState>, phone: &Phone, fresh_request_id: String, zone: Zone, now: OffsetDateTime) -> Result<LoginState, TooMany> {
    let today = zone.date(now);
    let mut next = state.cloned().unwrap_or_else(|| LoginState {
        phone: phone.clone(),
        request_id: fresh_request_id.clone(),
        expires_at: now,
        tries: 0,
        used: false,
        sends: Vec::new(),
        day: today,
        tries_today: 0,
        version: 0,
    });
    next.sends.retain(|sent| later(sent.0, SEND_WINDOW) > now);
    if next.sends.len() >= SENDS {
        let free_at = next.sends.first().map_or(now, |oldest| later(oldest.0, SEND_WINDOW));
        return Err(TooMany { retry_after: (free_at - now).whole_seconds().max(1) });
    }
    if next.used || next.tries >= TRIES_PER_CODE || now >= next.expires_at {
        next.request_id = fresh_request_id;
        next.tries = 0;
        next.used = false;
    }
    next.expires_at = later(now, VALID_FOR);
    next.sends.push(Instant(now));
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
        next.day = today;
        next.tries_today = 0;
    }
    if next.tries_today >= TRIES_PER_DAY {
        let tomorrow = zone.end_of(today) - now;
        return Err(NotTried::TooMany(TooMany { retry_after: tomorrow.whole_seconds().max(0).saturating_add(1) }));
    }
    if next.used || now >= next.expires_at {
        return Err(NotTried::Expired);
    }
    if next.tries >= TRIES_PER_CODE {
        return Err(NotTried::TooMany(TooMany { retry_after: (next.expires_at - now).whole_seconds().max(1) }));
    }
    next.tries = next.tries.saturating_add(1);
    next.tries_today = next.tries_today.saturating_add(1);
    Ok(next)
}
