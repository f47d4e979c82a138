//! Who takes messages, and what the answer means.

use std::{fmt, ops::RangeInclusive, time::Duration};

use async_trait::async_trait;

use crate::message::Message;

/// Somebody who takes messages for WhatsApp.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// Who it is.
    fn name(&self) -> ProviderName;

    /// How fast it may be given messages. Keeping to it is the caller's part.
    fn pacing(&self) -> Pacing;

    /// Hands the message over, once. `phone` is digits beginning with the country, such as `6281234567890`.
    async fn send(&self, phone: &str, message: &Message) -> SendOutcome;
}

/// The providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderName {
    /// WhatsApp Business Cloud API, by Meta.
    Meta,
    /// Fonnte, a service that drives a linked phone.
    Fonnte,
    /// WAHA, a program at the provider's own premises that drives a linked phone.
    Waha,
    /// Any other with an HTTP API, described by rows of the secret.
    Http,
}

impl ProviderName {
    pub const ALL: [Self; 4] = [Self::Meta, Self::Fonnte, Self::Waha, Self::Http];

    /// As it stands in the secret, in addresses and in stored messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Fonnte => "fonnte",
            Self::Waha => "waha",
            Self::Http => "http",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider took it. Whether it arrives, a status tells later.
    Accepted {
        /// The provider's id of the message, if it gave one: statuses come under it.
        provider_id: Option<String>,
    },
    /// The provider certainly did not take it: nothing reached the customer.
    Rejected {
        class: RejectionClass,
        /// For the log: no phone number, code or text of the message.
        detail: String,
    },
    /// It may have been sent. Do not send it again, by no provider: the customer could get it twice. A status may tell
    /// later. The text is for the log.
    Unknown(String),
}

/// What to do about a message that was not taken, or of which a status says that it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionClass {
    /// This person cannot get it: not on WhatsApp, a number that does not exist, or Meta does not let this person have
    /// more of the kind. Give the message up. No alarm: anybody can type a wrong number.
    Recipient,
    /// The message cannot be sent as it is: its template is missing, paused or has another number of parameters, or the
    /// request is malformed. Give it up, and call a person: every other message of that template fails too.
    Message,
    /// Not now. Send it again, after that wait if one is given; to nobody else meanwhile if it is about the sender.
    Later {
        about: About,
        /// At least so long; `None` = not said.
        wait: Option<Duration>,
    },
    /// The provider takes nothing from us any more: key refused, account locked, phone unlinked, limit of the day
    /// reached. Keep all messages, call a person, and try again when that was mended.
    Stop,
}

/// Whom a wait is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Messages to this phone.
    Recipient,
    /// All messages.
    Sender,
}

impl RejectionClass {
    /// Not now, nobody says until when, for all messages.
    pub const LATER: Self = Self::Later { about: About::Sender, wait: None };

    /// Somebody has to mend the message or the sender. Not for a recipient: anybody can type a wrong number.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        matches!(self, Self::Message | Self::Stop)
    }

    /// May another provider be asked to take the message?
    #[must_use]
    pub const fn allows_another_provider(self) -> bool {
        matches!(self, Self::Later { about: About::Sender, .. } | Self::Stop)
    }
}

/// How fast messages may follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pacing {
    /// A linked phone: one message at a time, with a pause of random length between two, or WhatsApp takes the number
    /// for a robot and bans it.
    LinkedPhone { gap: RangeInclusive<Duration>, per_day: u32 },
    /// Meta counts different recipients in any 24 hours. One more message to the same person is free.
    DistinctRecipients { per_day: u32 },
    /// As fast as one likes.
    Unlimited,
}
