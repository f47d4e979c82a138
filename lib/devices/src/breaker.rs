//! The circuit breaker: an ACS that is down is not asked by everybody in turn.

use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::nbi::AcsError;

/// Failures in a row that open the circuit.
pub const FAILURES: usize = 5;
/// How long it stays open before one caller may try.
pub const OPEN_FOR: Duration = Duration::seconds(30);

/// In the memory of one process: each finds out within a few calls, and sharing it would cost a write. Time comes from
/// the caller.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: usize,
    /// Whose questions went unanswered: one slow device counts once, however often its customer asks.
    silent: Vec<String>,
    open_until: Option<OffsetDateTime>,
}

impl Breaker {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May the ACS be asked? After [`OPEN_FOR`] the one who asks first may, for everybody.
    #[must_use]
    pub fn admits(&self, now: OffsetDateTime) -> bool {
        let mut state = self.locked();
        match state.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now.saturating_add(OPEN_FOR));
                true
            }
            None => true,
        }
    }

    /// The ACS has answered.
    pub fn succeeded(&self) {
        *self.locked() = State::default();
    }

    /// It has not, when asked for `who`. Answers whether this opened the circuit.
    pub fn failed(&self, who: &str, error: &AcsError, now: OffsetDateTime) -> bool {
        let mut state = self.locked();
        if !error.is_of_the_acs() {
            if state.silent.iter().any(|known| known == who) {
                return false;
            }
            if state.silent.len() < FAILURES {
                state.silent.push(who.to_owned());
            }
        }
        state.failures = state.failures.saturating_add(1);
        let opens = state.failures >= FAILURES && state.open_until.is_none();
        if state.failures >= FAILURES {
            state.open_until = Some(now.saturating_add(OPEN_FOR));
        }
        opens
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);

    fn down() -> AcsError {
        AcsError::Unusable("HTTP 502".to_owned())
    }

    fn silent() -> AcsError {
        AcsError::Silent("no answer".to_owned())
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_success_closes_it() {
        let breaker = Breaker::default();
        for n in 1..=FAILURES {
            assert!(breaker.admits(NOW));
            assert_eq!(breaker.failed("budi", &down(), NOW), n == FAILURES, "only the fifth opens it, and only once");
        }
        assert!(!breaker.admits(NOW));
        let later = NOW + OPEN_FOR;
        assert!(breaker.admits(later), "one may try");
        assert!(!breaker.admits(later), "and the others wait for it");
        assert!(!breaker.failed("budi", &down(), later) && !breaker.admits(later + Duration::seconds(29)));
        assert!(breaker.admits(later + OPEN_FOR));
        breaker.succeeded();
        assert!(breaker.admits(NOW) && breaker.admits(NOW));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            for _ in 1..FAILURES {
                assert!(!breaker.failed("budi", &down(), NOW));
            }
            breaker.succeeded();
        }
        assert!(breaker.admits(NOW));
    }

    #[test]
    fn one_slow_device_never_opens_it_and_five_do() {
        let breaker = Breaker::default();
        for _ in 0..50 {
            assert!(!breaker.failed("budi", &silent(), NOW));
        }
        assert!(breaker.admits(NOW));
        let opened: Vec<_> =
            ["siti", "agus", "dewi", "rudi"].iter().map(|who| breaker.failed(who, &silent(), NOW)).collect();
        assert_eq!((opened, breaker.admits(NOW)), (vec![false, false, false, true], false));
    }
}
