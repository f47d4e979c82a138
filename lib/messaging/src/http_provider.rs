//! One HTTP call per message, shaped by the rows of the secret.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use partner_http::Answer;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    Endpoints, Message, Pacing, Provider, ProviderError, ProviderName, RejectionClass, SendOutcome,
    channel::linked_phone,
    provider::Rows,
    template::{PHONE, TEXT, fill, has_gap},
    wire::{self, address, post, provider_id, refuse_unusable, rejected, scalar},
};

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
    pub(crate) fn read(rows: Rows<'_>, endpoints: Endpoints<'_>) -> Result<Self, ProviderError> {
        let row = |name: &str| rows.get(name);
        let error = |row, problem| ProviderError { row, problem };
        let url = address(rows, "url", endpoints)?;
        let body: Value = row("body")
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| error("body", "type JSON, such as {\"to\":\"{{phone}}\",\"message\":\"{{text}}\"}"))?;
        if !has_gap(&body, PHONE) || !has_gap(&body, TEXT) {
            return Err(error("body", "needs {{phone}} and {{text}} within quotes"));
        }
        Ok(Self {
            url,
            headers: headers(row("headers"))?,
            body,
            success_pointer: pointer(row("successPointer"))
                .ok_or_else(|| error("successPointer", "type where the answer says yes, such as /status"))?,
            success_value: row("successValue").map(str::to_owned),
            id_pointer: match row("idPointer") {
                None => None,
                given => Some(pointer(given).ok_or_else(|| error("idPointer", "must begin with /"))?),
            },
            pacing: if row("linkedPhone") == Some("false") { Pacing::Unlimited } else { linked_phone(rows)? },
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
fn headers(typed: Option<&str>) -> Result<HeaderMap, ProviderError> {
    let error = |problem| ProviderError { row: "headers", problem };
    let fields: Map<String, Value> = serde_json::from_str(typed.unwrap_or("{}"))
        .map_err(|_| error("type a JSON object, such as {\"Authorization\":\"…\"}"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &fields {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| error("holds a name that is not a header's"))?;
        let framing =
            [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
        if framing.contains(&name) {
            return Err(error("Host, Content-Length, Transfer-Encoding, Connection and Upgrade cannot be set"));
        }
        let value = value.as_str().and_then(|text| HeaderValue::try_from(text.trim()).ok());
        let mut value = value.ok_or_else(|| error("every value must be text within quotes, on one line"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok(headers)
}
