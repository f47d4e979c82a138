//! Messages to customers by WhatsApp.
//!
//! Start at [`Channel::open`]: the secret's rows say which [`Provider`] takes messages. Meta's Cloud API takes
//! templates that it has approved; the others drive a linked phone over a small HTTP API and take any text. None of
//! them knows an idempotency key, so a message is posted once, and a doubtful answer is [`SendOutcome::Unknown`], which
//! nobody may repeat by himself. What to do about a refusal is decided here, once: [`RejectionClass`]. What providers
//! report later is read by [`read_webhook`].

mod channel;
mod fonnte;
mod http_provider;
mod message;
mod meta;
mod provider;
mod providers;
mod setup;
mod template;
pub mod texts;
mod waha;
pub mod webhook;
mod wire;

pub use channel::{Channel, Sent};
pub use message::{Category, Message};
pub use provider::{About, Pacing, Provider, ProviderName, RejectionClass, SendOutcome};
pub use providers::{meta_handshake, read_webhook};
pub use setup::Endpoints;
