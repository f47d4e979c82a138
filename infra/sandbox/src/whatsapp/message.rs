//! Messages, who took them, and the inbox in which they arrive.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::template::Templates;
use crate::core::{Core, PartnerState, keep, midtrans_time, random, unix_millis};

const MAX_MESSAGES: usize = 10_000;
/// Longest text that WhatsApp takes.
pub(crate) const MAX_TEXT: usize = 4_096;

/// Who took a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// Cloud API.
    Meta,
    /// A service that drives a linked phone.
    Fonnte,
    /// A program that drives a linked phone.
    Waha,
    /// Any other, without webhooks.
    Http,
}

impl Sender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Fonnte => "fonnte",
            Self::Waha => "waha",
            Self::Http => "http",
        }
    }
}

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub text: String,
    /// When it was sent, milliseconds since 1970.
    pub sent_at: i64,
    pub provider: Sender,
    pub id: String,
    /// The template that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(skip)]
    pub(crate) callback: Option<String>,
    #[serde(skip)]
    pub(crate) phone: String,
    #[serde(skip)]
    pub(crate) shown_at: String,
}

impl Message {
    pub(crate) fn new(core: &Core, provider: Sender, phone: &str, text: String) -> Self {
        let now = core.clock.now();
        let id = match provider {
            Sender::Meta => format!("wamid.{}", random::object_id()),
            Sender::Waha => random::object_id().to_uppercase(),
            Sender::Fonnte | Sender::Http => random::digits(12),
        };
        Self {
            text,
            sent_at: unix_millis(now),
            provider,
            id,
            template: None,
            callback: None,
            phone: phone.to_owned(),
            shown_at: midtrans_time(now),
        }
    }
}

/// `62` and the number without its leading zero.
pub(crate) fn is_phone(text: &str) -> bool {
    (9..=15).contains(&text.len()) && text.starts_with("62") && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) type Whatsapp = PartnerState<Account>;

#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Oldest first.
    pub(crate) inbox: VecDeque<Message>,
    pub(crate) templates: Templates,
}

impl Account {
    pub(crate) fn add(&mut self, message: Message) {
        keep(&mut self.inbox, message, MAX_MESSAGES);
    }

    pub(crate) fn of(&self, phone: &str) -> Vec<Message> {
        self.inbox.iter().filter(|message| message.phone == phone).cloned().collect()
    }

    /// The message of that id, or the newest one to that phone.
    pub(crate) fn find(&self, id: Option<&str>, phone: Option<&str>) -> Option<Message> {
        let is_it = |message: &&Message| match id {
            Some(id) => message.id == id,
            None => phone.is_some_and(|phone| message.phone == phone),
        };
        self.inbox.iter().rev().find(is_it).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_indonesian_and_international() {
        assert!(is_phone("628120000001"));
        for wrong in ["08120000001", "62abc0000001", "62", "6281200000012345"] {
            assert!(!is_phone(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_inbox_is_bounded() {
        let mut account = Account::default();
        for index in 0..=MAX_MESSAGES {
            account.add(Message {
                text: index.to_string(),
                sent_at: 0,
                provider: Sender::Http,
                id: index.to_string(),
                template: None,
                callback: None,
                phone: "628120000001".to_owned(),
                shown_at: String::new(),
            });
        }
        let messages = account.of("628120000001");
        assert_eq!(messages.len(), MAX_MESSAGES);
        assert_eq!(messages[0].text, "1");
    }
}
