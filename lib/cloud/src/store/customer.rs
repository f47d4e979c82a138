//! Customers: their profiles, and how they are found.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use billing::access::phone::Phone;
use billing::id::CustomerId;
use billing::service::customer::Profile;
use billing::service::import::Import;
use billing::telling::event::Event;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::entitlement::grant_key;
use super::error::{StoreError, unavailable};
use super::item::{WakeKind, from_item, put_new, put_over, put_version, set_wake, to_item, write};
use super::keys::{self, Key};
use super::table::Store;

#[derive(Serialize, Deserialize)]
struct CustomerPointer {
    customer_id: CustomerId,
}

/// Lines under one phone that are offered.
const LINES_PER_PHONE: i32 = 20;

impl Store {
    /// A customer's profile.
    pub async fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, StoreError> {
        self.get(&keys::profile(customer)).await
    }

    /// The customer with that user name.
    pub async fn customer_by_username(&self, username: &str) -> Result<Option<Profile>, StoreError> {
        let pointer: Option<CustomerPointer> = self.get(&keys::username(username)).await?;
        match pointer {
            Some(pointer) => self.profile(&pointer.customer_id).await,
            None => Ok(None),
        }
    }

    /// The lines under a phone, at most twenty. One query, and one read if there are any.
    pub async fn lines_of(&self, phone: &Phone) -> Result<Vec<Profile>, StoreError> {
        let query = self.query(keys::phone_partition(phone)).limit(LINES_PER_PHONE);
        let answer = query.send().await.map_err(|error| unavailable(&error))?;
        let ids = answer
            .items()
            .iter()
            .filter_map(|item| item.get("customer_id")?.as_s().ok())
            .filter_map(|id| CustomerId::parse(id).ok());
        let keys: Vec<_> = ids.map(|id| keys::profile(&id)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.get_all(&keys).await?;
        let mut lines = found.into_values().map(from_item).collect::<Result<Vec<Profile>, _>>()?;
        // The look-up is a hint: what counts is the phone in the profile.
        lines.retain(|line| line.phone.as_ref() == Some(phone));
        lines.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(lines)
    }

    /// Carries one imported row out: profile, grant and look-ups, all or nothing.
    pub async fn import_customer(&self, import: &Import) -> Result<(), StoreError> {
        let profile = &import.profile;
        let mut items = vec![self.profile_item(profile)?];
        if let Some(grant) = &import.grant {
            items.push(put_new(&self.table, to_item(&grant_key(grant), grant)?)?);
        }
        let pointer = CustomerPointer { customer_id: profile.id.clone() };
        if profile.version == 0 {
            items.push(put_new(&self.table, to_item(&keys::username(&profile.username), &pointer)?)?);
        }
        if let Some(phone) = &profile.phone {
            items.push(put_over(&self.table, to_item(&keys::phone(phone, &profile.id), &pointer)?)?);
        }
        if let Some(former) = &import.former_phone {
            items.push(self.forget_phone(former, &profile.id)?);
        }
        self.transact(items).await
    }

    fn forget_phone(&self, phone: &Phone, customer: &CustomerId) -> Result<TransactWriteItem, StoreError> {
        let key = keys::phone(phone, customer).attributes();
        write(
            Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key))
                .build()
                .map(|delete| TransactWriteItem::builder().delete(delete)),
        )
    }

    /// The profile behind a row of the index.
    pub async fn woken_profile(&self, key: &Key) -> Result<Option<Profile>, StoreError> {
        self.get(key).await
    }

    /// An expiry that has passed: the profile that knows it was told, and the event.
    pub async fn expire(&self, profile: &Profile, event: &Event, now: OffsetDateTime) -> Result<(), StoreError> {
        self.transact(vec![self.profile_item(profile)?, self.event_item(event, now)?]).await
    }

    pub(super) fn profile_item(&self, profile: &Profile) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::profile(&profile.id), profile)?;
        set_wake(&mut item, WakeKind::Expiry, profile.id.as_str(), profile.tells_expiry_at());
        put_version(&self.table, item, profile.version)
    }
}
