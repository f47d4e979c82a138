//! Telling the provider's network who is served: the state of a line, numbered, told until every receiver has taken it.
//!
//! What is told is the line as it stands, never what an event said. So events may come late, twice or in any order, and
//! what happened while a receiver was down is told once, with the newest state.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::id::{CustomerId, PackageId};
use crate::service::customer::Profile;
use crate::zone::later;

/// Whoever tells a line has it to themselves for so long: longer than a function lives.
pub const LEASE: Duration = Duration::seconds(20);
/// A line that no receiver took within this time is given up, and a person is called.
pub const TRIED_FOR: Duration = Duration::days(1);
/// A customer who waits longer than this is told that the network is late.
pub const LATE_AFTER: Duration = Duration::minutes(5);
/// The first repetition; each further one waits twice as long as the one before.
const FIRST_WAIT: Duration = Duration::minutes(1);
/// No repetition waits longer: customers are offline meanwhile.
const LONGEST_WAIT: Duration = Duration::minutes(15);
/// The try that calls a person when it fails: by then the line is late.
const ALARMING_TRY: u32 = 4;

/// What a network has to know of a subscription line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState {
    pub username: String,
    pub package_id: PackageId,
    /// Bandwidth down, Mbit/s.
    pub down_mbps: u32,
    /// Bandwidth up, Mbit/s.
    pub up_mbps: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    pub active: bool,
}

impl LineState {
    #[must_use]
    pub fn of(profile: &Profile, now: OffsetDateTime) -> Self {
        let package = &profile.entitlement.package;
        Self {
            username: profile.username.clone(),
            package_id: package.id.clone(),
            down_mbps: package.down_mbps,
            up_mbps: package.up_mbps,
            expires_at: profile.entitlement.expires_at,
            active: profile.is_active(now),
        }
    }

    /// The kind of event that leads from this line to `after`.
    fn change_to(&self, after: &Self) -> &'static str {
        if self.package_id != after.package_id {
            "package.changed"
        } else if self.active && !after.active {
            "subscription.expired"
        } else if after.expires_at < self.expires_at {
            "subscription.reverted"
        } else {
            "subscription.extended"
        }
    }
}

/// How far the telling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TellingState {
    /// Somebody is telling it. Should they die, somebody else does when it wakes up.
    Pending,
    /// Every receiver took it.
    Told,
    /// A receiver did not take it. It is told again when it wakes up.
    Failing,
    /// Given up: nobody tells it any more until the line changes, or a person says so.
    GivenUp,
    /// No network is configured any more.
    Off,
}

/// Why a receiver did not take it, in a word for logs and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverProblem {
    /// 410: the receiver wants no more. It is not asked again about this state of the line. It is about the next: its
    /// address is the admin's to take out.
    Gone,
    /// 429.
    Throttled,
    /// Any other 4xx.
    Refused,
    /// 5xx.
    ServerError,
    /// 3xx: the address has moved, and redirects are not followed.
    Redirected,
    /// No connection came about.
    Unreachable,
    /// No complete answer in time. It may have been taken.
    NoAnswer,
    /// 401 or 403: the receiver does not accept the signature.
    Unauthorized,
    /// The secret cannot be used.
    Misconfigured,
}

impl ReceiverProblem {
    /// Is it the receiver's or the secret's, rather than this line's?
    #[must_use]
    pub const fn concerns_every_line(self) -> bool {
        !matches!(self, Self::Refused)
    }
}

/// What the network was told of a line, or is being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkUpdate {
    pub customer_id: CustomerId,
    /// The kind of event that this state came with.
    pub kind: String,
    pub line: LineState,
    /// Numbers the states of a line: a receiver that has seen a higher one ignores this one. Not the profile's version,
    /// which also counts invoices and credit and stands still when a subscription expires by the clock; never below it.
    pub number: u64,
    pub state: TellingState,
    /// Receivers that took this state, by a hash of their address.
    pub taken: Vec<String>,
    /// Receivers that want no more of it.
    pub gone: Vec<String>,
    pub tries: u32,
    pub problem: Option<ReceiverProblem>,
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// The newest state that every receiver took.
    pub told_number: Option<u64>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub told_at: Option<OffsetDateTime>,
    /// When it is to be looked at again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wake_at: Option<OffsetDateTime>,
    pub version: u64,
}

/// What became of one try.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TryResult {
    pub taken: Vec<String>,
    /// Receivers that want no more.
    pub gone: Vec<String>,
    /// The worst that happened at one that is to be asked again.
    pub problem: Option<ReceiverProblem>,
}

/// Where a customer's line stands in the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkProgress {
    /// The network is being told.
    Activating,
    /// The network knows.
    Told,
    /// The network should know by now, and does not.
    Late,
}

