//! Messages to customers as they are written down, and whose turn it is to send one. What providers report is in
//! `message.rs`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use billing::access::login::LoginState;
use billing::access::phone::Phone;
use billing::id::MessageId;
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use billing::telling::event::Event;
use billing::telling::notice::{Class, IndexPlace, Notice};
use billing::telling::sender::Sender;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::error::StoreError;
use super::item::{
    Item, Versioned, WakeKind, check_version, from_item, put_over, put_version, set_ttl, set_wake, to_item,
};
use super::keys::{self, Key};
use super::table::Store;

/// Longer than any queue or admin can bring an event back.
const KEPT: Duration = Duration::days(400);
/// A recipient counts for so long.
const COUNTED_FOR: Duration = Duration::days(1);

/// What is known when a message is about to be sent, read at once.
#[derive(Debug, Default)]
pub struct NoticeContext {
    /// The message, if it was written down.
    pub notice: Option<Notice>,
    pub sender: Sender,
    pub profile: Option<Profile>,
    pub invoice: Option<Invoice>,
    pub login: Option<LoginState>,
}

/// What is known of a phone that a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// Wants no messages.
    pub opted_out: bool,
    /// Was counted in the last 24 hours.
    pub counted: bool,
}

#[derive(Serialize, Deserialize)]
struct Counted {
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

#[derive(Deserialize)]
struct OptOut {
    opted_out: bool,
}

impl Store {
    /// One read: the message, the sender, and what the event is about.
    pub async fn notice_context(&self, id: &MessageId, event: &Event) -> Result<NoticeContext, StoreError> {
        let (notice, sender) = (keys::message(id), keys::sender());
        let about =
            event.about().map(|(customer, invoice)| (keys::profile(&customer), keys::invoice(&customer, &invoice)));
        let login =
            if let Event::LoginCodeRequested { login_id, .. } = event { Some(keys::login(login_id)) } else { None };
        let more = about.iter().flat_map(|(profile, invoice)| [profile, invoice]).chain(&login);
        let wanted: Vec<Key> = [&notice, &sender].into_iter().chain(more).cloned().collect();
        let mut found = self.get_all(&wanted).await?;
        let (profile, invoice) =
            about.map_or((None, None), |(profile, invoice)| (found.remove(&profile), found.remove(&invoice)));
        Ok(NoticeContext {
            notice: found.remove(&notice).map(from_item).transpose()?,
            sender: found.remove(&sender).map(from_item).transpose()?.unwrap_or_default(),
            profile: profile.map(from_item).transpose()?,
            invoice: invoice.map(from_item).transpose()?,
            login: login.and_then(|key| found.remove(&key)).map(from_item).transpose()?,
        })
    }

    /// One read: what is known of a phone.
    pub async fn recipient(&self, phone: &Phone, now: OffsetDateTime) -> Result<Recipient, StoreError> {
        let (opt_out, counted) = (keys::opt_out(phone), keys::recipient(phone));
        let mut found = self.get_all(&[opt_out.clone(), counted.clone()]).await?;
        let opt_out: Option<OptOut> = found.remove(&opt_out).map(from_item).transpose()?;
        let counted: Option<Counted> = found.remove(&counted).map(from_item).transpose()?;
        Ok(Recipient {
            opted_out: opt_out.is_some_and(|one| one.opted_out),
            counted: counted.is_some_and(|counted| now < counted.until),
        })
    }

    /// A message, as it stands.
    pub async fn notice(&self, id: &MessageId) -> Result<Option<Notice>, StoreError> {
        self.get(&keys::message(id)).await
    }

    /// Writes a message down, over the version it was read in; a new one only if there is none.
    pub async fn put_notice(&self, notice: &Notice) -> Result<(), StoreError> {
        self.transact(vec![self.notice_item(notice)?]).await
    }

