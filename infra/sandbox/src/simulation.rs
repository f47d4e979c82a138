//! Playing the customer and the bank: what the buttons of a payment page and `POST /simulate` do.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::partner::Partner;
use crate::webhooks::{self, Notification, Sent};
use crate::world::Shared;
use crate::{locked, midtrans, rupiah, xendit};

/// What becomes of a payment link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The customer paid.
    Paid,
    /// The customer chose a method and has not paid.
    Pending,
    /// An attempt to pay failed.
    Denied,
    /// The payment code ran out. A method is chosen first where none was.
    Expired,
    /// A card payment is held for review (Midtrans).
    Challenged,
    /// The merchant gave the money back, or `amount` of it (Midtrans).
    Refunded,
    /// A settled payment was denied after all (Midtrans).
    Reversed,
    /// The page closed before a method was chosen: Midtrans notifies nobody.
    PageExpired,
    /// The payer's bank took the money back (Midtrans).
    Chargeback,
    /// The money has reached the merchant: Xendit's `SETTLED`, or the settlement of a captured card.
    Settled,
}

/// The body of `POST /simulate`.
#[derive(Clone, Debug, Deserialize)]
pub struct Simulate {
    /// The payment link, or its token, Xendit id or Midtrans order id.
    pub link: String,
    pub outcome: Outcome,
    /// Rupiah paid (with `paid`) or given back (with `refunded`), where it differs from what was asked.
    #[serde(default, deserialize_with = "whole_rupiah")]
    pub amount: Option<i64>,
    /// A fee that the payer bears on top (with `paid` at Midtrans): `gross_amount` becomes amount plus fee.
    #[serde(default, deserialize_with = "whole_rupiah")]
    pub fee: Option<i64>,
    /// Method to pay with, as in `enabled_payments` (Midtrans) or `payment_methods` (Xendit).
    #[serde(default)]
    pub channel: Option<String>,
    /// `false`: the gateway knows, but its notification is lost. A replay still finds it.
    #[serde(default = "yes")]
    pub webhook: bool,
}

fn yes() -> bool {
    true
}

fn whole_rupiah<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => rupiah::whole(&value)
            .filter(|rupiah| *rupiah > 0)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("amounts are whole positive rupiah")),
    }
}

impl Simulate {
    /// `outcome` for `link`, with its notification.
    #[must_use]
    pub fn new(link: impl Into<String>, outcome: Outcome) -> Self {
        Self { link: link.into(), outcome, amount: None, fee: None, channel: None, webhook: true }
    }
}

/// The answer of `POST /simulate`, given after the first attempt to notify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    pub gateway: Partner,
    /// The gateway's word for the state now: `settlement`, `PAID` …
    pub state: String,
    /// The merchant's order id (Midtrans) or external id (Xendit).
    pub order_id: String,
    /// The gateway's transaction or invoice id; none before a method was chosen.
    pub transaction_id: Option<String>,
    /// How the first attempt to notify went; none if there was nothing to send, nowhere to send it, or it was lost.
    pub webhook: Option<Sent>,
}

/// Why nothing was simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimulateError {
    /// No such link.
    UnknownLink,
    /// The outcome cannot follow the present state; the text says why.
    Impossible(String),
    /// The request makes no sense; the text says why.
    Invalid(String),
}

impl std::fmt::Display for SimulateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownLink => f.write_str("no transaction has this link; links live as long as the sandbox"),
            Self::Impossible(why) | Self::Invalid(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SimulateError {}

/// A change that a gateway made, and what it will tell about it.
pub(crate) struct Change {
    pub(crate) result: Simulated,
    pub(crate) notifications: Vec<Notification>,
}

/// Changes the gateway's state and notifies.
pub(crate) async fn run(world: &Shared, simulate: &Simulate) -> Result<Simulated, SimulateError> {
    let (gateway, reference, living) = find(world, &simulate.link)?;
    if !living {
        return Err(SimulateError::Impossible("a newer page of the same order has replaced this one".to_owned()));
    }
    let change = match gateway {
        Partner::Midtrans => midtrans::simulate(world, &reference, simulate)?,
        _ => xendit::simulate(world, &reference, simulate)?,
    };
    for notification in &change.notifications {
        world.sender.remember(notification);
    }
    let mut result = change.result;
    if simulate.webhook {
        for notification in change.notifications {
            let sent = webhooks::deliver(world, notification).await;
            result.webhook = result.webhook.or(sent);
        }
    }
    Ok(result)
}

/// Sends everything ever notified about a link `copies` times over.
pub(crate) async fn replay(
    world: &Shared,
    link: &str,
    copies: usize,
    shuffle: bool,
) -> Result<Vec<Option<u16>>, SimulateError> {
    let (gateway, reference, _) = find(world, link)?;
    let made = world.sender.made_for(gateway, &reference);
    if made.len().saturating_mul(copies) > webhooks::MAX_REPLAY {
        return Err(SimulateError::Invalid(format!("a replay sends at most {} notifications", webhooks::MAX_REPLAY)));
    }
    if let Some(first) = made.first()
        && world.addresses(first).is_empty()
    {
        return Err(SimulateError::Impossible(
            "there is no address to notify; start the sandbox with --webhook-base".to_owned(),
        ));
    }
    Ok(webhooks::replay(&Arc::clone(world), made, copies, shuffle).await)
}

/// Whose link it is, the order id (Midtrans) or invoice id (Xendit) behind it, and whether it still works.
fn find(world: &Shared, link: &str) -> Result<(Partner, String, bool), SimulateError> {
    let path = link.split(['?', '#']).next().unwrap_or_default();
    let token = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if let Some((order_id, living)) = locked(&world.midtrans).order_of_link(token) {
        return Ok((Partner::Midtrans, order_id, living));
    }
    if let Some(id) = locked(&world.xendit).id_of_link(token) {
        return Ok((Partner::Xendit, id, true));
    }
    Err(SimulateError::UnknownLink)
}
