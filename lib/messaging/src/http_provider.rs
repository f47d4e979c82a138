//! One HTTP call per message, shaped by the rows of the secret.

use std::{collections::BTreeMap, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use partner_http::{Answer, Call, CallError, safe_detail};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    ProviderError, RejectionClass, SendOutcome,
    template::{PHONE, TEXT, fill, has_gap},
};

const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// WhatsApp's own limit for a text, in characters.
const MAX_TEXT: usize = 4096;

/// A provider with an HTTP API that takes one JSON `POST` per message.
pub struct HttpProvider {
    url: Url,
    headers: HeaderMap,
    body: Value,
    success_pointer: String,
    /// What has to stand there; `None` = anything but null and false.
    success_value: Option<String>,
    id_pointer: Option<String>,
}

/// Shows the host only: headers and body hold the provider's keys, and addresses of some providers do.
impl fmt::Debug for HttpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl HttpProvider {
    /// Reads the rows `provider` (`http`), `url`, `headers` (JSON object), `body` (JSON with the gaps `{{phone}}` and
    /// `{{text}}` in its strings), `successPointer` (JSON pointer into the answer), `successValue`, and `idPointer` (where the
    /// answer holds the message's id; optional). `None` while `provider` is empty: nothing is configured yet.
    ///
    /// `allow_loopback_http` admits a stand-in on this machine; everything else has to be https.
    pub fn from_secret(rows: &BTreeMap<String, String>, allow_loopback_http: bool) -> Result<Option<Self>, ProviderError> {
        let row = |name: &str| rows.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let error = |row, problem| ProviderError { row, problem };
        match row("provider") {
            None => return Ok(None),
            Some("http") => {}
            Some(_) => return Err(error("provider", "the only provider is http")),
        }
        let url = row("url").and_then(|text| Url::parse(text).ok()).ok_or_else(|| error("url", "type the provider's address"))?;
        let local = allow_loopback_http && partner_http::is_loopback_http(&url);
        if !(url.scheme() == "https" || local) || !url.username().is_empty() || url.password().is_some() {
            return Err(error("url", "must begin with https:// and hold no user name"));
        }
        let body: Value = row("body")
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| error("body", "type JSON, such as {\"to\":\"{{phone}}\",\"message\":\"{{text}}\"}"))?;
        if !has_gap(&body, PHONE) || !has_gap(&body, TEXT) {
            return Err(error("body", "needs {{phone}} and {{text}} within quotes"));
        }
        Ok(Some(Self {
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
        }))
    }

    /// Posts the message, once. `phone` is digits beginning with the country, such as `6281234567890`.
    pub async fn send(&self, phone: &str, text: &str) -> SendOutcome {
        let is_phone = (8..=15).contains(&phone.len()) && phone.bytes().all(|b| b.is_ascii_digit());
        if !is_phone || text.trim().is_empty() || text.chars().count() > MAX_TEXT {
            return rejected(RejectionClass::Refused, "not a phone number, or no text of a usable length");
        }
        let call = Call {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: Some(fill(&self.body, phone, text).to_string().into_bytes()),
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        match partner_http::send(call).await {
            Ok(answer) => self.read(&answer, text),
            Err(CallError::NotSent(why)) => rejected(RejectionClass::Later, why),
            Err(CallError::NoAnswer(why)) => SendOutcome::Unknown(why),
        }
    }

    /// The body decides, as these providers answer 200 to a refusal. What is neither a yes nor a no stays unknown: a 5xx of
    /// theirs can come after the message has left.
    fn read(&self, answer: &Answer, text: &str) -> SendOutcome {
        let status = answer.status;
        match status {
            401 | 403 => return rejected(RejectionClass::Credentials, format!("HTTP {status}")),
            429 => return rejected(RejectionClass::Throttled, "HTTP 429"),
            300..=399 => return rejected(RejectionClass::Refused, format!("HTTP {status}: the address has moved")),
            408 | 500.. | ..200 => return SendOutcome::Unknown(format!("HTTP {status}")),
            _ => {}
        }
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            return if status >= 400 {
                rejected(RejectionClass::Refused, format!("HTTP {status}"))
            } else {
                SendOutcome::Unknown(format!("HTTP {status} without JSON"))
            };
        };
        if status < 400 && self.says_yes(&body) {
            return SendOutcome::Accepted { provider_id: self.provider_id(&body) };
        }
        rejected(RejectionClass::Refused, format!("HTTP {status}: {}", reason(&body, text)))
    }

    fn says_yes(&self, body: &Value) -> bool {
        let found = body.pointer(&self.success_pointer);
        match &self.success_value {
            Some(wanted) => found.and_then(scalar).is_some_and(|found| found.eq_ignore_ascii_case(wanted)),
            None => found.is_some_and(|found| !matches!(found, Value::Null | Value::Bool(false))),
        }
    }

    fn provider_id(&self, body: &Value) -> Option<String> {
        let id = scalar(body.pointer(self.id_pointer.as_deref()?)?)?;
        Some(id.chars().filter(char::is_ascii_graphic).take(100).collect()).filter(|id: &String| !id.is_empty())
    }
}

fn rejected(class: RejectionClass, detail: impl Into<String>) -> SendOutcome {
    SendOutcome::Rejected { class, detail: detail.into() }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The provider's reason under one of its usual names, without the message, should it be repeated there.
fn reason(body: &Value, text: &str) -> String {
    let words = ["reason", "message", "msg", "error"].into_iter().find_map(|name| body.get(name).and_then(Value::as_str));
    words.map_or_else(|| "no reason given".to_owned(), |words| safe_detail(&words.replace(text, "…")))
}

fn pointer(text: Option<&str>) -> Option<String> {
    text.filter(|text| text.starts_with('/')).map(str::to_owned)
}

/// The typed headers, all of them secret, and the content type. Those that frame the request are not for typing.
fn headers(typed: Option<&str>) -> Result<HeaderMap, ProviderError> {
    let error = |problem| ProviderError { row: "headers", problem };
    let fields: Map<String, Value> =
        serde_json::from_str(typed.unwrap_or("{}")).map_err(|_| error("type a JSON object, such as {\"Authorization\":\"…\"}"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &fields {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| error("holds a name that is not a header's"))?;
        let framing = [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
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
