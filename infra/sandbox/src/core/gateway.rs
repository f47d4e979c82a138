//! Playing the customer and the bank: what the buttons of a payment page and `POST /simulate` do.

use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;

use super::delivery::MAX_REPLAY;
use super::partner::Partner;
use super::simulation::{Simulate, SimulateError, Simulated};
use super::state::Core;
use super::webhooks::Notification;

/// The truth that a test compares a shop's books with: one order as its gateway's own books have it. Amounts are whole rupiah, in total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderBooks {
    pub gateway: Partner,
    /// The merchant's order id (Midtrans) or external id (Xendit).
    pub order_id: String,
    /// What a script passes as `link`: the order id (Midtrans) or the invoice id (Xendit).
    pub link: String,
    pub asked: i64,
    /// What the payer handed over for the order, without a fee on top; zero after the gateway took the settlement back.
    pub received: i64,
    pub refunded: i64,
    /// The payer's bank took the money back. The amounts stay as they were.
    pub charged_back: bool,
}

/// A payment gateway.
pub(crate) trait Gateway: Deref<Target = Arc<Core>> + Send + Sync {
    fn partner(&self) -> Partner;

    /// The order id (Midtrans) or invoice id (Xendit) behind the last part of a link, and whether the link still works.
    fn find(&self, token: &str) -> Option<(String, bool)>;

    /// Plays an outcome, and says what the merchant is told of it.
    fn change(&self, id: &str, simulate: &Simulate) -> Result<(Simulated, Vec<Notification>), SimulateError>;

    /// What the gateway holds of every order, oldest first.
    fn accounts(&self) -> Vec<OrderBooks>;

    /// What the dashboard's test button sends.
    fn canned_notification(&self) -> Notification;

    fn find_link(&self, link: &str) -> Result<(String, bool), SimulateError> {
        let path = link.split(['?', '#']).next().unwrap_or_default();
        let token = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        self.find(token).ok_or(SimulateError::UnknownLink)
    }
}

/// Changes the gateway's state and notifies.
pub(crate) async fn play(gateway: &dyn Gateway, simulate: &Simulate) -> Result<Simulated, SimulateError> {
    let (id, living) = gateway.find_link(&simulate.link)?;
    if !living {
        return Err(SimulateError::Impossible("a newer page of the same order has replaced this one".to_owned()));
    }
    let (mut result, notifications) = gateway.change(&id, simulate)?;
    for notification in &notifications {
        gateway.webhooks.remember(notification);
    }
    if simulate.webhook {
        for notification in notifications {
            let sent = gateway.deliver(notification).await;
            result.webhook = result.webhook.or(sent);
        }
    }
    Ok(result)
}

/// Sends everything ever notified about a link `copies` times over.
pub(crate) async fn replay(
    gateway: &dyn Gateway,
    link: &str,
    copies: usize,
    shuffle: bool,
) -> Result<Vec<Option<u16>>, SimulateError> {
    let (id, _) = gateway.find_link(link)?;
    let made = gateway.webhooks.made_for(gateway.partner(), &id);
    if made.len().saturating_mul(copies) > MAX_REPLAY {
        return Err(SimulateError::Invalid(format!("a replay sends at most {MAX_REPLAY} notifications")));
    }
    if made.first().is_some_and(|first| gateway.addresses(first).is_empty()) {
        return Err(SimulateError::Impossible(
            "there is no address to notify; start the sandbox with --webhook-base".to_owned(),
        ));
    }
    Ok(gateway.replay(&made, copies, shuffle).await)
}
