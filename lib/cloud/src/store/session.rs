//! Sessions, and the one read that answers who is calling.

use std::collections::HashMap;

use billing::access::phone::Phone;
use billing::id::{CustomerId, InvoiceId};
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use billing::telling::network::NetworkUpdate;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::device::DeviceMemory;
use super::error::{StoreError, unavailable};
use super::item::{self, Item};
use super::keys::{self, Key};
use super::table::Store;

/// A login. The token is nowhere; its hash is the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub customer_id: CustomerId,
    /// The phone that the code went to. The session ends when the line gets another one.
    pub phone: Phone,
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Who is calling, and the invoice they ask about, all read at once.
#[derive(Debug, Clone)]
pub struct Caller {
    pub profile: Profile,
    /// The invoice, if it exists and is theirs.
    pub invoice: Option<Invoice>,
    /// What the network was told of their line. Shown, never decided from: one that cannot be read counts as none.
    pub network_update: Option<NetworkUpdate>,
}

/// The profile, if the session that was read admits to it.
fn admitted(
    found: &mut HashMap<Key, Item>,
    session_key: &Key,
    profile_key: &Key,
    now: OffsetDateTime,
) -> Result<Option<Profile>, StoreError> {
    let session: Option<Session> = found.remove(session_key).map(item::from_item).transpose()?;
    let profile: Option<Profile> = found.remove(profile_key).map(item::from_item).transpose()?;
    let is_valid = |session: &Session, profile: &Profile| {
        now < session.expires_at && profile.phone.as_ref() == Some(&session.phone)
    };
    Ok(session.zip(profile).filter(|(session, profile)| is_valid(session, profile)).map(|(_, profile)| profile))
}

impl Store {
    /// One read: session, profile, what the network was told, and perhaps an invoice of the customer. `None` when there
    /// is no such session, or it expired.
    pub async fn caller(
        &self,
        customer: &CustomerId,
        token_hash: &str,
        invoice: Option<&InvoiceId>,
        now: OffsetDateTime,
    ) -> Result<Option<Caller>, StoreError> {
        let session_key = keys::session(customer, token_hash);
        let profile_key = keys::profile(customer);
        let update_key = keys::network_update(customer);
        let invoice_key = invoice.map(|invoice| keys::invoice(customer, invoice));
        let wanted: Vec<_> =
            [&session_key, &profile_key, &update_key].into_iter().chain(&invoice_key).cloned().collect();
        let mut found = self.get_all(&wanted).await?;
        let Some(profile) = admitted(&mut found, &session_key, &profile_key, now)? else { return Ok(None) };
        let invoice = invoice_key.and_then(|key| found.remove(&key)).map(item::from_item).transpose()?;
        let network_update = found.remove(&update_key).and_then(|item| item::from_item(item).ok());
        Ok(Some(Caller { profile, invoice, network_update }))
    }

    /// One read: session, profile and what is remembered of the customer's modem.
    pub async fn caller_and_device<T: DeserializeOwned>(
        &self,
        customer: &CustomerId,
        token_hash: &str,
        now: OffsetDateTime,
    ) -> Result<Option<(Profile, DeviceMemory<T>)>, StoreError> {
        let session_key = keys::session(customer, token_hash);
        let profile_key = keys::profile(customer);
        let device_key = keys::device(customer);
        let mut found = self.get_all(&[session_key.clone(), profile_key.clone(), device_key.clone()]).await?;
        let profile = admitted(&mut found, &session_key, &profile_key, now)?;
        Ok(profile.map(|profile| (profile, DeviceMemory::read(found.remove(&device_key)))))
    }

    /// Ends a session.
    pub async fn delete_session(&self, customer: &CustomerId, token_hash: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete.set_key(Some(keys::session(customer, token_hash).attributes()));
        delete.send().await.map_err(|error| unavailable(&error)).map(drop)
    }
}
