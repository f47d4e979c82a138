//! The gateways' notifications: posted, and remembered.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use serde::Serialize;
use time::OffsetDateTime;

use super::clock::unix_millis;
use super::keeping::{keep, locked};
use super::partner::{Partner, PartnerRules};

/// Notifications remembered per link.
const MAX_PER_LINK: usize = 100;
/// Links whose notifications are remembered.
const MAX_LINKS: usize = 50_000;
const MAX_DELIVERIES: usize = 1_000;
/// Notifications that are kept for somebody who takes them.
const MAX_UNTAKEN: usize = 1_000;

/// A notification as a gateway made it, to be delivered by whoever took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Such as `/api/webhooks/midtrans`.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// What came of the first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// HTTP status of the answer; absent after a time-out or a failed connection.
    pub status: Option<u16>,
}

/// A notification as it was made, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    pub(crate) rules: &'static PartnerRules,
    /// Order id (Midtrans) or invoice id (Xendit).
    pub(crate) reference: String,
    /// Addresses that replace the configured one.
    pub(crate) instead: Vec<String>,
    pub(crate) also: Vec<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// One attempt to deliver a notification.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// When its answer came, milliseconds since 1970.
    pub at: i64,
    pub partner: Partner,
    /// Order id (Midtrans) or invoice id (Xendit).
    pub reference: String,
    /// 0 for the first attempt, then 1, 2 …
    pub retry: usize,
    /// HTTP status of the answer; absent after a time-out or a failed connection.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
struct History {
    made: HashMap<(Partner, String), VecDeque<Notification>>,
    order: VecDeque<(Partner, String)>,
    untaken: VecDeque<Notification>,
    deliveries: VecDeque<Delivery>,
}

#[derive(Debug)]
pub(crate) struct Webhooks {
    client: reqwest::Client,
    history: Mutex<History>,
    pub(crate) waiting: AtomicUsize,
}

impl Webhooks {
    pub(crate) fn new() -> anyhow::Result<Self> {
        // 307 and 308 keep method and body and are followed five times; the others would lose the body.
        let redirects = reqwest::redirect::Policy::custom(|attempt| {
            if matches!(attempt.status().as_u16(), 307 | 308) && attempt.previous().len() <= 5 {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let client = reqwest::Client::builder().redirect(redirects).no_proxy().build()?;
        Ok(Self { client, history: Mutex::default(), waiting: AtomicUsize::new(0) })
    }

    /// Remembers a notification for replays, whether it is sent or lost.
    pub(crate) fn remember(&self, notification: &Notification) {
        let key = (notification.rules.partner, notification.reference.clone());
        let mut history = locked(&self.history);
        if !history.made.contains_key(&key) {
            if history.order.len() >= MAX_LINKS
                && let Some(oldest) = history.order.pop_front()
            {
                history.made.remove(&oldest);
            }
            history.order.push_back(key.clone());
        }
        keep(history.made.entry(key).or_default(), notification.clone(), MAX_PER_LINK);
        keep(&mut history.untaken, notification.clone(), MAX_UNTAKEN);
    }

    /// What was made since the last call.
    pub(crate) fn take_made(&self) -> Vec<Made> {
        let untaken = std::mem::take(&mut locked(&self.history).untaken).into_iter();
        untaken
            .map(|Notification { rules, headers, body, .. }| Made {
                path: format!("/api/webhooks/{}", rules.partner.name()),
                headers,
                body,
            })
            .collect()
    }

    pub(crate) fn made_for(&self, partner: Partner, reference: &str) -> Vec<Notification> {
        let key = (partner, reference.to_owned());
        locked(&self.history).made.get(&key).cloned().unwrap_or_default().into()
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        locked(&self.history).deliveries.iter().cloned().collect()
    }

    /// Posts once; the status of the answer, or none after a time-out or a failed connection.
    pub(crate) async fn post(&self, url: &str, notification: &Notification) -> Option<u16> {
        let mut request = self
            .client
            .post(url)
            .timeout(notification.rules.patience)
            .header("content-type", "application/json")
            .body(notification.body.clone());
        for (name, value) in &notification.headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(response) => Some(response.status().as_u16()),
            Err(error) => {
                tracing::info!(url, %error, "notification not delivered");
                None
            }
        }
    }

    pub(crate) fn note(&self, at: OffsetDateTime, notification: &Notification, retry: usize, status: Option<u16>) {
        let (partner, reference) = (notification.rules.partner, notification.reference.clone());
        let delivery = Delivery { at: unix_millis(at), partner, reference, retry, status };
        keep(&mut locked(&self.history).deliveries, delivery, MAX_DELIVERIES);
    }
}
