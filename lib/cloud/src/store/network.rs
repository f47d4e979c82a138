//! What the network was told of each line.

use billing::{id::CustomerId, service::customer::Profile, telling::network::NetworkUpdate};
use time::OffsetDateTime;

use super::error::StoreError;
use super::item::{Versioned, WakeKind, from_item, put_version, set_wake, to_item};
use super::keys;
use super::table::Store;

impl Store {
    /// The line as it stands, and what the network was told of it: one read.
    pub async fn profile_and_network_update(
        &self,
        customer: &CustomerId,
    ) -> Result<Option<(Profile, Option<NetworkUpdate>)>, StoreError> {
        let (profile_key, update_key) = (keys::profile(customer), keys::network_update(customer));
        let mut found = self.get_all(&[profile_key.clone(), update_key.clone()]).await?;
        let network_update = found.remove(&update_key).map(from_item).transpose()?;
        let profile = found.remove(&profile_key).map(from_item).transpose()?;
        Ok(profile.map(|profile| (profile, network_update)))
    }

    /// What the network was told, for people.
    pub async fn network_update(&self, customer: &CustomerId) -> Result<Option<NetworkUpdate>, StoreError> {
        self.get(&keys::network_update(customer)).await
    }

    /// Writes a network update over the version that it was decided from.
    pub async fn put_network_update(&self, network_update: NetworkUpdate) -> Result<NetworkUpdate, StoreError> {
        let mut item = to_item(&keys::network_update(&network_update.customer_id), &network_update)?;
        set_wake(&mut item, WakeKind::NetworkUpdate, network_update.customer_id.as_str(), network_update.wake_at);
        self.transact(vec![put_version(&self.table, item, network_update.version)?]).await?;
        Ok(network_update.stored())
    }

    /// Customers whose line the network is to be told of again, longest overdue first, at most `limit` per index
    /// partition.
    pub async fn network_updates_to_send(
        &self,
        now: OffsetDateTime,
        limit: i32,
    ) -> Result<Vec<CustomerId>, StoreError> {
        let keys = self.wake_ups(WakeKind::NetworkUpdate, now, limit).await?;
        Ok(keys.iter().filter_map(|key| CustomerId::parse(key.pk.strip_prefix("CUSTOMER#")?).ok()).collect())
    }
}
