//! Whose turn it is: how fast messages may follow one another, and what happens when their provider takes none.
//!
//! One item holds it for the whole deployment. A message that has to wait wakes up later; nothing is thrown back into a
//! queue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{telling::notice::Class, zone::later};

/// Whoever has his turn is done within this time; longer than the function lives.
const TURN: Duration = Duration::seconds(20);
/// A provider that takes nothing is tried again so soon: what was mended outside, such as a phone linked again, tells
/// nobody.
const STOPPED_FOR: Duration = Duration::minutes(5);
/// The longest wait after messages without an answer.
const LONGEST_WAIT: Duration = Duration::minutes(10);
const HOUR: i64 = 3600;

/// How fast messages may follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// One message at a time, and this pause after it.
    pub gap: Option<Duration>,
    /// Messages, or recipients, in any 24 hours.
    pub per_day: Option<u32>,
    /// Recipients are counted: more messages to the same person count once.
    pub by_recipient: bool,
}

/// What is known of the one who takes messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Until then only codes go out.
    #[serde(with = "time::serde::rfc3339")]
    pub free_at: OffsetDateTime,
    /// What was sent lately, by hours since 1970: the item stays small, whatever the limit of a day.
    pub hours: BTreeMap<String, u32>,
    /// Messages in a row that the provider did not take, or gave no answer to.
    pub trouble: u32,
    /// The provider takes nothing until somebody mends it.
    pub stopped: Option<Stopped>,
    pub version: u64,
}

/// The provider refuses everything: key, account or device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Tells the settings apart under which it did: others may have mended it.
    pub settings: String,
}

/// May a message go out now?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Yes, and this is to be written with it.
    Now(Box<Sender>),
    /// Not before that.
    Wait(OffsetDateTime),
}

/// What a provider said to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It took the message.
    Taken,
    /// It refuses this message; others may be taken.
    Refused,
    /// Not now, or no answer: nobody is to be sent anything before that, if it said when.
    NotNow(Option<Duration>),
    /// It takes nothing any more.
    Stop,
}

impl Sender {
    #[must_use]
    pub const fn new() -> Self {
        Self { free_at: OffsetDateTime::UNIX_EPOCH, hours: BTreeMap::new(), trouble: 0, stopped: None, version: 0 }
    }

    /// May a message go out? `counted`: its recipient was counted in the last 24 hours.
    #[must_use]
    pub fn turn(&self, class: Class, pace: &Pace, counted: bool, now: OffsetDateTime) -> Turn {
        if class != Class::Code && now < self.free_at {
            return Turn::Wait(self.free_at);
        }
        let is_counted_already = pace.by_recipient && counted;
        let mut next = self.clone();
        if let Some(per_day) = pace.per_day
            && !is_counted_already
        {
            let this_hour = now.unix_timestamp().div_euclid(HOUR);
            // The hour that is 24 hours back may still reach into the last 24 hours.
            next.hours.retain(|hour, _| hour.parse::<i64>().is_ok_and(|hour| hour.saturating_add(24) >= this_hour));
            let sent = next.hours.values().fold(0, |sum: u32, count| sum.saturating_add(*count));
            // Bills leave a tenth to receipts, and both the rest to codes.
            let limit = match class {
                Class::Code => u32::MAX,
                Class::Receipt => per_day,
                Class::Bill => per_day.saturating_sub(per_day.div_ceil(10)).max(1),
            };
            if sent >= limit {
                let oldest = next.hours.keys().filter_map(|hour| hour.parse::<i64>().ok()).min().unwrap_or(this_hour);
                return Turn::Wait(hour_begins(oldest.saturating_add(25), now));
            }
            let count = next.hours.entry(this_hour.to_string()).or_default();
            *count = count.saturating_add(1);
        }
        // In trouble too, one at a time: of each message to a silent provider nobody knows whether it arrived.
        if pace.gap.is_some() || self.trouble > 0 {
            next.free_at = later(now, TURN);
        }
        Turn::Now(Box::new(next))
    }

    /// What follows from the provider's answer. `settings` tells the settings apart that it was given under.
    #[must_use]
    pub fn after(&self, heard: Heard, pace: &Pace, settings: &str, now: OffsetDateTime) -> Self {
        let mut next = self.clone();
        match heard {
            Heard::Taken | Heard::Refused => {
                next.trouble = 0;
                // Whoever refuses one message is there, but may refuse it before looking at who sends it.
                if heard == Heard::Taken {
                    next.stopped = None;
                }
                next.free_at = pace.gap.map_or(now, |gap| later(now, gap));
            }
            Heard::NotNow(wait) => {
                next.trouble = next.trouble.saturating_add(1);
                let doubled = Duration::seconds(15_i64.saturating_mul(1 << next.trouble.min(10)));
                next.free_at = later(now, doubled.min(LONGEST_WAIT).max(wait.unwrap_or_default()));
            }
            Heard::Stop => {
                next.trouble = next.trouble.saturating_add(1);
                let since = self.stopped.as_ref().map_or(now, |stopped| stopped.since);
                next.stopped = Some(Stopped { since, settings: settings.to_owned() });
                next.free_at = later(now, STOPPED_FOR);
            }
        }
        next
    }

