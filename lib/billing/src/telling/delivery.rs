//! How far a message to a customer has come.

use serde::{Deserialize, Serialize};

/// How far a message has come. The order is the order of proof: later reports only ever move a message on.
///
/// Providers report more than once and in any order. A report that it failed counts unless the message is known to have
/// arrived; one that it arrived counts also after that (`statuses` of
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Written down, not handed over yet.
    Pending,
    /// Not sent, and not to be: the customer wants none, or it is not true any more.
    Skipped,
    /// Handed over without an answer: it may be under way or lost.
    Unknown,
    /// The provider took it.
    Accepted,
    /// WhatsApp has it.
    Sent,
    /// It did not and will not arrive.
    Failed,
    /// It is on the phone.
    Delivered,
    /// It was opened. Never comes for people who switched read receipts off.
    Read,
}

impl DeliveryStatus {
    /// All, from the first to the last.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Skipped,
        Self::Unknown,
        Self::Accepted,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::Read,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// The statuses that a report of this one replaces.
    pub fn replaces(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |before| *before < self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_stored_under_its_name() {
        for status in DeliveryStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!(DeliveryStatus::ALL.is_sorted());
    }

    #[test]
    fn proof_of_arrival_outweighs_a_failure_and_a_failure_outweighs_being_under_way() {
        let replaced = |status: DeliveryStatus| status.replaces().map(DeliveryStatus::as_str).collect::<Vec<_>>();
        assert_eq!(replaced(DeliveryStatus::Failed), ["pending", "skipped", "unknown", "accepted", "sent"]);
        assert_eq!(
            replaced(DeliveryStatus::Delivered),
            ["pending", "skipped", "unknown", "accepted", "sent", "failed"]
        );
        assert!(replaced(DeliveryStatus::Pending).is_empty());
    }
}
