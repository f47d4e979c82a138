//! The way to customers: a provider, and perhaps a second one for when the first takes nothing.

use std::collections::BTreeMap;

use partner_http::rows::{RowError, RowReader};

use crate::message::Message;
use crate::provider::{Pacing, Provider, ProviderName, RejectionClass, SendOutcome};
use crate::providers::{SECRET, provider};
use crate::setup::Endpoints;

/// The provider that takes messages, and the one that helps out.
#[derive(Debug)]
pub struct Channel {
    first: Box<dyn Provider>,
    second: Option<Box<dyn Provider>>,
}

/// A message that was handed over, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub by: ProviderName,
    /// Who was asked before, and why they did not take it.
    pub refused_by: Option<(ProviderName, RejectionClass)>,
    pub outcome: SendOutcome,
}

impl Channel {
    /// The channel that the rows describe: `provider` names who takes messages, `fallback` who helps out. `None` while
    /// `provider` is empty: nothing is configured yet.
    pub fn open(rows: &BTreeMap<String, String>, endpoints: Endpoints<'_>) -> Result<Option<Self>, RowError> {
        let rows = RowReader::new(SECRET, rows);
        let Some(first) = named(rows, "provider")? else { return Ok(None) };
        let second = named(rows, "fallback")?;
        if second == Some(first) {
            return Err(rows.error("fallback", "must be another provider, or empty"));
        }
        let second = second.map(|name| provider(name, rows, endpoints)).transpose()?;
        Ok(Some(Self { first: provider(first, rows, endpoints)?, second }))
    }

    /// Who takes messages, when all is well.
    #[must_use]
    pub fn name(&self) -> ProviderName {
        self.first.name()
    }

    #[must_use]
    pub fn pacing(&self) -> Pacing {
        self.first.pacing()
    }

    /// Hands the message over: to the first provider, and to the second one only if the first certainly did not take it
    /// and may do so later. What is said then is what the one said who was asked last. Not for what comes in crowds:
    /// nobody keeps the second one's pace.
    pub async fn send(&self, phone: &str, message: &Message) -> Sent {
        let outcome = self.first.send(phone, message).await;
        match (&self.second, &outcome) {
            (Some(second), SendOutcome::Rejected { class, .. }) if class.allows_another_provider() => {
                let refused_by = Some((self.first.name(), *class));
                Sent { by: second.name(), outcome: second.send(phone, message).await, refused_by }
            }
            _ => Sent { by: self.first.name(), outcome, refused_by: None },
        }
    }

    /// Hands a message that can wait over, to the first provider only.
    pub async fn send_by_the_first(&self, phone: &str, message: &Message) -> Sent {
        Sent { by: self.first.name(), outcome: self.first.send(phone, message).await, refused_by: None }
    }
}

fn named(rows: RowReader<'_>, row: &'static str) -> Result<Option<ProviderName>, RowError> {
    let Some(text) = rows.text(row) else { return Ok(None) };
    ProviderName::parse(text).map(Some).ok_or_else(|| rows.error(row, "must be meta, fonnte, waha or http"))
}