    /// Does the provider take nothing, as far as is known? Not once the settings are others, nor when it is time to try
    /// again.
    #[must_use]
    pub fn is_stopped(&self, settings: &str, now: OffsetDateTime) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| stopped.settings == settings) && now < self.free_at
    }

    /// Nothing is known against the provider any more: the settings are others, or a person says so.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { free_at: OffsetDateTime::UNIX_EPOCH, trouble: 0, stopped: None, ..self }
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

fn hour_begins(hour: i64, now: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(hour.saturating_mul(HOUR)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::NOW;

    const LINKED: Pace = Pace { gap: Some(Duration::seconds(10)), per_day: Some(20), by_recipient: false };
    const META: Pace = Pace { gap: None, per_day: Some(10), by_recipient: true };

    fn go(sender: &Sender, class: Class, pace: &Pace, counted: bool, now: OffsetDateTime) -> Sender {
        match sender.turn(class, pace, counted, now) {
            Turn::Now(next) => *next,
            Turn::Wait(until) => panic!("waits until {until}"),
        }
    }

    #[test]
    fn a_linked_phone_gets_one_message_at_a_time_with_a_pause_between() {
        let first = go(&Sender::new(), Class::Bill, &LINKED, false, NOW);
        assert_eq!(first.turn(Class::Receipt, &LINKED, false, NOW), Turn::Wait(NOW + TURN), "the first is being sent");
        let sent = first.after(Heard::Taken, &LINKED, "s", NOW + Duration::SECOND);
        let free = NOW + Duration::seconds(11);
        assert_eq!(sent.turn(Class::Bill, &LINKED, false, NOW + Duration::seconds(2)), Turn::Wait(free));
        go(&sent, Class::Bill, &LINKED, false, free);
        go(&sent, Class::Code, &LINKED, false, NOW + Duration::seconds(2));
    }

    #[test]
    fn the_limit_of_a_day_keeps_a_tenth_for_receipts_and_never_holds_codes_up() {
        let mut sender = Sender::new();
        for _ in 0..9 {
            sender = go(&sender, Class::Bill, &META, false, NOW);
        }
        let Turn::Wait(until) = sender.turn(Class::Bill, &META, false, NOW) else { panic!("ten are allowed") };
        assert!(until > NOW + Duration::hours(24) && until <= NOW + Duration::hours(26), "{until}");
        sender = go(&sender, Class::Bill, &META, true, NOW);
        sender = go(&sender, Class::Receipt, &META, false, NOW);
        assert!(matches!(sender.turn(Class::Receipt, &META, false, NOW), Turn::Wait(_)));
        sender = go(&sender, Class::Code, &META, false, NOW);
        let next_day = go(&sender, Class::Bill, &META, false, until);
        assert_eq!(next_day.hours.values().sum::<u32>(), 1, "what is a day old is forgotten");
    }

    #[test]
    fn a_silent_provider_is_tried_ever_more_rarely_by_one_message_at_a_time() {
        let mut sender = Sender::new();
        let mut waits = Vec::new();
        let mut now = NOW;
        for _ in 0..8 {
            let tried = go(&sender, Class::Bill, &Pace::default(), false, now);
            if sender.trouble > 0 {
                assert!(
                    matches!(tried.turn(Class::Bill, &Pace::default(), false, now), Turn::Wait(_)),
                    "one at a time"
                );
            }
            sender = tried.after(Heard::NotNow(None), &Pace::default(), "s", now);
            waits.push((sender.free_at - now).whole_seconds());
            now = sender.free_at;
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600, 600]);
        let asked_to_wait = sender.after(Heard::NotNow(Some(Duration::hours(1))), &Pace::default(), "s", now);
        assert_eq!(asked_to_wait.free_at, now + Duration::hours(1));
        let well =
            go(&sender, Class::Bill, &Pace::default(), false, now).after(Heard::Taken, &Pace::default(), "s", now);
        assert_eq!((well.trouble, well.free_at), (0, now));
    }

    #[test]
    fn a_stopped_provider_is_stopped_until_the_next_try_or_other_settings() {
        let stopped = Sender::new().after(Heard::Stop, &META, "old", NOW);
        assert!(stopped.is_stopped("old", NOW) && !stopped.is_stopped("new", NOW));
        let later = NOW + STOPPED_FOR;
        assert!(!stopped.is_stopped("old", later), "somebody has to try");
        let tried = go(&stopped, Class::Bill, &META, false, later);
        assert!(tried.is_stopped("old", later), "one");
        let again = tried.after(Heard::Stop, &META, "old", later);
        assert_eq!(again.stopped.as_ref().unwrap().since, NOW);
        assert_eq!(again.after(Heard::Refused, &META, "old", later).stopped, again.stopped);
        assert_eq!(again.after(Heard::Taken, &META, "old", later).stopped, None);
        assert_eq!(again.resumed().stopped, None);
    }
}
