//! Sends the gateways' notifications, and repeats them by each gateway's own rules.
//!
//! Rules: Midtrans <https://docs.midtrans.com/docs/https-notification-webhooks>,
//! Xendit <https://docs.xendit.co/apidocs/webhook-behavior>.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::clock::unix_millis;
use crate::partner::Partner;
use crate::world::Partners;
use crate::{locked, random};

/// Notifications remembered per link.
const MAX_PER_LINK: usize = 100;
/// Links whose notifications are remembered.
const MAX_LINKS: usize = 50_000;
/// Delivery attempts remembered.
const MAX_DELIVERIES: usize = 1_000;
/// Notifications that are kept for somebody who takes them.
const MAX_UNTAKEN: usize = 1_000;
/// Repetitions that may wait at a time; more are dropped, like a notification lost for good.
const MAX_WAITING: usize = 10_000;
/// Posts at the same time in a replay.
const REPLAY_CONCURRENCY: usize = 16;
/// Posts of one replay.
pub(crate) const MAX_REPLAY: usize = 10_000;

/// A notification as it was made, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    pub(crate) partner: Partner,
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
    made: HashMap<(Partner, String), Vec<Notification>>,
    order: VecDeque<(Partner, String)>,
    untaken: VecDeque<Notification>,
    deliveries: VecDeque<Delivery>,
}

/// Sends and remembers notifications.
#[derive(Debug)]
pub(crate) struct Sender {
    client: reqwest::Client,
    history: Mutex<History>,
    waiting: AtomicUsize,
}

impl Sender {
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
        let key = (notification.partner, notification.reference.clone());
        let mut history = locked(&self.history);
        if !history.made.contains_key(&key) {
            if history.order.len() >= MAX_LINKS
                && let Some(oldest) = history.order.pop_front()
            {
                history.made.remove(&oldest);
            }
            history.order.push_back(key.clone());
        }
        let made = history.made.entry(key).or_default();
        if made.len() >= MAX_PER_LINK {
            made.remove(0);
        }
        made.push(notification.clone());
        if history.untaken.len() >= MAX_UNTAKEN {
            history.untaken.pop_front();
        }
        history.untaken.push_back(notification.clone());
    }

    pub(crate) fn take_made(&self) -> VecDeque<Notification> {
        std::mem::take(&mut locked(&self.history).untaken)
    }

    pub(crate) fn made_for(&self, partner: Partner, reference: &str) -> Vec<Notification> {
        let key = (partner, reference.to_owned());
        locked(&self.history).made.get(&key).cloned().unwrap_or_default()
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        locked(&self.history).deliveries.iter().cloned().collect()
    }

    /// Posts once; the status of the answer, or none after a time-out or a failed connection.
    async fn post(&self, url: &str, notification: &Notification) -> Option<u16> {
        let mut request = self
            .client
            .post(url)
            .timeout(patience(notification.partner))
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

    async fn attempt(&self, world: &Partners, url: &str, notification: &Notification, retry: usize) -> Option<u16> {
        let status = self.post(url, notification).await;
        let delivery = Delivery {
            at: unix_millis(world.clock.now()),
            partner: notification.partner,
            reference: notification.reference.clone(),
            retry,
            status,
        };
        let mut history = locked(&self.history);
        if history.deliveries.len() >= MAX_DELIVERIES {
            history.deliveries.pop_front();
        }
        history.deliveries.push_back(delivery);
        status
    }
}

/// What came of the first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// HTTP status of the answer; absent after a time-out or a failed connection.
    pub status: Option<u16>,
}

/// Makes the first attempt now; further ones follow in the background. None if there is no address to send to.
pub(crate) async fn deliver(world: &Arc<Partners>, notification: Notification) -> Option<Sent> {
    let mut first = None;
    for url in world.addresses(&notification) {
        let status = world.sender.attempt(world, &url, &notification, 0).await;
        first.get_or_insert(Sent { status });
        if next_wait(notification.partner, 0, status).is_some() {
            repeat_later(Arc::clone(world), url, notification.clone(), status);
        }
    }
    first
}

/// Like [`deliver`], for changes that nobody waits for.
pub(crate) fn deliver_in_background(world: &Arc<Partners>, notifications: Vec<Notification>) {
    for notification in &notifications {
        world.sender.remember(notification);
    }
    let world = Arc::clone(world);
    tokio::spawn(async move {
        for notification in notifications {
            deliver(&world, notification).await;
        }
    });
}

