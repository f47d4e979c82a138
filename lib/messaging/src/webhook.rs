//! What providers report by webhook: how far messages have come, what customers write back, and that the sender is in
//! trouble.
//!
//! Verified over the raw bytes, in constant time, and fail closed: without a key in the secret nothing is believed.
//! Whoever reads a report must bear it twice and in any order.

use billing::{access::phone::Phone, telling::delivery::DeliveryStatus};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::provider::RejectionClass;

/// A webhook as it came in.
#[derive(Debug, Clone, Copy)]
pub struct WebhookRequest<'a> {
    pub body: &'a [u8],
    pub headers: &'a HeaderMap,
    /// `token` of the query, for providers that sign nothing.
    pub token: Option<&'a str>,
}

/// Something that a provider reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderReport {
    /// A message has moved on.
    Status(Status),
    /// A customer wants no more messages, or messages again.
    OptOut {
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
    pub provider_id: String,
    /// Another id under which the provider will go on to speak of the message.
    pub alias: Option<String>,
    /// Our id of the message, from providers that give it back.
    pub callback: Option<String>,
    pub status: DeliveryStatus,
    /// Since when, if the provider says so.
    pub at: Option<OffsetDateTime>,
    /// Of a failure: what to do about it.
    pub class: Option<RejectionClass>,
    /// Of a failure: why, for the log.
    pub detail: Option<String>,
}

impl Status {
    /// Only a number that takes no messages is nobody's affair but the customer's.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.class.is_some_and(|class| class != RejectionClass::Recipient)
    }
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
pub(crate) fn opt_out_words(text: &str) -> Option<bool> {
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
            assert_eq!(opt_out_words(text), expected, "{text}");
        }
    }
}
