//! WhatsApp Business Cloud API, by Meta: templates that Meta approved, filled with parameters.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates>. There is no idempotency
//! key; our id goes along as `biz_opaque_callback_data` and comes back in statuses, so a message whose answer was lost
//! is found again.

mod error;
pub(crate) mod webhook;

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, header};
use partner_http::Answer;
use partner_http::rows::{RowError, RowReader};
use serde_json::{Value, json};
use url::Url;

use crate::message::{Category, Message};
use crate::provider::{Pacing, Provider, ProviderName, RejectionClass, SendOutcome};
use crate::setup::{Endpoints, join, number};
use crate::wire::{post, provider_id, refuse_unusable, rejected};

const API: &str = "https://graph.facebook.com";
/// Versions retire after about two years: the row `metaApiVersion` can be ahead of this.
const API_VERSION: u16 = 23;
/// Of a business that Meta has not verified, in any 24 hours
/// (<https://developers.facebook.com/docs/whatsapp/messaging-limits>).
const RECIPIENTS_PER_DAY: u32 = 250;

/// The Cloud API with one sending number.
pub(crate) struct Meta {
    url: Url,
    headers: HeaderMap,
    recipients_per_day: Option<u32>,
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Meta {
    /// Reads the rows `metaToken` (of a system user, which does not expire), `metaPhoneNumberId` (Meta's id of the
    /// sending number, not the number), `metaApiVersion` (such as `v23.0`; optional), and `metaRecipientsPerDay` (a
    /// number or `unlimited`; 250 if absent).
    pub(crate) fn read(rows: RowReader<'_>, endpoints: Endpoints<'_>) -> Result<Self, RowError> {
        let token = rows.required("metaToken", "type the access token of Meta's system user")?;
        let version = match rows.text("metaApiVersion") {
            None => API_VERSION,
            Some(text) => version(text).ok_or_else(|| rows.error("metaApiVersion", "type a version such as v23.0"))?,
        };
        let recipients_per_day = match rows.text("metaRecipientsPerDay") {
            Some("unlimited") => None,
            _ => Some(number(rows, "metaRecipientsPerDay")?.unwrap_or(RECIPIENTS_PER_DAY)),
        };
        let base = endpoints.stand_in.map_or_else(|| API.to_owned(), |stand_in| format!("{stand_in}/meta"));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, rows.secret_header("metaToken", &format!("Bearer {token}"))?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let url =
            join(rows, "metaPhoneNumberId", &base, &format!("/v{version}.0/{}/messages", phone_number_id(rows)?))?;
        Ok(Self { url, headers, recipients_per_day })
    }
}

/// Meta's id of the sending number, from the secret.
pub(crate) fn phone_number_id(rows: RowReader<'_>) -> Result<&str, RowError> {
    let problem = "type the id that Meta shows under the sending number: digits, and not the number itself";
    let id = rows.required("metaPhoneNumberId", problem)?;
    let is_id = (5..=25).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    if is_id { Ok(id) } else { Err(rows.error("metaPhoneNumberId", problem)) }
}

/// `v23.0`, `23.0` or `23`.
fn version(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('v').unwrap_or(text);
    digits.strip_suffix(".0").unwrap_or(digits).parse().ok().filter(|version| (20..1000).contains(version))
}

#[async_trait]
impl Provider for Meta {
    fn name(&self) -> ProviderName {
        ProviderName::Meta
    }

    fn pacing(&self) -> Pacing {
        self.recipients_per_day.map_or(Pacing::Unlimited, |per_day| Pacing::DistinctRecipients { per_day })
    }

    async fn send(&self, phone: &str, message: &Message) -> SendOutcome {
        if let Some(refused) = refuse_unusable(phone, message) {
            return refused;
        }
        match post(&self.url, &self.headers, body(phone, message).to_string()).await {
            Ok(answer) => read_answer(&answer),
            Err(outcome) => outcome,
        }
    }
}

fn body(phone: &str, message: &Message) -> Value {
    let text = |text: &String| json!({"type": "text", "text": flattened(text)});
    let mut components = Vec::new();
    if !message.parameters.is_empty() {
        let parameters: Vec<Value> = message.parameters.iter().map(text).collect();
        components.push(json!({"type": "body", "parameters": parameters}));
    }
    let button = match message.category {
        // The code stands twice: in the body, and in the button that copies it
        // (<https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates>).
        Category::Authentication => message.button.as_ref().or_else(|| message.parameters.first()),
        Category::Utility => message.button.as_ref(),
    };
    if let Some(button) = button {
        components.push(json!({"type": "button", "sub_type": "url", "index": "0", "parameters": [text(button)]}));
    }
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": phone,
        "biz_opaque_callback_data": message.callback,
        "type": "template",
        "template": {"name": message.template, "language": {"code": message.language.code()}, "components": components},
    })
}

/// Meta refuses parameters with line breaks, tabs, more than four blanks in a row, or nothing in them.
fn flattened(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

/// An error with a code says that nothing was sent, whatever its HTTP status. What holds neither a code nor an id stays
/// unknown.
fn read_answer(answer: &Answer) -> SendOutcome {
    let status = answer.status;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if let Some(error) = body.as_ref().and_then(|body| body.get("error")).and_then(error::GraphError::read) {
        return match error.class() {
            Some(class) => rejected(class, error.detail()),
            // A code that nobody knows, from a server that says it is in trouble.
            None if status >= 500 => SendOutcome::Unknown(format!("HTTP {status}, {}", error.detail())),
            None => rejected(RejectionClass::Message, error.detail()),
        };
    }
    match status {
        200..=299 => match provider_id(body.as_ref().and_then(|body| body.pointer("/messages/0/id"))) {
            Some(id) => SendOutcome::Accepted { provider_id: Some(id) },
            None => SendOutcome::Unknown(format!("HTTP {status} without an id")),
        },
        401 | 403 | 300..=399 => rejected(RejectionClass::Stop, format!("HTTP {status}")),
        429 => rejected(RejectionClass::LATER, "HTTP 429"),
        408 | 500.. | ..200 => SendOutcome::Unknown(format!("HTTP {status}")),
        _ => rejected(RejectionClass::Message, format!("HTTP {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_one_line_with_single_blanks_and_never_empty() {
        assert_eq!(
            flattened("Jl. Melati 1\r\n RT 02 \t  Bandung     Barat\u{a0}!"),
            "Jl. Melati 1 RT 02 Bandung Barat !"
        );
        for empty in ["", " \n", "\u{0}"] {
            assert_eq!(flattened(empty), "-");
        }
    }

    #[test]
    fn a_version_is_read_as_people_type_it() {
        for typed in ["v23.0", "23.0", "v23", "23"] {
            assert_eq!(version(typed), Some(23), "{typed}");
        }
        for wrong in ["", "v", "v23.1", "latest", "v23.0/../1", "-1", "9"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