fn repeat_later(world: Arc<Partners>, url: String, notification: Notification, first: Option<u16>) {
    if world.sender.waiting.fetch_add(1, Ordering::SeqCst) >= MAX_WAITING {
        world.sender.waiting.fetch_sub(1, Ordering::SeqCst);
        tracing::warn!(reference = notification.reference, "too many notifications wait: this one is not repeated");
        return;
    }
    let stopped = world.stopped();
    tokio::spawn(async move {
        let repeating = async {
            let mut status = first;
            let mut retries = 0;
            while let Some(wait) = next_wait(notification.partner, retries, status) {
                tokio::time::sleep(world.sped_up(wait)).await;
                retries = retries.saturating_add(1);
                status = world.sender.attempt(&world, &url, &notification, retries).await;
            }
        };
        tokio::select! {
            () = repeating => {}
            () = stopped => {}
        }
        world.sender.waiting.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Sends every one of `notifications` `copies` times over; the statuses of the answers.
pub(crate) async fn replay(
    world: &Arc<Partners>,
    notifications: Vec<Notification>,
    copies: usize,
    shuffle: bool,
) -> Vec<Option<u16>> {
    let mut posts: Vec<Notification> = Vec::new();
    for _ in 0..copies {
        posts.extend(notifications.iter().cloned());
    }
    posts.truncate(MAX_REPLAY);
    if shuffle {
        random::shuffle(&mut posts);
    }
    let slots = Arc::new(Semaphore::new(REPLAY_CONCURRENCY));
    let mut tasks = JoinSet::new();
    for notification in posts {
        let (world, slots) = (Arc::clone(world), Arc::clone(&slots));
        tasks.spawn(async move {
            let _slot = slots.acquire_owned().await.ok()?;
            let url = world.addresses(&notification).into_iter().next()?;
            world.sender.attempt(&world, &url, &notification, 0).await
        });
    }
    tasks.join_all().await
}

/// How long the gateway waits for an answer.
fn patience(partner: Partner) -> Duration {
    Duration::from_secs(if partner == Partner::Midtrans { 15 } else { 30 })
}

/// The wait before the next attempt, after `retries` repetitions of which the last was answered with `status`.
fn next_wait(partner: Partner, retries: usize, status: Option<u16>) -> Option<Duration> {
    let minutes: &[u64] = match partner {
        Partner::Midtrans => {
            let waits: &[u64] = &[2, 10, 30, 90, 210];
            waits.get(..midtrans_retries(status)).unwrap_or(waits)
        }
        Partner::Xendit if !status.is_some_and(is_success) => &[15, 45, 120, 180, 360, 720],
        // Meta goes on for days; the others less. Nobody has to wait for that here.
        Partner::Whatsapp if !status.is_some_and(is_success) => &[1, 5, 15, 60],
        Partner::Xendit | Partner::Whatsapp | Partner::Genieacs | Partner::Network => &[],
    };
    minutes.get(retries).map(|minutes| Duration::from_secs(minutes.saturating_mul(60)))
}

fn midtrans_retries(status: Option<u16>) -> usize {
    match status {
        Some(200..=299 | 301..=303) => 0,
        Some(500) => 1,
        Some(400 | 404) => 2,
        Some(503) => 4,
        _ => 5,
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes waited by a gateway that always gets the same answer.
    fn waits(partner: Partner, status: Option<u16>) -> Vec<u64> {
        (0..20).map_while(|retries| next_wait(partner, retries, status)).map(|wait| wait.as_secs() / 60).collect()
    }

    #[test]
    fn midtrans_repeats_as_often_as_the_answer_tells() {
        for status in [200, 202, 204, 301, 302, 303] {
            assert_eq!(waits(Partner::Midtrans, Some(status)), [0_u64; 0]);
        }
        assert_eq!(waits(Partner::Midtrans, Some(500)), [2]);
        assert_eq!(waits(Partner::Midtrans, Some(400)), [2, 10]);
        assert_eq!(waits(Partner::Midtrans, Some(404)), [2, 10]);
        assert_eq!(waits(Partner::Midtrans, Some(503)), [2, 10, 30, 90]);
        for status in [Some(401), Some(403), Some(422), Some(502), None] {
            assert_eq!(waits(Partner::Midtrans, status), [2, 10, 30, 90, 210]);
        }
    }

    #[test]
    fn xendit_repeats_six_times_within_a_day() {
        assert_eq!(waits(Partner::Xendit, Some(200)), [0_u64; 0]);
        for status in [Some(302), Some(401), Some(500), Some(503), None] {
            assert_eq!(waits(Partner::Xendit, status), [15, 45, 120, 180, 360, 720]);
        }
    }
}
