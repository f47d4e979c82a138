//! Messages to customers by WhatsApp.
//!
//! The providers that Indonesian Internet providers use drive a linked phone over a small HTTP API, each with field names of
//! its own: [`HttpProvider`] is told those names by its secret. None of them knows an idempotency key, so a message is
//! posted once and a doubtful answer is [`SendOutcome::Unknown`], which nobody may repeat by himself.

mod http_provider;
mod template;

pub use http_provider::HttpProvider;

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider took it. Delivery is another matter.
    Accepted {
        /// The provider's id of the message, if it gave one.
        provider_id: Option<String>,
    },
    /// The provider did not take it.
    Rejected {
        /// What to do about it.
        class: RejectionClass,
        /// For the log: no phone number, code or text of the message.
        detail: String,
    },
    /// It may have been sent. Sending it again could reach the customer twice.
    Unknown(String),
}

/// What to do about a message that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionClass {
    /// Nothing left this machine: may be repeated later.
    Later,
    /// The provider limits the rate: may be repeated after a pause of the whole sender.
    Throttled,
    /// The provider does not know our token: repeat after somebody has mended the secret.
    Credentials,
    /// This message, number or request is refused for good.
    Refused,
}

/// A row of the secret that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("whatsapp: {row}: {problem}")]
pub struct ProviderError {
    /// Which row.
    pub row: &'static str,
    /// What to change, without the value itself.
    pub problem: &'static str,
}