    /// The message is about to be handed over: it, the turn, and the recipient who counts from now on. Stale also if the
    /// customer or the invoice that `read` holds moved on: one read of several items is no snapshot, and what a message
    /// says must have been true at one time.
    pub async fn claim_notice(
        &self,
        notice: Notice,
        read: &NoticeContext,
        sender: Option<Sender>,
        counted: Option<&Phone>,
        now: OffsetDateTime,
    ) -> Result<(Notice, Option<Sender>), StoreError> {
        let mut items = vec![self.notice_item(&notice)?];
        if let Some(profile) = &read.profile {
            items.push(check_version(&self.table, &keys::profile(&profile.id), profile.version)?);
        }
        if let Some(invoice) = &read.invoice {
            items.push(check_version(&self.table, &keys::invoice(&invoice.customer_id, &invoice.id), invoice.version)?);
        }
        if let Some(sender) = &sender {
            items.push(self.sender_item(sender)?);
        }
        if let Some(phone) = counted {
            let until = now.saturating_add(COUNTED_FOR);
            let mut item = to_item(&keys::recipient(phone), &Counted { until })?;
            set_ttl(&mut item, until);
            items.push(put_over(&self.table, item)?);
        }
        self.transact(items).await?;
        Ok((notice.stored(), sender.map(Versioned::stored)))
    }

    /// Whose turn it is.
    pub async fn sender(&self) -> Result<Sender, StoreError> {
        Ok(self.get(&keys::sender()).await?.unwrap_or_default())
    }

    /// Writes down whose turn it is, over the version it was read in.
    pub async fn put_sender(&self, sender: &Sender) -> Result<(), StoreError> {
        self.transact(vec![self.sender_item(sender)?]).await
    }

    /// What is known of a phone's logins, and of who sends the codes. One read.
    pub async fn login_state_and_sender(&self, login_id: &str) -> Result<(Option<LoginState>, Sender), StoreError> {
        let (login, sender) = (keys::login(login_id), keys::sender());
        let mut found: HashMap<Key, Item> = self.get_all(&[login.clone(), sender.clone()]).await?;
        let login = found.remove(&login).map(from_item).transpose()?;
        Ok((login, found.remove(&sender).map(from_item).transpose()?.unwrap_or_default()))
    }

    /// The message behind a row of the index.
    pub async fn notice_at(&self, key: &Key) -> Result<Option<Notice>, StoreError> {
        self.get(key).await
    }

    /// Messages that wait, the next one first; at most `limit` per partition.
    pub async fn waiting_notices(&self, until: OffsetDateTime, limit: i32) -> Result<Vec<Notice>, StoreError> {
        let (receipts, bills) = tokio::join!(
            self.wake_ups(WakeKind::Receipt, until, limit),
            self.wake_ups(WakeKind::Message, until, limit)
        );
        let mut keys = receipts?;
        keys.extend(bills?);
        Ok(self
            .notices(&keys)
            .await?
            .into_iter()
            .filter(|notice| matches!(notice.place(), Some(IndexPlace::Wake(_))))
            .collect())
    }

    /// Messages that did not arrive, or of which nobody knows whether they did, oldest first; at most `limit` per
    /// partition.
    pub async fn lost_notices(
        &self,
        since: OffsetDateTime,
        until: OffsetDateTime,
        limit: i32,
    ) -> Result<Vec<Notice>, StoreError> {
        let keys = self.wake_ups_between(WakeKind::LostMessage, since, until, limit).await?;
        Ok(self
            .notices(&keys)
            .await?
            .into_iter()
            .filter(|notice| matches!(notice.place(), Some(IndexPlace::Undelivered(_))))
            .collect())
    }

    async fn notices(&self, keys: &[Key]) -> Result<Vec<Notice>, StoreError> {
        self.get_many(keys).await?.into_iter().map(from_item).collect()
    }

    fn notice_item(&self, notice: &Notice) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::message(&notice.id), notice)?;
        // Codes and receipts have partitions of their own: they do not stand behind a thousand bills.
        let waiting = match notice.kind.class() {
            Class::Code => WakeKind::Code,
            Class::Receipt => WakeKind::Receipt,
            Class::Bill => WakeKind::Message,
        };
        match notice.place() {
            Some(IndexPlace::Wake(at)) => set_wake(&mut item, waiting, notice.id.as_str(), Some(at)),
            Some(IndexPlace::Undelivered(at)) => {
                set_wake(&mut item, WakeKind::LostMessage, notice.id.as_str(), Some(at));
            }
            None => {}
        }
        set_ttl(&mut item, notice.event.at.saturating_add(KEPT));
        put_version(&self.table, item, notice.version)
    }

    fn sender_item(&self, sender: &Sender) -> Result<TransactWriteItem, StoreError> {
        put_version(&self.table, to_item(&keys::sender(), sender)?, sender.version)
    }
}
