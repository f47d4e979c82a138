//! Sends the gateways' notifications, and repeats them by each gateway's own rules.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::random;
use super::state::Core;
use super::webhooks::{Notification, Sent};

/// Repetitions that may wait at a time; more are dropped, like a notification lost for good.
const MAX_WAITING: usize = 10_000;
/// Posts at the same time in a replay.
const REPLAY_CONCURRENCY: usize = 16;
/// Posts of one replay.
pub(crate) const MAX_REPLAY: usize = 10_000;

impl Core {
    /// Makes the first attempt now; further ones follow in the background. None if there is no address to send to.
    pub(crate) async fn deliver(self: &Arc<Self>, notification: Notification) -> Option<Sent> {
        let mut first = None;
        for url in self.addresses(&notification) {
            let status = self.attempt(&url, &notification, 0).await;
            first.get_or_insert(Sent { status });
            if next_wait(&notification, 0, status).is_some() {
                self.repeat_later(url, notification.clone(), status);
            }
        }
        first
    }

    /// Like [`Core::deliver`], for changes that nobody waits for.
    pub(crate) fn deliver_in_background(self: &Arc<Self>, notifications: Vec<Notification>) {
        for notification in &notifications {
            self.webhooks.remember(notification);
        }
        let core = Arc::clone(self);
        tokio::spawn(async move {
            for notification in notifications {
                core.deliver(notification).await;
            }
        });
    }

    async fn attempt(&self, url: &str, notification: &Notification, retry: usize) -> Option<u16> {
        let status = self.webhooks.post(url, notification).await;
        self.webhooks.note(self.clock.now(), notification, retry, status);
        status
    }

    fn repeat_later(self: &Arc<Self>, url: String, notification: Notification, first: Option<u16>) {
        if self.webhooks.waiting.fetch_add(1, Ordering::SeqCst) >= MAX_WAITING {
            self.webhooks.waiting.fetch_sub(1, Ordering::SeqCst);
            tracing::warn!(reference = notification.reference, "too many notifications wait: this one is not repeated");
            return;
        }
        let core = Arc::clone(self);
        let stopped = core.stopped();
        tokio::spawn(async move {
            let repeating = async {
                let mut status = first;
                let mut retries = 0;
                while let Some(wait) = next_wait(&notification, retries, status) {
                    tokio::time::sleep(core.sped_up(wait)).await;
                    retries = retries.saturating_add(1);
                    status = core.attempt(&url, &notification, retries).await;
                }
            };
            tokio::select! {
                () = repeating => {}
                () = stopped => {}
            }
            core.webhooks.waiting.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Sends every one of `notifications` `copies` times over; the statuses of the answers.
    pub(crate) async fn replay(
        self: &Arc<Self>,
        notifications: &[Notification],
        copies: usize,
        shuffle: bool,
    ) -> Vec<Option<u16>> {
        let mut posts: Vec<Notification> = Vec::new();
        for _ in 0..copies {
            posts.extend_from_slice(notifications);
        }
        posts.truncate(MAX_REPLAY);
        if shuffle {
            random::shuffle(&mut posts);
        }
        let slots = Arc::new(Semaphore::new(REPLAY_CONCURRENCY));
        let mut tasks = JoinSet::new();
        for notification in posts {
            let (core, slots) = (Arc::clone(self), Arc::clone(&slots));
            tasks.spawn(async move {
                let _slot = slots.acquire_owned().await.ok()?;
                let url = core.addresses(&notification).into_iter().next()?;
                core.attempt(&url, &notification, 0).await
            });
        }
        tasks.join_all().await
    }
}

/// The wait before the next attempt, after `retries` repetitions of which the last was answered with `status`.
fn next_wait(notification: &Notification, retries: usize, status: Option<u16>) -> Option<Duration> {
    let minutes = (notification.rules.retry_minutes)(status).get(retries)?;
    Some(Duration::from_mins(*minutes))
}
