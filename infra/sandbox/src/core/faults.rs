//! Faults that a script puts in the way of the partners' API calls.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::keeping::locked;

/// Faults kept at most; a script that adds more has a mistake.
const MAX_PENDING: usize = 1_000;

/// API calls that can be disturbed.
pub const TARGETS: &[&str] = &[
    "midtrans.create",
    "midtrans.status",
    "midtrans.cancel",
    "midtrans.expire",
    "midtrans.refund",
    "midtrans.approve",
    "midtrans.deny",
    "xendit.create",
    "xendit.get",
    "xendit.expire",
    "whatsapp.send",
    "genieacs.devices",
    "genieacs.tasks",
    "network.webhook",
];

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Holds the request for `ms` (30 s unless given) without doing the work, then closes the connection.
    Timeout,
    /// Answers 500 without doing the work.
    #[serde(rename = "500")]
    InternalError,
    /// Answers 429 without doing the work.
    #[serde(rename = "429")]
    TooManyRequests,
    /// Answers 401 without doing the work, as if the key had been replaced.
    #[serde(rename = "401")]
    Unauthorized,
    /// Answers 410 without doing the work: nobody wants it any more.
    #[serde(rename = "410")]
    Gone,
    /// Does the work and answers with the right status, but with broken JSON.
    Garbage,
    /// Does the work and breaks the connection instead of answering.
    DropAfter,
    /// Waits `ms` (1 s unless given), then does the work. It is done even if the caller has hung up by then.
    Delay,
    /// Answers 302 to another address without doing the work.
    Redirect,
    /// Answers 200 with two megabytes without doing the work.
    Huge,
    /// Refuses in the partner's own words without doing the work: `reason` is a code of Meta's (`131056`), a sentence
    /// of Fonnte's (`insufficient quota`), or the state of WAHA's session (`STOPPED`). Senders of messages only.
    Refuse,
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_value(text.into()).map_err(|error| error.to_string())
    }
}

/// A fault and how often it will still strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// One of [`TARGETS`].
    pub target: String,
    pub kind: FaultKind,
    /// Milliseconds to wait, for the kinds that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// The partner's words, for `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many calls it strikes; 1 unless given.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that strikes the next call of `target`.
    #[must_use]
    pub fn once(target: &str, kind: FaultKind) -> Self {
        Self { target: target.to_owned(), kind, ms: None, reason: None, times: 1 }
    }
}

/// Pending faults, consumed in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    /// Queues a fault. The error says what is wrong with it.
    pub(crate) fn add(&self, fault: Fault) -> Result<(), String> {
        if !TARGETS.contains(&fault.target.as_str()) {
            return Err(format!("unknown target {:?}; use one of {}", fault.target, TARGETS.join(", ")));
        }
        if fault.kind == FaultKind::Refuse && fault.target != "whatsapp.send" {
            return Err("refuse is for whatsapp.send only".to_owned());
        }
        let mut pending = locked(&self.0);
        if pending.len() >= MAX_PENDING {
            return Err(format!("{MAX_PENDING} faults are pending already; DELETE /faults first"));
        }
        if fault.times > 0 {
            pending.push_back(fault);
        }
        Ok(())
    }

    /// The fault that strikes this call, if any.
    pub(crate) fn take(&self, target: &str) -> Option<Fault> {
        let mut pending = locked(&self.0);
        let index = pending.iter().position(|fault| fault.target == target)?;
        let fault = pending.get_mut(index)?;
        fault.times = fault.times.saturating_sub(1);
        let taken = fault.clone();
        if taken.times == 0 {
            pending.remove(index);
        }
        Some(taken)
    }

    pub(crate) fn pending(&self) -> Vec<Fault> {
        locked(&self.0).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_in_order_and_as_often_as_told() {
        let faults = Faults::default();
        let twice = Fault { times: 2, ..Fault::once("xendit.get", FaultKind::InternalError) };
        faults.add(twice).unwrap();
        faults.add(Fault::once("xendit.get", FaultKind::Garbage)).unwrap();
        let kinds: Vec<_> = std::iter::from_fn(|| faults.take("xendit.get")).map(|fault| fault.kind).collect();
        assert_eq!(kinds, [FaultKind::InternalError, FaultKind::InternalError, FaultKind::Garbage]);
        assert!(faults.take("midtrans.create").is_none());
    }

    #[test]
    fn unknown_targets_and_kinds_are_refused() {
        let faults = Faults::default();
        assert!(faults.add(Fault::once("midtrans.pay", FaultKind::Delay)).is_err());
        assert!("explode".parse::<FaultKind>().is_err());
        assert_eq!("drop-after".parse(), Ok(FaultKind::DropAfter));
        assert_eq!("500".parse(), Ok(FaultKind::InternalError));
    }
}
