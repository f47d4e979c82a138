//! What calls to all providers, and their answers, have in common.

use http::{HeaderMap, Method};
use partner_http::{Answer, Call, CallError, safe_detail};
use serde_json::Value;
use url::Url;

use crate::message::Message;
use crate::provider::{RejectionClass, SendOutcome};

const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// WhatsApp's own limit for a text, in characters.
const MAX_TEXT: usize = 4096;
/// Longest id of a provider that is kept, in characters.
const MAX_ID: usize = 200;

/// A message that was not taken.
pub(crate) fn rejected(class: RejectionClass, detail: impl Into<String>) -> SendOutcome {
    SendOutcome::Rejected { class, detail: detail.into() }
}

/// What nobody has to be asked about: a phone that is none, a text that WhatsApp does not take.
pub(crate) fn refuse_unusable(phone: &str, message: &Message) -> Option<SendOutcome> {
    if !(8..=15).contains(&phone.len()) || !phone.bytes().all(|b| b.is_ascii_digit()) {
        return Some(rejected(RejectionClass::Recipient, "not a phone number"));
    }
    if message.text.trim().is_empty() || message.text.chars().count() > MAX_TEXT {
        return Some(rejected(RejectionClass::Message, "no text of a usable length"));
    }
    None
}

/// Posts a body, once. What never left may be sent later; what may have arrived stays unknown.
pub(crate) async fn post(url: &Url, headers: &HeaderMap, body: String) -> Result<Answer, SendOutcome> {
    let call = Call {
        method: Method::POST,
        url: url.clone(),
        headers: headers.clone(),
        body: Some(body.into_bytes()),
        max_answer_bytes: MAX_ANSWER_BYTES,
    };
    partner_http::send(call).await.map_err(|error| match error {
        CallError::NotSent(why) => rejected(RejectionClass::LATER, why),
        CallError::NoAnswer(why) => SendOutcome::Unknown(why),
    })
}

/// Text, number or boolean as text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A provider's id of a message: of a usable length, without anything odd in it.
pub(crate) fn provider_id(value: Option<&Value>) -> Option<String> {
    let id: String = scalar(value?)?.chars().filter(char::is_ascii_graphic).take(MAX_ID).collect();
    if id.is_empty() { None } else { Some(id) }
}

/// A provider's words for the log, without the message, should it be repeated there.
pub(crate) fn words(words: &str, text: &str) -> String {
    safe_detail(&words.replace(text, "…"))
}
