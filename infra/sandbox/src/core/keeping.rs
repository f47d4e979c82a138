//! How the stand-ins keep things: behind a lock, and not without end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that outlives a panic of another test's task: the stand-ins keep no invariants across fields.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds the newest; the oldest goes where there would be more than `most`.
pub(crate) fn keep<T>(kept: &mut VecDeque<T>, newest: T, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    kept.push_back(newest);
}
