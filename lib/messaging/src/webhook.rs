//! What providers report by webhook: how far messages have come, what customers write back, and that the sender is in
//! trouble.
//!
//! Verified over the raw bytes, in constant time, and fail closed: without a key in the secret nothing is believed.
//! Whoever reads a report must bear it twice and in any order.

use std::collections::BTreeMap;

use billing::{access::phone::Phone, telling::delivery::DeliveryStatus};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::{ProviderName, RejectionClass, fonnte, meta, provider::Rows, waha};

/// Longest challenge that is given back.
const MAX_CHALLENGE: usize = 200;

/// A webhook as it came in.
#[derive(Debug, Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// The raw body.
    pub body: &'a [u8],
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// `token` of the query, for providers that sign nothing.
    pub token: Option<&'a str>,
}

/// Something that a provider reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A message has moved on.
    Status(Status),
    /// A customer wants no more messages, or messages again.
    OptOut {
        /// Who wrote.
        phone: Phone,
        /// No more messages.
        opted_out: bool,
        /// When they wrote it, if the provider says so.
        at: Option<OffsetDateTime>,
    },
    /// Nothing is sent any more until somebody has looked after it. For the log, without phone or key.
    SenderProblem(String),
}

/// How far a message has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The provider's id of the message.
    pub provider_id: String,
    /// Another id under which the provider will go on to speak of the message.
    pub alias: Option<String>,
    /// Our id of the message, from providers that give it back.
    pub callback: Option<String>,
    /// How far.
    pub status: DeliveryStatus,
    /// Since when, if the provider says so.
    pub at: Option<OffsetDateTime>,
    /// Of a failure: what to do about it.
    pub class: Option<RejectionClass>,
    /// Of a failure: why, for the log.
    pub detail: Option<String>,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The row of the secret that verification needs is empty.
    #[error("whatsapp: {0}: type it in, or no webhook can be verified")]
    NotConfigured(&'static str),
    /// The signature or token is missing or wrong.
    #[error("not authentic")]
    Forged,
    /// Authentic, and not what such a webhook looks like.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// This provider sends none.
    #[error("this provider has no webhooks")]
    NoWebhooks,
}

/// Verifies a webhook and reads what it reports. What it holds besides, such as pictures that customers send, is left
/// out.
pub fn read(
    provider: ProviderName,
    rows: &BTreeMap<String, String>,
    request: &WebhookRequest<'_>,
) -> Result<Vec<Notice>, WebhookError> {
    let rows = Rows(rows);
    match provider {
        ProviderName::Meta => meta::webhook::read(rows, request),
        ProviderName::Fonnte => fonnte::webhook::read(rows, request),
        ProviderName::Waha => waha::webhook::read(rows, request),
        ProviderName::Http => Err(WebhookError::NoWebhooks),
    }
}

/// Meta's handshake when the address is typed into its console: the challenge to give back, if the token is ours. The
/// token is the row `metaVerifyToken`, made up by the admin, and not the key that signs.
pub fn handshake(
    rows: &BTreeMap<String, String>,
    query: impl Fn(&str) -> Option<String>,
) -> Result<String, WebhookError> {
    let expected = Rows(rows).get("metaVerifyToken").ok_or(WebhookError::NotConfigured("metaVerifyToken"))?;
    let given = query("hub.verify_token").unwrap_or_default();
    if query("hub.mode").as_deref() != Some("subscribe") || !same(expected, &given) {
        return Err(WebhookError::Forged);
    }
    let challenge = query("hub.challenge").filter(|text| (1..=MAX_CHALLENGE).contains(&text.len()));
    challenge
        .filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
        .ok_or(WebhookError::Malformed("challenge"))
}

/// Are these the same, in a time that tells nothing of either?
pub(crate) fn same(expected: &str, given: &str) -> bool {
    Sha256::digest(expected).as_slice().ct_eq(Sha256::digest(given).as_slice()).into()
}

/// Is `signature` the HMAC-SHA256 of the body, in hex?
pub(crate) fn is_signed_256(key: &str, body: &[u8], signature: &str) -> bool {
    let Ok(given) = hex::decode(signature.trim()) else { return false };
    Hmac::<Sha256>::new_from_slice(key.as_bytes()).is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
}

/// Is `signature` the HMAC-SHA512 of the body, in hex?
pub(crate) fn is_signed_512(key: &str, body: &[u8], signature: &str) -> bool {
    let Ok(given) = hex::decode(signature.trim()) else { return false };
    Hmac::<Sha512>::new_from_slice(key.as_bytes()).is_ok_and(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
}

/// What somebody wants who writes this, if it is one of the four words and nothing else.
pub(crate) fn link_request(text: &str) -> Option<bool> {
    let word = text.trim().trim_end_matches(['.', '!']).to_uppercase();
    match word.as_str() {
        "STOP" | "BERHENTI" => Some(true),
        "START" | "MULAI" => Some(false),
        _ => None,
    }
}

/// An instant as providers write it: seconds since 1970, as number or text.
pub(crate) fn instant(value: Option<&serde_json::Value>) -> Option<OffsetDateTime> {
    let value = value?;
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_words_alone_are_a_wish() {
        for (text, expected) in [
            ("STOP", Some(true)),
            (" berhenti. ", Some(true)),
            ("Stop!", Some(true)),
            ("mulai", Some(false)),
            ("START", Some(false)),
            ("jangan berhenti", None),
            ("kapan internet saya stop?", None),
            ("", None),
        ] {
            assert_eq!(link_request(text), expected, "{text}");
        }
    }
}
