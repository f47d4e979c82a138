//! Fonnte, which drives a linked phone: <https://docs.fonnte.com/api-send-message/>.
//!
//! Every answer is HTTP 200; `status` in it says whether the message was taken. A message that is `pending`, because
//! the phone is offline, was taken too: Fonnte goes on trying by itself, so sending it again would make two.

pub(crate) mod webhook;

use std::fmt::{self, Write as _};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, header};
use partner_http::Answer;
use partner_http::rows::{RowError, RowReader};
use serde_json::Value;
use url::Url;

use crate::message::Message;
use crate::provider::{Pacing, Provider, ProviderName, RejectionClass, SendOutcome};
use crate::setup::{Endpoints, join, linked_phone};
use crate::wire::{post, provider_id, refuse_unusable, rejected, words};

const API: &str = "https://api.fonnte.com";

/// Fonnte with the token of one device.
pub(crate) struct Fonnte {
    url: Url,
    headers: HeaderMap,
    pacing: Pacing,
}

impl fmt::Debug for Fonnte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fonnte").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Fonnte {
    /// Reads the row `fonnteToken`: the device's token, which goes into the header without `Bearer`.
    pub(crate) fn read(rows: RowReader<'_>, endpoints: Endpoints<'_>) -> Result<Self, RowError> {
        let token = rows.required("fonnteToken", "type the token of the device")?;
        let base = endpoints.stand_in.map_or_else(|| API.to_owned(), |stand_in| format!("{stand_in}/fonnte"));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, rows.secret_header("fonnteToken", token)?);
        Ok(Self { url: join(rows, "fonnteToken", &base, "/send")?, headers, pacing: linked_phone(rows)? })
    }
}

#[async_trait]
impl Provider for Fonnte {
    fn name(&self) -> ProviderName {
        ProviderName::Fonnte
    }

    fn pacing(&self) -> Pacing {
        self.pacing.clone()
    }

    async fn send(&self, phone: &str, message: &Message) -> SendOutcome {
        // `target` is digits only, so nothing in it can be taken for a list or for variables.
        if let Some(refused) = refuse_unusable(phone, message) {
            return refused;
        }
        let (content_type, body) = form(&[("target", phone), ("message", &message.text), ("countryCode", "62")]);
        let mut headers = self.headers.clone();
        let Ok(content_type) = HeaderValue::try_from(content_type) else {
            return rejected(RejectionClass::Message, "the form cannot be written");
        };
        headers.insert(header::CONTENT_TYPE, content_type);
        match post(&self.url, &headers, body).await {
            Ok(answer) => read_answer(&answer, &message.text),
            Err(outcome) => outcome,
        }
    }
}

/// Fields as `multipart/form-data`, the way Fonnte's own example sends them; content type and body.
fn form(fields: &[(&str, &str)]) -> (String, String) {
    let mut number = 0_u32;
    let mut boundary = format!("lunas-{number}");
    // A text that holds the boundary would end its field.
    while fields.iter().any(|(_, value)| value.contains(&boundary)) {
        number = number.saturating_add(1);
        boundary = format!("lunas-{number}");
    }
    let mut body = String::new();
    for (name, value) in fields {
        let _ = write!(body, "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let _ = write!(body, "--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn read_answer(answer: &Answer, text: &str) -> SendOutcome {
    let status = answer.status;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match body.as_ref().and_then(|body| body.get("status")).and_then(Value::as_bool) {
        Some(false) if status < 500 => {
            let reason =
                body.as_ref().and_then(|body| body.get("reason")).and_then(Value::as_str).unwrap_or("no reason given");
            rejected(class(reason), words(reason, text))
        }
        Some(true) if status < 400 => {
            SendOutcome::Accepted { provider_id: provider_id(body.as_ref().and_then(|body| body.pointer("/id/0"))) }
        }
        _ => match status {
            401 | 403 | 404 | 300..=399 => rejected(RejectionClass::Stop, format!("HTTP {status}")),
            429 => rejected(RejectionClass::LATER, "HTTP 429"),
            400..=499 if status != 408 => rejected(RejectionClass::Message, format!("HTTP {status}")),
            _ => SendOutcome::Unknown(format!("HTTP {status} without an answer that can be read")),
        },
    }
}

/// What to do about a reason. They are sentences for people, so words in them decide; one that says nothing known is
/// about the message, and calls a person.
fn class(reason: &str) -> RejectionClass {
    let reason = reason.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["too many", "rate limit", "try again"]) {
        RejectionClass::LATER
    } else if says(&[
        "token",
        "device",
        "account",
        "unknown user",
        "quota",
        "package",
        "expired",
        "limit",
        "banned",
        "suspend",
    ]) {
        RejectionClass::Stop
    } else if says(&["target", "number", "not registered"]) {
        RejectionClass::Recipient
    } else {
        RejectionClass::Message
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_cannot_end_its_field() {
        let (content_type, body) = form(&[("message", "--lunas-0--\r\n lunas-1")]);
        assert_eq!(content_type, "multipart/form-data; boundary=lunas-2");
        assert_eq!(body.matches("--lunas-2").count(), 2);
    }

    proptest! {
        #[test]
        fn any_text_arrives_as_it_is(text in "(\\PC|\r|\n){0,60}") {
            let (content_type, body) = form(&[("a", &text), ("b", "x")]);
            let boundary = format!("--{}", content_type.split_once('=').unwrap().1);
            let parts: Vec<_> = body.split(&boundary).collect();
            prop_assert_eq!(parts.len(), 4);
            prop_assert_eq!(parts[1].split_once("\r\n\r\n").unwrap().1, format!("{text}\r\n"));
        }
    }
}
