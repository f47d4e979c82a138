//! What the network was told of each line.

use billing::{customer::Profile, id::CustomerId, network::Notice};
use time::OffsetDateTime;

use super::{
    DueKind, Store, StoreError,
    item::{from_item, put_version, set_due, to_item},
    keys,
};

impl Store {
    /// The line as it stands, and what the network was told of it: one read.
    pub async fn profile_and_notice(&self, customer: &CustomerId) -> Result<Option<(Profile, Option<Notice>)>, StoreError> {
        let (profile_key, notice_key) = (keys::profile(customer), keys::notice(customer));
        let mut found = self.get_all(&[profile_key.clone(), notice_key.clone()]).await?;
        let notice = found.remove(&notice_key).map(from_item).transpose()?;
        let profile = found.remove(&profile_key).map(from_item).transpose()?;
        Ok(profile.map(|profile| (profile, notice)))
    }

    /// What the network was told, for people.
    pub async fn notice(&self, customer: &CustomerId) -> Result<Option<Notice>, StoreError> {
        self.get(&keys::notice(customer)).await
    }

    /// Writes a notice over the version that it was decided from, and answers it as it is stored.
    pub async fn put_notice(&self, notice: Notice) -> Result<Notice, StoreError> {
        let mut item = to_item(&keys::notice(&notice.customer_id), &notice)?;
        set_due(&mut item, DueKind::Notice, notice.customer_id.as_str(), notice.due);
        self.transact(vec![put_version(&self.table, item, notice.version)?]).await?;
        Ok(Notice { version: notice.version.saturating_add(1), ..notice })
    }

    /// Customers whose line the network is to be told of again, longest overdue first, at most `limit` per index partition.
    pub async fn due_notices(&self, now: OffsetDateTime, limit: i32) -> Result<Vec<CustomerId>, StoreError> {
        let keys = self.due(DueKind::Notice, now, limit).await?;
        Ok(keys.iter().filter_map(|key| CustomerId::parse(key.pk.strip_prefix("CUSTOMER#")?).ok()).collect())
    }
}
