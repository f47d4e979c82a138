//! What the rules know of payment gateways: their names, and what a gateway reports about an order.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::money::Rupiah;

/// A payment gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayName {
    /// Midtrans: Snap for the link, Core API for the status.
    Midtrans,
    /// Xendit: Invoice API.
    Xendit,
}

impl GatewayName {
    /// Every gateway, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Midtrans, Self::Xendit];

    /// The name in URLs, keys and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Midtrans => "midtrans",
            Self::Xendit => "xendit",
        }
    }

    /// The gateway of that name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gateway| gateway.as_str() == name)
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of a gateway's two worlds an order lives in. They share nothing: an order of one is unknown in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Play money.
    Sandbox,
    /// Real money.
    Production,
}

/// What a gateway says about one order, asked directly (GET status). Only this is ever booked; a webhook is a hint to
/// ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub state: ReportedState,
    /// Every transaction that the gateway knows under the order: usually none or one.
    pub transactions: Vec<Transaction>,
}

impl Report {
    /// Two reports about one order as one: all their transactions, and the state that weighs more.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let known: Vec<String> = self.transactions.iter().map(|transaction| transaction.id.clone()).collect();
        self.transactions.extend(other.transactions.into_iter().filter(|transaction| !known.contains(&transaction.id)));
        let state = if other.state.weight() > self.state.weight() { other.state } else { self.state };
        Self { state, transactions: self.transactions }
    }
}

/// Where an order stands at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportedState {
    /// The gateway knows no transaction yet: the customer has not chosen a method (or the order never arrived there).
    Unknown,
    /// Waiting for the customer, or an attempt failed that the customer may repeat.
    Pending,
    /// Money was received; the transactions say how much of it is still there.
    Paid,
    /// Can no longer be paid.
    Expired,
    /// Cancelled by us or by the provider.
    Cancelled,
    /// A payment is held until somebody at the gateway or the provider decides about it, such as a challenged card. Says
    /// what is to be done. Stays pending; raises an alarm.
    InReview(String),
    /// Something that needs a person: an unknown status word, another currency. Stays pending; raises an alarm.
    Unclear(String),
}

impl ReportedState {
    /// Why a person has to look.
    #[must_use]
    pub fn needs_a_person(&self) -> Option<&str> {
        match self {
            Self::InReview(why) | Self::Unclear(why) => Some(why),
            Self::Unknown | Self::Pending | Self::Paid | Self::Expired | Self::Cancelled => None,
        }
    }

    /// Among several attempts at one order, which one speaks for the order: one that is held for review, then one that
    /// needs a person, then paid, then payable.
    #[must_use]
    pub const fn weight(&self) -> u8 {
        match self {
            Self::InReview(_) => 6,
            Self::Unclear(_) => 5,
            Self::Paid => 4,
            Self::Pending => 3,
            Self::Cancelled => 2,
            Self::Expired => 1,
            Self::Unknown => 0,
        }
    }
}

/// One transaction as the gateway reports it now. Amounts are totals, not differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub id: String,
    /// Received in total; zero while pending and after the gateway took a settlement back (deny, cancel).
    /// Without a fee that the gateway added for the payer.
    pub received: Rupiah,
    /// Refunded in total (cumulative).
    pub refunded: Rupiah,
    /// Charged back in total (cumulative).
    pub charged_back: Rupiah,
    /// The gateway says in so many words that money it had reported is gone again (Midtrans: `deny`, `cancel`). Only
    /// then is less `received` than booked a reversal: an answer that was on its way while the payment settled says
    /// `pending`, and must not undo it.
    pub taken_back: bool,
    /// When the customer paid; `None` before that.
    pub paid_at: Option<OffsetDateTime>,
    /// Channel, such as `bank_transfer/bca` or `qris`.
    pub method: Option<String>,
    /// The gateway's word for its status, for the timeline.
    pub status: String,
}
