//! Sessions, and the one read that answers who is calling.

use billing::{
    customer::Profile,
    id::{CustomerId, InvoiceId},
    invoice::Invoice,
    phone::Phone,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Store, StoreError, item, keys};

/// A login. The token is nowhere; its hash is the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who is logged in.
    pub customer_id: CustomerId,
    /// The phone that the code went to. The session ends when the line gets another one.
    pub phone: Phone,
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Until when.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// Who is calling, and the invoice they ask about, all read at once.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their profile.
    pub profile: Profile,
    /// The invoice, if it exists and is theirs.
    pub invoice: Option<Invoice>,
}

impl Store {
    /// One read: session, profile and perhaps an invoice of the customer. `None` when there is no such session, or it expired.
    pub async fn caller(
        &self,
        customer: &CustomerId,
        token_hash: &str,
        invoice: Option<&InvoiceId>,
        now: OffsetDateTime,
    ) -> Result<Option<Caller>, StoreError> {
        let session_key = keys::session(customer, token_hash);
        let profile_key = keys::profile(customer);
        let invoice_key = invoice.map(|invoice| keys::invoice(customer, invoice));
        let wanted: Vec<_> = [&session_key, &profile_key].into_iter().chain(&invoice_key).cloned().collect();
        let mut found = self.get_all(&wanted).await?;
        let session: Option<Session> = found.remove(&session_key).map(item::from_item).transpose()?;
        let profile: Option<Profile> = found.remove(&profile_key).map(item::from_item).transpose()?;
        let Some((session, profile)) = session.zip(profile) else { return Ok(None) };
        if now >= session.expires_at || profile.phone.as_ref() != Some(&session.phone) {
            return Ok(None);
        }
        let invoice = invoice_key.and_then(|key| found.remove(&key)).map(item::from_item).transpose()?;
        Ok(Some(Caller { profile, invoice }))
    }

    /// Ends a session.
    pub async fn delete_session(&self, customer: &CustomerId, token_hash: &str) -> Result<(), StoreError> {
        let key = keys::session(customer, token_hash).attributes();
        self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await.map_err(|error| super::unavailable(&error))?;
        Ok(())
    }
}