/// The network update to be told now, claimed for [`LEASE`]; `None` = the network knows, somebody is at it, or the next
/// try is still to come. Whoever is at it reads the line once more when done, so what changed meanwhile is never left
/// out. `cause`: the kind of the event that led here.
#[must_use]
pub fn claim(
    before: Option<&NetworkUpdate>,
    profile: &Profile,
    cause: Option<&str>,
    now: OffsetDateTime,
) -> Option<NetworkUpdate> {
    let line = LineState::of(profile, now);
    let wake_at = Some(later(now, LEASE));
    let Some(before) = before else {
        return Some(NetworkUpdate {
            customer_id: profile.id.clone(),
            kind: cause.unwrap_or("subscription.extended").to_owned(),
            line,
            number: profile.version,
            state: TellingState::Pending,
            taken: Vec::new(),
            gone: Vec::new(),
            tries: 1,
            problem: None,
            since: now,
            told_number: None,
            told_at: None,
            wake_at,
            version: 0,
        });
    };
    let is_due = before.wake_at.is_some_and(|wake_at| wake_at <= now);
    if before.state == TellingState::Pending && !is_due {
        return None;
    }
    let claimed = NetworkUpdate { state: TellingState::Pending, wake_at, ..before.clone() };
    if before.line == line && before.state != TellingState::Off {
        return is_due.then(|| NetworkUpdate { tries: before.tries.saturating_add(1), ..claimed });
    }
    let kind = cause.unwrap_or_else(|| before.line.change_to(&line)).to_owned();
    let number = before.number.saturating_add(1).max(profile.version);
    let (taken, gone) = (Vec::new(), Vec::new());
    Some(NetworkUpdate { kind, line, number, taken, gone, tries: 1, problem: None, since: now, ..claimed })
}

impl NetworkUpdate {
    /// Identifies the message: the same for every repetition of the same state, another for every other state. (One id
    /// for two contents would make a receiver drop the newer one as a repetition.)
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("{}-{}", self.customer_id, self.number)
    }

    /// Need this receiver not be asked about this state?
    #[must_use]
    pub fn is_settled_with(&self, receiver: &str) -> bool {
        self.taken.iter().chain(&self.gone).any(|settled| settled == receiver)
    }

    /// After a try. `look_again`: nobody will read the line once more by themselves, so it wakes up.
    #[must_use]
    pub fn after(&self, result: &TryResult, look_again: bool, now: OffsetDateTime) -> Self {
        let mut network_update = Self { problem: result.problem, wake_at: None, ..self.clone() };
        network_update.taken.extend(result.taken.iter().cloned());
        network_update.gone.extend(result.gone.iter().cloned());
        if result.problem.is_some() {
            let is_over = now - self.since >= TRIED_FOR;
            network_update.state = if is_over { TellingState::GivenUp } else { TellingState::Failing };
            network_update.wake_at = (!is_over).then(|| later(now, wait_after(self.tries)));
        } else if network_update.taken.is_empty() && !network_update.gone.is_empty() {
            (network_update.state, network_update.problem) = (TellingState::GivenUp, Some(ReceiverProblem::Gone));
        } else {
            network_update.state = TellingState::Told;
            (network_update.told_number, network_update.told_at) = (Some(self.number), Some(now));
            network_update.wake_at = look_again.then(|| later(now, FIRST_WAIT));
        }
        network_update
    }

    /// No network is configured any more; `None` = that is known.
    #[must_use]
    pub fn off(&self) -> Option<Self> {
        (self.state != TellingState::Off).then(|| Self {
            state: TellingState::Off,
            wake_at: None,
            problem: None,
            ..self.clone()
        })
    }

    /// Told anew from the beginning, because a person says so.
    #[must_use]
    pub fn again(&self, now: OffsetDateTime) -> Self {
        let (taken, gone) = (Vec::new(), Vec::new());
        Self { state: TellingState::Failing, taken, gone, tries: 0, since: now, wake_at: Some(now), ..self.clone() }
    }

    /// Should a person look at it? Once when it is late, and once when it is given up.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        match self.state {
            TellingState::Failing => self.tries == ALARMING_TRY || self.problem == Some(ReceiverProblem::Misconfigured),
            TellingState::GivenUp => true,
            TellingState::Pending | TellingState::Told | TellingState::Off => false,
        }
    }

    /// Does the network still have to hear of what was applied then?
    #[must_use]
    pub fn is_owed(&self, applied_at: OffsetDateTime) -> bool {
        // A telling begins right after something was applied; what is older was told, or came before there was a
        // network.
        let begun = self.since.saturating_sub(LATE_AFTER);
        applied_at >= self.told_at.map_or(begun, |told_at| told_at.max(begun))
    }

    /// Where the line stands; `None` when there is no network to tell. It never stays [`NetworkProgress::Activating`]
    /// for long.
    #[must_use]
    pub fn progress(&self, profile: &Profile, now: OffsetDateTime) -> Option<NetworkProgress> {
        let waiting = |since: OffsetDateTime, afterwards| {
            if now - since < LATE_AFTER { NetworkProgress::Activating } else { afterwards }
        };
        match self.state {
            TellingState::Off => None,
            TellingState::Told if self.line == LineState::of(profile, now) => Some(NetworkProgress::Told),
            // The event is on its way. What an import changed has none, and the provider knows of it.
            TellingState::Told => Some(waiting(profile.updated_at, NetworkProgress::Told)),
            TellingState::Pending | TellingState::Failing => Some(waiting(self.since, NetworkProgress::Late)),
            TellingState::GivenUp => Some(NetworkProgress::Late),
        }
    }
}

fn wait_after(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(10);
    FIRST_WAIT.checked_mul(1 << doublings).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests;
