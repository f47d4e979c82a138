//! The way to customers: a provider, and perhaps a second one for when the first takes nothing.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use crate::{
    Message, Pacing, Provider, ProviderError, ProviderName, RejectionClass, SendOutcome, fonnte::Fonnte,
    http_provider::HttpProvider, meta::Meta, provider::Rows, waha::Waha,
};

/// Pause between two messages of a linked phone, in seconds, unless the row `gapSeconds` says otherwise.
const GAP_SECONDS: RangeInclusive<u64> = 5..=15;
/// Messages of a linked phone a day, unless the row `messagesPerDay` says otherwise.
const MESSAGES_PER_DAY: u32 = 500;

/// Where providers are called.
#[derive(Debug, Clone, Copy, Default)]
pub struct Endpoints<'a> {
    /// Base address of the stand-in on this machine; Meta, Fonnte and WAHA are then called under it.
    pub stand_in: Option<&'a str>,
    /// Addresses that were typed into the secret may be plain http to this machine.
    pub loopback_http: bool,
}

/// The provider that takes messages, and the one that helps out.
#[derive(Debug)]
pub struct Channel {
    first: Box<dyn Provider>,
    second: Option<Box<dyn Provider>>,
}

/// A message that was handed over, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Who said so.
    pub by: ProviderName,
    /// Who was asked before, and why they did not take it.
    pub refused_by: Option<(ProviderName, RejectionClass)>,
    /// What became of it.
    pub outcome: SendOutcome,
}

impl Channel {
    /// The channel that the rows describe: `provider` names who takes messages, `fallback` who helps out. `None` while
    /// `provider` is empty: nothing is configured yet.
    pub fn open(rows: &BTreeMap<String, String>, endpoints: Endpoints<'_>) -> Result<Option<Self>, ProviderError> {
        let rows = Rows(rows);
        let Some(first) = named(rows, "provider")? else { return Ok(None) };
        let second = named(rows, "fallback")?;
        if second == Some(first) {
            return Err(ProviderError { row: "fallback", problem: "must be another provider, or empty" });
        }
        let second = second.map(|name| provider(name, rows, endpoints)).transpose()?;
        Ok(Some(Self { first: provider(first, rows, endpoints)?, second }))
    }

    /// Who takes messages, when all is well.
    #[must_use]
    pub fn name(&self) -> ProviderName {
        self.first.name()
    }

    /// How fast messages may be handed over.
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

fn named(rows: Rows<'_>, row: &'static str) -> Result<Option<ProviderName>, ProviderError> {
    let unknown = ProviderError { row, problem: "must be meta, fonnte, waha or http" };
    rows.get(row).map(|text| ProviderName::parse(text).ok_or(unknown)).transpose()
}

fn provider(name: ProviderName, rows: Rows<'_>, endpoints: Endpoints<'_>) -> Result<Box<dyn Provider>, ProviderError> {
    Ok(match name {
        ProviderName::Meta => Box::new(Meta::read(rows, endpoints)?),
        ProviderName::Fonnte => Box::new(Fonnte::read(rows, endpoints)?),
        ProviderName::Waha => Box::new(Waha::read(rows, endpoints)?),
        ProviderName::Http => Box::new(HttpProvider::read(rows, endpoints)?),
    })
}

/// Pacing of a linked phone, by the rows `gapSeconds` (`5-15`) and `messagesPerDay`.
pub(crate) fn linked_phone(rows: Rows<'_>) -> Result<Pacing, ProviderError> {
    let gap = match rows.get("gapSeconds") {
        None => GAP_SECONDS,
        Some(text) => gap(text).ok_or(ProviderError {
            row: "gapSeconds",
            problem: "type two numbers of seconds up to 600, such as 5-15",
        })?,
    };
    let per_day = number(rows, "messagesPerDay")?.unwrap_or(MESSAGES_PER_DAY);
    Ok(Pacing::LinkedPhone { gap: Duration::from_secs(*gap.start())..=Duration::from_secs(*gap.end()), per_day })
}

/// A number from 1 on in a row, if there is one.
pub(crate) fn number(rows: Rows<'_>, row: &'static str) -> Result<Option<u32>, ProviderError> {
    let parse = |text: &str| {
        text.parse().ok().filter(|number| *number > 0).ok_or(ProviderError { row, problem: "type a number from 1 on" })
    };
    rows.get(row).map(parse).transpose()
}

fn gap(text: &str) -> Option<RangeInclusive<u64>> {
    let (shortest, longest) = text.split_once('-')?;
    let (shortest, longest) = (shortest.trim().parse().ok()?, longest.trim().parse().ok()?);
    (shortest <= longest && longest <= 600).then_some(shortest..=longest)
}
