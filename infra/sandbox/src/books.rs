//! What the gateways themselves hold: the truth that a test compares a shop's books with.

use serde::Serialize;

use crate::partner::Partner;
use crate::world::Partners;
use crate::{locked, midtrans, webhooks, xendit};

/// One order as its gateway's own books have it. Amounts are whole rupiah, in total.
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

/// A notification as a gateway made it, to be delivered by whoever took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Such as `/api/webhooks/midtrans`.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Every order of every gateway, the oldest of each first.
pub(crate) fn all(world: &Partners) -> Vec<OrderBooks> {
    let mut accounts = midtrans::accounts(&locked(&world.midtrans));
    accounts.extend(xendit::accounts(&mut locked(&world.xendit)));
    accounts
}

/// What was made since the last call.
pub(crate) fn take_made(world: &Partners) -> Vec<Made> {
    let made = world.sender.take_made().into_iter();
    made.map(|webhooks::Notification { partner, headers, body, .. }| Made {
        path: format!("/api/webhooks/{}", partner.name()),
        headers,
        body,
    })
    .collect()
}
