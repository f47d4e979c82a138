//! One HTTP call per message, shaped by the rows of the secret.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, header};
use partner_http::Answer;
use partner_http::rows::{RowError, RowReader};
use serde_json::{Map, Value};
use url::Url;

use crate::message::Message;
use crate::provider::{Pacing, Provider, ProviderName, RejectionClass, SendOutcome};
use crate::setup::{Endpoints, address, linked_phone};
use crate::template::{PHONE, TEXT, fill, has_gap};
use crate::wire::{self, post, provider_id, refuse_unusable, rejected, scalar};

/// A provider with an HTTP API that takes one JSON `POST` per message.
pub(crate) struct HttpProvider {
    url: Url,
    headers: HeaderMap,
    body: Value,
    success_pointer: String,
    /// What has to stand there; `None` = anything but null and false.
    success_value: Option<String>,
    id_pointer: Option<String>,
    pacing: Pacing,
}

/// Shows the host only: headers and body hold the provider's keys, and addresses of some providers do.
impl fmt::Debug for HttpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl HttpProvider {
    /// Reads the rows `url`, `headers` (JSON object), `body` (JSON with the gaps `{{phone}}` and `{{text}}` in its
    /// strings), `successPointer` (JSON pointer into the answer), `successValue`, and `idPointer` (where the answer
    /// holds the message's id; optional). Behind most of these services is a linked phone, so one is assumed; the row
    /// `linkedPhone` says `false` if not.
    pub(crate) fn read(rows: RowReader<'_>, endpoints: Endpoints<'_>) -> Result<Self, RowError> {
        let url = address(rows, "url", endpoints)?;
        let body: Value = rows
            .text("body")
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| rows.error("body", "type JSON, such as {\"to\":\"{{phone}}\",\"message\":\"{{text}}\"}"))?;
        if !has_gap(&body, PHONE) || !has_gap(&body, TEXT) {
            return Err(rows.error("body", "needs {{phone}} and {{text}} within quotes"));
        }
        Ok(Self {
            url,
            headers: headers(rows)?,
            body,
            success_pointer: pointer(rows.text("successPointer"))
                .ok_or_else(|| rows.error("successPointer", "type where the answer says yes, such as /status"))?,
            success_value: rows.text("successValue").map(str::to_owned),
            id_pointer: match rows.text("idPointer") {
                None => None,
                given => Some(pointer(given).ok_or_else(|| rows.error("idPointer", "must begin with /"))?),
            },
            pacing: if rows.flag("linkedPhone", true)? { linked_phone(rows)? } else { Pacing::Unlimited },
        })
    }

    /// The body decides, as these providers answer 200 to a refusal. What is neither a yes nor a no stays unknown: a
    /// 5xx of theirs can come after the message has left.
    fn read_answer(&self, answer: &Answer, text: &str) -> SendOutcome {
        let status = answer.status;
        match status {
            401 | 403 => return rejected(RejectionClass::Stop, format!("HTTP {status}")),
            429 => return rejected(RejectionClass::LATER, "HTTP 429"),
            300..=399 => return rejected(RejectionClass::Stop, format!("HTTP {status}: the address has moved")),
            408 | 500.. | ..200 => return SendOutcome::Unknown(format!("HTTP {status}")),
            _ => {}
        }
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            return match status {
                404 | 405 => {
                    rejected(RejectionClass::Stop, format!("HTTP {status}: nobody takes messages at this address"))
                }
                400.. => rejected(RejectionClass::Recipient, format!("HTTP {status}")),
                _ => SendOutcome::Unknown(format!("HTTP {status} without JSON")),
            };
        };
        if status < 400 && self.says_yes(&body) {
            let id = self.id_pointer.as_deref().and_then(|pointer| body.pointer(pointer));
            return SendOutcome::Accepted { provider_id: provider_id(id) };
        }
        rejected(RejectionClass::Recipient, format!("HTTP {status}: {}", reason(&body, text)))
    }

    fn says_yes(&self, body: &Value) -> bool {
        let found = body.pointer(&self.success_pointer);
        match &self.success_value {
            Some(wanted) => found.and_then(scalar).is_some_and(|found| found.eq_ignore_ascii_case(wanted)),
            None => found.is_some_and(|found| !matches!(found, Value::Null | Value::Bool(false))),
        }
    }
}

#[async_trait]
impl Provider for HttpProvider {
    fn name(&self) -> ProviderName {
        ProviderName::Http
    }

    fn pacing(&self) -> Pacing {
        self.pacing.clone()
    }

    async fn send(&self, phone: &str, message: &Message) -> SendOutcome {
        if let Some(refused) = refuse_unusable(phone, message) {
            return refused;
        }
        match post(&self.url, &self.headers, fill(&self.body, phone, &message.text).to_string()).await {
            Ok(answer) => self.read_answer(&answer, &message.text),
            Err(outcome) => outcome,
        }
    }
}

/// The provider's reason under one of its usual names, without the message, should it be repeated there.
fn reason(body: &Value, text: &str) -> String {
    let words =
        ["reason", "message", "msg", "error"].into_iter().find_map(|name| body.get(name).and_then(Value::as_str));
    words.map_or_else(|| "no reason given".to_owned(), |words| wire::words(words, text))
}

fn pointer(text: Option<&str>) -> Option<String> {
    text.filter(|text| text.starts_with('/')).map(str::to_owned)
}

/// The typed headers, all of them secret, and the content type. Those that frame the request are not for typing.
fn headers(rows: RowReader<'_>) -> Result<HeaderMap, RowError> {
    const ROW: &str = "headers";
    let fields: Map<String, Value> = serde_json::from_str(rows.text(ROW).unwrap_or("{}"))
        .map_err(|_| rows.error(ROW, "type a JSON object, such as {\"Authorization\":\"…\"}"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &fields {
        let text = value.as_str().ok_or_else(|| rows.error(ROW, "every value must be text within quotes"))?;
        headers.insert(rows.header_name(ROW, name)?, rows.secret_header(ROW, text.trim())?);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok(headers)
}
