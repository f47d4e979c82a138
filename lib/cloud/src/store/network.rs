//! What the network was told of each line.

use billing::{id::CustomerId, service::customer::Profile, telling::network::Announcement};
use time::OffsetDateTime;

use super::{
    DueKind, Store, StoreError,
    item::{from_item, put_version, set_due, to_item},
    keys,
};

impl Store {
    /// The line as it stands, and what the network was told of it: one read.
    pub async fn profile_and_announcement(
        &self,
        customer: &CustomerId,
    ) -> Result<Option<(Profile, Option<Announcement>)>, StoreError> {
        let (profile_key, announcement_key) = (keys::profile(customer), keys::announcement(customer));
        let mut found = self.get_all(&[profile_key.clone(), announcement_key.clone()]).await?;
        let announcement = found.remove(&announcement_key).map(from_item).transpose()?;
        let profile = found.remove(&profile_key).map(from_item).transpose()?;
        Ok(profile.map(|profile| (profile, announcement)))
    }

    /// What the network was told, for people.
    pub async fn announcement(&self, customer: &CustomerId) -> Result<Option<Announcement>, StoreError> {
        self.get(&keys::announcement(customer)).await
    }

    /// Writes a announcement over the version that it was decided from, and answers it as it is stored.
    pub async fn put_announcement(&self, announcement: Announcement) -> Result<Announcement, StoreError> {
        let mut item = to_item(&keys::announcement(&announcement.customer_id), &announcement)?;
        set_due(&mut item, DueKind::Announcement, announcement.customer_id.as_str(), announcement.due);
        self.transact(vec![put_version(&self.table, item, announcement.version)?]).await?;
        Ok(Announcement { version: announcement.version.saturating_add(1), ..announcement })
    }

    /// Customers whose line the network is to be told of again, longest overdue first, at most `limit` per index
    /// partition.
    pub async fn due_announcements(&self, now: OffsetDateTime, limit: i32) -> Result<Vec<CustomerId>, StoreError> {
        let keys = self.due(DueKind::Announcement, now, limit).await?;
        Ok(keys.iter().filter_map(|key| CustomerId::parse(key.pk.strip_prefix("CUSTOMER#")?).ok()).collect())
    }
}
