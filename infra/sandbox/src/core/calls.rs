//! The record of the partners' API calls.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;

use super::faults::FaultKind;
use super::keeping::{keep, locked};

/// Recorded calls kept; the counters go on beyond it.
const MAX_CALLS: usize = 1_000;

/// One API call that a partner received.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Counts up from 1 over all partners.
    pub number: u64,
    /// When it came, milliseconds since 1970.
    pub at: i64,
    /// What it is, as in `POST /faults`: `midtrans.create`.
    pub target: &'static str,
    pub method: String,
    pub path: String,
    /// The caller's order id (Midtrans), external id or invoice id (Xendit) or phone number (WhatsApp).
    pub reference: Option<String>,
    /// JSON body. Message texts are left out: they carry login codes. Keys travel in headers, which are not recorded.
    pub body: Option<Value>,
    /// The answer; absent while the call is under way and where the connection was broken instead.
    pub status: Option<u16>,
    pub fault: Option<FaultKind>,
}

#[derive(Debug, Default)]
struct Log {
    next_number: u64,
    calls: VecDeque<Call>,
    counts: HashMap<&'static str, usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Log>);

impl Calls {
    pub(crate) fn begin(&self, mut call: Call) -> u64 {
        let mut log = locked(&self.0);
        log.next_number = log.next_number.saturating_add(1);
        call.number = log.next_number;
        let count = log.counts.entry(call.target).or_default();
        *count = count.saturating_add(1);
        keep(&mut log.calls, call, MAX_CALLS);
        log.next_number
    }

    pub(crate) fn finish(&self, number: u64, status: u16) {
        let mut log = locked(&self.0);
        if let Some(call) = log.calls.iter_mut().rfind(|call| call.number == number) {
            call.status = Some(status);
        }
    }

    pub(crate) fn count(&self, target: &str) -> usize {
        locked(&self.0).counts.get(target).copied().unwrap_or(0)
    }

    /// Oldest first.
    pub(crate) fn list(&self) -> Vec<Call> {
        locked(&self.0).calls.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut log = locked(&self.0);
        log.calls.clear();
        log.counts.clear();
    }
}
