//! What a script or a button asks of a gateway, and the answer.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::partner::Partner;
use super::rupiah;
use super::webhooks::Sent;

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
