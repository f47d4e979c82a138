//! Senders of WhatsApp messages, and the one inbox in which they arrive.
//!
//! Meta's Cloud API is under `/meta`, Fonnte under `/fonnte`, WAHA under `/waha`, and `/send` is a generic service of
//! the kind that Indonesian providers use. What customers do with a message, its sender reports to
//! `{webhook_base}/api/webhooks/whatsapp/{sender}`.

mod generic;
mod inbox;
mod linked;
mod message;
mod meta;
mod page;
mod refusal;
mod report;
mod rules;
mod template;

use axum::Router;
use axum::routing::{get, post};

pub use inbox::{SimulateMessage, SimulateMessageError};
pub(crate) use message::{Account, Whatsapp};
pub use message::{Message, Sender};
pub(crate) use page::inbox_page;
pub use report::waha_signature;
pub(crate) use rules::RULES;

/// The senders, the inbox, and what can happen in it.
pub(crate) fn router() -> Router<Whatsapp> {
    Router::new()
        .route("/send", post(generic::send))
        .route("/meta/{version}/{number}/messages", post(meta::send))
        .route("/meta/{version}/{account}/message_templates", get(meta::templates).post(meta::submit))
        .route("/fonnte/send", post(linked::fonnte))
        .route("/waha/api/sendText", post(linked::waha))
        .route("/inbox", get(inbox::inbox).delete(inbox::empty))
        .route("/inbox/event", post(inbox::press))
}
