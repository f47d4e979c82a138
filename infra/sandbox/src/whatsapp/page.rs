//! The inbox as a page: what customers read, with a button for everything that they can do.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};

use super::message::{Message, Sender, Whatsapp};
use crate::core::{escape, shell};

/// Messages on the page.
const SHOWN: usize = 100;
const REFRESH_SECONDS: u32 = 5;

/// The newest messages of all phones or of one, newest first.
pub(crate) fn inbox_page(whatsapp: &Whatsapp, phone: Option<&str>) -> Response {
    let store = whatsapp.store();
    let mut messages = String::new();
    let wanted = |message: &&Message| phone.is_none_or(|phone| message.phone == phone);
    for message in store.inbox.iter().rev().filter(wanted).take(SHOWN) {
        let _ = write!(
            messages,
            "<div class=\"message\"><div class=\"muted\"><a href=\"/inbox?phone={0}\">+{0}</a> · {1} WIB · {2}</div>{3}{4}</div>",
            escape(&message.phone),
            message.shown_at,
            source(message),
            escape(&message.text),
            buttons(message),
        );
    }
    if messages.is_empty() {
        messages.push_str("<p class=\"muted\">No messages yet. They appear here by themselves.</p>");
    }
    let (title, all) = match phone {
        Some(phone) => (format!("Messages to +{}", escape(phone)), "<p><a href=\"/inbox\">All messages</a></p>"),
        None => ("WhatsApp messages".to_owned(), ""),
    };
    let body = format!("<h1>{title}</h1>{all}<div class=\"card\">{messages}</div>");
    shell("WhatsApp inbox", Some(REFRESH_SECONDS), &body).into_response()
}

fn source(message: &Message) -> String {
    let template = message.template.as_deref().map(|name| format!(", template {}", escape(name))).unwrap_or_default();
    format!("{}{template}", message.provider.name())
}

/// What the customer, or the network, can do with it; nothing where the sender reports nothing.
fn buttons(message: &Message) -> String {
    if message.provider == Sender::Http {
        return String::new();
    }
    let button = |label: &str, event: &str, text: &str| {
        format!(
            "<form method=\"post\" action=\"/inbox/event\"><input type=\"hidden\" name=\"message\" value=\"{}\">\
             <input type=\"hidden\" name=\"text\" value=\"{text}\"><button name=\"event\" value=\"{event}\">{label}</button></form>",
            escape(&message.id)
        )
    };
    let all = [
        button("Read", "read", ""),
        button("Fail", "failed", ""),
        button("Reply BERHENTI", "reply", "BERHENTI"),
        button("Reply MULAI", "reply", "MULAI"),
    ];
    format!("<div class=\"small\">{}</div>", all.concat())
}
