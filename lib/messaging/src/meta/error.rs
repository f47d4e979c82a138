//! Meta's error codes, as they stand in answers and in statuses of messages that failed: one reading for both.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>. Only the code counts: titles and HTTP
//! statuses change.

use std::time::Duration;

use serde_json::Value;

use crate::provider::{About, RejectionClass};

/// Limits of throughput count seconds to minutes.
const SENDER_PAUSE: Duration = Duration::from_mins(1);
/// One message per six seconds to the same person is what Meta takes for long.
const RECIPIENT_PAUSE: Duration = Duration::from_secs(6);
/// Of code 100: the object in the address is not ours to use, so the id of the sending number is wrong.
const UNKNOWN_OBJECT: i64 = 33;

/// An error in Meta's words.
#[derive(Debug)]
pub(super) struct GraphError<'a> {
    code: i64,
    subcode: Option<i64>,
    words: Option<&'a str>,
    trace: Option<&'a str>,
}

impl<'a> GraphError<'a> {
    /// Reads `error` of an answer, or one of `errors` of a status. `None` without a code.
    pub(super) fn read(error: &'a Value) -> Option<Self> {
        let number = |name| error.get(name).and_then(Value::as_i64);
        let text = |pointer| error.pointer(pointer).and_then(Value::as_str);
        Some(Self {
            code: number("code")?,
            subcode: number("error_subcode"),
            words: text("/error_data/details").or_else(|| text("/message")).or_else(|| text("/title")),
            trace: text("/fbtrace_id").filter(|trace| is_trace(trace)),
        })
    }

    /// What to do; `None` for a code that is not known.
    pub(super) fn class(&self) -> Option<RejectionClass> {
        if self.code == 100 && self.subcode == Some(UNKNOWN_OBJECT) {
            return Some(RejectionClass::Stop);
        }
        Some(match self.code {
            // Token, permission, account, sending number: nothing leaves until somebody has mended it. 131048: too much
            // was reported as spam, and going on makes it worse.
            0 | 3 | 10 | 33 | 190 | 200..=299 | 368 | 131_031 | 131_042 | 131_045 | 131_048 | 133_010 | 133_016 => {
                RejectionClass::Stop
            }
            1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => RejectionClass::LATER,
            4 | 80_007 | 130_429 => RejectionClass::Later { about: About::Sender, wait: Some(SENDER_PAUSE) },
            131_056 => RejectionClass::Later { about: About::Recipient, wait: Some(RECIPIENT_PAUSE) },
            // Not on WhatsApp; our own number; a country; and what Meta keeps from a person who has had enough of the
            // kind.
            131_021 | 131_026 | 130_497 | 131_049 | 130_472 => RejectionClass::Recipient,
            // Template, parameters, window, request, and a number that a test number may not write to.
            100 | 131_008 | 131_009 | 131_030 | 131_047 | 131_051 | 131_052 | 131_053 | 132_000..=132_999 => {
                RejectionClass::Message
            }
            _ => return None,
        })
    }

    /// For the log.
    pub(super) fn detail(&self) -> String {
        let words = partner_http::safe_detail(self.words.unwrap_or("no reason given"));
        let trace = self.trace.map(|trace| format!(" (fbtrace_id {trace})")).unwrap_or_default();
        format!("Meta's code {}: {words}{trace}", self.code)
    }
}

/// Meta's support asks for it. Letters and digits, so neither a phone nor a code.
fn is_trace(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    (1..=40).contains(&text.len()) && plain && text.bytes().any(|b| b.is_ascii_alphabetic())
}
