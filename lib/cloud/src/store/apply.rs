//! Applying a payment: grant, entitlement, invoice and event.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::{
    id::{CustomerId, InvoiceId},
    payment::invoice::Invoice,
    service::{
        apply::Application,
        customer::Profile,
        entitlement::{Grant, Reason},
    },
    telling::event::Event,
};
use time::OffsetDateTime;

use super::{
    Store, StoreError, WakeKind,
    item::{from_item, put_new, put_over, put_version, set_wake, to_item},
    keys::{self, Key},
    unavailable,
};

/// Pages of grants that are read; three years of monthly grants are one page.
const GRANT_PAGES: usize = 20;

impl Store {
    /// Invoice and profile, read at once.
    pub async fn invoice_and_profile(
        &self,
        customer: &CustomerId,
        invoice: &InvoiceId,
    ) -> Result<Option<(Invoice, Profile)>, StoreError> {
        let (invoice_key, profile_key) = (keys::invoice(customer, invoice), keys::profile(customer));
        let mut found = self.get_all(&[invoice_key.clone(), profile_key.clone()]).await?;
        let invoice = found.remove(&invoice_key).map(from_item).transpose()?;
        let profile = found.remove(&profile_key).map(from_item).transpose()?;
        Ok(invoice.zip(profile))
    }

    /// Every grant of a customer.
    pub async fn grants(&self, customer: &CustomerId) -> Result<Vec<Grant>, StoreError> {
        let mut grants = Vec::new();
        let mut start = None;
        for _ in 0..GRANT_PAGES {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("PK = :pk AND begins_with(SK, :prefix)")
                .expression_attribute_values(":pk", AttributeValue::S(keys::customer_partition(customer)))
                .expression_attribute_values(":prefix", AttributeValue::S(keys::GRANT.to_owned()))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            for item in answer.items.unwrap_or_default() {
                grants.push(from_item(item)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(grants);
            }
        }
        Err(StoreError::Damaged(format!("more grants than can be folded: {customer}")))
    }

    /// Carries an application out: grant, profile and invoice, each over the version it was decided from, what becomes
    /// credit, the renewal that is withdrawn, and the events.
    pub async fn apply(&self, application: &Application, now: OffsetDateTime) -> Result<(), StoreError> {
        let Application { invoice, profile, grant, grant_is_new, events, entries, withdrawal } = application;
        let grant_item = to_item(&grant_key(grant), grant)?;
        // A new grant must not exist; one that changes is guarded by the profile's version, which every grant changes.
        let grant_write =
            if *grant_is_new { put_new(&self.table, grant_item)? } else { put_over(&self.table, grant_item)? };
        let mut items = vec![grant_write, self.profile_item(profile)?, self.invoice_item(invoice)?];
        for event in events {
            items.push(self.event_item(event, now)?);
        }
        items.extend(self.ledger_items(entries, &[], now)?);
        if let Some(withdrawal) = withdrawal {
            items.extend(self.withdrawal_items(withdrawal, now)?);
        }
        self.transact(items).await
    }

    /// The application did not happen in time: tells it again and looks again later.
    pub async fn tell_again(&self, invoice: &Invoice, event: &Event, now: OffsetDateTime) -> Result<(), StoreError> {
        self.transact(vec![self.invoice_item(invoice)?, self.event_item(event, now)?]).await
    }

    /// The profile behind a row of the index.
    pub async fn woken_profile(&self, key: &Key) -> Result<Option<Profile>, StoreError> {
        self.get(key).await
    }

    /// An expiry that has passed: the profile that knows it was told, and the event.
    pub async fn expire(&self, profile: &Profile, event: &Event, now: OffsetDateTime) -> Result<(), StoreError> {
        self.transact(vec![self.profile_item(profile)?, self.event_item(event, now)?]).await
    }

    pub(super) fn profile_item(
        &self,
        profile: &Profile,
    ) -> Result<aws_sdk_dynamodb::types::TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::profile(&profile.id), profile)?;
        set_wake(&mut item, WakeKind::Expiry, profile.id.as_str(), profile.tells_expiry_at());
        put_version(&self.table, item, profile.version)
    }
}

pub(super) fn grant_key(grant: &Grant) -> Key {
    match &grant.reason {
        Reason::Import { .. } => keys::import_grant(&grant.customer_id, grant.sequence),
        Reason::Renewal { invoice_id, settlement_no, .. } | Reason::Upgrade { invoice_id, settlement_no, .. } => {
            keys::grant(&grant.customer_id, invoice_id, *settlement_no)
        }
    }
}
